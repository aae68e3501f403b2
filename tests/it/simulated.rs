//! `--simulate` and `simulate`: the service, played on this machine.

use std::path::Path;

use jules_simulator::Scenario;

use crate::support::{Manifest, Signal, World, job};

/// A world whose own service must not be asked.
fn world() -> World {
    World::new("")
}

#[test]
fn the_example_manifest_runs_without_key_and_network() {
    let world = world();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs.example.yaml");
    // The built-in scenario, ten times as fast.
    let scenario =
        include_str!("../../crates/jules-simulator/src/demo.yaml").replace("speed: 60", "speed: 600");
    world.write("demo.yaml", &scenario);
    let run = world.command("run").without_env("JULES_API_KEY").arg(example);
    let ended = run.arg("--simulate=demo.yaml").exits(0);
    let report = ended.report();
    assert!(report.run.simulated && report.totals.total > 5 && report.remaining == 0, "{ended}");
    assert!(report.totals.succeeded > 0);
    assert!(ended.stderr.contains("SIMULATED"), "{ended}");
    assert_eq!(ended.junit().tests as u64, report.totals.total);
    assert!(!world.path(".jules-batch/ledger.db").exists(), "its ledger is not that of the real runs");
    assert!(world.statistics().requests.is_empty());
}

/// A scenario in which work takes this long.
fn lasting(duration: &str) -> String {
    format!(
        "any-source: true\nsources: [{{ repo: my-org/known }}]\ndefaults: {{ duration: {duration}, outcome: pull-request }}\n"
    )
}

#[test]
fn every_repository_of_the_manifest_is_connected() {
    let world = world();
    world.write("quick.yaml", &lasting("20ms"));
    world.write("repos.txt", "acme/listed\n");
    let sources = "sources: [acme/named, 'acme/${{ vars.name }}', { file: repos.txt }, { match: 'acme/svc-*' }, { match: my-org/* }]";
    let manifest = Manifest::of([job("task", "Do it.", &[sources])]).set("vars", "{ name: made }");
    world.write("jobs.yaml", &manifest.to_string());
    let ended = world.command("run").without_env("JULES_API_KEY").arg("--simulate=quick.yaml").exits(0);
    let names: Vec<_> = ended.report().tasks.iter().map(|task| task.id.clone()).collect();
    let expected =
        ["named", "made", "listed", "svc-1", "svc-2", "svc-3"].map(|name| format!("task/acme/{name}@main"));
    assert_eq!(names[..6], expected, "{ended}");
    assert_eq!(names[6..], ["task/my-org/known@main"], "what the scenario has is not made up");
    assert!(!format!("{}{}", ended.stdout, ended.stderr).contains("jules.google.com"), "{ended}");
}

#[test]
fn what_a_scenario_does_not_connect_is_to_be_added_there() {
    let world = world();
    world.write(
        "strict.yaml",
        "keys: [mine]\nsources: [{ repo: my-org/web }]\ndefaults: { duration: 20ms }\n",
    );
    let jobs = [
        job("named", "Do it.", &["source: my-org/wep@main"]),
        job("open", "Do it.", &["source: my-org/api"]),
    ];
    world.write("jobs.yaml", &Manifest::of(jobs).to_string());
    let ended = world.command("run").arg("--simulate=strict.yaml").exits(100);
    assert!(ended.outcome("open").1.contains("under `sources` in the scenario"), "{ended}");
    assert!(ended.outcome("named").1.contains("under `sources` in the scenario"), "{ended}");
    assert!(!ended.stderr.contains("jules.google.com"), "{ended}");
}

#[test]
fn a_simulated_run_can_be_looked_at_afterwards() {
    let world = World::new("{ defaults: { duration: 20ms } }");
    world.write("quick.yaml", &lasting("20ms"));
    world.write("jobs.yaml", &Manifest::of([job("task", "Do it.", &["source: acme/web@main"])]).to_string());
    let flags = "--simulate=quick.yaml --state-dir state";
    let id = world.command("run").args(flags).exits(0).report().run.id;
    assert!(world.path("state/simulated/ledger.db").exists() && !world.path(".jules-batch").exists());
    let told = |command: &str| world.command(command).args("--state-dir state").exits(0);
    let status = told("status");
    assert!(status.stdout.contains(&format!("run {id}, simulated: 1 task")), "{status}");
    assert!(world.command("status").args("--watch --state-dir state").exits(0).stdout.contains("simulated"));
    assert!(
        world
            .command("report")
            .args("--format markdown --state-dir state")
            .exits(0)
            .stdout
            .contains("task/acme/web@")
    );
    let open = told("open");
    assert!(open.stdout.starts_with("https://github.com/acme/web/pull/"), "{open}");
    assert!(open.stderr.contains("SIMULATED: there is no such page"), "{open}");
    let session = world.command("open").args("--session --state-dir state").exits(0);
    assert!(session.stdout.starts_with("https://simulated.invalid/session/"), "{session}");
    // A real run in the same folder is another matter, and the last one is shown.
    world.run().args("--state-dir state").exits(0);
    assert!(!told("status").stdout.contains("simulated"));
    assert!(world.command("status").arg(&id).args("--state-dir state").exits(0).stdout.contains("simulated"));
    assert_eq!(
        world.command("status").args("--all --state-dir state").exits(0).stdout.matches("jobs.yaml").count(),
        2
    );
    world.created(1);
}

#[test]
fn a_simulated_run_that_was_killed_goes_on_with_its_sessions() {
    let world = world();
    world.write("slow.yaml", &lasting("2s"));
    world.write("jobs.yaml", &Manifest::of([job("task", "Do it.", &["source: acme/web"])]).to_string());
    let mut run = world.command("run").arg("--simulate=slow.yaml").start();
    // By then the ledger has it.
    run.until_said("in progress");
    run.kill();
    let killed = run.wait();
    let line = killed.stderr.lines().find(|line| line.contains("started")).unwrap();
    let session = line.rsplit('/').next().unwrap();
    let listed = world.command("run").args("-n --simulate=slow.yaml").exits(0);
    assert!(listed.stdout.starts_with("task/acme/web@main\t"), "{listed}");
    let told = world.command("status").exits(0);
    assert!(told.stdout.contains("go on with: jules-batch run jobs.yaml --simulate"), "{told}");
    let ended = world.command("run").arg("--simulate=slow.yaml").exits(0);
    assert!(ended.stderr.contains("going on with run"), "{ended}");
    let task = ended.task("task");
    assert_eq!(task.attempts.len(), 1, "{ended}");
    assert!(task.attempts[0].session.as_ref().is_some_and(|made| made.id == session), "{ended}");
}

#[test]
fn without_a_name_the_built_in_scenario_is_played() {
    let world = world();
    // The built-in sessions take minutes of the service's time.
    let manifest = Manifest::of([job("task", "Do it.", &["source: my-org/web@main"])]);
    world.write("jobs.yaml", &manifest.set("timeouts", "{ task: 2h }").to_string());
    let ended = world.command("run").without_env("JULES_API_KEY").arg("--simulate").exits(0);
    assert!(ended.task("task").pull_request.is_some());
}

#[test]
fn a_scenario_of_ones_own_is_played() {
    let world = world();
    world.write(
        "broken.yaml",
        "speed: 60\ndefaults: { duration: 3s, outcome: failure, failure-reason: As told. }\n",
    );
    world.write("jobs.yaml", &Manifest::of([job("task", "Do it.", &[])]).to_string());
    let ended = world.command("run").arg("--simulate=broken.yaml").exits(100);
    assert_eq!(ended.outcome("task").1, "As told.");
    let ended = world.command("run").arg("--simulate=missing.yaml").exits(2);
    assert!(ended.stderr.contains("missing.yaml"), "{ended}");
    world.write("wrong.yaml", "sped: 60\n");
    let ended = world.command("run").arg("--simulate=wrong.yaml").exits(3);
    assert!(
        ended.stderr.contains("sped") && ended.stderr.contains("jules-batch simulate --example"),
        "{ended}"
    );
}

#[test]
fn a_scenario_without_its_sign_is_told_of_it() {
    let world = world();
    world.write("sc.yaml", "speed: 60\nrules: []\n");
    world.write("jobs.yaml", &Manifest::of([job("task", "Do it.", &[])]).to_string());
    for line in ["--simulate sc.yaml", "jobs.yaml --simulate sc.yaml"] {
        let ended = world.command("run").args(line).exits(2);
        assert!(ended.stderr.contains("--simulate=sc.yaml"), "{ended}");
    }
    let ended = world.command("run").arg("--simulate=jobs.yaml").exits(2);
    assert!(ended.stderr.contains("name it first: jules-batch run jobs.yaml --simulate"), "{ended}");
}

#[test]
fn the_example_of_a_scenario_can_be_played() {
    let world = world();
    let example = world.command("simulate").arg("--example").exits(0).stdout;
    assert_eq!(example, Scenario::REFERENCE);
    world.write("scenario.yaml", &example);
    world.write("jobs.yaml", &Manifest::of([job("task", "Do it.", &[])]).to_string());
    world.command("run").args("-n --simulate=scenario.yaml").exits(0);
}

#[test]
fn the_simulator_serves_other_programs_and_tells_what_it_saw() {
    let world = world();
    world.write("quick.yaml", "defaults: { duration: 40ms, outcome: change }\n");
    world.write("jobs.yaml", &Manifest::of([job("task", "Do it.", &[])]).to_string());
    let mut simulator = world.command("simulate").args("--scenario quick.yaml").start();
    let url = simulator.first_line();
    world.command("run").arg("--base-url").arg(&url).exits(0);
    simulator.signal(Signal::Interrupt);
    let ended = simulator.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
    let statistics = ended.stdout.split_once('\n').unwrap().1;
    let statistics: serde_json::Value = serde_json::from_str(statistics).unwrap();
    assert_eq!((&statistics["created"], &statistics["requests"]["sessions.create"]), (&1.into(), &1.into()));
}

#[test]
fn every_scenario_of_the_fixtures_can_be_played() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenarios");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        Scenario::read(file.unwrap().path()).unwrap();
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn reasons_tell_the_time_that_the_manifest_means() {
    let world = world();
    world.write("quiet.yaml", "speed: 6000\ndefaults: { duration: 5m, outcome: stall }\n");
    let manifest = Manifest::of([job("task", "Do it.", &[])]).set("timeouts", "{ task: 2h, stall: 20m }");
    world.write("jobs.yaml", &manifest.set("poll", "{ interval: 10s }").to_string());
    let ended = world.command("run").arg("--simulate=quiet.yaml").exits(100);
    assert!(ended.outcome("task").1.contains("no sign of the agent for 20m"), "{ended}");
}

#[test]
fn a_quiet_simulated_run_says_that_it_is_one() {
    let world = world();
    world.write("quick.yaml", &lasting("20ms"));
    world.write("jobs.yaml", &Manifest::of([job("task", "Do it.", &[])]).to_string());
    let ended = world.command("run").args("-q --simulate=quick.yaml").exits(0);
    assert_eq!(ended.stderr, "warning: SIMULATED: nothing of this happened at Jules\n");
}

#[test]
fn what_does_it_once_more_is_simulated_as_well() {
    let world = world();
    world.write("jobs.yaml", "jobs:\n  - id: think\n    prompt: Think.\n");
    world.write("quick.yaml", "speed: 600\ndefaults: { duration: 1m, outcome: no-change }\n");
    let run = || world.command("run").args("--simulate=quick.yaml --state-dir elsewhere").exits(0).stderr;
    run();
    let idle = run();
    let again = "jules-batch run jobs.yaml --simulate=quick.yaml --state-dir elsewhere --again 'job(think)'";
    assert!(idle.contains(again), "{idle}");
}

#[test]
fn what_was_done_is_done_anew_under_another_scenario() {
    let world = world();
    world.write("jobs.yaml", &Manifest::of([job("a", "Do it.", &[])]).to_string());
    world.write("done.yaml", &lasting("40ms"));
    let asking = "defaults: { duration: 40ms, feedback: { times: 1, question: Which? }, outcome: change }\n";
    world.write("asks.yaml", asking);
    let run = |line: &str| world.command("run").without_env("JULES_API_KEY").args(line);
    run("--simulate=done.yaml").exits(0);
    let again = run("--simulate=done.yaml").exits(0);
    assert!(!again.stderr.contains("the simulator saw"), "it saw nothing: {again}");
    let ended = run("--simulate=asks.yaml --fresh --yes").exits(100);
    assert!(ended.stderr.contains("the simulator saw 1 session,"), "{ended}");
}

#[test]
fn what_a_simulated_run_has_left_open_keeps_no_later_one_from_its_work() {
    let world = World::new("{}");
    let job = "{ id: up, prompt: Do it., source: my-org/web@main, repeat: always }";
    world.write("jobs.yaml", &format!("version: 1\njobs: [{job}]\n"));
    world.write("sc.yaml", "speed: 600\ndefaults: { duration: 1m, outcome: pull-request }\n");
    for _ in 0..2 {
        let ended = world.command("run").args("--simulate=sc.yaml --yes").exits(0);
        assert!(ended.stderr.contains("saw 1 session"), "{ended}");
        assert!(ended.stdout.contains("\thttps://github.com/my-org/web/pull/"), "{ended}");
    }
}

#[test]
fn a_simulated_run_is_gone_on_with_under_its_scenario_and_in_its_time() {
    let world = world();
    // A night of twenty hours takes two seconds.
    let scenario = "speed: 36000\nany-source: true\ndefaults: { duration: 5s, outcome: change }\n";
    world.write("fast.yaml", scenario);
    let manifest = Manifest::of([job("a", "Do a.", &[]), job("b", "Do b.", &[])])
        .set("repeat", "20h")
        .set("poll", "{ interval: 10m }")
        .set("timeouts", "{ task: 20h, stall: 20h, settle: 1h, request: 20s }");
    world.write("jobs.yaml", &manifest.to_string());
    let run = |flags: &str| {
        world.command("run").without_env("JULES_API_KEY").arg("--simulate=fast.yaml").args(flags)
    };
    run("--max-tasks 1 -j 1").exits(5);
    let status = world.command("status").exits(0);
    assert!(status.stdout.contains("go on with: jules-batch run jobs.yaml --simulate=fast.yaml"), "{status}");
    run("").exits(0);
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    let dry = run("-n").exits(0);
    assert!(dry.stderr.contains("2 to start"), "{dry}");
    let status = world.command("status").exits(0);
    assert!(status.stdout.contains("the next run: 2 to start"), "{status}");
    assert_eq!(run("").exits(0).report().totals.total, 2);
}

#[test]
fn a_pull_request_of_an_earlier_simulation_is_not_taken_for_one_of_this() {
    let world = world();
    world.write("quick.yaml", "speed: 600\ndefaults: { duration: 1m, outcome: pull-request }\n");
    let job = "{ id: up, prompt: Do it., sources: [my-org/a, my-org/b, my-org/c] }";
    world.write("jobs.yaml", &format!("jobs: [{job}]\n"));
    let run = |flags: &str| {
        world.command("run").without_env("JULES_API_KEY").arg("--simulate=quick.yaml").args(flags)
    };
    run("--select source(my-org/c)").exits(0);
    let ended = run("").exits(0);
    assert!(ended.stderr.contains("] pull request ") && !ended.stderr.contains("  foreign  "), "{ended}");
}
