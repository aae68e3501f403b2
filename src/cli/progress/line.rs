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
        EventKind::AgentActive { .. } => None,
        EventKind::PlanApproved { task, .. } => change(task, CYAN, "plan approved", String::new()),
        EventKind::Replied { task, .. } => change(task, CYAN, "answered", String::new()),
        EventKind::Nudged { task, .. } => change(task, YELLOW, "nudged", String::new()),
        EventKind::SessionArchived { task, .. } => change(task, DIM, "archived", String::new()),
        EventKind::TaskEnded { task, outcome, reason } => {
            let rest = end(view.task(task), event.ts, reason.as_deref());
            lasting(task, style_of(*outcome), outcome.label(), rest)
        }
        EventKind::PullRequestAdopted { task, pull, .. } => {
            change(task, CYAN, "adopted", linked(&neutral(&pull.url), &pull.url))
        }
        EventKind::PullRequestRead { task, pull } => {
            change(task, DIM, pull.stage.label(), linked(&neutral(&pull.url), &pull.url))
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
            "{YELLOW}note:{YELLOW:#} wave {wave} begins, as {} says",
            neutral(by)
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
    if let Some(started) = entry.and_then(|entry| entry.started) {
        let took = now.duration_since(started).unsigned_abs();
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
mod tests {
    use super::*;
    use crate::outcome::sample::{self, event};
    use crate::outcome::{ApiUsage, Outage, ServiceStatus, SessionRef, Stray};

    fn told(events: &[RunEvent]) -> String {
        let mut view = RunView::default();
        let mark = |said| match said {
            Said::Lasting(text) => format!("! {}\n", anstream::adapter::strip_str(&text)),
            Said::Change(text) => format!("  {}\n", anstream::adapter::strip_str(&text)),
        };
        lines(events, &mut view).into_iter().map(mark).collect()
    }

    #[test]
    fn tasks_that_an_interrupt_keeps_from_starting_have_one_line() {
        let mut events = sample::run_of(9);
        events.truncate(sample::EVENTS_BEFORE_TASKS + 9);
        events.extend([event(1, sample::intent("task-0", 1)), event(2, sample::created("task-0", 1, 7))]);
        events.push(event(3, sample::intent("task-1", 1)));
        let ended = |n: i64, outcome, why| event(9, sample::ended(&format!("task-{n}"), outcome, Some(why)));
        events.push(ended(0, Outcome::Detached, "still live at the interrupt"));
        events.push(ended(1, Outcome::Deferred, "it is not known whether its session was created"));
        events.extend((2..8).map(|n| ended(n, Outcome::Deferred, "not started before the interrupt")));
        events.push(ended(8, Outcome::Deferred, "something else"));
        insta::assert_snapshot!(told(&events), @r"
          [0/9] started           task-0  https://jules.google.com/session/7
        ! [0/9] detached          task-0  8.0s  https://jules.google.com/session/7  still live at the interrupt
        ! [0/9] deferred          task-1  6.0s  it is not known whether its session was created
        ! [0/9] deferred          6 tasks  not started before the interrupt
        ! [0/9] deferred          task-8  something else
        ");
    }

    #[test]
    fn tasks_that_are_opened_again_have_one_line_and_the_count_only_rises() {
        let mut events = sample::run_of(8);
        events.truncate(sample::EVENTS_BEFORE_TASKS + 8 + sample::EVENTS_A_TASK);
        let deferred =
            |n: i64| event(90, sample::ended(&format!("task-{n}"), Outcome::Deferred, Some("later")));
        events.extend((1..8).map(deferred));
        let mut view = RunView::default();
        events.iter().for_each(|event| view.apply(event));
        let reopened =
            (1..8).map(|n| event(95, EventKind::TaskReopened { task: TaskId::new(format!("task-{n}")) }));
        let mut again: Vec<_> = reopened.collect();
        again.push(event(96, sample::intent("task-1", 1)));
        again.push(event(97, sample::created("task-1", 1, 7)));
        again.push(event(98, sample::ended("task-1", Outcome::Succeeded, None)));
        let skipped = |n: i64| {
            let why = format!("needs `task-{}`, which is still open", n - 1);
            event(99, sample::ended(&format!("task-{n}"), Outcome::Deferred, Some(&why)))
        };
        again.extend((2..8).map(skipped));
        let plain = |said| match said {
            Said::Lasting(text) | Said::Change(text) => anstream::adapter::strip_str(&text).to_string(),
        };
        let told: Vec<_> = lines(&again, &mut view).into_iter().map(plain).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        [1/8] open again        7 tasks
        [1/8] started           task-1  https://jules.google.com/session/7
        [2/8] succeeded         task-1  2.0s  https://jules.google.com/session/7
        [2/8] deferred          6 tasks  for 6 reasons, such as: needs `task-6`, which is still open
        ");
    }

    #[test]
    fn a_run_in_lines() {
        insta::assert_snapshot!(told(&sample::run_of(2)), @r"
          [0/2] started           task-0  https://jules.google.com/session/100
          [0/2] in progress       task-0
        ! [1/2] succeeded         task-0  1m 00s  https://github.com/my-org/web/pull/1
          [1/2] started           task-1  https://jules.google.com/session/101
          [1/2] in progress       task-1
        ! [2/2] succeeded         task-1  1m 00s  https://github.com/my-org/web/pull/1
        ");
    }

    #[test]
    fn troubles_in_lines() {
        let task = || TaskId::new("task-0");
        let mut events = sample::run_of(1);
        events.truncate(3);
        events.extend([
            event(0, sample::intent("task-0", 1)),
            event(1, EventKind::CreateDoubted { task: task(), attempt: 1, cause: "HTTP 503".into() }),
            event(
                2,
                EventKind::CreateRefused {
                    task: task(),
                    attempt: 1,
                    cause: "429 RESOURCE_EXHAUSTED".into(),
                    capacity: true,
                    withdrawn: false,
                },
            ),
            event(3, sample::intent("task-0", 1)),
            event(
                4,
                EventKind::SessionCreated {
                    task: task(),
                    attempt: 1,
                    session: SessionRef { id: "42".parse().unwrap(), url: None },
                    adopted: true,
                    created_at: None,
                },
            ),
            event(5, sample::state("task-0", 1, "AWAITING_PLAN_APPROVAL")),
            event(5, EventKind::PlanApproved { task: task(), attempt: 1 }),
            event(6, sample::state("task-0", 1, "AWAITING_USER_FEEDBACK")),
            event(6, EventKind::Replied { task: task(), attempt: 1 }),
            event(7, sample::state("task-0", 1, "SOME_NEW_STATE")),
            event(8, EventKind::Nudged { task: task(), attempt: 1 }),
            event(9, sample::attempt_ended("task-0", 1, Outcome::Stalled, Some("silent for 20m"))),
            event(10, sample::intent("task-0", 2)),
            event(11, sample::created("task-0", 2, 43)),
            event(99, sample::attempt_ended("task-0", 2, Outcome::Failed, Some("no\nway \u{1b}[31mout"))),
            event(99, sample::ended("task-0", Outcome::Failed, Some("no\nway \u{1b}[31mout"))),
            event(
                99,
                EventKind::StrayFound {
                    stray: Stray {
                        session: SessionRef { id: "7".parse().unwrap(), url: None },
                        title: "Upgrade [jb-01234567-7c1f-1]".into(),
                        task: None,
                    },
                },
            ),
            event(99, EventKind::InvocationEnded { stopped: Some("deadline".into()) }),
        ]);
        insta::assert_snapshot!(told(&events), @r"
        ! [0/1] in doubt          task-0  HTTP 503; looking for its session
          [0/1] no capacity       task-0  429 RESOURCE_EXHAUSTED
          [0/1] adopted           task-0  42
          [0/1] awaiting approval task-0
          [0/1] plan approved     task-0
          [0/1] awaiting answer   task-0
          [0/1] answered          task-0
          [0/1] some new state    task-0
          [0/1] nudged            task-0
          [0/1] attempt 2         task-0  after stalled: silent for 20m
          [0/1] started           task-0  https://jules.google.com/session/43
        ! [1/1] failed            task-0  1m 39s  https://jules.google.com/session/43  no way out
        ! stray session: 7 Upgrade [jb-01234567-7c1f-1]
        ! stopped: deadline
        ");
    }

    #[test]
    fn a_heartbeat_tells_what_holds_the_run_up() {
        let mut view = RunView::default();
        for event in &sample::run_of(3)[..11] {
            view.apply(event);
        }
        let service = ServiceStatus {
            outage: Some(Outage {
                requests: vec!["reads".to_owned()],
                since: sample::at(70),
                error: "no connection to the service".to_owned(),
                next_try: None,
            }),
            ..ServiceStatus::default()
        };
        view.apply(&event(90, EventKind::ApiUsed { usage: ApiUsage::default(), service }));
        let text = heartbeat(&view, Pace::UNKNOWN, sample::at(100));
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string(), @"[1/3] 1 succeeded, 1 live, 1 waiting; 1m 40s gone, time left unknown; outage for 30s: no connection to the service");
    }

    #[test]
    fn a_heartbeat_counts() {
        let mut view = RunView::default();
        for event in &sample::run_of(3)[..11] {
            view.apply(event);
        }
        let text = heartbeat(&view, Pace::UNKNOWN, sample::at(100));
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string(), @"[1/3] 1 succeeded, 1 live, 1 waiting; 1m 40s gone, about 1m 20s left");
    }
}
