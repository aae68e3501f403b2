//! The input `pulls`: commands of `jules-batch pulls`, one a line, done after the run or without one.

use std::ffi::OsString;
use std::path::Path;

use clap::Subcommand;
use foreign_text::line as neutral;

use super::inputs::{ActionArgs, lines};
use super::{Came, misused};
use crate::cli::args::Args;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::pulls::{self, Acted, PullsArgs, Standing};
use crate::cli::signals::Signals;
use crate::cli::{recorded, redact};
use crate::ledger::{LedgerReader, Location};
use crate::outcome::RunRecord;

/// What is to be done about pull requests.
#[derive(Debug)]
pub(super) struct Commands {
    commands: Vec<PullsArgs>,
}

/// A line of it.
#[derive(Debug, Subcommand)]
enum Step {
    /// Show how pull requests stand, and act on them
    Pulls(Box<PullsArgs>),
}

impl Commands {
    /// Reads them, with the environment for what they do not say.
    ///
    /// # Errors
    ///
    /// A line that is no command, or one that nobody can do without a token.
    pub(super) fn of(args: &ActionArgs) -> Result<Self, Failure> {
        let text = args.pulls.as_deref().unwrap_or_default();
        let commands: Vec<_> =
            lines(text).map(|line| command(&line, args.is_inline())).collect::<Result<_, _>>()?;
        if args.pulls_only && commands.is_empty() {
            return Err(Failure::usage("`pulls-only` is set, and `pulls` says nothing")
                .help("say what to do, for example with pulls: merge --select 'stage(ready)' --yes"));
        }
        let has_token = !matches!(redact::github_token(), Ok(None));
        if !has_token && commands.iter().any(PullsArgs::writes) {
            return Err(Failure::new(Exit::KeyRefused, "`pulls` needs a token for GitHub")
                .help("give the action one as `github-token`"));
        }
        Ok(Self { commands })
    }

    /// Does them one after the other, and reads how pull requests stand then. The next is done also when one failed: each
    /// says for itself what may be done.
    pub(super) async fn carry_out(
        &self,
        location: &Location,
        manifest: Option<(&Path, &[String])>,
        came: &mut Came,
        console: &Console,
    ) {
        if !self.commands.is_empty() {
            if LedgerReader::open(location).is_err_and(|error| error.is_missing()) {
                console.say("there is no ledger of an earlier run: no pull request is known");
            } else {
                came.ends.extend(self.act(&mut came.acted, console).await);
                came.record = came.record.take().map(|record| again(location, record, console));
            }
        }
        match Standing::read(location, manifest, console) {
            Ok(standing) => came.standing = standing,
            // Nothing but the outputs asks for it, and a run says itself what is wrong with its manifest.
            Err(failure) if self.commands.is_empty() => drop(failure),
            Err(failure) => came.ends.push(Err(failure)),
        }
    }

    async fn act(&self, summary: &mut String, console: &Console) -> Vec<Result<Exit, Failure>> {
        let mut ends = Vec::new();
        for command in &self.commands {
            // What is being done at that moment is in the ledger.
            let acted = match Signals::new() {
                Ok(mut signals) => tokio::select! {
                    acted = Box::pin(pulls::act(command, console)) => acted,
                    signal = signals.next() => Ok(Acted { exit: signal.exit(), markdown: String::new() }),
                },
                Err(failure) => Err(failure),
            };
            let is_over =
                acted.as_ref().is_ok_and(|acted| matches!(acted.exit, Exit::Interrupted | Exit::Terminated));
            ends.push(acted.map(|acted| {
                summary.push_str(&acted.markdown);
                acted.exit
            }));
            if is_over {
                break;
            }
        }
        ends
    }
}

/// The run, with what was done to its pull requests since.
fn again(location: &Location, record: RunRecord, console: &Console) -> RunRecord {
    let read = LedgerReader::open(location).map_err(recorded::unreadable);
    read.and_then(|reader| recorded::find(&reader, Some(&record.info.id), console)).unwrap_or(record)
}

/// One line: words as a shell would have them, but nothing is expanded.
fn command(line: &str, is_inline: bool) -> Result<PullsArgs, Failure> {
    let words = shell_words::split(line).map_err(|_| {
        Failure::usage(format!("a quote has no end in `pulls`: {}", neutral(line)))
            .help("each line is one command, for example: merge --select 'stage(ready)' --yes")
    })?;
    // A prompt is no file: whatever this job has made is meant.
    let says_which = words.iter().any(|word| word == "--all" || word.starts_with("--manifest"));
    let all = (is_inline && !says_which).then(|| "--all".to_owned());
    let given = ["jules-batch", "pulls"].map(str::to_owned).into_iter().chain(words).chain(all);
    let Args { command: Step::Pulls(args), .. } =
        Args::parse_from_env(given.map(OsString::from)).map_err(|error| misused(&error))?;
    Ok(*args)
}
