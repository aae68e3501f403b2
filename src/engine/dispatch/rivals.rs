//! Other runs at work on our tasks, which know nothing of our ledger: another machine's, or one whose ledger is old or lost.
//!
//! Nobody tells of them but their sessions: one that was created since we began, bears a marker of one of our tasks and is in no
//! ledger of ours was created by somebody who is at work now. Whatever is older is an earlier run's, and taken up. Of two such
//! runs the younger one stops: each counts from its first session, by the service's clock, so that both come to the same end.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::engine::action::TaskIx;
use crate::outcome::{Marker, Stray};
use jules::SessionId;

/// A younger run has seen us by then, and has stopped. One that has not will not: then we do.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// A session's time and name, which tell which one of two was first.
type First = (Timestamp, SessionId);

/// What listings have shown of other runs.
#[derive(Debug)]
pub(super) struct Rivals {
    /// When this invocation began, by the service's clock.
    began: Timestamp,
    /// Our run's first session, and this invocation's: one with an old copy of our ledger has the same run.
    pub(super) ours: Option<First>,
    ours_now: Option<First>,
    /// Markers of earlier runs' intents, which may make a session yet.
    pub(super) expected: HashSet<Marker>,
    /// By the part of their ids that markers carry.
    runs: BTreeMap<String, Rival>,
    /// Our tasks, by the digits of their keys that all markers carry.
    pub(super) tasks: HashMap<String, Vec<TaskIx>>,
    /// What younger ones have doubled: strays, should this one turn out to be the younger.
    pub(super) doubled: Vec<Stray>,
}

#[derive(Debug)]
pub(super) struct Rival {
    first: First,
    /// When it was seen to be at work.
    seen_at: Option<Timestamp>,
}

/// What a session says of the run that has created it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was there before us: work to take up.
    Earlier,
    /// It is at work now, and younger than this one. `is_news`: nobody knew of it.
    Younger { is_news: bool },
    /// It is at work now, and this one is to stop.
    Older { is_news: bool },
}

impl Rivals {
    pub(super) fn new(began: Timestamp) -> Self {
        Self {
            began,
            ours: None,
            ours_now: None,
            expected: HashSet::new(),
            runs: BTreeMap::new(),
            tasks: HashMap::new(),
            doubled: Vec::new(),
        }
    }

    /// A session with this marker is no surprise: a POST of ours may have made it unseen.
    pub(super) fn expect(&mut self, marker: Marker) {
        self.expected.insert(marker);
    }

    /// A session that our run has created, in this invocation or before.
    pub(super) fn is_ours(&mut self, session: &SessionId, created: Timestamp) {
        let first = |before: Option<First>| before.into_iter().chain([(created, session.clone())]).min();
        self.ours = first(self.ours.take());
        if created >= self.began {
            self.ours_now = first(self.ours_now.take());
        }
    }

    /// Whether that run was seen to be at work.
    pub(super) fn is_at_work(&self, run: &str) -> bool {
        self.runs.get(run).is_some_and(|rival| rival.seen_at.is_some())
    }

    /// A session of a task of ours that another run has created.
    pub(super) fn is_theirs(&mut self, run: &str, session: &SessionId, created: Timestamp) -> &mut Rival {
        let first = (created, session.clone());
        let rival =
            self.runs.entry(run.to_owned()).or_insert_with(|| Rival { first: first.clone(), seen_at: None });
        if first < rival.first {
            rival.first = first;
        }
        rival
    }

    /// The same of one that nobody here knows. `is_same`: that run calls itself like ours.
    pub(super) fn on_other(
        &mut self,
        run: &str,
        is_same: bool,
        session: &SessionId,
        created: Timestamp,
    ) -> Verdict {
        let (began, ours) = (self.began, if is_same { &self.ours_now } else { &self.ours }.clone());
        let rival = self.is_theirs(run, session, created);
        if created < began {
            return Verdict::Earlier;
        }
        let is_news = rival.seen_at.is_none();
        let seen_at = *rival.seen_at.get_or_insert(created);
        let is_older = ours.is_none_or(|ours| rival.first < ours);
        let goes_on = created.duration_since(seen_at) > PATIENCE;
        if is_older || goes_on { Verdict::Older { is_news } } else { Verdict::Younger { is_news } }
    }
}

/// The digits of a key that markers of all forms carry.
pub(super) fn bucket(key: &str) -> String {
    key.chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_795_312_800 + seconds).unwrap()
    }

    fn id(number: u32) -> SessionId {
        number.to_string().parse().unwrap()
    }

    fn rivals(ours: &[(u32, i64)]) -> Rivals {
        let mut rivals = Rivals::new(at(0));
        ours.iter().for_each(|(session, created)| rivals.is_ours(&id(*session), at(*created)));
        rivals
    }

    #[test]
    fn a_session_from_before_is_an_earlier_runs_and_makes_its_run_the_older_one() {
        let mut rivals = rivals(&[(1, 5)]);
        assert_eq!(rivals.on_other("7c1f", false, &id(2), at(-100)), Verdict::Earlier);
        assert_eq!(rivals.on_other("7c1f", false, &id(4), at(9)), Verdict::Older { is_news: true });
        assert_eq!(rivals.on_other("7c1f", false, &id(5), at(10)), Verdict::Older { is_news: false });
    }

    #[test]
    fn who_goes_on_from_an_old_copy_of_the_same_run_counts_from_its_own_beginning() {
        let mut copy = rivals(&[(1, -60)]);
        copy.is_theirs("7c1f", &id(1), at(-60));
        copy.is_ours(&id(2), at(5));
        assert_eq!(copy.on_other("7c1f", true, &id(3), at(6)), Verdict::Older { is_news: true });
        let mut first = rivals(&[(1, 1)]);
        assert_eq!(first.on_other("7c1f", true, &id(2), at(5)), Verdict::Younger { is_news: true });
    }

    #[test]
    fn of_two_that_see_each_other_one_stops() {
        for (ours, theirs) in [((1, 5), (2, 6)), ((1, 6), (2, 5)), ((1, 5), (2, 5)), ((3, 5), (2, 5))] {
            let see = |ours: (u32, i64), theirs: (u32, i64)| {
                matches!(
                    rivals(&[ours]).on_other("7c1f", false, &id(theirs.0), at(theirs.1)),
                    Verdict::Older { .. }
                )
            };
            assert_ne!(see(ours, theirs), see(theirs, ours), "{ours:?} {theirs:?}");
        }
    }

    #[test]
    fn who_has_created_nothing_yet_is_the_younger_one() {
        assert_eq!(rivals(&[]).on_other("7c1f", false, &id(2), at(9)), Verdict::Older { is_news: true });
    }

    #[test]
    fn one_that_does_not_stop_is_given_way_to() {
        let mut rivals = rivals(&[(1, 3)]);
        assert_eq!(rivals.on_other("7c1f", false, &id(2), at(9)), Verdict::Younger { is_news: true });
        assert_eq!(rivals.on_other("7c1f", false, &id(3), at(309)), Verdict::Younger { is_news: false });
        assert_eq!(rivals.on_other("7c1f", false, &id(4), at(310)), Verdict::Older { is_news: false });
    }
}
