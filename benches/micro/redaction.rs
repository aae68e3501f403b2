//! What every event and every report file passes on its way out.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use jules_batch::api::{ApiKey, Secret};
use jules_batch::runner::Redactor;

use crate::events;

pub(crate) fn benches(c: &mut Criterion) {
    let redactor = Redactor::default()
        .with_key(&ApiKey::new("AIzaSyD-leak_me_9071583426-nuxyz_ZQXKVB").unwrap())
        .with_token(&Secret::new("ghp_0123456789abcdefghijABCDEFGHIJ123456").unwrap());
    let lines: Vec<_> =
        events::of_run(1_000).iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    let bytes = lines.iter().map(String::len).sum::<usize>();
    let mut group = c.benchmark_group("redaction");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("the events of 1,000 tasks", |b| {
        b.iter(|| lines.iter().map(|line| redactor.clean(black_box(line)).len()).sum::<usize>());
    });
    group.finish();
    hostile(c, &redactor);
}

/// What takes longest to search, for a megabyte of it in a text of sixteen: sequences with letters of a key in them, and
/// escapes of escapes.
fn hostile(c: &mut Criterion, redactor: &Redactor) {
    const SIZE: usize = 16 << 20;
    let mut group = c.benchmark_group("redaction of what is hostile");
    group.throughput(Throughput::Bytes(SIZE as u64)).sample_size(10);
    for piece in ["\\u001b]0;AIzaSyD-l\\u0007", "A\\u001b", "\\u005c", "\\"] {
        let text = piece.repeat(SIZE / piece.len());
        group.bench_function(piece, |b| b.iter(|| redactor.clean(black_box(&text)).len()));
    }
    group.finish();
}
