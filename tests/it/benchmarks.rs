//! The story that the benchmarks measure with is one that the program understands.

use jules_batch::outcome::{Outcome, RunRecord};

#[path = "../../benches/micro/story.rs"]
mod story;

#[test]
fn the_benchmarks_tell_a_whole_run() {
    let record = RunRecord::from_events(&story::events(10)).unwrap();
    assert_eq!(record.totals().of(Outcome::Succeeded), 10);
    assert!(record.tasks.values().all(|task| task.work().is_some_and(|work| work.pull_request.is_some())));
    assert!(record.ended_at.is_some());
}
