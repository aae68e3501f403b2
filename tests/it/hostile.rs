//! Texts from the agent that want to be more than texts.

use jules_batch::outcome::Outcome;
use quick_junit::TestCaseStatus;
use serde_json::json;

use crate::support::{Ended, Manifest, World, job};

/// Escape sequences, workflow commands, markup, attachments, and characters that XML forbids.
const EVIL: &str = "\\u001b[2J\\u001b]0;owned\\u0007 ]]><testcase name=\\\"forged\\\"/> &amp; <script>alert(1)</script>\\n\
    ::error file=x::forged\\n::set-output name=x::y\\n##[error]forged\\n##vso[task.complete]forged\\n\
    \\r::stop-commands::x\\n[[ATTACHMENT|/etc/passwd]] [[PROPERTY|a=b]]\\n\\u0000\\u0008\\ufffe\\u202eforged | a | b |\\n```\\n# h";

fn run(world: &World) -> Ended<'_> {
    world.run().env("CI", "true").env("GITHUB_ACTIONS", "true").exits(100)
}

fn world() -> World {
    let scenario = format!(
        "{{ rules: [{{ when: {{ prompt: fails }}, then: {{ outcome: failure, failure-reason: \"{EVIL}\" }} }}, \
         {{ when: {{ prompt: asks }}, then: {{ feedback: {{ times: 1, question: \"{EVIL}\" }} }} }}, \
         {{ when: {{ prompt: titles }}, then: {{ outcome: pull-request, pull-request-title: \"{EVIL}\" }} }}], \
         defaults: {{ duration: 40ms, outcome: change }} }}"
    );
    let source = "source: my-org/web@main";
    let manifest = Manifest::of([
        job("fails", "It fails.", &[source]),
        job("asks", "It asks.", &[source]),
        job("titles", "It titles.", &[source]),
    ]);
    World::with(&scenario, &manifest)
}

#[test]
fn junit_stays_well_formed_and_its_own() {
    let world = world();
    let ended = run(&world);
    let xml = world.read("jules-report/junit.xml");
    let forbidden = |c: char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    assert!(!xml.contains(forbidden), "{xml}");
    assert!(!xml.contains("[[ATTACHMENT|") && !xml.contains("[[PROPERTY|"), "{xml}");
    let junit = ended.junit();
    assert_eq!((junit.tests, junit.failures, junit.errors), (3, 2, 0));
    let names: Vec<_> =
        junit.test_suites[0].test_cases.iter().map(|case| case.name.as_str().to_owned()).collect();
    assert_eq!(names, ["fails/my-org/web@main", "asks/my-org/web@main", "titles/my-org/web@main"]);
    for case in ["fails/my-org/web@main", "asks/my-org/web@main"] {
        let TestCaseStatus::NonSuccess { message, description, .. } = ended.case(case).status else {
            panic!("{case} has failed");
        };
        assert!(!message.unwrap().as_str().contains('\n'));
        assert!(description.unwrap().as_str().contains("forged"), "it is told all the same");
    }
}

#[test]
fn the_console_obeys_nobody_but_us() {
    let ended_world = world();
    let ended = run(&ended_world);
    for stream in [&ended.stdout, &ended.stderr] {
        assert!(!stream.contains('\u{1b}') || !stream.contains("[2J"), "{stream}");
        for line in stream.split(['\n', '\r']) {
            assert!(!line.trim_start().starts_with("::") || !line.contains("forged"), "{line}");
            assert!(!line.contains("##[") && !line.contains("##vso["), "{line}");
        }
        assert!(
            !stream.contains('\r') && !stream.contains('\u{202e}') && !stream.contains('\u{7}'),
            "{stream}"
        );
    }
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "a line for each task: {ended}");
    assert!(lines.iter().all(|line| line.split('\t').count() == 3), "{ended}");
}

#[test]
fn a_wrong_command_line_obeys_nobody_either() {
    let world = world();
    let ended =
        world.run().env("JULES_BATCH_MAX_TASKS", "1\n::error::forged ##[error]forged\u{1b}[2J").exits(2);
    assert!(ended.stderr.contains("forged") && !ended.stderr.contains('\u{1b}'), "{ended}");
    let obeyed = |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
    assert!(!ended.stderr.lines().any(obeyed), "{ended}");
}

#[test]
fn a_wrong_manifest_obeys_nobody_either() {
    let world = world();
    world.write("jobs.yaml", "version: 1\n\"x\u{202e}\u{2028}\u{85}\u{fffd}##[error]forged\": [\u{2066}]\n");
    let ended = world.command("plan").exits(3);
    assert!(
        ended.stderr.matches("# #[error]forged").count() > 1,
        "the message and the line quote it: {ended}"
    );
    assert!(!ended.stderr.contains(acts) && !ended.stderr.contains("##["), "{ended}");
}

#[test]
fn every_other_report_can_be_read() {
    let world = world();
    let ended = run(&world);
    assert_eq!((ended.outcome("fails").0, ended.outcome("asks").0), (Outcome::Failed, Outcome::NeedsInput));
    for file in ["report.json", "report.ctrf.json"] {
        let text = world.read(&format!("jules-report/{file}"));
        serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    for line in world.read("jules-report/events.jsonl").lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
        assert!(!line.contains('\u{1b}'));
    }
    let summary = world.read("jules-report/summary.md");
    assert!(!summary.contains('\u{1b}'), "{summary}");
    let shown = outside_fences(&summary);
    assert!(!shown.contains("<script") && !shown.contains("<testcase"), "{summary}");
    assert_eq!(shown.matches("\n#### ").count(), 2, "no heading but ours: {summary}");
}

/// What neither a terminal nor a log nor a reader of a file should meet: controls, line separators, characters that turn
/// the direction of writing, and noncharacters.
fn acts(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

#[test]
fn no_output_shows_another_text_than_was_written() {
    let (printing, world) = (world(), world());
    let printed = printing.run().args("--json -").env("CI", "true").exits(100);
    run(&world);
    let status = world.command("status").args("--format json").exits(0);
    let mut outputs =
        vec![("--json -", printed.stdout), ("stderr", printed.stderr), ("status", status.stdout)];
    let files = ["junit.xml", "report.json", "report.ctrf.json", "summary.md", "report.html", "events.jsonl"];
    outputs.extend(files.map(|file| (file, world.read(&format!("jules-report/{file}")))));
    for (name, text) in &outputs {
        assert!(!text.contains(acts), "{name}: {:?}", text.split(acts).next());
    }
    for (name, json) in
        outputs.iter().filter(|(name, _)| ["--json -", "status", "report.json"].contains(name))
    {
        let read: serde_json::Value = serde_json::from_str(json).unwrap();
        let reason = read["tasks"][0]["reason"].as_str().unwrap();
        assert!(reason.contains("\u{202e}forged"), "{name} keeps the data: {reason:?}");
    }
}

#[test]
fn long_reasons_are_short_wherever_they_are_written() {
    let long = "x".repeat(3 << 20);
    let scenario = format!(
        "{{ rules: [{{ when: {{ prompt: fails }}, then: {{ outcome: failure, failure-reason: \"{long}\" }} }}, \
         {{ when: {{ prompt: asks }}, then: {{ feedback: {{ times: 1, question: \"{long}\" }} }} }}, \
         {{ when: {{ prompt: titles }}, then: {{ outcome: pull-request, pull-request-title: \"{long}\" }} }}], \
         defaults: {{ duration: 40ms, outcome: change }} }}"
    );
    let source = "source: my-org/web@main";
    let jobs = [("fails", "It fails."), ("asks", "It asks."), ("titles", "It titles.")];
    let world = World::with(&scenario, &Manifest::of(jobs.map(|(id, prompt)| job(id, prompt, &[source]))));
    let ended = world.run().exits(100);
    for id in ["fails", "asks"] {
        assert!(ended.outcome(id).1.contains("bytes left out"), "the cut is said");
    }
    let size = |path: &std::path::Path| std::fs::metadata(path).unwrap().len();
    for file in ["report.json", "events.jsonl", "report.html", "junit.xml", "report.ctrf.json", "summary.md"]
    {
        assert!(size(&world.path(&format!("jules-report/{file}"))) < 1 << 20, "{file}");
    }
    // A megabyte of room is claimed in advance.
    assert!(size(&world.path(".jules-batch/ledger.db")) < 2 << 20);
}

#[test]
fn thousands_of_pull_requests_of_a_session_are_a_hundred() {
    let world = World::with(
        "{ defaults: { duration: 40ms, outcome: pull-request } }",
        &Manifest::of([job("work", "Do it.", &["source: my-org/web@main"])]),
    );
    let many = |session: &mut serde_json::Value| {
        let Some(outputs) = session["outputs"].as_array_mut() else { return };
        let told =
            |n: u32| json!({ "pullRequest": { "url": format!("https://github.com/my-org/web/pull/{n}") } });
        outputs.splice(0..0, (1_000..6_000).map(told));
    };
    let ended = world
        .run_through(move |exchange| {
            if exchange.lists_sessions() {
                exchange.edit_sessions(|sessions| sessions.iter_mut().for_each(many));
            } else if exchange.is("GET /v1alpha/sessions/") {
                exchange.edit(many);
            }
        })
        .exits(0);
    assert_eq!(ended.count(Outcome::Succeeded), 1, "{ended}");
    let report = world.read("jules-report/report.json");
    assert!(report.contains("/pull/5999\"") && !report.contains("/pull/1000\""), "the newest are kept");
    assert!(report.len() < 1 << 17, "{}", report.len());
}

/// Markdown without what stands in fenced blocks, which is shown as it is.
fn outside_fences(markdown: &str) -> String {
    let mut fence: Option<&str> = None;
    let mut kept = String::new();
    for line in markdown.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            None if ticks.len() >= 3 => fence = Some(ticks),
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None => kept = kept + "\n" + line,
        }
    }
    assert!(fence.is_none(), "a fence is never closed");
    kept
}
