//! The torture test: never twice, never lost, never stuck.
//!
//! Every seed makes a case: a manifest, a service that loses answers, breaks connections, refuses, lags, goes down and
//! rewrites titles, and moments at which the program is killed, interrupted or put to sleep and its ledger thrown away.
//! The real program runs through it against the simulator and is started again until nothing is left to do; failed
//! tasks may then be run once more. The simulator must then have seen one session for each task, no second one beside
//! or after one that was enough, and nothing that contradicts an outcome; the report must know every session.
//!
//! A short form runs with all tests. The long one:
//!
//! ```text
//! RUNS=1000 SEED=1 JOBS=1 cargo test --test torture -- --ignored --nocapture many_runs
//! ```
//!
//! `SEED` is the first seed, `JOBS` how many runs go on at once. A seed that failed is repeated alone with
//! `RUNS=1 SEED=…`; `TRACE=1` then shows the case and what each invocation left. The case of a seed is always the same; what the
//! system's scheduler makes of it is not.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "the figures are what it is run for")]

mod case;
mod figures;
mod proof;
mod run;
#[cfg(feature = "postgres")]
mod shared;
mod storm;
mod tally;

#[path = "../it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the integration tests use the rest")]
mod support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tally::Tally;

#[test]
fn a_few_runs() {
    torture(1, 5, 5);
}

#[test]
#[ignore = "an hour with RUNS=1000"]
fn many_runs() {
    torture(number("SEED", 1), number("RUNS", 100), number("JOBS", 1));
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

fn torture(first: u64, runs: u64, at_once: u64) {
    let (_, failed) = seeds(first, runs, at_once, |seed| run::to_the_end(&case::Case::of(seed)));
    assert!(failed.is_empty(), "repeat alone with RUNS=1 SEED=…: {failed:?}");
}

/// Runs a number of seeds from this one on: what they have shown together, and those that are not clean. Goes on after a
/// failure, so that one bad seed does not hide another.
fn seeds<F: Tally>(first: u64, runs: u64, at_once: u64, run: impl Fn(u64) -> F + Sync) -> (F, Vec<u64>) {
    let next = AtomicU64::new(first);
    let total = Mutex::new((F::default(), Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + runs {
                return;
            }
            let figures = run(seed);
            // In one piece: other seeds report meanwhile.
            let wrong: String = figures.wrong().iter().map(|what| format!("\n  WRONG: {what}")).collect();
            println!("seed {seed}: {figures}{wrong}");
            let mut total = total.lock().unwrap();
            if !figures.is_clean() {
                total.1.push(seed);
            }
            total.0 += figures;
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(work);
        }
    });
    let (figures, failed) = total.into_inner().unwrap();
    println!("{runs} runs, seeds {first}..={}: {figures}", first + runs - 1);
    (figures, failed)
}
