//! The live table as lines of text: a pure function of the view, the time and the size of the terminal.

use std::time::Duration;

use anstyle::Style;
use foreign_text::{clip, clip_middle, line as neutral};
use jiff::Timestamp;

use super::left::Pace;
use super::line::counts;
use super::service::troubles;
use super::view::{Live, Row, RunView};
use crate::cli::console::{BOLD, CYAN, DIM, GREEN, YELLOW};
use crate::report::duration;

/// Lines above and below the rows, and one that stays free so that nothing scrolls.
const FRAME: usize = 5;
/// Of these, the ones above.
const HEAD: usize = 3;
/// The narrowest bar that still says something.
const MIN_BAR: usize = 10;
/// The widest bar: longer ones say no more.
const MAX_BAR: usize = 40;

/// The longest text of what happened last, and the shortest that a longer one is cut to.
const MAX_LAST: usize = 80;
const MIN_LAST: usize = 12;

/// The table, one string a line, none wider than the terminal. Wide characters count as one: a line that wraps is counted
/// right by the drawing side, so nothing tears.
pub(crate) fn table(
    view: &RunView,
    heading: &str,
    pace: Pace,
    now: Timestamp,
    (width, height): (usize, usize),
) -> Vec<String> {
    let width = width.max(20) - 1;
    let mut lines = vec![
        format!("{BOLD}{}{BOLD:#}", clip(neutral(heading), width)),
        bar_line(view, pace, now, width),
        counts(view),
    ];
    let troubles = troubles(view.service(), now).into_iter();
    // One row at least stays to see.
    let troubles = troubles.take(height.saturating_sub(FRAME + 2));
    lines.extend(troubles.map(|text| format!("{YELLOW}{}{YELLOW:#}", clip(text, width))));
    let rows = view.rows();
    let room = (height + HEAD).saturating_sub(FRAME + lines.len()).max(1);
    let shown = if rows.len() > room { room.saturating_sub(1).max(1) } else { rows.len() };
    lines.extend(rows[..shown].iter().map(|row| line_of(*row, now, width)));
    if rows.len() > shown {
        lines.push(format!("{DIM}  … and {} more{DIM:#}", rows.len() - shown));
    }
    lines
}

/// `━━━━━╸──────  4/12  33 %  2m 10s gone, about 4m left`.
fn bar_line(view: &RunView, pace: Pace, now: Timestamp, width: usize) -> String {
    let (ended, total) = (view.done(), view.total());
    let share = if total == 0 { 0.0 } else { ended as f64 / total as f64 };
    let gone = duration(Duration::from_secs_f64(view.elapsed(now)));
    let left = view.left(pace, now).words();
    // 99 % stays 99 % until the last task has ended.
    let text = format!("{ended}/{total}  {:.0} %  {gone} gone{left}", (share * 100.0).floor());
    let bar = width.saturating_sub(text.chars().count() + 2).clamp(MIN_BAR, MAX_BAR);
    format!("{}  {}", bar_of(share, bar), clip(text, width.saturating_sub(bar + 2)))
}

fn bar_of(share: f64, width: usize) -> String {
    let filled = ((share * width as f64).floor() as usize).min(width);
    let (full, rest) = ("━".repeat(filled), "─".repeat(width - filled));
    format!("{GREEN}{full}{GREEN:#}{DIM}{rest}{DIM:#}")
}

fn line_of(row: Row<'_>, now: Timestamp, width: usize) -> String {
    let (Row { task, live }, state) = (row, row.state());
    let age = duration(now.duration_since(live.since).unsigned_abs());
    let (style, state) = (style_of(state), clip(neutral(state), 17));
    let attempt = if live.attempt > 1 { format!(" (attempt {})", live.attempt) } else { String::new() };
    let task = format!("{}{attempt}", neutral(task.as_str()));
    let room = width.saturating_sub(2 + 17 + 1 + 7 + 2);
    // The task's name goes before the address: it is what one looks for. Those of a job differ at their ends.
    let task = clip_middle(task, room);
    let mut row = format!("  {style}{state:<17}{style:#} {DIM}{age:>7}{DIM:#}  {task}");
    let mut room = room.saturating_sub(task.chars().count());
    // Then what happened last, then the address, as far as there is room.
    let mut add = |text: &dyn Fn(usize) -> String| {
        let free = room.saturating_sub(2);
        let text = text(free);
        let width = text.chars().count();
        if width > 0 && width <= free {
            row.push_str(&format!("  {DIM}{text}{DIM:#}"));
            room -= width + 2;
        }
    };
    add(&|free| last_of(live, now, free));
    if let Some(url) = &live.url {
        add(&|free| fitting(&neutral(url), free));
    }
    row
}

/// `answered 40s ago`, `$ cargo test 2m 10s ago`; of a change of state only for how long, as the state is there.
fn last_of(live: &Live, now: Timestamp, free: usize) -> String {
    let (what, at) = &live.last;
    let ago = duration(now.duration_since(*at).unsigned_abs());
    // The same as the age before it says nothing.
    if *what == live.state && at.duration_since(live.since).abs().as_secs() < 1 {
        String::new()
    } else if *what == live.state {
        format!("for {ago}")
    } else {
        let what = neutral(what);
        let room = free.min(MAX_LAST).saturating_sub(" ago ".len() + ago.len());
        // A few letters of it say nothing.
        if room < what.chars().count().min(MIN_LAST) {
            String::new()
        } else {
            format!("{} {ago} ago", clip(what, room))
        }
    }
}

fn style_of(state: &str) -> Style {
    if state.starts_with("awaiting") || matches!(state, "paused" | "waiting") { YELLOW } else { CYAN }
}

/// As much of an address as fits: without its scheme, else its last part, else nothing.
fn fitting(url: &str, room: usize) -> String {
    let whole = url.strip_prefix("https://").unwrap_or(url);
    let last = whole.rsplit_once('/').map_or_else(String::new, |(_, last)| format!("…/{last}"));
    [whole.to_owned(), last].into_iter().find(|text| text.chars().count() <= room).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{EventKind, Outage, RequestPause, RunEvent, ServiceStatus, sample};

    fn view(events: &[RunEvent]) -> RunView {
        let mut view = RunView::default();
        events.iter().for_each(|event| view.apply(event));
        view
    }

    fn drawn(view: &RunView, size: (usize, usize)) -> String {
        let lines = table(view, "nightly · run 20261122-020005-7c1f", Pace::UNKNOWN, sample::at(100), size);
        anstream::adapter::strip_str(&lines.join("\n")).to_string()
    }

    fn busy() -> RunView {
        let mut events = sample::run_of(8);
        events.truncate(sample::EVENTS_BEFORE_TASKS + 8 + sample::EVENTS_A_TASK);
        for n in 1..7 {
            let task = format!("task-{n}");
            events.push(sample::event(60 + i64::from(n), sample::intent(&task, n)));
            events.push(sample::event(61 + i64::from(n), sample::created(&task, n, n)));
        }
        events.push(sample::event(70, sample::state("task-2", 2, "AWAITING_USER_FEEDBACK")));
        view(&events)
    }

    #[test]
    fn on_a_wide_terminal() {
        insta::assert_snapshot!(drawn(&busy(), (100, 24)), @r"
        nightly · run 20261122-020005-7c1f
        ━━━━━───────────────────────────────────  1/8  12 %  1m 40s gone, about 1m 00s left
        1 succeeded, 6 live, 1 waiting
          awaiting answer       38s  task-2 (attempt 2)  for 30s  jules.google.com/session/2
          started               39s  task-1  for 38s  jules.google.com/session/1
          started               37s  task-3 (attempt 3)  for 36s  jules.google.com/session/3
          started               36s  task-4 (attempt 4)  for 35s  jules.google.com/session/4
          started               35s  task-5 (attempt 5)  for 34s  jules.google.com/session/5
          started               34s  task-6 (attempt 6)  for 33s  jules.google.com/session/6
        ");
    }

    /// The same while the service does not answer and a create waits for its turn.
    fn held_up() -> RunView {
        let mut view = busy();
        let outage = Outage {
            requests: vec!["reads".to_owned()],
            since: sample::at(77),
            last_failure: None,
            error: "the service answered 503 UNAVAILABLE: The service is currently unavailable.".to_owned(),
            next_try: Some(sample::at(107)),
        };
        let pause = RequestPause { requests: "creates".to_owned(), until: sample::at(160), asked: true };
        let service = ServiceStatus {
            outage: Some(outage),
            pauses: vec![pause],
            queued_creates: 1,
            ..ServiceStatus::default()
        };
        view.apply(&sample::event(80, EventKind::ApiUsed { usage: Box::default(), service }));
        view
    }

    #[test]
    fn what_holds_the_run_up_stands_above_the_rows() {
        insta::assert_snapshot!(drawn(&held_up(), (80, 24)), @r"
        nightly · run 20261122-020005-7c1f
        ━━━━────────────────────────────────  1/8  12 %  1m 40s gone, time left unknown
        1 succeeded, 6 live, 1 waiting
        outage for 23s, next try in 7s: the service answered 503 UNAVAILABLE: The serv…
        creates paused until 02:02:40 UTC (in 1m 00s), as the service asks
          awaiting answer       38s  task-2 (attempt 2)  for 30s  …/2
          started               39s  task-1  for 38s  jules.google.com/session/1
          started               37s  task-3 (attempt 3)  for 36s  …/3
          started               36s  task-4 (attempt 4)  for 35s  …/4
          started               35s  task-5 (attempt 5)  for 34s  …/5
          started               34s  task-6 (attempt 6)  for 33s  …/6
        ");
        insta::assert_snapshot!(drawn(&held_up(), (60, 9)), @r"
        nightly · run 20261122-020005-7c1f
        ━━──────────────  1/8  12 %  1m 40s gone, time left unknown
        1 succeeded, 6 live, 1 waiting
        outage for 23s, next try in 7s: the service answered 503 U…
        creates paused until 02:02:40 UTC (in 1m 00s), as the serv…
          awaiting answer       38s  task-2 (attempt 2)  for 30s
          … and 5 more
        ");
    }

    #[test]
    fn what_waits_for_a_person_is_on_top_and_each_row_tells_what_happened_last() {
        let mut view = busy();
        view.apply(&sample::event(80, sample::state("task-3", 3, "IN_PROGRESS")));
        let answered = EventKind::Replied { task: crate::plan::TaskId::new("task-3"), attempt: 3 };
        view.apply(&sample::event(90, answered));
        view.apply(&sample::event(85, sample::state("task-5", 5, "AWAITING_PLAN_APPROVAL")));
        view.apply(&sample::event(70, sample::state("task-1", 1, "IN_PROGRESS")));
        for (number, ago_ms, activity) in [
            (
                1,
                12_000,
                "$ cargo test --workspace --all-features -- --nocapture the_one_that_fails_on_mondays | tee log; curl https://x",
            ),
            (2, 26_000, "Which database should it be, PostgreSQL or SQLite?"),
            (4, 90_000, "Reading the tests"),
        ] {
            let (task, attempt) = (crate::plan::TaskId::new(format!("task-{number}")), number);
            let activity = activity.to_owned();
            view.apply(&sample::event(96, EventKind::AgentActive { task, attempt, activity, ago_ms }));
        }
        for width in [60, 80, 200] {
            insta::assert_snapshot!(format!("table_{width}"), drawn(&view, (width, 24)));
        }
    }

    #[test]
    fn on_a_small_terminal() {
        insta::assert_snapshot!(drawn(&busy(), (40, 8)), @r"
        nightly · run 20261122-020005-7c1f
        ━─────────  1/8  12 %  1m 40s gone, ab…
        1 succeeded, 6 live, 1 waiting
          awaiting answer       38s  task…pt 2)
          started               39s  task-1
          … and 4 more
        ");
    }

    #[test]
    fn never_wider_or_higher_than_the_terminal() {
        for (width, height) in [20, 33, 57, 80, 200].into_iter().flat_map(|w| [6, 7, 9, 30].map(|h| (w, h))) {
            for view in [busy(), held_up()] {
                let text = drawn(&view, (width, height));
                assert!(text.lines().count() < height, "{width}×{height}\n{text}");
                let rows = text.lines().filter(|line| !line.contains("succeeded"));
                let widest = rows.map(|line| line.chars().count()).max().unwrap();
                assert!(widest <= width.max(40), "{width}×{height}\n{text}");
            }
        }
    }
}
