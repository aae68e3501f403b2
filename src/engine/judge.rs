//! What counts as a look at a session, and what its outcome is by what it shows.

use std::time::Duration;

use tokio::time::Instant;

use crate::outcome::{Outcome, Work};
use crate::plan::{Expect, Settings, Task};
use jules::Made;

/// How long a look at a session is tried for before there is none.
pub(super) const PATIENCE: Duration = Duration::from_secs(2 * 60);

/// How long our own quota can hold up a look at a session whose turn comes last: every slot may have two requests before
/// it, one that looks and one that puts away. Longer than for capacity nothing is waited for.
pub(super) fn own_turn(settings: &Settings) -> Duration {
    let requests = settings.strategy.max_parallel.saturating_mul(2) as f64;
    let minutes = requests / f64::from(settings.limits.requests_per_minute.max(1));
    let turn = Duration::try_from_secs_f64(60.0 * minutes).unwrap_or(Duration::MAX);
    turn.min(settings.limits.capacity_wait)
}

/// How long the service must not know a session, answer by answer, before it counts as deleted: at the default
/// `create.look-delay` two minutes. A shorter time is trouble of the service.
pub(super) fn gone_after(settings: &Settings) -> Duration {
    settings.adoption.look_delay * 12
}

/// Whether what left then, and is here now, shows how things stand.
pub(super) fn is_fresh(asked: Instant, interval: Duration, now: Instant) -> bool {
    now.saturating_duration_since(asked) < interval.max(Duration::from_secs(1))
}

/// What the task asks a session to make: late outputs are waited for until it is there.
pub(super) fn asked(task: &Task) -> Made {
    let auto_pr = task.auto_pr && task.source.is_some();
    if auto_pr || task.expect == Expect::PullRequest { Made::PullRequest } else { Made::Change }
}

/// Whether there is a change: then what else the agent has said is no open question.
pub(super) fn has_changed(work: &Work) -> bool {
    work.pull_request.is_some() || work.change.is_some_and(|change| change.files > 0 || change.unread)
}

/// The outcome of a completed session that made this, and why if it is not plainly a success.
pub(super) fn judge(expect: Expect, work: &Work) -> (Outcome, Option<&'static str>) {
    let unread = work.change.is_some_and(|change| change.unread);
    let changed = has_changed(work);
    match expect {
        Expect::PullRequest if work.pull_request.is_some() => (Outcome::Succeeded, None),
        Expect::PullRequest if changed => (
            Outcome::Failed,
            Some("completed with a change but without the pull request that `expect` asks for"),
        ),
        Expect::PullRequest => {
            (Outcome::Failed, Some("completed without any change; `expect` asks for a pull request"))
        }
        Expect::Change | Expect::Any if changed && unread => {
            (Outcome::Succeeded, Some("completed with a change that could not be read: look at its patch"))
        }
        Expect::Change | Expect::Any if changed => (Outcome::Succeeded, None),
        Expect::Change => (Outcome::Failed, Some("completed without any change; `expect` asks for one")),
        Expect::Any => (Outcome::NoChange, Some("completed without any change")),
    }
}

/// Whether a session that has not ended has made what the task wants of it. A change is enough where it is what was asked
/// for: one before a pull request is not the whole work.
pub(super) fn is_met(expect: Expect, asked: Made, work: &Work) -> bool {
    let made = Made::of(work.pull_request.is_some(), work.change.is_some());
    let is_enough = made >= Some(asked) || expect == Expect::Change;
    is_enough && judge(expect, work).0 == Outcome::Succeeded
}

/// Whether a session that failed has made what the task wants of it all the same. A change that it leaves behind is the
/// goal only where one is asked for.
pub(super) fn is_met_by_failed(expect: Expect, work: &Work) -> bool {
    is_met(expect, Made::PullRequest, work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Change, PullRequest};

    fn pull_request() -> Work {
        let url = "https://github.com/o/r/pull/7".to_owned();
        let pull_request = PullRequest { url, number: Some(7), title: None, base_ref: None, head_ref: None };
        Work { pull_request: Some(pull_request.into()), ..Work::default() }
    }

    fn change(files: u64) -> Work {
        Work { change: Some(Change { files, additions: files, ..Change::default() }), ..Work::default() }
    }

    fn unread() -> Work {
        Work { change: Some(Change { unread: true, ..Change::default() }), ..Work::default() }
    }

    #[test]
    fn the_own_quota_is_waited_for_by_the_number_of_slots_and_not_for_ever() {
        let plan = crate::engine::dispatch::tests::plan(1, 40);
        let turn = |per_minute| {
            let mut settings = plan.settings.clone();
            settings.limits.requests_per_minute = per_minute;
            (own_turn(&settings).as_secs(), settings.limits.capacity_wait.as_secs())
        };
        assert_eq!(turn(100).0, 48, "80 requests at a hundred a minute");
        let (longest, capacity_wait) = turn(1);
        assert_eq!(longest, capacity_wait);
        assert_eq!(turn(u32::MAX).0, 0);
    }

    #[rstest::rstest]
    #[case(Expect::Any, unread(), Outcome::Succeeded)]
    #[case(Expect::Change, unread(), Outcome::Succeeded)]
    #[case(Expect::PullRequest, unread(), Outcome::Failed)]
    #[case(Expect::Any, pull_request(), Outcome::Succeeded)]
    #[case(Expect::Any, change(1), Outcome::Succeeded)]
    #[case(Expect::Any, change(0), Outcome::NoChange)]
    #[case(Expect::Any, Work::default(), Outcome::NoChange)]
    #[case(Expect::Change, pull_request(), Outcome::Succeeded)]
    #[case(Expect::Change, change(1), Outcome::Succeeded)]
    #[case(Expect::Change, Work::default(), Outcome::Failed)]
    #[case(Expect::PullRequest, pull_request(), Outcome::Succeeded)]
    #[case(Expect::PullRequest, change(1), Outcome::Failed)]
    #[case(Expect::PullRequest, Work::default(), Outcome::Failed)]
    fn what_was_made_decides(#[case] expect: Expect, #[case] work: Work, #[case] wanted: Outcome) {
        assert_eq!(judge(expect, &work).0, wanted);
    }
}
