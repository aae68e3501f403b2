//! Tasks that cannot be run: each is an error of its own, and all others are run.

use jules_batch::outcome::Outcome;

use crate::support::{Manifest, Service, Signal, World, at_once, job};

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
    let ended = world.command("plan").arg("--check").env("JULES_BASE_URL", world.service().url()).exits(3);
    assert!(
        ended.stdout.contains("api/my-org/api@(default)\tmy-org/api@(default)\terror: `my-org/api` is not"),
        "{ended}"
    );

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

fn with_files() -> Manifest {
    Manifest::of([
        "{ id: docs, prompt-file: prompts/docs.md, sources: [my-org/web@main, my-org/api@main] }".to_owned(),
        job("web", "Do it there.", &["source: my-org/web@main"]),
        job("then", "Do it then.", &["needs: [docs]"]),
    ])
}

#[test]
fn a_prompt_file_that_cannot_be_used_is_an_error_of_its_tasks_and_the_others_run() {
    let latin: &[u8] = b"\xE9t\xE9";
    let cases: [(Option<&[u8]>, &str); 6] = [
        (None, "does not exist"),
        (Some(latin), "is not UTF-8"),
        (Some(b"  \n"), "is empty"),
        (Some(b"Do ${{ source.repos }}."), "`source.repos`"),
        (Some(b"Do ${{ source."), "prompts/docs.md:1:4"),
        (Some(b"a\0b"), "is binary"),
    ];
    at_once(cases, |(content, part)| {
        let world = World::with(BOTH, &with_files());
        world.write("prompts/other.md", "");
        if let Some(content) = content {
            std::fs::write(world.path("prompts/docs.md"), content).unwrap();
        }
        let ended = world.run().exits(100);
        for id in ["docs/my-org/web@main", "docs/my-org/api@main"] {
            let (outcome, reason) = ended.outcome(id);
            assert_eq!(outcome, Outcome::Error, "{ended}");
            assert!(reason.contains(part) && reason.contains("prompts/docs.md"), "{reason}");
        }
        assert_eq!(ended.outcome("web").0, Outcome::Succeeded);
        assert_eq!(ended.outcome("then").0, Outcome::Skipped);
        world.created(1);
        // Whoever only wants to know hears it, too.
        let planned = world.command("plan").exits(3);
        assert!(
            planned.stdout.contains("docs/my-org/web@main") && planned.stderr.contains(part),
            "{planned}"
        );
        let listed = world.run().args("--fresh -n").exits(0);
        assert!(!listed.stdout.contains("docs") && listed.stderr.contains(part), "{listed}");
        // The file is back.
        world.write("prompts/docs.md", "Write the documents.");
        let ended = world.run().arg("--failed").exits(0);
        assert_eq!(ended.count(Outcome::Succeeded), 4, "{ended}");
        world.created(4);
    });
}

#[test]
fn a_prompt_that_cannot_be_rendered_for_one_task_is_an_error_of_that_task() {
    let matrix = "matrix: { n: [1, 2], include: [{ n: 2, note: with care }] }";
    let world =
        World::with(BOTH, &Manifest::of([job("work", "Do ${{ matrix.n }} ${{ matrix.note }}.", &[matrix])]));
    let ended = world.run().exits(100);
    let (outcome, reason) = ended.outcome("work[n=1]");
    assert_eq!(outcome, Outcome::Error);
    assert!(reason.contains("jobs.yaml:") && reason.contains("`matrix.note`"), "{reason}");
    assert_eq!(ended.outcome("work[n=2,note=with care]").0, Outcome::Succeeded);
    // What can be rendered for none is a mistake in the manifest.
    world.write("jobs.yaml", &Manifest::of([job("work", "Do ${{ matrix.m }}.", &[matrix])]).to_string());
    world.run().exits(3);
}

/// The job `work` with these keys, and a job beside it that has nothing to do with that.
fn one_bad(keys: &[&str]) -> Manifest {
    Manifest::of([job("work", "Do ${{ matrix.n }}.", keys), job("other", "Do that.", &[])])
}

#[test]
fn a_text_that_cannot_be_rendered_for_one_task_is_an_error_of_that_task_wherever_it_stands() {
    let matrix = "matrix: { n: [1, 2], include: [{ n: 2, base: main }] }";
    let source = "source: my-org/web@main";
    let cases: [(&[&str], &str, &str); 7] = [
        (
            &["source: my-org/web", "branch: '${{ matrix.base }}'", matrix],
            "work/my-org/web[n=1]",
            "`matrix.base`",
        ),
        (
            &["sources: [{ github: my-org/web, branch: '${{ matrix.base }}' }]", matrix],
            "work/my-org/web[n=1]",
            "`matrix.base`",
        ),
        (
            &[
                "source: my-org/web",
                "branch: '${{ matrix.n == 1 && \"a..b\" || \"main\" }}'",
                "matrix: { n: [1, 2] }",
            ],
            "work/my-org/web[n=1]",
            "`a..b`",
        ),
        (&[source, "title: 'On ${{ matrix.base }}'", matrix], "work/my-org/web@main[n=1]", "`matrix.base`"),
        (&[source, "tags: ['${{ matrix.base }}']", matrix], "work/my-org/web@main[n=1]", "`matrix.base`"),
        (
            &[source, "waiting: { user-feedback: { reply: '${{ matrix.base }}' } }", matrix],
            "work/my-org/web@main[n=1]",
            "`matrix.base`",
        ),
        (
            &[source, "retries: { prompt: 'On ${{ matrix.base }}' }", matrix],
            "work/my-org/web@main[n=1]",
            "`matrix.base`",
        ),
    ];
    at_once(cases, |(keys, bad, part)| {
        let world = World::with(BOTH, &one_bad(keys));
        let ended = world.run().exits(100);
        let (outcome, reason) = ended.outcome(bad);
        assert_eq!(outcome, Outcome::Error, "{ended}");
        assert!(reason.contains("jobs.yaml:") && reason.contains(part), "{reason}");
        assert_eq!(ended.count(Outcome::Succeeded), 2, "{ended}");
        world.created(2);
        let planned = world.command("plan").exits(3);
        let planned_id = bad.replace("web[", "web@(default)[");
        assert!(planned.stdout.contains(&planned_id) && planned.stderr.contains(part), "{planned}");
    });
}

#[test]
fn a_branch_that_one_row_of_a_list_does_not_give_is_an_error_of_that_repository() {
    let keys = ["sources: [{ file: repos.csv }]", "branch: '${{ source.base }}'", "matrix: { n: [1] }"];
    let world = World::with(BOTH, &one_bad(&keys));
    world.write("repos.csv", "github,base\nmy-org/web,main\nmy-org/api,\n");
    let ended = world.run().exits(100);
    let (outcome, reason) = ended.outcome("work/my-org/api[n=1]");
    assert_eq!(outcome, Outcome::Error, "{ended}");
    assert!(reason.contains("branch"), "{reason}");
    assert_eq!(ended.count(Outcome::Succeeded), 2, "{ended}");
    // Where no row gives one, the manifest is wrong.
    world.write("repos.csv", "github,base\nmy-org/web,\nmy-org/api,\n");
    world.run().exits(3);
}

/// What is at work is not given up because nobody can tell its branch any more.
#[test]
fn a_branch_that_cannot_be_rendered_any_more_destroys_nothing() {
    let branch = "branch: '${{ vars.base[matrix.n] }}'";
    let manifest = one_bad(&["source: my-org/web", branch, "matrix: { n: [one, two] }"]);
    let manifest = |base: &str| manifest.clone().set("vars", base).to_string();
    let scenario = "{ sources: [{ repo: my-org/web }], defaults: { duration: 900ms, outcome: change } }";
    let world = World::new(scenario);
    let whole = manifest("{ base: { one: main, two: main } }");
    world.write("jobs.yaml", &whole);
    world.run().arg("--no-wait").exits(5);
    world.write("jobs.yaml", &manifest("{ base: { two: main } }"));
    let ended = world.run().exits(100);
    assert_eq!(ended.outcome("work/my-org/web[n=one]").0, Outcome::Error, "{ended}");
    assert_eq!(ended.outcome("work/my-org/web@main[n=one]").0, Outcome::Detached, "{ended}");
    world.write("jobs.yaml", &whole);
    let ended = world.run().exits(0);
    assert_eq!(ended.count(Outcome::Succeeded), 3, "{ended}");
    world.created(3);
}

#[test]
fn a_prompt_file_that_is_gone_destroys_nothing() {
    let scenario = "{ rules: [{ when: { source: my-org/api }, then: { duration: 2s, outcome: change } }], \
        defaults: { duration: 40ms, outcome: change } }";
    let manifest = Manifest::of([
        "{ id: docs, prompt-file: docs.md, sources: [my-org/web@main, my-org/api@main] }".to_owned(),
        job("late", "Do it.", &["source: my-org/web@main"]),
    ]);
    let world = World::with(scenario, &manifest);
    world.write("docs.md", "Write the documents.");
    let mut running = world.run().args("-j 2").start();
    running.until(|world| world.statistics().created == 3);
    running.signal(Signal::Interrupt);
    let ended = running.wait();
    assert_eq!(ended.outcome("docs/my-org/web@main").0, Outcome::Succeeded, "{ended}");
    assert_eq!(ended.outcome("docs/my-org/api@main").0, Outcome::Detached, "{ended}");
    std::fs::remove_file(world.path("docs.md")).unwrap();
    let ended = world.run().exits(0);
    assert_eq!(ended.count(Outcome::Succeeded), 3, "{ended}");
    assert_eq!(ended.report().run.invocations, 2);
    assert_eq!(ended.task("docs/my-org/api@main").attempts.len(), 1);
    world.created(3);
}
