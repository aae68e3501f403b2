//! Waves of repositories: the next one begins when the one before has passed, and a person decides what has not.

use jules_batch::outcome::Outcome;
use jules_batch::report::ReportV1;

use crate::support::{Ended, Manifest, Runner, World, job};

/// Sessions that are done at once, on a GitHub where everything is an hour old when we first look. What is asked for in the
/// old words fails its checks, or fails itself. In the many, alice merges what is ready.
const SCENARIO: &str = "
clock: { behind: 1h }
sources: [{ repo: 'my-org/svc-{n}', count: 8 }, { repo: 'my-org/many-{n}', count: 52 }]
github: { repositories: [{ mergeable-after: 0s }] }
defaults:
  duration: 20ms
  outcome: pull-request
  branch-form: jules
  activities: { gap: 10ms }
  on-github: { checks: [{ name: build, appears: 0s, queued: 0s, lasts: 0s, ends: success }] }
rules:
  - { when: { prompt: 'Old words' }, then: { on-github: { checks: [{ name: build, appears: 0s, queued: 0s, lasts: 0s, ends: failure }] } } }
  - { when: { prompt: 'Bad words' }, then: { outcome: failure } }
  - when: { source: 'my-org/many-*' }
    then:
      on-github:
        checks: [{ name: build, appears: 0s, queued: 0s, lasts: 0s, ends: success }]
        deeds: [{ does: merge, after: 3s, by: alice }]
";

fn manifest(count: usize, waves: &str, prompt: &str) -> Manifest {
    let name =
        |n| if n <= 8 { format!("my-org/svc-{n}@main") } else { format!("my-org/many-{}@main", n - 8) };
    let sources: Vec<_> = (1..=count).map(name).collect();
    let job = job("up", prompt, &[&format!("sources: [{}]", sources.join(", "))]);
    Manifest::of([job]).set("strategy", &format!("{{ max-parallel: 16, waves: {waves} }}"))
}

fn world(count: usize, waves: &str, prompt: &str) -> World {
    World::with(SCENARIO, &manifest(count, waves, prompt))
}

/// How many of its tasks the report has as succeeded, and as deferred.
fn counts(report: &ReportV1) -> (usize, usize) {
    let of = |outcome| report.tasks.iter().filter(|task| task.outcome == outcome).count();
    (of(Outcome::Succeeded), of(Outcome::Deferred))
}

fn pulls<'w>(world: &'w World, args: &str) -> Runner<'w> {
    let runner = world.command("pulls").env("JULES_BASE_URL", world.service().url()).env("USER", "ada");
    runner.env("GITHUB_API_URL", world.github_url()).env("GH_TOKEN", "any-token").args(args)
}

/// Why the first deferred task of the report was not started.
fn why(ended: &Ended<'_>) -> String {
    let report = ended.report();
    let held = report.tasks.into_iter().find(|task| task.outcome == Outcome::Deferred).unwrap();
    held.reason.unwrap_or_default()
}

#[test]
fn a_wave_that_passes_lets_the_next_one_begin_in_the_same_run() {
    let world = world(6, "{ sizes: [1, 2, 3], order: manifest }", "New words");
    let ended = world.run().exits(0);
    assert_eq!(counts(&ended.report()), (6, 0));
    assert!(ended.stderr.contains("wave 2 begins: wave 1 has passed"), "{ended}");
    let report = ended.report();
    let started = |task: usize| report.tasks[task].started_at.unwrap();
    assert!((1..6).all(|task| started(0) < started(task)), "the canary comes first");
    assert!((3..6).all(|task| started(1).max(started(2)) < started(task)));
    world.run().exits(0);
    world.created(6);
}

#[test]
fn a_wave_that_fails_holds_the_others_until_a_person_says_so() {
    let world = world(6, "{ sizes: [2, 4], order: manifest }", "Bad words");
    let dry = world.run().arg("-n").exits(0);
    assert!(dry.stderr.contains("4 in later waves, 2 to start"), "{dry}");
    assert_eq!(dry.stdout.lines().filter(|line| line.contains("up/my-org")).count(), 2, "{dry}");
    let ended = world.run().exits(100);
    let told = "not started: it is in wave 2, and wave 1 has failed: 0 good, 2 bad, 0 open, 2 needed";
    assert!(why(&ended).starts_with(told), "{}", why(&ended));
    world.created(2);
    let idle = world.run().exits(100);
    assert!(idle.stderr.contains("nothing to do") && idle.stderr.contains("4 in later waves"), "{idle}");
    // What is to be repaired, and how.
    for told in [
        "wave 1 waits for:",
        "up/my-org/svc-1@main  failed",
        "run jobs.yaml --failed",
        "run jobs.yaml --next-wave",
    ] {
        assert!(ended.stderr.contains(told) && idle.stderr.contains(told), "{told}: {idle}");
    }
    assert!(!idle.stderr.contains("--again"), "{idle}");
    world.created(2);
    // A person's word, and it stays so.
    world.write("jobs.yaml", &manifest(6, "{ sizes: [2, 4], order: manifest }", "New words").to_string());
    let next = world.run().arg("--next-wave").exits(100);
    assert_eq!(counts(&next.report()), (4, 0));
    world.created(6);
    assert!(world.run().arg("--next-wave").exits(2).stderr.contains("no wave waits"));
    // What failed is done again with other words.
    assert_eq!(counts(&world.run().arg("--failed").exits(0).report()), (6, 0));
    world.created(8);
}

#[test]
fn a_selection_of_a_later_wave_waits_for_the_first() {
    let world = world(4, "{ sizes: [1, 3], order: manifest }", "New words");
    let first = "it is in wave 2, and wave 1 comes first: 0 good, 0 bad, 1 open, 1 needed";
    let planned = world.command("plan").exits(0).stdout;
    assert_eq!(planned.lines().filter(|line| line.ends_with(first)).count(), 3, "{planned}");
    let held = world.run().args("--select source(my-org/svc-3)").exits(5);
    assert!(why(&held).contains(first), "{}", why(&held));
    world.created(0);
    world.run().args("--select source(my-org/svc-1)").exits(5);
    world.created(1);
    let chosen = world.run().args("--select source(my-org/svc-3)").exits(0);
    assert_eq!(counts(&chosen.report()), (2, 0), "{chosen}");
    world.created(2);
}

#[test]
fn tasks_and_pull_requests_are_selected_by_wave() {
    let waves = "{ sizes: [1, 2, 3], order: manifest }";
    let world = world(6, waves, "New words");
    let repositories = |printed: &Ended<'_>| -> Vec<usize> {
        let of = |line: &str| (1..=8).find(|n| line.contains(&format!("my-org/svc-{n}")));
        let mut found: Vec<_> = printed.stdout.lines().filter_map(of).collect();
        found.sort_unstable();
        found
    };
    let planned =
        |expression: &str| repositories(&world.command("plan").args("--select").arg(expression).exits(0));
    // As they will be, before a run has fixed them.
    assert_eq!(planned("wave(2)"), [2, 3]);
    assert_eq!(planned("wave(3) - my-org/svc-4 | wave(1)"), [1, 5, 6]);
    assert_eq!(world.command("plan").args("--exclude wave(3)").exits(0).stdout.lines().count(), 3);
    world.command("plan").args("--select wave(4)").exits(4);
    world.run_following().args("--select wave(2)").exits(5);
    world.created(0);
    let dry = world.run_following().args("-n --select wave(1)").exits(0);
    assert_eq!(repositories(&dry), [1], "{dry}");
    world.run_following().args("--select wave(1)").exits(5);
    world.run_following().args("--select wave(2)").exits(0);
    world.created(3);
    // As they are, whatever the manifest says since.
    world.write("jobs.yaml", &manifest(7, "{ sizes: [6, 1], order: manifest }", "New words").to_string());
    assert_eq!(planned("wave(2)"), [2, 3]);
    assert_eq!(planned("wave(3)"), [4, 5, 6, 7], "the new one joins the last that has begun");
    assert_eq!(repositories(&pulls(&world, "--select wave(2)").exits(0)), [2, 3]);
    assert_eq!(repositories(&pulls(&world, "--select !wave(2)").exits(0)), [1]);
    let marked = world.command("mark").arg("skip").arg("wave(3) - my-org/svc-4").exits(0);
    assert_eq!(repositories(&marked), [5, 6, 7], "{marked}");
    world.run_following().exits(0);
    world.created(4);
}

#[test]
fn a_wave_that_nobody_can_tell_is_refused() {
    let world =
        World::with(SCENARIO, &Manifest::of([job("up", "New words", &["source: my-org/svc-1@main"])]));
    let none = world.command("plan").args("--select wave(1)").exits(2);
    assert!(none.stderr.contains("the manifest has no waves"), "{none}");
    let none = world.run().args("--exclude !wave(1)").exits(2);
    assert!(none.stderr.contains("the manifest has no waves"), "{none}");
    let found = job("up", "New words", &["sources: [my-org/svc-1@main, { match: my-org/svc-* }]"]);
    let found = Manifest::of([found]).set("strategy", "{ waves: { sizes: [1, 2, 100%], order: manifest } }");
    world.write("jobs.yaml", &found.to_string());
    let open = world.command("plan").args("--select wave(2)").exits(2);
    assert!(open.stderr.contains("is not known yet") && open.stderr.contains("plan --check"), "{open}");
    world.run().args("--select wave(2)").exits(5);
    world.created(0);
}

#[test]
fn a_wave_asks_when_it_is_told_to_and_new_repositories_join_the_open_one() {
    let waves = "{ sizes: [1, 9], order: manifest, then: ask }";
    let world = world(2, waves, "New words");
    let held = world.run().exits(5);
    assert!(why(&held).ends_with("wave 1 has passed; a person has to let the next begin: `run --next-wave`"));
    world.write("jobs.yaml", &manifest(3, waves, "New words").to_string());
    // The third repository joins the first wave, which has begun.
    assert_eq!(counts(&world.run().exits(5).report()), (2, 1));
    assert_eq!(counts(&world.run().arg("--next-wave").exits(0).report()), (3, 0));
}

#[test]
fn checks_that_come_to_an_end_are_waited_for_although_a_person_is_asked_after_them() {
    let scenario = "
speed: 600
sources: [{ repo: 'my-org/svc-{n}', count: 2 }]
defaults:
  duration: 1m
  outcome: pull-request
  on-github: { checks: [{ name: build, appears: 10s, lasts: 10m, ends: success }] }
";
    let waves = "{ sizes: [1, 1], order: manifest, pass: { when: checks }, then: ask }";
    let timeouts = "{ task: 2h, stall: 1h, settle: 1m, request: 20s }";
    let world = World::with("{}", &manifest(2, waves, "New words").set("timeouts", timeouts));
    world.write("checks.yaml", scenario);
    let asked = world.command("run").arg("--simulate=checks.yaml").exits(5);
    assert!(why(&asked).contains("wave 1 has passed; a person has to let the next begin"), "{asked}");
    assert_eq!(counts(&asked.report()), (1, 1));
}

#[test]
fn waves_that_pass_by_checks_need_a_token_and_no_shards() {
    let world = world(3, "{ sizes: [1, 100%], pass: { when: checks } }", "New words");
    let blind = world.run().exits(6);
    assert!(blind.stderr.contains("`strategy.waves.pass.when`"), "{blind}");
    let shard = world.run_following().args("--shard 1/2").exits(2);
    assert!(shard.stderr.contains("cannot be divided into shards"), "{shard}");
    world.created(0);
    let ended = world.run_following().exits(0);
    assert_eq!(counts(&ended.report()), (3, 0), "{ended}");
    world.created(3);
}

#[test]
fn sixty_repositories_in_three_waves_with_a_canary_that_fails_end_with_all_merged() {
    let waves = "{ sizes: [2, 10%, 100%], order: manifest, pass: { when: merged, min-success: 100% } }";
    let world = world(60, waves, "Old words");
    let stopped = world.run_following().exits(5);
    assert_eq!(counts(&stopped.report()), (2, 58));
    assert!(why(&stopped).contains("wave 1 is at work: 0 good, 0 bad, 2 open, 2 needed"), "{stopped}");
    world.created(2);
    let idle = world.run_following().exits(5);
    let asks = "pulls message 'Please repair the failing checks.' --with-failed-checks --select 'wave(1) & stage(checks-failed)'";
    assert!(idle.stderr.contains("nothing to do: 2 done") && idle.stderr.contains(asks), "{idle}");
    assert!(idle.stderr.contains("pulls list --select 'wave(1)'"), "{idle}");
    assert_eq!(idle.stderr.lines().filter(|line| line.ends_with("  checks failed")).count(), 2, "{idle}");
    // The canaries' checks have failed: away with them, and other words.
    pulls(&world, "close --select stage(checks-failed) --yes").exits(0);
    world.write("jobs.yaml", &manifest(60, waves, "New words").to_string());
    let failed = world.run_following().exits(5);
    assert!(why(&failed).contains("wave 1 has failed: 0 good, 2 bad, 0 open, 2 needed"), "{failed}");
    assert_eq!(counts(&world.run_following().arg("--redo-edited").exits(5).report()), (2, 58));
    world.created(4);
    let merge = || pulls(&world, "merge --select stage(ready) --yes --settle 100ms --delete-branch=false");
    merge().exits(0);
    assert_eq!(counts(&world.run_following().exits(5).report()), (8, 52));
    merge().exits(0);
    assert_eq!(counts(&world.run_following().exits(0).report()), (60, 0));
    world.until(|world| world.pull_states().iter().filter(|state| *state == "OPEN").count() == 0);
    let merged = world.pull_states().iter().filter(|state| *state == "MERGED").count();
    assert_eq!((merged, world.pull_requests().len()), (60, 62));
    let status = world.command("status").exits(0).stdout;
    assert!(status.contains("wave 2: 6 repositories, passed: 6 good, 0 bad, 0 open, 6 needed"), "{status}");
    let report = world.run_following().exits(0).report();
    assert_eq!(report.waves.iter().map(|wave| wave.repositories.len()).collect::<Vec<_>>(), [2, 6, 52]);
    assert!(world.read("jules-report/report.html").contains("id=\"waves-title\""));
    assert!(world.read("jules-report/summary.md").contains("| 3 | 52 | "));
    world.created(62);
}
