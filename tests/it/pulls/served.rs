//! `serve` shows pull requests as they were last read, and asks GitHub for nothing.

use super::{check, made, name_in, pulls, rule};
use crate::serving::{get, started};
use crate::support::Signal;

/// Text of an agent that would do something, were it taken for markup.
const HOSTILE: &str = "<img src=x onerror=alert(1)>\u{202E}\\\"'";

#[test]
fn pull_requests_of_all_runs_are_served_by_who_has_to_act() {
    let green = check("build", "success");
    let hostile = format!(
        "- {{ when: {{ source: my-org/hostile }}, then: {{ pull-request-title: \"{HOSTILE}\", on-github: {{ draft: true }} }} }}\n"
    );
    let rules = [rule("ready", &format!("checks: [{green}]")), hostile];
    let world = made(&["ready", "hostile"], &format!("rules:\n{}", rules.concat()));
    let (serving, address) = started(
        world.command("serve").env("GITHUB_API_URL", world.github_url()).env("GH_TOKEN", "ghp_of-the-tests"),
    );

    let before = world.statistics().github.points;
    let unread = get(&address, "/pulls");
    assert!(unread.contains("2 open") && unread.contains("2 not read so far"), "{unread}");
    assert_eq!(world.statistics().github.points, before, "GitHub is not asked");
    pulls(&world, "list").exits(0);

    let page = get(&address, "/pulls");
    let places: Vec<_> =
        ["Waiting for you", "Ready for jules-batch pulls"].iter().map(|name| page.find(name)).collect();
    assert!(places[0].is_some() && places[0] < places[1], "{page}");
    let ready = name_in(&world, "ready");
    let link = format!("<a href=\"https://github.com/{}\">", ready.replace('#', "/pull/"));
    assert!(page.contains(&link) && page.contains(&format!(">{ready}</a>")), "{page}");
    assert!(page.contains("#q=upgrade%2Fmy-org%2Fready%40main\""), "{page}");
    assert!(!page.contains("<img") && page.contains("&lt;img src=x onerror=alert(1)&gt;"), "{page}");
    assert!(!page.contains('\u{202E}') && page.to_lowercase().contains("default-src 'none'; "), "{page}");
    let of_stage = get(&address, "/pulls?stage=ready");
    assert!(of_stage.contains(&ready) && !of_stage.contains("onerror"), "{of_stage}");
    assert!(
        of_stage.contains("<a href=\"/pulls?stage=ready\" aria-current=\"page\">1 ready</a>"),
        "{of_stage}"
    );
    assert!(get(&address, "/pulls?stage=%3Cb%3E").starts_with("HTTP/1.1 404 "));
    assert!(get(&address, "/").contains("<a href=\"/pulls\">Pull requests</a>"));
    serving.signal(Signal::Interrupt);
    assert_eq!(serving.wait().code, Some(0));
}
