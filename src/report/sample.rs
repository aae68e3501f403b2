//! Runs to render in tests, told as events: what the ledger would hand over.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::ReportV1;
use crate::outcome::{Outcome, RunEvent, RunRecord, Stage};

mod campaign;

pub(super) use campaign::campaign;

/// A run in the making.
pub(super) struct SampleRun {
    events: Vec<RunEvent>,
    now: Timestamp,
}

impl SampleRun {
    /// The run's first second.
    pub(super) fn new() -> Self {
        let mut sample = Self { events: Vec::new(), now: began() };
        sample.tell(&json!({"event": "run_started", "run": {
            "id": "20261122-020005-7c1f", "name": "nightly-maintenance", "manifest": "jobs.yaml", "file": "jobs.yaml", "simulated": false,
        }}));
        sample.tell(&json!({"event": "invocation_started", "invocation": 1}));
        sample
    }

    /// Moves the clock to this many seconds after the start.
    pub(super) fn at(&mut self, seconds: i64) -> &mut Self {
        self.now = began() + SignedDuration::from_secs(seconds);
        self
    }

    /// Any event, without `seq` and `ts`.
    pub(super) fn tell(&mut self, event: &Value) -> &mut Self {
        let mut event = event.clone();
        event["seq"] = json!(self.events.len() + 1);
        event["ts"] = json!(self.now);
        self.events.push(serde_json::from_value(event).expect("the test tells a known event"));
        self
    }

    /// A task of the job before the first slash of its id.
    pub(super) fn plan(&mut self, id: &str, github: Option<&str>, line: u32) -> &mut Self {
        self.plan_as(id, github, line, "pass")
    }

    pub(super) fn plan_as(
        &mut self,
        id: &str,
        github: Option<&str>,
        line: u32,
        on_no_change: &str,
    ) -> &mut Self {
        self.plan_tagged(id, github, line, on_no_change, &["deps"])
    }

    fn plan_tagged(
        &mut self,
        id: &str,
        github: Option<&str>,
        line: u32,
        on_no_change: &str,
        tags: &[&str],
    ) -> &mut Self {
        let job = id.split('/').next().unwrap_or(id);
        let source = github.map(|github| json!({"github": github, "branch": "main"}));
        self.tell(&json!({
            "event": "task_planned", "task": id, "key": "0123456789abcdef", "job": job, "source": source,
            "matrix": {"crate": "serde"}, "tags": tags, "place": {"line": line, "column": 5},
            "onNoChange": on_no_change,
        }))
    }

    /// An intent and its session.
    pub(super) fn start(&mut self, task: &str, attempt: u32, session: &str) -> &mut Self {
        let marker = format!("[jb-01234567-7c1f-{attempt}]");
        self.tell(&json!({"event": "intent_recorded", "task": task, "attempt": attempt, "marker": marker}));
        self.tell(&json!({
            "event": "session_created", "task": task, "attempt": attempt, "adopted": false,
            "session": {"id": session, "url": format!("https://jules.google.com/session/{session}")},
        }));
        self.tell(
            &json!({"event": "session_state", "task": task, "attempt": attempt, "state": "IN_PROGRESS"}),
        )
    }

    pub(super) fn end_attempt(
        &mut self,
        task: &str,
        attempt: u32,
        outcome: Outcome,
        reason: Option<&str>,
        work: &Value,
    ) -> &mut Self {
        self.tell(&json!({
            "event": "attempt_ended", "task": task, "attempt": attempt, "outcome": outcome, "reason": reason, "work": work,
        }))
    }

    /// What the attempt's session has said and done, with a change of two files.
    pub(super) fn details(&mut self, task: &str, attempt: u32, words: &str, steps: &[&str]) -> &mut Self {
        self.tell(&json!({
            "event": "session_details", "task": task, "attempt": attempt, "diff": DIFF,
            "details": {
                "lastWords": words, "plan": steps,
                "activities": {"agentMessages": 2, "userMessages": 0, "plans": 1, "progress": 9, "total": 14},
                "files": [
                    {"path": "src/lib.rs", "change": "modified", "additions": 2, "deletions": 1},
                    {"path": words, "change": "added", "additions": 1, "deletions": 0},
                ],
            },
        }))
    }

    pub(super) fn end(&mut self, task: &str, outcome: Outcome, reason: Option<&str>) -> &mut Self {
        self.tell(&json!({"event": "task_ended", "task": task, "outcome": outcome, "reason": reason}))
    }

    /// A task with one attempt that begins now and takes this many seconds.
    pub(super) fn whole(
        &mut self,
        task: &str,
        seconds: i64,
        outcome: Outcome,
        reason: Option<&str>,
    ) -> &mut Self {
        let session = format!("9007199254740993{}", self.events.len());
        self.start(task, 1, &session);
        self.now += SignedDuration::from_secs(seconds);
        self.end_attempt(task, 1, outcome, reason, &json!({}));
        self.end(task, outcome, reason)
    }

    pub(super) fn used(&mut self, requests: &[(&str, u64)]) -> &mut Self {
        let requests: serde_json::Map<String, Value> =
            requests.iter().map(|(method, n)| ((*method).to_owned(), json!(n))).collect();
        self.tell(&json!({"event": "api_used", "usage": {
            "requests": requests, "retries": 1, "throttled": 0, "waitedMs": 250,
        }}))
    }

    pub(super) fn finish(&mut self, stopped: Option<&str>) -> &mut Self {
        self.tell(&json!({"event": "invocation_ended", "stopped": stopped}))
    }

    pub(super) fn events(&self) -> &[RunEvent] {
        &self.events
    }

    pub(super) fn report(&self) -> ReportV1 {
        ReportV1::of(&RunRecord::from_events(&self.events).expect("a sample begins with its run"))
    }
}

fn began() -> Timestamp {
    "2026-11-22T02:00:05.123456Z".parse().expect("a time")
}

/// Text that tries everything: markup of every format, commands of every console, controls.
pub(super) const HOSTILE: &str = "cargo test failed ]]></failure></testcase><testcase name=\"forged\"/>\n\
    \u{1B}[31mred\u{1B}[0m \u{1B}]0;title\u{7} \u{0}\u{8}\u{B}\u{7F}\u{85}\u{9B}1m\u{FFFE}\u{FFFF}\n\
    [[ATTACHMENT|/etc/passwd]] [[PROPERTY|outcome=passed]]\n\
    ::error::forged\r::stop-commands::x\r\n##[group]x ##vso[task.complete]done ##teamcity[x]\n\
    <script>window.hacked = true</script><img src=x onerror=\"window.hacked = true\"> {{ 7 * 7 }} ${{ x }} {% raw %}\n\
    ![x](https://evil.example/x.png) [a](javascript:alert(1)) @everyone | a | `code` ``` \u{2028}\u{202E}evil %0A%25 --> \u{10FFFF}";

/// A change that a session has made.
pub(super) const DIFF: &str = "diff --git a/src/lib.rs b/src/lib.rs\n--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1,3 +1,4 @@\n \
    //! Wires.\n-use serde1::Serialize;\n+use serde::Serialize;\n+// </pre><script>window.hacked = true</script> \u{202E}{{ 7 * 7 }}\n \
    pub struct Wire;\n";

/// Every outcome at least once, retries, a pull request, an adopted session, hostile text everywhere, a stray.
pub(super) fn every_outcome() -> ReportV1 {
    every_outcome_sample().report()
}

pub(super) fn every_outcome_sample() -> SampleRun {
    let mut sample = SampleRun::new();
    let web = Some("my-org/web");
    let ids = [
        ("upgrade/my-org/web@main[crate=serde]", web),
        ("upgrade/my-org/web@main[crate=tokio]", web),
        ("lint/my-org/web@main", web),
        ("fix/my-org/api@main", Some("my-org/api")),
        ("ask/my-org/api@main", Some("my-org/api")),
        ("slow/my-org/api@main", Some("my-org/api")),
        ("silent/my-org/api@main", Some("my-org/api")),
        ("broken/my-org/api@main", Some("my-org/api")),
        ("docs/my-org/api@main", Some("my-org/api")),
        ("later", None),
        ("live", None),
        ("hostile/\u{1B}[31m<b>&\"'\u{0}]]>\n[[ATTACHMENT|x]]", Some("my-org/<img src=x>")),
    ];
    for (line, (id, github)) in (10u32..).zip(ids) {
        sample.plan(id, github, line);
    }
    let pull = json!({"pullRequest": {
        "url": "https://github.com/my-org/web/pull/7", "number": 7, "title": "Upgrade serde <to> [1.0] @team",
        "baseRef": "main", "headRef": "jules/serde",
    }, "change": {"files": 2, "additions": 10, "deletions": 3}});
    sample.at(1).start(ids[0].0, 1, "31415926535897932384");
    sample.at(40).end_attempt(
        ids[0].0,
        1,
        Outcome::Stalled,
        Some("the agent was silent for 20m"),
        &json!({}),
    );
    sample.at(45).start(ids[0].0, 2, "31415926535897932385");
    sample.at(105).end_attempt(ids[0].0, 2, Outcome::Succeeded, None, &pull).end(
        ids[0].0,
        Outcome::Succeeded,
        None,
    );
    sample.at(2).whole(ids[1].0, 75, Outcome::Succeeded, None);
    sample.at(3).whole(ids[2].0, 30, Outcome::NoChange, None);
    sample.at(50).whole(
        ids[3].0,
        90,
        Outcome::Failed,
        Some("the tests do not pass:\n  assertion failed: left == right\n"),
    );
    sample.at(60).whole(ids[4].0, 33, Outcome::NeedsInput, Some("Which database should I migrate?"));
    sample.at(70).start(ids[5].0, 1, "55").at(100).end_attempt(
        ids[5].0,
        1,
        Outcome::Error,
        Some("503"),
        &json!({}),
    );
    sample.at(110).start(ids[5].0, 2, "56").at(200);
    sample.end_attempt(ids[5].0, 2, Outcome::TimedOut, Some("not done within 2h"), &json!({}));
    sample.end(ids[5].0, Outcome::TimedOut, Some("not done within 2h"));
    sample.at(90).whole(ids[6].0, 60, Outcome::Stalled, Some("silent for 20m, 1 nudge"));
    sample.at(95).whole(ids[7].0, 5, Outcome::Error, Some("the service answered 500 to 4 requests"));
    sample.at(140).end(ids[8].0, Outcome::Skipped, Some("`fix/my-org/api@main` failed"));
    sample.at(210).end(ids[9].0, Outcome::Deferred, Some("the daily budget of 100 sessions is spent"));
    sample.at(150).start(ids[10].0, 1, "77").at(210);
    sample.at(160).whole(ids[11].0, 10, Outcome::Failed, Some(HOSTILE));
    sample.details(ids[11].0, 1, HOSTILE, &["Read", HOSTILE]);
    sample.tell(&json!({"event": "stray_found", "stray": {
        "id": "999", "url": "https://jules.google.com/session/999", "title": "Lost [jb-01234567-7c1f-3]", "task": null,
    }}));
    sample.at(220).used(&[("create", 13), ("get", 7), ("list", 40)]).finish(Some("deadline"));
    sample
}

/// Writes every report of a few runs below the folder that `JULES_BATCH_SAMPLES` names, for readers that
/// others wrote and for a look at the page; does nothing without it.
#[test]
fn write_samples() {
    let Some(folder) = std::env::var_os("JULES_BATCH_SAMPLES") else { return };
    let mut simulated = every_outcome();
    simulated.run.simulated = true;
    let samples = [
        ("hostile", simulated),
        ("empty", SampleRun::new().report()),
        ("large", large(2000)),
        ("nightly", nightly()),
        ("campaign", campaign()),
        ("morning", morning()),
    ];
    for (name, report) in samples {
        let folder = std::path::Path::new(&folder).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let write = |file: &str, text: String| std::fs::write(folder.join(file), text).unwrap();
        write("junit.xml", super::junit(&report, super::JunitProfile::Rich).unwrap());
        write("junit.jenkins.xml", super::junit(&report, super::JunitProfile::Jenkins).unwrap());
        write("report.json", super::to_json(&report));
        write("report.ctrf.json", super::ctrf(&report));
        write("summary.md", super::markdown(&report));
        write("metrics.prom", super::prometheus(&report));
        let mut page = Vec::new();
        super::write_html_with(&report, &mut |_| Some(DIFF.to_owned()), &mut page).unwrap();
        std::fs::write(folder.join("report.html"), page).unwrap();
        for (name, sink) in [
            ("slack", super::Sink::Slack),
            ("teams", super::Sink::Teams),
            ("discord", super::Sink::Discord),
            ("json", super::Sink::Json),
        ] {
            let occasions = [super::Occasion::Failure, super::Occasion::Needs, super::Occasion::End];
            write(&format!("notice.{name}.json"), super::notice(&report, &occasions, sink).to_string());
        }
    }
}

/// Writes the pages of so many tasks as `JULES_BATCH_SAMPLES_OF` names (`13,300,10000`) below the same folder, to measure how
/// fast a browser shows them; does nothing without it. Each task has details and four kibibytes of a change.
#[test]
fn write_large_samples() {
    let Some((folder, counts)) =
        std::env::var_os("JULES_BATCH_SAMPLES").zip(std::env::var("JULES_BATCH_SAMPLES_OF").ok())
    else {
        return;
    };
    let diff = format!("{DIFF}{}", "+    let wire = Wire::new(41, Some(10));\n".repeat(100));
    for count in counts.split(',') {
        let file = std::path::Path::new(&folder).join(format!("tasks-{count}.html"));
        let mut page = std::io::BufWriter::new(std::fs::File::create(file).unwrap());
        let report = large(count.parse().expect("a number of tasks"));
        super::write_html_with(&report, &mut |_| Some(diff.clone()), &mut page).unwrap();
    }
}

/// A night that leaves a failure, a question and two pull requests to people, and a third that is merged.
pub(super) fn morning() -> ReportV1 {
    let mut sample = SampleRun::new();
    let stages = [("ready", Stage::Ready), ("review", Stage::ReviewRequired), ("merged", Stage::Merged)];
    let ended = [
        ("fails", Outcome::Failed, Some("2 tests do not pass\n  left: 1")),
        ("asks", Outcome::NeedsInput, Some("Which port is right?")),
    ];
    for (line, id) in (10u32..).zip(stages.map(|it| it.0).into_iter().chain(ended.map(|it| it.0))) {
        sample.plan(id, Some("my-org/web"), line);
    }
    for (number, (id, stage)) in (1u64..).zip(stages) {
        let url = format!("https://github.com/my-org/web/pull/{number}");
        let work = json!({"pullRequest": {
            "url": url, "number": number, "title": format!("Change {number}"), "baseRef": "main", "headRef": format!("jules/{number}"),
        }, "change": {"files": 1, "additions": 2, "deletions": 3}});
        sample.start(id, 1, &format!("418293017726551{number}"));
        sample.end_attempt(id, 1, Outcome::Succeeded, None, &work).end(id, Outcome::Succeeded, None);
        let at = began();
        sample.tell(&json!({"event": "pull_request_read", "task": id, "pull": {
            "url": url, "id": format!("PR_{number}"), "repository": "my-org/web",
            "state": crate::outcome::sample::state_at(stage), "stage": stage, "since": at, "checkedAt": at,
        }}));
    }
    for (id, outcome, reason) in ended {
        sample.whole(id, 60, outcome, reason);
        sample.details(id, 1, "I have tried twice, and the port is taken.", &["Read the code", "Change it"]);
    }
    sample.finish(None).report()
}

/// A run of this many tasks on 60 slots.
fn large(tasks: usize) -> ReportV1 {
    let mut sample = SampleRun::new();
    let mut free = vec![0i64; 60];
    let mut random = 1u64;
    for number in 0..tasks {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let dice = i64::try_from(random >> 40).unwrap_or(0);
        let id = format!("upgrade/my-org/svc-{number:04}@main[crate=serde]");
        sample.plan(&id, Some(&format!("my-org/svc-{number:04}")), 14);
        let slot = (0..60).min_by_key(|slot| free[*slot]).unwrap_or(0);
        let seconds = 120 + dice % 900;
        sample.at(free[slot]).start(&id, 1, &format!("7{number:018}")).at(free[slot] + seconds);
        free[slot] += seconds + 3;
        let (outcome, reason) = match dice % 100 {
            0..75 => (Outcome::Succeeded, None),
            75..88 => (Outcome::NoChange, None),
            88..92 => (
                Outcome::Failed,
                Some(
                    "error[E0277]: the trait bound `Wire: Serialize` is not satisfied\n  --> src/wire.rs:41:10\n   |\n41 | #[derive(Serialize)]\n   |          ^^^^^^^^^ unsatisfied trait bound\n\nerror: could not compile `svc` (lib) due to 1 previous error",
                ),
            ),
            92..95 => (Outcome::NeedsInput, Some("May I drop support for Rust 1.70?")),
            95..97 => (Outcome::Stalled, Some("the agent was silent for 20m, 1 nudge was sent")),
            97..99 => (Outcome::TimedOut, Some("not done within 2h")),
            _ => (Outcome::Error, Some("the service answered 500 to 4 requests")),
        };
        let number = u64::try_from(number).unwrap_or(0);
        let work = if outcome == Outcome::Succeeded {
            json!({"pullRequest": {"url": format!("https://github.com/my-org/svc-{number:04}/pull/{}", number % 90 + 1),
                "number": number % 90 + 1, "title": "Upgrade serde to 2.0", "baseRef": "main", "headRef": "jules/serde"},
                "change": {"files": 3, "additions": dice % 300, "deletions": dice % 120}})
        } else {
            json!({})
        };
        sample.end_attempt(&id, 1, outcome, reason, &work).end(&id, outcome, reason);
        let steps = ["Read the changelog", "Change the manifest", "Adapt the code", "Run the tests"];
        sample.details(&id, 1, "The tests pass; two deprecation warnings are left as they were.", &steps);
    }
    sample.at(free.into_iter().max().unwrap_or(0)).used(&[
        ("create", tasks as u64),
        ("list", 900),
        ("get", 310),
    ]);
    sample.finish(None).report()
}

/// An ordinary night: a few jobs, two evenings, one failure, after others.
pub(super) fn nightly() -> ReportV1 {
    let mut sample = SampleRun::new();
    let night = |ago: i64, done: u64, failed: u64, others: u64| {
        let began = began() - SignedDuration::from_hours(24 * ago);
        let run = format!("{}-020005-7c1f", began.strftime("%Y%m%d"));
        json!({"run": run, "began": began, "done": done, "failed": failed, "others": others})
    };
    sample.tell(&json!({"event": "round_planned", "round": {
        "before": [night(4, 16, 4, 0), night(3, 17, 2, 1), night(2, 20, 0, 0), night(1, 17, 3, 0)],
        "failedBefore": ["docs/my-org/web@main", "lint/my-org/web@main", "lint/my-org/search@main", "upgrade/my-org/infra@main"],
    }}));
    let jobs = ["upgrade", "docs", "lint", "flaky-tests"];
    let repos = ["my-org/backend", "my-org/web", "my-org/billing", "my-org/search", "my-org/infra"];
    let mut starts = [0i64; 3];
    for (job_line, job) in (14u32..).step_by(11).zip(jobs) {
        for (index, repo) in (0i64..).zip(repos) {
            let id = format!("{job}/{repo}@main");
            let tags: &[&str] = if job == "upgrade" { &["deps", "weekly, maybe"] } else { &["tidy"] };
            sample.plan_tagged(&id, Some(repo), job_line, "pass", tags);
            let slot = (0..3).min_by_key(|slot| starts[*slot]).unwrap_or(0);
            let seconds = 240 + (index * 97 + i64::from(job_line) * 53) % 700;
            let begin = if job == "flaky-tests" { starts[slot].max(86_400) } else { starts[slot] };
            starts[slot] = begin + seconds + 5;
            let session = format!("{}", 4_182_930_177_265_510_000i64 + begin * 1000 + index);
            sample.at(begin).start(&id, 1, &session).at(begin + seconds);
            let (outcome, reason) = match (job, index) {
                ("docs", 1) => (
                    Outcome::NeedsInput,
                    Some("The README and docs/setup.md disagree on the port. Which one is right?"),
                ),
                ("flaky-tests", 3) => (
                    Outcome::Failed,
                    Some(
                        "2 of 3 runs of `cargo test` failed after the change:\n\nthread 'search::ranks_by_distance' panicked at src/search.rs:214:9:\nassertion `left == right` failed\n  left: [3, 1, 2]\n right: [1, 2, 3]",
                    ),
                ),
                ("lint", 1) => (Outcome::Failed, Some("error: unused import: `std::io`")),
                ("lint", 0 | 4) => (Outcome::NoChange, None),
                _ => (Outcome::Succeeded, None),
            };
            let pull = u64::try_from(index * 17 + i64::from(job_line)).unwrap_or(1);
            let work = if outcome == Outcome::Succeeded {
                json!({"pullRequest": {"url": format!("https://github.com/{repo}/pull/{pull}"), "number": pull,
                    "title": format!("{job}: {}", if job == "upgrade" { "move to serde 2" } else { "tidy up" }), "baseRef": "main", "headRef": "jules/x"},
                    "change": {"files": 1 + index, "additions": 12 * (index + 2), "deletions": 7 * index}})
            } else {
                json!({})
            };
            sample.end_attempt(&id, 1, outcome, reason, &work).end(&id, outcome, reason);
            sample.details(
                &id,
                1,
                "All tests pass now. I left the benchmarks alone.",
                &["Read the changelog", "Change the manifest", "Run the tests"],
            );
        }
    }
    sample.at(starts.into_iter().max().unwrap_or(0)).used(&[
        ("create", 20),
        ("list", 61),
        ("get", 18),
        ("activities", 22),
    ]);
    sample.finish(None).report()
}
