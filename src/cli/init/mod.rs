//! `init`: a manifest to begin with.

mod template;

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use foreign_text::line as neutral;

use super::console::{BOLD, Console, DIM};
use super::exit::Exit;
use super::failure::Failure;
use super::planned;
use super::quote::quoted;
use crate::ledger::open_regular;
use crate::manifest::{self, LoadOptions, MAX_FILE_BYTES};
use crate::plan::{self, Plan, parse_repository};
use template::Answers;

const AFTER_HELP: &str = "\
On a terminal it asks for the repositories, the prompt, and how many sessions there may be at once; elsewhere it writes a
manifest to be filled in, for the GitHub repository of the folder. Nothing that is there is overwritten. A line for
.jules-batch and jules-report is added to .gitignore.

Examples:
  jules-batch init
  jules-batch init nightly.yaml --sources repos.txt
  jules-batch init --from-workflow .github/workflows/test.yml
  jules-batch init --example";

/// The prompt of whoever gives none.
const PROMPT: &str =
    "Fix the warnings of the linter in ${{ source.repo }}. Change nothing else, and run the tests.";

/// What a run leaves in the folder, for .gitignore.
const LEFT: [&str; 2] = [".jules-batch/", "jules-report/"];

/// `init`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct InitArgs {
    /// The manifest to write [default: jobs.yaml; with --example, jobs.example.yaml]
    #[arg(value_name = "MANIFEST")]
    manifest: Option<PathBuf>,
    /// Take over the matrices of a GitHub workflow's jobs
    #[arg(long, value_name = "FILE")]
    from_workflow: Option<PathBuf>,
    /// A file that lists the repositories: one a line, or .csv with a header github,branch
    #[arg(long, value_name = "FILE")]
    sources: Option<PathBuf>,
    /// Write the example that shows every key, and ask nothing
    #[arg(long, conflicts_with_all = ["from_workflow", "sources"])]
    example: bool,
}

pub(crate) fn run(args: &InitArgs, console: &Console) -> Result<Exit, Failure> {
    let usual = if args.example { "jobs.example.yaml" } else { "jobs.yaml" };
    let path = args.manifest.clone().unwrap_or_else(|| usual.into());
    if path.symlink_metadata().is_ok() {
        return Err(there_already(&path));
    }
    let text = if args.example { template::example().to_owned() } else { new(args, &path, console)? };
    check(&text, &path, console)?;
    write(&path, &text)?;
    console.result_line(&path.display().to_string())?;
    let ignored = ignore(path.parent().unwrap_or(Path::new("")));
    match ignored {
        Ok(Some(file)) => console.say(&format!("{DIM}{} leaves out what runs write{DIM:#}", file.display())),
        Ok(None) => {}
        Err(error) => console.warn(&format!("cannot add to .gitignore: {error}")),
    }
    let name = quoted(&path);
    console.say(&format!(
        "next, without a key:  {BOLD}jules-batch run {name} --simulate{BOLD:#}\n\
         then for real:        {BOLD}jules-batch doctor{BOLD:#}, {BOLD}jules-batch run {name}{BOLD:#}"
    ));
    Ok(Exit::Done)
}

fn there_already(path: &Path) -> Failure {
    let name = quoted(path);
    Failure::usage(format!(
        "`{}` is there already; it is not overwritten",
        neutral(&path.display().to_string())
    ))
    .help(format!("see what it does: jules-batch plan {name}, or write another: jules-batch init other.yaml"))
}

/// The text of a manifest, from the flags and from whoever is asked.
fn new(args: &InitArgs, path: &Path, console: &Console) -> Result<String, Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut answers = Answers { prompt: PROMPT.to_owned(), max_parallel: 3, ..Answers::default() };
    if let Some(file) = &args.from_workflow {
        let jobs = manifest::workflow_jobs(file).map_err(|found| planned::invalid(&found, console))?;
        answers.workflow = jobs.taken;
        if !jobs.left_out.is_empty() {
            let names = neutral(&jobs.left_out.join(", "));
            console.warn(&format!("left out, as an expression tells the matrix: {names}"));
        }
        retain_common_keys(&mut answers, path, console)?;
    }
    if let Some(file) = &args.sources {
        answers.list = Some(inside(folder, file)?);
    }
    let here = repository_of(folder);
    if console.interactive() {
        ask(&mut answers, here.as_deref(), console);
    } else if answers.list.is_none() {
        answers.sources = vec![here.unwrap_or_else(|| "my-org/my-repo".to_owned())];
    }
    Ok(template::manifest(&answers, &quoted(path)))
}

/// Leaves each job the keys of its matrix that all its tasks have: a prompt that names another cannot be run for some.
fn retain_common_keys(answers: &mut Answers, path: &Path, console: &Console) -> Result<(), Failure> {
    let keys: Vec<Vec<String>> =
        answers.workflow.iter_mut().map(|job| std::mem::take(&mut job.keys)).collect();
    let plan = expanded(&template::manifest(answers, ""), path, console)?;
    for (job, keys) in answers.workflow.iter_mut().zip(keys) {
        let tasks = || plan.tasks.iter().filter(|task| task.job.as_str() == job.id);
        job.keys = keys.into_iter().filter(|key| tasks().all(|task| task.matrix.contains_key(key))).collect();
    }
    Ok(())
}

/// How a manifest in `folder` names a file, which must be there or below.
fn inside(folder: &Path, file: &Path) -> Result<String, Failure> {
    let shown = neutral(&file.display().to_string());
    let real = |path: &Path| {
        path.canonicalize().map_err(|error| {
            let name = neutral(&path.display().to_string());
            let failure = Failure::usage(format!("cannot read `{name}`")).because(&error);
            if error.kind() != std::io::ErrorKind::NotFound {
                return failure;
            }
            failure.help(match path == file {
                true => {
                    "name a file that lists the repositories, owner/repo or owner/repo@branch, one a line"
                }
                false => "make the folder first, or write the manifest into one that is there",
            })
        })
    };
    let (home, real) = (real(folder)?, real(file)?);
    let Ok(below) = real.strip_prefix(&home) else {
        return Err(Failure::usage(format!("`{shown}` is not in the manifest's folder or below it"))
            .help("move it there, or write the manifest beside it"));
    };
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Ok(parts.join("/"))
}

/// Three questions.
fn ask(answers: &mut Answers, here: Option<&str>, console: &Console) {
    while answers.list.is_none() {
        let question = "Which repositories? owner/repo or owner/repo@branch, several with spaces; - for none";
        let words = console.ask(question, here.unwrap_or("-"));
        let words: Vec<&str> =
            words.split([' ', ',']).filter(|word| !word.is_empty() && *word != "-").collect();
        let wrong = words.iter().find_map(|word| parse_repository(word).err());
        if let Some((what, help)) = wrong {
            console.warn(&format!("{}; {}", neutral(&what), neutral(&help)));
            continue;
        }
        answers.sources = words.into_iter().map(str::to_owned).collect();
        break;
    }
    if answers.workflow.is_empty() {
        let prompt = if answers.sources.is_empty() && answers.list.is_none() {
            "Write a file ideas.md with three ideas for a command-line tool."
        } else {
            PROMPT
        };
        answers.prompt = console.ask("What is Jules to do there? In words; it can be changed later", prompt);
    }
    loop {
        let count = console.ask("How many sessions at once? Your plan at Jules allows 3, 15 or 60", "3");
        match count.parse() {
            Ok(count) if (1..=1_000).contains(&count) => {
                answers.max_parallel = count;
                return;
            }
            _ => console.warn("a whole number from 1 is wanted"),
        }
    }
}

/// The GitHub repository of the folder, if git knows one.
fn repository_of(folder: &Path) -> Option<String> {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(["config", "--get", "remote.origin.url"]);
    let output = git.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let repository = parse_repository(String::from_utf8(output.stdout).ok()?.trim()).ok()?;
    Some(repository.github)
}

/// What is written can be run.
fn check(text: &str, path: &Path, console: &Console) -> Result<(), Failure> {
    expanded(text, path, console).map(drop)
}

fn expanded(text: &str, path: &Path, console: &Console) -> Result<Plan, Failure> {
    let invalid = |found| planned::invalid(&found, console);
    let manifest = manifest::parse(text, path, &LoadOptions::default()).map_err(invalid)?;
    plan::expand(&manifest, None).map_err(invalid)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => there_already(path),
        kind => {
            let failure =
                Failure::new(Exit::Fault, format!("cannot write {}", neutral(&path.display().to_string())));
            let failure = failure.because(&error);
            match kind {
                std::io::ErrorKind::NotFound => failure.help("make its folder first"),
                _ => failure,
            }
        }
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(cannot)?;
    file.write_all(text.as_bytes()).map_err(cannot)
}

/// Adds what runs leave to the folder's .gitignore; the file, if something was added.
fn ignore(folder: &Path) -> std::io::Result<Option<PathBuf>> {
    let path = folder.join(".gitignore");
    let mut file = open_regular(&path, OpenOptions::new().read(true).create(true).append(true))?;
    let mut known = String::new();
    (&file).take(MAX_FILE_BYTES).read_to_string(&mut known)?;
    let is_known = |entry: &str| {
        let bare = entry.trim_matches('/');
        known.lines().any(|line| line.trim().trim_matches('/') == bare)
    };
    let missing: Vec<&str> = LEFT.into_iter().filter(|entry| !is_known(entry)).collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let gap = if known.is_empty() || known.ends_with('\n') { "" } else { "\n" };
    file.write_all(format!("{gap}{}\n", missing.join("\n")).as_bytes())?;
    Ok(Some(path))
}
