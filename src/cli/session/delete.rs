//! `session delete`: gone for good.

use super::bulk::{Bulk, Words};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

const AFTER_HELP: &str = "\
Shows the sessions and asks first; --yes answers. Nothing brings a deleted session back; pull requests stay.

Examples:
  jules-batch session delete 123 124
  jules-batch session list --state failed --all --format ids | xargs jules-batch session delete --yes";

/// `session delete`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct DeleteArgs {
    /// Which.
    #[command(flatten)]
    bulk: Bulk,
}

pub(super) async fn run(args: &DeleteArgs, console: &Console) -> Result<Exit, Failure> {
    let live = "unfinished work is lost";
    let words = Words { verb: "Delete", done: "deleted", live: Some(live) };
    args.bulk.run(&words, console, |client| async move { client.delete().await }).await
}
