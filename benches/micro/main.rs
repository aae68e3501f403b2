//! Benchmarks of what a run does for every task: `cargo bench --bench micro`.
//!
//! They go through the library's public functions alone. The dispatcher's decisions are measured by whole runs against
//! the simulator, whose time is compressed so far that a session ends as soon as it is looked at.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

mod engine;
mod events;
mod expansion;
mod redaction;
mod reports;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, expansion::benches, reports::benches, redaction::benches, engine::benches);
criterion_main!(benches);
