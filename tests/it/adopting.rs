//! Without a ledger: what the markers in the titles tell.

use jules_batch::NewSession;
use jules_batch::outcome::Outcome;

use crate::support::{Ended, World, tasks};

const QUICK: &str = "{ defaults: { duration: 40ms, outcome: change } }";

fn adopted(ended: &Ended<'_>) -> usize {
    let attempts = ended.report().tasks.into_iter().flat_map(|task| task.attempts);
    attempts.filter(|attempt| attempt.adopted).count()
}

#[test]
fn live_sessions_are_taken_up() {
    let world = World::with("{ defaults: { duration: 1200ms, outcome: change } }", &tasks(6));
    let mut running = world.run().start();
    running.until(|world| world.books().live_now == 4);
    running.kill();
    drop(running);
    world.lose_the_ledger();
    let ended = world.run().exits(0);
    world.created(6);
    assert_eq!((ended.count(Outcome::Succeeded), adopted(&ended)), (6, 4));
    assert!(world.books().live_max <= 4);
}

#[test]
fn young_finished_sessions_are_taken_up() {
    let world = World::with(QUICK, &tasks(3));
    world.run().args("--max-tasks 2").exits(5);
    world.lose_the_ledger();
    let ended = world.run().exits(0);
    world.created(3);
    assert_eq!((ended.count(Outcome::Succeeded), adopted(&ended)), (3, 2));
}

#[test]
fn what_an_old_copy_of_the_ledger_lacks_is_taken_up() {
    let world = World::with(QUICK, &tasks(6));
    world.run().args("--max-tasks 2").exits(5);
    let copy = world.copy_of_the_ledger().unwrap();
    world.run().args("--max-tasks 2").exits(5);
    world.lose_the_ledger();
    std::fs::rename(copy, world.path(".jules-batch")).unwrap();
    let ended = world.run().exits(0);
    world.created(6);
    assert_eq!((ended.count(Outcome::Succeeded), adopted(&ended)), (6, 2));
}

#[test]
fn sessions_of_tasks_that_the_first_run_after_a_loss_did_not_select_are_taken_up() {
    let world = World::with(QUICK, &tasks(4));
    world.run().exits(0);
    world.lose_the_ledger();
    let only = world.sessions()[0].prompt.clone();
    let number = only.chars().filter(char::is_ascii_digit).collect::<String>();
    world.run().arg("--select").arg(format!("matrix(n={number})")).exits(0);
    let ended = world.run().exits(0);
    assert_eq!(adopted(&ended), 3, "{ended}");
}

#[test]
fn a_new_night_does_not_take_up_what_the_ledger_holds() {
    let world = World::with(QUICK, &tasks(2));
    world.run().exits(0);
    let ended = world.run().exits(0);
    assert_eq!((world.books().created, adopted(&ended)), (4, 0));
}

#[test]
fn old_finished_sessions_are_not() {
    let world = World::with(QUICK, &tasks(2).set("create", "{ look-delay: 40ms, adopt-within: 1ms }"));
    world.run().exits(0);
    world.lose_the_ledger();
    let ended = world.run().exits(0);
    assert_eq!((world.books().created, adopted(&ended)), (4, 0), "tonight's work is done tonight");
}

#[test]
fn a_failed_young_session_is_not_done_twice() {
    let world = World::with("{ defaults: { duration: 40ms, outcome: failure } }", &tasks(2));
    world.run().exits(100);
    world.lose_the_ledger();
    let ended = world.run().exits(100);
    world.created(2);
    assert_eq!(ended.count(Outcome::Failed), 2);
}

#[test]
fn sessions_of_others_are_left_alone() {
    let world = World::with(QUICK, &tasks(2));
    let jules = world.jules();
    for title in ["Do 1.", "work/my-org/web@main[n=1]", "Fix [jb-00000000-0000-1]"] {
        let new = NewSession::new("Do 1.").title(title);
        world.service().block_on(jules.create_session(&new)).unwrap();
    }
    let ended = world.run().exits(0);
    assert_eq!((world.books().created, adopted(&ended)), (5, 0));
    assert!(ended.report().strays.is_empty());
}

#[test]
fn a_session_with_our_marker_that_nobody_knows_is_reported() {
    let world = World::with("{ defaults: { duration: 1s, outcome: change } }", &tasks(2));
    let mut running = world.run().start();
    running.until(|world| world.books().live_now == 2);
    let known = world.sessions().into_iter().find(|session| session.prompt == "Do 1.").unwrap();
    let title = known.title.unwrap().replace("-1]", "-7]");
    let new = NewSession::new("Do 1.").title(&title);
    let stray = world.service().block_on(world.jules().create_session(&new)).unwrap();
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
    let strays = ended.report().strays;
    assert_eq!(strays.len(), 1);
    assert_eq!((&*strays[0].id, &strays[0].title), (stray.id.as_str(), &title));
    assert_eq!(strays[0].task.as_deref(), Some("work/my-org/web@main[n=1]"));
}

#[test]
fn a_damaged_ledger_is_kept_aside_and_its_sessions_are_found() {
    let world = World::with(QUICK, &tasks(3));
    world.run().args("--max-tasks 2").exits(5);
    let folder = world.path(".jules-batch");
    let ledger = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let ledger: Vec<_> = ledger.filter(|path| path.extension().is_some_and(|end| end == "db")).collect();
    assert_eq!(ledger.len(), 1, "{ledger:?}");
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        if path.to_string_lossy().contains(".db-") {
            std::fs::remove_file(path).unwrap();
        }
    }
    std::fs::write(&ledger[0], "this was a ledger once ".repeat(1_000)).unwrap();
    let ended = world.run().exits(0);
    world.created(3);
    assert_eq!(adopted(&ended), 2);
    assert!(ended.stderr.contains("damaged"), "{ended}");
    let kept = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name());
    let kept: Vec<_> = kept.map(|name| name.to_string_lossy().into_owned()).collect();
    assert!(kept.iter().any(|name| name.contains("corrupt")), "{kept:?}");
}
