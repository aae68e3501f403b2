//! The storm: nothing is merged that was not green twice, or that somebody else has touched.
//!
//! Every seed makes a manifest, a GitHub and a Jules that lose answers, limit, answer in part and change under the program's
//! hands, and a list of commands (`run`, `pulls merge`, `message`, `update`, `close`, `list`), each killed at an instant, put to
//! sleep, or let to its end. GitHub's own books are the judge. Time is not compressed for the program: a second lies between its
//! writes, and a head has to stay for 1.5 s.
//!
//! ```text
//! RUNS=1000 SEED=1 JOBS=24 cargo test --test torture -- --ignored --nocapture many_storms
//! ```
//!
//! The same with a rule taken away has to show violations: without the head that writes name (a proxy takes it out of the
//! requests), and without the time that a head has to stay.

mod case;
mod play;
mod proof;

use case::Storm;
use play::{Without, to_the_end};
use proof::Figures;

use crate::{number, seeds};

fn storms(first: u64, runs: u64, at_once: u64, without: Without) -> (Figures, Vec<u64>) {
    seeds(first, runs, at_once, |seed| to_the_end(&Storm::of(seed), without))
}

#[test]
fn a_few_storms() {
    let (figures, failed) = storms(1, 8, 8, Without::Nothing);
    assert!(failed.is_empty(), "repeat alone with RUNS=1 SEED=…: {failed:?}");
    assert!(figures.merges > 4, "most were to be merged in spite of it all");
}

#[test]
#[ignore = "a quarter of an hour with RUNS=1000 JOBS=24"]
fn many_storms() {
    let (_, failed) = storms(number("SEED", 1), number("RUNS", 100), number("JOBS", 8), Without::Nothing);
    assert!(failed.is_empty(), "repeat alone with RUNS=1 SEED=…: {failed:?}");
}

#[test]
#[ignore = "a minute with JOBS=8"]
fn without_the_head_it_shows() {
    let (figures, _) = storms(number("SEED", 1), number("RUNS", 24), number("JOBS", 8), Without::Pin);
    assert!(figures.not_green > 0 && figures.touched > 0, "{figures}");
}

#[test]
#[ignore = "a minute with JOBS=8"]
fn without_the_time_to_settle_it_shows() {
    let (figures, _) = storms(number("SEED", 1), number("RUNS", 24), number("JOBS", 8), Without::Settle);
    assert!(figures.not_green > 0, "{figures}");
}
