//! `status`: how a run stands, also while another process runs it.

use jules_batch::outcome::Outcome;
use jules_batch::report::from_json;

use crate::support::{Signal, World, tasks};

#[test]
fn a_run_is_seen_while_it_goes_on_and_afterwards() {
    let world = World::with("{ defaults: { duration: 10m, outcome: change } }", &tasks(6));
    let mut running = world.run().start();
    running.until(|world| world.statistics().live_now == 4);
    // What is in the statistics of the service is in the ledger when the answer has arrived.
    running.until(|world| {
        let seen = world.command("status").args("--format json").start().wait();
        seen.code.is_some() && from_json(&seen.stdout).is_ok_and(|report| report.totals.detached == 4)
    });
    let report = from_json(&world.command("status").args("--format json").start().wait().stdout).unwrap();
    assert_eq!((report.totals.total, report.run.ended_at), (6, None));
    let shown = world.command("status").start().wait();
    assert!(shown.stdout.contains(&report.run.id), "{shown}");

    running.signal(Signal::Interrupt);
    let ended = running.wait();
    assert_eq!(ended.code, Some(130), "{ended}");
    let after = from_json(&world.command("status").args("--format json").start().wait().stdout).unwrap();
    assert_eq!(after, ended.report());
    assert_eq!((after.totals.of(Outcome::Detached), after.totals.of(Outcome::Deferred)), (4, 2));
}

#[test]
fn all_runs_of_a_folder_are_listed() {
    let world = World::with("{ defaults: { duration: 30ms, outcome: change } }", &tasks(1));
    let ids: Vec<_> = (0..2).map(|_| world.run().exits(0).report().run.id).collect();
    let shown = world.command("status").arg("--all").exits(0);
    assert!(ids.iter().all(|id| shown.stdout.contains(id.as_str())), "{shown}");
    let shown = world.command("status").arg(&ids[0]).args("--format json").exits(0);
    assert_eq!(from_json(&shown.stdout).unwrap().run.id, ids[0]);
}

#[test]
fn reports_of_a_recorded_run_are_rendered_again() {
    let world = World::with("{ defaults: { duration: 30ms, outcome: change } }", &tasks(3));
    let ended = world.run().exits(0);
    let (report, junit) = (ended.report(), world.read("jules-report/junit.xml"));
    std::fs::remove_dir_all(world.path("jules-report")).unwrap();
    let again = world.command("report").exits(0);
    assert_eq!(again.report(), report);
    assert_eq!(world.read("jules-report/junit.xml"), junit);
}

#[test]
fn a_run_is_watched_to_its_end() {
    let world = World::with("{ defaults: { duration: 800ms, outcome: change } }", &tasks(2));
    let mut running = world.run().start();
    running.until(|world| world.statistics().live_now == 2);
    let watching = world.command("status").arg("--watch").start();
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
    let watched = watching.wait();
    assert!(watched.stdout.contains(&ended.report().run.id), "{watched}");
}

#[test]
fn what_cannot_be_understood_of_a_run_is_told() {
    let world = World::with("{ defaults: { duration: 30ms, outcome: change } }", &tasks(1));
    world.run().exits(0);
    let ledger = rusqlite::Connection::open(world.path(".jules-batch/ledger.db")).unwrap();
    ledger.execute("UPDATE events SET body = 'nonsense' WHERE seq = 4", []).unwrap();
    for command in ["status", "report"] {
        let told = world.command(command).exits(0);
        assert!(told.stderr.contains("event 4 in the ledger is damaged"), "{told}");
    }
}
