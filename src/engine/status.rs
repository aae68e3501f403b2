//! When it is told that the service does not answer, or that requests wait.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::input::Now;
use crate::outcome::{HeldBack, Outage, RequestPause, ServiceStatus, StartPause};
use jules::{Jules, Method, RequestKind};

/// An outage is told when it has lasted so long: one failed request is none.
const OUTAGE: SignedDuration = SignedDuration::from_secs(5);
/// Nothing that is over sooner is told.
const SHORT: SignedDuration = SignedDuration::from_secs(3);
/// The same instant may be computed so far apart, from two clocks.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(2);

/// Why no task is started where the account that runs share has no slot for this one.
pub(super) const ACCOUNT: &str = "account";

/// What the dispatcher knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Plans {
    /// No task is started before that, and why.
    pub(super) starts: Option<(Instant, &'static str)>,
    /// How many more sessions the day allows.
    pub(super) sessions_left: Option<usize>,
    /// When it allows the next one, where something waits for that.
    pub(super) session_free: Option<Instant>,
    /// When the next poll is due.
    pub(super) next_poll: Option<Instant>,
    /// From when until when sessions could not be listed, and why: they are read one by one.
    pub(super) blind: Option<([Instant; 2], String)>,
    /// Tasks that only wait for a place in their repository.
    pub(super) held_back: Option<HeldBack>,
}

/// How it stands now, worth telling or not.
pub(super) fn observed(api: &Jules, plans: Plans, now: Now) -> ServiceStatus {
    let at = |instant: Instant| in_future(now.wall, instant.saturating_duration_since(now.instant));
    let next_poll = plans.next_poll.filter(|next| *next > now.instant).map(at);
    // Where single reads are answered, listings that fail are no outage for the client.
    let ago = |instant: Instant| in_past(now.wall, now.instant.saturating_duration_since(instant));
    let blind = plans.blind.map(|([since, last], error)| Outage {
        requests: vec!["session listings".to_owned()],
        since: ago(since),
        last_failure: Some(ago(last)),
        error: format!("sessions are read one by one: {error}"),
        next_try: None,
    });
    let outage = api.outage().filter(|outage| blind.is_none() || outage.kinds.contains(&RequestKind::Reads));
    let outage = outage.map(|outage| Outage {
        requests: outage.kinds.iter().map(|kind| kind.as_str().to_owned()).collect(),
        since: in_past(now.wall, outage.lasting),
        last_failure: Some(in_past(now.wall, outage.last_failure)),
        error: outage.error,
        next_try: outage.next_try.map(|wait| in_future(now.wall, wait)).or(next_poll),
    });
    let pause = |pause: jules::Pause| RequestPause {
        requests: pause.kind.as_str().to_owned(),
        until: in_future(now.wall, pause.remaining),
        asked: pause.retry_after.is_some(),
    };
    let starts = plans.starts.filter(|(until, _)| *until > now.instant);
    ServiceStatus {
        outage: outage.or(blind),
        pauses: api.pauses().into_iter().map(pause).collect(),
        start_pause: starts.map(|(until, reason)| StartPause { until: at(until), reason: reason.to_owned() }),
        queued_creates: api.queued(Method::CreateSession),
        sessions_left: plans.sessions_left,
        session_free_at: plans.session_free.map(at),
        held_back: plans.held_back,
    }
}

fn in_future(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add(signed(wait)).unwrap_or(now)
}

fn in_past(now: Timestamp, ago: Duration) -> Timestamp {
    now.saturating_sub(signed(ago)).unwrap_or(now)
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// What has been told, and so what is news.
#[derive(Debug, Default)]
pub(super) struct Told(ServiceStatus);

impl Told {
    /// Takes what is seen. Whether it is to be told now: at once when something begins or ends, and with `refresh` also
    /// what changes all the time.
    pub(super) fn take(&mut self, mut seen: ServiceStatus, refresh: bool, now: Timestamp) -> bool {
        let told = &self.0;
        let is_long = |until: Timestamp| until.duration_since(now) > SHORT;
        seen.outage =
            seen.outage.filter(|outage| told.outage.is_some() || now.duration_since(outage.since) >= OUTAGE);
        if let (Some(outage), Some(before)) = (&mut seen.outage, &told.outage) {
            keep(&mut outage.since, before.since);
            if let (Some(last), Some(before)) = (&mut outage.last_failure, before.last_failure) {
                keep(last, before);
            }
        }
        for pause in &mut seen.pauses {
            if let Some(before) = told.paused_until(&pause.requests) {
                keep(&mut pause.until, before);
            }
        }
        seen.pauses
            .retain(|pause| told.paused_until(&pause.requests) == Some(pause.until) || is_long(pause.until));
        if let (Some(free), Some(before)) = (&mut seen.session_free_at, told.session_free_at) {
            keep(free, before);
        }
        let before = told.start_pause.as_ref().map(|pause| pause.until);
        if let (Some(pause), Some(before)) = (&mut seen.start_pause, before) {
            keep(&mut pause.until, before);
        }
        seen.start_pause =
            seen.start_pause.filter(|pause| before == Some(pause.until) || is_long(pause.until));
        let is_news =
            if refresh { seen != *told } else { has_turned(&seen, told) || has_next_try(&seen, told, now) };
        if is_news {
            self.0 = seen;
        }
        is_news
    }

    /// What was told last.
    pub(super) fn last(&self) -> &ServiceStatus {
        &self.0
    }
}

/// Whether something begins, ends or moves that one waits for.
fn has_turned(seen: &ServiceStatus, told: &ServiceStatus) -> bool {
    let fails = |status: &ServiceStatus| status.outage.as_ref().map(|outage| outage.requests.clone());
    fails(seen) != fails(told)
        || seen.pauses != told.pauses
        || seen.start_pause != told.start_pause
        || seen.session_free_at.is_some() != told.session_free_at.is_some()
        || seen.held_back.is_some() != told.held_back.is_some()
        || (seen.queued_creates == 0) != (told.queued_creates == 0)
}

/// Whether the try that was told is over, and the next one is not at once.
fn has_next_try(seen: &ServiceStatus, told: &ServiceStatus, now: Timestamp) -> bool {
    let next = |status: &ServiceStatus| status.outage.as_ref().and_then(|outage| outage.next_try);
    next(told).is_none_or(|at| at <= now) && next(seen).is_some_and(|at| at.duration_since(now) > SHORT)
}

/// Takes the time of before if it is the same.
fn keep(time: &mut Timestamp, before: Timestamp) {
    if time.duration_since(before).abs() <= TOLERANCE {
        *time = before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_795_312_800 + seconds).unwrap()
    }

    fn outage(next_try: Option<i64>) -> ServiceStatus {
        let outage = Outage {
            requests: vec!["reads".to_owned()],
            since: at(0),
            last_failure: None,
            error: "503".to_owned(),
            next_try: next_try.map(at),
        };
        ServiceStatus { outage: Some(outage), ..ServiceStatus::default() }
    }

    fn pause(until: Timestamp) -> ServiceStatus {
        let pause = RequestPause { requests: "creates".to_owned(), until, asked: true };
        ServiceStatus { pauses: vec![pause], ..ServiceStatus::default() }
    }

    #[test]
    fn an_outage_is_told_when_it_lasts_and_when_it_is_over() {
        let mut told = Told::default();
        assert!(!told.take(outage(None), true, at(4)), "that may be one request");
        assert!(told.take(outage(None), false, at(5)));
        assert!(!told.take(outage(Some(9)), false, at(6)), "not each try");
        assert!(told.take(outage(Some(9)), true, at(7)));
        assert!(!told.take(outage(Some(20)), false, at(8)), "the one that was told comes first");
        assert!(told.take(outage(Some(20)), false, at(10)));
        let well = ServiceStatus::default();
        assert!(told.take(well.clone(), false, at(11)));
        assert!(!told.take(well, true, at(15)));
    }

    #[test]
    fn a_pause_is_told_once_and_again_when_it_moves() {
        let mut told = Told::default();
        let none = ServiceStatus::default();
        assert!(!told.take(pause(at(3)), true, at(0)), "it is nearly over");
        assert!(told.take(pause(at(30)), false, at(0)));
        let jittered = at(30) + SignedDuration::from_millis(3);
        assert!(!told.take(pause(jittered), true, at(1)));
        assert!(told.take(pause(at(90)), false, at(2)));
        assert!(!told.take(pause(at(90)), false, at(89)), "it lasts to its end");
        assert!(told.take(none.clone(), false, at(90)));
    }

    #[test]
    fn a_queue_is_told_when_it_begins_and_ends_and_its_length_now_and_then() {
        let mut told = Told::default();
        let queue = |queued_creates| ServiceStatus { queued_creates, ..ServiceStatus::default() };
        let mut take = |count, refresh| told.take(queue(count), refresh, at(0));
        assert_eq!([take(9, false), take(8, false), take(7, true)], [true, false, true]);
        assert_eq!([take(7, true), take(0, false)], [false, true]);
    }
}
