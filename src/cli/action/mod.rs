//! `action`: the entry point of the GitHub Action.
//!
//! A composite action hands its inputs over as variables. What `run` knows by a flag arrives as that flag's
//! variable; only what `run` does not know is an argument here.

mod job;
mod outputs;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ArgAction;
use clap::builder::BoolishValueParser;

use super::args::{Args, Command};
use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::run::{self, Ended, RunArgs};

const AFTER_HELP: &str = "\
Every flag of `run` holds here by its variable: JULES_BATCH_MAX_PARALLEL, JULES_BATCH_SELECT, … In a composite action
each input becomes one variable, and the script is one line:

  exec \"$JULES_BATCH\" action

Exit codes 4 (nothing selected) and 5 (work left) become 0, unless --fail-on names `empty` or `incomplete`; the raw
code is the output `exit-code`.";

/// `action`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ActionArgs {
    /// The manifest [default: jobs.yaml, unless there is a prompt]
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// A prompt instead of a manifest
    #[arg(long, value_name = "TEXT", conflicts_with = "manifest")]
    pub(crate) prompt: Option<String>,
    /// A file with a prompt instead of a manifest
    #[arg(long, value_name = "FILE", conflicts_with_all = ["manifest", "prompt"])]
    pub(crate) prompt_file: Option<PathBuf>,
    /// The repositories for the prompt, one a line: owner/repo or owner/repo@branch; none for a session on none
    #[arg(long, value_name = "LINES", default_value = "", hide_default_value = true)]
    pub(crate) sources: String,
    /// The branch to start from where a source names none
    #[arg(long, value_name = "BRANCH")]
    pub(crate) starting_branch: Option<String>,
    /// Whether to follow the sessions to their end
    #[arg(long, value_name = "BOOL", default_value = "true", action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    pub(crate) wait: bool,
    /// Whether to go on with an earlier run that has work left
    #[arg(long, value_name = "BOOL", default_value = "true", action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    pub(crate) resume: bool,
    /// Whether to write the step's summary
    #[arg(long, value_name = "BOOL", default_value = "true", action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    pub(crate) summary: bool,
    /// Whether to annotate the manifest with what failed
    #[arg(long, value_name = "BOOL", default_value = "true", action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    pub(crate) annotations: bool,
    /// More arguments for `run`: a JSON array of texts, or one a line; no shell reads them
    #[arg(
        long,
        value_name = "LINES",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub(crate) extra_args: String,
}

pub(crate) async fn run(args: &ActionArgs, console: &Console) -> Result<Exit, Failure> {
    let run = run_args(args)?;
    let ended = match job::job(args, &run, console) {
        Ok(job) => run::execute(&run, &job, console).await,
        Err(failure) => Err(failure),
    };
    let (ended, failure) = match ended {
        Ok(ended) => (ended, None),
        Err(failure) => (Ended::from(failure.exit()), Some(failure)),
    };
    outputs::write(args, &run, &ended, console)?;
    match failure {
        Some(failure) if code(ended.exit, &run) != Exit::Done => Err(failure),
        Some(failure) => {
            console.failure(&failure);
            Ok(Exit::Done)
        }
        None => Ok(code(ended.exit, &run)),
    }
}

/// The step's exit code: a run that has nothing to do, or goes on tomorrow, is a green step unless it must not be.
fn code(exit: Exit, run: &RunArgs) -> Exit {
    match exit {
        Exit::NothingSelected if !run.fail_on.empty => Exit::Done,
        Exit::WorkLeft if !run.fail_on.incomplete => Exit::Done,
        _ => exit,
    }
}

/// The arguments of `run`: its variables, what the action's inputs amount to, and the free ones.
fn run_args(args: &ActionArgs) -> Result<Box<RunArgs>, Failure> {
    let mut line: Vec<OsString> = vec!["jules-batch".into(), "run".into()];
    if !args.wait {
        line.push("--no-wait".into());
    }
    if !args.resume {
        line.push("--fresh".into());
    }
    line.extend(free(&args.extra_args)?.into_iter().map(OsString::from));
    if let Some(manifest) = &args.manifest {
        line.extend(["--".into(), manifest.clone().into()]);
    }
    match Args::parse_from_env(line) {
        Ok(Args { command: Command::Run(run), .. }) => Ok(run),
        Ok(_) => Err(Failure::usage("the arguments are not those of `run`")),
        Err(error) => Err(Failure::rendered(Exit::Usage, error.to_string())),
    }
}

/// The free arguments.
fn free(text: &str) -> Result<Vec<String>, Failure> {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).map_err(|error| {
            Failure::usage(format!("extra-args is no JSON array of texts: {error}"))
                .help("write [\"--sample\", \"5\"], or one argument a line")
        });
    }
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn parsed(line: &[&str]) -> ActionArgs {
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            action: ActionArgs,
        }
        Line::parse_from(["action"].iter().chain(line)).action
    }

    #[test]
    fn inputs_become_arguments_of_run() {
        let run =
            run_args(&parsed(&["--wait", "false", "--resume=false", "--manifest", "a b.yaml"])).unwrap();
        assert!(run.no_wait && run.fresh);
        assert_eq!(run.manifest, PathBuf::from("a b.yaml"));
        let run = run_args(&parsed(&["--extra-args", "--sample\n5\n\n--max-tasks=2"])).unwrap();
        assert_eq!((run.selection.sample, run.max_tasks), (Some(5), Some(2)));
        let run = run_args(&parsed(&["--extra-args", r#"["--var", "a=b\nc"]"#])).unwrap();
        assert_eq!(run.selection.var, ["a=b\nc"]);
        assert!(!run.no_wait && !run.fresh);
    }

    #[test]
    fn free_arguments_cannot_become_another_command() {
        assert!(run_args(&parsed(&["--extra-args", "--no-such-flag"])).is_err());
        assert!(run_args(&parsed(&["--extra-args", "[1"])).is_err());
    }

    #[test]
    fn a_step_is_green_while_work_is_left_unless_it_must_not_be() {
        let run =
            |fail_on: &str| run_args(&parsed(&["--extra-args", &format!("--fail-on={fail_on}")])).unwrap();
        assert_eq!(code(Exit::WorkLeft, &run("any")), Exit::Done);
        assert_eq!(code(Exit::WorkLeft, &run("any,incomplete")), Exit::WorkLeft);
        assert_eq!(code(Exit::NothingSelected, &run("any")), Exit::Done);
        assert_eq!(code(Exit::NothingSelected, &run("empty")), Exit::NothingSelected);
        assert_eq!(code(Exit::TasksFailed, &run("any")), Exit::TasksFailed);
    }
}
