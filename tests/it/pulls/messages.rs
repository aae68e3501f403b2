//! `pulls message` and `pulls update`.

use std::sync::Arc;

use jules_batch::outcome::Outcome;

use super::{check, made, pulls, rule, sound, state_in, with_github};
use crate::support::held;

#[test]
fn a_session_is_told_of_its_failed_checks_once_a_head() {
    let (green, red) = (check("build", "success"), check("li`nt", "failure"));
    let rules = [
        rule("red", &format!("checks: [{green}, {red}]")),
        rule("pushed", &format!("checks: [{red}], deeds: [{{ does: push, after: 1ms, by: mallory }}]")),
    ];
    let world = made(&["red", "pushed"], &format!("rules:\n{}", rules.concat()));
    let say = |code| pulls(&world, "message --with-failed-checks --yes").arg("Please repair it.").exits(code);
    let told = say(0);
    assert!(told.stdout.contains("\tsent\t") && told.stdout.contains("mallory"), "{told}");
    let told = say(0);
    assert!(told.stdout.contains("messaged: "), "{told}");
    let messages = world.statistics().github.messages;
    assert_eq!((messages.len(), messages[0].count, messages[0].touched), (1, 1, false), "{messages:?}");
    let session = messages[0].session.clone();
    let shown = world
        .command("session")
        .args(&format!("show {session}"))
        .env("JULES_BASE_URL", world.service().url());
    let shown = shown.exits(0).stdout;
    assert!(shown.contains("li'nt") && !shown.contains("\n  build"), "{shown}");
    sound(&world);
    let empty = pulls(&world, "message --yes").arg(" ").exits(2);
    assert!(empty.stderr.contains("the message is empty"), "{empty}");
}

#[test]
fn a_message_without_an_answer_is_never_sent_again() {
    let red = rule("web", &format!("checks: [{}]", check("build", "failure")));
    let world = made(
        &["web"],
        &format!("rules:\n{red}faults: [{{ kind: reset-after, on: sessions.sendMessage }}]\n"),
    );
    let told = pulls(&world, "message --yes").arg("Please repair it.").exits(1);
    assert!(told.stdout.contains("\tin doubt\t"), "{told}");
    let told = pulls(&world, "message --yes").arg("Please repair it.").exits(0);
    assert!(told.stdout.contains("messaged: "), "{told}");
    sound(&world);
}

#[test]
fn a_head_that_comes_while_a_message_is_under_way_has_none_of_its_own() {
    let red =
        format!("checks: [{}], deeds: [{{ does: push, by: jules, after: 3s }}]", check("build", "failure"));
    let world = Arc::new(made(&["web"], &format!("rules:\n{}", rule("web", &red))));
    let seen = Arc::clone(&world);
    let url = held(&world.service().url(), move |request| {
        if request.contains(":sendMessage") {
            seen.until(|world| world.pull_requests()[0].heads == 2);
        }
    });
    let say = || pulls(&world, "message --yes").arg("Please repair it.");
    let told = say().env("JULES_BASE_URL", url).exits(0);
    assert!(told.stdout.contains("\tsent\t"), "{told}");
    let told = say().exits(0);
    assert!(told.stdout.contains("messaged: "), "{told}");
    sound(&world);
}

#[test]
fn a_session_that_was_sent_a_message_is_followed_by_the_next_run() {
    let red = check("build", "failure");
    let wakes = "wakes: [{ by: message, after: 1500ms, lasts: 300ms, outcome: push }]";
    let rule = format!(
        "rules:\n- {{ when: {{ source: my-org/web }}, then: {{ {wakes}, on-github: {{ checks: [{red}] }} }} }}\n"
    );
    let world = made(&["web"], &rule);
    pulls(&world, "message --yes").arg("Please repair it.").exits(0);
    let status = world.command("status").args("--exit-code").exits(5);
    assert!(status.stdout.contains("1  detached"), "{status}");
    let listed = pulls(&world, "list").exits(0);
    assert!(listed.stdout.contains("\tchecks_failed\t"), "its session has not come to work yet: {listed}");
    // It waits for the session to come to work, and for its end.
    let ran = with_github(world.run(), &world).exits(0);
    world.created(1);
    assert_eq!(world.pull_requests()[0].heads, 2, "{ran}");
    assert_eq!(ran.outcome("upgrade").0, Outcome::Succeeded);
    world.command("status").args("--exit-code").exits(0);
    let told = pulls(&world, "message --yes").arg("Once more, please.").exits(0);
    assert!(told.stdout.contains("\tsent\t"), "another head: {told}");
    sound(&world);
}

#[test]
fn a_message_counts_in_the_round_that_took_its_pull_request_over() {
    let red = rule("web", &format!("checks: [{}]", check("build", "failure")));
    let world = made(&["web"], &format!("rules:\n{red}"));
    let say = || pulls(&world, "message --yes").arg("Please repair it.").exits(0);
    assert!(say().stdout.contains("\tsent\t"));
    world.run_following().arg("--fresh").exits(0);
    world.created(1);
    let told = say();
    assert!(told.stdout.contains("messaged: "), "{told}");
    sound(&world);
}

#[test]
fn a_head_that_comes_while_the_program_dies_has_none_of_its_own() {
    let red =
        format!("checks: [{}], deeds: [{{ does: push, by: jules, after: 3s }}]", check("build", "failure"));
    let hang = "faults: [{ kind: hang, on: sessions.sendMessage, nth: 1 }]\n";
    let world = Arc::new(made(&["web"], &format!("rules:\n{}{hang}", rule("web", &red))));
    let seen = Arc::clone(&world);
    let url = held(&world.service().url(), move |request| {
        if request.contains(":sendMessage") {
            seen.until(|world| world.pull_requests()[0].heads == 2);
        }
    });
    let say = || pulls(&world, "message --yes").arg("Please repair it.");
    let mut saying = say().env("JULES_BASE_URL", url).start();
    assert!(saying.reaches(|world| !world.statistics().github.messages.is_empty()));
    saying.kill();
    saying.wait();
    let told = say().exits(0);
    assert!(told.stdout.contains("messaged: "), "{told}");
    sound(&world);
}

#[test]
fn one_branch_at_a_time_is_brought_up_to_date() {
    let github = "github:\n  login: octocat\n  tokens: [{ token: ghp_of-the-tests, kind: user }, { token: ci, kind: actions }]\n  repositories: [{ up-to-date: true, required-checks: [build], mergeable-after: 0s, base-moves: 300ms }]\n";
    let green = rule("web", &format!("checks: [{}]", check("build", "success")));
    let world = made(&["web"], &format!("rules:\n{green}{github}"));
    std::thread::sleep(std::time::Duration::from_millis(400));
    let told = pulls(&world, "update --yes").env("GH_TOKEN", "ci").exits(2);
    assert!(told.stderr.contains("starts no checks"), "{told}");
    let told = pulls(&world, "update --yes").exits(0);
    assert!(told.stdout.contains("\tupdated\t"), "{told}");
    let writes = world.statistics().github.writes;
    assert_eq!(writes.iter().map(|write| &*write.operation).collect::<Vec<_>>(), ["pulls/update-branch"]);
    assert_eq!(state_in(&world, "web"), "OPEN");
}
