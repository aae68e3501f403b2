//! How much of what sessions have said and done a page has room for, so that a browser opens it at once however many they are.

use std::cmp::Reverse;

use super::super::{DetailsV1, ReportV1};

/// Bytes of a page that is no burden; what a row takes of them without what it opens to; and what rows may open to together
/// even where nothing is left.
const PAGE: usize = 14 * 1024 * 1024;
const ROW: usize = 1400;
const LEAST: usize = 1024 * 1024;
/// Bytes that the diffs of all tasks may take together, and the diff of one task at least and at most.
const DIFFS: usize = 8 * 1024 * 1024;
const LEAST_DIFF: usize = 1024;
const MOST_DIFF: usize = 32 * 1024;
/// Markup around the details of a task, and around a line of them.
const FRAME: usize = 600;
const LINE: usize = 120;

/// What each task's row opens to.
pub(super) struct Room {
    shares: Vec<Share>,
    left_out: usize,
}

/// What one row opens to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    /// Whether there is room for its details.
    pub(super) has_details: bool,
    /// Bytes of its diff; none where there is no room for one.
    pub(super) diff: usize,
}

impl Room {
    /// That of a page of these tasks.
    pub(super) fn of(report: &ReportV1) -> Self {
        Self::within(report, PAGE.saturating_sub(report.tasks.len() * ROW).max(LEAST))
    }

    /// Of so many bytes. Those that went worst come first; among them the first of the manifest.
    pub(super) fn within(report: &ReportV1, mut left: usize) -> Self {
        let mut shares = vec![Share::default(); report.tasks.len()];
        let details = |at: usize| report.tasks[at].details.as_deref();
        let mut order: Vec<usize> = (0..report.tasks.len()).filter(|at| details(*at).is_some()).collect();
        order.sort_by_key(|at| Reverse(report.tasks[*at].outcome));
        for at in &order {
            let size = details(*at).map_or(0, size);
            if size <= left {
                left -= size;
                shares[*at].has_details = true;
            }
        }
        let has_diff =
            |at: &usize| shares[*at].has_details && details(*at).is_some_and(|it| it.diff_event.is_some());
        let left_out = order.iter().filter(|at| !shares[**at].has_details).count();
        order.retain(has_diff);
        left = left.min(DIFFS);
        let diff = (left / order.len().max(1)).clamp(LEAST_DIFF, MOST_DIFF);
        for at in order.into_iter().take(left / diff) {
            shares[at].diff = diff;
        }
        Self { shares, left_out }
    }

    /// How many tasks have more to say than there is room for.
    pub(super) fn left_out(&self) -> usize {
        self.left_out
    }

    /// The share of a task.
    pub(super) fn share(&self, task: usize) -> Share {
        self.shares.get(task).copied().unwrap_or_default()
    }
}

/// About how long the markup of it is.
fn size(details: &DetailsV1) -> usize {
    let lines = details.plan.iter().map(String::len).chain(details.files.iter().map(|file| file.path.len()));
    let lines: usize = lines.map(|length| length + LINE).sum();
    FRAME + details.last_words.as_deref().map_or(0, str::len) + lines
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::SampleRun;
    use super::*;
    use crate::outcome::Outcome;

    /// As many tasks with details and a diff, of which the last has failed.
    fn report(tasks: usize) -> ReportV1 {
        let mut sample = SampleRun::new();
        for number in 1..=tasks {
            let (id, outcome) = (format!("t{number}"), [Outcome::Succeeded, Outcome::Failed]);
            sample.plan(&id, None, 1).whole(&id, 5, outcome[usize::from(number == tasks)], None);
            sample.details(&id, 1, "It is done.", &["Look", "Change"]);
        }
        sample.finish(None).report()
    }

    #[test]
    fn a_small_run_is_shown_whole() {
        let room = Room::of(&report(13));
        assert!((0..13).all(|at| room.share(at) == Share { has_details: true, diff: MOST_DIFF }));
        assert_eq!(room.share(13), Share::default());
    }

    #[test]
    fn where_not_all_has_room_what_went_wrong_is_shown_first() {
        let report = report(4);
        let details = report.tasks[0].details.as_deref().map_or(0, size);
        let room = Room::within(&report, 2 * details + LEAST_DIFF);
        let shares: Vec<_> = (0..4).map(|at| (room.share(at).has_details, room.share(at).diff)).collect();
        assert_eq!(shares, [(true, 0), (false, 0), (false, 0), (true, LEAST_DIFF)]);
        assert_eq!(room.left_out(), 2);
    }

    #[test]
    fn a_page_of_ten_thousand_tasks_has_a_bound() {
        let few = report(1);
        let many = ReportV1 { tasks: vec![few.tasks[0].clone(); 10_000], ..few };
        let room = Room::of(&many);
        assert!((500..2000).contains(&(10_000 - room.left_out())), "{}", room.left_out());
    }
}
