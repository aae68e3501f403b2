//! The journal: what happens goes to the ledger, and what follows from it starts when the ledger has it.
//!
//! The ledger and every listener work on threads of their own, so that neither a slow disk nor a reader that does not
//! read holds up the loop. The ledger takes what waits as one group.

mod away;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use self::away::{Away, Verdict, are_hurried};
use crate::outcome::{EventLog, JournalError, Listener, Role, RunEvent};

/// How long a listener whose reader takes nothing is waited for at the end.
const FLUSH: Duration = Duration::from_secs(2);
/// The same where somebody elsewhere is told, who bounds that by themselves.
const FAR_FLUSH: Duration = Duration::from_secs(15);
/// A listener that has nothing due wakes up so seldom.
const IDLE: Duration = Duration::from_secs(3600);

/// So many turns at most are one group in the ledger: a group is a copy of its events.
const LARGEST: usize = 256;

type Batch = Arc<[RunEvent]>;

/// What the threads tell.
enum Notice {
    /// The ledger has kept the events up to this number.
    Kept(u64),
    /// The ledger does not answer, and is waited for: why.
    Away(String),
    /// It has answered, after this time.
    Back(Duration),
    /// What failed that the run cannot do without.
    Failed(JournalError),
}

/// What is new of the journal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// More may start.
    Kept,
    /// The ledger does not answer: why. Nothing that has to be on record before starts until it does.
    Away(String),
    /// It answers again, after this time.
    Back(Duration),
    /// Nothing will start any more.
    Failed,
}

/// Keeps events, and holds back the actions that follow from them until they are kept.
pub(super) struct Journal<A> {
    order: Order<A>,
    last_seq: u64,
    ledger: Worker,
    listeners: Vec<(Role, Worker)>,
    notices: UnboundedReceiver<Notice>,
    failed: Option<JournalError>,
}

impl<A> Journal<A> {
    /// Starts the threads, for a run whose events are kept up to `last_seq`.
    pub(super) fn start(ledger: Box<dyn EventLog>, listeners: Vec<Box<dyn Listener>>, last_seq: u64) -> Self {
        let (notify, notices) = unbounded_channel();
        let listener = |it: Box<dyn Listener>| (it.role(), Worker::of_listener(it, notify.clone()));
        let listeners = listeners.into_iter().map(listener).collect();
        let ledger = Worker::of_log(ledger, notify);
        Self { order: Order::new(last_seq), last_seq, ledger, listeners, notices, failed: None }
    }

    /// Takes a turn: its events, and the actions that follow from them.
    pub(super) fn write(&mut self, events: Vec<RunEvent>, actions: Vec<A>) {
        if let Some(last) = events.last() {
            self.last_seq = last.seq;
            let events: Batch = events.into();
            self.ledger.send(&events);
            self.listeners.iter().for_each(|(_, worker)| worker.send(&events));
        }
        self.order.hold(self.last_seq, actions);
    }

    /// The actions that may start now.
    pub(super) fn release(&mut self) -> Vec<A> {
        self.order.release()
    }

    /// Waits for news. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<News> {
        Some(match self.notices.recv().await? {
            Notice::Kept(seq) => {
                self.order.acknowledge(seq);
                News::Kept
            }
            Notice::Away(why) => News::Away(why),
            Notice::Back(after) => News::Back(after),
            Notice::Failed(error) => {
                self.order.refuse();
                self.failed.get_or_insert(error);
                News::Failed
            }
        })
    }

    /// Brings everything to its place: the ledger and the reports however long it takes, the rest while its reader
    /// reads. The first failure of the run is told.
    pub(super) async fn close(mut self) -> Result<(), JournalError> {
        let ledger = self.ledger.close();
        let listeners: Vec<_> = self.listeners.into_iter().map(|(role, it)| (role, it.close())).collect();
        ledger.ended().await;
        join_all(listeners.into_iter().map(|(role, closing)| async move {
            match role {
                Role::Report => closing.ended().await,
                Role::Stream | Role::View => closing.ended_or_stuck(FLUSH).await,
                Role::Remote => closing.ended_or_stuck(FAR_FLUSH).await,
            }
        }))
        .await;
        while let Ok(notice) = self.notices.try_recv() {
            if let Notice::Failed(error) = notice {
                self.failed.get_or_insert(error);
            }
        }
        self.failed.map_or(Ok(()), Err)
    }
}

/// What may start after which acknowledgement: everything in order, and nothing after a refusal.
#[derive(Debug)]
struct Order<A> {
    /// Turns that are not released yet: the last event up to their end, and what follows from them.
    held: VecDeque<(u64, Vec<A>)>,
    kept: u64,
    refused: bool,
}

impl<A> Order<A> {
    fn new(kept: u64) -> Self {
        Self { held: VecDeque::new(), kept, refused: false }
    }

    fn hold(&mut self, last_seq: u64, actions: Vec<A>) {
        if !self.refused && !actions.is_empty() {
            self.held.push_back((last_seq, actions));
        }
    }

    fn acknowledge(&mut self, seq: u64) {
        self.kept = self.kept.max(seq);
    }

    fn refuse(&mut self) {
        self.refused = true;
        self.held.clear();
    }

    fn release(&mut self) -> Vec<A> {
        let mut free = Vec::new();
        while let Some((_, actions)) = self.held.pop_front_if(|(last_seq, _)| *last_seq <= self.kept) {
            free.extend(actions);
        }
        free
    }
}

/// A thread that is given events.
struct Worker {
    events: Sender<Batch>,
    closing: Closing,
}

/// A thread that is given no more events.
struct Closing {
    what: &'static str,
    ended: oneshot::Receiver<()>,
    /// How many batches it has dealt with.
    done: Arc<AtomicUsize>,
}

impl Worker {
    fn of_log(mut log: Box<dyn EventLog>, notify: UnboundedSender<Notice>) -> Self {
        Self::start("the ledger", move |inbox, _| {
            // Nobody listens any more when the run was dropped.
            let tell = |notice| drop(notify.send(notice));
            let work = || {
                keep(&mut *log, inbox, tell);
                log.flush()
            };
            if let Err(error) =
                catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(gone("the ledger")))
            {
                tell(Notice::Failed(error));
            }
        })
    }

    fn of_listener(mut listener: Box<dyn Listener>, notify: UnboundedSender<Notice>) -> Self {
        let (role, what) = (listener.role(), what(listener.role()));
        Self::start(what, move |inbox, done| {
            let check = |result: Result<(), JournalError>| match (result, role) {
                (Ok(()), _) => {}
                // Nobody listens any more when the run was dropped.
                (Err(error), Role::Report | Role::Stream) => drop(notify.send(Notice::Failed(error))),
                (Err(error), Role::View | Role::Remote) => tracing::warn!("{error}"),
            };
            let work = || {
                loop {
                    let now = Instant::now();
                    let due = listener.tick(now).unwrap_or_else(|error| {
                        check(Err(error));
                        None
                    });
                    match inbox.recv_timeout(due.map_or(IDLE, |due| due.saturating_duration_since(now))) {
                        Ok(first) => {
                            for batch in std::iter::once(first).chain(inbox.try_iter()) {
                                check(listener.hear(&batch));
                                done.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                        Err(RecvTimeoutError::Timeout) => {}
                        Err(RecvTimeoutError::Disconnected) => return check(listener.finish()),
                    }
                }
            };
            catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| check(Err(gone(what))));
        })
    }

    fn start(what: &'static str, work: impl FnOnce(&Receiver<Batch>, &AtomicUsize) + Send + 'static) -> Self {
        let (events, inbox) = mpsc::channel();
        let (ending, ended) = oneshot::channel();
        let done = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&done);
        std::thread::spawn(move || {
            work(&inbox, &counter);
            // Nobody waits any more when the run was dropped.
            let _ = ending.send(());
        });
        Self { events, closing: Closing { what, ended, done } }
    }

    /// A thread that is gone has told so.
    fn send(&self, events: &Batch) {
        let _ = self.events.send(Arc::clone(events));
    }

    fn close(self) -> Closing {
        self.closing
    }
}

/// Gives the log what comes until nothing more does, and waits for one that does not answer.
fn keep(log: &mut dyn EventLog, inbox: &Receiver<Batch>, tell: impl Fn(Notice)) {
    let mut away = Away::new(log.patience());
    let (mut last_seq, mut hurries) = (0, false);
    loop {
        let (group, is_open) = match away.again_at() {
            None => match inbox.recv() {
                Ok(first) => (
                    std::iter::once(first).chain(inbox.try_iter()).take(LARGEST).collect::<Vec<_>>().concat(),
                    true,
                ),
                Err(_) => return,
            },
            Some(again) => until(inbox, again),
        };
        if let Some(last) = group.last() {
            (last_seq, hurries) = (last.seq, are_hurried(&group));
        }
        if !is_open {
            away.closes(hurries, Instant::now());
        }
        match log.try_append(&group) {
            Ok(()) => {
                away.answered(Instant::now()).into_iter().for_each(|after| tell(Notice::Back(after)));
                tell(Notice::Kept(last_seq));
            }
            Err(error) if error.is_away() => {
                let why = error.in_full();
                match away.failed(&group, error, Instant::now()) {
                    Verdict::Wait { is_news: true } => tell(Notice::Away(why)),
                    Verdict::Wait { is_news: false } => {}
                    Verdict::GiveUp(error) => tell(Notice::Failed(error)),
                }
            }
            Err(error) => {
                away.answered(Instant::now());
                tell(Notice::Failed(error));
            }
        }
    }
}

/// What comes until then, and whether more can come.
fn until(inbox: &Receiver<Batch>, then: Instant) -> (Vec<RunEvent>, bool) {
    let mut group = Vec::new();
    loop {
        let left = then.saturating_duration_since(Instant::now());
        match inbox.recv_timeout(left) {
            Ok(batch) => group.extend_from_slice(&batch),
            Err(RecvTimeoutError::Timeout) => return (group, true),
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(left);
                return (group, false);
            }
        }
    }
}

impl Closing {
    async fn ended(self) {
        // An error is an end as well.
        let _ = self.ended.await;
    }

    async fn ended_or_stuck(mut self, patience: Duration) {
        let mut before = self.done.load(Ordering::Relaxed);
        while tokio::time::timeout(patience, &mut self.ended).await.is_err() {
            let now = self.done.load(Ordering::Relaxed);
            if now == before {
                tracing::warn!("{} did not get everything: nobody reads", self.what);
                return;
            }
            before = now;
        }
    }
}

const fn what(role: Role) -> &'static str {
    match role {
        Role::Report => "the reports",
        Role::Stream => "the event stream",
        Role::View => "the progress display",
        Role::Remote => "others who are told of the run",
    }
}

fn gone(what: &str) -> JournalError {
    JournalError::new(format!("{what}: not kept any more"), "its thread has ended")
}
