//! What a session has said and done, read once at its end for people (`report.details`).

use jules_batch::report::DetailsV1;

use crate::support::{Ended, Manifest, World, job};

const SOURCE: &str = "source: my-org/web@main";

/// One task whose session behaves so.
fn world(behaviour: &str, details: bool) -> World {
    let scenario = format!(
        "{{ rules: [{{ then: {{ {behaviour} }} }}], defaults: {{ duration: 40ms, activities: {{ gap: 10ms }} }} }}"
    );
    let manifest = Manifest::of([job("task", "Do it.", &[SOURCE])]);
    World::with(&scenario, &manifest.set("report", &format!("{{ details: {details} }}")))
}

fn details(ended: &Ended<'_>) -> DetailsV1 {
    *ended.task("task").details.expect("its session was read")
}

#[test]
fn a_session_that_has_all_it_was_asked_for_is_read_once_for_it() {
    let world = world("outcome: pull-request", true);
    let ended = world.run().exits(0);
    assert_eq!(world.requests("activities.list"), 1, "one request holds everything");
    let details = details(&ended);
    let words = details.last_words.clone().expect("the agent has said something");
    assert!(!details.plan.is_empty() && !details.files.is_empty() && !details.partial, "{details:?}");
    let page = world.read("jules-report/report.html");
    assert!(page.contains(&words) && page.contains("<pre class=\"diff\""));
    let events = world.read("jules-report/events.jsonl");
    assert!(events.contains("\"event\":\"session_details\"") && !events.contains("diff --git"));
    // The ledger has the change: the page can be written again, and a report.json has the rest.
    std::fs::remove_file(world.path("jules-report/report.html")).unwrap();
    let again = world.command("report").args("--format html").exits(0);
    assert!(again.stdout.contains("<pre class=\"diff\""));
    let from = world.command("report").args("--from jules-report/report.json --format html");
    let from = from.exits(0).stdout;
    assert!(from.contains(&words) && !from.contains("<pre class=\"diff\""));
}

#[test]
fn what_was_read_to_judge_a_session_is_not_read_again() {
    let world = world("outcome: failure, failure-reason: no disk", true);
    let ended = world.run().exits(100);
    assert_eq!(world.requests("activities.list"), 1, "its reason was asked for");
    assert!(details(&ended).activities.total > 0);
}

#[test]
fn a_change_that_the_activities_do_not_hold_is_read_from_the_session() {
    let without = "outcome: change, activities: { gap: 10ms, with: [bare] }";
    let world = world(without, true);
    let ended = world.run().exits(0);
    assert_eq!(world.requests("activities.list"), 1);
    assert!(!details(&ended).files.is_empty());
}

#[test]
fn nothing_is_read_where_nobody_wants_it() {
    let world = world("outcome: pull-request", false);
    let ended = world.run().exits(0);
    assert_eq!(world.requests("activities.list"), 0);
    assert!(ended.task("task").details.is_none());
}

#[test]
fn a_run_does_not_fail_where_it_cannot_be_read() {
    let scenario = "{ faults: [{ kind: error-before, on: activities.list }], \
                      defaults: { duration: 40ms, outcome: pull-request } }";
    let manifest = Manifest::of([job("task", "Do it.", &[SOURCE])]);
    let world = World::with(scenario, &manifest.set("report", "{ details: true }"));
    let ended = world.run().exits(0);
    assert_eq!(world.requests("activities.list"), 1, "it is not tried again");
    assert!(ended.task("task").details.is_none());
}

#[test]
fn a_run_is_told_beside_those_before_it() {
    let scenario = "{ defaults: { duration: 20ms, outcome: failure }, \
                      rules: [{ when: { prompt: Good }, then: { outcome: change } }] }";
    let manifest =
        |a, b| Manifest::of([job("a", a, &[SOURCE]), job("b", b, &[SOURCE]), job("c", "Bad", &[SOURCE])]);
    let world = World::with(scenario, &manifest("Good", "Bad"));
    let first = world.run().exits(100).report();
    assert!(first.previous.is_none() && first.trend.is_empty());
    world.write("jobs.yaml", &manifest("Bad", "Good").to_string());
    let report = world.run().arg("--fresh").exits(100).report();
    let previous = report.previous.unwrap();
    let ids = |all: &[String]| all.join(" ");
    assert_eq!(previous.run, first.run.id);
    assert_eq!(ids(&previous.newly_failing), "a/my-org/web@main");
    assert_eq!(ids(&previous.fixed), "b/my-org/web@main");
    assert_eq!(ids(&previous.still_failing), "c/my-org/web@main");
    let trend: Vec<_> = report.trend.iter().map(|run| (&run.run, run.done, run.failed, run.others)).collect();
    assert_eq!(trend, [(&first.run.id, 1, 2, 0)]);
    let page = world.command("report").args("--from jules-report/report.json --format html").exits(0).stdout;
    assert!(page.contains("Newly failing") && page.contains("this run: 1 done, 2 failed"));
}
