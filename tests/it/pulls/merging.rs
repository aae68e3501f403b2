//! `pulls merge`: only what is green twice, only that head, one after the other.

use super::{QUICK, check, made, name_in, pulls, rule, sound, state_in, with_github};
use crate::support::{World, tasks, unpinned};

/// A pull request in `web` whose checks have passed, and what goes wrong.
fn one(rest: &str) -> World {
    let green = rule("web", &format!("checks: [{}]", check("build", "success")));
    made(&["web"], &format!("rules:\n{green}{rest}"))
}

#[test]
fn what_is_ready_is_merged_and_what_waits_for_people_is_left() {
    let (green, red) = (check("build", "success"), check("build", "failure"));
    let rules = [
        rule("one", &format!("checks: [{green}]")),
        rule("two", &format!("checks: [{green}]")),
        rule("red", &format!("checks: [{red}]")),
        rule("pushed", &format!("checks: [{green}], deeds: [{{ does: push, after: 1ms, by: mallory }}]")),
        rule("held", &format!("checks: [{green}], deeds: [{{ does: label, after: 1ms, text: Hold }}]")),
    ];
    let world = made(&["one", "two", "red", "pushed", "held"], &format!("rules:\n{}", rules.concat()));
    let dry = pulls(&world, "merge -n --settle 100ms").exits(0);
    assert!(dry.stderr.contains("merge 2, leave 3: "), "{dry}");
    assert!(dry.stderr.contains("1 checks failed") && dry.stderr.contains("1 touched"), "{dry}");
    let unasked = pulls(&world, "merge --settle 100ms").exits(2);
    assert!(unasked.stderr.contains("--yes"), "{unasked}");
    assert_eq!(world.statistics().github.writes, []);

    let one_only = pulls(&world, "merge --settle 100ms --yes --max 1 --delete-branch=false").exits(5);
    assert!(one_only.stdout.contains("\tleft\t") && one_only.stdout.contains("beyond --max"), "{one_only}");
    let told = pulls(&world, "merge --settle 100ms --yes").exits(0);
    assert_eq!(told.stdout.lines().filter(|line| line.contains("\tmerged\t")).count(), 1, "{told}");
    assert!(told.stdout.contains("mallory has pushed to its branch"), "{told}");
    sound(&world);
    let states = ["one", "two", "red", "pushed", "held"].map(|repository| state_in(&world, repository));
    assert_eq!(states, ["MERGED", "MERGED", "OPEN", "OPEN", "OPEN"]);
    let deleted = world.pull_requests().into_iter().filter(|pull| pull.branch_deleted).count();
    assert_eq!(deleted, 1, "one branch was to stay");
    let again = pulls(&world, &format!("merge {} --yes", name_in(&world, "one"))).exits(0);
    assert!(again.stdout.contains("\tmerged\t") && again.stdout.contains("it was so already"), "{again}");
    assert_eq!(world.statistics().github.merges.len(), 2);
}

#[test]
fn what_has_no_checks_is_selected_by_what_the_list_calls_it() {
    let world = made(
        &["bare", "left"],
        &format!("rules:\n{}{}", rule("bare", "checks: []"), rule("left", "checks: []")),
    );
    let listed = pulls(&world, "").exits(0);
    assert!(listed.stderr.contains("2 unchecked"), "{listed}");
    let recorded = |world: &World| {
        let told = pulls(world, "--format json").env("GH_TOKEN", "").exits(0).stdout;
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        let of = |pull: &serde_json::Value| [pull["stage"].clone(), pull["since"].clone()];
        told["pullRequests"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    let before = recorded(&world);
    assert_eq!(before[0][0], "unchecked");
    let none = pulls(&world, "merge -n --unchecked --exclude stage(unchecked)").exits(0);
    assert_eq!(recorded(&world), before, "what one command takes for ready is recorded as it stands");
    assert!(none.stderr.contains("merge 0"), "{none}");
    let told = "merge --unchecked --select stage(unchecked)&source(my-org/bare) --settle 100ms --yes";
    pulls(&world, told).exits(0);
    assert_eq!([state_in(&world, "bare"), state_in(&world, "left")], ["MERGED", "OPEN"]);
}

#[test]
fn a_reading_of_an_earlier_command_is_the_first_of_two() {
    let world = one("");
    pulls(&world, "").exits(0);
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    let told = pulls(&world, "merge --settle 1s --yes").exits(0);
    assert!(!told.stderr.contains("waiting"), "{told}");
    sound(&world);
    assert_eq!(world.statistics().github.merges.len(), 1);
}

#[test]
fn labels_are_asked_for_once_a_reading() {
    let world = one("");
    let before = world.statistics().github.points;
    pulls(&world, "merge -n").exits(0);
    // Whose token it is, the pull request and its details.
    assert_eq!(world.statistics().github.points - before, 3);
}

#[test]
fn one_reading_is_never_enough() {
    let world = one("");
    pulls(&world, "merge --settle 0s --yes").exits(0);
    sound(&world);
    assert_eq!(world.statistics().github.merges.len(), 1);
}

#[test]
fn a_check_that_fails_late_is_seen_before_the_merge() {
    let late = "{ name: nightly, appears: 1200ms, queued: 0s, lasts: 0s, ends: failure }";
    let checks = format!("checks: [{}, {late}]", check("build", "success"));
    let world = made(&["web"], &format!("rules:\n{}", rule("web", &checks)));
    let told = pulls(&world, "merge --settle 2s --yes").exits(0);
    assert!(told.stdout.contains("\tleft\t") && told.stdout.contains("checks failed"), "{told}");
    assert_eq!(world.statistics().github.writes, []);
}

#[test]
fn a_push_right_before_the_merge_keeps_it_from_happening() {
    let world = one("faults: [{ kind: push-before, on: pulls/merge }]\n");
    let told = pulls(&world, "merge --settle 100ms --yes").exits(0);
    assert!(told.stdout.contains("\tleft\t"), "{told}");
    assert_eq!(state_in(&world, "web"), "OPEN");
    assert_eq!(world.statistics().github.merges, []);
}

#[test]
fn without_the_head_in_the_request_that_push_would_be_merged() {
    let world = one("faults: [{ kind: push-before, on: pulls/merge }]\n");
    let github = unpinned(world.github_url());
    pulls(&world, "merge --settle 100ms --yes").env("GITHUB_API_URL", github).exits(0);
    let merges = world.statistics().github.merges;
    assert_eq!((merges.len(), merges[0].green_shown, merges[0].pinned), (1, 0, false), "{merges:?}");
    assert_eq!(merges[0].touched_by, ["mallory"]);
}

#[test]
fn a_lost_answer_is_read_for_and_nothing_is_merged_twice() {
    let world = one("faults: [{ kind: reset-after, on: pulls/merge, nth: 1 }]\n");
    let told = pulls(&world, "merge --settle 100ms --yes").exits(0);
    assert!(told.stdout.contains("\tmerged\t") && told.stdout.contains("its answer was lost"), "{told}");
    sound(&world);
    let merges =
        world.statistics().github.writes.iter().filter(|write| write.operation == "pulls/merge").count();
    assert_eq!(merges, 1);
    // One that was not done is tried again after a reading.
    let world = one("faults: [{ kind: reset-before, on: pulls/merge, nth: 1 }]\n");
    pulls(&world, "merge --settle 100ms --yes").exits(0);
    sound(&world);
    assert_eq!(state_in(&world, "web"), "MERGED");
}

#[test]
fn a_limit_is_waited_for() {
    let world =
        one("faults: [{ kind: secondary-limit, on: pulls/merge, nth: 1, retry-after: 1s, status: 429 }]\n");
    let told = pulls(&world, "merge --settle 100ms --yes").exits(0);
    assert!(told.stdout.contains("\tmerged\t"), "{told}");
    sound(&world);
}

#[test]
fn killed_after_the_merge_left_it_is_known_by_the_next() {
    let world = one("faults: [{ kind: hang, on: pulls/merge, nth: 1 }]\n");
    let mut merging = pulls(&world, "merge --settle 100ms --yes").start();
    assert!(merging.reaches(|world| state_in(world, "web") == "MERGED"));
    merging.kill();
    merging.wait();
    let told = pulls(&world, &format!("merge --yes {}", name_in(&world, "web"))).exits(0);
    assert!(told.stdout.contains("it was so already"), "{told}");
    assert_eq!(world.statistics().github.merges.len(), 1);
    sound(&world);
}

#[test]
fn two_of_one_repository_are_merged_one_after_the_other() {
    let checks = format!("on-github: {{ checks: [{}] }}", check("build", "success"));
    let scenario = format!(
        "{QUICK}sources: [{{ repo: my-org/web }}]\ngithub: {{ repositories: [{{ methods: [merge], mergeable-after: 100ms, settles-after-merge: 1500ms }}] }}\nrules: [{{ when: {{}}, then: {{ {checks} }} }}]\n"
    );
    let world = World::with(&scenario, &tasks(3));
    with_github(world.run(), &world).exits(0);
    let told = pulls(&world, "merge --settle 100ms --yes").exits(0);
    assert_eq!(told.stdout.lines().filter(|line| line.contains("\tmerged\t")).count(), 3, "{told}");
    sound(&world);
}

#[test]
fn an_approval_of_this_head_may_be_asked_for() {
    let green = check("build", "success");
    let rules = [
        rule("approved", &format!("checks: [{green}], deeds: [{{ does: approve, after: 1ms, by: alice }}]")),
        rule(
            "reader",
            &format!("checks: [{green}], deeds: [{{ does: approve, after: 1ms, by: bob, writer: false }}]"),
        ),
    ];
    let world = made(&["approved", "reader"], &format!("rules:\n{}", rules.concat()));
    let told = pulls(&world, "merge --when approved --settle 100ms --yes").exits(0);
    assert!(told.stdout.contains("nobody who may write has approved this head"), "{told}");
    assert_eq!((state_in(&world, "approved"), state_in(&world, "reader")), ("MERGED".into(), "OPEN".into()));
}

#[test]
fn a_merge_queue_is_used() {
    let github = "github:\n  repositories: [{ merge-queue: 5m, mergeable-after: 0s }]\n";
    let world = one(github);
    let told = pulls(&world, "merge --settle 100ms --yes").exits(5);
    assert!(told.stdout.contains("\tqueued\t") && !told.stdout.contains("\tmerged\t"), "{told}");
    let writes = world.statistics().github.writes;
    assert_eq!(writes.iter().map(|write| &*write.operation).collect::<Vec<_>>(), ["enqueuePullRequest"]);
}

#[test]
fn what_the_token_may_not_do_is_no_success() {
    let reading = one("github:\n  tokens: [{ token: ghp_of-the-tests, permission: read }]\n");
    let told = pulls(&reading, "merge --settle 100ms --yes").exits(1);
    assert!(told.stdout.contains("the token may not write to its repository"), "{told}");
    let elsewhere = "github:\n  repositories: [{ match: '*/*', private: true }]\n  \
                     tokens: [{ token: ghp_of-the-tests, kind: fine-grained, owners: [my-org] }]\n";
    let partly = one(elsewhere);
    let told = pulls(&partly, "merge --settle 100ms --yes").exits(1);
    assert!(told.stdout.contains("left"), "its checks cannot be read: {told}");
    sound(&reading);
    sound(&partly);
}

#[test]
fn without_a_token_and_while_a_run_is_at_work_it_says_so() {
    let world = one("");
    let told = pulls(&world, "merge --yes").without_env("GH_TOKEN").exits(6);
    assert!(told.stderr.contains("no token for GitHub is set"), "{told}");
    let refusing = one("github:\n  tokens: [{ token: another }]\n");
    let told = pulls(&refusing, "merge --yes").exits(6);
    assert!(told.stderr.contains("GitHub refuses the token") && told.stderr.contains("doctor"), "{told}");
    let lock = std::fs::File::open(world.path(".jules-batch/ledger.lock")).unwrap();
    lock.lock().unwrap();
    let told = pulls(&world, "merge --yes").exits(110);
    assert!(told.stderr.contains("is in use by"), "{told}");
    let listed = pulls(&world, "").exits(0);
    assert!(listed.stdout.contains("\tready\t") && listed.stderr.contains("not recorded: "), "{listed}");
}
