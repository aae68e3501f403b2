//! Whether one more session may be created now: slots, observed capacity, daily budget, `max-tasks`.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::input::Now;
use super::stop::StopReason;
use crate::plan::{Limits, Settings};

/// How many creates may be unsettled at once, however many slots are free. The service has been seen to refuse most of
/// ten creates that came together.
const MAX_CREATING: usize = 16;

/// Nothing is created while the sessions of so many creates are looked for: the service may be making them unseen.
const MAX_DOUBTS: usize = 4;
/// So many creates in a row that made nothing that was found, or whose doubts stayed open, are enough for an invocation.
const MAX_LOST: u32 = 5;
const MAX_UNSETTLED: u32 = 3;

/// The slots that tasks hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slots {
    pub(super) held: usize,
    /// Of these, the ones whose session exists.
    pub(super) live: usize,
}

/// Counts what was started and remembers what the service refused.
#[derive(Debug, Default)]
pub(super) struct Admission {
    limits: Limits,
    day: Duration,
    max_parallel: usize,
    max_tasks: Option<usize>,
    /// Sessions that were left live (`--no-wait`, or not to be looked at): they keep their slots until the invocation ends.
    pub(super) left: usize,
    /// Creates in doubt that nobody could settle.
    pub(super) unsettled: u32,
    /// Creates in doubt, one after the other, that made nothing that was found.
    lost: u32,
    started: usize,
    /// Sessions created within the last day, oldest first; a reservation counts from its intent.
    created: VecDeque<Timestamp>,
    /// How many live sessions the service last allowed.
    ceiling: Option<usize>,
    /// Not before then, unless one of ours ends.
    not_before: Option<Instant>,
    pause: Duration,
    /// Since when creates have been refused with nothing of ours live.
    stuck_since: Option<Instant>,
    /// Until when the account that runs share has no room for this one, and whether its day is spent; none since it had some.
    account: Option<(Instant, bool)>,
    /// It was told that a slot of the account is waited for.
    told_account: bool,
    /// When to ask again, if time alone may bring another answer.
    pub(super) wake_at: Option<Instant>,
}

/// The answer to a request for admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Go on.
    Granted,
    /// Not now; ask again then, or when a session ends.
    Later(Instant),
    /// Not before a create is settled or a session ends.
    Full,
    /// Not in this invocation.
    Denied(StopReason),
}

/// Whether a create in doubt that made nothing that was found may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    Granted,
    /// The daily budget is spent.
    NoBudget,
    /// Too many made nothing that was found.
    TooMany,
}

impl Admission {
    pub(super) fn new(settings: &Settings, mut created: Vec<Timestamp>) -> Self {
        created.sort_unstable();
        Self {
            limits: settings.limits.clone(),
            day: settings.day,
            max_parallel: settings.strategy.max_parallel,
            max_tasks: settings.strategy.max_tasks,
            created: created.into(),
            pause: first_pause(&settings.limits),
            ..Self::default()
        }
    }

    /// Whether `max-parallel` leaves a slot, where so many other sessions hold one each.
    pub(super) fn has_slot(&self, slots: Slots, others: usize) -> bool {
        slots.held + self.left + others < self.max_parallel
    }

    /// Whether another session may be created. Each create under way has a connection of its own, and after a refusal
    /// one create at a time finds out how many sessions the service allows.
    pub(super) fn ask(&mut self, slots: Slots, doubts: usize, deadline: Option<Instant>, now: Now) -> Answer {
        if self.lost >= MAX_LOST || self.unsettled >= MAX_UNSETTLED {
            return Answer::Denied(StopReason::Doubts);
        }
        if doubts >= MAX_DOUBTS {
            return Answer::Full;
        }
        if self.max_tasks.is_some_and(|max| self.started >= max) {
            return Answer::Denied(StopReason::MaxTasks);
        }
        if let Some(since) = self.stuck_since
            && now.instant >= since + self.limits.capacity_wait
        {
            return Answer::Denied(StopReason::Capacity);
        }
        if let Some(free) = self.budget_free_at(now) {
            return match deadline {
                Some(deadline) if free > deadline => Answer::Denied(StopReason::Budget),
                _ => Answer::Later(free),
            };
        }
        let Slots { held, live } = slots;
        if let Some((at, spent)) = self.account {
            match deadline {
                Some(deadline) if spent && at > deadline => return Answer::Denied(StopReason::Budget),
                _ if now.instant < at => return Answer::Later(at),
                // One create at a time finds out.
                _ if held > live => return Answer::Full,
                _ => {}
            }
        }
        if let (Some(ceiling), Some(at)) = (self.ceiling, self.not_before)
            && live >= ceiling
            && now.instant < at
        {
            return Answer::Later(at);
        }
        let is_probing = held > live && self.ceiling.is_some_and(|ceiling| held >= ceiling);
        if is_probing || held - live >= MAX_CREATING { Answer::Full } else { Answer::Granted }
    }

    /// The account has no room before then. `spent`: its day is. Whether that is to be told: once, that there is no slot.
    pub(super) fn on_no_room(&mut self, at: Instant, spent: bool) -> bool {
        self.account = Some((at, spent));
        !(spent || std::mem::replace(&mut self.told_account, true))
    }

    /// The account has let a create through.
    pub(super) fn on_room(&mut self) {
        self.account = None;
    }

    /// Whether the account's day is spent, or none of its slots is free.
    pub(super) fn waits_for_account(&self) -> Option<bool> {
        self.account.map(|(_, spent)| spent)
    }

    /// How many more sessions `max-parallel` leaves room for.
    pub(super) fn room(&self, slots: Slots, others: usize) -> usize {
        self.max_parallel.saturating_sub(slots.held + self.left + others)
    }

    /// A create begins.
    pub(super) fn on_intent(&mut self, now: Now) {
        self.started += 1;
        self.created.push_back(now.wall);
    }

    /// A create in doubt that made nothing that was found is to be repeated. Its place in the budget is not free again.
    pub(super) fn repeat(&mut self, now: Now) -> Repeat {
        self.lost += 1;
        if self.lost >= MAX_LOST {
            return Repeat::TooMany;
        }
        if self.budget_free_at(now).is_some() {
            return Repeat::NoBudget;
        }
        self.created.push_back(now.wall);
        Repeat::Granted
    }

    /// The service has created a session.
    pub(super) fn on_created(&mut self, live: usize) {
        self.lost = 0;
        self.ceiling = self.ceiling.map(|ceiling| ceiling.max(live));
        self.not_before = None;
        self.pause = first_pause(&self.limits);
        self.stuck_since = None;
    }

    /// A session that counts for the daily budget was not created by this invocation.
    pub(super) fn on_adopted(&mut self, created: Timestamp, now: Now) {
        // One that is to be created yet would hold its place for ever.
        let created = created.min(now.wall);
        let place = self.created.partition_point(|at| *at <= created);
        self.created.insert(place, created);
    }

    /// Nothing was created, for certain: the reservation is void.
    pub(super) fn on_void(&mut self) {
        self.started = self.started.saturating_sub(1);
        self.created.pop_back();
    }

    /// The same of an intent of an earlier invocation.
    pub(super) fn on_never_created(&mut self) {
        self.created.pop_back();
    }

    /// Refused for capacity while `live` of ours are live. The service may ask for more patience than
    /// `limits.capacity-wait`, but is not given it.
    pub(super) fn on_refused(&mut self, live: usize, retry_after: Option<Duration>, now: Now) {
        self.ceiling = Some(live);
        let asked = retry_after.unwrap_or_default().min(self.limits.capacity_wait);
        self.not_before = Some(now.instant + self.pause.max(asked));
        self.pause = (self.pause * 2).min(self.limits.capacity_wait / 6);
        if live == 0 {
            self.stuck_since.get_or_insert(now.instant);
        } else {
            self.stuck_since = None;
        }
    }

    /// How many more sessions the daily budget allows; none without one.
    pub(super) fn sessions_left(&self, now: Now) -> Option<usize> {
        let per_day = self.limits.sessions_per_day? as usize;
        let day = SignedDuration::try_from(self.day).unwrap_or(SignedDuration::MAX);
        let old = self.created.partition_point(|at| now.wall.duration_since(*at) >= day);
        Some(per_day.saturating_sub(self.created.len() - old))
    }

    /// When the daily budget has room again; none if it has room now, or there is none.
    pub(super) fn budget_free_at(&self, now: Now) -> Option<Instant> {
        if self.sessions_left(now)? > 0 {
            return None;
        }
        let per_day = self.limits.sessions_per_day? as usize;
        let day = SignedDuration::try_from(self.day).unwrap_or(SignedDuration::MAX);
        // The session whose leaving makes room.
        let oldest = self.created.get(self.created.len() - per_day).copied().unwrap_or(now.wall);
        let wait = day.saturating_sub(now.wall.duration_since(oldest));
        Some(now.instant + Duration::try_from(wait).unwrap_or(self.day))
    }
}

/// Ten seconds at the default `capacity-wait` of half an hour.
fn first_pause(limits: &Limits) -> Duration {
    limits.capacity_wait / 180
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(per_day: Option<u32>, max_tasks: Option<usize>) -> Admission {
        let mut settings = Settings::default();
        settings.limits.sessions_per_day = per_day;
        settings.strategy.max_tasks = max_tasks;
        Admission::new(&settings, Vec::new())
    }

    fn live(live: usize) -> Slots {
        Slots { held: live, live }
    }

    fn at(start: Now, seconds: u64) -> Now {
        let later = Duration::from_secs(seconds);
        Now { instant: start.instant + later, wall: start.wall + later }
    }

    fn start() -> Now {
        Now { instant: Instant::now(), wall: "2026-11-22T02:00:00Z".parse().unwrap() }
    }

    #[test]
    fn a_refusal_lowers_the_ceiling_and_the_pause_grows() {
        let (mut admission, t0) = (admission(None, None), start());
        admission.on_refused(3, None, t0);
        assert_eq!(admission.ask(live(3), 0, None, t0), Answer::Later(at(t0, 10).instant));
        assert_eq!(admission.ask(live(2), 0, None, t0), Answer::Granted, "one of ours ended");
        assert_eq!(admission.ask(live(3), 0, None, at(t0, 10)), Answer::Granted, "a probe");
        admission.on_refused(3, None, at(t0, 10));
        assert_eq!(admission.ask(live(3), 0, None, at(t0, 10)), Answer::Later(at(t0, 30).instant));
        admission.on_created(4);
        assert_eq!(
            (admission.ask(live(4), 0, None, at(t0, 11)), admission.ceiling),
            (Answer::Granted, Some(4))
        );
    }

    #[test]
    fn a_retry_after_is_obeyed() {
        let (mut admission, t0) = (admission(None, None), start());
        admission.on_refused(1, Some(Duration::from_secs(77)), t0);
        assert_eq!(admission.ask(live(1), 0, None, t0), Answer::Later(at(t0, 77).instant));
        admission.on_refused(1, Some(Duration::MAX), t0);
        assert_eq!(
            admission.ask(live(1), 0, None, t0),
            Answer::Later(at(t0, 30 * 60).instant),
            "but not for ever"
        );
    }

    #[test]
    fn refused_with_nothing_live_for_capacity_wait_closes() {
        let (mut admission, t0) = (admission(None, None), start());
        for minute in 0..30 {
            let now = at(t0, minute * 60);
            assert_ne!(
                admission.ask(live(0), 0, None, now),
                Answer::Denied(StopReason::Capacity),
                "minute {minute}"
            );
            admission.on_refused(0, None, now);
        }
        assert_eq!(admission.ask(live(0), 0, None, at(t0, 30 * 60)), Answer::Denied(StopReason::Capacity));
    }

    #[test]
    fn the_budget_rolls() {
        let (mut admission, t0) = (admission(Some(2), None), start());
        admission.on_intent(t0);
        admission.on_intent(at(t0, 100));
        let day = 24 * 60 * 60;
        let later = at(t0, 200);
        assert_eq!(admission.ask(live(0), 0, None, later), Answer::Later(at(t0, day).instant));
        assert_eq!(
            admission.ask(live(0), 0, Some(at(t0, 300).instant), later),
            Answer::Denied(StopReason::Budget)
        );
        assert_eq!(admission.ask(live(0), 0, None, at(t0, day)), Answer::Granted);
        admission.on_intent(at(t0, day));
        assert_eq!(admission.ask(live(0), 0, None, at(t0, day)), Answer::Later(at(t0, day + 100).instant));
    }

    #[test]
    fn an_adopted_session_counts_from_when_it_was_created() {
        let (mut admission, t0) = (admission(Some(2), None), start());
        admission.on_intent(t0);
        admission.on_adopted(t0.wall - Duration::from_secs(3_600), t0);
        assert_eq!(admission.ask(live(0), 0, None, t0), Answer::Later(at(t0, 23 * 3_600).instant));
    }

    #[test]
    fn a_session_of_the_year_2100_counts_as_created_now() {
        let (mut admission, t0) = (admission(Some(1), None), start());
        admission.on_adopted("2100-01-01T00:00:00Z".parse().unwrap(), t0);
        let day = 24 * 60 * 60;
        assert_eq!(admission.ask(live(0), 0, None, t0), Answer::Later(at(t0, day).instant));
        assert_eq!(admission.ask(live(0), 0, None, at(t0, day)), Answer::Granted);
    }

    #[test]
    fn an_account_without_room_is_asked_again_by_one_create_at_a_time() {
        let (mut admission, t0) = (admission(None, None), start());
        let creating = Slots { held: 2, live: 1 };
        assert!(!admission.on_no_room(at(t0, 1).instant, true), "the status tells of the day");
        assert!(admission.on_no_room(at(t0, 1).instant, false));
        assert!(!admission.on_no_room(at(t0, 1).instant, false), "that is no news");
        assert_eq!(admission.ask(live(1), 0, None, t0), Answer::Later(at(t0, 1).instant));
        assert_eq!(admission.ask(creating, 0, None, at(t0, 1)), Answer::Full);
        assert_eq!(admission.ask(live(1), 0, None, at(t0, 1)), Answer::Granted);
        admission.on_room();
        assert_eq!(admission.ask(creating, 0, None, at(t0, 1)), Answer::Granted);
    }

    #[test]
    fn a_day_of_the_account_that_is_spent_until_after_the_deadline_ends_the_run() {
        let (mut admission, t0) = (admission(None, None), start());
        admission.on_no_room(at(t0, 3_600).instant, true);
        assert_eq!(admission.ask(live(0), 0, None, t0), Answer::Later(at(t0, 3_600).instant));
        let deadline = Some(at(t0, 1_800).instant);
        assert_eq!(admission.ask(live(0), 0, deadline, t0), Answer::Denied(StopReason::Budget));
        admission.on_no_room(at(t0, 3_600).instant, false);
        assert_eq!(
            admission.ask(live(0), 0, deadline, t0),
            Answer::Later(at(t0, 3_600).instant),
            "slots come"
        );
    }

    #[test]
    fn a_void_intent_gives_its_place_back() {
        let (mut admission, t0) = (admission(Some(1), Some(1)), start());
        admission.on_intent(t0);
        admission.on_void();
        assert_eq!(admission.ask(live(0), 0, None, t0), Answer::Granted);
        admission.on_intent(t0);
        assert_eq!(admission.ask(live(0), 0, None, t0), Answer::Denied(StopReason::MaxTasks));
    }
}
