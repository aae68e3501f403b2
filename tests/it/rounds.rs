//! Campaigns that converge, nights that repeat, and whose session is whose.

use std::fmt::Write as _;

use jules_batch::outcome::Outcome;
use jules_batch::report::from_json;

use crate::support::{Manifest, Signal, World, job, tasks};

const QUICK: &str = "{ defaults: { duration: 40ms, outcome: change } }";

/// A campaign over repositories that a file lists; every tenth fails with its first session.
struct Campaign {
    world: World,
}

impl Campaign {
    fn new() -> Self {
        let mut scenario = "defaults: { duration: 20ms..60ms, outcome: pull-request }\nrules:\n".to_owned();
        for n in (10..=310).step_by(10) {
            let when = format!("{{ prompt: 'In r-{n}. *', nth: 1 }}");
            writeln!(scenario, "  - {{ when: {when}, then: {{ outcome: failure }} }}").unwrap();
        }
        Self { world: World::new(&scenario) }
    }

    fn lists(&self, repositories: usize, prompt: &str) {
        let mut list = String::new();
        (1..=repositories).for_each(|n| writeln!(list, "my-org/r-{n}@main").unwrap());
        self.world.write("repos.txt", &list);
        let prompt = format!("In ${{{{ source.repo }}}}. {prompt}");
        let manifest = Manifest::of([job("up", &prompt, &["sources: [{ file: repos.txt }]"])]);
        let manifest = manifest.set("strategy", "{ max-parallel: 20 }");
        self.world.write("jobs.yaml", &manifest.to_string());
    }

    fn created(&self) -> u64 {
        self.world.statistics().created
    }

    /// A day's work, which is killed now and then.
    fn day(&self, flags: &str, kills: u32) {
        for n in 1..=kills {
            let (mut running, before) = (self.world.run().args(flags).start(), self.created());
            running.reaches(|world| world.statistics().created >= before + u64::from(7 * n));
            running.kill();
            running.wait();
        }
        self.world.run().args(flags).start().wait();
    }
}

#[test]
fn a_campaign_of_five_days_creates_a_session_a_task_and_what_it_was_told() {
    let campaign = Campaign::new();
    campaign.lists(300, "Do it.");
    campaign.day("--sample 2", 0);
    assert_eq!(campaign.created(), 2, "the canaries");
    campaign.day("--max-tasks 98", 0);
    let first_day = campaign.created();
    assert_eq!(first_day, 100);
    campaign.lists(300, "Do it, and mind the tests.");
    campaign.day("--max-tasks 100", 2);
    campaign.lists(310, "Do it, and mind the tests.");
    campaign.day("--max-tasks 100", 1);
    campaign.day("", 1);
    let world = &campaign.world;
    let report = || from_json(&world.read("jules-report/report.json")).unwrap();
    assert_eq!((report().totals.total, report().totals.failed, report().remaining), (310, 31, 0));
    assert_eq!(campaign.created(), 310, "each once, whatever was killed, edited and added");
    assert_eq!(world.run().exits(100).report().totals.failed, 31, "what failed waits");
    campaign.day("--failed", 1);
    assert_eq!((report().totals.succeeded, campaign.created()), (310, 341));
    world.run().args("--again").arg("source(my-org/r-7)|source(my-org/r-8)").exits(0);
    let ended = world.run().exits(0);
    assert!(ended.stderr.contains("nothing to do: 310 done"), "{ended}");
    assert_eq!(world.statistics().created, 343);
    assert!(!world.statistics().second_sessions.iter().any(|second| second.while_live));
}

#[test]
fn each_of_seven_nights_does_its_work_although_a_question_of_the_first_is_never_answered() {
    let scenario = "{ rules: [{ when: { prompt: 'Ask.' }, then: { feedback: { times: 1, question: Which? } } }], \
        defaults: { duration: 20ms, outcome: change } }";
    let asks = job("asks", "Ask.", &["waiting: { user-feedback: detach }"]);
    let manifest =
        Manifest::of([asks, job("a", "Do a.", &[]), job("b", "Do b.", &[])]).set("repeat", "200ms");
    let world = World::with(scenario, &manifest);
    let mut runs = Vec::new();
    for night in 1..=7 {
        let ended = world.run().exits(5);
        assert_eq!((ended.count(Outcome::Succeeded), ended.outcome("asks").0), (2, Outcome::Detached));
        assert_eq!(world.statistics().created, 1 + 2 * night, "night {night}: {ended}");
        runs.push(ended.report().run.id);
        std::thread::sleep(std::time::Duration::from_millis(250));
    }
    runs.dedup();
    assert_eq!(runs.len(), 7, "a round each");
    let shown = world.command("status").args("--all --format json").exits(0);
    let all: Vec<serde_json::Value> = serde_json::from_str(&shown.stdout).unwrap();
    let open: Vec<_> = all.iter().map(|run| run["open"].as_u64().unwrap()).collect();
    assert_eq!(open, [1, 0, 0, 0, 0, 0, 0], "what was taken up is open where it stands now");
    assert!(!world.statistics().second_sessions.iter().any(|second| second.while_live));
}

#[test]
fn within_a_night_a_run_goes_on_with_it() {
    let world = World::with(QUICK, &tasks(3).set("repeat", "10m"));
    let first = world.run().args("--max-tasks 1").exits(5).report();
    let second = world.run().exits(0).report();
    world.run().exits(0);
    assert_eq!((first.run.id, second.totals.succeeded), (second.run.id, 3));
    world.created(3);
}

#[test]
fn what_left_the_manifest_keeps_no_earlier_night_open() {
    let world = World::with(QUICK, &tasks(3).set("repeat", "1ms"));
    world.run().args("--max-tasks 1 -j 1").exits(5);
    world.write("jobs.yaml", &tasks(1).set("repeat", "1ms").to_string());
    world.run().exits(0);
    let shown = world.command("status").args("--all --format json").exits(0);
    let all: Vec<serde_json::Value> = serde_json::from_str(&shown.stdout).unwrap();
    let open: Vec<_> = all.iter().map(|run| run["open"].as_u64().unwrap()).collect();
    assert_eq!(open, [0, 0]);
}

#[test]
fn status_and_plan_tell_what_the_next_run_does() {
    let world = World::with(QUICK, &tasks(3));
    world.run().args("--max-tasks 1 -j 1").exits(5);
    let told = "1 done, 2 to start";
    let status = world.command("status").exits(0);
    assert!(status.stdout.contains(told), "{status}");
    for command in ["plan", "run -n"] {
        let mut words = command.split(' ');
        let ended = world.command(words.next().unwrap()).args(words.next().unwrap_or_default()).exits(0);
        assert!(ended.stderr.starts_with(told), "{ended}");
    }
    assert_eq!(world.run().exits(0).count(Outcome::Succeeded), 3);
    let idle = world.run().arg("-n").exits(0);
    assert!(idle.stderr.starts_with("nothing to do: 3 done since"), "{idle}");
}

#[test]
fn jobs_of_one_manifest_repeat_each_in_its_own_way() {
    let jobs = [
        job("once", "Do it once.", &[]),
        job("nightly", "Do it each night.", &["repeat: 1ms"]),
        job("always", "Do it always.", &["repeat: always"]),
    ];
    let world = World::with(QUICK, &Manifest::of(jobs));
    world.run().exits(0);
    world.run().exits(0);
    let prompts = world.sessions().into_iter().map(|session| session.prompt).collect::<Vec<_>>();
    let count = |prompt: &str| prompts.iter().filter(|known| *known == prompt).count();
    let counts = ["Do it once.", "Do it each night.", "Do it always."].map(count);
    assert_eq!(counts, [1, 2, 2]);
}

#[test]
fn a_live_session_is_taken_up_wherever_it_stands() {
    let world = World::with("{ defaults: { duration: 1500ms, outcome: change } }", &tasks(3));
    world.run().args("--no-wait").exits(5);
    let moved = world.read("jobs.yaml").replace("name: test", "name: renamed");
    world.write("elsewhere/other.yaml", &moved);
    std::fs::remove_file(world.path("jobs.yaml")).unwrap();
    let ended = world.run().arg("elsewhere/other.yaml").arg("--fresh").exits(0);
    assert_eq!(ended.count(Outcome::Succeeded), 3);
    world.created(3);
}

#[test]
fn fresh_takes_up_what_is_live_and_replace_live_archives_it_first() {
    // Still live when the next program has begun, on a busy machine too.
    let world = World::with("{ defaults: { duration: 4s, outcome: change } }", &tasks(3));
    world.run().args("--no-wait").exits(5);
    let first = world.command("status").args("--format json").exits(0);
    let ended = world.run().args("--fresh").exits(0);
    assert_ne!(from_json(&first.stdout).unwrap().run.id, ended.report().run.id);
    world.created(3);
    world.run().args("--fresh --no-wait").exits(5);
    let ended = world.run().args("--fresh --replace-live").exits(0);
    assert!(ended.stderr.contains("3 tasks at work: archived first, and done again"), "{ended}");
    assert!(!ended.stderr.contains("result already"), "{ended}");
    assert_eq!((ended.count(Outcome::Succeeded), world.statistics().created), (3, 9));
    assert_eq!(world.sessions().iter().filter(|session| session.archives == 1).count(), 3);
    assert!(!world.statistics().second_sessions.iter().any(|second| second.while_live));
}

#[test]
fn a_create_in_doubt_of_the_round_before_is_settled_first() {
    let scenario = "{ faults: [{ kind: reset-after, on: sessions.create, nth: 1 }], \
        defaults: { duration: 40ms, outcome: change } }";
    let world = World::with(scenario, &tasks(1).set("create", "{ looks: 3, look-delay: 2s }"));
    let mut running = world.run().start();
    running.until(|world| world.statistics().created == 1);
    running.kill();
    drop(running);
    let ended = world.run().args("--fresh").exits(0);
    assert_eq!(ended.count(Outcome::Succeeded), 1);
    world.created(1);
}

#[test]
fn a_named_run_is_gone_on_with() {
    let world = World::with(QUICK, &tasks(3));
    let first = world.run().args("--max-tasks 1").exits(5).report().run.id;
    world.run().args("--fresh --max-tasks 1").exits(5);
    let ended = world.run().args("--run").arg(&first).exits(0);
    assert_eq!(ended.report().run.id, first);
    let unknown = world.run().args("--run 20200101-000000-0000").exits(2);
    assert!(unknown.stderr.contains("not one of this manifest"), "{unknown}");
}

#[test]
fn a_file_without_a_name_can_be_renamed_and_two_projects_are_told_apart() {
    let world = World::new("{ defaults: { duration: 40ms, outcome: change } }");
    let unnamed = tasks(2).to_string().replace("name: test\n", "");
    let run = |file: &str, state: &str| world.run().arg(file).args("--state-dir").arg(state);
    world.write("web/jobs.yaml", &unnamed);
    world.write("api/jobs.yaml", &unnamed);
    run("web/jobs.yaml", "web/state").exits(0);
    world.created(2);
    // Another machine, another project: nothing in the titles may lead to the sessions of the first.
    run("api/jobs.yaml", "api/state").exits(0);
    assert_eq!(world.statistics().created, 4);
    std::fs::rename(world.path("web/jobs.yaml"), world.path("web/campaign.yaml")).unwrap();
    let ended = run("web/campaign.yaml", "web/state").exits(0);
    assert!(ended.stderr.contains("nothing to do"), "{ended}");
    world.write("web/second.yaml", &unnamed);
    run("web/second.yaml", "web/state").exits(0);
    assert_eq!(world.statistics().created, 6, "a second manifest beside it is one of its own");
}

#[test]
fn a_run_that_an_interrupt_ended_is_gone_on_with_although_its_prompts_were_edited_meanwhile() {
    let world = World::with("{ defaults: { duration: 1200ms, outcome: change } }", &tasks(4));
    let mut running = world.run().start();
    running.until(|world| world.statistics().live_now == 4);
    running.signal(Signal::Interrupt);
    running.wait();
    let edited = world.read("jobs.yaml").replace("Do ${{", "Do it better: ${{");
    world.write("jobs.yaml", &edited);
    let ended = world.run().exits(0);
    assert_eq!(ended.count(Outcome::Succeeded), 4);
    world.created(4);
}
