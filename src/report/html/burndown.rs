//! The burn-down: how many pull requests were left at which time, and what became of the others.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::super::{PullChangeV1, PullRequestV1, ReportV1, TaskV1, many};
use super::parts::{round, second};
use super::timeline::{Tick, add_tick, label, step};
use crate::outcome::{PullState, Stage};

/// The size of the picture in its own units; the page stretches it.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 160.0;
/// More instants than this would not be seen.
const INSTANTS: usize = 400;

/// Areas over time, one on top of the other: what is left below, what is over above.
#[derive(Serialize)]
pub(super) struct Burndown {
    label: String,
    width: f64,
    height: f64,
    /// From the lowest up.
    areas: Vec<Area>,
    ticks: Vec<Tick>,
}

#[derive(Serialize)]
struct Area {
    name: &'static str,
    /// At the end.
    count: usize,
    path: String,
}

/// What is told apart, from the lowest area up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Failing,
    Open,
    Ready,
    Closed,
    Merged,
}

impl Part {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Failing, "failing"),
        (Self::Open, "open"),
        (Self::Ready, "ready"),
        (Self::Closed, "closed"),
        (Self::Merged, "merged"),
    ];

    fn of(state: PullState, stage: Stage) -> Self {
        match (state, stage) {
            (PullState::Merged, _) => Self::Merged,
            (PullState::Closed, _) => Self::Closed,
            (_, Stage::ChecksFailed | Stage::Conflict) => Self::Failing,
            (_, Stage::Ready) => Self::Ready,
            _ => Self::Open,
        }
    }
}

/// How many of each part there are.
type Counts = [usize; Part::ALL.len()];

impl Burndown {
    /// None if there is no time to show: nothing was read, or but once and at the same moment.
    pub(super) fn of(report: &ReportV1) -> Option<Self> {
        let mut changes: BTreeMap<i64, Vec<(Option<Part>, Part)>> = BTreeMap::new();
        for (task, pull) in report.tasks.iter().flat_map(|task| task.pulls().map(move |pull| (task, pull))) {
            let mut last = None;
            for (at, part) in course(task, pull) {
                changes.entry(at.as_millisecond()).or_default().push((last, part));
                last = Some(part);
            }
        }
        let from = *changes.keys().next()?;
        let to = (*changes.keys().last()?).max(report.last_reading()?.as_millisecond());
        let steps = steps(&changes, from, to);
        let counts = steps.last()?.1;
        let total = counts.iter().sum::<usize>();
        if to <= from || total == 0 {
            return None;
        }
        let x = |at: i64| round((at - from) as f64 * WIDTH / (to - from) as f64);
        let y = |count: usize| round(HEIGHT - count as f64 * HEIGHT / total as f64);
        let area = |(part, (_, name)): (usize, (Part, &'static str))| {
            let below = |counts: &Counts| counts[..part].iter().sum::<usize>();
            let edges: Vec<(f64, f64, f64)> = steps
                .iter()
                .map(|(at, counts)| (x(*at), y(below(counts)), y(below(counts) + counts[part])))
                .collect();
            Area { name, count: counts[part], path: path(&edges) }
        };
        let occurred = |area: &Area| !area.path.is_empty();
        let areas: Vec<Area> = Part::ALL.into_iter().enumerate().map(area).filter(occurred).collect();
        Some(Self {
            label: label_of(&areas, total, from, to),
            width: WIDTH,
            height: HEIGHT,
            areas,
            ticks: ticks(from, to),
        })
    }
}

/// What a pull request was when: open from the end of its attempt on, until it was read. By GitHub's clock it may have been
/// merged before it was made by ours.
fn course(task: &TaskV1, pull: &PullRequestV1) -> Vec<(Timestamp, Part)> {
    let Some(first) = pull.history.first() else { return Vec::new() };
    let made = task.attempts.last().and_then(|attempt| attempt.ended_at).filter(|made| *made < first.at);
    let made = made.map(|made| (made, Part::Open));
    let begun = task.attempts.first().map(|attempt| attempt.started_at);
    let at = |change: &PullChangeV1| begun.map_or(change.at, |begun| change.at.max(begun));
    let read = pull.history.iter().map(|change| (at(change), Part::of(change.state, change.stage)));
    made.into_iter().chain(read).collect()
}

/// How many there were from when on: at each change, or at so many even instants if there are very many.
fn steps(changes: &BTreeMap<i64, Vec<(Option<Part>, Part)>>, from: i64, to: i64) -> Vec<(i64, Counts)> {
    let mut counts: Counts = Default::default();
    let mut steps: Vec<(i64, Counts)> = Vec::new();
    let width = (to - from) as f64 / INSTANTS as f64;
    let many = changes.len() > INSTANTS;
    for (at, of) in changes {
        for (last, part) in of {
            if let Some(last) = last {
                counts[*last as usize] -= 1;
            }
            counts[*part as usize] += 1;
        }
        let at = if many { from + (((at - from) as f64 / width).floor() * width) as i64 } else { *at };
        match steps.last_mut().filter(|(last, _)| *last == at) {
            Some((_, last)) => *last = counts,
            None => steps.push((at, counts)),
        }
    }
    steps
}

/// The outline of an area whose lower and upper edge keep their height until the next step; empty if it has no height
/// anywhere.
fn path(edges: &[(f64, f64, f64)]) -> String {
    let Some((begin, _, first)) = edges.first().filter(|_| edges.iter().any(|(_, low, high)| low > high))
    else {
        return String::new();
    };
    let mut path = format!("M{begin} {first}");
    let mut height = *first;
    for (x, _, high) in &edges[1..] {
        if *high != height {
            path.push_str(&format!("H{x}V{high}"));
            height = *high;
        }
    }
    path.push_str(&format!("H{WIDTH}"));
    let mut height = f64::NAN;
    for (at, (_, low, _)) in edges.iter().enumerate().rev() {
        if *low != height {
            // It keeps that height back to where its step begins.
            if let Some((next, _, _)) = edges.get(at + 1) {
                path.push_str(&format!("H{next}"));
            }
            path.push_str(&format!("V{low}"));
            height = *low;
        }
    }
    path.push_str(&format!("H{begin}Z"));
    path
}

fn label_of(areas: &[Area], total: usize, from: i64, to: i64) -> String {
    let moment = |at| Timestamp::from_millisecond(at).map(second).unwrap_or_default();
    let counts: Vec<String> = areas
        .iter()
        .rev()
        .filter(|area| area.count > 0)
        .map(|area| format!("{} {}", area.count, area.name))
        .collect();
    format!("{} from {} to {}: {}", many(total, "pull request"), moment(from), moment(to), counts.join(", "))
}

/// Round times, far enough from each other for their labels.
fn ticks(from: i64, to: i64) -> Vec<Tick> {
    let shown = (to - from) as f64;
    let step = step(shown);
    let mut day = Some(String::new());
    let mut ticks: Vec<Tick> = Vec::new();
    let first = (from + step - 1).div_euclid(step) * step;
    for at in std::iter::successors(Some(first), |at| Some(at + step)).take_while(|at| *at <= to) {
        let x = (at - from) as f64 * 100.0 / shown;
        add_tick(&mut ticks, x, 90.0, || label(at, step, day.as_mut()));
    }
    ticks
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::sample::{SampleRun, campaign, every_outcome};
    use super::*;

    fn counts(report: &ReportV1) -> Vec<(&'static str, usize)> {
        Burndown::of(report).unwrap().areas.iter().map(|area| (area.name, area.count)).collect()
    }

    #[test]
    fn ends_as_they_stand() {
        let report = campaign();
        let totals = report.pulls.clone().unwrap();
        let told = counts(&report);
        assert_eq!(told, [("failing", 6), ("open", 21), ("ready", 7), ("closed", 1), ("merged", 19)]);
        // Foreign, touched and unreadable ones are open here; those that were not read are not drawn.
        assert_eq!(told.iter().map(|(_, count)| count).sum::<usize>() as u64, totals.total - totals.unread);
        let label = Burndown::of(&report).unwrap().label;
        assert!(label.starts_with("54 pull requests from 2026-11-22 02:10:05 UTC to 2026-11-2"), "{label}");
        assert!(label.ends_with(": 19 merged, 1 closed, 7 ready, 21 open, 6 failing"), "{label}");
    }

    #[test]
    fn nothing_was_merged_before_the_run_began_whatever_clock_says_so() {
        let mut report = campaign();
        let hours = jiff::SignedDuration::from_hours(99);
        for task in &mut report.tasks {
            let pulls = task.pull_requests.iter_mut().chain(&mut task.pull_request);
            for pull in pulls.filter(|pull| pull.state == Some(PullState::Merged)) {
                Arc::make_mut(pull).history.iter_mut().for_each(|change| change.at -= hours);
            }
        }
        let label = Burndown::of(&report).unwrap().label;
        assert!(label.starts_with("54 pull requests from 2026-11-22 02:00:05 UTC"), "{label}");
    }

    #[test]
    fn areas_fill_the_picture_and_do_not_leave_it() {
        for area in Burndown::of(&campaign()).unwrap().areas {
            let numbers =
                area.path.split(|c: char| !(c.is_ascii_digit() || c == '.')).filter(|text| !text.is_empty());
            let numbers: Vec<f64> = numbers.map(|text| text.parse().unwrap()).collect();
            assert!(numbers.iter().all(|number| (0.0..=WIDTH).contains(number)), "{}", area.path);
            assert!(area.path.starts_with('M') && area.path.ends_with('Z') && area.path.contains("H1000V"));
        }
    }

    #[test]
    fn an_edge_keeps_its_height_until_the_next_step() {
        let edges = [(0.0, 160.0, 80.0), (250.0, 120.0, 40.0), (500.0, 120.0, 0.0)];
        assert_eq!(path(&edges), "M0 80H250V40H500V0H1000V120H250V160H0Z");
        assert_eq!(path(&[(0.0, 5.0, 5.0), (10.0, 7.0, 7.0)]), "", "it has no height anywhere");
    }

    #[test]
    fn very_many_changes_are_drawn_at_so_many_instants() {
        let mut changes = BTreeMap::new();
        for at in 0..5_000_i64 {
            changes.insert(at * 1000, vec![(None, Part::Ready)]);
        }
        let steps = steps(&changes, 0, 4_999_000);
        assert!(steps.len() <= INSTANTS + 1, "{}", steps.len());
        assert!(steps.is_sorted_by(|one, other| one.0 < other.0));
        assert_eq!(steps.last().unwrap().1[Part::Ready as usize], 5_000);
    }

    #[test]
    fn nothing_read_is_no_burn_down() {
        assert!(Burndown::of(&every_outcome()).is_none());
        assert!(Burndown::of(&SampleRun::new().report()).is_none());
    }
}
