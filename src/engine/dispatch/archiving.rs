//! Which sessions are to be put into the archive: those that are given up now, and those that an earlier invocation gave up
//! and did not get to put away. Nothing waits for them but the end of the run, and that not for long.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::left_over::LeftOver;
use crate::outcome::Stray;
use crate::plan::TaskId;
use jules::SessionId;

/// How long the end of a run waits for archives when nothing else is left to do. The next run goes on with the rest.
const AT_END: Duration = Duration::from_secs(30);

/// Of such a wait it is told after this.
const TOLD_AFTER: Duration = Duration::from_secs(3);

/// How often the archive is asked for one session, and how long after it has refused: one refusal is not believed.
const REQUESTS: u32 = 3;
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// How many sessions that were left are looked at at once: other requests wait for their turn as well.
const AT_ONCE: usize = 4;

/// What is to be archived, and what is waited for.
#[derive(Debug, Default)]
pub(super) struct Archiving {
    /// Asked for, and until when the answer is waited for.
    asked: HashMap<SessionId, Asked>,
    /// What earlier invocations left, still to be looked at.
    left: VecDeque<LeftOver>,
    looked_at: HashMap<SessionId, LeftOver>,
    /// Since when nothing else is left to do.
    alone_since: Option<Instant>,
    is_told: bool,
}

/// A session that the archive is to take.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) until: Instant,
    pub(super) task: TaskId,
    /// None where the attempt stands in another run.
    pub(super) attempt: Option<u32>,
    /// What it is told as, where no task has any use for it.
    pub(super) stray: Option<Stray>,
    refusals: u32,
    /// When it is asked for again, after a refusal.
    again_at: Option<Instant>,
}

impl Asked {
    pub(super) fn new(task: TaskId, attempt: Option<u32>, until: Instant) -> Self {
        Self { until, task, attempt, stray: None, refusals: 0, again_at: None }
    }

    pub(super) fn stray(task: TaskId, stray: Stray, until: Instant) -> Self {
        Self { stray: Some(stray), ..Self::new(task, None, until) }
    }
}

/// Whether the end of the run has to wait for archives.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// There is nothing to wait for.
    Nothing,
    /// It has, or the run is not at its end yet.
    Longer,
    /// It has, and so long already that it is told.
    Told(String),
    /// It has waited long enough.
    Enough,
}

impl Archiving {
    pub(super) fn of(left: Vec<LeftOver>) -> Self {
        Self { left: left.into(), ..Self::default() }
    }

    fn count(&self) -> usize {
        self.asked.len() + self.looked_at.len() + self.left.len()
    }

    /// When time alone changes something.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let times = |asked: &Asked| asked.again_at.into_iter().chain([asked.until]);
        let until = self.asked.values().flat_map(times).min();
        let alone = self.alone_since.filter(|_| self.count() > 0);
        let alone = alone.map(|since| since + if self.is_told { AT_END } else { TOLD_AFTER });
        until.into_iter().chain(alone).min()
    }

    /// The session is to be archived.
    pub(super) fn ask(&mut self, session: SessionId, asked: Asked) {
        self.asked.insert(session, asked);
    }

    /// There is an answer to that, if it is still waited for.
    pub(super) fn answered(&mut self, session: &SessionId) -> Option<Asked> {
        self.asked.remove(session)
    }

    /// The archive has refused one, or nobody knows: whether it is asked for again.
    pub(super) fn refused(&mut self, session: &SessionId, now: Instant) -> bool {
        let Some(asked) = self.asked.get_mut(session) else { return false };
        asked.refusals += 1;
        asked.again_at = (asked.refusals < REQUESTS).then_some(now + AGAIN_AFTER);
        asked.again_at.is_some()
    }

    /// Those that are to be asked for again now.
    pub(super) fn again(&mut self, now: Instant) -> Vec<SessionId> {
        let due = |asked: &mut Asked| asked.again_at.take_if(|at| now >= *at).is_some();
        let mut again: Vec<_> =
            self.asked.iter_mut().filter_map(|(id, asked)| due(asked).then(|| id.clone())).collect();
        again.sort_unstable();
        again
    }

    /// What has had no answer for too long.
    pub(super) fn late(&mut self, now: Instant) -> Vec<SessionId> {
        let late = self.asked.extract_if(|_, asked| now >= asked.until);
        late.map(|(session, _)| session).collect()
    }

    /// The next sessions of those that were left to look at.
    pub(super) fn looks(&mut self) -> Vec<SessionId> {
        let room = AT_ONCE.saturating_sub(self.looked_at.len()).min(self.left.len());
        let next: Vec<_> = self.left.drain(..room).collect();
        let sessions = next.iter().map(|left| left.session.clone()).collect();
        self.looked_at.extend(next.into_iter().map(|left| (left.session.clone(), left)));
        sessions
    }

    /// One was looked at.
    pub(super) fn looked(&mut self, session: &SessionId) -> Option<LeftOver> {
        self.looked_at.remove(session)
    }

    /// All that is left, when nobody waits any longer.
    pub(super) fn leave(&mut self) -> Vec<SessionId> {
        let Self { asked, left, looked_at, .. } = std::mem::take(self);
        let asked = asked.into_keys().chain(looked_at.into_keys());
        asked.chain(left.into_iter().map(|left| left.session)).collect()
    }

    /// Whether the end of the run has to wait. `is_alone`: there is nothing else to do.
    pub(super) fn wait(&mut self, is_alone: bool, now: Instant) -> Wait {
        let count = self.count();
        if count == 0 || !is_alone {
            self.alone_since = None;
            return if count == 0 { Wait::Nothing } else { Wait::Longer };
        }
        let since = *self.alone_since.get_or_insert(now);
        if now >= since + AT_END {
            return Wait::Enough;
        }
        if now < since + TOLD_AFTER || std::mem::replace(&mut self.is_told, true) {
            return Wait::Longer;
        }
        let (what, most) = (given_up(count), AT_END.as_secs());
        Wait::Told(format!("waiting for the archive to take {what}, for {most} s at most"))
    }
}

/// So many sessions, in words.
pub(super) fn given_up(count: usize) -> String {
    match count {
        1 => "1 session that was given up".to_owned(),
        n => format!("{n} sessions that were given up"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::left_over::GivenUp;

    fn left(n: usize) -> LeftOver {
        let (task, session) = (TaskId::new(format!("t{n}")), format!("{n}").parse().unwrap());
        let given_up = GivenUp { state: None, at: jiff::Timestamp::UNIX_EPOCH };
        LeftOver { task, attempt: Some(1), session, given_up }
    }

    #[test]
    fn what_was_left_is_looked_at_a_few_at_a_time() {
        let mut archiving = Archiving::of((1..=6).map(left).collect());
        assert_eq!(archiving.looks().len(), 4);
        assert_eq!(archiving.looks(), []);
        assert!(archiving.looked(&"2".parse().unwrap()).is_some());
        assert_eq!(archiving.looks(), ["5".parse().unwrap()]);
        assert_eq!(archiving.leave().len(), 5);
        assert_eq!(archiving.wait(true, Instant::now()), Wait::Nothing);
    }

    #[test]
    fn the_end_waits_half_a_minute_from_when_nothing_else_is_left_and_tells_it_once() {
        let (t0, mut archiving) = (Instant::now(), Archiving::of(vec![left(1), left(2)]));
        let at = |seconds| t0 + Duration::from_secs(seconds);
        assert_eq!(archiving.wait(false, at(0)), Wait::Longer);
        assert_eq!(archiving.wake_at(), None);
        assert_eq!((archiving.wait(true, at(90)), archiving.wake_at()), (Wait::Longer, Some(at(93))));
        let told = "waiting for the archive to take 2 sessions that were given up, for 30 s at most";
        assert_eq!(archiving.wait(true, at(93)), Wait::Told(told.to_owned()));
        assert_eq!((archiving.wait(true, at(94)), archiving.wake_at()), (Wait::Longer, Some(at(120))));
        assert_eq!(archiving.wait(true, at(120)), Wait::Enough);
    }

    #[test]
    fn the_archive_is_asked_three_times_with_pauses_between() {
        let (t0, mut archiving) = (Instant::now(), Archiving::default());
        let (at, id) = (|seconds| t0 + Duration::from_secs(seconds), "1".parse::<SessionId>().unwrap());
        archiving.ask(id.clone(), Asked::new(TaskId::new("t".to_owned()), Some(1), at(60)));
        for (asked, again) in [(0, 5), (6, 11)] {
            assert!(archiving.refused(&id, at(asked)));
            assert_eq!((archiving.wake_at(), archiving.again(at(again - 1))), (Some(at(again)), vec![]));
            assert_eq!(archiving.again(at(again)), std::slice::from_ref(&id));
            assert_eq!((archiving.wake_at(), archiving.again(at(again))), (Some(at(60)), vec![]));
        }
        assert!(!archiving.refused(&id, at(12)) && archiving.answered(&id).is_some());
    }
}
