//! `max-parallel` where sessions live that no task of the invocation follows, judged by what the service saw.

use jules_batch::outcome::Outcome;

use crate::support::{Manifest, World, job};

/// A job of two tasks beside one of two others.
fn two_jobs(strategy: &str) -> Manifest {
    let source = "source: my-org/web@main";
    let matrix = "matrix: { n: [1, 2] }";
    let jobs = [
        job("slow", "Slow ${{ matrix.n }}.", &[source, matrix]),
        job("quick", "Quick ${{ matrix.n }}.", &[matrix]),
    ];
    Manifest::of(jobs).set("strategy", strategy)
}

fn lasting(slow: &str) -> String {
    format!(
        "{{ rules: [{{ when: {{ prompt: 'Slow*' }}, then: {{ duration: {slow}, outcome: change }} }}], \
        defaults: {{ duration: 50ms, outcome: change }} }}"
    )
}

#[test]
fn what_a_selection_leaves_out_and_is_live_keeps_its_slot_until_it_ends() {
    for strategy in ["auto", "list", "get"] {
        let manifest = two_jobs("{ max-parallel: 2 }")
            .set("poll", &format!("{{ interval: 15ms, strategy: {strategy} }}"));
        let world = World::with(&lasting("1500ms"), &manifest);
        world.run().args("--select job(slow) --no-wait").exits(5);
        let ended = world.run().args("--select job(quick)").start().wait();
        assert_eq!(world.statistics().live_max, 2, "{strategy}: {ended}");
        assert_eq!(ended.count(Outcome::Succeeded), 2, "{strategy}: {ended}");
        let sessions = world.sessions();
        let first_end = sessions[..2].iter().filter_map(|slow| slow.ended_at).min().unwrap();
        assert!(sessions[2].created_at >= first_end, "{strategy}: its end frees the slot");
        let told =
            "2 live sessions of tasks that are not selected, or have another prompt by now, hold slots";
        assert!(ended.stderr.contains(told), "{strategy}: {ended}");
        world.run().exits(0);
        world.created(4);
    }
}

#[test]
fn what_is_live_beside_a_selection_does_not_hold_it_up_for_ever() {
    let manifest = two_jobs("{ max-parallel: 2 }")
        .set("limits", "{ requests-per-minute: 600000, creates-per-minute: 600000, capacity-wait: 400ms }");
    let world = World::with(&lasting("10m"), &manifest);
    world.run().args("--select job(slow) --no-wait").exits(5);
    let ended = world.run().args("--select job(quick)").exits(5);
    assert_eq!(ended.count(Outcome::Deferred), 2, "{ended}");
    let (_, reason) = ended.outcome("quick[n=1]");
    assert!(reason.contains("hold all slots of `max-parallel`"), "{ended}");
    world.created(2);
}

#[test]
fn a_free_slot_beside_what_is_live_is_used() {
    let world = World::with(&lasting("900ms"), &two_jobs("{ max-parallel: 3 }"));
    world.run().args("--select job(slow) --no-wait").exits(5);
    let ended = world.run().args("--select job(quick)").start().wait();
    assert_eq!((world.statistics().live_max, ended.count(Outcome::Succeeded)), (3, 2), "{ended}");
}

/// Nobody has looked since: they may have ended long ago.
#[test]
fn what_nobody_waits_for_is_looked_at_before_it_keeps_others_from_starting() {
    let world = World::with(&lasting("300ms"), &two_jobs("{ max-parallel: 2 }"));
    world.run().args("--select job(slow) --no-wait").exits(5);
    world.until(|world| world.statistics().live_now == 0);
    world.run().args("--select job(quick) --no-wait").exits(5);
    world.created(4);
}

/// Killed while a create had no answer: whether there is a session, only a run with its task finds out.
#[test]
fn what_is_in_doubt_beside_a_selection_holds_a_slot() {
    for (kind, live) in [("hang", 1), ("arrive-late, delay: 10m", 0)] {
        let scenario = format!(
            "{{ faults: [{{ kind: {kind}, on: sessions.create, nth: 1 }}], \
                rules: [{{ when: {{ prompt: 'Slow*' }}, then: {{ duration: 10m }} }}], \
                defaults: {{ duration: 50ms, outcome: change }} }}"
        );
        let world = World::with(&scenario, &two_jobs("{ max-parallel: 1 }"));
        let mut running = world.run().args("--select job(slow) --max-tasks 1").start();
        running.until(|world| world.requests("sessions.create") == 1);
        running.kill();
        running.wait();
        world.until(|world| world.statistics().live_now == live);
        let ended = world.run().args("--select job(quick) --deadline 5s").exits(5);
        assert_eq!(ended.outcome("quick[n=1]").0, Outcome::Deferred, "{kind}: {ended}");
        assert_eq!(world.sessions().len(), live, "{kind}: {ended}");
    }
}
