//! Shards: each part is a run of its own, and the whole is more than the parts that are there.

use jules_batch::outcome::Outcome;
use jules_batch::report::{ShardV1, from_json};

use crate::support::{Manifest, World, job, tasks};

const QUICK: &str = "{ defaults: { duration: 30ms, outcome: change } }";

#[test]
fn an_empty_shard_is_done_with_an_empty_report() {
    let world = World::with(QUICK, &Manifest::of([job("think", "Think.", &[])]));
    let mut sizes: Vec<u64> = Vec::new();
    for index in 1..=3 {
        let _ = std::fs::remove_dir_all(world.path("jules-report"));
        let ended = world.run().args(&format!("--shard {index}/3 --state-dir state-{index}")).exits(0);
        assert_eq!(ended.report().run.shard, Some(ShardV1 { index, total: 3 }));
        let cases = ended.junit().test_suites.iter().map(|suite| suite.test_cases.len()).sum::<usize>();
        assert_eq!(cases as u64, ended.report().totals.total);
        sizes.push(ended.report().totals.total);
        world.run().args(&format!("--shard {index}/3 -n --state-dir empty")).exits(0);
        world.command("plan").args(&format!("--shard {index}/3")).exits(0);
    }
    assert_eq!((sizes.iter().min(), sizes.iter().sum()), (Some(&0), 1));
    world.created(1);
    for nothing in ["--exclude job(think)", "--exclude job(think) --shard 1/2", "--slice 5: --shard 1/2"] {
        world.run().args(nothing).exits(4);
        world.run().args(nothing).arg("-n").exits(4);
        world.command("plan").args(nothing).exits(4);
    }
}

#[test]
fn tasks_that_need_each_other_are_in_one_shard() {
    let sources = "sources: [o/a@main, o/b@main, o/c@main, o/d@main]";
    let manifest = Manifest::of([
        job("one", "The first.", &[sources]),
        job("two", "The second.", &[sources, "needs: [one]"]),
    ]);
    let scenario = "{ rules: [{ when: { prompt: first }, then: { duration: 30ms, outcome: failure } }], \
        defaults: { duration: 30ms, outcome: change } }";
    let world = World::with(scenario, &manifest);
    for index in 1..=3 {
        let flags = format!("--fail-on none --shard {index}/3 --state-dir {index} --report-dir {index}");
        world.run().args(&flags).exits(0);
        let report = from_json(&world.read(&format!("{index}/report.json"))).unwrap();
        assert_eq!(report.totals.of(Outcome::Failed), report.totals.of(Outcome::Skipped), "{index}");
    }
    world.created(4);
}

#[test]
fn a_shard_without_a_report_is_named() {
    let world = World::with(QUICK, &tasks(8));
    for index in 1..=3 {
        let flags = format!("--shard slice:{index}/3 --state-dir state-{index} --report-dir {index}");
        world.run().args(&flags).exits(0);
    }
    let merge = |files: &str, code| world.command("merge").args(files).args("--report-dir all").exits(code);
    let ended = merge("1/report.json 3/report.json", 5);
    assert!(ended.stderr.contains("missing: 2/3"), "{ended}");
    let ended = merge("1/report.json 3/report.json --partial", 0);
    assert!(ended.stderr.contains("missing: 2/3"), "{ended}");
    // A merged report can be merged again.
    let merge = |files: &str, code| world.command("merge").args(files).args("--report-dir whole").exits(code);
    merge("all/report.json 3/report.json", 5);
    let ended = merge("all/report.json 2/report.json", 0);
    assert!(!ended.stderr.contains("missing"), "{ended}");
    assert_eq!(from_json(&world.read("whole/report.json")).unwrap().totals.of(Outcome::Succeeded), 8);
}
