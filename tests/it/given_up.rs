//! Sessions that were given up or are to be replaced, and whose archives somebody or something has cut short.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jules_batch::outcome::Outcome;
use serde_json::{Value, json};

use crate::support::{Exchange, Manifest, Running, World, at_once, held, job, tasks};

/// Sessions that were given up, and whose archives the deadline has cut short: by a manifest with these keys.
fn left_over(manifest: &Manifest, behaviour: &str) -> World {
    left_over_by(manifest, &format!("defaults: {{ {behaviour} }}"))
}

/// The same with other keys of the scenario.
fn left_over_by(manifest: &Manifest, keys: &str) -> World {
    let scenario = format!(
        "{{ faults: [{{ kind: throttle, on: sessions.archive, retry-after: 60s, during: 0s..3s, since: first-session }}], \
            {keys} }}"
    );
    let world = World::with(&scenario, manifest);
    world.run().args("--deadline 2s").exits(100);
    assert!(!world.sessions().iter().any(|session| session.archived));
    world.until(|world| {
        let first = world.sessions()[0].created_at;
        jiff::Timestamp::now().duration_since(first) > jiff::SignedDuration::from_secs(3)
    });
    world
}

#[test]
fn what_was_given_up_and_not_put_away_is_put_away_by_the_next_run() {
    let manifest = tasks(2).set("timeouts", "{ task: 200ms, stall: 20s }");
    let world = left_over(&manifest, "duration: 10m, outcome: pull-request");
    let dry = world.run().arg("-n").exits(0);
    assert!(dry.stderr.contains("2 given up and to be archived"), "{dry}");
    let ended = world.run().exits(100);
    assert!(world.sessions().iter().all(|session| session.archived), "{ended}");
    assert!(ended.report().tasks.iter().all(|task| task.attempts[0].archived), "{ended}");
    assert_eq!(ended.count(Outcome::TimedOut), 2);
    let requests = world.statistics().requests.clone();
    let ended = world.run().exits(100);
    assert!(ended.stderr.contains("nothing to do"), "{ended}");
    assert_eq!(world.statistics().requests, requests, "nothing is asked any more");
    world.created(2);
}

/// It ends between the last look and the archive.
#[test]
fn what_a_session_made_just_before_it_was_archived_is_told() {
    let manifest = tasks(1).set("timeouts", "{ task: 200ms, stall: 20s }");
    let world = World::with("{ defaults: { duration: 10m } }", &manifest);
    let end = |session: &mut Value| {
        if session["archived"] == true {
            let pull = json!({ "url": "https://github.com/my-org/web/pull/7", "title": "Done" });
            session["state"] = "COMPLETED".into();
            session["outputs"] = json!([{ "pullRequest": pull }]);
        }
    };
    let ended = world
        .run_through(move |exchange| {
            if exchange.lists_sessions() {
                exchange.edit_sessions(|sessions| sessions.iter_mut().for_each(end));
            }
        })
        .exits(100);
    let task = ended.report().tasks.remove(0);
    assert_eq!((task.outcome, task.pull_requests.len()), (Outcome::TimedOut, 1), "{ended}");
    assert!(ended.stderr.contains("/pull/7"), "{ended}");
}

#[test]
fn one_refusal_of_the_archive_is_not_believed() {
    at_once(["error-before", "error-after"], |kind| {
        let manifest = tasks(1).set("timeouts", "{ task: 200ms, stall: 20s }");
        let fault = format!("{{ kind: {kind}, on: sessions.archive, nth: 1 }}");
        let world =
            World::with(&format!("{{ faults: [{fault}], defaults: {{ duration: 10m }} }}"), &manifest);
        let ended = world.run().exits(100);
        assert!(world.sessions()[0].archived, "{ended}");
        assert!(ended.report().tasks[0].attempts[0].archived, "{ended}");
        assert_eq!(world.requests("sessions.archive"), 2, "{ended}");
    });
}

#[test]
fn what_was_given_up_is_not_put_away_when_it_has_ended_or_is_to_be_left() {
    let manifest = tasks(2).set("timeouts", "{ task: 200ms, stall: 20s }");
    let world = left_over(&manifest, "duration: 2500ms, outcome: pull-request");
    let ended = world.run().exits(100);
    assert!(ended.stderr.contains("has ended since: COMPLETED"), "{ended}");
    assert!(!world.sessions().iter().any(|session| session.archived));
    assert_eq!(world.run().arg("--failed").exits(0).count(Outcome::Succeeded), 2);
    world.created(2);
    // Somebody wants to see what it does.
    let world = left_over(&manifest, "duration: 10m");
    world.write("jobs.yaml", &manifest.set("defaults", "{ give-up: leave }").to_string());
    world.run().exits(100);
    assert!(!world.sessions().iter().any(|session| session.archived));
}

#[test]
fn what_a_person_has_answered_since_it_was_given_up_is_not_put_away() {
    let manifest = tasks(1).set("waiting", "{ user-feedback: fail }");
    let world =
        left_over(&manifest, "duration: 40ms, outcome: stall, feedback: { times: 1, question: Which one? }");
    let id = world.sessions()[0].id.parse().unwrap();
    world.service().block_on(world.jules().send_message(&id, "The second one.")).unwrap();
    let ended = world.run().exits(100);
    assert!(ended.stderr.contains("was answered since"), "{ended}");
    assert!(!world.sessions()[0].archived);
}

#[test]
fn what_was_given_up_is_put_away_although_its_task_has_left_the_manifest() {
    let timeouts = "{ task: 200ms, stall: 20s }";
    let both = |keys: &[&str]| {
        Manifest::of([job("a", "Do a.", &[]), job("b", "Do b.", keys)]).set("timeouts", timeouts)
    };
    // The job is gone, one of its tasks is, and the job is gone that was to be left alone.
    let cases = [
        (both(&[]), Manifest::of([job("a", "Do a.", &[])]), true),
        (tasks(2).set("timeouts", timeouts), tasks(1), true),
        (both(&["give-up: leave"]), Manifest::of([job("a", "Do a.", &[])]), false),
        (tasks(2).set("timeouts", timeouts), tasks(1).set("defaults", "{ give-up: leave }"), false),
    ];
    at_once(cases, |(before, after, is_archived)| {
        let world = left_over(&before, "duration: 10m");
        let ids: Vec<_> = world.sessions().into_iter().map(|session| session.id).collect();
        world.write("jobs.yaml", &after.set("timeouts", timeouts).to_string());
        world.run().arg("-n").exits(0);
        let ended = world.run().exits(100);
        let is_removed = |id: &str| {
            let tasks = ended.report().tasks;
            let of = |task: &jules_batch::report::TaskV1| {
                task.attempts.iter().any(|attempt| attempt.session.as_ref().is_some_and(|it| it.id == id))
            };
            tasks.iter().any(|task| of(task) && (task.job == "b" || task.id.ends_with("[n=2]")))
        };
        let removed = ids.iter().find(|id| is_removed(id)).unwrap();
        let session = world.sessions().into_iter().find(|session| session.id == *removed).unwrap();
        assert_eq!(session.archived, is_archived, "{ended}");
        let requests = world.statistics().requests.clone();
        let ended = world.run().exits(100);
        assert!(ended.stderr.contains("nothing to do"), "{ended}");
        assert_eq!(world.statistics().requests, requests, "nothing is asked any more");
    });
}

/// Whatever asks for another attempt.
#[test]
fn what_was_given_up_is_put_away_before_another_attempt_and_not_followed_again() {
    at_once(["--fresh", "--failed", "--again job(work)", "due", "--fresh --replace-live"], |flags| {
        let repeat = if flags == "due" { "1ms" } else { "never" };
        let manifest = tasks(1).set("timeouts", "{ task: 400ms, stall: 20s }").set("repeat", repeat);
        let keys = "rules: [{ when: { nth: 1 }, then: { duration: 10m } }], \
            defaults: { duration: 40ms, outcome: change }";
        let world = left_over_by(&manifest, keys);
        let flags = if flags == "due" { "" } else { flags };
        let ended = world.run().args(flags).exits(0);
        let archived: Vec<_> = world.sessions().iter().map(|session| session.archived).collect();
        assert_eq!(archived, [true, false], "{flags}: {ended}");
        world.created(2);
    });
}

/// A live session is being replaced, and the program dies when the archive has taken it, or when its request has left and
/// is not there yet.
fn killed_while_replacing(asked: &str, is_archived: bool) -> World {
    let scenario = "{ rules: [{ when: { nth: 1 }, then: { duration: 10m } }], \
        defaults: { duration: 40ms, outcome: change } }";
    let world = World::with(scenario, &tasks(1));
    world.run().arg("--no-wait").exits(5);
    let has_left = Arc::new(AtomicBool::new(false));
    let sees = Arc::clone(&has_left);
    let stands_still = move |request: &str| {
        while request.contains(":archive ") {
            sees.store(true, Ordering::Relaxed);
            std::thread::park();
        }
    };
    let mut running: Running<'_> = if is_archived {
        world.run_through(move |exchange: &mut Exchange| stands_still(&exchange.request)).args(asked).start()
    } else {
        let url = held(&world.service().url(), stands_still);
        world.command("run").arg("--base-url").arg(url).args(asked).start()
    };
    running.until(|world| has_left.load(Ordering::Relaxed) && world.sessions()[0].archived == is_archived);
    running.kill();
    running.wait();
    world
}

#[test]
fn an_archive_of_ours_is_known_as_ours_although_the_program_died_before_its_answer() {
    at_once(["--fresh --replace-live", "--again job(work) --replace-live"], |flags| {
        for is_archived in [true, false] {
            let world = killed_while_replacing(flags, is_archived);
            let dry = world.run().arg("-n").exits(0);
            assert!(dry.stderr.contains("1 to start"), "{flags}: {dry}");
            let ended = world.run().exits(0);
            assert_eq!(ended.count(Outcome::Succeeded), 1, "{flags}: {ended}");
            let archived: Vec<_> = world.sessions().iter().map(|session| session.archived).collect();
            assert_eq!(archived, [true, false], "{flags}: {ended}");
            world.created(2);
        }
    });
}

#[test]
fn what_was_given_up_keeps_its_outcome_although_the_program_died_before_the_archive_answered() {
    for (retries, sessions, outcome, code) in
        [("{ count: 0 }", 1, Outcome::TimedOut, 100), ("{ count: 1, delay: 20ms }", 2, Outcome::Succeeded, 0)]
    {
        let scenario = "{ rules: [{ when: { nth: 1 }, then: { duration: 10m } }], \
            defaults: { duration: 40ms, outcome: change } }";
        let manifest = tasks(1).set("timeouts", "{ task: 300ms, stall: 20s }").set("retries", retries);
        let world = World::with(scenario, &manifest);
        let stands_still = |exchange: &mut Exchange| {
            while exchange.request.contains(":archive ") {
                std::thread::park();
            }
        };
        let mut running = world.run_through(stands_still).start();
        running.until(|world| world.sessions().first().is_some_and(|session| session.archived));
        running.kill();
        running.wait();
        let ended = world.run().exits(code);
        let task = ended.report().tasks.remove(0);
        assert_eq!((task.outcome, task.attempts[0].archived), (outcome, true), "{ended}");
        assert_eq!(task.attempts[0].outcome, Some(Outcome::TimedOut));
        world.created(sessions);
    }
}
