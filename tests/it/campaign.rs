//! How far a campaign is, over its days and rounds: in `status` and in the reports.

use jules_batch::report::{ReportV1, from_json};

use crate::support::{World, job, tasks};

const QUICK: &str = "{ rules: [{ when: { prompt: 'Fail.', nth: 1 }, then: { outcome: failure } }], \
    defaults: { duration: 40ms, outcome: change } }";

/// Done, failed, open, and all.
fn counts(report: &ReportV1) -> (u64, u64, u64, u64) {
    let progress = report.progress.as_ref().unwrap();
    (progress.done, progress.failed, progress.open, progress.all)
}

#[test]
fn canaries_are_two_of_all_and_work_is_left_in_the_words_of_three_places() {
    let world = World::with(QUICK, &tasks(5).set("limits", "{ sessions-per-day: 3 }"));
    let report = world.run().args("--sample 2").exits(0).report();
    assert_eq!((counts(&report), report.totals.total), ((2, 0, 3, 5), 2));
    let words = "2 of 5 tasks done, 3 open";
    let limit = "2 of 3 sessions within 24 h; 1 more day for the 3 to start";
    let status = world.command("status").args("--exit-code").exits(5);
    let (page, summary) = (world.read("jules-report/report.html"), world.read("jules-report/summary.md"));
    for text in [&status.stdout, &page, &summary] {
        assert!(text.contains(words) && text.contains(limit), "{text}");
    }
    // The day's last session: the two others are told to wait, until when, and what a script makes of it.
    let spent = world.run().args("--deadline 3s").exits(5);
    let free = "stopped: sessions-per-day; the next session is free at 2";
    assert!(spent.stderr.contains(free), "{spent}");
    assert_eq!(counts(&spent.report()), (3, 0, 2, 5));
    let status = world.command("status").args("--exit-code").exits(5);
    assert!(status.stdout.contains("3 of 3 sessions within 24 h; the next is free at 2"), "{status}");
    let sessions = spent.report().progress.unwrap().sessions;
    assert!((sessions.free_at.is_some(), sessions.days_left) == (true, Some(1)), "{sessions:?}");
}

#[test]
fn a_round_tells_what_the_rounds_before_it_have_done() {
    let jobs = [job("a", "Do a.", &[]), job("b", "Fail.", &[]), job("c", "Do c.", &[])];
    let world = World::with(QUICK, &crate::support::Manifest::of(jobs));
    let first = world.run().exits(100).report();
    world.command("status").args("--exit-code").exits(100);
    let fresh = world.run().args("--fresh --select job(c)").exits(0).report();
    assert_eq!((counts(&fresh), fresh.totals.total), ((2, 1, 0, 3), 1));
    let earlier: Vec<_> = fresh.earlier.iter().map(|end| (end.id.as_str(), end.run.as_str())).collect();
    assert_eq!(earlier, [("a", first.run.id.as_str()), ("b", first.run.id.as_str())]);
    let told = "1 task done in earlier rounds, the last at 2";
    let run = format!("(run {})", first.run.id);
    let status = world.command("status").args("--exit-code").exits(100);
    let summary = world.read("jules-report/summary.md");
    for text in [&status.stdout, &summary] {
        assert!(text.contains(told) && text.contains(&run), "{text}");
    }
    // Nothing to do: the reports of the round say the same, and nothing is created.
    let idle = world.run().exits(0);
    assert!(idle.stderr.contains("nothing to do: 2 done since"), "{idle}");
    assert_eq!((idle.report(), world.statistics().created), (fresh, 4));
    // What is done again is no more of the earlier rounds.
    let failed = world.run().args("--failed").exits(0).report();
    assert_eq!((counts(&failed), failed.earlier.len()), ((3, 0, 0, 3), 1));
    world.command("status").args("--exit-code").exits(0);
}

#[test]
fn a_manifest_that_was_renamed_is_told_by_its_new_name() {
    let world = World::with(QUICK, &tasks(3));
    world.run().args("--max-tasks 1 -j 1").exits(5);
    std::fs::rename(world.path("jobs.yaml"), world.path("campaign.yaml")).unwrap();
    let ended = world.run().args("campaign.yaml --max-tasks 1 -j 1").exits(5);
    let report = ended.report();
    let named = (report.run.manifest.as_str(), report.tasks[0].file.as_str());
    assert_eq!(named, ("campaign.yaml", "campaign.yaml"));
    let status = world.command("status").exits(0);
    assert!(status.stdout.contains("go on with: jules-batch run campaign.yaml"), "{status}");
    assert!(status.stdout.contains("the next run: 2 done, 1 to start"), "{status}");
}

#[test]
fn a_run_that_would_start_nothing_is_no_work_left() {
    let manifest = tasks(3).set("strategy", "{ max-parallel: 1, max-failures: 1 }");
    let world = World::with("{ defaults: { duration: 20ms, outcome: failure } }", &manifest);
    world.run().exits(100);
    let why = "1 failed, 2 to start; nothing is started: too many tasks have failed (1 of 1 ended tasks failed, `max-failures` is 1)";
    let status = world.command("status").args("--exit-code").exits(100);
    assert!(status.stdout.contains(why), "{status}");
    let dry = world.run().arg("-n").exits(0);
    assert!(dry.stderr.contains("nothing is started: too many tasks have failed"), "{dry}");
    world.run().exits(100);
    world.created(1);
}

#[test]
fn what_only_the_account_knows_is_told_by_the_ledger_as_far_as_it_goes() {
    let up = job("up", "Do it.", &["sources: [{ match: 'my-org/svc-*' }]"]);
    let scenario =
        "{ sources: [{ repo: 'my-org/svc-{n}', count: 3 }], defaults: { duration: 20ms, outcome: change } }";
    let world = World::with(scenario, &crate::support::Manifest::of([up]));
    world.run().args("--max-tasks 1 -j 1").exits(5);
    let dry = world.run().arg("-n").exits(0);
    assert!(!dry.stderr.contains("nothing to do"), "{dry}");
    world.command("status").args("--exit-code").exits(5);
    world.run().exits(0);
    world.command("status").args("--exit-code").exits(0);
}

#[test]
fn of_earlier_rounds_no_event_is_read() {
    let world = World::with(QUICK, &tasks(3).set("repeat", "1ms"));
    for _ in 0..3 {
        world.run().exits(0);
    }
    let looks = || {
        let told = ["status", "plan", "run -n"].map(|command| {
            let mut words = command.split(' ');
            let ended = world.command(words.next().unwrap()).args(words.next().unwrap_or_default()).exits(0);
            (ended.stdout, ended.stderr)
        });
        told.map(|(out, err)| [out, err].concat())
    };
    let before = looks();
    let ledger = rusqlite::Connection::open(world.path(".jules-batch/ledger.db")).unwrap();
    let last = "(SELECT max(n) FROM runs)";
    assert_ne!(ledger.execute(&format!("DELETE FROM events WHERE run <> {last}"), []).unwrap(), 0);
    drop(ledger);
    assert_eq!(looks(), before);
}

#[test]
fn what_is_added_is_left_and_a_night_that_is_due_is_not() {
    let world = World::with(QUICK, &tasks(2).set("repeat", "1ms"));
    world.run().exits(0);
    world.command("status").args("--exit-code").exits(0);
    world.write("jobs.yaml", &tasks(3).to_string());
    world.command("status").args("--exit-code").exits(5);
    let old = world.command("status").args("--format json").exits(0);
    let run = from_json(&old.stdout).unwrap().run.id;
    world.command("status").arg(run).args("--exit-code").exits(0);
}

#[test]
fn a_shard_counts_its_own_tasks_and_merged_they_are_the_whole() {
    let world = World::with(QUICK, &tasks(6));
    let part = |n: u32| {
        let dir = format!("part-{n}");
        let flags = format!("--shard slice:{n}/2 --report-dir {dir} --state-dir state-{n}");
        world.run().args(&flags).exits(0);
        format!("{dir}/report.json")
    };
    let parts = [1, 2].map(part);
    for part in &parts {
        assert_eq!(counts(&from_json(&world.read(part)).unwrap()), (3, 0, 0, 3));
    }
    let merged = world.command("merge").args(&parts.join(" ")).args("--report-dir all").exits(0);
    let report =
        from_json(&world.read("all/report.json")).unwrap_or_else(|error| panic!("{error}: {merged}"));
    assert_eq!(counts(&report), (6, 0, 0, 6));
}
