//! `pull-requests.max-open` and `max-open-per-repository`: never more are open than that, at any moment, by GitHub's own
//! books; what does not fit waits, and is taken up when there is room.

use std::cell::Cell;
use std::collections::BTreeMap;

use jules_batch::outcome::Outcome;

use crate::support::{Manifest, World, at_once, job};

/// Alice merges what is asked for in these words; others need no change, or take long.
const SCENARIO: &str = "
defaults: { duration: 40ms, outcome: pull-request, activities: { gap: 10ms } }
rules:
  - { when: { prompt: 'Nothing*' }, then: { outcome: no-change } }
  - { when: { prompt: 'Long*' }, then: { duration: 7s } }
  - { when: { prompt: 'Soon*' }, then: { on-github: { deeds: [{ does: merge, after: 100ms, by: alice }] } } }
  - { when: { prompt: 'Merged*' }, then: { on-github: { deeds: [{ does: merge, after: 900ms, by: alice }] } } }
";

/// The most that were open or being made at once, in all and in one repository.
#[derive(Debug, Default)]
struct Most {
    all: Cell<usize>,
    in_one: Cell<usize>,
}

impl Most {
    fn look(&self, world: &World) {
        let mut open: BTreeMap<String, usize> = BTreeMap::new();
        for pull in world.pull_requests().iter().filter(|pull| pull.state == "OPEN") {
            *open.entry(pull.url.split('/').skip(3).take(2).collect()).or_default() += 1;
        }
        for session in world.sessions().iter().filter(|it| it.ended_at.is_none() && !it.archived) {
            let source = session.source.as_ref().unwrap();
            *open.entry(source.split('/').skip(2).collect()).or_default() += 1;
        }
        self.all.set(self.all.get().max(open.values().sum()));
        self.in_one.set(self.in_one.get().max(open.values().copied().max().unwrap_or(0)));
    }
}

/// One job whose prompts begin so, on this many repositories.
fn world(words: &str, each: usize, repositories: usize, bounds: &str) -> World {
    let sources: Vec<_> = (1..=repositories).map(|n| format!("my-org/svc-{n}@main")).collect();
    let numbers: Vec<_> = (1..=each).map(|n| n.to_string()).collect();
    let keys =
        [format!("sources: [{}]", sources.join(", ")), format!("matrix: {{ n: [{}] }}", numbers.join(", "))];
    let keys = keys.each_ref().map(String::as_str);
    let job = job("up", &format!("{words} ${{{{ matrix.n }}}}."), &keys);
    World::with(SCENARIO, &Manifest::of([job]).set("pull-requests", bounds))
}

fn printed(world: &World, args: &str) -> usize {
    world.run_following().arg("-n").args(args).exits(0).stdout.lines().count()
}

#[test]
fn what_makes_none_leaves_its_place_to_others_in_the_same_run() {
    let world = world("Nothing", 3, 2, "{ max-open: 2, max-open-per-repository: 1 }");
    assert_eq!(printed(&world, ""), 2);
    let ended = world.run_following().exits(0);
    assert_eq!(ended.count(Outcome::NoChange), 6, "{ended}");
    world.created(6);
}

#[test]
fn what_is_merged_while_the_run_is_at_work_leaves_its_place_to_others() {
    let jobs = [
        job("long", "Long.", &["source: my-org/long@main"]),
        job("up", "Soon ${{ matrix.n }}.", &["source: my-org/web@main", "matrix: { n: [1, 2, 3] }"]),
    ];
    let manifest = Manifest::of(jobs).set("pull-requests", "{ max-open-per-repository: 1 }");
    let world = World::with(SCENARIO, &manifest);
    let most = Most::default();
    let mut run = world.run_following().start();
    run.reaches(|world| {
        most.look(world);
        false
    });
    let ended = run.wait();
    let made = world.pull_requests().iter().filter(|pull| pull.url.contains("my-org/web")).count();
    assert!(made >= 2, "{ended}");
    assert_eq!(most.in_one.get(), 1, "{ended}");
}

#[test]
fn killed_and_begun_again_there_are_never_more_than_may_be() {
    at_once(0..3, |kills| {
        let world = world("Merged", 3, 3, "{ max-open: 4, max-open-per-repository: 2 }");
        let most = Most::default();
        for n in 1..40 {
            let mut run = world.run_following().start();
            run.reaches(|world| {
                most.look(world);
                n <= kills && world.statistics().created >= 2 * n
            });
            if n <= kills {
                run.kill();
            }
            let ended = run.wait();
            if ended.code == Some(0) {
                assert_eq!(ended.count(Outcome::Succeeded), 9, "{ended}");
                break;
            }
            assert!(n < 39 && (n <= kills || ended.code == Some(5)), "{ended}");
            world.until(|world| {
                most.look(world);
                n <= kills || world.pull_states().iter().any(|state| state == "MERGED")
            });
        }
        world.created(9);
        assert!(most.all.get() <= 4 && most.in_one.get() <= 2, "{most:?}");
    });
}

#[test]
fn sessions_that_a_selection_leaves_out_count_as_well() {
    let world = world("Long", 3, 1, "{ max-open-per-repository: 2 }");
    world.run_following().args("--no-wait --max-tasks 2").exits(5);
    world.created(2);
    assert_eq!(printed(&world, "--select up/my-org/svc-1@main[n=3]"), 0);
    let held = world.run_following().arg("--select=up/my-org/svc-1@main[n=3]").exits(5);
    let (outcome, reason) = held.outcome("up/my-org/svc-1@main[n=3]");
    assert_eq!(outcome, Outcome::Deferred, "{held}");
    assert!(reason.contains("has 2 pull requests open or being made"), "{reason}");
    world.created(2);
}

/// Two tasks that take longer than they may, one of which may have a pull request.
fn given_up_and_left() -> World {
    let world = world("Long", 2, 1, "{ max-open: 1 }");
    let manifest = world.read("jobs.yaml");
    let slow = "{ timeouts: { task: 300ms }, give-up: leave }";
    world.write("jobs.yaml", &format!("{manifest}\ndefaults: {slow}\n"));
    world
}

#[test]
fn a_session_that_was_given_up_and_left_counts_as_well() {
    let world = given_up_and_left();
    let most = Most::default();
    let mut run = world.run_following().start();
    run.reaches(|world| {
        most.look(world);
        false
    });
    let ended = run.wait();
    assert_eq!(ended.count(Outcome::TimedOut), 1, "{ended}");
    assert_eq!((ended.count(Outcome::Deferred), most.all.get()), (1, 1), "{ended}");
    world.created(1);
}

#[test]
fn a_session_that_another_run_gave_up_and_left_counts_as_well() {
    let world = given_up_and_left();
    world.run_following().arg("--select=up/my-org/svc-1@main[n=1]").exits(100);
    let held = world.run_following().args("--fresh --select=up/my-org/svc-1@main[n=2]").exits(5);
    let (outcome, reason) = held.outcome("up/my-org/svc-1@main[n=2]");
    assert_eq!(outcome, Outcome::Deferred, "{held}");
    assert!(reason.contains("there is 1 pull request open or being made"), "{reason}");
    world.created(1);
}

#[test]
fn what_others_need_comes_first() {
    let jobs = [
        job("after", "Then.", &["source: my-org/web@main", "needs: [before]"]),
        job("before", "First.", &["source: my-org/web@main"]),
    ];
    let manifest = Manifest::of(jobs).set("pull-requests", "{ max-open: 1 }");
    let world = World::with(SCENARIO, &manifest);
    let dry = world.run_following().arg("-n").exits(0);
    assert!(dry.stdout.starts_with("before/"), "{dry}");
    let ended = world.run_following().exits(5);
    assert_eq!(ended.outcome("before/my-org/web@main").0, Outcome::Succeeded, "{ended}");
    assert_eq!(ended.outcome("after/my-org/web@main").0, Outcome::Deferred, "{ended}");
    world.created(1);
}

#[test]
fn a_later_wave_takes_no_place_from_the_first() {
    let world = world("Do", 1, 8, "{ max-open: 1 }");
    let sources: Vec<_> = (1..=8).map(|n| format!("my-org/svc-{n}@main")).collect();
    let job = job("up", "Do it.", &[&format!("sources: [{}]", sources.join(", "))]);
    let manifest = Manifest::of([job]).set("pull-requests", "{ max-open: 1 }");
    let manifest = manifest.set("strategy", "{ waves: { sizes: [1, 7], pass: { within: 10h, soak: 1h } } }");
    world.write("jobs.yaml", &manifest.to_string());
    // By the hash of its name another repository than the manifest's first is in the first wave.
    let dry = world.run_following().arg("-n").exits(0);
    assert!(dry.stdout.starts_with("up/my-org/svc-2@main"), "{dry}");
    world.run_following().exits(5);
    world.created(1);
}

#[test]
fn pull_requests_that_a_lost_ledger_does_not_know_count() {
    let world = world("Do", 2, 1, "{ max-open: 2 }");
    world.run_following().exits(0);
    world.lose_the_ledger();
    let third = job("up", "Do ${{ matrix.n }}.", &["source: my-org/svc-1@main", "matrix: { n: [1, 2, 3] }"]);
    let manifest = Manifest::of([third]).set("pull-requests", "{ max-open: 2 }");
    let manifest = manifest.set("create", "{ looks: 3, look-delay: 40ms, adopt-within: 1ms }");
    world.write("jobs.yaml", &manifest.to_string());
    assert_eq!(printed(&world, ""), 0);
    let ended = world.run_following().exits(5);
    assert_eq!(ended.count(Outcome::Succeeded), 2, "{ended}");
    world.created(2);
}
