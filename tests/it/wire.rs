//! What is sent: the defaults, and what the manifest's keys make of them.

use jules_batch::outcome::Marker;
use serde_json::{Value, json};

use crate::support::{Manifest, World, job};

const QUICK: &str = "{ defaults: { duration: 30ms, outcome: change } }";

/// The body of the only create, without its title.
fn sent(world: &World) -> Value {
    let session = world.sessions().pop().unwrap();
    let mut body = session.body;
    body.as_object_mut().unwrap().remove("title");
    body
}

#[test]
fn a_task_asks_for_a_pull_request_and_for_no_approval_unless_told_otherwise() {
    let source = "source: { github: my-org/web, branch: develop }";
    let world = World::with(QUICK, &Manifest::of([job("tidy", "Tidy up.", &[source])]));
    world.run().exits(0);
    let body = sent(&world);
    assert_eq!(body["automationMode"], "AUTO_CREATE_PR");
    assert!([None, Some(&json!(false))].contains(&body.get("requirePlanApproval")), "{body}");
    assert_eq!(body["prompt"], "Tidy up.");
    assert_eq!(
        body["sourceContext"],
        json!({ "source": "sources/github/my-org/web", "githubRepoContext": { "startingBranch": "develop" } })
    );
}

#[test]
fn the_keys_of_a_job_win_over_the_defaults() {
    let manifest = Manifest::of([
        job("quiet", "Keep quiet.", &["auto-pr: false", "source: my-org/web@main"]),
        job("careful", "Take care.", &["require-approval: true", "source: my-org/web@main"]),
    ]);
    let world = World::with(QUICK, &manifest.set("defaults", "{ branch: trunk, expect: any }"));
    world.run().exits(0);
    let body = |prompt: &str| world.sessions().into_iter().find(|s| s.prompt == prompt).unwrap().body;
    let quiet = body("Keep quiet.");
    let unset = [None, Some(&json!("AUTOMATION_MODE_UNSPECIFIED"))];
    assert!(unset.contains(&quiet.get("automationMode")), "{quiet}");
    assert_eq!(body("Take care.")["requirePlanApproval"], true);
}

#[test]
fn a_session_without_a_repository_has_no_source_context() {
    let world = World::with(QUICK, &Manifest::of([job("think", "Think.", &[])]));
    world.run().exits(0);
    assert!(sent(&world).get("sourceContext").is_none());
}

#[test]
fn a_title_ends_with_the_marker_of_its_task_run_and_attempt() {
    let manifest = Manifest::of([job("think", "Think.", &["title: 'Think of ${{ job.id }}'"])]);
    let world = World::with(QUICK, &manifest);
    let ended = world.run().exits(0);
    let title = world.sessions().pop().unwrap().title.unwrap();
    assert!(title.starts_with("Think of think [jb-"), "{title}");
    let (report, task) = (ended.report(), ended.task("think"));
    let marker = Marker::of_title(&title).unwrap();
    assert_eq!((marker.key(), marker.attempt()), (&task.key[..16], 1));
    assert!(marker.is_of_run(&report.run.id.parse().unwrap()));
}

#[test]
fn prompts_from_files_and_variables_are_sent_whole() {
    let manifest = "version: 1\nname: files\nvars: { tone: plain }\njobs:\n  - id: docs\n    prompt-file: prompts/docs.md\n    source: my-org/web@main\n";
    let world = World::new(QUICK);
    world.write("jobs.yaml", manifest);
    world.write("prompts/docs.md", "Write docs.\nBe ${{ vars.tone }} — and kind.\n");
    world.run().args("--var tone=short --poll-interval 20ms").exits(0);
    assert_eq!(world.sessions()[0].prompt.trim_end(), "Write docs.\nBe short — and kind.");
}

#[test]
fn the_key_travels_in_its_header_and_shows_nowhere() {
    let world = World::with(QUICK, &Manifest::of([job("think", "Think.", &[])]));
    let ended = world.run().args("-vvv").exits(0);
    let key = crate::support::KEY;
    assert!(!ended.stderr.contains(key) && !ended.stdout.contains(key));
    for file in ["report.json", "junit.xml", "events.jsonl", "summary.md", "report.ctrf.json"] {
        assert!(!world.read(&format!("jules-report/{file}")).contains(key), "{file}");
    }
    for file in std::fs::read_dir(world.path(".jules-batch")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()));
    }
}
