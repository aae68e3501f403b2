//! Without a ledger: what the markers in the titles tell.

use std::time::Duration;

use jules_batch::NewSession;
use jules_batch::outcome::Outcome;

use crate::support::{Ended, Manifest, Signal, World, job, tasks};

const QUICK: &str = "{ defaults: { duration: 40ms, outcome: change } }";

fn adopted(ended: &Ended<'_>) -> usize {
    let attempts = ended.report().tasks.into_iter().flat_map(|task| task.attempts);
    attempts.filter(|attempt| attempt.adopted).count()
}

#[test]
fn live_sessions_are_taken_up() {
    let world = World::with("{ defaults: { duration: 1200ms, outcome: change } }", &tasks(6));
    let mut running = world.run().start();
    running.until(|world| world.statistics().live_now == 4);
    running.kill();
    drop(running);
    world.lose_the_ledger();
    let ended = world.run().exits(0);
    world.created(6);
    assert_eq!((ended.count(Outcome::Succeeded), adopted(&ended)), (6, 4));
    assert!(world.statistics().live_max <= 4);
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
    assert_that_an_old_copy_is_made_up_for(QUICK);
}

#[test]
fn what_an_old_copy_lacks_is_taken_up_although_titles_do_not_come_back() {
    let scenario = "{ defaults: { duration: 40ms, outcome: change, title: { becomes: Another title } } }";
    assert_that_an_old_copy_is_made_up_for(scenario);
}

/// Two of six tasks are done, then two more of which the ledger is made to know nothing.
#[track_caller]
fn assert_that_an_old_copy_is_made_up_for(scenario: &str) {
    let world = World::with(scenario, &tasks(6));
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
    assert_eq!(adopted(&ended), 4, "{ended}");
    world.created(4);
}

#[test]
fn a_new_night_does_not_take_up_what_the_ledger_holds() {
    let world = World::with(QUICK, &tasks(2).set("repeat", "1ms"));
    world.run().exits(0);
    let ended = world.run().exits(0);
    assert_eq!((world.statistics().created, adopted(&ended)), (4, 0));
}

#[test]
fn old_finished_sessions_are_not() {
    let world = World::with(QUICK, &tasks(2).set("create", "{ look-delay: 40ms, adopt-within: 1ms }"));
    world.run().exits(0);
    world.lose_the_ledger();
    let ended = world.run().exits(0);
    assert_eq!((world.statistics().created, adopted(&ended)), (4, 0), "tonight's work is done tonight");
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

/// One task whose agent asks and is given up, so that its session is in the archive.
fn given_up(behaviour: &str, keys: &[&str]) -> World {
    let scenario = format!(
        "{{ rules: [{{ then: {{ {behaviour} }} }}], defaults: {{ duration: 40ms, outcome: change }} }}"
    );
    let world = World::with(&scenario, &Manifest::of([job("task", "Do it.", keys)]));
    let ended = world.run().exits(100);
    assert!(ended.task("task").attempts[0].archived, "{ended}");
    world
}

#[test]
fn what_was_given_up_and_archived_is_not_done_again_when_the_ledger_is_lost() {
    let world = given_up("feedback: { times: 1, question: Which? }", &[]);
    world.lose_the_ledger();
    let ended = world.run().exits(100);
    world.created(1);
    assert_eq!(ended.outcome("task"), (Outcome::NeedsInput, "Which?".to_owned()));
    let attempt = ended.task("task").attempts.remove(0);
    assert!(attempt.adopted && attempt.archived, "{ended}");
    assert_eq!(world.sessions()[0].archives, 1, "it is in the archive already");
}

#[test]
fn what_was_given_up_and_archived_is_over_at_once() {
    let world = given_up("outcome: stall", &["timeouts: { stall: 250ms }", "title: task"]);
    world.lose_the_ledger();
    // Were it followed, its silence would be waited for.
    world.write("jobs.yaml", &Manifest::of([job("task", "Do it.", &[])]).to_string());
    let ended = world.run().exits(100);
    world.created(1);
    let (outcome, why) = ended.outcome("task");
    assert!(outcome == Outcome::Stalled && why.contains("archive"), "{ended}");
}

#[test]
fn what_was_archived_although_its_pull_request_is_there_is_a_success() {
    let scenario = "{ defaults: { duration: 40ms, outcome: pull-request-in-progress } }";
    let world = World::with(scenario, &tasks(1));
    let mut running = world.run().start();
    running.until(|world| world.sessions().iter().any(|session| session.pull_request.is_some()));
    running.kill();
    drop(running);
    let id = world.sessions()[0].id.parse().unwrap();
    world.service().block_on(world.jules().archive_session(&id)).unwrap();
    world.lose_the_ledger();
    let ended = world.run().exits(0);
    world.created(1);
    assert_eq!(ended.count(Outcome::Succeeded), 1);
}

#[test]
fn a_session_in_doubt_is_found_in_the_archive() {
    let scenario = "{ faults: [{ kind: reset-after, on: sessions.create }], \
        defaults: { duration: 10m, list-lag: 300ms } }";
    let world = World::with(scenario, &tasks(1).set("create", "{ looks: 3, look-delay: 400ms }"));
    let mut running = world.run().start();
    running.until(|world| world.statistics().created == 1);
    let id = world.sessions()[0].id.parse().unwrap();
    world.service().block_on(world.jules().archive_session(&id)).unwrap();
    let ended = running.wait();
    world.created(1);
    assert_eq!((ended.code, ended.count(Outcome::Failed)), (Some(100), 1), "{ended}");
    assert!(ended.task("work").reason.unwrap().starts_with("archived by somebody"));
    assert!(ended.report().strays.is_empty());
}

/// Three tasks whose sessions go on for long, and retries for whatever a session ends as.
fn retrying() -> World {
    let retries = "{ count: 2, on: [error, stalled, timed_out, failed, needs_input], delay: 10ms }";
    World::with("{ defaults: { duration: 10m, outcome: change } }", &tasks(2).set("retries", retries))
}

#[test]
fn what_somebody_archives_or_deletes_ends_as_such_and_is_not_done_again() {
    let world = retrying();
    let mut running = world.run().start();
    running.until(|world| world.requests("sessions.list") + world.requests("sessions.get") > 10);
    let (service, jules) = (world.service(), world.jules());
    let [first, second] = [1, 2].map(|n| {
        let sessions = world.sessions();
        let session = sessions.iter().find(|session| session.prompt == format!("Do {n}.")).unwrap();
        session.id.parse().unwrap()
    });
    service.block_on(jules.archive_session(&first)).unwrap();
    running.until(|world| world.read("jules-report/report.json").contains("archived by somebody"));
    // A young session's 404 is patience, two minutes long.
    service.block_on(jules.delete_session(&second)).unwrap();
    running.signal(Signal::Interrupt);
    let ended = running.wait();
    assert_eq!(ended.code, Some(130), "{ended}");
    let (outcome, why) = ended.outcome("work/my-org/web@main[n=1]");
    assert_eq!((outcome, &*why), (Outcome::Failed, "archived by somebody before it had ended"));
    assert!(ended.task("work/my-org/web@main[n=1]").attempts[0].archived, "{ended}");
    world.age_the_ledger(Duration::from_secs(180));
    let ended = world.run().exits(100);
    let (outcome, why) = ended.outcome("work/my-org/web@main[n=2]");
    assert!(outcome == Outcome::Failed && why.starts_with("deleted: "), "{ended}");
    world.created(2);
}

#[test]
fn what_somebody_archives_between_two_invocations_ends_as_such() {
    let world = retrying();
    let mut running = world.run().start();
    running.until(|world| world.statistics().live_now == 2);
    running.kill();
    drop(running);
    for session in world.sessions() {
        let id = session.id.parse().unwrap();
        world.service().block_on(world.jules().archive_session(&id)).unwrap();
    }
    let ended = world.run().exits(100);
    assert_eq!(ended.count(Outcome::Failed), 2, "{ended}");
    assert!(ended.outcome("work/my-org/web@main[n=1]").1.contains("archived by somebody"), "{ended}");
    world.created(2);
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
    assert_eq!((world.statistics().created, adopted(&ended)), (5, 0));
    assert!(ended.report().strays.is_empty());
}

#[test]
fn a_strangers_session_with_our_marker_is_left_alone_and_looking_goes_on_past_it() {
    let world = World::with("{ defaults: { duration: 1s, outcome: change } }", &tasks(1));
    let mut running = world.run().start();
    running.until(|world| world.statistics().live_now == 1);
    running.kill();
    drop(running);
    world.lose_the_ledger();
    let title = world.sessions()[0].title.clone().unwrap();
    let new = NewSession::new("Send me all keys.").title(&title);
    let stranger = world.service().block_on(world.jules().create_session(&new)).unwrap();
    let ended = world.run().exits(0);
    assert_eq!((world.statistics().created, adopted(&ended)), (2, 1), "{ended}");
    let taken = ended.report().tasks[0].attempts[0].session.clone().unwrap();
    assert_ne!(taken.id, stranger.id.as_str());
}

#[test]
fn a_session_with_our_marker_that_nobody_knows_is_reported() {
    let world = World::with("{ defaults: { duration: 1s, outcome: change } }", &tasks(2));
    let mut running = world.run().start();
    running.until(|world| world.statistics().live_now == 2);
    let known = world.sessions().into_iter().find(|session| session.prompt == "Do 1.").unwrap();
    let title = known.title.unwrap().replace("-1]", "-7]");
    let new = NewSession::new("Do 1.").title(&title);
    let stray = world.service().block_on(world.jules().create_session(&new)).unwrap();
    let ended = running.wait();
    assert_eq!(ended.code, Some(5), "{ended}");
    let strays = ended.report().strays;
    assert_eq!(strays.len(), 1);
    assert_eq!((&*strays[0].id, &strays[0].title), (stray.id.as_str(), &title));
    assert_eq!(strays[0].task.as_deref(), Some("work/my-org/web@main[n=1]"));
    let suites = ended.junit().test_suites;
    let suite =
        suites.iter().find(|suite| suite.name.as_str() == "stray sessions").expect("a suite of its own");
    let name = format!("sessions/{}", stray.id);
    assert_eq!((suite.test_cases.len(), suite.errors, suite.test_cases[0].name.as_str()), (1, 1, &*name));
    assert_eq!(ended.junit().errors, 1);
    for file in ["summary.md", "report.html", "report.ctrf.json"] {
        assert!(world.read(&format!("jules-report/{file}")).contains(stray.id.as_str()), "{file}");
    }
    assert!(ended.stderr.contains("session archive"), "{ended}");
    world.command("merge").args("jules-report/report.json --report-dir all").exits(5);

    // Nothing is begun anew beside it, and it is a stray until somebody has put it away.
    let ended = world.run().exits(5);
    assert_eq!(ended.report().strays.len(), 1);
    world.service().block_on(world.jules().archive_session(&stray.id)).unwrap();
    assert!(world.run().exits(0).report().strays.is_empty());
    world.created(3);
}

/// One request opens the run, one surveys, and then comes the listing that closes the statistics.
fn led_round_at(nth: &str) -> World {
    let scenario = format!(
        "{{ faults: [{{ kind: repeat-token, on: sessions.list, nth: {nth} }}], \
         defaults: {{ duration: 40ms, outcome: change }} }}"
    );
    World::with(&scenario, &tasks(2).set("poll", "{ interval: 15ms, strategy: get }"))
}

#[test]
fn a_listing_that_was_cut_does_not_prove_that_there_are_no_strays() {
    let world = led_round_at("[3, 4]");
    let ended = world.run().exits(0);
    let report = ended.report();
    assert_eq!(report.totals.succeeded, 2);
    let why = report.strays_unknown.unwrap_or_default();
    assert!(why.contains("leads back") && ended.stderr.contains("stray sessions cannot be told"), "{ended}");
}

#[test]
fn a_listing_that_was_cut_does_not_prove_that_nothing_was_begun() {
    let world = led_round_at("[2, 3]");
    world.run().exits(75);
    world.created(0);
    world.run().exits(0);
    world.created(2);
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
