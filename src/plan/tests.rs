//! Expansion as a user meets it: YAML in, tasks out.

mod fixtures;
mod properties;
mod sources;

use std::path::Path;

use super::*;
use crate::manifest::{LoadOptions, parse};

pub(super) fn plan_with(text: &str, connected: Option<&[ConnectedSource]>) -> Result<Plan, String> {
    let manifest = parse(text, Path::new("jobs.yaml"), &LoadOptions::default()).map_err(|e| e.to_string())?;
    expand(&manifest, connected).map_err(|e| e.to_string())
}

pub(super) fn plan(text: &str) -> Plan {
    plan_with(text, None).unwrap_or_else(|error| panic!("{error}"))
}

/// The plan of a manifest beside which a list of repositories stands.
fn plan_with_list(name: &str, list: &str, text: &str) -> Result<Plan, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), list).unwrap();
    let manifest =
        parse(text, &folder.path().join("jobs.yaml"), &LoadOptions::default()).map_err(|e| e.to_string())?;
    expand(&manifest, None).map_err(|e| e.to_string())
}

pub(super) fn ids(plan: &Plan) -> Vec<&str> {
    plan.tasks.iter().map(|task| task.id.as_str()).collect()
}

#[test]
fn the_example_of_the_design_expands() {
    let plan = plan(
        r#"
version: 1
name: nightly-maintenance
vars: { tone: concise }
defaults: { branch: main, auto-pr: true, require-approval: false }
jobs:
  - id: upgrade
    title: "Upgrade ${{ matrix.crate }} in ${{ source.repo }}"
    prompt: |
      Upgrade ${{ matrix.crate }} to its latest major version. Be ${{ vars.tone }}.
    sources:
      - my-org/backend@develop
      - { github: my-org/web, branch: main }
      - { match: "my-org/svc-*", exclude: ["my-org/svc-legacy"] }
    matrix:
      crate: [serde, tokio]
      exclude: [{ crate: tokio, source: my-org/web }]
      include: [{ crate: serde, note: first }]
    expect: pull-request
    tags: [deps]
  - id: docs
    needs: [upgrade]
    source: { github: my-org/web, branch: main }
    prompt: x
"#,
    );
    assert_eq!(
        ids(&plan),
        [
            "upgrade/my-org/backend@develop[crate=serde,note=first]",
            "upgrade/my-org/backend@develop[crate=tokio]",
            "upgrade/my-org/web@main[crate=serde,note=first]",
            "docs/my-org/web@main",
        ]
    );
    assert_eq!(&*plan.tasks[0].title, "Upgrade serde in backend");
    assert_eq!(&*plan.tasks[1].prompt, "Upgrade tokio to its latest major version. Be concise.\n");
    assert_eq!(*plan.tasks[3].needs, [2], "the same source");
    assert_eq!(plan.unresolved[0].pattern, "my-org/svc-*");
    assert_eq!(plan.unresolved[0].place, Place { line: 14, column: 18 });
    assert_eq!(plan.name, "nightly-maintenance");
}

#[test]
fn no_expression_passes_through_as_it_is_written() {
    let x = "${{ vars.x }}";
    for (manifest, part) in [
        (format!("name: 'a {x}'\njobs: [{{ id: j, prompt: p }}]"), "`name` takes no expression"),
        (format!("jobs: [{{ id: '{x}', prompt: p }}]"), "cannot be a job's id"),
        (format!("jobs: [{{ id: j, prompt: p, needs: ['{x}'] }}]"), "which is not in the manifest"),
        (format!("env: ['{x}']\njobs: [{{ id: j, prompt: p }}]"), "cannot be an environment variable's name"),
        (format!("jobs: [{{ id: j, prompt-file: '{x}' }}]"), "`prompt-file` takes no expression"),
        (
            format!("jobs: [{{ id: j, prompt: p, sources: [{{ file: '{x}' }}] }}]"),
            "`file` takes no expression",
        ),
        (format!("jobs: [{{ id: j, prompt: p, matrix: {{ '{x}': [1] }} }}]"), "cannot be a matrix key"),
        (format!("jobs: [{{ id: j, prompt: p, matrix: {{ k: [{{ '{x}': 1 }}] }} }}]"), "takes no expression"),
        (format!("vars: {{ '{x}': 1 }}\njobs: [{{ id: j, prompt: p }}]"), "cannot be a variable's name"),
        (format!("jobs: [{{ id: j, prompt: p, title: '{x}' }}]"), "`vars.x` is not defined"),
        (format!("jobs: [{{ id: j, prompt: p, tags: ['{x}'] }}]"), "`vars.x` is not defined"),
        (format!("jobs: [{{ id: j, prompt: p, source: '{x}' }}]"), "`vars.x` is not defined"),
        (format!("jobs: [{{ id: j, prompt: p, source: a/b, branch: '{x}' }}]"), "`vars.x` is not defined"),
        (
            format!("jobs: [{{ id: j, prompt: p, sources: [{{ match: 'a/{x}' }}] }}]"),
            "`vars.x` is not defined",
        ),
        (
            format!("jobs: [{{ id: j, prompt: p, waiting: {{ stall: {{ nudge: '{x}' }} }} }}]"),
            "`vars.x` is not defined",
        ),
    ] {
        let found = plan_with(&manifest, None).unwrap_err();
        assert!(found.contains(part), "{manifest}: {found}");
        assert!(found.contains("--> jobs.yaml:"), "{manifest}: {found}");
    }
}

#[test]
fn an_error_names_its_true_cause() {
    for (job, message, help) in [
        (
            "matrix: { a: [1, '1'] }",
            "two tasks have the id `j[a=1]`",
            "one as a number and one as a text in quotes",
        ),
        (
            "matrix: { a: [true, 'true'] }",
            "two tasks have the id",
            "one as a boolean and one as a text in quotes",
        ),
        ("matrix: { a: [1, 1] }", "two tasks have the id", "this value stands twice: keep one"),
        (
            "matrix: { include: [{ a: 1 }, { a: 1 }] }",
            "two tasks have the id",
            "each combination of the matrix once",
        ),
        ("matrix: { include: [{ source: src, x: 1 }] }", "`src` is none", "give the key another name"),
        ("matrix: { include: [{ source: 7, x: 1 }] }", "`7` is none", "give the key another name"),
        ("matrix: { include: [{ source: a/b, x: 1 }] }", "leaves no combination", "and the job has none"),
        (
            "source: a/c@main, matrix: { include: [{ source: a/b, x: 1 }] }",
            "leaves no combination",
            "does not work on",
        ),
        ("matrix: {}", "leaves no combination", "it names no values"),
        ("matrix: { a: [1], exclude: [{ a: 1 }] }", "leaves no combination", "`exclude` removes them all"),
    ] {
        let error = plan_with(&format!("jobs: [{{ id: j, prompt: p, {job} }}]"), None).unwrap_err();
        assert!(error.contains(message) && error.contains(help), "{job}: {error}");
    }
    let text = "jobs: [{ id: j, prompt: p, branch: main, sources: [{ file: none.txt }] }]";
    let error = plan_with_list("none.txt", "# later\n", text).unwrap_err();
    assert!(
        error.contains("the list `none.txt` names no repository") && error.contains("jobs.yaml:1:"),
        "{error}"
    );
    let error = plan_with("jobs: [{ id: j, prompt: \"a\\0b\" }]", None).unwrap_err();
    assert!(error.contains("holds a NUL character"), "{error}");
}

#[test]
fn expressions_are_compiled_once_however_many_tasks_there_are() {
    let compiled = |repositories: usize| {
        let before = template::tests::COMPILED.with(std::cell::Cell::get);
        let sources: Vec<String> = (0..repositories).map(|n| format!("a/r{n}@main")).collect();
        let text = format!(
            "jobs: [{{ id: j, title: \"${{{{ source.repo }}}}\", prompt: \"${{{{ matrix.k }}}} in ${{{{ source.github }}}}\", \
             matrix: {{ k: [1, 2, 3] }}, sources: [{}] }}]",
            sources.join(", ")
        );
        assert_eq!(plan(&text).tasks.len(), repositories * 3);
        template::tests::COMPILED.with(std::cell::Cell::get) - before
    };
    assert_eq!(compiled(1), 3);
    assert_eq!(compiled(500), 3);
}

#[test]
fn what_no_expression_changes_is_shared() {
    let plan = plan(
        "defaults: { branch: m, tags: [t], waiting: { user-feedback: { reply: go on, max: 2 } } }\n\
         jobs: [{ id: j, prompt: same, matrix: { k: [1, 2] }, sources: [a/b, a/c] }]\n",
    );
    let [first, .., last] = &plan.tasks[..] else { panic!("no tasks") };
    assert!(std::ptr::eq(&*first.prompt, &*last.prompt));
    assert!(std::ptr::eq(&*first.tags, &*last.tags));
    assert!(std::sync::Arc::ptr_eq(&first.waiting, &last.waiting));
    assert_eq!(first.waiting.user_feedback, UserFeedback::Reply { text: "go on".into(), max: 2 });
}

#[test]
fn a_text_for_the_agent_that_comes_out_empty_is_refused_at_its_place() {
    let texts = [
        "waiting: { user-feedback: { reply: \"${{ vars.none }} \" } }",
        "waiting: { stall: { nudge: \"${{ matrix.k }}\" } }",
    ];
    for waiting in texts {
        let found = plan_with(
            &format!(
                "vars: {{ none: \"\" }}\n{waiting}\njobs: [{{ id: j, prompt: p, matrix: {{ k: [\"\"] }} }}]\n"
            ),
            None,
        )
        .unwrap_err();
        assert!(found.contains("comes out empty") && found.contains(":2:"), "{waiting}: {found}");
    }
    let found = plan_with("jobs: [{ id: j, prompt: \"${{ matrix.k }}\", matrix: { k: [\" \"] } }]", None)
        .unwrap_err();
    assert!(found.contains("comes out empty"), "{found}");
}

#[test]
fn settings_are_filled_in_from_the_nearest_level() {
    let plan = plan(
        "timeouts: { task: 1h, run: 5h, request: 10s }\n\
         retries: { count: 1, on: [failed] }\n\
         strategy: { max-failures: 25%, max-parallel: 7 }\n\
         poll: { strategy: list }\n\
         waiting: { stall: { nudge: \"go on, ${{ job.id }}\" } }\n\
         defaults: { timeouts: { stall: 5m }, retries: { delay: 1s }, auto-pr: false }\n\
         jobs:\n\
         - { id: a, prompt: p }\n\
         - { id: b, prompt: p, timeouts: { task: 30m }, retries: { count: 3 }, require-approval: true, expect: change }\n",
    );
    assert_eq!(plan.settings.strategy.max_failures, Some(MaxFailures::Percent(25.0)));
    assert_eq!(plan.settings.strategy.max_parallel, 7);
    assert_eq!(plan.settings.run_timeout, Some(std::time::Duration::from_secs(5 * 3600)));
    assert_eq!(plan.settings.request_timeout, std::time::Duration::from_secs(10));
    assert_eq!(plan.settings.create_timeout, std::time::Duration::from_secs(120));
    assert_eq!(plan.settings.poll.strategy, PollStrategy::List);
    let [a, b] = &plan.tasks[..] else { panic!("not two tasks") };
    assert_eq!((a.timeouts.task.as_secs(), a.timeouts.stall.as_secs()), (3600, 300));
    assert_eq!((b.timeouts.task.as_secs(), b.timeouts.stall.as_secs()), (1800, 300));
    assert_eq!((a.retries.count, b.retries.count), (1, 3));
    assert_eq!((&b.retries.on, b.retries.delay.as_secs()), (&vec![RetryOn::Failed], 1));
    assert!(!a.auto_pr && !a.require_approval && b.require_approval);
    assert_eq!((a.expect, b.expect), (Expect::Any, Expect::Change));
    assert_eq!(b.waiting.stall, StallPolicy::Nudge { text: "go on, b".into(), max: 1 });
}

#[test]
fn ids_show_values_of_every_kind() {
    let plan =
        plan("jobs: [{ id: j, prompt: p, matrix: { v: [1, true, null, \"a b\", {x: 1}, [2], \"a\\nb\"] } }]");
    let expected =
        ["j[v=1]", "j[v=true]", "j[v=null]", "j[v=a b]", "j[v={\"x\":1}]", "j[v=[2]]", "j[v=\"a\\nb\"]"];
    assert_eq!(ids(&plan), expected);
}

#[test]
fn long_values_are_shortened_in_ids_and_stay_apart() {
    let long = "x".repeat(300);
    let plan = plan(&format!("jobs: [{{ id: j, prompt: p, matrix: {{ v: [{long}a, {long}b] }} }}]"));
    let [a, b] = ids(&plan)[..] else { panic!("not two tasks") };
    assert!(a != b && a.len() < 100, "{a}");
}

#[test]
fn titles_are_one_line_and_default_to_the_job_and_the_prompts_first_line() {
    let long = "word ".repeat(40);
    let plan = plan(&format!(
        "defaults: {{ source: o/r@main }}\njobs: [{{ id: a, prompt: \"# Do it.\\nAnd more\", matrix: {{ v: [1] }} }}, \
         {{ id: b, prompt: p, title: \" two\\n  lines \" }}, {{ id: c, prompt: {long} }}]"
    ));
    assert_eq!(&*plan.tasks[0].title, "a[v=1]: Do it.");
    assert_eq!(&*plan.tasks[1].title, "two lines");
    assert!(plan.tasks[2].title.ends_with("word…") && plan.tasks[2].title.len() < 100);
}

#[test]
fn needs_of_a_hundred_thousand_tasks_are_shared() {
    let sources: Vec<String> = (0..2000).map(|n| format!("a/r{n}")).collect();
    let sources = sources.join(", ");
    let text = format!(
        "defaults: {{ branch: m }}\njobs:\n\
         - {{ id: a, prompt: p, sources: [{sources}], matrix: {{ k: [1, 2] }} }}\n\
         - {{ id: b, prompt: p, sources: [{sources}], needs: a, matrix: {{ k: [1, 2] }} }}\n\
         - {{ id: c, prompt: p, needs: [a, b], matrix: {{ k: [1, 2] }} }}\n"
    );
    let plan = plan(&text);
    assert_eq!(*plan.tasks[4000].needs, [0, 1]);
    assert!(std::sync::Arc::ptr_eq(&plan.tasks[4000].needs, &plan.tasks[4001].needs));
    assert_eq!(*plan.tasks[7999].needs, [3998, 3999]);
    assert_eq!(plan.tasks[8000].needs.len(), 8000);
    assert!(std::sync::Arc::ptr_eq(&plan.tasks[8000].needs, &plan.tasks[8001].needs));
}

#[test]
fn far_too_many_needs_are_refused() {
    let sources = |from: usize| (from..from + 5000).map(|n| format!("a/r{n}")).collect::<Vec<_>>().join(", ");
    let text = format!(
        "defaults: {{ branch: m }}\njobs:\n\
         - {{ id: a, prompt: p, sources: [{}] }}\n- {{ id: b, prompt: p, sources: [{}] }}\n\
         - {{ id: c, prompt: p, needs: [a, b], sources: [{}] }}\n",
        sources(0),
        sources(5000),
        sources(0)
    );
    let error = plan_with(&text, None).unwrap_err();
    assert!(error.contains("wait for more than"), "{error}");
}

#[test]
fn an_inline_prompt_is_a_manifest_of_one_job() {
    let options = LoadOptions { vars: vec![("tone".into(), "kind".into())], ..LoadOptions::default() };
    let sources = ["a/b".to_owned(), "a/c@x".to_owned()];
    let manifest = crate::manifest::inline(
        "Be ${{ vars.tone }} to \"${{ source.repo }}\"\n\u{1f600}",
        &sources,
        Some("dev"),
        &options,
    )
    .unwrap();
    let plan = expand(&manifest, None).unwrap();
    assert_eq!(ids(&plan), ["task/a/b@dev", "task/a/c@x"]);
    assert_eq!(&*plan.tasks[0].prompt, "Be kind to \"b\"\n\u{1f600}");
    assert!(!needs_connected(&manifest));
    let manifest = crate::manifest::inline("x", &[], None, &LoadOptions::default()).unwrap();
    assert_eq!(ids(&expand(&manifest, None).unwrap()), ["task"]);
    assert!(crate::manifest::inline("  ", &[], None, &LoadOptions::default()).is_err());
}

#[test]
fn waves_are_filled_in_shrink_with_time_and_are_not_divided_into_shards() {
    use crate::plan::{PassWhen, Share, Then, WaveOrder, WavePass, WaveSize};
    let hours = |hours: u64| std::time::Duration::from_secs(hours * 3600);
    let jobs = "jobs: [{ id: a, prompt: p }]\n";
    assert_eq!(plan(jobs).settings.strategy.waves, None);
    let written = plan(&format!(
        "strategy: {{ waves: {{ sizes: [1, 12.5%], pass: {{ when: checks, soak: 1h }}, then: ask }} }}\n{jobs}"
    ));
    let waves = written.settings.strategy.waves.clone().unwrap();
    assert_eq!(waves.sizes, [WaveSize::Count(1), WaveSize::Percent(12.5)]);
    assert_eq!((waves.order, waves.then), (WaveOrder::Spread, Then::Ask));
    let pass =
        WavePass { when: PassWhen::Checks, min_success: Share(90.0), within: hours(24), soak: hours(1) };
    assert_eq!(waves.pass, pass);
    let fast = written.settings.clone().compressed(60.0).strategy.waves.unwrap().pass;
    assert_eq!((fast.within, fast.soak), (hours(24) / 60, hours(1) / 60));
    let shard = Selection { shard: Some("1/2".parse().unwrap()), ..Selection::default() };
    let refused = written.select(&shard).unwrap_err().to_string();
    assert!(
        refused.starts_with("a manifest with `strategy.waves` cannot be divided into shards"),
        "{refused}"
    );
}

#[test]
fn waves_that_make_no_sense_are_told_with_their_place() {
    for (written, told) in [
        ("sizes: []", "`strategy.waves.sizes` is empty"),
        ("sizes: [2, 0]", "`strategy.waves.sizes` has a wave without a repository"),
        ("sizes: [2, few]", "`few` is neither a count nor a share"),
        ("pass: { min-success: 9 }", "`9` is no share"),
        ("pass: { within: 0s }", "`strategy.waves.pass.within` must be longer than zero"),
        ("pass: { when: green }", "green"),
        ("then: stop", "stop"),
    ] {
        let text = format!("strategy: {{ waves: {{ {written} }} }}\njobs: [{{ id: a, prompt: p }}]\n");
        let found = plan_with(&text, None).unwrap_err();
        assert!(found.contains(told) && found.contains(":1:"), "{written}: {found}");
    }
}
