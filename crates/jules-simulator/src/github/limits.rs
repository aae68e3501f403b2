//! What a user's tokens may use: requests and points by the hour, and the secondary limits by the minute.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use jiff::Timestamp;

use crate::clock::{between, earlier, later};

use super::script::LimitsScript;

/// What one account has used.
#[derive(Debug, Default)]
struct Used {
    core: Option<Window>,
    graphql: Option<Window>,
    /// The last minute's points, oldest first.
    minute: VecDeque<(Timestamp, u64)>,
    /// The last hour's writes.
    writes: VecDeque<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    ends: Timestamp,
    used: u64,
}

/// Which budget a request is paid from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    Core,
    GraphQl,
}

impl Resource {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::GraphQl => "graphql",
        }
    }
}

/// What a request costs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub(super) resource: Resource,
    /// By the hour.
    pub(super) points: u64,
    pub(super) is_write: bool,
}

impl Cost {
    /// What the secondary limit counts.
    fn secondary(self) -> u64 {
        match self.is_write {
            true => 5,
            false => 1,
        }
    }
}

/// How a budget stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    pub(super) limit: u64,
    pub(super) used: u64,
    pub(super) resets: Timestamp,
}

impl Budget {
    pub(super) fn remaining(self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exceeded {
    /// The hour's budget is spent.
    Primary,
    /// Too much at once; come again after so many seconds, if it says.
    Secondary(Option<u64>),
}

/// Every account's use.
#[derive(Debug)]
pub(super) struct Limits {
    script: LimitsScript,
    minute: Duration,
    hour: Duration,
    used: HashMap<String, Used>,
}

impl Limits {
    pub(super) fn new(script: LimitsScript, speed: f64) -> Self {
        let real = |seconds: u64| Duration::from_secs(seconds).div_f64(speed).max(Duration::from_nanos(1));
        Self { script, minute: real(60), hour: real(3_600), used: HashMap::new() }
    }

    fn limit(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Core => self.script.requests_per_hour,
            Resource::GraphQl => self.script.points_per_hour,
        }
    }

    /// How the account's budget stands.
    pub(super) fn budget(&self, account: &str, resource: Resource, now: Timestamp) -> Budget {
        let window = self.used.get(account).and_then(|used| match resource {
            Resource::Core => used.core,
            Resource::GraphQl => used.graphql,
        });
        let fresh = Window { ends: later(now, self.hour), used: 0 };
        let window = window.filter(|window| window.ends > now).unwrap_or(fresh);
        Budget { limit: self.limit(resource), used: window.used, resets: window.ends }
    }

    /// Gives back the point of a request that turned out to be free.
    pub(super) fn refund(&mut self, account: &str, resource: Resource) {
        let window = self.used.get_mut(account).and_then(|used| match resource {
            Resource::Core => used.core.as_mut(),
            Resource::GraphQl => used.graphql.as_mut(),
        });
        if let Some(window) = window {
            window.used = window.used.saturating_sub(1);
        }
    }

    /// Pays for a request, or refuses it.
    pub(super) fn pay(&mut self, account: &str, cost: Cost, now: Timestamp) -> Result<(), Exceeded> {
        let budget = self.budget(account, cost.resource, now);
        let (minute, hour) = (self.minute, self.hour);
        let used = self.used.entry(account.to_owned()).or_default();
        let since = earlier(now, minute);
        while used.minute.front().is_some_and(|(at, _)| *at <= since) {
            used.minute.pop_front();
        }
        let since_hour = earlier(now, hour);
        while used.writes.front().is_some_and(|at| *at <= since_hour) {
            used.writes.pop_front();
        }
        if budget.remaining() < cost.points {
            return Err(Exceeded::Primary);
        }
        let spent: u64 = used.minute.iter().map(|(_, points)| points).sum();
        let recent = used.writes.iter().filter(|at| **at > since).count() as u64;
        let (script, writes) = (&self.script, used.writes.len() as u64);
        let is_over = spent + cost.secondary() > script.points_per_minute
            || cost.is_write && (recent >= script.writes_per_minute || writes >= script.writes_per_hour);
        if is_over {
            let free = used.minute.front().map_or(now, |(at, _)| later(*at, minute));
            let wait = between(now, free).as_secs_f64().ceil().max(1.0) as u64;
            return Err(Exceeded::Secondary(script.retry_after.then_some(wait)));
        }
        used.minute.push_back((now, cost.secondary()));
        if cost.is_write {
            used.writes.push_back(now);
        }
        let window = Some(Window { ends: budget.resets, used: budget.used + cost.points });
        match cost.resource {
            Resource::Core => used.core = window,
            Resource::GraphQl => used.graphql = window,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        later("2026-11-23T10:00:00Z".parse().unwrap(), Duration::from_secs(seconds))
    }

    const READ: Cost = Cost { resource: Resource::GraphQl, points: 1, is_write: false };
    const WRITE: Cost = Cost { resource: Resource::Core, points: 1, is_write: true };

    #[test]
    fn a_budget_is_spent_and_comes_back_after_an_hour() {
        let script = LimitsScript { points_per_hour: 2, ..LimitsScript::default() };
        let mut limits = Limits::new(script, 1.0);
        assert_eq!(limits.pay("a", READ, at(0)), Ok(()));
        assert_eq!(limits.pay("a", READ, at(9)), Ok(()));
        assert_eq!(limits.pay("a", READ, at(10)), Err(Exceeded::Primary));
        assert_eq!(limits.pay("b", READ, at(10)), Ok(()), "budgets are by account");
        let budget = limits.budget("a", Resource::GraphQl, at(10));
        assert_eq!((budget.remaining(), budget.resets), (0, at(3_600)));
        assert_eq!(limits.pay("a", READ, at(3_600)), Ok(()));
    }

    #[test]
    fn writes_have_limits_of_their_own() {
        let script = LimitsScript { writes_per_minute: 2, writes_per_hour: 3, ..LimitsScript::default() };
        let mut limits = Limits::new(script, 1.0);
        let mut write = |second| limits.pay("a", WRITE, at(second)).is_ok();
        assert_eq!([0, 1, 2, 61, 130].map(&mut write), [true, true, false, true, false]);
        assert!(write(3_601));
    }

    #[test]
    fn a_minute_has_so_many_points_and_a_write_takes_five() {
        let script = LimitsScript { points_per_minute: 7, ..LimitsScript::default() };
        let mut limits = Limits::new(script, 1.0);
        assert!(limits.pay("a", WRITE, at(0)).is_ok());
        assert!(limits.pay("a", READ, at(1)).is_ok());
        assert!(limits.pay("a", READ, at(2)).is_ok());
        assert_eq!(limits.pay("a", READ, at(20)), Err(Exceeded::Secondary(Some(40))));
    }
}
