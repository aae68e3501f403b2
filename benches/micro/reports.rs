//! A recorded run becomes reports.

use criterion::{BenchmarkId, Criterion, Throughput};
use jules_batch::outcome::RunRecord;
use jules_batch::report::{self, JunitProfile, ReportV1};

use crate::events;

pub(crate) fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("reports");
    for tasks in [100, 10_000] {
        let events = events::of_run(tasks);
        let record = RunRecord::from_events(&events).unwrap();
        let document = ReportV1::of(&record);
        group.throughput(Throughput::Elements(tasks as u64)).sample_size(20);
        group.bench_function(BenchmarkId::new("fold events", tasks), |b| {
            b.iter(|| RunRecord::from_events(&events).unwrap());
        });
        group.bench_function(BenchmarkId::new("of record", tasks), |b| b.iter(|| ReportV1::of(&record)));
        group.bench_function(BenchmarkId::new("json", tasks), |b| b.iter(|| report::to_json(&document)));
        group.bench_function(BenchmarkId::new("junit", tasks), |b| {
            b.iter(|| report::junit(&document, JunitProfile::Rich).unwrap());
        });
        group
            .bench_function(BenchmarkId::new("html", tasks), |b| b.iter(|| report::html(&document).unwrap()));
    }
    group.finish();
}
