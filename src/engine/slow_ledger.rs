//! A ledger that takes its time: a run does less in the same time, and everything else as ever.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jules_simulator::{Scenario, Simulator};
use tokio::sync::mpsc;

use super::{Finished, Observers, Options, Setup, StopReason};
use crate::manifest::{self, LoadOptions};
use crate::outcome::{EventKind, EventLog, JournalError, Outcome, RunEvent, RunRecord, sample};
use crate::plan;
use jules::{ApiKey, Jules, Quotas};

const TASKS: usize = 900;

/// Looks, before it says that it has kept something, whether anybody has acted on it already.
struct Slow {
    takes: Duration,
    service: Arc<Simulator>,
    intents: u64,
}

impl EventLog for Slow {
    fn append(&mut self, events: &[RunEvent]) -> Result<(), JournalError> {
        std::thread::sleep(self.takes);
        let created = self.service.statistics().created;
        if created > self.intents {
            return Err(JournalError::new("acted too early", format!("{created} of {}", self.intents)));
        }
        let is_intent = |event: &&RunEvent| matches!(event.kind, EventKind::IntentRecorded { .. });
        self.intents += events.iter().filter(is_intent).count() as u64;
        Ok(())
    }
}

fn manifest() -> String {
    let numbers: Vec<String> = (0..TASKS).map(|n| n.to_string()).collect();
    format!(
        "version: 1
name: slow
strategy: {{ max-parallel: {TASKS} }}
poll: {{ interval: 100ms }}
timeouts: {{ task: 1h, stall: 1h, request: 50s }}
limits: {{ requests-per-minute: 600000, creates-per-minute: 600000 }}
jobs: [{{ id: task, prompt: Task, matrix: {{ n: [{}] }} }}]",
        numbers.join(", ")
    )
}

fn setup(url: String, deadline: Option<Duration>) -> Setup {
    let loaded = manifest::parse(&manifest(), Path::new("jobs.yaml"), &LoadOptions::default());
    let mut plan = plan::expand(&loaded.unwrap(), None).unwrap();
    plan.settings.run_timeout = deadline;
    let jules = Jules::builder().api_key(ApiKey::new("any").unwrap()).base_url(url);
    let jules = jules.quotas(Quotas::UNLIMITED).build().unwrap();
    let record = RunRecord::begin(&sample::run_of(0)[0]).unwrap();
    Setup {
        plan: plan.into(),
        api: jules,
        record,
        options: Options::default(),
        between: None,
        at_end: None,
        account: None,
        late: None,
    }
}

/// Runs sessions that never end, with a ledger that takes so long for each group, until the deadline or the signal.
fn run(
    takes: Duration,
    deadline: Option<Duration>,
    stop: impl Fn(&Simulator) -> bool,
) -> (Finished, Arc<Simulator>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let scenario =
            Scenario::from_yaml("{ defaults: { duration: 10m, outcome: change } }", "test").unwrap();
        let service = Arc::new(Simulator::start(scenario).await.unwrap());
        let ledger = Box::new(Slow { takes, service: Arc::clone(&service), intents: 0 });
        let observers = Observers { ledger, listeners: Vec::new(), clean: Box::new(|event| event) };
        let (stops, inbox) = mpsc::channel(1);
        let stopping = async {
            while !stop(&service) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stops.send(StopReason::Terminate).await.unwrap();
            std::future::pending::<Finished>().await
        };
        let finished = tokio::select! {
            finished = super::run(setup(service.url(), deadline), observers, inbox) => finished.unwrap(),
            never = stopping => never,
        };
        (finished, Arc::clone(&service))
    })
}

fn listings(service: &Simulator) -> u64 {
    service.statistics().requests.get("sessions.list").copied().unwrap_or(0)
}

#[test]
fn every_session_is_created_and_polled_and_nothing_before_it_was_kept() {
    let began = std::sync::OnceLock::new();
    let polled = |service: &Simulator| {
        let all = service.statistics().live_now == TASKS;
        all && listings(service) >= 27 + began.get_or_init(|| listings(service))
    };
    let (finished, service) = run(Duration::from_millis(20), None, polled);
    let seen = service.statistics();
    assert_eq!((seen.created, seen.duplicates), (TASKS as u64, Vec::new()));
    assert_eq!(
        (finished.stopped, finished.record.totals().of(Outcome::Detached)),
        (Some(StopReason::Terminate), 900)
    );
}

#[test]
fn the_deadline_is_obeyed() {
    let (deadline, began) = (Duration::from_secs(3), Instant::now());
    let (finished, service) = run(Duration::from_millis(200), Some(deadline), |_| false);
    assert!(began.elapsed() < deadline + Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(finished.stopped, Some(StopReason::Deadline));
    let created = service.statistics().created;
    assert!(
        created > 0 && finished.record.totals().of(Outcome::Detached) as u64 == created,
        "{created} created"
    );
}
