//! `session archive`: out of the way, but not gone.

use super::bulk::{Bulk, Words};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

const AFTER_HELP: &str = "\
A session that has not ended is paused by the archive, and the service has no call that resumes it: hence the
question. --yes answers it.

Examples:
  jules-batch session archive 123 124
  jules-batch session list --state ended --all --format ids | xargs jules-batch session archive --yes";

/// `session archive`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ArchiveArgs {
    /// Which.
    #[command(flatten)]
    bulk: Bulk,
}

pub(super) async fn run(args: &ArchiveArgs, console: &Console) -> Result<Exit, Failure> {
    let live = "the archive pauses what runs, and nothing resumes it";
    let words = Words { verb: "Archive", done: "archived", live: Some(live) };
    args.bulk.run(&words, console, |client| async move { client.archive().await }).await
}
