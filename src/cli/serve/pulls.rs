//! The page of pull requests over all runs, by who has to act: what `pulls list` shows without asking GitHub.

use std::time::Duration;

use foreign_text::html::text;
use jiff::Timestamp;
use url::form_urlencoded::byte_serialize;

use super::pages::list;
use crate::cli::pulls::{Standing, name, note};
use crate::outcome::Stage;
use crate::report::{duration, https};
use crate::runner::KnownPull;

/// Pull requests shown of each group.
const ROWS: usize = 500;

/// Those that may be open, or those at a stage; `at` is how far the runs are.
pub(super) fn page(standing: &Standing, stage: Option<Stage>, at: u64, now: Timestamp) -> String {
    let groups: String = standing.groups().map(|(heading, pulls)| group(heading, pulls, now)).collect();
    let none = if groups.is_empty() { "<p>None.</p>" } else { "" };
    let body = format!("{}{}{none}{groups}", stages(standing, stage), read(standing, now));
    list("Pull requests", &body, at)
}

/// The stages that occur, each a link to what stands there.
fn stages(standing: &Standing, chosen: Option<Stage>) -> String {
    let link = |path: &str, words: &str, is_here: bool| {
        let here = if is_here { " aria-current=\"page\"" } else { "" };
        format!("<a href=\"{path}\"{here}>{words}</a> ")
    };
    let (counts, unread) = standing.counts();
    let open = link("/pulls", &format!("{} open", standing.open()), chosen.is_none());
    let stages = counts.into_iter().map(|(stage, count)| {
        let path = format!("/pulls?stage={stage}");
        link(&path, &format!("{count} {}", stage.label()), chosen == Some(stage))
    });
    let unread = if unread > 0 { format!("<span>{unread} not read so far</span>") } else { String::new() };
    format!("<nav class=\"stages\" aria-label=\"Stages\">{open}{}{unread}</nav>", stages.collect::<String>())
}

/// How old this is.
fn read(standing: &Standing, now: Timestamp) -> String {
    let shown = standing.groups().flat_map(|(_, pulls)| pulls);
    let oldest = shown.filter_map(|pull| pull.status()).map(|status| status.checked_at).min();
    let since = oldest.map_or_else(String::new, |oldest| {
        format!(", the first of them {} ago ({})", ago(oldest, now), minute(oldest))
    });
    format!(
        "<p class=\"soft\">As they were last read from GitHub{since}. <code>jules-batch pulls --all</code> reads them \
         now. Those of simulated runs are not among them.</p>"
    )
}

fn group(heading: &str, pulls: &[KnownPull], now: Timestamp) -> String {
    let rows: String = pulls.iter().take(ROWS).map(|pull| row(pull, now)).collect();
    let more = match pulls.len().saturating_sub(ROWS) {
        0 => String::new(),
        more => format!("<p class=\"soft\">… and {more} more: jules-batch pulls list --all</p>"),
    };
    let count = pulls.len();
    format!(
        "<section><h2>{heading} <span class=\"soft\">{count}</span></h2><table class=\"pulls\"><thead><tr>\
         <th>Pull request</th><th>Stage</th><th>Task</th></tr></thead><tbody>{rows}</tbody></table>{more}</section>"
    )
}

fn row(pull: &KnownPull, now: Timestamp) -> String {
    let (name, task) = (text(&name(pull), 200), pull.followed.task.as_str());
    let name = match https(&pull.followed.url) {
        Some(page) => {
            format!("<a href=\"{}\">{name}</a>", text(&page, usize::MAX))
        }
        None => name,
    };
    let title = pull.title.as_deref().map(|title| format!("<br>{}", text(title, 300))).unwrap_or_default();
    let stage = pull.status().map_or_else(
        || format!("not read<br><span class=\"soft\">known for {}</span>", ago(pull.made_at, now)),
        |status| {
            let note = note(status);
            // `merged by ada` says both.
            let words = match (status.stage.label(), text(&note, 300)) {
                (label, note) if note.is_empty() => label.to_owned(),
                (label, note) if note.starts_with(label) => note,
                (label, note) => format!("{label}: {note}"),
            };
            format!("{words}<br><span class=\"soft\">for {}</span>", ago(status.since, now))
        },
    );
    let query: String = byte_serialize(task.as_bytes()).collect();
    let run = &pull.followed.run;
    format!(
        "<tr><td>{name}{title}</td><td>{stage}</td>\
         <td><a href=\"/run/{run}#q={query}\">{}</a></td></tr>\n",
        text(task, 300)
    )
}

fn ago(then: Timestamp, now: Timestamp) -> String {
    duration(Duration::try_from(now.duration_since(then)).unwrap_or_default())
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
