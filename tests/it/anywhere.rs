//! What machines share is told alike wherever somebody asks: in an empty folder, without the manifest.

use crate::shared_state::Shared;
use crate::support::Runner;

impl Shared {
    /// A command in a folder that has nothing of the runs.
    fn elsewhere(&self, args: &str) -> Runner<'_> {
        self.world.write("elsewhere/.keep", "");
        let command = self.on("elsewhere", args).within("elsewhere");
        command.env("JULES_BASE_URL", self.world.service().url())
    }
}

#[test]
fn status_report_and_pulls_need_neither_the_folder_nor_the_manifest() {
    let Some(shared) = Shared::new("{ defaults: { duration: 50ms, outcome: pull-request } }", 3) else {
        return;
    };
    shared.run("one").exits(0);
    let status = shared.elsewhere("status").exits(0);
    assert!(status.stdout.contains("3  succeeded"), "{status}");
    assert_eq!(shared.elsewhere("status --all").exits(0).stdout.lines().count(), 1);
    shared.elsewhere("report -q").exits(0);
    let told: serde_json::Value =
        serde_json::from_str(&shared.world.read("elsewhere/jules-report/report.json")).unwrap();
    let written = shared.report("one");
    assert_eq!((&told["totals"], &told["tasks"]), (&written["totals"], &written["tasks"]));
    let pulls = shared.elsewhere("pulls --all --format json").exits(0);
    let listed: serde_json::Value = serde_json::from_str(&pulls.stdout).unwrap();
    assert_eq!(listed["pullRequests"].as_array().map(Vec::len), Some(3), "{pulls}");
    let without = shared.elsewhere("pulls").exits(3);
    assert!(without.stderr.contains("jules-batch pulls --all"), "{without}");
}

#[test]
fn doctor_says_how_the_shared_ledger_is_and_who_is_at_work() {
    let Some(shared) = Shared::new("{ defaults: { duration: 2s, outcome: change } }", 3) else { return };
    let mut run = shared.run("one").start();
    run.until(|_| shared.sql("SELECT count(*) FROM @creations") == "3");
    let doctor = shared.elsewhere("doctor").start().wait();
    assert!(doctor.stdout.contains("sound, with 1 run"), "{doctor}");
    let at_work = doctor.stdout.lines().find(|line| line.contains("at work")).unwrap_or_default();
    assert!(at_work.contains("my-org/web") && at_work.contains(" pid "), "{doctor}");
    run.wait();
    let gone =
        shared.elsewhere("doctor").env("JULES_BATCH_STATE", "postgres://u@127.0.0.1:1/x").start().wait();
    let ledger =
        gone.stdout.lines().find(|line| line.contains("postgres://u@127.0.0.1:1/x")).unwrap_or_default();
    assert!(!gone.stdout.contains("--state-dir") && ledger.contains("error"), "{gone}");
}
