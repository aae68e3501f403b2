//! Inputs that nobody wrote by hand: they end in a message, soon and in little memory.

mod documents;

use std::path::Path;

use proptest::prelude::*;

use super::{LoadOptions, load, parse};

fn error(text: &str) -> String {
    match parse(text, Path::new("jobs.yaml"), &LoadOptions::default()) {
        Ok(manifest) => panic!("accepted: {manifest:?}"),
        Err(diagnostics) => diagnostics.iter().next().unwrap().message().to_owned(),
    }
}

#[test]
fn deep_nesting_is_refused() {
    let deep = 20_000;
    for text in [
        format!("jobs: {}", "[".repeat(deep)),
        format!("jobs: {}{}", "[".repeat(deep), "]".repeat(deep)),
        format!("jobs: {}", "{a: ".repeat(deep)),
        format!("jobs:\n  {}", "- ".repeat(deep)),
        (0..2000).map(|n| format!("{}a:\n", " ".repeat(n))).collect(),
    ] {
        let message = error(&text);
        assert!(message.len() < 200 && (message.contains("nested") || message.contains("YAML")), "{message}");
    }
    assert_eq!(
        error(&format!("jobs: {}{}", "[".repeat(40), "]".repeat(40))),
        "the manifest is nested too deeply (more than 32 levels)"
    );
}

#[test]
fn alias_bombs_are_refused() {
    let mut laughs = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..20 {
        let again = vec![format!("*l{}", n - 1); 10].join(", ");
        laughs.push_str(&format!("l{n}: &l{n} [{again}]\n"));
    }
    assert_eq!(error(&laughs), "the manifest expands to far too much through its aliases");
    let wide = format!("x-a: &a [{}]\nx-b: [{}]\n", "x, ".repeat(20_000), "*a, ".repeat(20_000));
    assert_eq!(error(&wide), "the manifest expands to far too much through its aliases");
    let many = format!("x-a: &a x\nx-b: [{}]\n", "*a, ".repeat(60_000));
    assert_eq!(error(&many), "the manifest has too many aliases");
}

#[test]
fn millions_of_values_are_refused() {
    let message = error(&format!("jobs: [{}]", "a, ".repeat(1_000_000)));
    assert_eq!(message, "the manifest is too large (more than 750,000 values)");
}

#[test]
fn one_anchor_may_serve_many_jobs() {
    let jobs: String = (0..500).map(|n| format!("  - {{ id: j{n}, prompt: p, timeouts: *t }}\n")).collect();
    let text = format!("x-t: &t {{ task: 1h }}\njobs:\n{jobs}");
    assert_eq!(parse(&text, Path::new("jobs.yaml"), &LoadOptions::default()).unwrap().jobs.len(), 500);
}

#[test]
fn a_list_is_no_mapping_of_settings() {
    for (text, part) in [
        ("timeouts: [1h, 20m, 30s, 5h, 30s]\njobs: []\n", "`timeouts`: expected a mapping, found a list"),
        ("jobs: [[a]]\n", "job number 1: expected a mapping, found a list"),
    ] {
        let message = error(text);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn merge_keys_are_yamls() {
    let text =
        "x-b: &b { prompt: p, tags: [a] }\njobs:\n  - { <<: *b, id: j }\n  - { <<: *b, id: k, prompt: q }\n";
    let manifest = parse(text, Path::new("jobs.yaml"), &LoadOptions::default()).unwrap();
    assert_eq!(&*manifest.jobs[0].prompt.as_ref().unwrap().text, "p");
    assert_eq!(&*manifest.jobs[1].prompt.as_ref().unwrap().text, "q");
}

#[test]
fn files_that_are_no_text_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.yaml");
    let check = |bytes: &[u8], part: &str| {
        std::fs::write(&path, bytes).unwrap();
        let message = load(&path, &LoadOptions::default()).unwrap_err().to_string();
        assert!(message.contains(part) && message.contains("jobs.yaml"), "{message}");
    };
    check(b"", "is empty");
    check(b"\xEF\xBB\xBF\n", "is empty");
    check(b"\x7FELF\x02\x01\x01\0\0", "is binary, not text");
    check(b"jobs:\n  - id: \xFF\n", "is not UTF-8 (line 2)");
    check(&vec![b'#'; 17 << 20], "is larger than 16 MiB");
    let message = load(folder.path(), &LoadOptions::default()).unwrap_err().to_string();
    assert!(message.contains("is a folder"), "{message}");
    let message = load(&folder.path().join("no.yaml"), &LoadOptions::default()).unwrap_err().to_string();
    assert!(message.contains("does not exist"), "{message}");
}

#[test]
fn hundreds_of_mistakes_are_cut_short() {
    let jobs: String = (0..500).map(|n| format!("  - {{ id: j{n}, promt: p }}\n")).collect();
    let diagnostics =
        parse(&format!("jobs:\n{jobs}"), Path::new("j.yaml"), &LoadOptions::default()).unwrap_err();
    assert_eq!(diagnostics.iter().count(), 20);
}

fn token() -> impl Strategy<Value = String> {
    const FIXED: &[&str] = &[
        "jobs:",
        "\n",
        "\n  - ",
        "\n    ",
        "id: a",
        "prompt: p",
        "prompt: \"${{ x }}\"",
        "matrix:",
        "a: [1, 2]",
        "[",
        "]",
        "{",
        "}",
        "include:",
        "needs: [a]",
        "sources: [a/b@c]",
        "- ",
        "&x ",
        "*x",
        "|\n",
        ">\n",
        "'",
        "\"",
        "#",
        "---\n",
        "version: 1",
        "timeouts: {task: 1h}",
        "~",
        ": ",
        ", ",
        "!!str ",
        "<<: *x",
        "\t",
        "\u{85}",
        "ä",
        "${{",
        "}}",
    ];
    prop_oneof![8 => proptest::sample::select(FIXED).prop_map(str::to_owned), 1 => "\\PC{0,5}"]
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,200}") {
        if let Err(diagnostics) = parse(&text, Path::new("jobs.yaml"), &LoadOptions::default()) {
            let shown = diagnostics.render(true).replace("\u{1b}[", "");
            prop_assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{:?}", shown);
        }
    }

    #[test]
    fn no_jumble_of_yaml_makes_it_panic(tokens in proptest::collection::vec(token(), 0..40)) {
        let text = format!("jobs:\n  - id: a\n    prompt: p\n{}", tokens.concat());
        if let Err(diagnostics) = parse(&text, Path::new("jobs.yaml"), &LoadOptions::default()) {
            let _ = diagnostics.render(false);
        }
    }
}

/// What newcomers write by habit of other tools: the key that is meant, and what is said.
#[test]
fn a_prompt_is_not_cut_off_at_the_number_of_an_issue() {
    let read = |prompt: &str| {
        let text = format!("jobs:\n  - id: a\n    prompt: {prompt}\n    tags: [x]\n");
        parse(&text, Path::new("jobs.yaml"), &LoadOptions::default())
    };
    for prompt in ["fix issue #12 now", "fix #3", "fix\n      issue #12"] {
        let error = read(prompt).unwrap_err().to_string();
        assert!(error.contains("the prompt ends here"), "{prompt}: {error}");
    }
    for prompt in
        ["'fix #12'", "fix#12", "\"fix\" #12", "fix # 12", "fix #why", "|\n      fix #12", "fix\n    #12"]
    {
        assert!(read(prompt).is_ok(), "{prompt}");
    }
}

#[test]
fn habits_of_other_tools_get_the_key_that_is_meant() {
    let inputs = [
        // GitHub Actions
        "on: push\njobs: [{ id: a, prompt: p }]",
        "on: { schedule: [{ cron: '0 3 * * *' }] }\njobs: [{ id: a, prompt: p }]",
        "run-name: nightly\njobs: [{ id: a, prompt: p }]",
        "permissions: { contents: write }\njobs: [{ id: a, prompt: p }]",
        "concurrency: nightly\njobs: [{ id: a, prompt: p }]",
        "jobs:\n  fix:\n    prompt: p",
        "jobs: [{ id: a, steps: [{ run: make }] }]",
        "jobs: [{ id: a, run: make }]",
        "jobs: [{ id: a, prompt: p, with: { version: 3 } }]",
        "jobs: [{ id: a, prompt: p, runs-on: ubuntu-latest }]",
        "jobs: [{ id: a, prompt: p, strategy: { matrix: { v: [1] } } }]",
        "jobs: [{ id: a, prompt: p }]\nmatrix: { v: [1] }",
        "jobs: [{ id: a, prompt: p }]\nstrategy: { matrix: { v: [1] } }",
        "jobs: [{ id: a, prompt: p, matrix: { v: 1 } }]",
        "jobs: [{ id: a, prompt: p, matrix: [1, 2] }]",
        "jobs: [{ id: a, prompt: p, timeout-minutes: 0 }]",
        "jobs: [{ id: a, prompt: p, timeout-minutes: 5, timeouts: { task: 5m } }]",
        "jobs: [{ id: a, prompt: p, continue-on-error: true }]",
        "jobs: [{ id: a, prompt: p, if: always() }]",
        "jobs: [{ id: a, name: Fix, prompt: p }]",
        "env: { TONE: kind }\njobs: [{ id: a, prompt: p }]",
        "jobs: [{ id: a, prompt: p, needs: { job: b } }]",
        "jobs: [{ id: a, prompt: p, matrix: '${{ fromJSON(needs.x.outputs.m) }}' }]",
        "jobs: [{ id: a, prompt: p, matrix: { v: '${{ fromJSON(x) }}' } }]",
        "jobs: [{ id: a, prompt: p, matrix: { v: [1], exclude: { v: 1 } } }]",
        // GitLab CI
        "stages: [test]\njobs: [{ id: a, prompt: p }]",
        "variables: { X: 1 }\njobs: [{ id: a, prompt: p }]",
        "jobs: [{ id: a, script: [make] }]",
        "jobs: [{ id: a, prompt: p, parallel: 5 }]",
        "jobs: [{ id: a, prompt: p, retry: 2 }]",
        "jobs: [{ id: a, prompt: p, retries: 2 }]",
        "jobs: [{ id: a, prompt: p, timeout: 30m }]",
        "jobs: [{ id: a, prompt: p, timeouts: 30m }]",
        "jobs: [{ id: a, prompt: p, rules: [{ if: x }] }]",
        "jobs: [{ id: a, prompt: p, dependencies: [b] }]",
        // src-cli and other tools
        "description: x\nsteps: [{ run: sed }]\njobs: [{ id: a, prompt: p }]",
        "changesetTemplate: { title: x }\njobs: [{ id: a, prompt: p }]",
        "repositories: [a/b]\njobs: [{ id: a, prompt: p }]",
        "jobs: [{ id: a, prompt: p, repos: [a/b] }]",
        "jobs: [{ id: a, prompt: p, repository: a/b }]",
        "jobs: [{ id: a, prompt: p, source: [a/b, c/d] }]",
        "jobs: [{ id: a, prompt: p, sources: a/b }]",
        "jobs: [{ id: a, prompt: p, sources: 'a/b, c/d' }]",
        "jobs: [{ id: a, prompt: p, sources: repos.txt }]",
        "jobs: [{ id: a, prompt: p, sources: [{ repository: a/b }] }]",
        "jobs: [{ id: a, prompt: p, sources: [{ github: a/b, ref: main }] }]",
        "jobs: [{ id: a, prompt: p, sources: [{ repositoriesMatchingQuery: x }] }]",
        "jobs: [{ id: a, prompt: p, source: a/b, branches: [main, dev] }]",
        "jobs: [{ id: a, prompt: p, source: a/b, branch: [main, dev] }]",
        "prompts: [one, two]",
        "prompt: Fix it.\njobs: [{ id: a }]",
        "jobs: [{ id: a, prompts: [one, two] }]",
        "jobs: [{ id: a, prompt: [one, two] }]",
        "jobs: [{ id: a, instructions: Fix it. }]",
        "jobs: [{ id: a, prompt: p, labels: [x] }]",
        "jobs: [{ id: a, prompt: p, tags: deps }]",
        "jobs: [{ id: a, prompt: p, depends_on: b }]",
    ];
    let mut table = String::new();
    for text in inputs {
        let Err(found) = parse(text, Path::new("jobs.yaml"), &LoadOptions::default()) else {
            panic!("accepted: {text}");
        };
        table.push_str(&format!("{text}\n"));
        for one in &found {
            let (place, help) = (one.place().unwrap(), one.way_out().unwrap_or("-"));
            table.push_str(&format!("  {place} {}\n    help: {help}\n", one.message()));
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn habits_with_the_same_meaning_work() {
    let text = "timeouts: { task: 3h }\ndefaults: { timeout-minutes: 90 }\njobs:\n- { id: a, prompt: p }\n\
                - { id: b, prompt: p, needs: a, timeout-minutes: 5 }\n- { id: c, prompt: p, needs: [a, b], timeouts: { task: 7m } }\n";
    let manifest = parse(text, Path::new("jobs.yaml"), &LoadOptions::default()).unwrap();
    let minutes: Vec<u64> = manifest.jobs.iter().map(|job| job.keys.timeouts.task.as_secs() / 60).collect();
    assert_eq!(minutes, [90, 5, 7]);
    assert_eq!(manifest.jobs[1].keys.needs.as_ref().unwrap().value.jobs.len(), 1);
}
