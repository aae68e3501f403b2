//! `strategy.max-parallel-per-repository`, judged by what the service saw.

use std::collections::BTreeMap;

use jules_batch::outcome::Outcome;
use jules_simulator::SessionView;

use crate::support::{Manifest, World, job};

const SLOW: &str = "{ defaults: { duration: 600ms, outcome: change } }";

/// Three tasks on each of two repositories, one of them in two spellings.
fn two_repositories(strategy: &str) -> Manifest {
    let sources = "sources: [my-org/web@main, my-org/api@main]";
    let matrix = "matrix: { n: [1, 2, 3] }";
    let other = "source: { github: My-Org/WEB, branch: next }";
    let jobs = [job("work", "Do ${{ matrix.n }}.", &[sources, matrix]), job("more", "Do more.", &[other])];
    Manifest::of(jobs).set("strategy", strategy)
}

/// The most sessions that were live at once in each repository.
fn most_at_once(sessions: &[SessionView]) -> BTreeMap<String, usize> {
    let mut most = BTreeMap::new();
    for one in sessions {
        let name = |view: &SessionView| view.source.clone().unwrap_or_default().to_lowercase();
        let with = |other: &&SessionView| {
            name(other) == name(one)
                && other.created_at <= one.created_at
                && other.ended_at.is_none_or(|end| end > one.created_at)
        };
        let count = sessions.iter().filter(with).count();
        most.entry(name(one)).and_modify(|most: &mut usize| *most = count.max(*most)).or_insert(count);
    }
    most
}

#[test]
fn a_repository_has_one_session_at_a_time_and_the_others_do_not_wait() {
    let world = World::with(SLOW, &two_repositories("{ max-parallel: 4, max-parallel-per-repository: 1 }"));
    let ended = world.run().args("--heartbeat 100ms").exits(0);
    world.created(7);
    let most = most_at_once(&world.sessions());
    let names = ["sources/github/my-org/api", "sources/github/my-org/web"];
    assert_eq!(most, names.map(|name| (name.to_owned(), 1)).into());
    assert_eq!(world.statistics().live_max, 2, "both repositories at once");
    let told = "tasks wait for a place on my-org/web, my-org/api: `max-parallel-per-repository` is 1";
    assert!(ended.stderr.contains(told), "{ended}");
}

#[test]
fn what_another_run_has_left_live_counts_as_well() {
    let world = World::new(
        "{ rules: [{ when: { prompt: Before }, then: { duration: 1500ms, outcome: change } }], \
        defaults: { duration: 50ms, outcome: change } }",
    );
    let before = Manifest::of([job("before", "Before.", &["source: my-org/web@main"])]);
    world.write("before.yaml", &before.to_string().replace("name: test", "name: before"));
    let manifest = two_repositories("{ max-parallel: 4, max-parallel-per-repository: 1 }");
    world.write("jobs.yaml", &manifest.to_string());
    world.run().args("before.yaml --no-wait").exits(5);
    let totals = world.run().exits(0).report().totals;
    assert_eq!(totals.succeeded, 7);
    let sessions = world.sessions();
    assert_eq!(most_at_once(&sessions).into_values().max(), Some(1));
    let ended = sessions[0].ended_at.unwrap();
    let early = sessions.iter().filter(|session| session.created_at < ended).count();
    assert!(early >= 2, "the other repository did not wait");
}

#[test]
fn a_dry_run_with_max_tasks_names_what_is_started() {
    let strategy = "{ max-parallel: 2, max-parallel-per-repository: 1, max-tasks: 2 }";
    let world = World::with(SLOW, &two_repositories(strategy));
    let shown = world.run().arg("-n").exits(0).stdout;
    let report = world.run().exits(5).report();
    let started: Vec<_> =
        report.tasks.iter().filter(|task| task.outcome == Outcome::Succeeded).map(|task| &*task.id).collect();
    assert_eq!(started, ["work/my-org/web@main[n=1]", "work/my-org/api@main[n=1]"]);
    for task in &report.tasks {
        assert_eq!(shown.contains(&*task.id), started.contains(&&*task.id), "{}: {shown}", task.id);
    }
}
