//! `session unarchive`: back among the others.

use super::bulk::{Bulk, Words};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

const AFTER_HELP: &str = "\
Asks nothing: it can be undone.

Examples:
  jules-batch session list --archived
  jules-batch session unarchive 123";

/// `session unarchive`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct UnarchiveArgs {
    /// Which.
    #[command(flatten)]
    bulk: Bulk,
}

pub(super) async fn run(args: &UnarchiveArgs, console: &Console) -> Result<Exit, Failure> {
    let words = Words { verb: "Unarchive", done: "unarchived", live: None };
    args.bulk.run(&words, console, |client| async move { client.unarchive().await }).await
}
