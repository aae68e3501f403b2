//! What a run tells of its pull requests, and what it costs when GitHub does not tell.

use jules_batch::outcome::{Outcome, PullState, Stage};
use jules_batch::report::from_json;

use crate::support::{Ended, Manifest, World, job};

/// Two repositories; the sources of two owners.
fn manifest() -> Manifest {
    Manifest::of([job("up", "Do it.", &["sources: [my-org/web@main, other/api@main]"])])
}

fn scenario(more: &str) -> String {
    format!(
        "{{ defaults: {{ duration: 40ms, outcome: pull-request{more} }}, github: {{ tokens: [\
        {{ token: any-token }}, {{ token: mine, kind: fine-grained, owners: [my-org] }}], \
         repositories: [{{ match: 'other/*', private: true }}] }} }}"
    )
}

/// State and stage of each pull request, as the report has them.
fn stands(ended: &Ended<'_>) -> Vec<(Option<PullState>, Option<Stage>)> {
    let tasks = ended.report().tasks;
    tasks.iter().filter_map(|task| task.pull_request.as_ref()).map(|pull| (pull.state, pull.stage)).collect()
}

const WORKING: (Option<PullState>, Option<Stage>) = (Some(PullState::Open), Some(Stage::Working));

#[test]
fn pull_requests_are_read_at_the_end_and_at_the_start_of_the_next_run() {
    let merged = ", on-github: { deeds: [{ does: merge, after: 500ms, by: alice }] }";
    let world = World::with(&scenario(merged), &manifest());
    let ended = world.run_following().exits(0);
    assert_eq!(stands(&ended), [WORKING, WORKING], "{ended}");
    let report = ended.report();
    let asked = report.api.github.unwrap();
    assert_eq!((asked.points, asked.writes), (1, 0), "{ended}");
    world.until(|world| world.pull_states() == ["MERGED", "MERGED"]);
    // There is nothing to do, and what became of the work is told all the same.
    let ended = world.run_following().exits(0);
    let merged = (Some(PullState::Merged), Some(Stage::Merged));
    assert_eq!(stands(&ended), [merged, merged], "{ended}");
    assert!(ended.stderr.contains("nothing to do: 2 done"), "{ended}");
    world.created(2);
    // A merge is for ever.
    let paid = world.statistics().github.points;
    world.run_following().exits(0);
    assert_eq!(world.statistics().github.points, paid);
}

#[test]
fn those_of_earlier_rounds_are_read_as_well() {
    let closed = ", on-github: { deeds: [{ does: close, after: 300ms, by: alice }] }";
    let world = World::with(&scenario(closed), &manifest().set("repeat", "1ms"));
    world.run_following().exits(0);
    let first = from_json(&world.read("jules-report/report.json")).unwrap().run.id;
    world.until(|world| world.pull_states() == ["CLOSED", "CLOSED"]);
    let ended = world.run_following().exits(0);
    assert_eq!(ended.count(Outcome::Skipped), 2, "{ended}");
    let told = world.command("status").arg(&first).args("--format json").exits(0);
    let report = from_json(&told.stdout).unwrap();
    let closed_by = report.tasks.iter().map(|task| task.pull_request.as_ref().unwrap());
    let closed_by: Vec<_> = closed_by.map(|pull| (pull.state, pull.closed_by.as_deref())).collect();
    assert_eq!(closed_by, [(Some(PullState::Closed), Some("alice")); 2], "{told}");
}

#[test]
fn without_a_token_one_line_says_so_where_there_is_something_to_read() {
    let world = World::with(&scenario(""), &manifest());
    let ended = world.run().exits(0);
    assert!(!ended.stderr.contains("GitHub"), "{ended}");
    let ended = world.run().exits(0);
    let line = "nobody looks what became of 2 pull requests: no token for GitHub is set";
    assert_eq!(ended.stderr.matches(line).count(), 1, "{ended}");
    assert_eq!(world.statistics().github.points, 0);
    let world = World::with("{ defaults: { duration: 40ms, outcome: change } }", &manifest());
    world.run().exits(0);
    assert!(!world.run().exits(0).stderr.contains("GitHub"));
}

#[test]
fn what_a_token_does_not_reach_is_said_once_for_each_owner() {
    let world = World::with(&scenario(""), &manifest());
    let limited = || world.run_following().env("GH_TOKEN", "mine");
    let ended = limited().exits(0);
    assert_eq!(stands(&ended), [WORKING, (Some(PullState::Unknown), Some(Stage::Unknown))], "{ended}");
    assert_eq!(ended.stderr.matches("1 pull request of other cannot be read").count(), 1, "{ended}");
    let refused = world.run_following().env("GH_TOKEN", "made-up").exits(0);
    assert!(refused.stderr.contains("GitHub refuses the token"), "{refused}");
    assert!(!refused.stderr.contains("made-up"), "{refused}");
}

#[test]
fn a_github_that_does_not_answer_costs_a_line_and_no_outcome() {
    let world = World::with(&scenario(""), &manifest());
    let nobody = || world.run().env("GH_TOKEN", "any-token").env("GITHUB_API_URL", "http://127.0.0.1:9");
    for _ in 0..2 {
        let ended = nobody().exits(0);
        assert_eq!(
            ended.stderr.matches("GitHub does not tell how 2 pull requests stand").count(),
            1,
            "{ended}"
        );
        assert_eq!(stands(&ended), [(None, None); 2], "{ended}");
    }
    // What was read before stands.
    world.run_following().exits(0);
    assert_eq!(stands(&nobody().exits(0)), [WORKING, WORKING]);
}

#[test]
fn a_rehearsal_follows_its_own_pull_requests_with_no_token_of_the_user() {
    let world = World::new("{}");
    world.write("jobs.yaml", "version: 1\njobs: [{ id: up, prompt: Do it., source: my-org/web@main }]\n");
    let scenario = "speed: 600\ndefaults: { duration: 1m, outcome: pull-request }\n";
    world.write("sc.yaml", scenario);
    let rehearse = || {
        let run = world.command("run").arg("--simulate=sc.yaml").env("GH_TOKEN", "the-users-own");
        run.env("GITHUB_API_URL", world.github_url())
    };
    let ended = rehearse().exits(0);
    assert!(stands(&ended).iter().all(|(state, _)| *state == Some(PullState::Open)), "{ended}");
    let ended = rehearse().exits(0);
    assert!(stands(&ended).iter().all(|(state, _)| *state == Some(PullState::Open)), "{ended}");
    assert_eq!(world.statistics().github.points, 0);
}
