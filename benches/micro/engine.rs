//! A plan becomes outcomes: the dispatcher, the poller and the client, against the simulator in the same process.

use std::path::Path;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput};
use jules_batch::api::{ApiKey, Jules, Quotas};
use jules_batch::engine::{self, Observers, Options, Setup};
use jules_batch::manifest::{self, LoadOptions};
use jules_batch::outcome::{EventKind, EventLog, JournalError, RunEvent, RunId, RunInfo, RunRecord};
use jules_batch::plan::{self, Plan};
use jules_simulator::{Scenario, Simulator};

const TASKS: usize = 200;
const SCENARIO: &str = "{ speed: 100000, defaults: { duration: 1 s, outcome: pull-request } }";

/// Keeps nothing.
struct Nowhere;

impl EventLog for Nowhere {
    fn append(&mut self, _events: &[RunEvent]) -> Result<(), JournalError> {
        Ok(())
    }
}

fn plan() -> Arc<Plan> {
    let numbers: Vec<String> = (0..TASKS).map(|n| n.to_string()).collect();
    let text = format!(
        "version: 1\nname: bench\nstrategy: {{ max-parallel: {TASKS} }}\npoll: {{ interval: 1ms }}\njobs:\n  - id: task\n    \
         prompt: Task\n    source: {{ github: my-org/web, branch: main }}\n    matrix: {{ n: [{}] }}\n",
        numbers.join(", ")
    );
    let manifest = manifest::parse(&text, Path::new("jobs.yaml"), &LoadOptions::default()).unwrap();
    Arc::new(plan::expand(&manifest, None).unwrap())
}

fn nobody() -> Observers {
    Observers { ledger: Box::new(Nowhere), listeners: Vec::new(), clean: Box::new(|event| event) }
}

fn record() -> RunRecord {
    let ts = "2026-11-22T02:00:05Z".parse().unwrap();
    let run = RunInfo {
        id: RunId::new(ts, 0x7c1f),
        name: "bench".to_owned(),
        manifest: "jobs.yaml".to_owned(),
        file: None,
        simulated: true,
    };
    RunRecord::begin(&RunEvent { seq: 1, ts, kind: EventKind::RunStarted { run } }).unwrap()
}

pub(crate) fn benches(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let plan = plan();
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(TASKS as u64)).sample_size(10);
    group.bench_function("a run of 200 tasks", |b| {
        let start = || {
            let scenario = Scenario::from_yaml(SCENARIO, "the benchmark's scenario").unwrap();
            let simulator = runtime.block_on(Simulator::start(scenario)).unwrap();
            let key = ApiKey::new("bench").unwrap();
            let api = Jules::builder().api_key(key).base_url(simulator.url()).quotas(Quotas::UNLIMITED);
            let options = Options::default();
            let setup =
                Setup { plan: Arc::clone(&plan), api: api.build().unwrap(), record: record(), options };
            (simulator, setup)
        };
        b.iter_batched(
            start,
            |(simulator, setup)| {
                let (_stops, inbox) = tokio::sync::mpsc::channel(1);
                let finished = runtime.block_on(engine::run(setup, nobody(), inbox)).unwrap();
                assert_eq!(finished.record.totals().remaining(), 0);
                simulator
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}
