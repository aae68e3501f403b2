//! The events that the benchmarks measure with are ones that the program understands.

use jules_batch::outcome::{Outcome, RunRecord};

#[path = "../../benches/micro/events.rs"]
mod events;

#[test]
fn the_benchmarks_tell_a_whole_run() {
    let record = RunRecord::from_events(&events::of_run(10)).unwrap();
    assert_eq!(record.totals().of(Outcome::Succeeded), 10);
    assert!(record.tasks.values().all(|task| task.work().is_some_and(|work| work.pull_request.is_some())));
    assert!(record.ended_at.is_some());
}
