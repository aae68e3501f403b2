//! A manifest becomes outcomes: the dispatcher, the poller, the client, the ledger and the reports, against the simulator in
//! the same process.

use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput};
use jules_batch::api::{ApiKey, Jules};
use jules_batch::manifest::{self, LoadOptions, Manifest};
use jules_batch::runner::{Options, Runner};
use jules_simulator::{Scenario, Simulator};

const TASKS: usize = 200;
const SCENARIO: &str = "{ speed: 100000, defaults: { duration: 1 s, outcome: pull-request } }";

fn manifest() -> Manifest {
    let numbers: Vec<String> = (0..TASKS).map(|n| n.to_string()).collect();
    let text = format!(
        "version: 1\nname: bench\nstrategy: {{ max-parallel: {TASKS} }}\npoll: {{ interval: 1ms }}\nreport: {{ details: false }}\nlimits: {{ requests-per-minute: 60000000, creates-per-minute: 60000000, activities-per-minute: 60000000 }}\njobs:\n  - id: task\n    \
         prompt: Task\n    source: {{ github: my-org/web, branch: main }}\n    matrix: {{ n: [{}] }}\n",
        numbers.join(", ")
    );
    manifest::parse(&text, Path::new("jobs.yaml"), &LoadOptions::default()).unwrap()
}

pub(crate) fn benches(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(TASKS as u64)).sample_size(10);
    group.bench_function("a run of 200 tasks", |b| {
        let start = || {
            let scenario = Scenario::from_yaml(SCENARIO, "the benchmark's scenario").unwrap();
            let simulator = runtime.block_on(Simulator::start(scenario)).unwrap();
            let client = Jules::builder().api_key(ApiKey::new("bench").unwrap()).base_url(simulator.url());
            let folder = tempfile::tempdir().unwrap();
            let mut options = Options::default();
            options.state = folder.path().join("state").into();
            options.reports.folder = folder.path().join("reports");
            let runner = Runner::new(manifest()).client(client).options(options).simulated(1.0);
            (simulator, folder, runner)
        };
        b.iter_batched(
            start,
            |(simulator, folder, runner)| {
                let finished = runtime.block_on(runner.run()).unwrap();
                assert_eq!(finished.record.totals().remaining(), 0);
                (simulator, folder)
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}
