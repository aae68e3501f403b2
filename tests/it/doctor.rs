//! `doctor`: what is there, what is missing, and what to do about it.

use crate::support::{Runner, World, tasks};

const CHANGE: &str = "{ sources: [{ repo: my-org/web }], defaults: { duration: 30ms, outcome: change } }";

fn doctor(world: &World) -> Runner<'_> {
    world.command("doctor").arg("--base-url").arg(world.service().url())
}

#[test]
fn all_is_well_before_and_after_a_run() {
    let world = World::new(CHANGE);
    let told = doctor(&world).exits(0).stdout;
    for line in ["key      one is set", "network  127.0.0.1 answers", "key      the service takes it"] {
        assert!(told.contains(line), "{told}");
    }
    assert!(told.contains("sources  1 source connected"), "{told}");
    assert!(told.contains("ledger   none yet in .jules-batch"), "{told}");

    world.write("jobs.yaml", &tasks(3).set("limits", "{ sessions-per-day: 5 }").to_string());
    world.run().exits(0);
    let told = doctor(&world).exits(0).stdout;
    assert!(told.contains("manifest jobs.yaml has 3 tasks"), "{told}");
    assert!(told.contains("ledger   sound, with 1 run"), "{told}");
    assert!(told.contains("budget   3 sessions started in the last 24 hours, 2 of 5 left"), "{told}");
}

#[test]
fn a_spent_budget_says_when_there_is_more() {
    let world = World::with(CHANGE, &tasks(3).set("limits", "{ sessions-per-day: 3 }"));
    world.run().exits(0);
    let told = doctor(&world).exits(0).stdout;
    assert!(told.contains("warning  budget   3 sessions started"), "{told}");
    assert!(told.contains("none of 3 left; the next one is free in 23h 59m"), "{told}");
}

#[test]
fn sessions_dated_in_the_future_are_told_and_count_as_created_now() {
    let manifest = tasks(3).set("limits", "{ sessions-per-day: 3 }").set("repeat", "always");
    let world = World::with(CHANGE, &manifest);
    world.run().exits(0);
    let days = |days: i64| {
        let ledger = rusqlite::Connection::open(world.path(".jules-batch/ledger.db")).unwrap();
        ledger.execute("UPDATE creations SET ts = ts + ?1", [days * 24 * 60 * 60 * 1000]).unwrap();
        let now = jiff::Timestamp::now().as_millisecond();
        ledger.query_row("SELECT max(ts) - ?1 FROM creations", [now], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert!(days(32) > 0);
    let told = doctor(&world).exits(0).stdout;
    assert!(told.contains("warning  ledger   3 sessions dated up to 31d 23h in the future"), "{told}");
    assert!(told.contains("none of 3 left; the next one is free in 1d 00h"), "{told}");
    let ended = world.run().args("--deadline 10m").exits(75);
    assert!(ended.stderr.contains("3 of the ledger's sessions were dated in the future"), "{ended}");
    world.created(3);
    assert!(days(0) <= 0, "they stay so");
    // The day after.
    days(-1);
    let told = doctor(&world).exits(0).stdout;
    assert!(!told.contains("in the future") && told.contains("3 of 3 left"), "{told}");
    world.run().exits(0);
    world.created(6);
}

#[test]
fn the_worst_finding_is_the_exit_code() {
    let world = World::new(CHANGE);
    let told = doctor(&world).without_env("JULES_API_KEY").exits(6).stdout;
    assert!(told.contains("error    key") && told.contains("make a key at https://"), "{told}");
    let refusing = World::new("{ keys: [another] }");
    let told = doctor(&refusing).exits(6).stdout;
    assert!(told.contains("; check JULES_API_KEY"), "{told}");
    let told = world.command("doctor").args("--base-url http://127.0.0.1:9").exits(75).stdout;
    assert!(told.contains("error    network  127.0.0.1 does not answer"), "{told}");

    world.write("broken.yaml", "version: 1\njobs: 7\n");
    let told = doctor(&world).arg("broken.yaml").exits(3).stdout;
    assert!(told.contains("; see: jules-batch plan broken.yaml"), "{told}");

    world.write(".jules-batch/ledger.db", "not a database, but long enough to be taken for a damaged one");
    let told = doctor(&world).exits(0).stdout;
    assert!(told.contains("warning  ledger") && told.contains("sets it aside"), "{told}");
    let told = doctor(&world).args("--state-dir broken.yaml/below").exits(110).stdout;
    assert!(told.contains("error    ledger") && told.contains("--state-dir"), "{told}");
}
