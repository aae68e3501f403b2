//! `mark`: a person's word on tasks.

use jules_batch::outcome::Outcome;

use crate::support::{Manifest, World, job};

/// Of `a`, `b` and `c` the second fails.
fn world() -> World {
    let scenario = "{ rules: [{ when: { prompt: 'Do b.', nth: 1 }, then: { outcome: failure } }], \
        defaults: { duration: 40ms, outcome: change } }";
    let jobs = ["a", "b", "c"].map(|id| job(id, &format!("Do {id}."), &[]));
    World::with(scenario, &Manifest::of(jobs))
}

#[test]
fn what_a_person_says_counts_and_stands_in_every_report() {
    let world = world();
    world.run().exits(100);
    let marked =
        world.command("mark").args("done job(b) --reason merged-by-hand").env("USER", "ada").exits(0);
    assert_eq!(marked.stdout, "b\n");
    let ended = world.run().exits(0);
    let (outcome, reason) = ended.outcome("b");
    assert_eq!((outcome, &*reason), (Outcome::Succeeded, "marked done by ada: merged-by-hand"));
    let word = ended.task("b").marked.unwrap();
    assert_eq!((&*word.mark, &*word.by, word.reason.as_deref()), ("done", "ada", Some("merged-by-hand")));
    for report in ["junit.xml", "summary.md", "report.html", "report.ctrf.json", "events.jsonl"] {
        assert!(world.read(&format!("jules-report/{report}")).contains("merged-by-hand"), "{report}");
    }
    world.created(3);
}

#[test]
fn what_is_marked_skip_waits_until_it_is_marked_open() {
    let world = world();
    world.command("mark").args("skip job(a)|job(b)").exits(0);
    let ended = world.run().exits(0);
    assert_eq!((ended.outcome("a").0, ended.outcome("c").0), (Outcome::Skipped, Outcome::Succeeded));
    world.created(1);
    world.run().exits(0);
    world.created(1);
    world.command("mark").args("open job(a)|job(c)").exits(0);
    let ended = world.run().exits(0);
    assert_eq!(ended.count(Outcome::Succeeded), 2);
    world.created(3);
}

#[test]
fn nobody_marks_while_a_run_is_at_work() {
    let world = world();
    let mut running = world.run().start();
    running.until(|world| world.statistics().created > 0);
    let refused = world.command("mark").args("done job(b)").start().wait();
    assert!(refused.code == Some(110) || running.wait().code.is_some(), "{refused}");
}

#[test]
fn a_source_without_a_branch_is_marked_without_a_key_once_a_run_has_told_the_branch() {
    let scenario = "{ sources: [{ repo: my-org/web, default-branch: trunk }], \
        defaults: { duration: 20ms, outcome: failure } }";
    let world = World::with(scenario, &Manifest::of([job("a", "Do a.", &["source: my-org/web"])]));
    let mark = || world.command("mark").args("done job(a)").without_env("JULES_API_KEY");
    let unknown = mark().exits(6);
    assert!(
        unknown.stderr.contains("JULES_API_KEY") && unknown.stderr.contains("that names none"),
        "{unknown}"
    );
    world.run().exits(100);
    let listed = world.requests("sources.list");
    assert_eq!(mark().exits(0).stdout, "a/my-org/web@trunk\n");
    assert_eq!(world.requests("sources.list"), listed, "nobody was asked");
    assert_eq!(world.run().exits(0).outcome("a/my-org/web@trunk").0, Outcome::Succeeded);
}
