//! What a task does whose pull request of an earlier run is known: the table. What `-n` prints is what starts.

use jules_batch::outcome::{Outcome, PullState};

use crate::support::{Manifest, Runner, World, at_once, job};

/// The settings that the table has a column for.
const SETTINGS: [&str; 3] =
    ["", "{ open: skip, closed: again, merged: skip }", "{ open: again, closed: skip, merged: adopt }"];

/// How the pull request stands at the second run, and what becomes of the task: `exit 6` where nothing may begin.
const TABLE: [(&str, [&str; 3]); 8] = [
    ("none", ["start", "start", "start"]),
    ("open", ["adopt", "skip", "start"]),
    ("closed", ["skip", "start", "skip"]),
    ("merged", ["start", "skip", "adopt"]),
    // What cannot be read may be open, and what does not name its session is open all the same.
    ("unknown", ["skip", "skip", "skip"]),
    ("refused", ["skip", "exit 6", "exit 6"]),
    ("foreign", ["skip", "skip", "start"]),
    ("no token", ["start", "exit 6", "exit 6"]),
];

fn scenario(state: &str) -> String {
    let outcome = if state == "none" { "change" } else { "pull-request" };
    let deed = match state {
        "closed" => "{ does: close, after: 200ms, by: alice }",
        "merged" => "{ does: merge, after: 200ms, by: alice }",
        _ => "",
    };
    let form = if state == "foreign" { "branch-form: without-id," } else { "" };
    let footer = state != "foreign";
    format!(
        "{{ defaults: {{ duration: 40ms, outcome: {outcome}, {form} \
         on-github: {{ footer: {footer}, deeds: [{deed}] }} }}, github: {{ \
         tokens: [{{ token: any-token }}, {{ token: others, kind: fine-grained, owners: [other] }}], \
         repositories: [{{ match: '*/*', private: true }}] }} }}"
    )
}

/// A night's manifest: the task is due again at once.
fn manifest(existing: &str) -> Manifest {
    let manifest = Manifest::of([job("up", "Do it.", &["source: my-org/web@main"])]).set("repeat", "1ms");
    match existing {
        "" => manifest,
        existing => manifest.set("pull-requests", &format!("{{ existing: {existing} }}")),
    }
}

/// A world after the first night.
fn after(state: &str, existing: &str) -> World {
    let world = World::with(&scenario(state), &manifest(""));
    if state == "no token" { world.run() } else { world.run_following() }.exits(0);
    let wanted = match state {
        "none" => vec![],
        "closed" => vec!["CLOSED"],
        "merged" => vec!["MERGED"],
        _ => vec!["OPEN"],
    };
    world.until(|world| world.pull_states() == wanted);
    world.write("jobs.yaml", &manifest(existing).to_string());
    world
}

fn night<'w>(world: &'w World, state: &str) -> Runner<'w> {
    match state {
        "no token" => world.run(),
        "unknown" => world.run_following().env("GH_TOKEN", "others"),
        "refused" => world.run_following().env("GH_TOKEN", "not-one-of-them"),
        _ => world.run_following(),
    }
}

#[test]
fn what_an_earlier_pull_request_means_is_a_table_and_what_a_dry_run_prints() {
    let cells = TABLE.into_iter().flat_map(|(state, row)| {
        SETTINGS.into_iter().zip(row).map(move |(existing, expected)| (state, existing, expected))
    });
    at_once(cells, |(state, existing, expected)| check(state, existing, expected));
}

fn check(state: &str, existing: &str, expected: &str) {
    let cell = format!("{state}, existing: {existing}");
    let world = after(state, existing);
    let code = if expected == "exit 6" { 6 } else { 0 };
    let foretold = night(&world, state).arg("-n").exits(code);
    let starts = foretold.stdout.lines().count();
    assert_eq!(starts, usize::from(expected == "start"), "printed: {cell}: {foretold}");
    let ended = night(&world, state).exits(code);
    let sessions = 1 + u64::from(expected == "start");
    assert_eq!(world.statistics().created, sessions, "started: {cell}: {ended}");
    match expected {
        "adopt" => {
            let task = ended.task("up/my-org/web@main");
            assert_eq!((task.outcome, task.adopted), (Outcome::Succeeded, true), "{cell}");
            let pull = task.pull_request.unwrap();
            assert_eq!(pull.url, world.pull_requests()[0].url, "{cell}");
            assert!(foretold.stderr.contains("1 with an open pull request"), "{foretold}");
        }
        "skip" => {
            let (outcome, reason) = ended.outcome("up/my-org/web@main");
            assert_eq!(outcome, Outcome::Skipped, "{cell}");
            assert!(reason.contains("once more: run --recreate 'job(up)&source(my-org/web)'"), "{reason}");
            assert!(state != "closed" || reason.contains("was closed by alice on 20"), "{reason}");
        }
        "exit 6" if state == "refused" => {
            assert!(ended.stderr.contains("and GitHub refuses the token"), "{ended}");
        }
        "exit 6" => assert!(ended.stderr.contains("no token for GitHub is set"), "{ended}"),
        _ => {}
    }
    // Once more, in the same night or a new one, nothing is created beside it either.
    if matches!(expected, "adopt" | "skip") {
        night(&world, state).exits(0);
        assert_eq!(world.statistics().created, 1, "{cell}");
    }
}

#[test]
fn what_was_skipped_or_adopted_is_done_once_more_when_it_is_told_to_be() {
    let world = after("closed", "");
    world.run_following().exits(0);
    world.run_following().arg("--recreate=job(up)").arg("--yes").exits(0);
    assert_eq!(world.statistics().created, 2);
    let world = after("open", "");
    world.run_following().args("--fresh --yes").exits(0);
    world.run_following().arg("--again=job(up)").arg("--yes").exits(0);
    assert_eq!(world.statistics().created, 1, "never a second one beside an open one");
    world.run_following().arg("--recreate=job(up)").arg("--yes").exits(0);
    assert_eq!(world.statistics().created, 2);
}

#[test]
fn what_was_closed_and_opened_again_is_open() {
    let deeds = "{ does: close, after: 200ms, by: alice }, { does: reopen, after: 8s, by: alice }";
    let scenario = format!(
        "{{ defaults: {{ duration: 40ms, outcome: pull-request, on-github: {{ deeds: [{deeds}] }} }} }}"
    );
    let world = World::with(&scenario, &manifest(""));
    world.run_following().exits(0);
    world.until(|world| world.pull_states() == ["CLOSED"]);
    world.run_following().exits(0);
    world.until(|world| world.pull_states() == ["OPEN"]);
    let listed =
        world.command("pulls").env("GITHUB_API_URL", world.github_url()).env("GH_TOKEN", "any-token");
    let listed = listed.exits(0);
    assert!(listed.stdout.contains("my-org/web#"), "{listed}");
    assert!(
        listed.stderr.contains("1 pull request is open") && !listed.stderr.contains("closed"),
        "{listed}"
    );
    let ended = world.run_following().exits(0);
    assert!(ended.task("up/my-org/web@main").adopted, "{ended}");
    assert_eq!(world.statistics().created, 1);
}

#[test]
fn an_adopted_task_meets_the_needs_of_others_and_is_followed_on() {
    let world = World::new(&scenario("open"));
    let web = ["source: my-org/web@main"];
    let up = job("up", "Do it.", &web);
    world.write("jobs.yaml", &Manifest::of([&up]).set("repeat", "1ms").to_string());
    world.run_following().exits(0);
    let next = job("next", "Then this.", &["source: my-org/web@main", "needs: [up]", "repeat: never"]);
    world.write("jobs.yaml", &Manifest::of([&up, &next]).set("repeat", "1ms").to_string());
    let ended = world.run_following().exits(0);
    assert_eq!(world.statistics().created, 2, "{ended}");
    assert!(ended.task("up/my-org/web@main").adopted, "{ended}");
    let pull = ended.task("up/my-org/web@main").pull_request.unwrap();
    assert_eq!(pull.state, Some(PullState::Open), "{ended}");
    assert_eq!(ended.outcome("next/my-org/web@main").0, Outcome::Succeeded);
}

#[test]
fn an_edited_prompt_is_another_task_and_an_old_pull_request_means_nothing() {
    let world = after("open", "");
    let edited = Manifest::of([job("up", "Do it well.", &["source: my-org/web@main"])]);
    world.write("jobs.yaml", &edited.set("repeat", "1ms").to_string());
    world.run_following().exits(0);
    assert_eq!(world.statistics().created, 2);
    let world = after("open", "");
    let short = manifest("").set("pull-requests", "{ look-back: 1ms }");
    world.write("jobs.yaml", &short.to_string());
    world.run_following().exits(0);
    assert_eq!(world.statistics().created, 2);
}

#[test]
fn with_the_ledger_lost_they_are_found_in_the_repositories() {
    let create = "{ looks: 3, look-delay: 40ms, adopt-within: 1ms }";
    for (state, outcome) in [("open", Outcome::Succeeded), ("closed", Outcome::Skipped)] {
        let world = after(state, "");
        let url = world.pull_requests()[0].url.clone();
        world.lose_the_ledger();
        world.write("jobs.yaml", &manifest("").set("create", create).to_string());
        let foretold = world.run_following().arg("-n").exits(0);
        assert_eq!(foretold.stdout.lines().count(), 0, "printed: {state}: {foretold}");
        let told = if state == "open" { "1 with an open pull request" } else { "1 skipped for their" };
        assert!(foretold.stderr.contains(told), "{foretold}");
        let ended = world.run_following().exits(0);
        assert_eq!(world.statistics().created, 1, "{state}: {ended}");
        let (told, reason) = ended.outcome("up/my-org/web@main");
        assert_eq!(told, outcome, "{ended}");
        assert!(reason.contains(&url), "{reason}");
        // Nor by the run after it, which has a ledger again.
        world.run_following().exits(0);
        assert_eq!(world.statistics().created, 1, "{state}: {ended}");
        if state == "open" {
            let task = ended.task("up/my-org/web@main");
            assert!(task.adopted && task.pull_request.unwrap().state == Some(PullState::Open), "{ended}");
        }
    }
    // Another task of the same repository has nothing to do with it.
    let world = after("open", "");
    world.lose_the_ledger();
    let other = Manifest::of([job("other", "Do it.", &["source: my-org/web@main"])]);
    world.write("jobs.yaml", &other.set("create", create).to_string());
    world.run_following().exits(0);
    assert_eq!(world.statistics().created, 2);
}

#[test]
fn no_more_pull_requests_are_open_than_may_be() {
    let merged = ", on-github: { deeds: [{ does: merge, after: 9s, by: alice }] }";
    let scenario = format!("{{ defaults: {{ duration: 40ms, outcome: pull-request{merged} }} }}");
    let tasks = job("up", "Do ${{ matrix.n }}.", &["source: my-org/web@main", "matrix: { n: [1, 2, 3] }"]);
    at_once(["max-open-per-repository", "max-open"], |bound| {
        let manifest = Manifest::of([&tasks]).set("pull-requests", &format!("{{ {bound}: 2 }}"));
        let world = World::with(&scenario, &manifest);
        let foretold = world.run_following().arg("-n").exits(0);
        assert_eq!(foretold.stdout.lines().count(), 2, "{foretold}");
        let ended = world.run_following().exits(5);
        assert_eq!(world.statistics().created, 2, "{ended}");
        let (outcome, reason) = ended.outcome("up/my-org/web@main[n=3]");
        assert_eq!(outcome, Outcome::Deferred, "{ended}");
        assert!(reason.contains(&format!("`pull-requests.{bound}` is 2")), "{reason}");
        let waits = world.run_following().exits(5);
        assert!(waits.stderr.contains("1 held back by pull requests"), "{waits}");
        assert_eq!(world.statistics().created, 2, "{waits}");
        world.until(|world| world.pull_states() == ["MERGED", "MERGED"]);
        let ended = world.run_following().exits(0);
        assert_eq!(world.statistics().created, 3, "{ended}");
    });
}
