//! The workflows that are shipped, each run twice as its CI system would, and killed in between: nothing is done twice.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::{KEY, Manifest, World, at_once, tasks};

const SHARDS: usize = 3;

/// What a CI system keeps from one job to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kept {
    /// A folder outside of the checkout.
    Outside,
    /// `.jules-batch` of the checkout, put back into the next one; a killed job may save it or not.
    Cached,
    /// As that, and it was not saved.
    NotSaved,
}

struct Recipe {
    file: &'static str,
    kept: Kept,
    /// The variables that tell a job which of several it is; `N` counts from 0, `N1` from 1.
    shard: &'static [(&'static str, &'static str)],
}

const RECIPES: [Recipe; 15] = [
    Recipe { file: "github/mass-upgrade.yml", kept: Kept::Cached, shard: GITHUB },
    Recipe { file: "github/mass-upgrade.yml", kept: Kept::NotSaved, shard: GITHUB },
    Recipe { file: "github/nightly-refactor.yml", kept: Kept::Cached, shard: GITHUB },
    Recipe { file: "github/nightly-refactor.yml", kept: Kept::NotSaved, shard: GITHUB },
    Recipe { file: "github/campaign.yml", kept: Kept::Cached, shard: GITHUB },
    Recipe { file: "github/campaign.yml", kept: Kept::NotSaved, shard: GITHUB },
    Recipe { file: "github/labelled-pull-request.yml", kept: Kept::NotSaved, shard: GITHUB },
    Recipe { file: "buildkite.yml", kept: Kept::Outside, shard: BUILDKITE },
    Recipe { file: "gitlab-ci.yml", kept: Kept::Cached, shard: GITLAB },
    Recipe { file: "gitlab-ci.yml", kept: Kept::NotSaved, shard: GITLAB },
    Recipe { file: "circleci.yml", kept: Kept::Cached, shard: CIRCLE },
    Recipe { file: "circleci.yml", kept: Kept::NotSaved, shard: CIRCLE },
    Recipe { file: "azure-pipelines.yml", kept: Kept::Cached, shard: AZURE },
    Recipe { file: "azure-pipelines.yml", kept: Kept::NotSaved, shard: AZURE },
    Recipe { file: "kubernetes-job.yaml", kept: Kept::Outside, shard: KUBERNETES },
];

/// What needs a database and several machines: `shared_state` tries what they do.
const WITH_DATABASE: [&str; 3] = ["github/teams.yml", "kubernetes-cronjob.yaml", "compose.yaml"];

const BUILDKITE: &[(&str, &str)] = &[
    ("BUILDKITE", "true"),
    ("BUILDKITE_PIPELINE_SLUG", "web"),
    ("BUILDKITE_PARALLEL_JOB", "N"),
    ("BUILDKITE_PARALLEL_JOB_COUNT", "3"),
];
const GITLAB: &[(&str, &str)] = &[("GITLAB_CI", "true"), ("CI_NODE_INDEX", "N1"), ("CI_NODE_TOTAL", "3")];
const CIRCLE: &[(&str, &str)] =
    &[("CIRCLECI", "true"), ("CIRCLE_NODE_INDEX", "N"), ("CIRCLE_NODE_TOTAL", "3")];
const AZURE: &[(&str, &str)] =
    &[("TF_BUILD", "True"), ("SYSTEM_JOBPOSITIONINPHASE", "N1"), ("SYSTEM_TOTALJOBSINPHASE", "3")];
const KUBERNETES: &[(&str, &str)] = &[("JOB_COMPLETION_INDEX", "N"), ("JULES_BATCH_SHARD_TOTAL", "3")];

/// One job, and no shards.
const GITHUB: &[(&str, &str)] = &[("GITHUB_ACTIONS", "true"), ("GITHUB_RUN_ATTEMPT", "1")];

/// What expressions of the shipped workflows are in the test: the hour of a run, not one of those between.
const CONTEXT: &[(&str, &str)] = &[
    ("github.repository", "my-org/web"),
    ("github.head_ref", "main"),
    ("github.event.schedule == '37 * * * *'", "false"),
    ("secrets.CAMPAIGN_TOKEN", "ghp_of-the-tests"),
];

impl Recipe {
    fn is_an_action(&self) -> bool {
        self.file.starts_with("github/")
    }

    fn shards(&self) -> usize {
        if self.is_an_action() { 1 } else { SHARDS }
    }

    /// How many tasks the manifest has, or the prompt that is one of its own.
    fn tasks(&self) -> usize {
        if self.file.ends_with("labelled-pull-request.yml") { 1 } else { 9 }
    }

    /// What the workflow gives to the action, as action.yml hands it on.
    fn inputs(&self) -> Vec<(String, String)> {
        if !self.is_an_action() {
            return Vec::new();
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workflows").join(self.file);
        let workflow: serde_json::Value = serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let jobs = workflow["jobs"].as_object().unwrap().values();
        let mut steps = jobs.flat_map(|job| job["steps"].as_array().unwrap());
        let step = steps.find(|step| step["uses"].as_str().is_some_and(|uses| uses.contains("jules-batch@")));
        let inputs = step.unwrap()["with"].as_object().unwrap().iter();
        let inputs = inputs.filter(|(name, _)| *name != "jules-api-key" && *name != "state-cache");
        inputs
            .map(|(name, value)| {
                let filled = |text: String, (expression, value): &(&str, &str)| {
                    text.replace(&format!("${{{{ {expression} }}}}"), value)
                };
                let value = CONTEXT.iter().fold(value.as_str().unwrap().to_owned(), filled);
                assert!(!value.contains("${{"), "{}: {value}", self.file);
                (format!("JULES_BATCH_{}", name.replace('-', "_").to_uppercase()), value)
            })
            .collect()
    }
}

/// The command line that the recipe has, with its folders below the world's.
fn command(recipe: &Recipe, world: &World) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workflows").join(recipe.file);
    let text = fs::read_to_string(root).unwrap();
    let line = match recipe.file {
        "kubernetes-job.yaml" => {
            let line = text.lines().find(|line| line.trim_start().starts_with("args: [run,")).unwrap();
            let args = line.split_once('[').unwrap().1.trim_end_matches(']').replace(',', " ");
            format!("jules-batch {}", args.replace("$(", "${").replace(')', "}"))
        }
        _ => text.lines().find(|line| line.contains("jules-batch run jobs.yaml")).unwrap().to_owned(),
    };
    let from = line.find("jules-batch run").unwrap();
    let line = line[from..].split("||").next().unwrap().replace("$$", "$");
    let outside = world.path("outside").display().to_string();
    let line = line.replace("/var/lib/jules-batch", &outside).replace("/state/", &format!("{outside}/"));
    line.replace("/manifest/", &format!("{}/", world.path("manifest").display()))
}

/// One job, in that checkout.
fn start(recipe: &Recipe, world: &World, checkout: &Path, shard: usize) -> Child {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_jules-batch"));
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let mut sh = Command::new("sh");
    let line = if recipe.is_an_action() { "jules-batch action".to_owned() } else { command(recipe, world) };
    sh.arg("-c")
        .arg(format!("exec {line}"))
        .current_dir(checkout)
        .env_clear()
        .env("PATH", path)
        .env("HOME", world.folder())
        .env("CI", "true");
    if recipe.is_an_action() {
        // In the time of a test, where the manifest is not ours.
        sh.envs(recipe.inputs()).env("JULES_BATCH_POLL_INTERVAL", "15ms");
    }
    sh.env("JULES_BASE_URL", world.service().url()).env("GITHUB_API_URL", world.github_url());
    sh.env("JULES_API_KEY", KEY).stdout(Stdio::null()).stderr(Stdio::null());
    for (name, value) in recipe.shard {
        let value = value.replace("N1", &(shard + 1).to_string()).replace('N', &shard.to_string());
        sh.env(name, value);
    }
    sh.spawn().unwrap()
}

fn checkout(recipe: &Recipe, world: &World, build: usize, shard: usize) -> PathBuf {
    let folder = match recipe.file {
        // The pod's working folder is the volume.
        "kubernetes-job.yaml" => world.path("outside"),
        _ => world.path(&format!("builds/{build}-{shard}/checkout")),
    };
    fs::create_dir_all(&folder).unwrap();
    fs::create_dir_all(world.path("outside")).unwrap();
    fs::create_dir_all(world.path("manifest")).unwrap();
    let manifest = manifest().to_string();
    fs::write(folder.join("jobs.yaml"), &manifest).unwrap();
    for (_, file) in recipe.inputs().iter().filter(|(name, _)| name == "JULES_BATCH_MANIFEST") {
        fs::create_dir_all(folder.join(".github")).unwrap();
        fs::write(folder.join(file), &manifest).unwrap();
    }
    fs::write(world.path("manifest/jobs.yaml"), manifest).unwrap();
    folder
}

fn manifest() -> Manifest {
    tasks(9).set("strategy", "{ max-parallel: 3 }")
}

fn restore(from: &Path, to: &Path) {
    let Ok(files) = fs::read_dir(from.join(".jules-batch")) else { return };
    fs::create_dir_all(to.join(".jules-batch")).unwrap();
    for file in files.map(Result::unwrap) {
        fs::copy(file.path(), to.join(".jules-batch").join(file.file_name())).unwrap();
    }
}

#[test]
fn no_shipped_workflow_does_anything_twice() {
    at_once(RECIPES, |recipe| {
        // To resume nothing means that each job that was not killed does its work.
        let is_resumed = !recipe.inputs().contains(&("JULES_BATCH_RESUME".to_owned(), "false".to_owned()));
        // What is at work is taken up even then: it has to be, however slow the machine is.
        let duration = if is_resumed { "1500ms" } else { "10s" };
        let world = World::new(&format!("{{ defaults: {{ duration: {duration}, outcome: change }} }}"));
        let first: Vec<PathBuf> =
            (0..recipe.shards()).map(|shard| checkout(&recipe, &world, 1, shard)).collect();
        let mut jobs: Vec<Child> =
            first.iter().enumerate().map(|(shard, at)| start(&recipe, &world, at, shard)).collect();
        let begun = recipe.tasks().min(recipe.shards() + 1) as u64;
        world.until(|world| world.statistics().created >= begun);
        for job in &mut jobs {
            let _ = job.kill();
            job.wait().unwrap();
        }
        for build in 2..if is_resumed { 4 } else { 3 } {
            for (shard, before) in first.iter().enumerate() {
                let next = checkout(&recipe, &world, build, shard);
                if recipe.kept == Kept::Cached {
                    let from = if build == 2 { before.clone() } else { checkout(&recipe, &world, 2, shard) };
                    restore(&from, &next);
                }
                let code = start(&recipe, &world, &next, shard).wait().unwrap().code();
                assert_eq!(code, Some(0), "{} {:?}, build {build}", recipe.file, recipe.kept);
            }
        }
        let statistics = world.statistics();
        assert_eq!(statistics.duplicates, [], "{} {:?}", recipe.file, recipe.kept);
        assert_eq!(statistics.created, recipe.tasks() as u64, "{} {:?}", recipe.file, recipe.kept);
    });
}

#[test]
fn every_shipped_workflow_is_tried() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workflows");
    let files = |below: &str| fs::read_dir(folder.join(below)).unwrap().map(Result::unwrap);
    let names = files("").map(|file| file.file_name().to_string_lossy().into_owned());
    let of_github = files("github").map(|file| format!("github/{}", file.file_name().to_string_lossy()));
    for name in names.chain(of_github) {
        let is_workflow = name.ends_with(".yml") || name.ends_with(".yaml");
        let is_tried = RECIPES.iter().any(|recipe| recipe.file == name);
        assert!(!is_workflow || is_tried || WITH_DATABASE.contains(&&*name), "{name}");
    }
}
