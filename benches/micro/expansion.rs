//! A manifest's text becomes tasks.

use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput};
use jules_batch::manifest::{self, LoadOptions};
use jules_batch::plan;

fn manifest(tasks: usize) -> String {
    let numbers: Vec<String> = (0..tasks).map(|n| n.to_string()).collect();
    format!(
        "version: 1\nname: bench\njobs:\n  - id: task\n    prompt: \"Task ${{{{ matrix.n }}}} in ${{{{ source.repo }}}}\"\n    \
         source: {{ github: my-org/web, branch: main }}\n    matrix: {{ n: [{}] }}\n",
        numbers.join(", ")
    )
}

pub(crate) fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("expansion");
    for tasks in [100, 10_000] {
        let text = manifest(tasks);
        let options = LoadOptions::default();
        let parsed = manifest::parse(&text, Path::new("jobs.yaml"), &options).unwrap();
        group.throughput(Throughput::Elements(tasks as u64)).sample_size(20);
        group.bench_function(BenchmarkId::new("parse", tasks), |b| {
            b.iter(|| manifest::parse(&text, Path::new("jobs.yaml"), &options).unwrap());
        });
        group.bench_function(BenchmarkId::new("expand", tasks), |b| {
            b.iter(|| plan::expand(&parsed, None).unwrap());
        });
    }
    group.finish();
}
