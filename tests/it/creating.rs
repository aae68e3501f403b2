//! Creating exactly once, whatever becomes of the answer, and refusals for capacity.

use jules::ListSessions;
use jules_batch::outcome::Outcome;

use crate::support::{Ended, Manifest, World, at_once, job, tasks};

/// Three tasks, one after the other; the second create meets this fault.
fn run_with_fault(world: &World) -> Ended<'_> {
    world.run().args("-j 1").exits(0)
}

fn world_with_fault(fault: &str) -> World {
    let fault = format!("{{ {fault}, on: sessions.create, nth: 2 }}");
    let scenario = format!("{{ faults: [{fault}], defaults: {{ duration: 30ms, outcome: change }} }}");
    World::with(
        &scenario,
        &tasks(3).set("timeouts", "{ task: 60s, stall: 60s, settle: 150ms, request: 1s, create: 1s }"),
    )
}

#[test]
fn a_session_whose_answer_was_lost_is_found_by_its_marker() {
    let faults = [
        "kind: error-after",
        "kind: error-after, status: 500",
        "kind: precondition-after",
        "kind: reset-after",
        "kind: truncate",
        "kind: stall",
        "kind: hang",
        "kind: arrive-late, delay: 60ms",
    ];
    at_once(faults, |fault| {
        let world = world_with_fault(fault);
        let ended = run_with_fault(&world);
        world.created(3);
        assert_eq!(world.requests("sessions.create"), 3, "{fault}: nothing was sent again");
        let adopted: Vec<_> =
            ended.report().tasks.iter().map(|task| task.attempts.last().unwrap().adopted).collect();
        assert_eq!(adopted, [false, true, false], "{fault}");
        assert!(ended.report().strays.is_empty());
    });
}

#[test]
fn a_create_may_take_longer_than_other_requests() {
    let slow = "{ faults: [{ kind: slow, on: sessions.create, delay: 700ms }], \
        defaults: { duration: 30ms, outcome: change } }";
    let timeouts = "{ task: 60s, stall: 60s, settle: 150ms, request: 500ms, create: 20s }";
    let world = World::with(slow, &tasks(2).set("timeouts", timeouts));
    let ended = world.run().exits(0);
    world.created(2);
    assert_eq!(world.requests("sessions.create"), 2);
    let attempts = ended.report().tasks.into_iter().flat_map(|task| task.attempts);
    assert_eq!(attempts.filter(|attempt| attempt.adopted).count(), 0, "{ended}");
}

#[test]
fn a_create_that_was_never_processed_is_sent_again_after_the_looks() {
    at_once(["kind: error-before", "kind: html", "kind: reset-before"], |fault| {
        let world = world_with_fault(fault);
        let ended = run_with_fault(&world);
        world.created(3);
        assert_eq!(world.requests("sessions.create"), 4, "{fault}");
        assert_eq!(ended.count(Outcome::Succeeded), 3);
        assert!(
            ended.report().tasks.iter().all(|task| task.attempts.len() == 1),
            "{fault}: it is one attempt"
        );
    });
}

#[test]
fn a_session_that_is_listed_late_is_still_found() {
    let scenario = "{ faults: [{ kind: reset-after, on: sessions.create, nth: 2 }], \
        defaults: { duration: 30ms, outcome: change, list-lag: 60ms } }";
    let world = World::with(scenario, &tasks(3));
    run_with_fault(&world);
    world.created(3);
    assert_eq!(world.requests("sessions.create"), 3);
}

/// Two tasks, one after the other; the answer to the second create is lost, and the list lags.
fn world_with_lag(lag: &str) -> World {
    let scenario = format!(
        "{{ faults: [{{ kind: reset-after, on: sessions.create, nth: 2 }}], \
         defaults: {{ duration: 30ms, outcome: change, list-lag: {lag} }} }}"
    );
    World::with(&scenario, &tasks(2).set("poll", "{ interval: 15ms, strategy: get }"))
}

#[test]
fn a_list_that_lags_longer_than_the_looks_is_waited_for() {
    let world = world_with_lag("600ms");
    let ended = run_with_fault(&world);
    world.created(2);
    assert_eq!(world.requests("sessions.create"), 2, "{ended}");
    assert!(ended.stderr.contains("does not show session"), "{ended}");
    assert_eq!(ended.report().strays_unknown, None);
}

#[test]
fn a_list_that_lags_for_good_leaves_the_doubt_open() {
    let world = world_with_lag("10m");
    let ended = world.run().args("-j 1").exits(5);
    world.created(2);
    let (outcome, why) = ended.outcome("work/my-org/web@main[n=2]");
    assert_eq!(outcome, Outcome::Detached);
    assert!(why.contains("it is not known whether its session was created"), "{ended}");
    assert!(ended.report().strays_unknown.is_some(), "{ended}");
    world.run().args("-j 1 --failed").exits(5);
    world.created(2);
}

#[test]
fn a_doubt_that_is_not_settled_in_time_is_settled_by_the_next_run() {
    // The listings after the POST fail until the time is over; the first two open the run.
    let scenario = "{ faults: [{ kind: reset-after, on: sessions.create, times: 1 }, \
        { kind: error-before, status: 403, on: sessions.list, during: 0ms..800ms, since: first-session }], \
        defaults: { duration: 30ms, outcome: change } }";
    let manifest =
        tasks(2).set("timeouts", "{ task: 400ms, stall: 60s, settle: 50ms, request: 1s, create: 1s }");
    let world = World::with(scenario, &manifest);
    let ended = world.run().args("-j 1").exits(5);
    assert_eq!(ended.count(Outcome::Detached), 1, "{ended}");
    let jules = world.jules();
    world.until(|world| world.service().block_on(jules.list_sessions(&ListSessions::default())).is_ok());
    let again = world.run().exits(0);
    world.created(2);
    assert!(again.report().strays.is_empty(), "{again}");
}

#[test]
fn creates_in_doubt_that_no_list_shows_do_not_go_on_for_ever_and_count_for_the_day() {
    let scenario = "{ faults: [{ kind: error-after, on: sessions.create }], \
        defaults: { duration: 30ms, outcome: change, list-lag: 10m } }";
    let limits = "requests-per-minute: 600000, creates-per-minute: 600000, capacity-wait: 9s";
    at_once([("", 14), (", sessions-per-day: 5", 5)], |(per_day, most)| {
        let world = World::with(scenario, &tasks(20).set("limits", &format!("{{ {limits}{per_day} }}")));
        let ended = world.run().args("-j 10 --deadline 3s").start().wait();
        assert!(world.statistics().created <= most, "{ended}");
        assert_eq!(ended.count(Outcome::Error), 0, "{ended}");
        let told = ended.report().tasks.iter().filter_map(|task| task.reason.clone()).collect::<String>();
        let why = if per_day.is_empty() { "no listing tells" } else { "daily budget" };
        assert!(told.contains(why), "{ended}");
        if !per_day.is_empty() {
            let ended = world.run().args("-j 10 --deadline 3s").start().wait();
            assert!(world.statistics().created <= most, "{ended}");
        }
    });
}

#[test]
fn a_doubt_is_looked_for_once_more_after_a_later_create_was_refused() {
    let scenario = "{ faults: [{ kind: error-after, on: sessions.create, nth: 1 }, \
        { kind: throttle, on: sessions.create, nth: 2, retry-after: 2s }], \
        defaults: { duration: 30ms, outcome: change, list-lag: 1s } }";
    let manifest = tasks(1).set("create", "{ looks: 2, look-delay: 50ms }");
    let world = World::with(scenario, &manifest);
    let ended = world.run().exits(0);
    world.created(1);
    assert_eq!(ended.count(Outcome::Succeeded), 1, "{ended}");
}

/// The answers to these creates are lost, and titles do not come back as they were sent.
fn world_with_titles(title: &str, nth: &str, manifest: &Manifest) -> World {
    let scenario = format!(
        "{{ faults: [{{ kind: reset-after, on: sessions.create, nth: {nth} }}], \
         defaults: {{ duration: 30ms, outcome: change, title: {title} }} }}"
    );
    World::with(&scenario, manifest)
}

#[test]
fn a_session_whose_title_does_not_come_back_is_found_by_what_it_was_asked() {
    let cases = [("{ becomes: Another title }", 1), ("{ becomes: Another title }", 2), ("{ cut: 40 }", 2)];
    at_once(cases, |(title, nth)| {
        let world = world_with_titles(title, &nth.to_string(), &tasks(3));
        let ended = run_with_fault(&world);
        world.created(3);
        assert_eq!(world.requests("sessions.create"), 3, "{title} {nth}: {ended}");
        assert!(ended.report().tasks[nth - 1].attempts[0].adopted, "{title} {nth}");
        let notes = ended.stderr.matches("without the marker").count();
        assert_eq!(notes, 1, "{title} {nth}: {ended}");
        let why = ended.report().strays_unknown.unwrap_or_default();
        assert!(why.contains("titles"), "{title} {nth}: {why}");
    });
}

#[test]
fn what_could_be_the_session_of_two_tasks_is_nobodys() {
    let source = "source: { github: my-org/web, branch: main }";
    let manifest = Manifest::of([job("a", "Do it.", &[source]), job("b", "Do it.", &[source])]);
    let world = world_with_titles("{ becomes: Another title }", "[1, 2]", &manifest);
    let ended = world.run().exits(5);
    world.created(2);
    let (outcome, why) = ended.outcome("a");
    assert_eq!((outcome, ended.count(Outcome::Detached)), (Outcome::Detached, 2), "{ended}");
    assert!(why.contains("may be it"), "{why}");
}

#[test]
fn titles_that_come_back_are_said_nothing_of() {
    let world = world_with_fault("kind: reset-after");
    let ended = run_with_fault(&world);
    assert!(!ended.stderr.contains("marker") && ended.report().strays_unknown.is_none(), "{ended}");
}

#[test]
fn a_session_among_many_others_is_found() {
    let scenario = "{ history: 300, faults: [{ kind: reset-after, on: sessions.create }], \
        defaults: { duration: 40ms, outcome: change } }";
    let world = World::with(scenario, &tasks(6));
    let ended = world.run().exits(0);
    world.created(6);
    assert!(ended.report().tasks.iter().all(|task| task.attempts[0].adopted));
    // Looking goes back to the intent, not through the years.
    assert!(world.requests("sessions.list") < 300, "{:?}", world.statistics().requests);
}

#[test]
fn fewer_slots_than_wanted_are_no_failure() {
    at_once(["resource-exhausted", "failed-precondition"], |refusal| {
        let scenario = format!(
            "{{ limits: {{ concurrent: 2, refusal: {refusal} }}, defaults: {{ duration: 60ms, outcome: change }} }}"
        );
        let world = World::with(&scenario, &tasks(10));
        let ended = world.run().args("-j 6").exits(0);
        world.created(10);
        let statistics = world.statistics();
        assert!(statistics.refused > 0 && statistics.live_max == 2, "{refusal}: {statistics:?}");
        assert_eq!(ended.count(Outcome::Succeeded), 10);
        // Finding out what the account bears must not cost a request for each waiting task again and again.
        assert!(statistics.refused < 40, "{refusal}: {} refusals", statistics.refused);
    });
}

#[test]
fn a_task_that_is_refused_for_ever_keeps_no_other_from_starting() {
    let scenario = "{ faults: [{ kind: throttle, on: sessions.create, when: { prompt: Do 1. } }], \
        defaults: { duration: 30ms, outcome: change } }";
    let world = World::with(scenario, &tasks(8));
    let ended = world.run().args("-j 1").exits(100);
    world.created(7);
    assert_eq!(ended.count(Outcome::Succeeded), 7, "{ended}");
    let (outcome, why) = ended.outcome("work/my-org/web@main[n=1]");
    assert!(outcome == Outcome::Error && why.contains("RESOURCE_EXHAUSTED"), "{ended}");
}

#[test]
fn throttled_creates_wait() {
    let scenario = "{ faults: [{ kind: throttle, on: sessions.create, nth: [1, 3] }], \
        defaults: { duration: 30ms, outcome: change } }";
    let world = World::with(scenario, &tasks(4));
    let ended = world.run().exits(0);
    world.created(4);
    let report = ended.report();
    assert_eq!((report.totals.succeeded, report.api.throttled), (4, 2));
}

#[test]
fn a_service_without_room_defers_the_rest() {
    let scenario = "{ limits: { per-day: 2 }, defaults: { duration: 30ms, outcome: change } }";
    let manifest = tasks(5)
        .set("limits", "{ requests-per-minute: 60000, creates-per-minute: 60000, capacity-wait: 400ms }");
    let world = World::with(scenario, &manifest);
    let ended = world.run().exits(5);
    let totals = ended.report().totals;
    assert_eq!((totals.succeeded, totals.deferred), (2, 3));
    assert!(
        ended.report().tasks.iter().all(|task| task.outcome != Outcome::Deferred || task.reason.is_some())
    );
}

#[test]
fn one_refusal_of_a_create_or_of_the_first_reads_is_not_believed() {
    let methods = ["sessions.create", "sources.list", "sessions.list"];
    let cases = methods.into_iter().flat_map(|method| [403, 404].map(|status| (method, status)));
    at_once(cases, |(method, status)| {
        let scenario = format!(
            "{{ sources: [{{ repo: my-org/web }}], defaults: {{ duration: 40ms, outcome: change }}, \
             faults: [{{ kind: error-before, on: {method}, nth: 1, status: {status} }}] }}"
        );
        let manifest = Manifest::of([job("task", "Do it.", &["source: my-org/web"])]);
        let world = World::with(&scenario, &manifest);
        let ended = world.run().exits(0);
        assert_eq!(ended.outcome("task").0, Outcome::Succeeded, "{method} {status}: {ended}");
        world.created(1);
    });
}

#[test]
fn a_create_that_is_refused_again_and_again_is_an_error_with_the_cause_and_others_go_on() {
    for status in [403, 404] {
        let scenario = format!(
            "{{ defaults: {{ duration: 40ms, outcome: change }}, \
             faults: [{{ kind: error-before, on: sessions.create, status: {status}, when: {{ source: my-org/shut }} }}] }}"
        );
        let manifest = Manifest::of([
            job("shut", "Do ${{ matrix.n }}.", &["source: my-org/shut@main", "matrix: { n: [1, 2, 3] }"]),
            job("open", "Do it.", &["source: my-org/open@main"]),
        ]);
        let manifest =
            manifest.set("create", "{ looks: 1, look-delay: 200ms }").set("strategy", "{ max-parallel: 1 }");
        let world = World::with(&scenario, &manifest);
        let ended = world.run().exits(100);
        assert_eq!(
            (ended.count(Outcome::Error), ended.outcome("open").0),
            (3, Outcome::Succeeded),
            "{ended}"
        );
        let (_, reason) = ended.outcome("shut/my-org/shut@main[n=2]");
        assert!(reason.contains(&status.to_string()), "{reason}");
        // The first is tried three times; what all of them hear is believed of the next ones at once.
        assert_eq!(world.requests("sessions.create"), 3 + 1 + 1 + 1, "{ended}");
    }
}
