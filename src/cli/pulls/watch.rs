//! `pulls list --watch`: reads what is due until nothing is open, and shows what changes.

use jiff::Timestamp;
use tokio::time::sleep;

use super::list::{ListArgs, keep};
use super::render;
use super::which::read;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::signals::Signals;
use crate::github::GitHub;
use crate::pulls::{ReadingPlan, Spent, Terms, plan, until};
use crate::runner::KnownPull;

/// Follows them until nothing is open, or the user has seen enough.
pub(super) async fn watch(
    mut pulls: Vec<KnownPull>,
    (args, terms): (&ListArgs, &Terms),
    github: &GitHub,
    console: &Console,
) -> Result<Vec<KnownPull>, Failure> {
    let mut signals = Signals::new()?;
    let mut spent = None;
    show(&pulls, args, console);
    while pulls.iter().any(KnownPull::may_be_open) {
        let now = Timestamp::now();
        let statuses: Vec<_> = pulls.iter().map(KnownPull::status).collect();
        let ReadingPlan { first, by_id, next } = plan(&statuses, spent, 1.0, now);
        let mut due = [first, by_id].concat();
        due.sort_unstable();
        if due.is_empty() {
            let Some(next) = next else { break };
            tokio::select! {
                () = sleep(until(next, now)) => continue,
                _ = signals.next() => break,
            }
        }
        let mut reading: Vec<_> = due.iter().map(|place| pulls[*place].clone()).collect();
        let before: Vec<_> = reading.iter().map(|pull| pull.status().map(|status| status.stage)).collect();
        let readings = tokio::select! {
            readings = read(&mut reading, github, terms, console) => readings,
            _ = signals.next() => break,
        };
        keep(&args.which, &readings, now, console)?;
        spent = Some(Spent { at: now, points: readings.usage.points });
        for ((place, read), before) in due.into_iter().zip(reading).zip(before) {
            let changed = read.status().map(|status| status.stage) != before;
            if changed && !console.live() && args.which.means(&read, now) {
                console.result(&render::tsv(std::slice::from_ref(&read)))?;
            }
            pulls[place] = read;
        }
        show(&pulls, args, console);
    }
    console.draw(None);
    Ok(pulls)
}

/// Draws the table in place of the last one.
fn show(pulls: &[KnownPull], args: &ListArgs, console: &Console) {
    if !console.live() {
        return;
    }
    let now = Timestamp::now();
    let is_shown = |pull: &&KnownPull| args.which.means(pull, now) && pull.may_be_open();
    let mut shown: Vec<KnownPull> = pulls.iter().filter(is_shown).cloned().collect();
    render::sort(&mut shown);
    let (width, height) = console.size();
    let table = render::table(&shown, now, width);
    // A live display that is longer than the screen cannot be drawn over.
    let lines: Vec<&str> = table.lines().take(height.saturating_sub(2)).collect();
    console.draw(Some(lines.join("\n")));
}
