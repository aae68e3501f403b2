//! The action's inputs that are no flags of `run`, and the command line that all of them amount to.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{ArgAction, ValueEnum};

use super::job::Inline;
use crate::cli::failure::Failure;
use crate::cli::input;

const AFTER_HELP: &str = "\
Every flag is read from JULES_BATCH_X_Y, which action.yml sets from the inputs of the same names; so are the flags of
`run`. Outputs go to the file that GITHUB_OUTPUT names, the summary to GITHUB_STEP_SUMMARY.

Examples:
  See what a step would run:
    jules-batch action --prompt 'Fix it' --sources my-org/web --extra-args=-n
  Merge what is ready, as an hourly job does:
    jules-batch action --pulls-only true --pulls 'merge --when approved --yes'
  What a step of the action does at its end:
    exec jules-batch action";

/// `action`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ActionArgs {
    /// The manifest [default: jobs.yaml]
    #[arg(long, value_name = "PATH")]
    pub(super) manifest: Option<PathBuf>,
    /// A prompt, instead of a manifest
    #[arg(long, value_name = "TEXT")]
    pub(super) prompt: Option<String>,
    /// A file with a prompt, instead of a manifest
    #[arg(long, value_name = "PATH")]
    pub(super) prompt_file: Option<PathBuf>,
    /// The prompt's repositories, owner/repo or owner/repo@branch, one a line; without any it works on none
    #[arg(long, value_name = "LINES")]
    pub(super) sources: Option<String>,
    /// The starting branch of sources that name none
    #[arg(long, value_name = "NAME")]
    pub(super) starting_branch: Option<String>,
    /// Follow the sessions to their end
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, value_parser = BoolishValueParser::new(), default_value_t = true)]
    pub(super) wait: bool,
    /// Go on with the last run when it has work left
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, value_parser = BoolishValueParser::new(), default_value_t = true)]
    pub(super) resume: bool,
    /// Write the step's summary
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, value_parser = BoolishValueParser::new(), default_value_t = true)]
    pub(super) summary: bool,
    /// Annotate the manifest with what failed
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, value_parser = BoolishValueParser::new(), default_value_t = true)]
    pub(super) annotations: bool,
    /// How much to log
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t)]
    pub(super) log_level: LogLevel,
    /// Further arguments of `run`: one a line, or a JSON array; no shell reads them
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub(super) extra_args: Option<String>,
    /// What to do about pull requests after the run: commands of `pulls`, one a line
    #[arg(long, value_name = "LINES", allow_hyphen_values = true)]
    pub(super) pulls: Option<String>,
    /// Run nothing, only do what --pulls says
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, value_parser = BoolishValueParser::new(), default_value_t = false)]
    pub(super) pulls_only: bool,
}

/// `--log-level`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogLevel {
    /// Warnings and errors.
    Warn,
    /// What becomes of each task.
    #[default]
    Info,
    /// Requests and decisions as well.
    Debug,
    /// Everything.
    Trace,
}

impl ActionArgs {
    /// Whether there is a prompt instead of a manifest.
    pub(super) fn is_inline(&self) -> bool {
        self.prompt.is_some() || self.prompt_file.is_some()
    }

    /// The prompt and its sources, if there is no manifest.
    ///
    /// # Errors
    ///
    /// Inputs that say half of it, or a prompt file that cannot be read.
    pub(super) fn inline(&self) -> Result<Option<Inline>, Failure> {
        if self.manifest.is_some() && self.is_inline() {
            return Err(Failure::usage("there are a manifest and a prompt").help("set one of them"));
        }
        let prompt = match (&self.prompt, &self.prompt_file) {
            (Some(_), Some(_)) => {
                return Err(Failure::usage("there are a prompt and a prompt file").help("set one of them"));
            }
            (Some(prompt), None) => prompt.clone(),
            (None, Some(path)) => read_prompt(path)?,
            (None, None) if self.sources.is_none() && self.starting_branch.is_none() => return Ok(None),
            (None, None) => {
                return Err(Failure::usage("`sources` and `starting-branch` go with a prompt")
                    .help("set `prompt` or `prompt-file`, or name the sources in the manifest"));
            }
        };
        let sources = self.sources.iter().flat_map(|text| lines(text)).collect();
        Ok(Some(Inline { prompt, sources, branch: self.starting_branch.clone() }))
    }

    /// The command line of the `run` that these inputs ask for; the environment says the rest.
    ///
    /// # Errors
    ///
    /// `extra-args` that are no list.
    pub(super) fn command_line(
        &self,
        var: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Vec<OsString>, Failure> {
        let mut line: Vec<OsString> = vec!["jules-batch".into(), "run".into()];
        let mut flag = |wanted: bool, name: &str| line.extend(wanted.then(|| name.into()));
        flag(!self.wait, "--no-wait");
        flag(!self.resume, "--fresh");
        // "Re-run jobs with debug logging" sets this.
        let debugging = var("RUNNER_DEBUG").is_some_and(|value| value == "1");
        flag(self.log_level == LogLevel::Warn && !debugging, "--quiet");
        flag(self.log_level == LogLevel::Debug || (debugging && self.log_level != LogLevel::Trace), "-v");
        flag(self.log_level == LogLevel::Trace, "-vvv");
        // Where it could be taken for a flag, a path starts with `./`.
        line.extend(self.manifest.as_ref().map(|path| match path.to_string_lossy().starts_with('-') {
            true => Path::new(".").join(path).into_os_string(),
            false => path.clone().into_os_string(),
        }));
        line.extend(self.extra()?.into_iter().map(OsString::from));
        Ok(line)
    }

    fn extra(&self) -> Result<Vec<String>, Failure> {
        let text = self.extra_args.as_deref().unwrap_or_default();
        if !text.trim_start().starts_with('[') {
            return Ok(lines(text).collect());
        }
        serde_json::from_str(text).map_err(|error| {
            Failure::usage(format!("`extra-args` is not a JSON array of strings: {error}"))
                .help("write one argument a line, or for example [\"--sample\", \"5\"]")
        })
    }
}

/// Non-empty lines without the space around them: a list as an input.
pub(super) fn lines(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned)
}

fn read_prompt(path: &Path) -> Result<String, Failure> {
    input::read("prompt file", path)
        .map_err(|failure| failure.help("`prompt-file` is a path in `working-directory`"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Wrapper {
        #[command(flatten)]
        args: ActionArgs,
    }

    fn args(line: &[&str]) -> ActionArgs {
        Wrapper::try_parse_from(std::iter::once("action").chain(line.iter().copied())).unwrap().args
    }

    fn line(given: &[&str], debug: bool) -> String {
        let var = |name: &str| (name == "RUNNER_DEBUG" && debug).then(|| "1".to_owned());
        let line = args(given).command_line(&var).unwrap();
        line.iter().map(|part| part.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn switches_become_flags_of_run() {
        assert_eq!(line(&[], false), "jules-batch run");
        assert_eq!(line(&["--wait", "false", "--resume=false"], false), "jules-batch run --no-wait --fresh");
        assert_eq!(
            line(&["--log-level", "warn", "--manifest", "a.yaml"], false),
            "jules-batch run --quiet a.yaml"
        );
        assert_eq!(line(&["--manifest=-x.yaml"], false), "jules-batch run ./-x.yaml");
    }

    #[test]
    fn a_debugged_job_logs_more() {
        assert_eq!(line(&["--log-level", "warn"], true), "jules-batch run -v");
        assert_eq!(line(&["--log-level", "debug"], true), "jules-batch run -v");
        assert_eq!(line(&["--log-level", "trace"], true), "jules-batch run -vvv");
    }

    #[test]
    fn further_arguments_are_lines_or_json() {
        assert_eq!(line(&["--extra-args", "--sample\n 5 \n\n"], false), "jules-batch run --sample 5");
        assert_eq!(line(&["--extra-args", " [\"--var\", \"a=b c\"]"], false), "jules-batch run --var a=b c");
        for wrong in ["[1]", "[\"a\""] {
            let error = args(&["--extra-args", wrong]).command_line(&|_| None).unwrap_err();
            assert!(error.headline().contains("JSON array"), "{}", error.headline());
        }
    }

    #[test]
    fn a_prompt_needs_no_manifest() {
        let inline = args(&["--prompt", "p", "--sources", "o/a\n\n o/b@dev\n", "--starting-branch", "main"]);
        let inline = inline.inline().unwrap().unwrap();
        assert_eq!((inline.prompt.as_str(), inline.branch.as_deref()), ("p", Some("main")));
        assert_eq!(inline.sources, ["o/a", "o/b@dev"]);
        assert!(args(&[]).inline().unwrap().is_none());
        assert!(args(&["--sources", "o/a"]).inline().is_err());
    }

    #[test]
    fn a_prompt_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prompt.md");
        std::fs::write(&path, "from a file").unwrap();
        let inline = args(&["--prompt-file", path.to_str().unwrap()]).inline().unwrap().unwrap();
        assert_eq!((inline.prompt.as_str(), inline.sources.len()), ("from a file", 0));
        let error = args(&["--prompt-file", "missing.md"]).inline().unwrap_err();
        assert!(error.headline().contains("missing.md"), "{}", error.headline());
    }

    #[test]
    fn a_manifest_and_a_prompt_exclude_each_other() {
        assert!(args(&["--manifest", "a.yaml", "--prompt", "p"]).inline().is_err());
        assert!(args(&["--prompt-file", "a.md", "--prompt", "p"]).inline().is_err());
        assert!(args(&["--manifest", "a.yaml", "--sources", "o/a"]).inline().is_err());
    }
}
