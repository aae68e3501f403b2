//! Which repositories and branches tasks work on.

use super::*;

fn connected() -> Vec<ConnectedSource> {
    let source = |github: &str, default: Option<&str>| ConnectedSource {
        github: github.to_owned(),
        default_branch: default.map(str::to_owned),
        branches: Vec::new(),
        gone: false,
    };
    // As the API might list them: in no order.
    vec![
        source("my-org/svc-b", Some("trunk")),
        source("my-org/svc-legacy", Some("main")),
        source("My-Org/Svc-A", Some("main")),
        source("my-org/web", Some("main")),
        source("my-org/bare", None),
    ]
}

fn resolved(sources: &str) -> Result<Vec<String>, String> {
    let text = format!("jobs:\n  - id: j\n    prompt: p\n    {sources}\n");
    plan_with(&text, Some(&connected())).map(|plan| ids(&plan).into_iter().map(str::to_owned).collect())
}

#[test]
fn a_match_is_looked_up_among_the_connected_sources() {
    let found =
        resolved("sources: [{ match: \"my-org/svc-*\", exclude: [\"*/svc-legacy\"] }, my-org/web@dev]")
            .unwrap();
    assert_eq!(found, ["j/My-Org/Svc-A@main", "j/my-org/svc-b@trunk", "j/my-org/web@dev"]);
}

#[test]
fn a_match_takes_expressions() {
    let text = "vars: { team: svc }\njobs:\n  - id: j\n    prompt: p\n    \
                sources: [{ match: \"my-org/${{ vars.team }}-*\", exclude: [\"*/${{ vars.team }}-legacy\"] }]\n";
    let plan = plan_with(text, Some(&connected())).unwrap();
    assert_eq!(ids(&plan), ["j/My-Org/Svc-A@main", "j/my-org/svc-b@trunk"]);
}

#[test]
fn patterns_may_overlap_with_each_other_and_with_names() {
    let found =
        resolved("sources: [my-org/web, { match: my-org/w* }, { match: \"*/web\", branch: dev }]").unwrap();
    assert_eq!(found, ["j/my-org/web@main", "j/my-org/web@dev"]);
}

#[test]
fn a_repository_is_one_however_it_is_spelt() {
    let twice = |sources: &str| {
        plan_with(&format!("jobs: [{{ id: j, prompt: p, branch: main, sources: [{sources}] }}]"), None)
            .unwrap_err()
    };
    for sources in [
        "Acme/Web, acme/web",
        "acme/web, https://github.com/ACME/web.git",
        "acme/web@main, { github: Acme/web, branch: main }",
    ] {
        let error = twice(sources);
        assert!(error.contains("is named twice") && error.contains("first here"), "{error}");
    }
    let several = plan(
        "defaults: { branch: main }\njobs:\n- { id: a, prompt: p, sources: [Acme/Web, acme/Api] }\n\
         - { id: b, prompt: p, sources: [acme/web, 'git@github.com:ACME/API.git'], needs: a, \
             matrix: { k: [1], include: [{ source: 'https://github.com/acme/WEB', note: x }] } }\n",
    );
    assert_eq!(
        ids(&several),
        ["a/Acme/Web@main", "a/acme/Api@main", "b/Acme/Web@main[k=1,note=x]", "b/acme/Api@main[k=1]"],
        "the first spelling is the plan's"
    );
    assert_eq!((&*several.tasks[2].needs, &*several.tasks[3].needs), (&[0][..], &[1][..]));
    for (select, expected) in
        [("source(ACME/web)", 2), ("a/acme/web@main", 1), ("id(*/ACME/*@main)", 2), ("A/acme", 0)]
    {
        let selection = Selection { select: vec![select.parse().unwrap()], ..Selection::default() };
        assert_eq!(several.clone().select(&selection).unwrap().tasks.len(), expected, "{select}");
    }
    let one = |source: &str| {
        plan(&format!("jobs: [{{ id: j, prompt: p, source: '{source}@main' }}]")).tasks.remove(0)
    };
    assert_eq!(one("Acme/Web").key, one("acme/web").key, "a resumed run finds it under another spelling");
    assert_ne!(one("acme/web").key, one("acme/api").key);
}

#[test]
fn the_accounts_own_spelling_is_used() {
    assert_eq!(
        resolved("sources: [MY-ORG/WEB, my-org/svc-a]").unwrap(),
        ["j/my-org/web@main", "j/My-Org/Svc-A@main"]
    );
}

#[test]
fn branches_come_from_the_nearest_that_names_one() {
    assert_eq!(resolved("source: my-org/svc-b").unwrap(), ["j/my-org/svc-b@trunk"]);
    let text = |own: &str| format!("defaults: {{ branch: d }}\njobs: [{{ id: j, prompt: p, {own} }}]\n");
    let branch = |own: &str| plan(&text(own)).tasks[0].source.as_ref().unwrap().branch.clone();
    assert_eq!(branch("source: a/b"), "d");
    assert_eq!(branch("source: a/b, branch: j"), "j");
    assert_eq!(branch("source: a/b@s, branch: j"), "s");
    assert_eq!(branch("source: { github: a/b, branch: s }, branch: j"), "s");
    assert_eq!(branch("source: a/b, branch: \"x-${{ source.repo }}\""), "x-b");
}

#[test]
fn a_branch_may_come_from_the_matrix() {
    let plan = plan(
        "jobs: [{ id: j, prompt: \"on ${{ source.branch }}\", source: a/b, branch: \"v${{ matrix.v }}\", matrix: { v: [1, 2.0] } }]",
    );
    assert_eq!(ids(&plan), ["j/a/b@v1[v=1]", "j/a/b@v2.0[v=2.0]"]);
    assert_eq!(&*plan.tasks[1].prompt, "on v2.0");
}

#[test]
fn what_the_api_must_tell_stays_open_without_it() {
    let text = "jobs:\n  - id: j\n    prompt: on ${{ source.branch }}\n    sources: [a/b, { match: \"a/*\" }, c/d@e]\n";
    let plan = plan(text);
    assert_eq!(ids(&plan), ["j/a/b", "j/c/d@e"]);
    assert!(plan.tasks[0].has_open_branch() && !plan.tasks[1].has_open_branch());
    assert_eq!((&*plan.tasks[0].prompt, &plan.tasks[0].problem), ("on (default)", &None));
    let open: Vec<(&str, u32)> =
        plan.unresolved.iter().map(|open| (open.pattern.as_str(), open.place.column)).collect();
    assert_eq!(open, [("a/*", 29)]);
    let manifest = parse(text, Path::new("jobs.yaml"), &LoadOptions::default()).unwrap();
    assert!(needs_connected(&manifest));
}

#[test]
fn what_is_not_connected_says_what_is() {
    let problem = |sources: &str| {
        let text = format!("jobs: [{{ id: j, prompt: p, {sources} }}, {{ id: other, prompt: p }}]");
        let plan = plan_with(&text, Some(&connected())).unwrap();
        assert_eq!((plan.tasks.len(), &plan.tasks[1].problem), (2, &None), "the other task can be run");
        plan.tasks[0].problem.as_deref().unwrap().to_owned()
    };
    for (sources, part) in [
        ("source: my-org/wep", "did you mean `my-org/web`?"),
        ("source: other/thing", "name a branch: `other/thing@main`"),
        ("source: my-org/bare", "the default branch of `my-org/bare` is not known"),
        ("sources: [{ match: my-org/bar* }]", "is it empty?"),
    ] {
        let problem = problem(sources);
        assert!(problem.contains(part), "{sources}: {problem}");
    }
    for (sources, part) in [
        ("sources: [{ match: \"my-orgg/svc-*\" }]", "no connected source matches"),
        ("sources: [{ match: \"svc-*\" }]", "is not a pattern over `owner/repo`"),
        ("sources: [{ match: \"a/[\" }]", "is not a pattern"),
    ] {
        let error = resolved(sources).unwrap_err();
        assert!(error.contains(part), "{sources}: {error}");
    }
}

#[test]
fn further_columns_of_a_list_are_names() {
    let list = "github,team-name,level,Owner,ref,note\no/a,core,3.10,me,dev,\"a, b\"\no/b,web,2,you,main\n";
    let job = |prompt: &str, more: &str| {
        format!("jobs: [{{ id: j, sources: [{{ file: repos.csv }}]{more}, prompt: \"{prompt}\" }}]")
    };
    let with_list = |text: &str| plan_with_list("repos.csv", list, text);
    let branch = ", branch: '${{ source.ref }}'";
    let plan = with_list(&job(
        "${{ source.Team-Name }} ${{ source['level'] == 3.1 }} ${{ source.owner }} <${{ source.note }}>",
        branch,
    ))
    .unwrap();
    assert_eq!(ids(&plan), ["j/o/a@dev", "j/o/b@main"]);
    let prompts: Vec<&str> = plan.tasks.iter().map(|task| &*task.prompt).collect();
    assert_eq!(prompts, ["core true o <a, b>", "web false o <>"]);
    let warnings = |plan: Plan| plan.warnings.into_iter().flatten().map(|found| found.message().to_owned());
    assert_eq!(warnings(plan).collect::<Vec<_>>(), ["no expression can read the column `Owner`"]);
    let plan = with_list(&job("p", ", matrix: { x: [1, 2] }, title: '${{ matrix.x }}'")).unwrap();
    assert!(warnings(plan).any(|what| what == "the column `ref` is not read as the branch"));
    let per_task = ", branch: '${{ source.ref }}-${{ matrix.x }}', matrix: { x: [1] }";
    let plan = with_list(&job("${{ source.team-name }} ${{ source.branch }}", per_task)).unwrap();
    assert_eq!(&*plan.tasks[0].prompt, "core dev-1");
    let error = with_list(&job("${{ source.teem-name }}", branch)).unwrap_err();
    assert!(error.contains("did you mean `source.team-name`? `o/a` has `source.owner`"), "{error}");
    let error = with_list(&job("${{ source.x }}", branch)).unwrap_err();
    assert!(
        error.contains("`source.branch`, `source.team-name`, `source.level`, `source.ref` and `source.note`"),
        "{error}"
    );
}
