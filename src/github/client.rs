//! The client: one request at a time, within GitHub's limits, and every wait has an end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jules::reqwest;
use tokio::sync::MutexGuard as Turn;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Config;
use super::answer::{Failure, GraphAnswer, RateLeft};
use super::limit::Told;
use super::pacing::Pacing;
use super::query::Query;
use super::transport::{Answer, NoAnswer, Request, Transport};
use super::unreadable::{Unreadable, UnreadableKind};
use crate::outcome::GithubUsage;

/// How often a connection is tried for, and how long after the first failure.
const CONNECTS: u32 = 3;
const RECONNECT: Duration = Duration::from_millis(500);

/// Speaks to GitHub with one token.
pub(crate) struct GitHub {
    pub(super) transport: Transport,
    /// Who holds it may send: never are two requests under way. With it goes what was written.
    turn: tokio::sync::Mutex<Pacing>,
    state: Mutex<State>,
    pub(super) points: AtomicU64,
    pub(super) writes: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    holds: Holds,
    rate: Option<RateLeft>,
}

/// Whose budget a request is paid from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Budget {
    Rest,
    GraphQl,
}

/// Until when nothing is sent, because of a limit.
#[derive(Debug, Default)]
struct Holds {
    rest: Option<Instant>,
    graphql: Option<Instant>,
    /// Limits in a row.
    times: u32,
}

impl Holds {
    fn until(&self, budget: Budget) -> Option<Instant> {
        match budget {
            Budget::Rest => self.rest,
            Budget::GraphQl => self.graphql,
        }
    }

    /// A limit was met. The hour's budget is one for each kind of request; others hold all.
    fn meet(&mut self, budget: Budget, told: Told, now: Instant) {
        let until = Some(now + told.hold(self.times));
        self.times = self.times.saturating_add(1);
        if budget == Budget::Rest || !told.is_primary() {
            self.rest = self.rest.max(until);
        }
        if budget == Budget::GraphQl || !told.is_primary() {
            self.graphql = self.graphql.max(until);
        }
    }
}

impl std::fmt::Debug for GitHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitHub").finish_non_exhaustive()
    }
}

impl GitHub {
    /// Sends nothing.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot be set up.
    pub(crate) fn new(config: Config) -> Result<Self, reqwest::Error> {
        Ok(Self {
            transport: Transport::new(config)?,
            turn: tokio::sync::Mutex::new(Pacing::new(Instant::now())),
            state: Mutex::default(),
            points: AtomicU64::new(0),
            writes: AtomicU64::new(0),
        })
    }

    /// What it has sent so far: all requests, writes among them, and points as far as answers told them.
    pub(crate) fn usage(&self) -> GithubUsage {
        GithubUsage {
            requests: self.transport.requests(),
            points: self.points.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
        }
    }

    /// Processes before this one have written then: that counts as well.
    pub(crate) async fn wrote_before(&self, times: impl IntoIterator<Item = Timestamp>) {
        let (now, wall) = (Instant::now(), Timestamp::now());
        let ago = |time: Timestamp| Duration::try_from(wall.duration_since(time)).ok();
        let times = times.into_iter().filter_map(|time| now.checked_sub(ago(time)?));
        self.turn.lock().await.remember(times);
    }

    /// What is left of the hour's points, as GitHub last said.
    pub(crate) fn rate(&self) -> Option<RateLeft> {
        self.state().rate
    }

    /// Until when a limit holds requests, if one does: for whoever wants to show why nothing happens.
    pub(crate) fn held_until(&self) -> Option<Timestamp> {
        let state = self.state();
        let until = state.holds.rest.max(state.holds.graphql)?;
        (until > Instant::now()).then(|| at(until))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is whole, so it is good even if a thread died holding the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks GraphQL. A limit is waited for, as long as that ends before `deadline`.
    pub(super) async fn query(&self, query: &Query, deadline: Instant) -> Result<GraphAnswer, Failure> {
        let mut failed = 0;
        loop {
            let request = self.transport.graphql(&query.text, &query.variables);
            match self.read(Budget::GraphQl, request, deadline).await.map_err(Failure::All)? {
                Ok(answer) => match self.heard(&answer) {
                    Err(Failure::Limited(_)) => self.meet(Budget::GraphQl, answer.told),
                    read => return read,
                },
                Err(NoAnswer::NotSent(said)) => {
                    failed += 1;
                    self.reconnect(failed, &said, deadline).await.map_err(Failure::All)?;
                }
                Err(NoAnswer::Lost(said)) => return Err(Failure::TooMuch(said)),
            }
        }
    }

    fn heard(&self, answer: &Answer) -> Result<GraphAnswer, Failure> {
        let read = GraphAnswer::read(answer)?;
        let mut state = self.state();
        state.holds.times = 0;
        if let Some(rate) = read.rate() {
            self.points.fetch_add(rate.cost, Ordering::Relaxed);
            state.rate = Some(rate);
        }
        Ok(read)
    }

    /// Asks REST. As [`query`](Self::query); what breaks on the way is asked for again.
    pub(super) async fn get(&self, request: Request, deadline: Instant) -> Result<Answer, Unreadable> {
        let mut failed = 0;
        loop {
            let said = match self.read(Budget::Rest, request.clone(), deadline).await? {
                Ok(answer) if answer.told.is_limit(answer.status, &answer.said()) => {
                    self.meet(Budget::Rest, answer.told);
                    continue;
                }
                Ok(answer) if answer.status < 500 => {
                    self.state().holds.times = 0;
                    return Ok(answer);
                }
                Ok(answer) => answer.said(),
                Err(no_answer) => no_answer.said().to_owned(),
            };
            failed += 1;
            self.reconnect(failed, &said, deadline).await?;
        }
    }

    /// Waits before the next try; an error once there have been enough.
    async fn reconnect(&self, failed: u32, said: &str, deadline: Instant) -> Result<(), Unreadable> {
        let until = Instant::now() + RECONNECT * failed;
        if failed >= CONNECTS || until > deadline {
            return Err(Unreadable::new(UnreadableKind::Unanswered, said));
        }
        sleep_until(until).await;
        Ok(())
    }

    /// Sends a request that changes nothing, once it may be sent.
    async fn read(
        &self,
        budget: Budget,
        request: Request,
        deadline: Instant,
    ) -> Result<Result<Answer, NoAnswer>, Unreadable> {
        let _turn = self.turn(budget, deadline).await?;
        let sent = timeout_at(deadline, self.transport.send(request)).await;
        Ok(sent.unwrap_or_else(|_| Err(NoAnswer::Lost("no answer in time".to_owned()))))
    }

    /// Waits until no other request is under way and no limit holds this one.
    pub(super) async fn turn(
        &self,
        budget: Budget,
        deadline: Instant,
    ) -> Result<Turn<'_, Pacing>, Unreadable> {
        let turn = timeout_at(deadline, self.turn.lock()).await;
        let turn = turn.map_err(|_| Unreadable::new(UnreadableKind::Unanswered, "no time is left"))?;
        self.wait(|holds| holds.until(budget), deadline).await?;
        Ok(turn)
    }

    async fn wait(
        &self,
        until: impl Fn(&Holds) -> Option<Instant>,
        deadline: Instant,
    ) -> Result<(), Unreadable> {
        loop {
            let Some(until) = until(&self.state().holds).filter(|until| *until > Instant::now()) else {
                return Ok(());
            };
            if until > deadline {
                let until = at(until);
                return Err(Unreadable::new(
                    UnreadableKind::Limited(until),
                    &format!("GitHub's rate limit holds us until {until:.0}"),
                ));
            }
            sleep_until(until).await;
        }
    }

    /// An answer was a limit's.
    pub(super) fn meet(&self, budget: Budget, told: Told) {
        self.state().holds.meet(budget, told, Instant::now());
    }
}

/// A time on the wall by one of tokio's.
pub(super) fn at(instant: Instant) -> Timestamp {
    let left = SignedDuration::try_from(instant.saturating_duration_since(Instant::now()));
    let left = left.unwrap_or(SignedDuration::MAX);
    Timestamp::now().checked_add(left).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hours_budget_holds_its_own_and_a_secondary_limit_all() {
        let now = Instant::now();
        let primary = Told { remaining: Some(0), reset: Some(100), date: Some(70), ..Told::default() };
        let mut holds = Holds::default();
        holds.meet(Budget::GraphQl, primary, now);
        assert_eq!((holds.rest, holds.graphql), (None, Some(now + Duration::from_secs(31))));
        holds.meet(Budget::Rest, Told { retry_after: Some(5), ..Told::default() }, now);
        let five = Some(now + Duration::from_secs(5));
        assert_eq!((holds.rest, holds.graphql), (five, Some(now + Duration::from_secs(31))), "only forward");
    }
}
