//! What the account may use, and what it has used.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use jiff::Timestamp;

use super::{
    clock::{between, earlier, later},
    failure::Failure,
    method::{Method, Scope},
    scenario::{Limits, Refusal},
};

/// Requests by the minute, in real time.
#[derive(Debug)]
pub(super) struct Quotas {
    most: BTreeMap<Scope, u32>,
    minute: Duration,
    started: Timestamp,
    /// Requests in the window beside them.
    used: BTreeMap<Scope, (u64, u32)>,
    tells_when: bool,
}

impl Quotas {
    pub(super) fn new(limits: &Limits, speed: f64, started: Timestamp) -> Self {
        let minute = Duration::from_secs(60).div_f64(speed).max(Duration::from_nanos(1));
        let most = limits.per_minute.clone();
        Self { most, minute, started, used: BTreeMap::new(), tells_when: limits.retry_after }
    }

    /// Counts a request; a new window begins each minute from the start.
    pub(super) fn request(&mut self, method: Method, now: Timestamp) -> Result<(), Failure> {
        let window = window(between(self.started, now), self.minute);
        let covering = || self.most.iter().filter(|(scope, _)| scope.covers(method));
        let used =
            |scope: &Scope| self.used.get(scope).filter(|used| used.0 == window).map_or(0, |used| used.1);
        if covering().any(|(scope, most)| used(scope) >= *most) {
            let windows = u32::try_from(window + 1).unwrap_or(u32::MAX);
            let ends = later(self.started, self.minute.saturating_mul(windows));
            return Err(exhausted(self.tells_when, between(now, ends)));
        }
        let counts: Vec<(Scope, u32)> = covering().map(|(scope, _)| (*scope, used(scope) + 1)).collect();
        self.used.extend(counts.into_iter().map(|(scope, count)| (scope, (window, count))));
        Ok(())
    }
}

/// How many sessions there may be, at once and in a day of real time.
#[derive(Debug)]
pub(super) struct Caps {
    concurrent: Option<usize>,
    per_day: Option<usize>,
    day: Duration,
    refusal: Refusal,
    tells_when: bool,
    /// The last day's creates, oldest first.
    created: VecDeque<Timestamp>,
}

impl Caps {
    pub(super) fn new(limits: &Limits, speed: f64) -> Self {
        Self {
            concurrent: limits.concurrent,
            per_day: limits.per_day,
            day: Duration::from_secs(86_400).div_f64(speed),
            refusal: limits.refusal,
            tells_when: limits.retry_after,
            created: VecDeque::new(),
        }
    }

    /// Whether one more session may be created while `live` of them live. A permitted one is counted.
    pub(super) fn create(&mut self, live: usize, now: Timestamp) -> Result<(), Failure> {
        let since = earlier(now, self.day);
        while self.created.front().is_some_and(|at| *at <= since) {
            self.created.pop_front();
        }
        if self.is_full(live) {
            return Err(self.refuse(None));
        }
        let Some(most) = self.per_day else { return Ok(()) };
        if self.created.len() >= most {
            let free_in = self.created.front().map(|first| between(now, later(*first, self.day)));
            return Err(self.refuse(free_in));
        }
        self.created.push_back(now);
        Ok(())
    }

    /// Whether `live` sessions leave no slot.
    pub(super) fn is_full(&self, live: usize) -> bool {
        self.concurrent.is_some_and(|most| live >= most)
    }

    fn refuse(&self, free_in: Option<Duration>) -> Failure {
        match (self.refusal, free_in) {
            (Refusal::FailedPrecondition, _) => Failure::precondition(),
            (Refusal::ResourceExhausted, Some(free_in)) => exhausted(self.tells_when, free_in),
            (Refusal::ResourceExhausted, None) => Failure::exhausted(None),
        }
    }
}

/// 429, which tells when to come again only where the scenario says so: whole seconds, rounded up.
fn exhausted(tells_when: bool, free_in: Duration) -> Failure {
    let seconds = free_in.as_secs() + u64::from(free_in.subsec_nanos() > 0);
    Failure::exhausted(tells_when.then_some(seconds.max(1)))
}

fn window(elapsed: Duration, minute: Duration) -> u64 {
    u64::try_from(elapsed.as_nanos() / minute.as_nanos().max(1)).unwrap_or(u64::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        "2026-11-23T10:00:00Z".parse().unwrap()
    }

    fn at(seconds: u64) -> Timestamp {
        later(start(), Duration::from_secs(seconds))
    }

    fn limits(yaml: &str) -> Limits {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn quotas_are_by_method_and_renew_each_minute() {
        let mut quotas = Quotas::new(
            &limits("{ per-minute: { sessions.get: 2, all: 3 }, retry-after: true }"),
            1.0,
            start(),
        );
        assert!(quotas.request(Method::SessionsGet, at(1)).is_ok());
        assert!(quotas.request(Method::SessionsGet, at(2)).is_ok());
        let refused = quotas.request(Method::SessionsGet, at(20)).unwrap_err();
        assert_eq!((refused.code, refused.retry_after), (429, Some(40)));
        assert!(quotas.request(Method::SessionsList, at(21)).is_ok());
        assert!(quotas.request(Method::SessionsList, at(22)).is_err(), "`all` is spent");
        assert!(quotas.request(Method::SessionsGet, at(60)).is_ok());
    }

    #[test]
    fn minutes_shrink_with_speed() {
        let mut quotas = Quotas::new(&limits("{ per-minute: { all: 1 } }"), 60.0, start());
        assert!(quotas.request(Method::SessionsGet, at(0)).is_ok());
        assert!(quotas.request(Method::SessionsGet, at(0)).is_err());
        assert!(quotas.request(Method::SessionsGet, at(1)).is_ok());
    }

    #[test]
    fn the_day_rolls() {
        let mut caps = Caps::new(&limits("{ per-day: 2 }"), 1.0);
        assert!(caps.create(0, at(0)).is_ok());
        assert!(caps.create(0, at(3_600)).is_ok());
        assert_eq!(caps.create(0, at(86_399)).unwrap_err().code, 429);
        assert!(caps.create(0, at(86_400)).is_ok());
        assert!(caps.create(0, at(86_401)).is_err());
        assert!(caps.create(0, at(90_000)).is_ok());
    }

    #[test]
    fn a_refusal_looks_as_the_scenario_says() {
        let mut caps = Caps::new(&limits("{ concurrent: 1, refusal: failed-precondition }"), 1.0);
        assert!(caps.create(0, at(0)).is_ok());
        assert_eq!(caps.create(1, at(0)).unwrap_err().code, 400);
    }
}
