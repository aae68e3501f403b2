//! The timeline: which slot was busy with what, and when.

use std::time::Duration;

use foreign_text::{one_line, plain};
use jiff::Timestamp;
use serde::Serialize;

use super::super::{AttemptV1, ReportV1, TaskV1, duration, many};
use super::parts::{round, second};

/// Sessions as bars: slots downwards in pixels, time to the right in per cent.
#[derive(Serialize)]
pub(super) struct Timeline {
    label: String,
    slots: usize,
    height: usize,
    bar: usize,
    bars: Vec<Bar>,
    ticks: Vec<Tick>,
    pauses: Vec<Pause>,
}

#[derive(Serialize)]
struct Bar {
    task: usize,
    outcome: &'static str,
    failed: bool,
    x: f64,
    width: f64,
    y: usize,
    title: String,
}

#[derive(Serialize)]
pub(super) struct Tick {
    x: f64,
    /// Too near the one before for a narrow window.
    minor: bool,
    text: String,
}

/// A time in which nothing was at work, drawn much shorter than it was.
#[derive(Serialize)]
struct Pause {
    x: f64,
    width: f64,
    title: String,
}

/// An attempt's time in milliseconds.
struct Span<'a> {
    from: i64,
    to: i64,
    task: usize,
    of: &'a TaskV1,
    attempt: &'a AttemptV1,
}

impl Timeline {
    /// None if no session was started.
    pub(super) fn of(report: &ReportV1) -> Option<Self> {
        let end = report.last_moment();
        let mut spans: Vec<Span<'_>> = Vec::new();
        for (number, task) in report.tasks.iter().enumerate() {
            spans.extend(task.attempts.iter().map(|attempt| Span::of(number, task, attempt, end)));
        }
        spans.sort_by_key(|span| (span.from, span.task));
        let axis = Axis::of(&spans)?;
        let slots = slots(&spans);
        let count = slots.iter().max()? + 1;
        let row = row_height(count);
        let bars = spans.iter().zip(&slots).map(|(span, slot)| span.bar(&axis, slot * row)).collect();
        let sessions = many(spans.len(), "session");
        let at_once =
            if count == 1 { "one at a time".to_owned() } else { format!("at most {count} at once") };
        let first = Timestamp::from_millisecond(axis.start()).ok()?;
        Some(Self {
            label: format!("{sessions}, {at_once}, from {} on", second(first)),
            slots: count,
            height: count * row,
            bar: if row > 4 { row - 2 } else { row },
            bars,
            ticks: axis.ticks(),
            pauses: axis.pauses(),
        })
    }
}

impl<'a> Span<'a> {
    fn of(number: usize, task: &'a TaskV1, attempt: &'a AttemptV1, end: Timestamp) -> Self {
        let from = attempt.started_at.as_millisecond();
        let to = attempt.ended_at.unwrap_or(end).as_millisecond().max(from + 1);
        Self { from, to, task: number, of: task, attempt }
    }

    fn bar(&self, axis: &Axis, y: usize) -> Bar {
        let outcome = self.attempt.outcome.unwrap_or(self.of.outcome);
        let x = axis.at(self.from);
        let took = duration(Duration::from_millis((self.to - self.from).unsigned_abs()));
        let mut title = format!("{} · {} · {took}", one_line(plain(&self.of.id), 200), outcome.label());
        if self.of.attempts.len() > 1 {
            title.push_str(&format!(" · attempt {}", self.attempt.number));
        }
        Bar {
            task: self.task,
            outcome: outcome.as_str(),
            failed: outcome.is_failure() || (outcome == self.of.outcome && self.of.has_failed()),
            x: round(x),
            // A bar of no width would not be drawn.
            width: round((axis.at(self.to) - x).max(0.15)),
            y,
            title,
        }
    }
}

/// The lowest free slot for each span, in the order of their starts.
fn slots(spans: &[Span<'_>]) -> Vec<usize> {
    let mut busy_until: Vec<i64> = Vec::new();
    let mut slot = |span: &Span<'_>| {
        let free = busy_until.iter().position(|until| *until <= span.from);
        let slot = free.unwrap_or(busy_until.len());
        if slot == busy_until.len() {
            busy_until.push(span.to);
        } else {
            busy_until[slot] = span.to;
        }
        slot
    };
    spans.iter().map(&mut slot).collect()
}

/// Pixels for a slot: many of them must still fit on a screen.
fn row_height(slots: usize) -> usize {
    match slots {
        0..=12 => 20,
        13..=30 => 12,
        31..=80 => 7,
        _ => 3,
    }
}

/// Where a moment stands, in per cent. Long times without work, such as the nights of a run that goes on for
/// days, take little room.
struct Axis {
    stretches: Vec<Stretch>,
    /// Milliseconds that the axis shows, shortened pauses included.
    shown: f64,
}

/// A time of work or a pause.
struct Stretch {
    from: i64,
    to: i64,
    /// Where it begins, in shown milliseconds.
    begins: f64,
    /// Shown milliseconds for each real one.
    scale: f64,
}

/// A pause is shortened if it is longer than this part of all work, and then takes that part.
const LONG_PAUSE: f64 = 0.1;
const SHORT_PAUSE: f64 = 0.04;

impl Axis {
    /// The axis of these spans, sorted by their starts; none if there are none.
    fn of(spans: &[Span<'_>]) -> Option<Self> {
        let mut busy: Vec<(i64, i64)> = Vec::new();
        for span in spans {
            match busy.last_mut() {
                Some((_, to)) if span.from <= *to => *to = span.to.max(*to),
                _ => busy.push((span.from, span.to)),
            }
        }
        let work = busy.iter().map(|(from, to)| to - from).sum::<i64>() as f64;
        let mut axis = Self { stretches: Vec::new(), shown: 0.0 };
        let mut last: Option<i64> = None;
        for (from, to) in busy {
            if let Some(last) = last {
                let pause = (from - last) as f64;
                let scale = if pause > work * LONG_PAUSE { work * SHORT_PAUSE / pause } else { 1.0 };
                axis.push(last, from, scale);
            }
            axis.push(from, to, 1.0);
            last = Some(to);
        }
        (axis.shown > 0.0).then_some(axis)
    }

    fn push(&mut self, from: i64, to: i64, scale: f64) {
        self.stretches.push(Stretch { from, to, begins: self.shown, scale });
        self.shown += (to - from) as f64 * scale;
    }

    fn start(&self) -> i64 {
        self.stretches.first().map_or(0, |stretch| stretch.from)
    }

    fn at(&self, time: i64) -> f64 {
        let later = self.stretches.partition_point(|stretch| stretch.from <= time);
        let Some(stretch) = self.stretches.get(later.saturating_sub(1)) else { return 0.0 };
        let into = (time.clamp(stretch.from, stretch.to) - stretch.from) as f64;
        (stretch.begins + into * stretch.scale) * 100.0 / self.shown
    }

    fn pauses(&self) -> Vec<Pause> {
        let short = self.stretches.iter().filter(|stretch| stretch.scale < 1.0);
        short
            .map(|stretch| Pause {
                x: round(self.at(stretch.from)),
                width: round(self.at(stretch.to) - self.at(stretch.from)),
                title: format!(
                    "{} without work",
                    duration(Duration::from_millis((stretch.to - stretch.from).unsigned_abs()))
                ),
            })
            .collect()
    }

    /// The first moment, where work goes on after a pause, and round times: far enough from each other for
    /// their labels, none within a pause.
    fn ticks(&self) -> Vec<Tick> {
        let step = step(self.shown);
        let mut ticks: Vec<Tick> = Vec::new();
        let mut day = self.days().then(String::new);
        for stretch in self.stretches.iter().filter(|stretch| stretch.scale >= 1.0) {
            let first_round = (stretch.from + step - 1).div_euclid(step) * step;
            let rounds = std::iter::successors(Some(first_round), |time| Some(time + step));
            for time in std::iter::once(stretch.from).chain(rounds.take_while(|time| *time <= stretch.to)) {
                add_tick(&mut ticks, self.at(time), 94.0, || label(time, step, day.as_mut()));
            }
        }
        ticks
    }

    /// Whether it shows more than one day.
    fn days(&self) -> bool {
        const DAY: i64 = 86_400_000;
        let last = self.stretches.last().map_or(0, |stretch| stretch.to);
        self.start().div_euclid(DAY) != last.div_euclid(DAY)
    }
}

/// Adds a tick where its label has room: behind the last one's, and before `edge`, over which it would run.
pub(super) fn add_tick(ticks: &mut Vec<Tick>, x: f64, edge: f64, text: impl FnOnce() -> String) {
    let room = |tick: &Tick| if tick.text.len() > 8 { 13.0 } else { 9.0 };
    if x <= edge && ticks.last().is_none_or(|tick| x - tick.x >= room(tick)) {
        let minor = ticks.iter().rfind(|tick| !tick.minor).is_some_and(|tick| x - tick.x < 30.0);
        ticks.push(Tick { x: round(x), minor, text: text() });
    }
}

/// Milliseconds between round times, of which about seven fit into what is shown.
pub(super) fn step(shown: f64) -> i64 {
    const STEPS: [i64; 17] =
        [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];
    let wanted = shown / 1000.0 / 7.0;
    STEPS.into_iter().find(|step| *step as f64 >= wanted).unwrap_or(86_400 * 7) * 1000
}

/// The time of day, behind the day if that is another one than before.
pub(super) fn label(time: i64, step: i64, day: Option<&mut String>) -> String {
    let Ok(moment) = Timestamp::from_millisecond(time) else { return String::new() };
    let clock = moment.strftime(if step < 60_000 { "%H:%M:%S" } else { "%H:%M" });
    let today = moment.strftime("%b %-d").to_string();
    match day {
        Some(day) if *day != today => {
            *day = today;
            format!("{day} {clock}")
        }
        _ => clock.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::super::sample::{SampleRun, every_outcome};
    use super::*;
    use crate::outcome::Outcome;

    fn run(spans: &[(i64, i64)]) -> ReportV1 {
        let mut sample = SampleRun::new();
        for (number, (from, to)) in spans.iter().enumerate() {
            let id = format!("t{number}");
            sample.plan(&id, None, 1).at(*from).start(&id, 1, "1").at(*to);
            sample.end_attempt(&id, 1, Outcome::Succeeded, None, &json!({}));
        }
        sample.report()
    }

    #[test]
    fn slots_are_used_again() {
        let timeline = Timeline::of(&run(&[(0, 10), (0, 20), (10, 30), (20, 25)])).unwrap();
        let rows: Vec<usize> = timeline.bars.iter().map(|bar| bar.y / 20).collect();
        assert_eq!((timeline.slots, rows), (2, vec![0, 1, 0, 1]));
        assert_eq!((timeline.bars[2].x, timeline.bars[2].width), (33.333, 66.667));
    }

    #[test]
    fn nights_take_little_room() {
        let timeline = Timeline::of(&run(&[(0, 3600), (86_400, 90_000)])).unwrap();
        assert_eq!(timeline.pauses.len(), 1);
        assert_eq!(timeline.pauses[0].title, "23h 00m without work");
        assert!(timeline.pauses[0].width < 5.0 && timeline.bars[0].width > 45.0);
        assert!(timeline.ticks.iter().any(|tick| tick.text.starts_with("Nov 23 ")), "the new day is named");
    }

    #[test]
    fn nothing_started_is_no_timeline() {
        assert!(Timeline::of(&SampleRun::new().report()).is_none());
        let timeline = Timeline::of(&every_outcome()).unwrap();
        assert_eq!(timeline.bars.len(), 12);
        assert!(
            timeline.label.starts_with("12 sessions, at most 5 at once, from 2026-11-22"),
            "{}",
            timeline.label
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn bars_of_a_slot_do_not_overlap(spans in proptest::collection::vec((0i64..100_000, 1i64..5_000), 1..40)) {
            let spans: Vec<(i64, i64)> = spans.into_iter().map(|(from, len)| (from, from + len)).collect();
            let report = run(&spans);
            let timeline = Timeline::of(&report).unwrap();
            prop_assert_eq!(timeline.bars.len(), spans.len());
            for bar in &timeline.bars {
                prop_assert!(bar.x >= 0.0 && bar.x + bar.width <= 100.2);
                prop_assert!(bar.y + timeline.bar <= timeline.height);
            }
            let busiest = spans.iter().map(|(at, _)| spans.iter().filter(|(from, to)| from <= at && at < to).count());
            prop_assert_eq!(timeline.slots, busiest.max().unwrap());
            prop_assert!(timeline.ticks.windows(2).all(|pair| pair[1].x - pair[0].x >= 8.9));
        }
    }
}
