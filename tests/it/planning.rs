//! `plan`: what a run would do, and that it touches nothing.

use serde_json::Value;

use crate::support::{Manifest, World, job, redacted};

fn world() -> World {
    let manifest = Manifest::of([
        job(
            "upgrade",
            "Upgrade ${{ matrix.crate }}.",
            &[
                "title: 'Upgrade ${{ matrix.crate }} in ${{ source.repo }}'",
                "sources: [my-org/backend@develop, { github: my-org/web, branch: main }]",
                "matrix: { crate: [serde, tokio], exclude: [{ crate: tokio, source: my-org/web }] }",
                "tags: [deps]",
            ],
        ),
        job("docs", "Write docs.", &["needs: [upgrade]", "source: my-org/web@main"]),
        job("think", "Think.", &["expect: any"]),
    ]);
    World::with("{ sources: [{ repo: 'my-org/svc-{n}', count: 120 }] }", &manifest)
}

#[test]
fn a_plan_is_a_table() {
    let world = world();
    let ended = world.command("plan").exits(0);
    insta::assert_snapshot!(redacted(&world, &format!("{}--- stderr\n{}", ended.stdout, ended.stderr)));
}

#[test]
fn a_plan_is_json_for_programs() {
    let world = world();
    let ended = world.command("plan").args("--format json").exits(0);
    let plan: Value = serde_json::from_str(&ended.stdout).unwrap();
    insta::assert_snapshot!(redacted(&world, &serde_json::to_string_pretty(&plan).unwrap()));
}

#[test]
fn the_warnings_of_a_plan_are_in_its_json() {
    let world = World::new("");
    world.write("jobs.yaml", "jobs:\n  - id: a\n    prompt: Fix the bug #now\n");
    let ended = world.command("plan").args("--format json").exits(0);
    let plan: Value = serde_json::from_str(&ended.stdout).unwrap();
    let expected = serde_json::json!([{
        "message": "the text ends here: to YAML the rest of the line is a comment",
        "help": "put the text in quotes, or write it below `|`; a comment has a space behind its `#`",
        "file": "jobs.yaml",
        "line": 3,
        "column": 25,
    }]);
    assert_eq!(plan["warnings"], expected, "{ended}");
}

#[test]
fn a_dry_run_prints_the_plan() {
    let world = world();
    let plan = world.command("plan").exits(0).stdout;
    assert_eq!(world.run().arg("--dry-run").exits(0).stdout, plan);
}

#[test]
fn a_plan_touches_nothing() {
    let world = world();
    world.command("plan").without_env("JULES_API_KEY").exits(0);
    world.run().arg("-n").without_env("JULES_API_KEY").exits(0);
    assert!(world.statistics().requests.is_empty());
    let files: Vec<_> =
        std::fs::read_dir(world.folder()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["jobs.yaml"]);
}

#[test]
fn a_match_stays_one_line_until_the_account_is_asked() {
    let world = world();
    world.write(
        "jobs.yaml",
        &Manifest::of([job("all", "Do it.", &["sources: [{ match: 'my-org/svc-*' }]"])]).to_string(),
    );
    let ended = world.command("plan").exits(0);
    assert!(ended.stdout.contains("my-org/svc-*") || ended.stderr.contains("my-org/svc-*"), "{ended}");
    assert!(world.statistics().requests.is_empty());
    let ended = world.command("plan").arg("--check").env("JULES_BASE_URL", world.service().url()).exits(0);
    assert_eq!(ended.stdout.matches("all/my-org/svc-").count() % 120, 0, "{ended}");
    assert_eq!(world.requests("sources.list"), 2, "all pages, once");
    assert_eq!(world.requests("sessions.create"), 0);
}

#[test]
fn a_match_runs_over_all_pages_of_the_accounts_sources() {
    let world = World::with(
        "{ sources: [{ repo: 'my-org/svc-{n}', count: 120 }, { repo: other/web }], defaults: { duration: 20ms, outcome: change } }",
        &Manifest::of([job(
            "all",
            "Do it.",
            &["sources: [{ match: 'my-org/svc-11*', exclude: [my-org/svc-111] }]", "branch: main"],
        )]),
    );
    let ended = world.run().exits(0);
    world.created(10);
    assert_eq!(ended.report().totals.succeeded, 10);
    let told = ended.report().api.requests["sources"];
    assert_eq!((told, world.requests("sources.list")), (2, 2), "and the report tells what that cost");
}

#[test]
fn a_selection_selects() {
    let world = world();
    let ids = |flags: &str| -> Vec<String> {
        let ended = world.command("plan").args("--format json").args(flags).exits(0);
        let plan: Value = serde_json::from_str(&ended.stdout).unwrap();
        plan["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("").len(), 5);
    assert_eq!(ids("--select tag(deps)").len(), 3);
    assert_eq!(ids("--exclude tag(deps)"), ["docs/my-org/web@main", "think"]);
    assert_eq!(ids("--slice 1:3"), ids("")[1..3]);
    assert_eq!(ids("--sample 2"), ids("--sample 2"));
    let mut sharded = [ids("--shard 1/2"), ids("--shard 2/2")].concat();
    let mut all = ids("");
    sharded.sort_unstable();
    all.sort_unstable();
    assert_eq!(sharded, all);
}

#[test]
fn a_source_without_a_branch_is_a_task_on_the_default_branch() {
    let world = world();
    let sources = "sources: [my-org/web, { file: repos.txt }, { match: 'my-org/svc-*' }]";
    let manifest = Manifest::of([job("fix", "Fix ${{ source.branch }} of ${{ source.repo }}.", &[sources])]);
    world.write("jobs.yaml", &manifest.to_string());
    world.write("repos.txt", "my-org/one\nmy-org/two@dev\n");
    let ended = world.command("plan").exits(0);
    insta::assert_snapshot!(redacted(&world, &format!("{}--- stderr\n{}", ended.stdout, ended.stderr)));
    let ended = world.command("plan").args("--format json").exits(0);
    let plan: Value = serde_json::from_str(&ended.stdout).unwrap();
    let tasks = [&plan["tasks"][0], &plan["tasks"][2]];
    assert_eq!(tasks.map(|task| &task["source"]["branch"]), [&Value::Null, &"dev".into()]);
    assert_eq!(tasks.map(|task| task["key"].is_null()), [true, false], "the branch is part of the key");
    assert!(world.statistics().requests.is_empty());
}

#[test]
fn a_plan_without_any_task_does_not_look_like_one() {
    let world = world();
    let found = "sources: [{ match: 'my-org/svc-*' }]";
    let manifest =
        Manifest::of([job("all", "Do it.", &[found]), job("web", "Do it.", &["source: my-org/web"])]);
    world.write("jobs.yaml", &manifest.to_string());
    let told = |select: &str| world.command("plan").arg("--select").arg(select).exits(0).stderr;
    let all = told("job(all)");
    assert!(all.starts_with("warning: no task is known yet"), "{all}");
    assert!(!told("job(web)").contains("svc-*"), "it is not selected");
    assert!(told("source(my-org/svc-7)").contains("svc-*"), "it may be found");
    for nothing in ["source(my-org/wbe)", "job(all) & none()", "branch(x) & job(web)"] {
        world.command("plan").arg("--select").arg(nothing).exits(4);
    }
}

#[test]
fn a_dry_run_knows_the_default_branch_from_the_run_before() {
    let scenario = "{ sources: [{ repo: my-org/web }], defaults: { duration: 20ms, outcome: change }, rules: [{ when: { prompt: two }, then: { outcome: failure } }] }";
    let jobs = [job("one", "one", &["source: my-org/web"]), job("two", "two", &["source: my-org/web"])];
    let world = World::with(scenario, &Manifest::of(jobs));
    assert_eq!(world.command("plan").exits(0).stdout.matches("\tmy-org/web@(default)\t").count(), 2);
    world.run().exits(100);
    let ended = world.command("run").args("-n --failed").exits(0);
    assert!(
        ended.stdout.starts_with("two/my-org/web@main\t") && ended.stdout.lines().count() == 1,
        "{ended}"
    );
    let plan = world.command("plan").exits(0);
    assert!(plan.stderr.starts_with("1 done, 1 failed\n") && !plan.stdout.contains("(default)"), "{plan}");
}

#[test]
fn a_narrower_round_hides_no_default_branch_of_the_rounds_before() {
    let jobs = [job("a", "Do it.", &["sources: [my-org/web, my-org/api]"])];
    let world = World::with(
        "{ sources: [{ repo: my-org/web }, { repo: my-org/api }], defaults: { duration: 20ms, outcome: change } }",
        &Manifest::of(jobs),
    );
    world.run().exits(0);
    world.run().args("--fresh --select source(my-org/web)").exits(0);
    world.created(3);
    let plan = world.command("plan").exits(0);
    assert!(plan.stderr.starts_with("2 done\n"), "{plan}");
    world.command("status").arg("--exit-code").exits(0);
    assert!(world.run().arg("-n").exits(0).stderr.starts_with("nothing to do: 2 done"));
    world.run().exits(0);
    world.created(3);
}

#[test]
fn a_check_names_what_the_ledger_lacks_alone() {
    let jobs = [job("a", "Do it.", &["source: my-org/web"]), job("b", "Do that.", &["source: my-org/web"])];
    let world = World::with(
        "{ sources: [{ repo: my-org/web }], defaults: { duration: 20ms, outcome: change }, rules: [{ when: { prompt: that }, then: { outcome: failure } }] }",
        &Manifest::of(jobs),
    );
    world.run().exits(100);
    let url = world.service().url();
    let check =
        |flags| world.command("plan").arg("--check").args(flags).env("JULES_BASE_URL", &url).exits(0).stderr;
    let known = check("");
    assert!(known.contains("ok: no session is there that a run would adopt"), "{known}");
    let lacking = check("--state-dir elsewhere");
    assert_eq!(lacking.matches("would be adopted by `run`: ").count(), 2, "{lacking}");
}

#[test]
fn what_is_probably_not_meant_is_told_and_stops_nothing() {
    let manifest = Manifest::of([
        job(
            "upgrade",
            "Upgrade {{ crate }} with ${{ matrix.crate == 'serde' && 'care' || 'speed' }}.",
            &["source: my-org/web@main", "matrix: { crate: [serde, tokio], os: [x, y] }"],
        ),
        job("docs", "Write docs.", &["branch: main"]),
    ]);
    let world = World::with("{ defaults: { duration: 20ms, outcome: pull-request } }", &manifest);
    let told = [
        "warning: `{{ crate }}` is sent as it is written",
        "= help: write `${{ matrix.crate }}`",
        "warning: nothing reads `matrix.os`: its tasks differ by their ids alone",
        "warning: `branch` does nothing: the job `docs` has no source",
    ];
    let plan = world.command("plan").exits(0);
    let dry = world.run().arg("-n").exits(0);
    let run = world.run().arg("-q").exits(0);
    for ended in [&plan, &dry, &run] {
        for part in told {
            assert_eq!(ended.stderr.matches(part).count(), 1, "{part}: {}", ended.stderr);
        }
        assert!(!ended.stdout.contains("warning"), "{}", ended.stdout);
    }
}

#[test]
fn whole_prompts_are_printed() {
    let prompt =
        "First ${{ matrix.n == 1 && 'one' || 'two' }}.\n\nThen ${{ fromJSON('\"\\u001b[31m\"') }}red.";
    let world = World::with("{}", &Manifest::of([job("a", prompt, &["matrix: { n: [1, 2] }"])]));
    let long = format!("{}end", "word ".repeat(1_000));
    world.write("long.yaml", &Manifest::of([job("a", &long, &[])]).to_string());
    assert!(world.command("plan").args("long.yaml --prompts").exits(0).stdout.contains(&long));
    let shown = world.command("plan").arg("--prompts").exits(0).stdout;
    assert_eq!(shown.lines().next(), Some("a[n=1]:"), "{shown}");
    assert!(
        shown.contains("  First one.\n  \n  Then ") && shown.contains("a[n=2]:\n  First two.\n"),
        "{shown}"
    );
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    world.command("plan").args("--prompts --format json").exits(2);
}
