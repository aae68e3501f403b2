use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::outcome::EventKind;

#[derive(Clone, Debug)]
enum Step {
    /// A turn with this number of events and actions.
    Turn(u64, usize),
    /// How many of the events that it was given the ledger has kept.
    Kept(u64),
    Refused,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3_u64, 0..3_usize).prop_map(|(events, actions)| Step::Turn(events, actions)),
        5 => (0..4_u64).prop_map(Step::Kept),
        1 => Just(Step::Refused),
    ]
}

proptest! {
    /// An action is known by its own number and the last event that must be kept before it.
    #[test]
    fn nothing_starts_before_its_events_are_kept_nor_out_of_order_nor_after_a_refusal(
        begun in 0..5_u64,
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut order = Order::new(begun);
        let (mut written, mut kept, mut refused) = (begun, begun, false);
        let (mut held, mut started) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Turn(events, actions) => {
                    written += events;
                    let actions: Vec<_> = (0..actions).map(|n| (held.len() + n, written)).collect();
                    held.extend(actions.iter().copied());
                    order.hold(written, actions);
                }
                Step::Kept(more) => {
                    kept = written.min(kept + more);
                    order.acknowledge(kept);
                }
                Step::Refused => {
                    refused = true;
                    order.refuse();
                }
            }
            let released = order.release();
            prop_assert!(!refused || released.is_empty());
            prop_assert!(released.iter().all(|(_, last)| *last <= kept));
            started.extend(released);
            let may: Vec<_> = held.iter().copied().take_while(|(_, last)| *last <= kept).collect();
            // Everything that may start has started, in order.
            prop_assert!(may.starts_with(&started) && (refused || may == started));
        }
    }
}

type Groups = Arc<Mutex<Vec<Vec<u64>>>>;

/// A ledger that takes its time, remembers its groups, and refuses after some of them.
struct Slow {
    takes: Duration,
    groups: Groups,
    room: usize,
}

impl EventLog for Slow {
    fn append(&mut self, events: &[RunEvent]) -> Result<(), JournalError> {
        std::thread::sleep(self.takes);
        let mut groups = self.groups.lock().unwrap();
        if groups.len() == self.room {
            return Err(JournalError::new("no room", "full"));
        }
        groups.push(events.iter().map(|event| event.seq).collect());
        Ok(())
    }
}

fn event(seq: u64) -> RunEvent {
    RunEvent { seq, ts: jiff::Timestamp::UNIX_EPOCH, kind: EventKind::InvocationEnded { stopped: None } }
}

fn journal(room: usize, listeners: Vec<Box<dyn Listener>>) -> (Journal<u64>, Groups) {
    let groups = Groups::default();
    let ledger = Slow { takes: Duration::from_millis(30), groups: Arc::clone(&groups), room };
    (Journal::start(Box::new(ledger), listeners, 0), groups)
}

#[tokio::test]
async fn what_waits_for_the_ledger_becomes_one_group() {
    let (mut journal, groups) = journal(usize::MAX, Vec::new());
    for seq in 1..=20 {
        journal.write(vec![event(seq)], vec![seq]);
        assert_eq!(journal.release(), [0; 0], "nothing can be kept already");
    }
    let mut started = Vec::new();
    while started.len() < 20 {
        assert_eq!(journal.next().await, Some(News::Kept));
        let released = journal.release();
        let kept = groups.lock().unwrap().iter().flatten().count() as u64;
        assert!(released.iter().all(|seq| *seq <= kept));
        started.extend(released);
    }
    journal.close().await.unwrap();
    let groups = groups.lock().unwrap();
    assert!(groups.len() <= 3, "{groups:?}");
    let in_order: Vec<u64> = (1..=20).collect();
    assert_eq!((groups.concat(), started), (in_order.clone(), in_order));
}

#[tokio::test]
async fn a_refusal_is_told_and_nothing_starts_after_it() {
    let (mut journal, _) = journal(1, Vec::new());
    journal.write(vec![event(1)], vec![1]);
    assert_eq!((journal.next().await, journal.release()), (Some(News::Kept), vec![1]));
    journal.write(vec![event(2)], vec![2]);
    assert_eq!((journal.next().await, journal.release()), (Some(News::Failed), vec![]));
    journal.write(Vec::new(), vec![3]);
    assert_eq!(journal.release(), [0; 0]);
    assert_eq!(journal.close().await.unwrap_err().to_string(), "no room");
}

/// A listener that does this with events.
struct Hearing(Role, Box<dyn FnMut() + Send>);

impl Listener for Hearing {
    fn role(&self) -> Role {
        self.0
    }

    fn hear(&mut self, _events: &[RunEvent]) -> Result<(), JournalError> {
        (self.1)();
        Ok(())
    }
}

#[tokio::test]
async fn only_a_report_that_panics_is_a_failure_of_the_run() {
    for (role, fails) in [(Role::View, false), (Role::Stream, true), (Role::Report, true)] {
        let broken = Hearing(role, Box::new(|| panic!("a test's panic")));
        let heard = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&heard);
        let other = Hearing(Role::Report, Box::new(move || _ = counter.fetch_add(1, Ordering::Relaxed)));
        let (mut journal, groups) = journal(usize::MAX, vec![Box::new(broken), Box::new(other)]);
        journal.write(vec![event(1)], Vec::new());
        journal.write(vec![event(2)], Vec::new());
        assert_eq!(journal.close().await.is_err(), fails, "{role:?}");
        assert_eq!(heard.load(Ordering::Relaxed), 2, "the other one hears everything");
        assert_eq!(groups.lock().unwrap().concat(), [1, 2], "and so does the ledger");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_nobody_reads_is_not_waited_for() {
    let (unblock, blocked) = mpsc::channel::<()>();
    let deaf = Hearing(Role::Stream, Box::new(move || _ = blocked.recv()));
    let (mut journal, _) = journal(usize::MAX, vec![Box::new(deaf)]);
    journal.write(vec![event(1)], Vec::new());
    journal.close().await.unwrap();
    drop(unblock);
}

/// A ledger that does not answer so many times, and remembers what it has kept when it does.
struct Gone {
    silent: usize,
    waiting: Vec<RunEvent>,
    kept: Groups,
}

impl EventLog for Gone {
    fn append(&mut self, events: &[RunEvent]) -> Result<(), JournalError> {
        self.waiting.extend_from_slice(events);
        if self.silent > 0 {
            self.silent -= 1;
            return Err(JournalError::new("the ledger cannot keep what happened", "cut").away());
        }
        self.kept.lock().unwrap().push(self.waiting.drain(..).map(|event| event.seq).collect());
        Ok(())
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(60)
    }
}

#[tokio::test]
async fn a_ledger_that_comes_back_is_given_what_has_waited_and_nothing_started_meanwhile() {
    let kept = Groups::default();
    let ledger = Gone { silent: 2, waiting: Vec::new(), kept: Arc::clone(&kept) };
    let mut journal = Journal::start(Box::new(ledger), Vec::new(), 0);
    journal.write(vec![event(1)], vec![1]);
    let away = "the ledger cannot keep what happened: cut".to_owned();
    assert_eq!((journal.next().await, journal.release()), (Some(News::Away(away)), vec![]));
    journal.write(vec![event(2)], vec![2]);
    assert!(matches!(journal.next().await, Some(News::Back(_))));
    while journal.next().await == Some(News::Kept) && journal.order.kept < 2 {}
    assert_eq!(journal.release(), [1, 2]);
    journal.close().await.unwrap();
    assert_eq!(kept.lock().unwrap().concat(), [1, 2]);
}

#[tokio::test]
async fn a_ledger_that_comes_back_after_the_end_is_waited_for() {
    let kept = Groups::default();
    let ledger = Gone { silent: 2, waiting: Vec::new(), kept: Arc::clone(&kept) };
    let mut journal = Journal::<u64>::start(Box::new(ledger), Vec::new(), 0);
    journal.write(vec![event(1)], Vec::new());
    journal.close().await.unwrap();
    assert_eq!(kept.lock().unwrap().concat(), [1]);
}
