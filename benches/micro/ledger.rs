//! Events are kept on disk.

use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput};
use jules_batch::ledger::{Ledger, ManifestIdentity};
use jules_batch::outcome::EventLog;

use crate::story;

pub(crate) fn benches(c: &mut Criterion) {
    let events = story::events(100);
    let mut group = c.benchmark_group("ledger");
    group.throughput(Throughput::Elements(events.len() as u64)).sample_size(10);
    for (name, together) in [("one at a time", 1), ("twenty together", 20)] {
        group.bench_function(name, |b| {
            let fresh = || {
                let folder = tempfile::tempdir().unwrap();
                let identity = ManifestIdentity::new(folder.path(), Path::new("jobs.yaml"), "bench", true);
                let recorder = Ledger::open(folder.path()).unwrap().start(identity);
                (folder, recorder)
            };
            b.iter_batched(
                fresh,
                |(folder, mut recorder)| {
                    for turn in events.chunks(together) {
                        recorder.append(turn).unwrap();
                    }
                    recorder.flush().unwrap();
                    (folder, recorder)
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}
