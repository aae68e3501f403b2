//! The live table as lines of text: a pure function of the view, the time and the size of the terminal.

use std::time::Duration;

use anstyle::Style;
use foreign_text::{clip, line as neutral};
use jiff::Timestamp;

use super::line::counts;
use super::view::{Live, RunView};
use crate::cli::console::{BOLD, CYAN, DIM, GREEN, YELLOW};
use crate::plan::TaskId;
use crate::report::duration;

/// Lines above and below the rows, and one that stays free so that nothing scrolls.
const FRAME: usize = 5;
/// The narrowest bar that still says something.
const MIN_BAR: usize = 10;
/// The widest bar: longer ones say no more.
const MAX_BAR: usize = 40;

/// The table, one string a line, none wider than the terminal. Wide characters count as one: a line that wraps is counted
/// right by the drawing side, so nothing tears.
pub(crate) fn table(
    view: &RunView,
    heading: &str,
    now: Timestamp,
    (width, height): (usize, usize),
) -> Vec<String> {
    let width = width.max(20) - 1;
    let mut lines = vec![
        format!("{BOLD}{}{BOLD:#}", clip(neutral(heading), width)),
        bar_line(view, now, width),
        counts(view),
    ];
    let live = view.live();
    let room = height.saturating_sub(FRAME).max(1);
    let shown = if live.len() > room { room.saturating_sub(1).max(1) } else { live.len() };
    lines.extend(live[..shown].iter().map(|(task, live)| row(task, live, now, width)));
    if live.len() > shown {
        lines.push(format!("{DIM}  … and {} more{DIM:#}", live.len() - shown));
    }
    lines
}

/// `━━━━━╸──────  4/12  33 %  2m 10s gone, about 4m left`.
fn bar_line(view: &RunView, now: Timestamp, width: usize) -> String {
    let (ended, total) = (view.ended(), view.total());
    let share = if total == 0 { 0.0 } else { ended as f64 / total as f64 };
    let gone = duration(Duration::from_secs_f64(view.elapsed(now)));
    let left = view.left(now).map_or_else(String::new, |left| {
        format!(", about {} left", duration(Duration::from_secs(left.round() as u64)))
    });
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

fn row(task: &TaskId, live: &Live, now: Timestamp, width: usize) -> String {
    let age = duration(now.duration_since(live.since).unsigned_abs());
    let state = clip(neutral(&live.state), 17);
    let attempt = if live.attempt > 1 { format!(" (attempt {})", live.attempt) } else { String::new() };
    let task = format!("{}{attempt}", neutral(task.as_str()));
    let room = width.saturating_sub(2 + 17 + 1 + 7 + 2);
    // The task's name goes before the address: it is what one looks for.
    let task = clip(task, room);
    let url_room = room.saturating_sub(task.chars().count() + 2);
    let url = live.url.as_deref().map(|url| fitting(&neutral(url), url_room)).unwrap_or_default();
    let style = style_of(&live.state);
    let row = format!("  {style}{state:<17}{style:#} {DIM}{age:>7}{DIM:#}  {task}");
    if url.is_empty() { row } else { format!("{row}  {DIM}{url}{DIM:#}") }
}

fn style_of(state: &str) -> Style {
    if state.starts_with("awaiting") || state == "paused" { YELLOW } else { CYAN }
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
    use crate::outcome::RunEvent;
    use crate::outcome::sample;

    fn view(events: &[RunEvent]) -> RunView {
        let mut view = RunView::default();
        events.iter().for_each(|event| view.apply(event));
        view
    }

    fn drawn(view: &RunView, size: (usize, usize)) -> String {
        let lines = table(view, "nightly · run 20261122-020005-7c1f", sample::at(100), size);
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
        ━━━━━───────────────────────────────────  1/8  12 %  1m 40s gone, about 34s left
        1 succeeded, 6 live, 1 waiting
          started               39s  task-1  jules.google.com/session/1
          awaiting answer       38s  task-2 (attempt 2)  jules.google.com/session/2
          started               37s  task-3 (attempt 3)  jules.google.com/session/3
          started               36s  task-4 (attempt 4)  jules.google.com/session/4
          started               35s  task-5 (attempt 5)  jules.google.com/session/5
          started               34s  task-6 (attempt 6)  jules.google.com/session/6
        ");
    }

    #[test]
    fn on_a_small_terminal() {
        insta::assert_snapshot!(drawn(&busy(), (40, 8)), @r"
        nightly · run 20261122-020005-7c1f
        ━─────────  1/8  12 %  1m 40s gone, ab…
        1 succeeded, 6 live, 1 waiting
          started               39s  task-1
          awaiting answer       38s  task-2 (a…
          … and 4 more
        ");
    }

    #[test]
    fn never_wider_or_higher_than_the_terminal() {
        let view = busy();
        for width in [20, 33, 57, 80, 200] {
            for height in [6, 7, 9, 30] {
                let text = drawn(&view, (width, height));
                assert!(text.lines().count() < height, "{width}×{height}\n{text}");
                let rows = text.lines().filter(|line| !line.contains("succeeded"));
                let widest = rows.map(|line| line.chars().count()).max().unwrap();
                assert!(widest <= width.max(40), "{width}×{height}\n{text}");
            }
        }
    }
}
