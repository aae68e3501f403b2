//! One manifest on three machines, with a ledger in PostgreSQL: none lost, none doubled unnoticed.
//!
//! Every seed makes a manifest, a service that loses answers and lists late, and a list of disruptions: a machine is killed, or
//! sleeps until its lease is another's; the wire to the database is cut; the server is restarted as after a crash, for all seeds
//! at once. Machines that were killed are started again. The simulator must then have seen one session for each task; one
//! that a deposed machine created too late is in the table `late`, and archived.
//!
//! ```text
//! JULES_BATCH_TEST_POSTGRES=postgres://… RUNS=1000 JOBS=16 \
//!     cargo test --test torture -- --ignored --nocapture many_machines
//! ```
//!
//! `JULES_BATCH_TEST_POSTGRES_RESTART` is the command that restarts the server; without it nobody does. The same must show duplicates
//! where a proxy hides from listings what no ledger knows, since what may have been sent is then looked for in vain; and where
//! creates wait behind the guard, as if it stood before a limiter.

mod books;
mod case;
mod play;
mod proof;

use play::{Form, to_the_end};
use proof::Figures;

use crate::support::server;
use crate::{number, seeds};

fn machines(first: u64, runs: u64, at_once: u64, form: Form) -> Option<(Figures, Vec<u64>)> {
    let server = server()?;
    Some(seeds(first, runs, at_once, |seed| to_the_end(&server, seed, form)))
}

#[test]
fn a_few_machines() {
    if let Some((figures, failed)) = machines(1, 10, 10, Form::Short) {
        assert!(failed.is_empty(), "repeat alone with RUNS=1 SEED=…: {failed:?}");
        assert!(figures.done > 2, "there is more than doubt in the end: {figures}");
    }
}

#[test]
#[ignore = "an hour with RUNS=1000 JOBS=16"]
fn many_machines() {
    let (runs, jobs) = (number("RUNS", 100), number("JOBS", 4));
    let (_, failed) = machines(number("SEED", 1), runs, jobs, Form::Whole).expect("a server is named");
    assert!(failed.is_empty(), "repeat alone with RUNS=1 SEED=…: {failed:?}");
}

#[test]
#[ignore = "four minutes with JOBS=12"]
fn machines_without_the_look_show_it() {
    show(Form::Blind);
}

#[test]
#[ignore = "ten minutes with JOBS=12"]
fn machines_with_the_guard_too_early_show_it() {
    show(Form::Early);
}

/// Without this rule there are duplicates.
fn show(form: Form) {
    let (runs, jobs) = (number("RUNS", 12), number("JOBS", 12));
    let (figures, _) = machines(number("SEED", 1), runs, jobs, form).expect("a server is named");
    assert!(figures.doubled > 0, "{figures}");
}

#[test]
#[ignore = "two minutes with RUNS=200 JOBS=4"]
fn machines_at_one_instant() {
    let (runs, jobs) = (number("RUNS", 20), number("JOBS", 4));
    let (figures, failed) = machines(number("SEED", 1), runs, jobs, Form::Calm).expect("a server is named");
    assert!(failed.is_empty(), "repeat alone with RUNS=1 SEED=…: {failed:?}");
    assert_eq!(figures.runs, runs, "one each: {figures}");
}
