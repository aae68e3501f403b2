//! `session new`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::{connect, follow, refused};
use crate::api::NewSession;
use crate::cli::args::Service;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::report::console_fragment as neutral;

const AFTER_HELP: &str = "\
Stdout carries the new session's id and page, with a tab between. The plan waits for `session approve` unless
--no-approval is given.

Examples:
  jules-batch session new 'Fix the flaky login test' --source my-org/web --branch main
  jules-batch session new --prompt-file task.md --source my-org/web --branch main --auto-pr --no-approval --follow
  git log -5 | jules-batch session new - ";

/// `session new`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct NewArgs {
    /// What to do; - reads it from stdin
    #[arg(value_name = "PROMPT", required_unless_present = "prompt_file")]
    prompt: Option<String>,
    /// Read the prompt from a file; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "prompt")]
    prompt_file: Option<PathBuf>,
    /// The repository, owner/repo; without it the session works on none
    #[arg(long, value_name = "OWNER/REPO")]
    source: Option<String>,
    /// The branch to start from [default: the repository's default branch, as the service tells it]
    #[arg(long, value_name = "BRANCH", requires = "source")]
    branch: Option<String>,
    /// The session's title
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Open a pull request when it is done
    #[arg(long)]
    auto_pr: bool,
    /// Do not wait for an approval of the plan
    #[arg(long)]
    no_approval: bool,
    /// Print what happens until it ends, as `session stream` does
    #[arg(long)]
    follow: bool,
    /// How to reach the service.
    #[command(flatten)]
    service: Service,
}

pub(super) async fn run(args: &NewArgs, console: &Console) -> Result<Exit, Failure> {
    let jules = connect(&args.service)?;
    let mut new = NewSession::new(prompt(args)?).require_approval(!args.no_approval);
    if let Some(title) = &args.title {
        new = new.title(title.as_str());
    }
    if args.auto_pr {
        new = new.auto_pr(true);
    }
    if let Some(source) = &args.source {
        let branch = match &args.branch {
            Some(branch) => branch.clone(),
            None => default_branch(&jules, source).await?,
        };
        new = new.source(source.as_str()).branch(branch);
    }
    let session = jules.session(new).await.map_err(|error| {
        let sure = error.surely_not_processed();
        let failure = refused(error);
        if sure {
            failure
        } else {
            failure.help("it may have been created all the same: jules-batch session list")
        }
    })?;
    let url = session.url().map(neutral).unwrap_or_default();
    console.result_line(&format!("{}\t{url}", session.id()))?;
    if args.follow {
        return follow::until_end(&session, None, follow::Format::Text, console).await;
    }
    console.say(&format!("what next: jules-batch session stream {}", session.id()));
    Ok(Exit::Done)
}

async fn default_branch(jules: &crate::api::Jules, source: &str) -> Result<String, Failure> {
    let name = crate::api::SourceName::new(source).map_err(Failure::usage)?;
    let found = jules.get_source(&name).await.map_err(refused)?;
    found.default_branch().map(str::to_owned).ok_or_else(|| {
        Failure::usage(format!("the service does not tell the default branch of {}", neutral(source)))
            .help("name it with --branch")
    })
}

fn prompt(args: &NewArgs) -> Result<String, Failure> {
    let text = match (&args.prompt, &args.prompt_file) {
        (Some(text), _) if text != "-" => text.clone(),
        (_, Some(path)) if path != Path::new("-") => std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?,
        _ => stdin()?,
    };
    if text.trim().is_empty() {
        return Err(Failure::usage("the prompt is empty"));
    }
    Ok(text)
}

/// All of stdin as text.
pub(super) fn stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("cannot read stdin: {error}")))?;
    Ok(text)
}
