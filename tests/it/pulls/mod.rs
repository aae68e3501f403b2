//! `pulls`: how pull requests stand after their sessions, and what is done about it, against both halves of the simulator.

mod action;
mod closing;
mod listing;
mod merging;
mod messages;
mod served;

use crate::support::{Manifest, Runner, World, job};

/// Sessions that are done at once, on a GitHub where everything is an hour old when we first look.
const QUICK: &str = "clock: { behind: 1h }
defaults: { duration: 20ms, outcome: pull-request, branch-form: jules, activities: { gap: 10ms } }
";

/// The service's GitHub, and a token for it.
fn with_github<'w>(runner: Runner<'w>, world: &World) -> Runner<'w> {
    let runner = runner.env("JULES_BASE_URL", world.service().url()).env("USER", "ada");
    runner.env("GITHUB_API_URL", world.github_url()).env("GH_TOKEN", "ghp_of-the-tests")
}

/// `jules-batch pulls …`
fn pulls<'w>(world: &'w World, args: &str) -> Runner<'w> {
    with_github(world.command("pulls"), world).args(args)
}

/// A job on these repositories of `my-org`.
fn on(repositories: &[&str]) -> Manifest {
    let sources: Vec<_> = repositories.iter().map(|name| format!("my-org/{name}@main")).collect();
    Manifest::of([job("upgrade", "Upgrade it.", &[&format!("sources: [{}]", sources.join(", "))])])
}

/// A check that has its end at once.
fn check(name: &str, ends: &str) -> String {
    format!("{{ name: {name}, appears: 0s, queued: 0s, lasts: 0s, ends: {ends} }}")
}

/// `my-org/web#12` of the one pull request of that repository.
fn name_in(world: &World, repository: &str) -> String {
    let start = format!("https://github.com/my-org/{repository}/pull/");
    let pulls = world.pull_requests();
    let number = pulls.iter().find_map(|pull| pull.url.strip_prefix(&start)).unwrap();
    format!("my-org/{repository}#{number}")
}

/// A rule for the pull requests of one repository: the keys of `on-github`.
fn rule(repository: &str, then: &str) -> String {
    format!("- {{ when: {{ source: my-org/{repository} }}, then: {{ on-github: {{ {then} }} }} }}\n")
}

/// What must hold whatever was asked for: nothing was merged that was not seen green twice or that somebody else had pushed to, and
/// no two writes were closer than a second.
fn sound(world: &World) {
    let github = world.statistics().github;
    for merge in &github.merges {
        assert!(merge.green_shown >= 2 && merge.pinned, "{merge:?}");
        assert!(merge.touched_by.is_empty() && merge.unmet.is_none(), "{merge:?}");
    }
    assert!(
        github.closest_writes_ms.is_none_or(|closest| closest >= 1_000.0),
        "{:?}",
        github.closest_writes_ms
    );
    assert!(github.messages.iter().all(|messages| messages.count == 1), "{:?}", github.messages);
}

/// The state of a repository's one pull request: OPEN, MERGED or CLOSED.
fn state_in(world: &World, repository: &str) -> String {
    let start = format!("https://github.com/my-org/{repository}/pull/");
    let pulls = world.pull_requests();
    pulls.iter().find(|pull| pull.url.starts_with(&start)).unwrap().state.clone()
}

/// A world in which one session has made a pull request in each of these repositories. `rest` goes on with the scenario.
fn made(repositories: &[&str], rest: &str) -> World {
    let sources: Vec<_> = repositories.iter().map(|name| format!("{{ repo: my-org/{name} }}")).collect();
    let github =
        if rest.contains("github:\n") { "" } else { "github: { repositories: [{ mergeable-after: 0s }] }\n" };
    let scenario = format!("{QUICK}{github}sources: [{}]\n{rest}", sources.join(", "));
    let world = World::with(&scenario, &on(repositories));
    world.run().exits(0);
    world
}
