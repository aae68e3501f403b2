//! Tasks that cannot be run: each is an error of its own, and all others are run.

use jules_batch::outcome::Outcome;

use crate::support::{Manifest, Service, World, job};

const BOTH: &str = "{ sources: [{ repo: my-org/web }, { repo: my-org/api }], \
    defaults: { duration: 40ms, outcome: change } }";
const ONE: &str = "{ sources: [{ repo: my-org/web }], defaults: { duration: 40ms, outcome: change } }";

fn three() -> Manifest {
    Manifest::of([
        job("web", "Do it there.", &["source: my-org/web"]),
        job("api", "Do it there, too.", &["source: my-org/api"]),
        job("think", "Think.", &["needs: [web]"]),
    ])
}

#[test]
fn a_repository_that_is_not_connected_is_one_error() {
    let world = World::with(ONE, &three());
    let ended = world.run().exits(100);
    let (outcome, reason) = ended.outcome("api");
    assert_eq!(outcome, Outcome::Error);
    assert!(reason.contains("`my-org/api` is not connected") && reason.contains("connect it at"), "{reason}");
    assert_eq!((ended.task("api").id, ended.count(Outcome::Succeeded)), ("api/my-org/api".to_owned(), 2));
    world.created(2);
    let ended = world.command("plan").arg("--check").env("JULES_BASE_URL", world.service().url()).exits(1);
    assert!(ended.stdout.contains("api/my-org/api\tmy-org/api\terror: `my-org/api` is not"), "{ended}");

    let connected = Service::start(BOTH);
    let ended = world.command("run").arg("--failed").arg("--base-url").arg(connected.url()).exits(0);
    assert_eq!(connected.statistics().created, 1);
    assert_eq!(ended.outcome("api/my-org/api@main").0, Outcome::Succeeded);
    assert_eq!(ended.outcome("api/my-org/api").0, Outcome::Skipped, "what stood for it has nothing to say");
}

#[test]
fn going_on_uses_what_is_known_of_a_repository_that_is_no_longer_connected() {
    let world = World::with(BOTH, &three());
    world.run().args("--max-tasks 1 -j 1").exits(5);
    let later = Service::start(ONE);
    let ended = world.command("run").arg("--base-url").arg(later.url()).exits(100);
    assert_eq!(ended.report().run.invocations, 2);
    let (outcome, reason) = ended.outcome("api/my-org/api@main");
    assert_eq!(outcome, Outcome::Error);
    assert!(reason.contains("not connected any more"), "{reason}");
    assert_eq!((ended.count(Outcome::Succeeded), ended.report().tasks.len()), (2, 3));
    assert_eq!(later.statistics().created, 1);
}

#[test]
fn an_empty_repository_under_a_pattern_is_one_error() {
    let scenario = "{ sources: [{ repo: my-org/svc-a }, { repo: my-org/svc-b, default-branch: '' }], \
        defaults: { duration: 40ms, outcome: change } }";
    let manifest = Manifest::of([job("all", "Do it.", &["sources: [{ match: 'my-org/svc-*' }]"])]);
    let world = World::with(scenario, &manifest);
    let ended = world.run().exits(100);
    let (outcome, reason) = ended.outcome("all/my-org/svc-b");
    assert_eq!(outcome, Outcome::Error);
    assert!(reason.contains("is it empty?"), "{reason}");
    assert_eq!(ended.outcome("all/my-org/svc-a@main").0, Outcome::Succeeded);
    world.created(1);
}

#[test]
fn a_named_branch_of_a_repository_that_is_not_connected_says_the_way_out() {
    let manifest = Manifest::of([
        job("api", "Do it there.", &["source: my-org/api@main"]),
        job("web", "Do it there.", &["source: my-org/web@main"]),
    ]);
    let world = World::with(ONE, &manifest);
    let ended = world.run().exits(100);
    let (outcome, reason) = ended.outcome("api");
    assert_eq!(outcome, Outcome::Error);
    assert!(reason.contains("connect my-org/api at https://jules.google.com"), "{reason}");
    assert_eq!(ended.outcome("web").0, Outcome::Succeeded);
}
