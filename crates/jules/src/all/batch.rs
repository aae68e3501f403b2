//! The loop under `all()`: starts items, waits for their sessions, and gives what happens as events.

use std::collections::VecDeque;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::time::Instant;

use super::slots::{Next, Slots};
use super::{BatchEvent, StartedSessions};
use crate::create::Moment;
use crate::{
    AutomatedSession, Error, ErrorKind, Jules, Method, NewSession, SessionClient, SessionOutcome, wait,
};

/// Something has come of an item.
#[expect(clippy::large_enum_variant, reason = "as many as sessions live, and each is moved on at once")]
enum Step {
    Created {
        index: usize,
        asked: Asked,
        result: Result<AutomatedSession, Error>,
    },
    Result {
        index: usize,
        session: AutomatedSession,
        result: Result<SessionOutcome, Error>,
    },
    /// A session whose result was an error has ended, or is gone.
    Free,
}

/// A create, and when it was decided.
struct Asked {
    new: NewSession,
    at: Moment,
}

/// The items on their way.
pub(super) struct Batch {
    jules: Jules,
    waiting: VecDeque<(usize, NewSession)>,
    timeout: Option<Duration>,
    slots: Slots,
    started: StartedSessions,
    work: FuturesUnordered<BoxFuture<'static, Step>>,
    events: VecDeque<BatchEvent>,
}

impl Batch {
    pub(super) fn new(
        jules: Jules,
        items: Vec<NewSession>,
        timeout: Option<Duration>,
        slots: Slots,
        started: StartedSessions,
    ) -> Self {
        let waiting = items.into_iter().enumerate().collect();
        let (work, events) = (FuturesUnordered::new(), VecDeque::new());
        Self { jules, waiting, timeout, slots, started, work, events }
    }

    /// The next event; none when every item has had its end.
    pub(super) async fn next(&mut self) -> Option<BatchEvent> {
        loop {
            let wake = self.start();
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.waiting.is_empty() && !self.slots.is_awaited() {
                return None;
            }
            let timer = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(step) = self.work.next() => self.step(step),
                () = timer => {}
            }
        }
    }

    /// Starts what may start; when to come again, if that is known.
    fn start(&mut self) -> Option<Instant> {
        while let Some((index, new)) = self.waiting.pop_front() {
            let now = Instant::now();
            match self.slots.next(now) {
                Next::Start => {
                    self.slots.start(now);
                    let jules = self.jules.clone();
                    let create = async move {
                        let asked = Asked { new: new.clone(), at: Moment::now() };
                        Step::Created { index, asked, result: jules.run(new).await }
                    };
                    self.work.push(create.boxed());
                }
                Next::Wait(until) => {
                    self.waiting.push_front((index, new));
                    return until;
                }
                Next::Stopped => self.refuse(index, ErrorKind::NotStarted),
                Next::NoSlot(after) => self.refuse(index, ErrorKind::NoSlot(after)),
            }
        }
        None
    }

    fn refuse(&mut self, index: usize, kind: ErrorKind) {
        let outcome = Err(Error::new(Method::CreateSession, kind));
        self.events.push_back(BatchEvent::Ended { index, outcome });
    }

    fn step(&mut self, step: Step) {
        let now = Instant::now();
        match step {
            Step::Created { index, result: Ok(session), .. } => {
                self.started.add(index, session.id().clone());
                let (id, url) = (session.id().clone(), session.url().map(str::to_owned));
                self.events.push_back(BatchEvent::Started { index, id, url });
                let result = session.result().timeout(self.timeout);
                let wait = async move { Step::Result { index, result: result.await, session } };
                self.work.push(wait.boxed());
            }
            Step::Created { index, asked, result: Err(error) } => {
                self.slots.result(true, now);
                match error.kind() {
                    _ if error.surely_not_processed() => self.slots.free(now),
                    ErrorKind::InDoubt { marker: Some(_), .. } => {
                        let place = (index, self.started.clone());
                        self.work.push(until_settled(self.jules.clone(), place, asked).boxed());
                    }
                    // Nobody can tell whether there is one: its slot is held.
                    _ => {}
                }
                self.events.push_back(BatchEvent::Ended { index, outcome: Err(error) });
            }
            Step::Result { index, session, result } => {
                self.slots.result(result.is_err(), now);
                match result {
                    Ok(_) => self.slots.free(now),
                    Err(_) => self.work.push(until_ended(session.into_client()).boxed()),
                }
                self.events.push_back(BatchEvent::Ended { index, outcome: result });
            }
            Step::Free => self.slots.free(now),
        }
    }
}

/// Looks, for however long, for the session of a create in doubt: it was not created, or has ended.
async fn until_settled(jules: Jules, place: (usize, StartedSessions), asked: Asked) -> Step {
    if let Some(session) = jules.find_in_doubt(&asked.new, asked.at).await {
        let (index, started) = place;
        started.add(index, session.id.clone());
        wait::until_ended(&jules.attach(session.id)).await;
    }
    Step::Free
}

/// Waits, for however long, until a session that was given up has ended or is gone.
async fn until_ended(session: SessionClient) -> Step {
    wait::until_ended(&session).await;
    Step::Free
}
