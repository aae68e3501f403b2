//! Reports: printed again, taken from a file, merged from shards, and rewritten when a run goes on.

use std::fs::File;
use std::time::{Duration, SystemTime};

use jules_batch::outcome::Outcome;
use jules_batch::report::{ReportV1, from_json};
use serde_json::Value;

use crate::session::at_service;
use crate::support::{Manifest, Signal, World, at_once, job, tasks};

const FORMATS: [(&str, &str); 6] = [
    ("junit", "junit.xml"),
    ("json", "report.json"),
    ("ctrf", "report.ctrf.json"),
    ("markdown", "summary.md"),
    ("html", "report.html"),
    ("events", "events.jsonl"),
];

const QUICK: &str = "{ defaults: { duration: 30ms, outcome: pull-request }, \
    rules: [{ when: { prompt: 'Do 3.' }, then: { outcome: failure, failure-reason: It broke. } }] }";

fn ran() -> World {
    let world = World::with(QUICK, &tasks(4));
    world.run().exits(100);
    world
}

#[test]
fn a_recorded_run_is_printed_in_every_format() {
    let world = ran();
    at_once(FORMATS, |(format, file)| {
        let printed = world.command("report").arg("--format").arg(format).exits(0);
        assert_eq!(printed.stdout, world.read(&format!("jules-report/{file}")), "{format}");
    });
}

#[test]
fn a_report_json_is_enough_for_every_format_but_events() {
    let world = ran();
    at_once(&FORMATS[..5], |(format, file)| {
        let report = world.command("report").args("--from jules-report/report.json --format").arg(format);
        // What is set for other commands is no contradiction.
        let printed = report.env("JULES_BATCH_STATE_DIR", "elsewhere").exits(0);
        assert_eq!(printed.stdout, world.read(&format!("jules-report/{file}")), "{format}");
    });
    let ended = world.command("report").args("--from jules-report/report.json --format events").exits(2);
    assert!(ended.stderr.contains("holds no events"), "{ended}");

    let mut reading = world.command("report").args("--from - --format junit").start();
    reading.tell(&world.read("jules-report/report.json"));
    assert_eq!(reading.wait().stdout, world.read("jules-report/junit.xml"));
}

#[test]
fn all_files_are_written_again_elsewhere() {
    let world = ran();
    let ended = world.command("report").args("--report-dir again --events log.jsonl").exits(0);
    for (_, file) in FORMATS {
        assert!(ended.stdout.contains(&format!("again/{file}\n")), "{ended}");
        assert_eq!(world.read(&format!("again/{file}")), world.read(&format!("jules-report/{file}")));
    }
    assert_eq!(world.read("log.jsonl"), world.read("jules-report/events.jsonl"));
}

#[test]
fn figures_for_prometheus_follow_the_run() {
    let world = World::with(QUICK, &tasks(4));
    world.run().args("--metrics figures/night.prom").exits(100);
    let figures = world.read("figures/night.prom");
    for (series, value) in [
        ("tasks{manifest=\"test\",state=\"succeeded\"}", "3"),
        ("tasks{manifest=\"test\",state=\"failed\"}", "1"),
        ("tasks{manifest=\"test\",state=\"live\"}", "0"),
        ("run_active{manifest=\"test\"}", "0"),
        ("api_requests_total{manifest=\"test\",method=\"create\"}", "4"),
    ] {
        assert!(figures.contains(&format!("\njules_batch_{series} {value}\n")), "{series}: {figures}");
    }
    // The collector reads every *.prom of the folder: what is not yet whole must have another name, and nothing stay.
    assert_eq!(std::fs::read_dir(world.path("figures")).unwrap().count(), 1);
    assert_eq!(world.command("report").args("--format prometheus").exits(0).stdout, figures);
    let ended = world.run().args("--metrics jobs.yaml").start().wait();
    assert!(ended.code != Some(0) && ended.stderr.contains("jobs.yaml"), "{ended}");
    let ended = world.run().args("--metrics x --json x").exits(2);
    assert!(ended.stderr.contains("--json and --metrics would write different reports"), "{ended}");
}

#[test]
fn one_report_may_have_stdout() {
    at_once([("--json", "report.json"), ("--junit", "junit.xml")], |(flag, file)| {
        let world = World::with(QUICK, &tasks(2));
        let ended = world.run().arg(flag).arg("-").exits(0);
        assert_eq!(ended.stdout, world.read(&format!("jules-report/{file}")));
        assert!(!world.path("-").exists());
    });
    let world = World::with(QUICK, &tasks(2));
    let ended = world.run().args("--json - --events -").exits(2);
    assert!(ended.stderr.contains("one stdout") && ended.stdout.is_empty(), "{ended}");
    assert_eq!(world.statistics().created, 0);
}

/// Runs a part of the manifest with a state and reports of its own, as a CI job does.
fn shard(world: &World, part: &str, flags: &str, code: i32) -> ReportV1 {
    let number = &part[..1];
    let folders = format!("--state-dir state-{number} --report-dir shard-{number}");
    world.run().args(&folders).args("--shard").arg(part).args(flags).exits(code);
    from_json(&world.read(&format!("shard-{number}/report.json"))).unwrap()
}

#[test]
fn shards_are_merged_with_the_exit_code_of_the_whole() {
    let world = World::with(QUICK, &tasks(8));
    let parts = [shard(&world, "1/2", "--fail-on none", 0), shard(&world, "2/2", "--fail-on none", 0)];
    let sizes = parts.each_ref().map(|part| part.tasks.len());
    assert!(sizes.iter().all(|size| *size > 0) && sizes.iter().sum::<usize>() == 8, "{sizes:?}");

    let merge = |flags: &str, code: i32| {
        let files = "shard-1/report.json shard-2/report.json";
        world.command("merge").args(files).args("--report-dir all").args(flags).exits(code)
    };
    let ended = merge("", 100);
    assert!(ended.stdout.contains("all/junit.xml\n"), "{ended}");
    let merged = from_json(&world.read("all/report.json")).unwrap();
    assert_eq!((merged.totals.succeeded, merged.totals.failed, merged.totals.total), (7, 1, 8));
    merge("--fail-on none", 0);
    merge("--fail-on stalled,failed", 100);
    let printed = merge("--fail-on none --json -", 0).stdout;
    assert_eq!(from_json(&printed).unwrap(), merged);

    let missing = world.command("merge").args("shard-1/report.json shard-3/report.json").exits(2);
    assert!(missing.stderr.contains("shard-3/report.json"), "{missing}");
}

#[test]
fn work_left_in_one_shard_is_left_in_the_whole() {
    let world = World::with("{ defaults: { duration: 30ms, outcome: change } }", &tasks(8));
    shard(&world, "1/2", "", 0);
    shard(&world, "2/2", "--max-tasks 1", 5);
    let merge = world.command("merge").args("shard-1/report.json shard-2/report.json --report-dir all");
    assert!(merge.exits(5).stdout.contains("all/report.html"));
}

#[test]
fn tasks_of_other_shards_are_left_out_of_the_reports() {
    let world = World::with(QUICK, &tasks(8));
    let mut told = Vec::new();
    for part in ["slice:1/2", "slice:2/2"] {
        let ended = world.run().args("--fail-on none --shard").arg(part).exits(0);
        let ids: Vec<String> = ended.report().tasks.into_iter().map(|task| task.id).collect();
        assert_eq!((ids.len(), ended.junit().tests), (4, 4), "{part}: {ids:?}");
        told.extend(ids);
    }
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 8);
}

#[test]
fn a_run_that_goes_on_writes_the_whole_again_with_a_new_time() {
    let world = World::with("{ defaults: { duration: 30ms, outcome: change } }", &tasks(3));
    let first = world.run().args("--max-tasks 1").exits(5);
    let long_ago = SystemTime::now() - Duration::from_secs(86_400);
    for (_, file) in FORMATS {
        let path = world.path(&format!("jules-report/{file}"));
        File::options().append(true).open(path).unwrap().set_modified(long_ago).unwrap();
    }
    let second = world.run().exits(0);
    assert_eq!(second.report().run.id, first.report().run.id);
    assert_eq!((second.junit().tests, second.count(Outcome::Succeeded)), (3, 3));
    for (_, file) in FORMATS {
        let metadata = world.path(&format!("jules-report/{file}")).metadata().unwrap();
        assert!(metadata.modified().unwrap() > long_ago + Duration::from_secs(3_600), "{file}");
    }
}

#[test]
fn a_cancelled_run_leaves_complete_reports_with_an_outcome_for_every_task() {
    let scenario = "{ defaults: { duration: 10m, outcome: change }, \
        rules: [{ when: { prompt: 'Do 1.' }, then: { duration: 30ms } }] }";
    let world = World::with(scenario, &tasks(7));
    let mut running = world.run().args("--junit-profile jenkins").start();
    running.until(|world| world.statistics().created == 5);
    running.signal(Signal::Interrupt);
    let ended = running.wait();
    assert_eq!(ended.code, Some(130), "{ended}");

    let report = ended.report();
    let totals = report.totals;
    assert_eq!((totals.succeeded, totals.detached, totals.deferred, totals.total), (1, 4, 2, 7));
    assert!(report.run.ended_at.is_some() && report.tasks.iter().all(|task| task.ended_at.is_some()));
    let schema: Value = serde_json::from_str(include_str!("../../schemas/report.schema.json")).unwrap();
    let json: Value = serde_json::from_str(&world.read("jules-report/report.json")).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&json));

    let junit = ended.junit();
    let skipped: usize = junit.test_suites.iter().map(|suite| suite.skipped).sum();
    assert_eq!((junit.tests, junit.failures, junit.errors, skipped), (7, 0, 0, 6));
    let ctrf: Value = serde_json::from_str(&world.read("jules-report/report.ctrf.json")).unwrap();
    assert_eq!(
        (&ctrf["results"]["summary"]["pending"], &ctrf["results"]["summary"]["tests"]),
        (&6.into(), &7.into())
    );
    assert_eq!(world.read("jules-report/report.html").matches("<tr role=\"row\" id=\"t").count(), 7);
    assert!(world.read("jules-report/summary.md").contains("1 of 7 tasks done"));
    let events = world.read("jules-report/events.jsonl");
    let last: Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["stopped"]), (&"invocation_ended".into(), &"interrupt".into()));
    let files = std::fs::read_dir(world.path("jules-report")).unwrap().map(|file| file.unwrap().file_name());
    let left: Vec<_> = files.filter(|name| name != ".gitignore").collect();
    assert_eq!(left.len(), 6, "nothing half-written is left: {left:?}");
}

#[test]
fn every_pull_request_of_a_session_stands_in_every_report() {
    let manifest = Manifest::of([job("task", "Do it.", &["source: my-org/web@main"])]);
    let scenario =
        "{ defaults: { duration: 30ms, outcome: pull-request, pull-requests: 2, pull-request-after: 0s } }";
    let world = World::with(scenario, &manifest);
    let ended = world.run().exits(0);
    let pulls = world.sessions()[0].pull_requests.clone();
    let [first, last] = pulls.as_slice() else { panic!("{pulls:?}") };
    let task = ended.task("task");
    assert_eq!(&task.pull_request.unwrap().url, last);
    assert_eq!(task.pull_requests.iter().map(|pull| &pull.url).collect::<Vec<_>>(), [first, last]);
    assert!(ended.stdout.ends_with(&format!("\t{last}\t{first}\n")), "{ended}");
    // The line of the task's end, and the summary.
    assert_eq!((ended.stderr.matches(first).count(), ended.stderr.matches(last).count()), (2, 2), "{ended}");
    for file in ["junit.xml", "report.ctrf.json", "summary.md", "report.html"] {
        let text = world.read(&format!("jules-report/{file}")).replace("&#x2f;", "/");
        assert!(text.contains(first) && text.contains(last), "{file}:\n{text}");
    }
    let id = task.attempts[0].session.as_ref().unwrap().id.clone();
    for line in [format!("show {id}"), format!("result {id}"), format!("result --format json {id}")] {
        let told = at_service(&world, world.command("session").args(&line)).exits(0).stdout;
        assert!(told.contains(first) && told.contains(last), "{line}:\n{told}");
    }
    let opened = world.command("open").arg(first).arg("--print").exits(0);
    assert_eq!(opened.stdout.trim(), last);
}

#[test]
fn the_reports_of_a_live_run_are_true_soon_after_a_change() {
    let scenario = "{ rules: [{ when: { prompt: Do 1. }, then: { duration: 10m } }], \
        defaults: { duration: 40ms, outcome: change } }";
    let world = World::with(scenario, &tasks(6));
    let began = std::time::Instant::now();
    let mut running = world.run().start();
    let says = |world: &World, file: &str| {
        let path = world.path("jules-report").join(file);
        // Not that no task was selected, nor for half a minute.
        std::fs::read_to_string(path).is_ok_and(|text| text.contains(" of 6 tasks done"))
    };
    running.until(|world| says(world, "summary.md") && says(world, "report.html"));
    assert!(began.elapsed() < Duration::from_secs(15), "after {:?}", began.elapsed());
    running.signal(Signal::Interrupt);
    running.wait();
}

/// Neither that they were left to another run, nor that nothing was asked.
#[test]
fn open_tasks_of_a_live_run_are_at_work_or_not_started() {
    let world = World::with("{ defaults: { duration: 10m, outcome: change } }", &tasks(6));
    let mut running = world.run().args("-j 2").start();
    let text = |world: &World, file: &str| std::fs::read_to_string(world.path("jules-report").join(file));
    let says = |world: &World, file: &str| text(world, file).is_ok_and(|text| text.contains("at work"));
    running.until(|world| says(world, "summary.md") && says(world, "report.html"));
    let summary = text(&world, "summary.md").unwrap();
    assert!(
        summary.contains(
            "### Not done yet: 6 tasks\n\n- 2 tasks at work: its session is at work\n- 4 tasks not started"
        ),
        "{summary}"
    );
    assert!(
        !summary.contains("detached") && !summary.contains("deferred") && !summary.contains("0 API"),
        "{summary}"
    );
    running.kill();
    running.wait();
    let page = text(&world, "report.html").unwrap();
    assert!(page.contains("not started") && !page.contains("> detached"), "not what `run` ends with");
    let again = world.command("report").args("--format markdown").exits(0).stdout;
    assert!(again.contains("### Not done yet: 6 tasks"), "{again}");
}
