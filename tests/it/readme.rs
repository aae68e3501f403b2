//! README.md followed from top to bottom in a fresh folder: its command blocks run, and leave what it says.
//!
//! With the binary that `README_PROGRAM` names, else the one of the tests. What needs a clone of the repository (`cargo test`, `cargo install`, `.ci/run`, the comparison with the SDK) is for CI.

use std::path::Path;

use crate::support::{Ended, World};

const README: &str = include_str!("../../README.md");

/// The account that README's manifests speak of, in a hurry.
const SCENARIO: &str = "{ sources: [{ repo: my-org/backend, default-branch: develop }, { repo: my-org/web }, { repo: 'my-org/svc-{n}', count: 2 }, \
     { repo: my-org/svc-legacy }], defaults: { duration: 40ms, outcome: pull-request, patch: \"diff --git a/NEW b/NEW\\nnew file mode 100644\\n--- /dev/null\\n+++ b/NEW\\n@@ -0,0 +1 @@\\n+x\\n\" } }";

/// What a manifest is given for that: no distance between requests and creates that anybody would notice.
const HURRY: &str = "poll: { interval: 20ms }\ntimeouts: { settle: 100ms }\n\
    limits: { requests-per-minute: 600000, creates-per-minute: 600000 }\n";

/// The fenced blocks of a text: language and content.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("\n```") {
        let (language, behind) = behind.split_once('\n').unwrap();
        let (block, behind) = behind.split_once("\n```").unwrap();
        found.push((language, block));
        rest = behind;
    }
    found
}

/// A command without the comment behind it.
fn bare(line: &str) -> &str {
    line.split_once(" #").map_or(line, |(command, _)| command).trim()
}

/// Whether it is of a clone of the repository, sets up a key of one's own, or is another program's.
fn is_elsewhere(line: &str) -> bool {
    ["cargo test", "cargo install", "cargo build", "docker ", ".ci/run", "export JULES_API_KEY", "GH_HOST="]
        .iter()
        .any(|it| line.starts_with(it))
}

/// Runs a line as a shell would, with the service of the world in place of the real one.
fn shell<'w>(world: &'w World, line: &str) -> Ended<'w> {
    let line = line.replace("cargo run --release -- ", "jules-batch ");
    let program =
        std::env::var_os("README_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_jules-batch").into());
    let path = format!("PATH={}:$PATH", Path::new(&program).parent().unwrap().display());
    // The conversation is ended by hand.
    let input = if line.contains("session chat") { "echo /quit | " } else { "" };
    let before = "[ ! -f id ] || id=$(cat id)";
    let github = world.github_url();
    let before = format!("export GH_TOKEN=any-token GITHUB_API_URL={github}; {before}");
    let after = "[ -z \"${id:-}\" ] || echo \"$id\" > id";
    let script = format!("{path}; {before}\nset -e\n{input}{line}\n{after}");
    world.shell(&script)
}

#[test]
fn every_command_of_readme_runs_in_a_fresh_folder() {
    let world = World::new(SCENARIO);
    world.write("jobs.example.yaml", include_str!("../../jobs.example.yaml"));
    // A work tree in which nothing is uncommitted, for `session diff --apply`.
    assert_eq!(world.shell("git init -q . && echo '*' > .git/info/exclude").code, Some(0));
    let mut ran = Vec::new();
    for (language, block) in blocks(README) {
        if language == "yaml" && block.starts_with("# jobs.yaml\n") {
            // In the time of a test; all else as it stands.
            world.write("jobs.yaml", &format!("{block}\n{HURRY}"));
        }
        for line in
            block.lines().map(bare).filter(|line| language == "sh" && !line.is_empty() && !is_elsewhere(line))
        {
            if line.contains("session diff") {
                let approved = shell(
                    &world,
                    "jules-batch session approve \"$id\" --yes\njules-batch session result \"$id\" --timeout 30s --settle 100ms",
                );
                assert_eq!(approved.code, Some(0), "{approved}");
            }
            let before = world.statistics().created;
            let ended = shell(&world, line);
            assert_eq!(ended.code, Some(0), "{line}: {ended}");
            judge(&world, line, &ended, world.statistics().created - before);
            ran.push(line.to_owned());
        }
    }
    assert!(ran.len() >= 11, "{ran:#?}");
}

const CAMPAIGNS: &str = include_str!("../../docs/campaigns.md");

/// The commands of the guide's blocks, and those before what they print.
fn commands_of_campaigns() -> Vec<String> {
    let mut found = Vec::new();
    for (language, block) in blocks(CAMPAIGNS) {
        let block = block.replace("\\\n", " ");
        let lines = block.lines().map(bare);
        match language {
            "sh" => found.extend(lines.map(str::to_owned)),
            "text" => found.extend(lines.filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned)),
            _ => {}
        }
    }
    found.retain(|line| line.starts_with("jules-batch ") && !line.starts_with("jules-batch simulate"));
    found
}

/// It takes days; that its commands, flags and expressions are known is seen in a second.
#[test]
fn every_command_of_the_guide_to_campaigns_is_known() {
    let (campaign, waves) = (
        include_str!("../../examples/campaign/campaign.yaml"),
        include_str!("../../examples/campaign/waves.yaml"),
    );
    let (_, shown) = campaign.split_once('\n').unwrap();
    assert!(CAMPAIGNS.contains(shown), "the guide shows the manifest of its example:\n{shown}");
    let scenario = "{ sources: [{ repo: 'my-org/svc-{n}', count: 3 }], defaults: { duration: 40ms, outcome: pull-request } }";
    let world = World::new(scenario);
    let quick = "poll: { interval: 20ms }\ntimeouts: { settle: 100ms }\nlimits: { sessions-per-day: 100, creates-per-minute: 600000 }";
    world.write("jobs.yaml", &campaign.replace("limits: { sessions-per-day: 100 }", quick));
    world.write("waves.yaml", waves);
    assert_eq!(shell(&world, "jules-batch run").code, Some(0));
    let commands = commands_of_campaigns();
    assert!(commands.len() > 30, "{commands:#?}");
    for line in commands {
        let acts = ["run", "pulls merge", "pulls close", "pulls message", "pulls update"];
        let is_action = acts.iter().any(|it| line.starts_with(&format!("jules-batch {it}")));
        let ended = shell(
            &world,
            &if is_action && !line.contains(" -n") { format!("{line} -n") } else { line.clone() },
        );
        let is_known = ["unexpected argument", "unrecognized", "invalid value", "cannot be used with"]
            .iter()
            .all(|words| !ended.stderr.contains(words));
        assert!(is_known && ended.code != Some(3), "{line}: {ended}");
    }
}

/// Whether a command has done what README says.
fn judge(world: &World, line: &str, ended: &Ended<'_>, created: u64) {
    match line {
        "cargo run --release -- run jobs.example.yaml --simulate" => {
            for file in ["junit.xml", "report.json", "report.html"] {
                assert!(world.path("jules-report").join(file).exists(), "{file}");
            }
            assert!(ended.stderr.contains("SIMULATED") && created == 0, "{ended}");
            let status = shell(world, "jules-batch status");
            assert!(status.stdout.contains("simulated") && status.code == Some(0), "{status}");
        }
        "jules-batch doctor" => assert!(!ended.stdout.contains("error "), "{ended}"),
        "jules-batch run" => {
            assert!(created > 0, "{ended}");
            let lines = ended.stdout.lines().filter(|line| line.starts_with("succeeded\t"));
            assert_eq!(lines.count() as u64, created, "one line a task: {ended}");
        }
        "jules-batch run --failed" => assert!(ended.stderr.contains("nothing") || created == 0, "{ended}"),
        _ if line.starts_with("jules-batch plan") => {
            assert!(!ended.stdout.is_empty() && created == 0, "it touches nothing: {ended}");
        }
        _ if line.starts_with("id=") => assert_eq!(created, 1, "{ended}"),
        _ => assert_eq!(created, 0, "{line}: {ended}"),
    }
}
