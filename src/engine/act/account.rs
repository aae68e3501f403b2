//! The account that runs share: a create's turn begins with its word, and it is told what is seen of sessions.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::create::{failure, through};
use super::get;
use crate::engine::input::{CreateFailure, FailureKind, Seen};
use crate::engine::turn::Turns;
use crate::outcome::{Permit, Reserved, SharedAccount, Wish};
use jules::{Gate, Jules, Quota, RequestKind, Reservation, Retries, SessionId, SharedQuotas};

/// How long a turn may be waited for once the account has reserved what it needs. That passes after two minutes.
const TURN: Duration = Duration::from_secs(60);
/// When an account is asked again that did not answer.
const AGAIN: Duration = Duration::from_secs(5);

/// How often, and how many at once, sessions are read that hold slots for runs which say nothing more.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const LOOKED_AT: usize = 5;

/// The account, and the creates that ask it one after the other: what is reserved is used soon.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Account {
    shared: Arc<dyn SharedAccount>,
    line: Arc<Mutex<Line>>,
}

/// Whoever is first in the line has it.
#[derive(Debug, Default)]
struct Line {
    /// When sessions were read last that hold slots for nobody.
    looked: Option<Instant>,
    /// Those of them that the service did not know then.
    unknown: HashSet<SessionId>,
}

impl Account {
    pub(in crate::engine) fn new(shared: Arc<dyn SharedAccount>) -> Self {
        Self { shared, line: Arc::default() }
    }

    /// Waits for a create's turn, no longer than this, and keeps it.
    pub(super) async fn wait(
        &self,
        (api, gate, turns): (&Jules, &Gate, &Turns),
        wish: Wish,
        limit: Option<Duration>,
    ) -> Result<(), CreateFailure> {
        let over = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = gate.closed() => Err(CreateFailure::Withdrawn("stopping; it was not sent".to_owned())),
            had = self.turn((api, gate, turns), wish) => had,
            () = over => Err(CreateFailure::Capacity { cause: "it had no turn in time".to_owned(), retry_after: None }),
        }
    }

    async fn turn(
        &self,
        (api, gate, turns): (&Jules, &Gate, &Turns),
        wish: Wish,
    ) -> Result<(), CreateFailure> {
        let mut first = self.line.lock().await;
        let of_creates =
            |pause: jules::Pause| (pause.kind == RequestKind::Creates).then_some(pause.remaining);
        while let Some(pause) = api.pauses().into_iter().find_map(of_creates) {
            tokio::time::sleep(pause).await;
        }
        match self.shared.reserve(wish).await {
            Ok(Reserved::Granted { wait }) => tokio::time::sleep(wait).await,
            Ok(Reserved::Full { again }) => {
                self.look_at_orphans(api, &mut first).await;
                return Err(CreateFailure::Account { again, spent: false });
            }
            Ok(Reserved::Spent { free }) => return Err(CreateFailure::Account { again: free, spent: true }),
            Err(error) => {
                tracing::warn!("{error}; it is asked again");
                return Err(CreateFailure::Account { again: AGAIN, spent: false });
            }
        }
        let soon = api.with(|options| options.send_within(TURN));
        match through(&soon, gate).turn_to_create().await {
            Ok(turn) => {
                turns.put(turn);
                Ok(())
            }
            Err(error) => {
                self.shared.give_back();
                Err(failure(&error, gate))
            }
        }
    }

    /// Sessions of runs that say nothing more: somebody else has to see when they end.
    pub(super) fn orphans(&self) -> HashSet<SessionId> {
        self.shared.orphans()
    }

    /// Whoever has nothing live lists nothing: it reads some of those that hold the slots which it waits for.
    async fn look_at_orphans(&self, api: &Jules, line: &mut Line) {
        if line.looked.is_some_and(|looked| looked.elapsed() < LOOK_AGAIN) {
            return;
        }
        let api = api.with(|options| options.retries(Retries::NONE).tell_outage(false).send_within(TURN));
        for session in self.shared.orphans().into_iter().take(LOOKED_AT) {
            line.looked = Some(Instant::now());
            match get(&api, &session).await {
                Ok(found) => self.saw(std::iter::once(&*found)),
                // Asked twice: one that was just created can be unknown for a moment.
                Err(failure)
                    if failure.kind == FailureKind::Missing && !line.unknown.insert(session.clone()) =>
                {
                    self.shared.saw_ended(vec![session]);
                }
                Err(_) => {}
            }
        }
    }

    /// What was listed of sessions.
    pub(super) fn saw<'a>(&self, sessions: impl Iterator<Item = &'a Seen>) {
        let ended: Vec<SessionId> =
            sessions.filter(|seen| seen.is_over()).map(|seen| seen.id.clone()).collect();
        if !ended.is_empty() {
            self.shared.saw_ended(ended);
        }
    }
}

/// The account's quotas of requests, as long as its run is at work.
#[derive(Debug)]
pub(in crate::engine) struct Rates(pub(in crate::engine) Weak<dyn SharedAccount>);

impl SharedQuotas for Rates {
    fn reserve(&self, quota: Quota, kind: RequestKind) -> BoxFuture<'static, Reservation> {
        let lane = match quota {
            Quota::Activities => "activities",
            // A create's own turn comes with its slot.
            Quota::Creates => return std::future::ready(Reservation::default()).boxed(),
            _ => "all",
        };
        let Some(account) = self.0.upgrade() else {
            return std::future::ready(Reservation::default()).boxed();
        };
        let held: &[&str] = match kind {
            // A refused read pauses all reads, activity listings too.
            RequestKind::Activities => &["activities", "reads"],
            kind => &[name(kind)],
        };
        let permit = account.permit(lane, held);
        permit.map(|Permit { wait, pause }| Reservation { wait, pause }).boxed()
    }

    fn paused(&self, kind: RequestKind, length: Duration) {
        if let Some(account) = self.0.upgrade() {
            account.pause(name(kind), length);
        }
    }
}

/// What the account calls them.
fn name(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Creates => "creates",
        RequestKind::Activities => "activities",
        RequestKind::Writes => "writes",
        _ => "reads",
    }
}

#[cfg(test)]
mod tests;
