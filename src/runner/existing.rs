//! What the pull request of an earlier run means for a task that would start (`pull-requests.existing`).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::decision::{Because, Decision};
use crate::outcome::{EventKind, Outcome, PullRequest, PullState, RunId, SessionRef};
use crate::plan::{Existing, IfClosed, IfExists, Task, TaskId};

/// A pull request that an earlier run has made for a task, as it was last read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EarlierPull {
    /// Which.
    pub pull: PullRequest,
    /// Whether it is open; unknown also where nobody has read it.
    pub state: PullState,
    /// Whether GitHub was asked, and did not show it.
    pub is_unreadable: bool,
    /// Whether it is in another repository than its task's, or does not name its session: nobody writes to it.
    pub is_foreign: bool,
    /// When the run learnt of it.
    pub made_at: Timestamp,
    /// When it was closed or merged.
    pub closed_at: Option<Timestamp>,
    /// Who closed or merged it.
    pub closed_by: Option<String>,
    /// The session that made it, where that is known.
    pub session: Option<SessionRef>,
    /// The run that has it, where the ledger knows.
    pub run: Option<RunId>,
}

impl EarlierPull {
    /// How it stands, in a few words: `https://… is open`.
    #[must_use]
    pub fn words(&self) -> String {
        let by = self.closed_by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
        let at = self.closed_at.map_or_else(String::new, |at| format!(" on {}", at.strftime("%Y-%m-%d")));
        let url = &self.pull.url;
        match self.state {
            PullState::Open if self.is_foreign => {
                format!("{url} is open, though it is in another repository or does not name its session")
            }
            PullState::Open => format!("{url} is open"),
            PullState::Merged => format!("{url} was merged{by}{at}"),
            PullState::Closed => format!("{url} was closed{by}{at}"),
            PullState::Unknown => format!("{url} cannot be read"),
        }
    }
}

/// What is asked for in this matter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) existing: Existing,
    /// Whether the manifest says so itself: then nothing is created beside what cannot be read.
    pub(super) is_written: bool,
    pub(super) look_back: Duration,
}

/// What becomes of a task that was decided on so, with these pull requests of its own.
pub(super) fn beside(decision: Decision, pulls: &[EarlierPull], terms: &Terms, now: Timestamp) -> Decision {
    let Decision::Start(because) = decision else { return decision };
    // A person has seen what there is, or the work was no good.
    if matches!(because, Because::Recreated | Because::Failed) {
        return decision;
    }
    let look_back = SignedDuration::try_from(terms.look_back).unwrap_or(SignedDuration::MAX);
    let rank = |pull: &&EarlierPull| {
        let rank = match pull.state {
            PullState::Open if !pull.is_foreign => 3,
            PullState::Open => 2,
            PullState::Unknown => 1,
            PullState::Merged | PullState::Closed => 0,
        };
        (rank, pull.made_at)
    };
    let young = pulls.iter().filter(|pull| now.duration_since(pull.made_at) <= look_back);
    let Some(pull) = young.max_by_key(rank) else { return decision };
    // Whoever names the task has a reason to do it once more, but not beside an open pull request.
    let is_told = matches!(because, Because::Again | Because::Marked);
    let adopt = || Decision::Adopt(Box::new(pull.clone()));
    let skip = || Decision::SkipFor(Box::new(pull.clone()));
    match pull.state {
        // What cannot be read may be open.
        PullState::Unknown if terms.is_written || pull.is_unreadable => skip(),
        PullState::Unknown => decision,
        // It is no success to show, and a second one beside it is none either.
        PullState::Open if pull.is_foreign && terms.existing.open == IfExists::Adopt => skip(),
        PullState::Open => match terms.existing.open {
            IfExists::Adopt => adopt(),
            IfExists::Skip => skip(),
            IfExists::Again => decision,
        },
        PullState::Merged | PullState::Closed if is_told => decision,
        PullState::Merged => match terms.existing.merged {
            IfExists::Adopt => adopt(),
            IfExists::Skip => skip(),
            IfExists::Again => decision,
        },
        PullState::Closed => match terms.existing.closed {
            IfClosed::Skip => skip(),
            IfClosed::Again => decision,
        },
    }
}

/// What is recorded of a task that ends so without a session.
pub(super) fn end(task: &Task, decision: &Decision) -> Vec<EventKind> {
    let ended =
        |outcome, reason| EventKind::TaskEnded { task: task.id.clone(), outcome, reason: Some(reason) };
    let taken_over = |EarlierPull { pull, session, run, .. }: &EarlierPull| EventKind::PullRequestAdopted {
        task: task.id.clone(),
        pull: Box::new(pull.clone()),
        session: session.clone(),
        run: run.clone(),
    };
    match decision {
        Decision::Adopt(earlier) => {
            let reason = format!("{}: no second one beside it", earlier.words());
            vec![taken_over(earlier), ended(Outcome::Succeeded, reason)]
        }
        Decision::SkipFor(earlier) => {
            // One that no ledger knows has to be known by the next run.
            let lost = earlier.run.is_none().then(|| taken_over(earlier));
            lost.into_iter().chain([ended(Outcome::Skipped, reason(task, earlier))]).collect()
        }
        Decision::Unmet { why } => vec![ended(Outcome::Skipped, why.clone())],
        _ => Vec::new(),
    }
}

fn reason(task: &Task, earlier: &EarlierPull) -> String {
    let source =
        task.source.as_ref().map_or_else(String::new, |source| format!("&source({})", source.github));
    format!("{}; once more: run --recreate 'job({}){source}'", earlier.words(), task.job)
}

/// Whether a record says just this of the task already.
pub(super) fn is_told(
    known: Option<(Option<Outcome>, Option<&str>)>,
    end: &[EventKind],
    task: &TaskId,
) -> bool {
    let Some((Some(outcome), Some(reason))) = known else { return false };
    end.iter().any(|event| {
        matches!(event, EventKind::TaskEnded { task: of, outcome: told, reason: Some(why) }
            if of == task && *told == outcome && why == reason)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24;

    fn at(hours: i64) -> Timestamp {
        crate::outcome::sample::at(hours * 3_600)
    }

    fn pull(state: PullState, made: i64) -> EarlierPull {
        let url = format!("https://github.com/my-org/web/pull/{made}");
        EarlierPull {
            pull: PullRequest { url, number: None, title: None, base_ref: None, head_ref: None },
            state,
            is_unreadable: false,
            is_foreign: false,
            made_at: at(made),
            closed_at: None,
            closed_by: None,
            session: None,
            run: None,
        }
    }

    fn terms(open: IfExists, closed: IfClosed, merged: IfExists, is_written: bool) -> Terms {
        let look_back = Duration::from_secs(90 * 24 * 3_600);
        Terms { existing: Existing { open, closed, merged }, is_written, look_back }
    }

    fn word(decision: &Decision) -> &'static str {
        match decision {
            Decision::Start(_) => "start",
            Decision::Adopt(_) => "adopt",
            Decision::SkipFor(_) => "skip",
            _ => "other",
        }
    }

    fn decided(because: Because, pulls: &[EarlierPull], terms: &Terms) -> &'static str {
        word(&beside(Decision::Start(because), pulls, terms, at(10 * DAY)))
    }

    #[test]
    fn what_an_earlier_pull_request_means_is_a_table() {
        use PullState::{Closed, Merged, Open, Unknown};
        let default = terms(IfExists::Adopt, IfClosed::Skip, IfExists::Again, false);
        let written = Terms { is_written: true, ..default };
        let loose = terms(IfExists::Again, IfClosed::Again, IfExists::Skip, true);
        let other = terms(IfExists::Skip, IfClosed::Skip, IfExists::Adopt, false);
        // default, written, loose, other
        let table = [
            (None, ["start", "start", "start", "start"]),
            (Some(Open), ["adopt", "adopt", "start", "skip"]),
            (Some(Closed), ["skip", "skip", "start", "skip"]),
            (Some(Merged), ["start", "start", "skip", "adopt"]),
            (Some(Unknown), ["start", "skip", "skip", "start"]),
        ];
        for (state, row) in table {
            let pulls: Vec<_> = state.map(|state| pull(state, 9 * DAY)).into_iter().collect();
            for because in [Because::New, Because::Open, Because::Due, Because::Fresh, Because::Edited] {
                let told = [default, written, loose, other].map(|terms| decided(because, &pulls, &terms));
                assert_eq!(told, row, "{state:?} {because:?}");
            }
            for because in [Because::Recreated, Because::Failed] {
                assert_eq!(decided(because, &pulls, &default), "start", "{state:?} {because:?}");
            }
        }
    }

    #[test]
    fn beside_what_cannot_be_read_or_is_foreign_nothing_starts_unless_somebody_says_so() {
        let default = terms(IfExists::Adopt, IfClosed::Skip, IfExists::Again, false);
        let again = terms(IfExists::Again, IfClosed::Skip, IfExists::Again, false);
        let unreadable = EarlierPull { is_unreadable: true, ..pull(PullState::Unknown, 9 * DAY) };
        let foreign = EarlierPull { is_foreign: true, ..pull(PullState::Open, 9 * DAY) };
        for because in [Because::New, Because::Due, Because::Again] {
            for pull in [&unreadable, &foreign] {
                assert_eq!(decided(because, std::slice::from_ref(pull), &default), "skip", "{because:?}");
            }
        }
        for pull in [&unreadable, &foreign] {
            assert_eq!(decided(Because::Recreated, std::slice::from_ref(pull), &default), "start");
        }
        assert_eq!(decided(Because::Due, std::slice::from_ref(&foreign), &again), "start");
        let own = pull(PullState::Open, DAY);
        assert_eq!(decided(Because::Due, &[foreign, own], &default), "adopt", "its own counts first");
    }

    #[test]
    fn whoever_names_a_task_does_what_was_closed_once_more_and_nothing_beside_an_open_one() {
        let default = terms(IfExists::Adopt, IfClosed::Skip, IfExists::Again, true);
        for because in [Because::Again, Because::Marked] {
            assert_eq!(decided(because, &[pull(PullState::Closed, 9)], &default), "start");
            assert_eq!(decided(because, &[pull(PullState::Open, 9)], &default), "adopt");
        }
    }

    #[test]
    fn an_open_one_counts_before_a_newer_closed_one_and_old_ones_do_not() {
        let default = terms(IfExists::Adopt, IfClosed::Skip, IfExists::Again, false);
        let pulls = [pull(PullState::Closed, 3 * DAY), pull(PullState::Open, DAY)];
        assert_eq!(decided(Because::Due, &pulls, &default), "adopt");
        let pulls = [pull(PullState::Closed, DAY), pull(PullState::Merged, 3 * DAY)];
        assert_eq!(decided(Because::Due, &pulls, &default), "start", "the newer one was merged");
        let short = Terms { look_back: Duration::from_secs(3_600), ..default };
        assert_eq!(decided(Because::Due, &[pull(PullState::Open, DAY)], &short), "start");
    }

    #[test]
    fn only_what_would_start_is_looked_at() {
        let default = terms(IfExists::Adopt, IfClosed::Skip, IfExists::Again, false);
        let decision = beside(Decision::Needs, &[pull(PullState::Open, DAY)], &default, at(10 * DAY));
        assert_eq!(decision, Decision::Needs);
    }
}
