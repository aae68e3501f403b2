//! Messages to people and programs elsewhere: a few lines on what has happened in a run and what needs a person.
//!
//! Every chat has a form in which a text is nothing but text, and foreign text stands in that form alone.

mod discord;
mod json;
mod slack;
mod teams;
#[cfg(test)]
mod tests;

use foreign_text::{clip, first_line, one_line, plain};
pub(crate) use json::notice_schema;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::attention::Attention;
use super::link::{https, pull_label};
use super::{PullRequestV1, ReportV1, TaskV1, duration, many};
use crate::outcome::Outcome;

/// Rows of a group: who wants all of them has the reports.
const ROWS: usize = 5;
/// Characters of a run's or task's name, and of what is said of it.
const NAME: usize = 120;
const WORD: usize = 160;
/// Bytes of an address that becomes a link: chats refuse messages that are long.
const ADDRESS: usize = 300;

/// What a message is sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub(crate) enum Occasion {
    /// The first task has failed.
    #[serde(rename = "first-failure")]
    Failure,
    /// A session waits for a person.
    #[serde(rename = "needs-human")]
    Needs,
    /// The invocation has ended.
    #[serde(rename = "end")]
    End,
}

/// Who takes a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sink {
    /// Slack.
    Slack,
    /// Microsoft Teams.
    Teams,
    /// Discord.
    Discord,
    /// A program.
    Json,
}

/// The message on a run as it stands, in the form that the sink takes.
pub(crate) fn notice(report: &ReportV1, occasions: &[Occasion], sink: Sink) -> Value {
    match sink {
        Sink::Slack => slack::payload(&Notice::of(report, occasions)),
        Sink::Teams => teams::payload(&Notice::of(report, occasions)),
        Sink::Discord => discord::payload(&Notice::of(report, occasions)),
        Sink::Json => {
            serde_json::to_value(json::payload(report, occasions)).expect("its maps have text keys")
        }
    }
}

/// The words of a message for people. Texts have no character that acts and no line break; they may be markup.
struct Notice {
    /// Whose colour and sign the message has.
    outcome: Outcome,
    title: String,
    /// What has happened, and how it stands.
    lines: Vec<String>,
    groups: Vec<Group>,
}

/// Things that need a person.
struct Group {
    heading: String,
    rows: Vec<Row>,
    hidden: usize,
}

/// One of them.
struct Row {
    name: String,
    word: String,
    links: Vec<Link>,
}

struct Link {
    url: String,
    label: String,
}

impl Notice {
    fn of(report: &ReportV1, occasions: &[Occasion]) -> Self {
        let (outcome, verdict) = report.verdict();
        let run = &report.run;
        let simulated = if run.simulated { "SIMULATED: " } else { "" };
        let title = format!("{simulated}{}: {verdict}", text(&run.name, NAME));
        let has_ended = occasions.contains(&Occasion::End);
        let happened = happened(report, occasions);
        let mut lines = if happened.is_empty() { Vec::new() } else { vec![happened] };
        lines.push(totals(report));
        lines.push(facts(report, has_ended));
        let pulls = report.pull_groups();
        let groups = groups(report, &report.attention(&pulls));
        Self { outcome, title, lines, groups }
    }
}

/// What the message is sent for, in words; at the end the title says it.
fn happened(report: &ReportV1, occasions: &[Occasion]) -> String {
    let told = occasions.iter().filter_map(|occasion| match occasion {
        Occasion::Failure => Some("The first task has failed."),
        Occasion::Needs => Some("A session waits for you."),
        Occasion::End if report.run.stopped.is_some() => Some("The run was stopped early."),
        Occasion::End => None,
    });
    told.collect::<Vec<_>>().join(" ")
}

fn totals(report: &ReportV1) -> String {
    let count = |outcome: Outcome| (report.totals.of(outcome), report.label(outcome));
    let counts = Outcome::ALL.into_iter().map(count).filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts.map(|(count, label)| format!("{count} {label}")).collect();
    if counts.is_empty() { "no task".to_owned() } else { counts.join(" · ") }
}

fn facts(report: &ReportV1, has_ended: bool) -> String {
    let run = &report.run;
    let mut facts = vec![format!("run {}", text(&run.id, NAME))];
    if has_ended {
        facts.push(duration(report.last_moment().duration_since(run.started_at).unsigned_abs()));
    }
    if let Some(why) = run.stopped.as_deref().filter(|_| has_ended) {
        facts.push(format!("stopped early: {}", text(why, NAME)));
    }
    if report.remaining > 0 && has_ended {
        facts.push(format!("{} left for the next run", many(report.remaining, "task")));
    }
    facts.join(" · ")
}

/// In the order of the page: what failed, what asks, pull requests to look at.
fn groups(report: &ReportV1, needs: &Attention<'_>) -> Vec<Group> {
    let task = |task: &&TaskV1| Row::of_task(task, report);
    let groups = [
        Group::of("Failed", &needs.failed, task),
        Group::of(report.questions_heading(), &needs.asked, task),
        Group::of("Pull requests to look at", &needs.pulls, |(pull, task)| Row::of_pull(pull, task)),
    ];
    groups.into_iter().filter(|group| !group.rows.is_empty()).collect()
}

impl Group {
    fn of<T>(heading: &str, all: &[T], row: impl Fn(&T) -> Row) -> Self {
        let rows = all.iter().take(ROWS).map(row).collect();
        let hidden = all.len().saturating_sub(ROWS);
        Self { heading: format!("{heading}: {}", all.len()), rows, hidden }
    }

    /// Told below the rows where there are more.
    fn more(&self) -> Option<String> {
        (self.hidden > 0).then(|| format!("… and {} more: see the reports", self.hidden))
    }
}

impl Row {
    fn of_task(task: &TaskV1, report: &ReportV1) -> Self {
        let reason = text(first_line(task.reason_or_default().trim()), WORD);
        let pulls = task.pulls().filter_map(Link::to_pull);
        let links = pulls.chain(Link::to_session(task)).collect();
        let word = format!("{}: {reason}", report.label(task.outcome));
        Self { name: text(&task.id, NAME), word, links }
    }

    fn of_pull(pull: &PullRequestV1, task: &TaskV1) -> Self {
        let links = Link::to_pull(pull).into_iter().chain(Link::to_session(task)).collect();
        Self { name: text(&task.id, NAME), word: text(&pull.told(), WORD), links }
    }
}

impl Link {
    fn to_pull(pull: &PullRequestV1) -> Option<Self> {
        Self::new(&pull.url, &pull_label(pull))
    }

    fn to_session(task: &TaskV1) -> Option<Self> {
        Self::new(task.session()?.url.as_deref()?, "session")
    }

    fn new(url: &str, label: &str) -> Option<Self> {
        let url = https(url).filter(|url| url.len() <= ADDRESS)?;
        Some(Self { url, label: text(label, NAME) })
    }
}

/// Foreign text on a line of its own.
fn text(text: &str, chars: usize) -> String {
    clip(one_line(plain(text), chars * 4), chars).into_owned()
}
