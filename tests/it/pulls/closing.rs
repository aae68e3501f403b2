//! `pulls close`.

use super::{check, made, name_in, pulls, rule, sound, state_in};

#[test]
fn pull_requests_are_closed_with_or_without_their_branches() {
    let red = check("build", "failure");
    let rules = [
        rule("one", &format!("checks: [{red}]")),
        rule("two", &format!("checks: [{red}]")),
        rule("pushed", &format!("checks: [{red}], deeds: [{{ does: push, after: 1ms, by: mallory }}]")),
    ];
    let world = made(&["one", "two", "pushed"], &format!("rules:\n{}", rules.concat()));
    let first = pulls(&world, &format!("close {} --yes", name_in(&world, "one"))).exits(0);
    assert!(first.stdout.contains("\tclosed\t"), "{first}");
    let rest = pulls(&world, "close --select pr(open) --delete-branch --yes").exits(0);
    assert!(rest.stdout.contains("mallory has pushed"), "{rest}");
    let states = ["one", "two", "pushed"].map(|repository| state_in(&world, repository));
    assert_eq!(states, ["CLOSED", "CLOSED", "OPEN"]);
    let deleted = world.pull_requests().into_iter().filter(|pull| pull.branch_deleted);
    assert_eq!(deleted.map(|pull| pull.url).collect::<Vec<_>>().len(), 1);
    let again = pulls(&world, &format!("close {} --yes", name_in(&world, "one"))).exits(0);
    assert!(again.stdout.contains("it was so already"), "{again}");
    sound(&world);
}
