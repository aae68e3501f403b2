//! Which line an event is worth, where nothing can move: CI logs, files, pipes.

use std::time::Duration;

use anstyle::Style;
use foreign_text::line as neutral;
use jiff::Timestamp;

use super::left::Pace;
use super::service::{news, stopped, troubles};
use super::together::{Group, Groups, Key, together};
use super::view::{Entry, RunView, words};
use crate::cli::console::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, linked};
use crate::outcome::{EventKind, Outcome, PullResult, RunEvent};
use crate::plan::TaskId;
use crate::report::duration;

/// What an event is worth saying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// A change of state that a live table shows anyway.
    Change(String),
    /// What stays on the screen also above a live table: ends and troubles.
    Lasting(String),
}

/// Applies events and tells the lines that they are worth. Tasks that are opened again, or given up before they were
/// started, have one line together, not one each: they can be thousands.
pub(crate) fn lines(events: &[RunEvent], view: &mut RunView) -> Vec<Said> {
    let mut said = Vec::new();
    let mut groups = Groups::new();
    for event in events {
        let key = Key::of(event, view);
        let news = match &event.kind {
            EventKind::ApiUsed { service, .. } => news(view.service(), service, event.ts),
            _ => Vec::new(),
        };
        view.apply(event);
        if let Some(key) = key {
            groups.entry(key).or_insert(Group { first: event, count: 0 }).count += 1;
            continue;
        }
        let own = line(event, view);
        if own.is_some() || !news.is_empty() {
            said.extend(together(&std::mem::take(&mut groups), view));
        }
        said.extend(news.into_iter().chain(own));
    }
    said.extend(together(&groups, view));
    said
}

/// The line for an event, if it is worth one. The view has taken the event already.
pub(super) fn line(event: &RunEvent, view: &RunView) -> Option<Said> {
    let change = |task: &TaskId, style, word: &str, rest: String| {
        Some(Said::Change(compose(view, task, style, word, &rest)))
    };
    let lasting = |task: &TaskId, style, word: &str, rest: String| {
        Some(Said::Lasting(compose(view, task, style, word, &rest)))
    };
    match &event.kind {
        EventKind::TaskReopened { task } => change(task, DIM, "open again", String::new()),
        EventKind::TaskMarked { task, mark, by, .. } => {
            lasting(task, CYAN, &format!("marked {}", mark.as_str()), format!("by {}", neutral(by)))
        }
        EventKind::IntentRecorded { task, attempt, .. } if *attempt > 1 => {
            change(task, YELLOW, &format!("attempt {attempt}"), last_end(view.task(task)))
        }
        // Its task's end tells it.
        EventKind::CreateRefused { withdrawn: true, .. } => None,
        EventKind::CreateRefused { task, cause, capacity, .. } => {
            let word = if *capacity { "no capacity" } else { "refused" };
            change(task, YELLOW, word, neutral(cause))
        }
        EventKind::CreateDoubted { task, cause, .. } => {
            lasting(task, YELLOW, "in doubt", format!("{}; looking for its session", neutral(cause)))
        }
        EventKind::SessionCreated { task, session, adopted, .. } => {
            let word = if *adopted { "adopted" } else { "started" };
            change(task, CYAN, word, linked(&neutral(session.link()), session.link()))
        }
        // `started` and the task's end tell these already.
        EventKind::SessionState { state, .. }
            if matches!(state.as_str(), "QUEUED" | "COMPLETED" | "FAILED") =>
        {
            None
        }
        EventKind::SessionState { task, state, .. } => {
            change(task, DIM, &neutral(&words(state)), String::new())
        }
        EventKind::AgentActive { .. } | EventKind::SessionDetails { .. } => None,
        EventKind::PlanApproved { task, .. } => change(task, CYAN, "plan approved", String::new()),
        EventKind::Replied { task, .. } => change(task, CYAN, "answered", String::new()),
        EventKind::Nudged { task, .. } => change(task, YELLOW, "nudged", String::new()),
        EventKind::SessionArchived { task, .. } => change(task, DIM, "archived", String::new()),
        EventKind::WorkFound { task, work, .. } => work.pull_request.as_ref().and_then(|pull| {
            lasting(task, CYAN, "further pull request", linked(&neutral(&pull.url), &pull.url))
        }),
        EventKind::TaskEnded { task, outcome, reason } => {
            let rest = end(view.task(task), event.ts, reason.as_deref());
            lasting(task, style_of(*outcome), outcome.label(), rest)
        }
        EventKind::PullRequestAdopted { task, pull, .. } => {
            change(task, CYAN, "adopted", linked(&neutral(&pull.url), &pull.url))
        }
        EventKind::PullRequestRead { task, pull } => {
            let stage = pull.stage.label();
            change(task, DIM, "pull request", format!("{stage}  {}", linked(&neutral(&pull.url), &pull.url)))
        }
        EventKind::PullRequestActed { task, url, action, result, note } => {
            let word = match result {
                PullResult::Done | PullResult::AlreadySo => format!("{}: done", action.as_str()),
                PullResult::Refused => format!("{}: refused", action.as_str()),
                PullResult::InDoubt => format!("{}: in doubt", action.as_str()),
            };
            let why = note.as_deref().map_or_else(String::new, |note| format!(" {}", neutral(note)));
            lasting(task, CYAN, &word, linked(&neutral(url), url) + &why)
        }
        EventKind::WaveReleased { wave, by } => Some(Said::Lasting(format!(
            "{YELLOW}note:{YELLOW:#} wave {wave} begins: {}",
            match by {
                Some(by) => format!("{} says so", neutral(by)),
                None => format!("wave {} has passed", wave - 1),
            }
        ))),
        EventKind::Noted { task: Some(task), note } => lasting(task, YELLOW, "note", neutral(note)),
        EventKind::Noted { task: None, note } => {
            Some(Said::Lasting(format!("{YELLOW}note:{YELLOW:#} {}", neutral(note))))
        }
        EventKind::StrayFound { stray } => Some(Said::Lasting(format!(
            "{YELLOW}stray session:{YELLOW:#} {} {}",
            neutral(stray.session.link()),
            neutral(&stray.title)
        ))),
        EventKind::StraysUnknown { reason } => Some(Said::Lasting(format!(
            "{YELLOW}warning:{YELLOW:#} stray sessions cannot be told: {}",
            neutral(reason)
        ))),
        EventKind::InvocationEnded { stopped: Some(why) } => {
            let why = stopped(why, view.service(), event.ts);
            Some(Said::Lasting(format!("{YELLOW}stopped:{YELLOW:#} {why}")))
        }
        EventKind::RunStarted { .. }
        | EventKind::RoundPlanned { .. }
        | EventKind::InvocationStarted { .. }
        | EventKind::SessionsSurveyed { .. }
        | EventKind::TaskPlanned { .. }
        | EventKind::IntentRecorded { .. }
        | EventKind::CreateRepeated { .. }
        | EventKind::SessionArchiving { .. }
        | EventKind::AttemptEnded { .. }
        | EventKind::ApiUsed { .. }
        | EventKind::GithubUsed { .. }
        | EventKind::WavesFixed { .. }
        | EventKind::PullRequestActing { .. }
        | EventKind::InvocationEnded { stopped: None } => None,
    }
}

/// The line that shows from time to time that we are still at work.
pub(crate) fn heartbeat(view: &RunView, pace: Pace, now: Timestamp) -> String {
    let gone = duration(Duration::from_secs_f64(view.elapsed(now)));
    let troubles = troubles(view.service(), now).into_iter();
    let troubles: String = troubles.map(|text| format!("; {YELLOW}{text}{YELLOW:#}")).collect();
    format!("{} {}; {gone} gone{}{troubles}", position(view), counts(view), view.left(pace, now).words())
}

/// `3 succeeded, 1 failed, 3 live, 5 waiting`, the outcomes in their colours.
pub(crate) fn counts(view: &RunView) -> String {
    let part = |(style, n, word): (Style, usize, _)| format!("{style}{n} {word}{style:#}");
    let parts: Vec<String> = standing(view).map(part).collect();
    if parts.is_empty() { "nothing yet".to_owned() } else { parts.join(", ") }
}

/// How the tasks stand: a colour, how many, and a word for each that there are any of.
pub(crate) fn standing(view: &RunView) -> impl Iterator<Item = (Style, usize, &'static str)> {
    let ended = view.counts().map(|(outcome, n)| (style_of(outcome), n, outcome.label()));
    let open = [(CYAN, view.live_count(), "live"), (Style::new(), view.waiting(), "waiting")];
    ended.chain(open.into_iter().filter(|(_, n, _)| *n > 0))
}

/// An outcome's colour.
pub(crate) const fn style_of(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Succeeded => GREEN,
        Outcome::NoChange | Outcome::Skipped => DIM,
        Outcome::Deferred | Outcome::Detached => YELLOW,
        Outcome::NeedsInput | Outcome::Failed | Outcome::Stalled | Outcome::TimedOut | Outcome::Error => RED,
    }
}

fn compose(view: &RunView, task: &TaskId, style: Style, word: &str, rest: &str) -> String {
    aligned(view, style, word, &format!("{BOLD}{}{BOLD:#}", neutral(task.as_str())), rest)
}

pub(super) fn aligned(view: &RunView, style: Style, word: &str, what: &str, rest: &str) -> String {
    let line = format!("{} {style}{word:<17}{style:#} {what}", position(view));
    if rest.is_empty() { line } else { format!("{line}  {rest}") }
}

/// `[ 3/60]`: how many are done. What is left for another run is not, so that the number only rises.
fn position(view: &RunView) -> String {
    let total = view.total().to_string();
    format!("{DIM}[{:>width$}/{total}]{DIM:#}", view.done(), width = total.len())
}

/// After an attempt that was not the last: how it ended.
fn last_end(entry: Option<&Entry>) -> String {
    match entry.and_then(|entry| entry.last_end.as_ref()) {
        Some((outcome, Some(reason))) => format!("after {}: {}", outcome.label(), neutral(reason)),
        Some((outcome, None)) => format!("after {}", outcome.label()),
        None => String::new(),
    }
}

fn end(entry: Option<&Entry>, now: Timestamp, reason: Option<&str>) -> String {
    let mut parts = Vec::new();
    if let Some(began) = entry.and_then(|entry| entry.began) {
        let took = now.duration_since(began).unsigned_abs();
        parts.push(duration(took));
    }
    if let Some(entry) = entry {
        let link = |url: &str| linked(&neutral(url), url);
        let mut pulls = entry.work.pull_requests().map(|pull| link(&pull.url)).peekable();
        let session = entry.session.as_ref().filter(|_| pulls.peek().is_none());
        let session = session.map(|session| link(session.link()));
        parts.extend(pulls.chain(session));
    }
    parts.extend(reason.map(neutral));
    parts.join("  ")
}

#[cfg(test)]
mod tests;
