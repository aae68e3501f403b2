use std::sync::Mutex as StdMutex;

use super::*;
use crate::engine::action::{Attempt, TaskIx};
use crate::outcome::JournalError;
use crate::plan::TaskId;
use jules::ApiKey;

/// Says these to those who ask, the last one first, and notes what it hears.
#[derive(Debug, Default)]
struct Played {
    answers: StdMutex<Vec<Reserved>>,
    heard: StdMutex<Vec<String>>,
}

impl Played {
    fn saying(answers: &[Reserved]) -> Arc<Self> {
        Arc::new(Self { answers: answers.to_vec().into(), heard: StdMutex::default() })
    }

    fn hear(&self, word: String) {
        self.heard.lock().unwrap().push(word);
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

impl SharedAccount for Played {
    fn reserve(&self, wish: Wish) -> BoxFuture<'static, Result<Reserved, JournalError>> {
        self.hear(format!("reserve {}", wish.task));
        let answer = self.answers.lock().unwrap().pop();
        std::future::ready(answer.ok_or_else(|| JournalError::new("the account cannot be asked", "no")))
            .boxed()
    }

    fn give_back(&self) {
        self.hear("give back".to_owned());
    }

    fn permit(&self, lane: &'static str, held: &[&'static str]) -> BoxFuture<'static, Permit> {
        self.hear(format!("{lane} {}", held.join(",")));
        std::future::ready(Permit { wait: Duration::from_secs(2), pause: Duration::ZERO }).boxed()
    }

    fn pause(&self, kind: &'static str, length: Duration) {
        self.hear(format!("pause {kind} {length:?}"));
    }

    fn orphans(&self) -> HashSet<SessionId> {
        HashSet::new()
    }

    fn saw_ended(&self, sessions: Vec<SessionId>) {
        self.hear(format!("{} ended", sessions.len()));
    }
}

fn client() -> Jules {
    Jules::builder().api_key(ApiKey::new("k").unwrap()).build().unwrap()
}

fn wish() -> Wish {
    Wish { task: TaskId::new("a"), more: 0, lost: false }
}

const ATTEMPT: Attempt = Attempt { task: TaskIx(0), number: 1 };
const HOUR: Option<Duration> = Some(Duration::from_secs(3_600));

/// How long it took, what came of it, and whether there is a turn.
async fn asked(played: &Arc<Played>, gate: &Gate) -> (Duration, Result<(), CreateFailure>, bool) {
    let (api, turns, begun) = (client(), Turns::reserved(), Instant::now());
    let account = Account::new(Arc::clone(played) as Arc<dyn SharedAccount>);
    let had = account.wait((&api, gate, &turns), wish(), HOUR).await;
    turns.decide(ATTEMPT);
    (begun.elapsed(), had, turns.take(ATTEMPT).is_some())
}

#[tokio::test(start_paused = true)]
async fn a_create_has_its_turn_when_the_account_and_the_quotas_let_it_through() {
    let wait = Duration::from_secs(30);
    let played = Played::saying(&[Reserved::Granted { wait }]);
    let (took, had, has_turn) = asked(&played, &Gate::new()).await;
    assert!(had.is_ok() && has_turn && took >= wait, "{had:?} {took:?}");
    assert_eq!(played.heard(), ["reserve a"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_account_says_otherwise_is_for_the_dispatcher() {
    let (again, free) = (Duration::from_secs(1), Duration::from_secs(9_000));
    let played = Played::saying(&[Reserved::Spent { free }, Reserved::Full { again }]);
    for expected in [(again, false), (free, true), (AGAIN, false)] {
        let (took, had, has_turn) = asked(&played, &Gate::new()).await;
        let Err(CreateFailure::Account { again, spent }) = had else { panic!("{had:?}") };
        assert_eq!(((again, spent), has_turn, took), (expected, false, Duration::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_waits_no_longer() {
    let played = Played::saying(&[Reserved::Granted { wait: Duration::from_secs(600) }]);
    let gate = Gate::new();
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        gate.close();
    };
    let ((took, had, has_turn), ()) = tokio::join!(asked(&played, &gate), stopping);
    assert!(matches!(had, Err(CreateFailure::Withdrawn(_))) && !has_turn, "{had:?}");
    assert!(took < Duration::from_secs(6), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn requests_ask_the_account_as_long_as_its_run_is_at_work() {
    let played = Played::saying(&[]);
    let shared: Arc<dyn SharedAccount> = Arc::clone(&played) as Arc<dyn SharedAccount>;
    let rates = Rates(Arc::downgrade(&shared));
    let waits = async |quota, kind| rates.reserve(quota, kind).await.wait.as_secs();
    assert_eq!(waits(Quota::Requests, RequestKind::Reads).await, 2);
    assert_eq!(waits(Quota::Activities, RequestKind::Activities).await, 2);
    assert_eq!(waits(Quota::Creates, RequestKind::Creates).await, 0, "it comes with the slot");
    rates.paused(RequestKind::Writes, Duration::from_secs(7));
    assert_eq!(played.heard(), ["all reads", "activities activities,reads", "pause writes 7s"]);
    drop((shared, played));
    assert_eq!(waits(Quota::Requests, RequestKind::Reads).await, 0);
}
