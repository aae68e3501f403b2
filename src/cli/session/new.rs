//! `session new`: creates a session.

use std::path::PathBuf;
use std::time::Duration;

use foreign_text::line as neutral;
use serde_json::json;
use tokio::time::Instant;

use super::render::Rendering;
use super::target::{Access, Format};
use super::write::once;
use super::{prompt, stream};
use crate::cli::client::{self, said_when_long};
use crate::cli::console::{BOLD, Console, DIM};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::json;
use crate::cli::signals::Signals;
use crate::plan::{Repository, parse_repository};
use jules::{Jules, NewSession, SessionClient, SourceName};

const AFTER_HELP: &str = "\
Stdout carries the id alone. The plan waits for `session approve` unless --no-approval is given; a pull request is
opened only with --auto-pr. Without --source the session works without a repository.

A failed creation is repeated only when the service surely has not created anything.

Examples:
  jules-batch session new 'Fix the flaky test' --source my-org/web
  jules-batch session new -F task.md --source my-org/web@develop --follow
  git log -5 | jules-batch session new - --title 'Release notes'";

/// So long a session may take to be known; clients have seen some seconds.
const KNOWN_WITHIN: Duration = Duration::from_secs(30);
/// The longest pause between two looks for it.
const LOOK: Duration = Duration::from_secs(1);

/// `session new`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct NewArgs {
    /// What to do; - reads it from stdin, as does nothing when something is piped in
    #[arg(value_name = "PROMPT", conflicts_with = "file")]
    prompt: Option<String>,
    /// Read the prompt from a file; - is stdin
    #[arg(short = 'F', long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The repository, owner/repo or owner/repo@branch
    #[arg(short, long, value_name = "SOURCE")]
    source: Option<String>,
    /// The branch to start from [default: the repository's default branch]
    #[arg(short, long, value_name = "BRANCH", requires = "source")]
    branch: Option<String>,
    /// A title [default: the first line of the prompt]; a marker is added, by which a lost session is found
    #[arg(long, value_name = "TITLE")]
    title: Option<String>,
    /// Let Jules open a pull request by itself
    #[arg(long, requires = "source")]
    auto_pr: bool,
    /// Do not wait for an approval of the plan
    #[arg(long)]
    no_approval: bool,
    /// Print the activities as well, until the session ends
    #[arg(long)]
    follow: bool,
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    format: Format,
    /// How to reach the service.
    #[command(flatten)]
    access: Access,
}

pub(super) async fn run(args: &NewArgs, console: &Console) -> Result<Exit, Failure> {
    let prompt = prompt::read(args.prompt.as_deref(), args.file.as_deref(), "prompt")?;
    let place = args.source.as_deref().map(|source| place(source, args.branch.as_deref())).transpose()?;
    let jules = args.access.prompt()?;
    let mut new = NewSession::new(prompt).require_approval(!args.no_approval);
    if args.auto_pr {
        new = new.auto_pr(true);
    }
    new.title.clone_from(&args.title);
    if let Some((name, branch)) = place {
        let branch = match branch {
            Some(branch) => branch,
            None => {
                let branch = default_branch(&jules, &name);
                said_when_long("looking up the default branch", console, branch).await?
            }
        };
        new = new.source(name.as_str()).branch(branch);
    }
    let look = "jules-batch session list";
    let session = once(jules.session(new), "creating the session", look, console).await?;
    print(&session, args, console)?;
    if !args.follow {
        let known = until_known(&session, args.access.poll_interval);
        return said_when_long("waiting until the service knows it everywhere", console, known).await;
    }
    // The handle of the creation knows that the session is fresh, and the activities may be missing for a while.
    let interval = args.access.poll_interval;
    let activities = session.stream().poll_interval(interval);
    stream::follow(activities, session.id(), args.format, &Rendering::new(false), console).await
}

fn print(session: &SessionClient, args: &NewArgs, console: &Console) -> Result<(), Failure> {
    let id = session.id();
    match args.format {
        Format::Text => console.result_line(id.as_str())?,
        Format::Json => {
            let value = json!({"id": id, "name": id.name(), "url": session.url()});
            console.result_line(&json::line(&value)?)?;
        }
    }
    if let Some(url) = session.url() {
        console.say(&format!("{BOLD}created{BOLD:#} {}", neutral(url)));
    }
    if !args.follow {
        let next = if args.no_approval { "stream" } else { "chat" };
        console.say(&format!("{DIM}go on with: jules-batch session {next} {id}{DIM:#}"));
    }
    Ok(())
}

/// The service needs some seconds until it knows a new session everywhere, and the next command of a script would not
/// find it. How long it takes is no failure of this command, and neither is a signal: all is done and told.
async fn until_known(session: &SessionClient, interval: Duration) -> Result<Exit, Failure> {
    let started = Instant::now();
    let look = async {
        while let Err(error) = session.info().await {
            if !error.is_not_found() || started.elapsed() > KNOWN_WITHIN {
                return;
            }
            tokio::time::sleep(interval.min(LOOK)).await;
        }
    };
    let mut signals = Signals::new()?;
    tokio::select! {
        () = look => {}
        _ = signals.next() => {}
    }
    Ok(Exit::Done)
}

/// Takes `owner/repo@branch` apart; `--branch` stands for the part behind the `@`.
fn place(source: &str, branch: Option<&str>) -> Result<(SourceName, Option<String>), Failure> {
    let refused = |(what, help): (String, String)| Failure::usage(what).help(help);
    let Repository { github, branch: written } = parse_repository(source).map_err(refused)?;
    let name = SourceName::new(&github)
        .map_err(|error| Failure::usage(error).help("see them all: jules-batch sources"))?;
    match (written, branch) {
        (Some(one), Some(other)) if one != other => {
            Err(Failure::usage(format!("the source names branch `{one}`, and --branch names `{other}`")))
        }
        (_, Some("")) => Err(Failure::usage("the branch is empty")),
        (written, given) => Ok((name, written.or_else(|| given.map(str::to_owned)))),
    }
}

/// The service refuses a repository without a branch.
async fn default_branch(jules: &Jules, name: &SourceName) -> Result<String, Failure> {
    let source = jules.get_source(name).await.map_err(|error| {
        if error.is_not_found() {
            let failure =
                Failure::new(Exit::Fault, format!("the service does not know {name}")).because(&error);
            return failure.help("see what is connected: jules-batch sources");
        }
        client::refused(error)
    })?;
    source.default_branch().map(str::to_owned).ok_or_else(|| {
        Failure::usage(format!("the service does not tell the default branch of {name}"))
            .help("name one with --branch")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(source: &str, branch: Option<&str>) -> Option<(String, Option<String>)> {
        place(source, branch).ok().map(|(name, branch)| (name.github().unwrap().to_owned(), branch))
    }

    #[test]
    fn a_branch_stands_behind_the_source_or_in_its_flag() {
        let place = |branch: Option<&str>| Some(("o/r".to_owned(), branch.map(str::to_owned)));
        assert_eq!(taken("o/r", None), place(None));
        assert_eq!(taken("o/r@dev", None), place(Some("dev")));
        assert_eq!(taken("o/r", Some("dev")), place(Some("dev")));
        assert_eq!(taken("o/r@dev", Some("dev")), place(Some("dev")));
        assert_eq!(taken("o/r@a@b", None), place(Some("a@b")));
        for (source, branch) in [("o/r@a", Some("b")), ("o/r@", None), ("o", None), ("o/r", Some(""))] {
            assert_eq!(taken(source, branch), None, "{source} {branch:?}");
        }
    }
}
