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

/// The quotas and caps of an account, in real time.
#[derive(Debug)]
pub(super) struct Allowance {
    limits: Limits,
    minute: Duration,
    day: Duration,
    started: Timestamp,
    /// Requests in the window that began at the time beside them.
    used: BTreeMap<Scope, (u64, u32)>,
    created: VecDeque<Timestamp>,
}

impl Allowance {
    pub(super) fn new(limits: Limits, speed: f64, started: Timestamp) -> Self {
        Self {
            limits,
            minute: Duration::from_secs(60).div_f64(speed).max(Duration::from_nanos(1)),
            day: Duration::from_secs(86_400).div_f64(speed),
            started,
            used: BTreeMap::new(),
            created: VecDeque::new(),
        }
    }

    /// Counts a request against the quotas by the minute; windows begin anew each minute from the start.
    pub(super) fn request(&mut self, method: Method, now: Timestamp) -> Result<(), Failure> {
        let window = window(between(self.started, now), self.minute);
        let scopes = || self.limits.per_minute.iter().filter(|(scope, _)| scope.covers(method));
        let spent = scopes().any(|(scope, most)| {
            self.used.get(scope).is_some_and(|(began, used)| *began == window && used >= most)
        }) || scopes().any(|(_, most)| *most == 0);
        if spent {
            let ends = later(
                self.started,
                self.minute.saturating_mul(u32::try_from(window + 1).unwrap_or(u32::MAX)),
            );
            return Err(self.exhausted(between(now, ends)));
        }
        let counted: Vec<Scope> = scopes().map(|(scope, _)| *scope).collect();
        for scope in counted {
            let entry = self.used.entry(scope).or_insert((window, 0));
            *entry = if entry.0 == window { (window, entry.1 + 1) } else { (window, 1) };
        }
        Ok(())
    }

    /// Whether one more session may be created while `live` of them live. A permitted one is counted.
    pub(super) fn create(&mut self, live: usize, now: Timestamp) -> Result<(), Failure> {
        let since = earlier(now, self.day);
        while self.created.front().is_some_and(|at| *at <= since) {
            self.created.pop_front();
        }
        if self.is_full(live) {
            return Err(self.refusal(None));
        }
        if self.limits.per_day.is_some_and(|most| self.created.len() >= most) {
            let free = self.created.front().map(|first| between(now, later(*first, self.day)));
            return Err(self.refusal(free));
        }
        if self.limits.per_day.is_some() {
            self.created.push_back(now);
        }
        Ok(())
    }

    /// Whether `live` sessions leave no slot.
    pub(super) fn is_full(&self, live: usize) -> bool {
        self.limits.concurrent.is_some_and(|most| live >= most)
    }

    fn refusal(&self, free_in: Option<Duration>) -> Failure {
        match self.limits.refusal {
            Refusal::FailedPrecondition => Failure::precondition(),
            Refusal::ResourceExhausted => match free_in {
                Some(free_in) => self.exhausted(free_in),
                None => Failure::exhausted(None),
            },
        }
    }

    fn exhausted(&self, free_in: Duration) -> Failure {
        let seconds = free_in.as_secs() + u64::from(free_in.subsec_nanos() > 0);
        Failure::exhausted(self.limits.retry_after.then_some(seconds.max(1)))
    }
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
        let mut allowance = Allowance::new(
            limits("{ per-minute: { sessions.get: 2, all: 3 }, retry-after: true }"),
            1.0,
            start(),
        );
        assert!(allowance.request(Method::SessionsGet, at(1)).is_ok());
        assert!(allowance.request(Method::SessionsGet, at(2)).is_ok());
        let refused = allowance.request(Method::SessionsGet, at(20)).unwrap_err();
        assert_eq!((refused.code, refused.retry_after), (429, Some(40)));
        assert!(allowance.request(Method::SessionsList, at(21)).is_ok());
        assert!(allowance.request(Method::SessionsList, at(22)).is_err(), "`all` is spent");
        assert!(allowance.request(Method::SessionsGet, at(60)).is_ok());
    }

    #[test]
    fn minutes_shrink_with_speed() {
        let mut allowance = Allowance::new(limits("{ per-minute: { all: 1 } }"), 60.0, start());
        assert!(allowance.request(Method::SessionsGet, at(0)).is_ok());
        assert!(allowance.request(Method::SessionsGet, at(0)).is_err());
        assert!(allowance.request(Method::SessionsGet, at(1)).is_ok());
    }

    #[test]
    fn the_day_rolls() {
        let mut allowance = Allowance::new(limits("{ per-day: 2 }"), 1.0, start());
        assert!(allowance.create(0, at(0)).is_ok());
        assert!(allowance.create(0, at(3_600)).is_ok());
        assert_eq!(allowance.create(0, at(86_399)).unwrap_err().code, 429);
        assert!(allowance.create(0, at(86_400)).is_ok());
        assert!(allowance.create(0, at(86_401)).is_err());
        assert!(allowance.create(0, at(90_000)).is_ok());
    }

    #[test]
    fn a_refusal_looks_as_the_scenario_says() {
        let mut allowance =
            Allowance::new(limits("{ concurrent: 1, refusal: failed-precondition }"), 1.0, start());
        assert!(allowance.create(0, at(0)).is_ok());
        assert_eq!(allowance.create(1, at(0)).unwrap_err().code, 400);
    }
}
