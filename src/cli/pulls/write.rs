//! The flags of the commands that write to pull requests.

use std::time::Duration;

use clap::{ArgAction, ValueEnum};
use tokio::time::Instant;

use super::act::{self, ActArgs, Acted, Task, Words, needed};
use crate::cli::args::Service;
use crate::cli::client;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::github::{GitHub, MergeMethod};
use crate::manifest::parse_duration;
use crate::pulls::{MergeTerms, Terms};
use crate::runner::What;

pub(super) const MERGE_HELP: &str = "\
A pull request is merged only if one reading, at most 30 seconds old, shows that all of this holds: its checks have passed, it
can be merged by the rules of its repository, nobody but Jules and you has pushed to its branch, it has no hold label, and the
same head was seen so --settle earlier, by this command or one before it. The head that was read is the one that is merged, or
none. One after the other in each repository, and read again in between. A merge queue is used where there is one. An
administrator's token merges nothing past a rule.

A cron that runs this is the policy for merging; there is no other. It ends with 0 when nothing is left but for people, with 5
when checks, Jules or GitHub are still at work, with 1 when GitHub refused something.

Examples:
  jules-batch pulls merge -n
  jules-batch pulls merge --select 'stage(ready)' --yes
  jules-batch pulls merge --select 'job(upgrade)' --when approved --max 20
  jules-batch pulls merge my-org/web#12 --method rebase";

pub(super) const CLOSE_HELP: &str = "\
What somebody else has pushed to, or what is on hold, is left.

Examples:
  jules-batch pulls close --select 'stage(conflict) & age(>14d)' -n
  jules-batch pulls close my-org/web#12 --delete-branch --yes";

pub(super) const MESSAGE_HELP: &str = "\
The message goes to the session that made the pull request, which wakes up and pushes to the same branch. For each head there is
at most one, whoever asks, and none to what is merged, or to what somebody else has pushed to. --with-failed-checks adds the
names of the checks that have failed.

Examples:
  jules-batch pulls message 'Please repair the failing checks.' \\
    --with-failed-checks --select 'stage(checks-failed)'
  jules-batch pulls message 'Resolve the conflicts with main.' \\
    --select 'stage(conflict)' --max 10 --yes";

pub(super) const UPDATE_HELP: &str = "\
Merges the base into the branch, where a rule wants branches up to date and it is behind. In each repository one at a time gets
there: the next when the one before is merged. The token of a job of GitHub Actions cannot do it: what it pushes starts no checks.

Examples:
  jules-batch pulls update -n
  jules-batch pulls update --select 'stage(behind)' --yes";

/// `pulls merge`.
#[derive(Debug, clap::Args)]
#[command(after_help = MERGE_HELP)]
pub(super) struct MergeArgs {
    /// Which, and whether to ask.
    #[command(flatten)]
    act: ActArgs,
    /// When: once it is ready, or once somebody who may write has also approved its very head
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    when: When,
    /// Also what has no checks at all
    #[arg(long)]
    unchecked: bool,
    /// How commits get into the base [default: what the repository allows; squash, then merge, then rebase]
    #[arg(long, value_name = "METHOD", value_enum)]
    method: Option<Method>,
    /// Whether the branch of what is merged is deleted
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true")]
    delete_branch: bool,
    /// Keep away from what has this label
    #[arg(long, value_name = "LABEL", default_value = "hold")]
    hold_label: String,
    /// For how long a head has to be seen with passed checks
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "2m")]
    settle: Duration,
    /// How to reach the service, which is asked whether sessions are at work again.
    #[command(flatten)]
    service: Service,
}

/// `pulls merge --when`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum When {
    /// When GitHub's rules allow it
    #[default]
    Ready,
    /// When it is also approved
    Approved,
}

/// `pulls merge --method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// One commit
    Squash,
    /// A merge commit
    Merge,
    /// Each commit anew
    Rebase,
}

/// `pulls close`.
#[derive(Debug, clap::Args)]
#[command(after_help = CLOSE_HELP)]
pub(super) struct CloseArgs {
    /// Which, and whether to ask.
    #[command(flatten)]
    act: ActArgs,
    /// Delete the branch as well
    #[arg(long)]
    delete_branch: bool,
}

/// `pulls message`.
#[derive(Debug, clap::Args)]
#[command(after_help = MESSAGE_HELP)]
pub(super) struct MessageArgs {
    /// What to say
    #[arg(value_name = "TEXT")]
    text: String,
    /// Which, and whether to ask.
    #[command(flatten)]
    act: ActArgs,
    /// Add the names of the checks that have failed
    #[arg(long)]
    with_failed_checks: bool,
    /// How to reach the service.
    #[command(flatten)]
    service: Service,
}

/// `pulls update`.
#[derive(Debug, clap::Args)]
#[command(after_help = UPDATE_HELP)]
pub(super) struct UpdateArgs {
    /// Which, and whether to ask.
    #[command(flatten)]
    act: ActArgs,
}

pub(super) async fn merge(args: &MergeArgs, console: &Console) -> Result<Acted, Failure> {
    let github = needed()?;
    let terms = Terms {
        settle: args.settle,
        hold_label: args.hold_label.clone(),
        takes_unchecked: args.unchecked,
        ..Terms::default()
    };
    let method = args.method.map(|method| match method {
        Method::Squash => MergeMethod::Squash,
        Method::Merge => MergeMethod::Merge,
        Method::Rebase => MergeMethod::Rebase,
    });
    let what = What::Merge(MergeTerms {
        settle: args.settle,
        hold_label: args.hold_label.clone(),
        takes_unchecked: args.unchecked,
        wants_approval: args.when == When::Approved,
        method,
    });
    // Without a key nobody can ask whether a session is at work again; its head is pinned all the same.
    let jules = client::connect(&args.service).ok();
    let words = Words { verb: "merge", done: "merged" };
    let task = Task { what, terms, delete_branch: args.delete_branch, words, jules };
    act::run(&args.act, task, &github, console).await
}

pub(super) async fn close(args: &CloseArgs, console: &Console) -> Result<Acted, Failure> {
    let words = Words { verb: "close", done: "closed" };
    let task = Task {
        what: What::Close,
        terms: Terms::default(),
        delete_branch: args.delete_branch,
        words,
        jules: client::connect(&Service::default()).ok(),
    };
    act::run(&args.act, task, &needed()?, console).await
}

pub(super) async fn message(args: &MessageArgs, console: &Console) -> Result<Acted, Failure> {
    let text = args.text.trim();
    if text.is_empty() {
        return Err(Failure::usage("the message is empty").help("say what is to be done"));
    }
    let what = What::Message { text: text.to_owned(), with_failed_checks: args.with_failed_checks };
    let words = Words { verb: "message", done: "sent" };
    let jules = Some(client::connect(&args.service)?);
    let task = Task { what, terms: Terms::default(), delete_branch: false, words, jules };
    act::run(&args.act, task, &needed()?, console).await
}

pub(super) async fn update(args: &UpdateArgs, console: &Console) -> Result<Acted, Failure> {
    let github = needed()?;
    if is_of_actions(&github).await {
        return Err(Failure::usage("the token is that of a job of GitHub Actions: what it pushes starts no checks, so that nothing would become ready")
            .help("set JULES_BATCH_GITHUB_TOKEN to a user's token or to one of an app of your own"));
    }
    let words = Words { verb: "update", done: "updated" };
    // Without a key nobody can ask whether a session that was at work has ended.
    let jules = client::connect(&Service::default()).ok();
    let task = Task { what: What::Update, terms: Terms::default(), delete_branch: false, words, jules };
    act::run(&args.act, task, &github, console).await
}

/// By the login: an app of one's own has another, and its pushes do start workflows.
async fn is_of_actions(github: &GitHub) -> bool {
    let deadline = Instant::now() + Duration::from_secs(30);
    github.viewer(deadline).await.is_ok_and(|login| login.trim_end_matches("[bot]") == "github-actions")
}
