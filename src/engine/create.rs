//! Creating a session exactly once: what to do after a POST that may or may not have been processed.
//!
//! The API has no idempotency key, so two identical POSTs are two sessions. A POST is repeated only when the
//! service surely did not process the one before, or when enough searches have not found its marker.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::input::{CreateFailure, Now, RequestFailure, Seen};
use super::refusals::Refusals;
use crate::outcome::RunRecord;
use crate::plan::Adoption;
use jules::SessionId;

/// How many times one attempt may POST before it ends in an error.
const MAX_POSTS: u32 = 5;
/// How many searches that prove nothing are borne for each one that is to count.
const INCONCLUSIVE: u32 = 10;
/// How many POSTs may be refused for a key that is taken otherwise, and the shortest pause between two.
const MAX_KEY_REFUSALS: u32 = 12;
const KEY_PAUSE: Duration = Duration::from_secs(1);
/// A list that lags longer than this is not to be told from one that does not show a session any more.
const LONGEST_LAG: SignedDuration = SignedDuration::from_hours(1);

/// How long creates must be refused that may pass, at the default `create.look-delay` half a minute, before that is
/// believed.
pub(super) fn believed_after(rules: Adoption) -> Duration {
    rules.look_delay * 3
}

/// The service's time is known within a second: how far the difference of two spans by it may be off.
const PRECISION: SignedDuration = SignedDuration::from_secs(2);

/// How reasons begin of a doubt that stays open.
pub(super) const UNKNOWN: &str = "it is not known whether its session was created";

/// One attempt's way from its intent to its session.
#[derive(Debug)]
pub(super) struct Create {
    /// When the intent was recorded: a session older than that, less a minute, is not ours.
    since: Timestamp,
    rules: Adoption,
    /// No further search or POST after that. An answer under way is always waited for: it may bring a session.
    deadline: Instant,
    posts: u32,
    searches: u32,
    /// POSTs that were refused for the key.
    key_refusals: u32,
    /// POSTs that were refused otherwise.
    refusals: Refusals,
    /// Searches that proved nothing.
    inconclusive: u32,
    /// A POST of it was in doubt, and its session was not found.
    was_lost: bool,
    /// A list that does not show this session proves nothing.
    sign: Option<Sign>,
    /// When the session must have been created, if it was.
    created_by: Timestamp,
    /// That session was missing from the list, and for so long.
    lags: bool,
    lag: Option<SignedDuration>,
    phase: Phase,
    /// The last thing that went wrong.
    cause: String,
    /// What a session that was not created means: that there was no capacity.
    for_capacity: bool,
}

/// A session that surely exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sign {
    pub(super) session: SessionId,
    /// It is not older.
    pub(super) since: Timestamp,
}

impl Sign {
    /// A session that the answer to its POST shows just now. Without a time in it, ours less a minute stands for the
    /// service's.
    pub(super) fn of(seen: &Seen, now: Now) -> Self {
        let since = seen.created.unwrap_or_else(|| less(now.wall, SignedDuration::from_mins(1)));
        Self { session: seen.id.clone(), since }
    }

    /// The newest session that an earlier invocation of the run has created. Clocks differ.
    pub(super) fn newest_of(record: &RunRecord) -> Option<Self> {
        let attempts = record.tasks.values().flat_map(|task| &task.attempts);
        let created = attempts.filter(|attempt| attempt.session.is_some() && !attempt.adopted);
        let newest = created.max_by_key(|attempt| attempt.asked_at())?;
        let since = less(newest.asked_at(), SignedDuration::from_mins(1));
        newest.session.as_ref().map(|session| Self { session: session.id.clone(), since })
    }

    /// Whether a list that does not show it may only lag.
    pub(super) fn is_young(&self, now: Now) -> bool {
        self.since >= less(now.wall, LONGEST_LAG)
    }
}

/// What a listing says of the session that is searched for.
#[derive(Debug)]
pub(super) enum Look {
    /// Here it is.
    Found(Box<Seen>),
    /// It is not there.
    Absent,
    /// It may be there all the same, for this reason.
    Inconclusive(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Posting,
    Searching,
    /// Until the next search.
    Pausing(Instant),
    /// Until the next POST.
    Waiting(Instant),
}

/// What follows.
#[derive(Debug)]
pub(super) enum Step {
    /// Nothing, until the answer or until [`Create::wake_at`].
    Wait,
    /// The create is in doubt from here on: search for it.
    Doubt(String),
    /// Search again.
    Search,
    /// POST again: the last one surely made nothing.
    Post,
    /// POST again: the last one was in doubt, and has made nothing that was found.
    PostAgain,
    /// Here it is; `adopted` when it was found by its marker.
    Created { seen: Box<Seen>, adopted: bool },
    /// The intent of an earlier invocation came to nothing: the task starts like any other.
    NeverCreated,
    /// It was not sent, because the run stops: the task waits.
    Withdrawn { cause: String },
    /// There was no capacity: nothing was created, the task waits.
    NoCapacity { cause: String, retry_after: Option<Duration> },
    /// The POST was refused, which may pass: it is sent again later. `first`: it was not refused before.
    Refused { cause: String, first: bool },
    /// It will not be.
    Failed { reason: String, lasting: bool },
    /// The time is over, and nobody knows whether the session exists.
    Unknown { reason: String },
}

impl Create {
    /// A new intent: its POST leaves now.
    pub(super) fn post(since: Timestamp, rules: Adoption, deadline: Instant) -> Self {
        Self {
            since,
            rules,
            deadline,
            posts: 1,
            searches: 0,
            key_refusals: 0,
            refusals: Refusals::default(),
            inconclusive: 0,
            was_lost: false,
            sign: None,
            created_by: since,
            lags: false,
            lag: None,
            phase: Phase::Posting,
            cause: String::new(),
            for_capacity: false,
        }
    }

    /// An intent of an earlier invocation: nobody knows whether its POST left. `was_lost`: it had left, and was in doubt.
    pub(super) fn settle(since: Timestamp, was_lost: bool, rules: Adoption, deadline: Instant) -> Self {
        let cause = "the program ended before the service's answer was recorded".to_owned();
        Self { posts: 0, was_lost, phase: Phase::Searching, cause, ..Self::post(since, rules, deadline) }
    }

    /// How far back to search: the intent less a minute, for clocks that differ, and to what must be shown.
    pub(super) fn search_since(&self) -> Timestamp {
        let since = less(self.since, SignedDuration::from_mins(1));
        self.sign.as_ref().map_or(since, |sign| less(sign.since, SignedDuration::from_secs(1)).min(since))
    }

    /// The newest session that surely exists when a search begins. The first one counts for all searches: a newer one
    /// might always be too new to be listed.
    pub(super) fn must_show(&mut self, newest: Option<&Sign>, now: Now) {
        if self.sign.is_none() {
            self.sign = newest.filter(|sign| sign.is_young(now)).cloned();
        }
    }

    /// Whether a session that was created then is younger than the intent; none when clocks that differ leave it open.
    pub(super) fn is_younger(&self, created: Option<Timestamp>) -> Option<bool> {
        let created = created?;
        match created {
            _ if created >= self.since => Some(true),
            _ if created < less(self.since, SignedDuration::from_mins(1)) => Some(false),
            _ => None,
        }
    }

    /// What a list that does not show the session says of it; `shows` tells of any other session whether it is there.
    pub(super) fn without(&mut self, shows: impl Fn(&SessionId) -> bool, now: Now) -> Look {
        let Some(Sign { session, since }) = &self.sign else { return Look::Absent };
        if !shows(session) {
            self.lags = true;
            let why = format!("the list does not show session {session} either, which was created before");
            return Look::Inconclusive(why);
        }
        if !self.lags {
            return Look::Absent;
        }
        // As late as that session was listed this one may be, too.
        let lag = *self.lag.get_or_insert(now.wall.duration_since(*since) + PRECISION);
        if now.wall.duration_since(self.created_by) >= lag {
            return Look::Absent;
        }
        Look::Inconclusive(format!("the list lags: it showed session {session} late"))
    }

    /// Whether so many searches have proved nothing as were to count.
    pub(super) fn waits_for_the_list(&self) -> bool {
        self.inconclusive == self.looks()
    }

    fn looks(&self) -> u32 {
        self.rules.looks.max(1)
    }

    /// When [`Create::on_wake`] has something to do.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Pausing(at) | Phase::Waiting(at) => Some(at.min(self.deadline)),
            Phase::Posting | Phase::Searching => None,
        }
    }

    /// Whether it is an intent of an earlier invocation.
    pub(super) fn is_settling(&self) -> bool {
        self.posts == 0
    }

    /// Whether the answer to its POST may still come.
    pub(super) fn is_posting(&self) -> bool {
        self.phase == Phase::Posting
    }

    /// Whether nobody knows if the session exists.
    pub(super) fn in_doubt(&self) -> bool {
        matches!(self.phase, Phase::Posting | Phase::Searching | Phase::Pausing(_))
    }

    /// Whether its session is being looked for.
    pub(super) fn is_looked_for(&self) -> bool {
        matches!(self.phase, Phase::Searching | Phase::Pausing(_))
    }

    /// Whether a POST of it was in doubt and made nothing that was found.
    pub(super) fn was_lost(&self) -> bool {
        self.was_lost
    }

    /// The last thing that went wrong.
    pub(super) fn cause(&self) -> &str {
        &self.cause
    }

    /// A POST was answered, or not.
    pub(super) fn on_posted(&mut self, result: Result<Box<Seen>, CreateFailure>, now: Now) -> Step {
        match result {
            Ok(seen) => Step::Created { seen, adopted: false },
            Err(CreateFailure::Key(reason)) if self.key_refusals >= MAX_KEY_REFUSALS => {
                Step::Failed { reason, lasting: true }
            }
            // It may be taken the next time. Whether it is lost for all is not decided here.
            Err(CreateFailure::Key(cause)) => {
                self.cause = cause;
                self.key_refusals += 1;
                self.posts = self.posts.saturating_sub(1).max(1);
                self.phase = Phase::Waiting(now.instant + self.rules.look_delay.max(KEY_PAUSE));
                Step::Wait
            }
            Err(CreateFailure::Withdrawn(cause)) => Step::Withdrawn { cause },
            Err(CreateFailure::Capacity { cause, retry_after }) => Step::NoCapacity { cause, retry_after },
            Err(CreateFailure::Lasting(reason)) => Step::Failed { reason, lasting: true },
            Err(CreateFailure::Refused(reason))
                if self.refusals.add(believed_after(self.rules), now.instant) =>
            {
                Step::Failed { reason, lasting: true }
            }
            Err(CreateFailure::Refused(cause)) => {
                self.posts = self.posts.saturating_sub(1).max(1);
                self.phase = Phase::Waiting(now.instant + self.rules.look_delay * self.refusals.count());
                self.cause.clone_from(&cause);
                Step::Refused { cause, first: self.refusals.count() == 1 }
            }
            Err(CreateFailure::Unsent(cause)) => {
                self.cause = cause;
                self.post_later(now)
            }
            Err(CreateFailure::Doubt { cause, capacity }) => {
                self.cause.clone_from(&cause);
                self.for_capacity = capacity;
                self.searches = 0;
                self.created_by = now.wall;
                self.phase = Phase::Searching;
                Step::Doubt(cause)
            }
        }
    }

    /// A search ended. One that failed or proves nothing does not count.
    pub(super) fn on_searched(&mut self, result: Result<Look, RequestFailure>, now: Now) -> Step {
        match result {
            Ok(Look::Found(seen)) => return Step::Created { seen, adopted: true },
            Err(failure) => self.cause = failure.text,
            Ok(Look::Absent) => self.searches += 1,
            Ok(Look::Inconclusive(why)) => {
                self.inconclusive += 1;
                if self.inconclusive >= self.looks() * INCONCLUSIVE {
                    let reason = format!("{UNKNOWN}: {why}");
                    return Step::Unknown { reason };
                }
                self.cause = why;
            }
        }
        if self.searches < self.looks() {
            self.phase = Phase::Pausing(now.instant + self.rules.look_delay);
            return if now.instant >= self.deadline { self.overdue() } else { Step::Wait };
        }
        if self.posts == 0 {
            return Step::NeverCreated;
        }
        if self.for_capacity {
            return Step::NoCapacity { cause: std::mem::take(&mut self.cause), retry_after: None };
        }
        self.was_lost = true;
        if self.posts >= MAX_POSTS {
            return self.given_up();
        }
        self.repost();
        Step::PostAgain
    }

    /// The time of [`Create::wake_at`] has come.
    pub(super) fn on_wake(&mut self, now: Now) -> Step {
        match self.phase {
            Phase::Pausing(_) | Phase::Waiting(_) if now.instant >= self.deadline => self.overdue(),
            Phase::Pausing(at) if now.instant >= at => {
                self.phase = Phase::Searching;
                Step::Search
            }
            Phase::Waiting(at) if now.instant >= at => {
                self.repost();
                Step::Post
            }
            Phase::Pausing(_) | Phase::Waiting(_) | Phase::Posting | Phase::Searching => Step::Wait,
        }
    }

    fn repost(&mut self) {
        self.posts += 1;
        self.searches = 0;
        self.phase = Phase::Posting;
    }

    fn post_later(&mut self, now: Now) -> Step {
        if self.posts >= MAX_POSTS {
            return self.given_up();
        }
        let pause = self.rules.look_delay / 2 * 2_u32.saturating_pow(self.posts.saturating_sub(1));
        self.phase = Phase::Waiting(now.instant + pause);
        Step::Wait
    }

    fn overdue(&self) -> Step {
        let reason = format!("no session within `timeouts.task`: {}", self.cause);
        if self.in_doubt() { Step::Unknown { reason } } else { Step::Failed { reason, lasting: true } }
    }

    fn given_up(&self) -> Step {
        Step::Failed {
            reason: format!("no session after {} tries to create one: {}", self.posts, self.cause),
            lasting: false,
        }
    }
}

fn less(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.saturating_sub(span).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A create in doubt, so long after its intent; the sign was created ten seconds before that.
    fn in_doubt() -> (Create, impl Fn(u64) -> Now) {
        let start = Now { instant: Instant::now(), wall: "2026-11-22T02:00:05Z".parse().unwrap() };
        let after = move |seconds| {
            let passed = Duration::from_secs(seconds);
            Now { instant: start.instant + passed, wall: start.wall + passed }
        };
        let mut create = Create::post(start.wall, Adoption::default(), after(7_200).instant);
        let doubt = CreateFailure::Doubt { cause: "timeout".to_owned(), capacity: false };
        assert!(matches!(create.on_posted(Err(doubt), after(0)), Step::Doubt(_)));
        let since = less(start.wall, SignedDuration::from_secs(10));
        create.must_show(Some(&Sign { session: "1".parse().unwrap(), since }), after(0));
        (create, after)
    }

    /// What follows from a list that does not show the session, and shows the sign or not.
    fn search(create: &mut Create, shows: bool, now: Now) -> Step {
        create.phase = Phase::Searching;
        let look = create.without(|_| shows, now);
        create.on_searched(Ok(look), now)
    }

    #[test]
    fn a_key_that_is_refused_to_creates_alone_is_no_reason_to_try_for_ever() {
        let (mut create, at) = in_doubt();
        for n in 0..12 {
            let step = create.on_posted(Err(CreateFailure::Key("401".to_owned())), at(n * 10));
            assert!(matches!(step, Step::Wait), "{n}");
            assert!(matches!(create.on_wake(at(n * 10 + 9)), Step::Wait), "{n}");
            assert!(matches!(create.on_wake(at(n * 10 + 10)), Step::Post), "{n}");
        }
        let step = create.on_posted(Err(CreateFailure::Key("401".to_owned())), at(120));
        assert!(matches!(step, Step::Failed { lasting: true, .. }));
    }

    #[test]
    fn as_many_looks_as_are_to_count_lead_to_another_post() {
        let (mut create, at) = in_doubt();
        assert!(matches!(search(&mut create, true, at(0)), Step::Wait));
        assert!(matches!(search(&mut create, true, at(10)), Step::Wait));
        assert!(matches!(search(&mut create, true, at(20)), Step::PostAgain));
    }

    #[test]
    fn a_list_without_the_sign_does_not_count_and_the_lag_it_shows_is_waited_for() {
        let (mut create, at) = in_doubt();
        (0..6).for_each(|n| assert!(matches!(search(&mut create, false, at(n * 10)), Step::Wait)));
        assert_eq!(create.searches, 0);
        // It was listed seventy seconds after its creation: the other one may be as late.
        for seconds in [60, 69, 71, 72, 80] {
            assert!(matches!(search(&mut create, true, at(seconds)), Step::Wait), "{seconds}");
        }
        assert_eq!(create.searches, 2);
        assert!(matches!(search(&mut create, true, at(90)), Step::PostAgain));
    }

    #[test]
    fn a_list_that_never_shows_the_sign_leaves_the_doubt_open() {
        let (mut create, at) = in_doubt();
        (0..29).for_each(|n| assert!(matches!(search(&mut create, false, at(n * 10)), Step::Wait), "{n}"));
        let Step::Unknown { reason } = search(&mut create, false, at(290)) else { panic!("{create:?}") };
        assert!(reason.contains("does not show session 1"), "{reason}");
    }

    #[test]
    fn a_sign_that_is_old_proves_nothing_and_a_newer_one_does_not_take_its_place() {
        let (mut create, at) = in_doubt();
        create.must_show(Some(&Sign { session: "2".parse().unwrap(), since: at(5).wall }), at(9));
        assert_eq!(create.sign.as_ref().unwrap().session.as_str(), "1");
        create.sign = None;
        create.must_show(Some(&Sign { session: "2".parse().unwrap(), since: at(0).wall }), at(3_601));
        assert_eq!(create.sign, None);
    }
}
