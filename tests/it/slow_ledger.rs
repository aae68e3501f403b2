//! A ledger that takes its time: a run does less in the same time, and everything else as ever.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jules_batch::engine::{self, Finished, Observers, Options, Setup, StopReason};
use jules_batch::manifest::{self, LoadOptions};
use jules_batch::outcome::{EventKind, EventLog, JournalError, Outcome, RunEvent, RunId, RunInfo, RunRecord};
use jules_batch::plan;
use tokio::sync::mpsc;

use crate::support::{World, tasks};

const TASKS: usize = 900;

/// Looks, before it says that it has kept something, whether anybody has acted on it already.
struct Slow {
    takes: Duration,
    world: Arc<World>,
    intents: u64,
}

impl EventLog for Slow {
    fn append(&mut self, events: &[RunEvent]) -> Result<(), JournalError> {
        std::thread::sleep(self.takes);
        let created = self.world.books().created;
        if created > self.intents {
            return Err(JournalError::new("acted too early", format!("{created} of {}", self.intents)));
        }
        let is_intent = |event: &&RunEvent| matches!(event.kind, EventKind::IntentRecorded { .. });
        self.intents += events.iter().filter(is_intent).count() as u64;
        Ok(())
    }
}

/// Runs sessions that never end, with a ledger that takes so long for each group, until the deadline or the signal.
fn run(takes: Duration, deadline: Option<Duration>, stop: impl Fn(&World) -> bool) -> (Finished, Arc<World>) {
    let world = Arc::new(World::new("{ defaults: { duration: 10m, outcome: change } }"));
    let text = tasks(TASKS).set("strategy", "{ max-parallel: 900 }").set("poll", "{ interval: 100ms }");
    let text = text.set("timeouts", "{ task: 1h, stall: 1h, request: 50s }");
    let loaded = manifest::parse(&text.to_string(), Path::new("jobs.yaml"), &LoadOptions::default());
    let mut plan = plan::expand(&loaded.unwrap(), None).unwrap();
    plan.settings.run_timeout = deadline;
    let setup =
        Setup { plan: plan.into(), api: world.jules(), record: record(), options: Options::default() };
    let ledger = Box::new(Slow { takes, world: Arc::clone(&world), intents: 0 });
    let observers = Observers { ledger, listeners: Vec::new(), clean: Box::new(|event| event) };
    let (stops, inbox) = mpsc::channel(1);
    let finished = world.service().block_on(async {
        let stopping = async {
            while !stop(&world) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stops.send(StopReason::Terminate).await.unwrap();
            std::future::pending::<Finished>().await
        };
        tokio::select! {
            finished = engine::run(setup, observers, inbox) => finished.unwrap(),
            never = stopping => never,
        }
    });
    (finished, world)
}

fn record() -> RunRecord {
    let ts = "2026-11-22T02:00:05Z".parse().unwrap();
    let (name, manifest) = ("slow".to_owned(), "jobs.yaml".to_owned());
    let run = RunInfo { id: RunId::new(ts, 0x7c1f), name, manifest, file: None, simulated: true };
    RunRecord::begin(&RunEvent { seq: 1, ts, kind: EventKind::RunStarted { run } }).unwrap()
}

#[test]
fn every_session_is_created_and_polled_and_nothing_before_it_was_kept() {
    let began = std::sync::OnceLock::new();
    let polled = |world: &World| {
        let all = world.books().live_now == TASKS;
        all && world.requests("sessions.list") >= 27 + began.get_or_init(|| world.requests("sessions.list"))
    };
    let (finished, world) = run(Duration::from_millis(20), None, polled);
    world.created(TASKS as u64);
    assert_eq!(
        (finished.stopped, finished.record.totals().of(Outcome::Detached)),
        (Some(StopReason::Terminate), 900)
    );
}

#[test]
fn the_deadline_is_obeyed() {
    let (deadline, began) = (Duration::from_secs(3), Instant::now());
    let (finished, world) = run(Duration::from_millis(200), Some(deadline), |_| false);
    assert!(began.elapsed() < deadline + Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(finished.stopped, Some(StopReason::Deadline));
    let created = world.books().created;
    assert!(
        created > 0 && finished.record.totals().of(Outcome::Detached) as u64 == created,
        "{created} created"
    );
}
