//! Change sets for reading.

use anstyle::Style;

use crate::cli::console::{BOLD, CYAN, DIM, GREEN, RED, YELLOW};
use crate::report::many;
use jules::{ChangeSet, Diff, FileChange};

/// Files listed before the rest is only counted.
const MOST_FILES: usize = 20;

/// How much changed, then a line a file with + and −.
pub(crate) fn summary(change_set: &ChangeSet, full: bool) -> String {
    let diff = change_set.diff();
    let mut lines = vec![headline(&diff)];
    let shown = if full { diff.files.len() } else { MOST_FILES };
    for file in diff.files.iter().take(shown) {
        let sign = match file.change {
            FileChange::Added => "A",
            FileChange::Modified => "M",
            FileChange::Deleted => "D",
            FileChange::Renamed => "R",
            FileChange::Copied => "C",
        };
        let from = match &file.old_path {
            Some(old) => format!("{} → ", foreign_text::line(old)),
            None => String::new(),
        };
        let count = if file.binary {
            format!("{DIM}binary{DIM:#}")
        } else {
            format!("{GREEN}+{}{GREEN:#} {RED}−{}{RED:#}", file.additions, file.deletions)
        };
        lines.push(format!("  {sign} {from}{}  {count}", foreign_text::line(&file.path)));
    }
    if diff.files.len() > shown {
        lines.push(format!("  {DIM}and {} more{DIM:#}", diff.files.len() - shown));
    }
    if diff.unread {
        lines.push(format!("  {YELLOW}the patch holds changes that could not be read: look at it{YELLOW:#}"));
    }
    lines.join("\n")
}

fn headline(diff: &Diff) -> String {
    format!(
        "{}  {GREEN}+{}{GREEN:#} {RED}−{}{RED:#}",
        many(diff.files.len(), "file"),
        diff.additions(),
        diff.deletions()
    )
}

/// The patch itself with colours: for reading, not for `git apply`, because control characters are replaced.
pub(crate) fn patch(patch: &str) -> String {
    let neutral = foreign_text::tame(patch);
    let mut out = String::with_capacity(neutral.len() + neutral.len() / 4);
    for line in neutral.lines() {
        let style = match line.as_bytes() {
            [b'd', b'i', b'f', b'f', b' ', ..] | [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => BOLD,
            [b'@', b'@', ..] => CYAN,
            [b'+', ..] => GREEN,
            [b'-', ..] => RED,
            _ => Style::new(),
        };
        out.push_str(&format!("{style}{line}{style:#}\n"));
    }
    out
}
