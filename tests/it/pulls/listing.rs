//! `pulls list`.

use serde_json::Value;

use super::{check, made, name_in, pulls, rule};
use crate::support::{Signal, Terminal, World};

fn four() -> World {
    let green = check("build", "success");
    let failing = check("build", "failure");
    let rules = [
        rule("ready", &format!("checks: [{green}]")),
        rule("failing", &format!("checks: [{failing}]")),
        rule("draft", &format!("draft: true, checks: [{green}]")),
        rule("pushed", &format!("checks: [{green}], deeds: [{{ does: push, after: 1ms, by: mallory }}]")),
    ];
    made(&["ready", "failing", "draft", "pushed"], &format!("rules:\n{}", rules.concat()))
}

fn json(world: &World, args: &str) -> Value {
    serde_json::from_str(&pulls(world, args).arg("--format").arg("json").exits(0).stdout).unwrap()
}

#[test]
fn pull_requests_are_listed_by_who_has_to_act() {
    let world = four();
    let listed = pulls(&world, "").exits(0);
    let rows: Vec<Vec<&str>> = listed.stdout.lines().map(|line| line.split('\t').collect()).collect();
    let told: Vec<_> =
        rows.iter().map(|row| (row[0].split('#').next().unwrap(), row[1], row[2], row[4])).collect();
    assert_eq!(
        told,
        [
            ("my-org/pushed", "touched", "person", "SUCCESS"),
            ("my-org/draft", "draft", "person", "SUCCESS"),
            ("my-org/failing", "checks_failed", "person", "FAILURE"),
            ("my-org/ready", "ready", "us", "SUCCESS"),
        ],
        "{listed}"
    );
    assert_eq!(rows[3][6], "upgrade/my-org/ready@main");
    assert!(
        listed.stderr.contains("4 pull requests are open: 1 touched, 1 draft, 1 checks failed, 1 ready"),
        "{listed}"
    );
    let table = pulls(&world, "list --format table").exits(0).stdout;
    assert!(
        table.contains("Waiting for you: 3\n") && table.contains("Ready for jules-batch pulls: 1\n"),
        "{table}"
    );
    assert!(table.contains("mallory has pushed to its branch"), "{table}");
    let markdown = pulls(&world, "--format markdown").exits(0).stdout;
    let ready = name_in(&world, "ready");
    let link = format!("| [{ready}](<https://github.com/{}>)", ready.replace('#', "/pull/"));
    assert!(markdown.contains(&link), "{link}\n{markdown}");
    // What was read is in the ledger: nothing has to be asked to show it again.
    let unread = pulls(&world, "").without_env("GH_TOKEN").exits(0);
    assert_eq!(unread.stdout, listed.stdout);
    assert!(unread.stderr.contains("no token for GitHub is set"), "{unread}");
    let status = world.command("status").args("--format json").exits(0).stdout;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["tasks"][0]["pullRequest"]["stage"], "ready", "{status}");
    assert_eq!(world.statistics().github.writes, []);
}

#[test]
fn json_tells_what_github_tells() {
    let world = four();
    let all = json(&world, "");
    assert_eq!(all["totals"]["stages"]["ready"], 1, "{all}");
    for view in world.pull_requests() {
        let of = |pull: &&Value| pull["url"] == view.url;
        let pull = all["pullRequests"].as_array().unwrap().iter().find(of).unwrap();
        assert_eq!((&pull["head"], &pull["id"]), (&Value::from(view.head), &Value::from(view.id)), "{pull}");
        assert_eq!(pull["session"], Value::from(view.session), "{pull}");
        assert_eq!(pull["state"].as_str().unwrap().to_uppercase(), view.state);
    }
}

#[test]
fn those_that_are_meant_are_chosen_by_stage_and_by_name() {
    let world = four();
    let names = |args: &str| {
        let listed = json(&world, args);
        let names = listed["pullRequests"].as_array().unwrap().iter().map(|pull| {
            let name = pull["name"].as_str().unwrap();
            name.split('#').next().unwrap().trim_start_matches("my-org/").to_owned()
        });
        names.collect::<Vec<_>>()
    };
    assert_eq!(names("--select stage(ready)"), ["ready"]);
    assert_eq!(names("--select checks(failed)|stage(draft)"), ["draft", "failing"]);
    assert_eq!(names("--select pr(open) --exclude source(*/failing) --exclude stage(touched)").len(), 2);
    assert_eq!(names("--select age(>1h)"), [""; 0]);
    assert_eq!(
        names(&format!(
            "list {} upgrade/my-org/ready@main",
            name_in(&world, "draft").replace("my-org", "MY-ORG")
        )),
        ["draft", "ready"]
    );
    assert_eq!(
        names(&format!("list https://github.com/{}", name_in(&world, "ready").replace('#', "/pull/"))),
        ["ready"]
    );
    let session = world.sessions()[0].id.clone();
    assert_eq!(names(&format!("list {session}")).len(), 1);
    let wrong = pulls(&world, "list my-org/ready#999999").exits(2);
    assert!(
        wrong.stderr.contains("no pull request of these runs is called `my-org/ready#999999`"),
        "{wrong}"
    );
    let wrong = pulls(&world, "--select stage(redy)").exits(2);
    assert!(wrong.stderr.contains("`stage(…)` takes one of its words"), "{wrong}");
    let wrong = pulls(&world, "--select wave(first)").exits(2);
    assert!(wrong.stderr.contains("`wave(…)` takes the number of a wave"), "{wrong}");
    assert!(pulls(&world, "--select wave(1)").exits(0).stdout.is_empty(), "no run of it has waves");
    let wrong = world.run().args("-n --select pr(open)").exits(2);
    assert!(wrong.stderr.contains("is about pull requests"), "{wrong}");
}

#[test]
fn other_manifests_and_no_manifest() {
    let world = four();
    world.write("other.yaml", "{ version: 1, name: other, jobs: [{ id: a, prompt: x }] }");
    let listed = pulls(&world, "--manifest other.yaml").exits(0);
    assert_eq!((&*listed.stdout, listed.stderr.contains("no pull request is open")), ("", true), "{listed}");
    assert_eq!(pulls(&world, "--all").exits(0).stdout.lines().count(), 4);
    let none = pulls(&world, "--manifest none.yaml").exits(3);
    assert!(none.stderr.contains("jules-batch pulls --all"), "{none}");
}

#[test]
fn watching_ends_when_nothing_is_open() {
    let world = made(
        &["web"],
        "rules: [{ when: {}, then: { on-github: { deeds: [{ does: merge, after: 1ms, by: alice }] } } }]",
    );
    let listed = pulls(&world, "--watch").exits(0);
    assert!(listed.stderr.contains("no pull request is open; 1 merged, 0 closed in all"), "{listed}");
    let over = json(&world, "--select pr(merged)");
    assert_eq!(over["pullRequests"][0]["closedBy"], "alice", "{over}");
}

#[test]
fn off_a_terminal_a_watch_prints_a_line_for_each_and_one_for_each_change() {
    let world = four();
    let mut watch = pulls(&world, "--watch").start();
    watch.until_printed("my-org/ready");
    watch.signal(Signal::Interrupt);
    let ended = watch.wait();
    assert_eq!((ended.code, ended.stdout.lines().count()), (Some(0), 4), "{ended}");
    assert_eq!(ended.stderr.matches("4 pull requests are open").count(), 1, "{ended}");
}

#[test]
fn on_a_terminal_a_watch_tells_how_many_stand_how_and_fits_its_size() {
    let world = four();
    let Some(terminal) = Terminal::open(&world) else { return };
    terminal.enter(&format!("export GH_TOKEN=ghp_of-the-tests GITHUB_API_URL={}", world.github_url()));
    terminal.enter("clear; jules-batch pulls --watch; echo status $?");
    let screen = terminal.until_shown("Ctrl-C ends this");
    assert!(screen.iter().any(|line| line.starts_with("4 pull requests are open: 1 touched")), "{screen:#?}");
    terminal.resize(50, 8);
    let screen = terminal.until_shown("… and 2 more");
    assert!(screen.iter().any(|line| line.starts_with("Ready for jules-batch pulls: 1")), "{screen:#?}");
    assert!(screen.iter().all(|line| line.chars().count() < 50), "{screen:#?}");
    terminal.key("C-c");
    terminal.until_shown("status 0");
}

#[test]
fn the_columns_of_a_table_stand_below_each_other() {
    let world = made(&["a", "a-much-longer-name"], "");
    let told = pulls(&world, "--format table").exits(0);
    let places: Vec<_> = told
        .stdout
        .lines()
        .filter_map(|line| line.split_once(" upgrade/"))
        .map(|(before, _)| before.len())
        .collect();
    assert_eq!(places.len(), 2, "{told}");
    assert_eq!(places[0], places[1], "{told}");
}
