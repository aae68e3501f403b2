use serde_json::json;

use super::super::sample::{DIFF, SampleRun, campaign, every_outcome, morning, nightly};
use super::*;
use crate::outcome::{Outcome, Stage};

#[test]
fn loads_nothing_and_runs_only_its_own_script() {
    let page = html(&every_outcome()).unwrap();
    assert!(
        page.contains("content=\"default-src &#x27;none&#x27;; style-src &#x27;sha256-"),
        "{}",
        &page[..900]
    );
    assert!(!page.contains("unsafe-inline") && !page.contains(" style=\"") && !page.contains("src=\"http"));
    assert_eq!(page.matches("<script>").count(), 1);
    assert_eq!(page.matches("<style>").count(), 1);
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    // The hash is over exactly what stands between the tags.
    let script = page.split("<script>").nth(1).unwrap().split("</script>").next().unwrap();
    let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    assert_eq!((script, style), (SCRIPT, STYLE));
}

#[test]
fn hostile_text_is_text() {
    let mut page = Vec::new();
    write_html_with(&every_outcome(), &mut |_| Some(DIFF.to_owned()), &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("+&#x2f;&#x2f; &lt;&#x2f;pre&gt;&lt;script&gt;window.hacked"), "the diff is there");
    let own = page.replace(SCRIPT, "");
    assert!(!own.contains("<script>window") && !own.contains("<img src=x"));
    assert!(own.contains("&lt;script&gt;window.hacked = true&lt;&#x2f;script&gt;"));
    assert!(!own.contains(|c: char| c.is_control() && c != '\n'));
    assert!(!page.contains("##") && !page.contains(['\u{2028}', '\u{202E}']));
    assert!(page.lines().all(|line| !line.trim_start().starts_with("::")));
    assert!(own.contains("{{ 7 * 7 }}") && !own.contains("[[[ATTACHMENT"));
}

#[test]
fn only_https_becomes_a_link() {
    let mut sample = SampleRun::new();
    sample.plan("a", None, 1).start("a", 1, "1");
    let work = json!({"pullRequest": {"url": "javascript:alert(1)", "number": 1, "title": null, "baseRef": null, "headRef": null}});
    sample.end_attempt("a", 1, Outcome::Succeeded, None, &work).end("a", Outcome::Succeeded, None);
    let page = html(&sample.report()).unwrap();
    assert!(!page.contains("javascript:"));
    assert!(page.contains("<span class=\"pull\">#1</span>"));
    assert!(
        page.contains("<a class=\"session\" href=\"https:&#x2f;&#x2f;jules.google.com&#x2f;session&#x2f;1\"")
    );
}

#[test]
fn says_all_that_happened() {
    let report = every_outcome();
    let page = html(&report).unwrap();
    assert_eq!(page.matches("<tr role=\"row\" id=\"t").count(), report.tasks.len());
    assert_eq!(page.matches("<rect class=\"bar ").count(), 12);
    for outcome in Outcome::ALL {
        assert!(page.contains(&format!("id=\"i-{outcome}\"")), "{outcome} has an icon");
        assert!(STYLE.contains(&format!(".o-{outcome} ")), "{outcome} has a colour");
        assert!(page.contains(&format!("data-outcome=\"{outcome}\"")), "{outcome} can be filtered");
    }
    assert!(page.contains("4 of 12 tasks done, 5 failed, 1 question") && page.contains("Stray sessions"));
}

#[test]
fn no_change_is_a_failure_where_its_job_says_so() {
    let page = |rule: &str| {
        let mut sample = SampleRun::new();
        sample.plan_as("tidy", None, 7, rule).whole("tidy", 5, Outcome::NoChange, None);
        html(&sample.report()).unwrap()
    };
    let (strict, easy) = (page("fail"), page("pass"));
    assert!(strict.contains("1 of 1 task failed") && easy.contains("1 task done"));
    assert_eq!(
        (strict.matches("<rect class=\"over\"").count(), easy.matches("<rect class=\"over\"").count()),
        (2, 0)
    );
}

#[test]
fn a_long_id_breaks_where_it_makes_sense() {
    let mut sample = SampleRun::new();
    sample.plan("up/my-org/api@main[a=1,b=<x>]", Some("my-org/api"), 1).plan("[@", None, 2);
    let page = html(&sample.report()).unwrap();
    assert!(
        page.contains("\"id\">up&#x2f;<wbr>my-org&#x2f;<wbr>api<wbr>@main<wbr>[a=1,<wbr>b=&lt;x&gt;]</span>"),
        "{page}"
    );
    assert!(page.contains("\"id\">[<wbr>@</span>"));
}

#[test]
fn a_reason_is_its_first_line_and_all_of_it_on_demand() {
    let page = |reason: &str| {
        let mut sample = SampleRun::new();
        sample.plan("a", None, 1).whole("a", 5, Outcome::Failed, Some(reason));
        html(&sample.report()).unwrap()
    };
    let long = page("\n  It does not build:\n\n  |  ^^^^ here\n");
    assert!(
        long.contains("<summary>It does not build:</summary><pre>It does not build:\n\n  |  ^^^^ here</pre>")
    );
    assert!(page("one line").contains("<p class=\"reason\">one line</p>"));
}

#[test]
fn earlier_results_of_edited_tasks_are_told() {
    let mut report = every_outcome();
    assert!(!html(&report).unwrap().contains("Earlier results"));
    report.superseded = report.tasks[..1].to_vec();
    let page = html(&report).unwrap();
    let told = page.split("Earlier results of edited tasks</h2>").nth(1).unwrap();
    assert!(
        told.contains("<span class=\"o-succeeded word\">succeeded</span> <span class=\"id\">upgrade&#x2f;")
    );
    assert!(
        told.contains(">my-org&#x2f;web#7</a>") && told.contains(">sessions&#x2f;31415926535897932385</a>")
    );
    assert_eq!(
        page.matches("<tr role=\"row\" id=\"t").count(),
        report.tasks.len(),
        "it is no task of its own"
    );
}

#[test]
fn an_empty_run_is_a_page() {
    let mut report = SampleRun::new().report();
    report.run.simulated = true;
    assert!(html(&report).unwrap().contains("The run begins"));
    report.run.ended_at = Some(report.run.started_at);
    let page = html(&report).unwrap();
    assert!(page.contains("No task was selected") && page.contains("simulated: no session was created"));
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    assert!(html(&every_outcome()).unwrap() == html(&every_outcome()).unwrap());
}

#[test]
fn pull_requests_stand_by_whom_they_wait_for_and_can_be_filtered() {
    let page = html(&campaign()).unwrap();
    let order = [
        "Waiting for you",
        "Waiting for a reviewer",
        "Not readable",
        "Ready for",
        "Not read so far",
        "Merged or closed",
    ];
    let places: Vec<_> = order.iter().map(|heading| page.find(heading).expect(heading)).collect();
    assert!(places.is_sorted(), "{places:?}");
    for stage in Stage::ALL {
        assert!(STYLE.contains(&format!(".s-{stage}")), "{stage} has a colour");
        assert!(
            page.contains(&format!("class=\"chip s-{stage}\" data-stage=\"{stage}\"")),
            "{stage} can be filtered"
        );
        assert!(page.contains(&format!("<li data-stage=\"{stage}\" data-task=\"")), "{stage} has a row");
        assert!(page.contains(&format!("data-stages=\"{stage}\"")), "{stage} stands at its task");
    }
    assert!(page.contains("<h3>Waiting for you <b>12</b></h3>") && page.contains("pushed to by eve"));
    assert!(!html(&every_outcome()).unwrap().contains("pulls-title"), "nothing was read");
}

#[test]
fn what_github_says_is_text() {
    let page = html(&campaign()).unwrap().replace(SCRIPT, "");
    assert!(!page.contains("<script>window") && !page.contains("<img src=x") && !page.contains("##"));
    assert!(
        !page.contains(|c: char| c.is_control() && c != '\n') && !page.contains(['\u{2028}', '\u{202E}'])
    );
    assert!(page.contains(">cargo test failed ]]&gt;"));
}

#[test]
fn what_needs_a_person_stands_first() {
    let page = html(&morning()).unwrap();
    let needs = page.split("<main>\n").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(needs.starts_with("<section aria-labelledby=\"needs-title\""), "{needs}");
    let order = [
        "Needs a person <b>4</b>",
        "Failed <b>1</b>",
        "2 tests do not pass",
        "Asked you something <b>1</b>",
        "Which port is right?",
        "Pull requests to look at <b>2</b>",
        "review required",
        "my-org&#x2f;web#2</a>",
        "my-org&#x2f;web#1</a>",
    ];
    let places: Vec<_> = order.iter().map(|text| needs.find(text).expect(text)).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(!needs.contains("merged") && !needs.contains("<details>"));
    assert_eq!(needs.matches("class=\"session\" href=").count(), 4, "one click to each session");
    let mut calm = SampleRun::new();
    calm.plan("a", None, 1).whole("a", 5, Outcome::Succeeded, None);
    assert!(!html(&calm.report()).unwrap().contains("needs-title"));
}

#[test]
fn many_that_need_a_person_push_no_group_out_of_the_first_screen() {
    let mut sample = SampleRun::new();
    for number in 0..250 {
        let id = format!("task-{number}");
        sample.plan(&id, None, 1).whole(&id, 5, Outcome::Failed, Some("no"));
    }
    let page = html(&sample.report()).unwrap();
    let needs = page.split("</section>").next().unwrap();
    let (open, closed) = needs.split_once("<details>").unwrap();
    assert_eq!((open.matches("<li>").count(), closed.matches("<li>").count()), (3, 197));
    assert!(closed.contains("197 more") && closed.contains("and 50 more: the table"));
}

/// A page of this many tasks with details, whose changes are as long as that.
fn page_with_diffs(tasks: usize, bytes: usize) -> String {
    let mut sample = SampleRun::new();
    for number in 0..tasks {
        let id = format!("task-{number}");
        sample.plan(&id, None, 1).whole(&id, 5, Outcome::Succeeded, None);
        sample.details(&id, 1, "It is done.", &["Look", "Change"]);
    }
    let mut page = Vec::new();
    let diff = "+line\n".repeat(bytes / 6);
    write_html_with(&sample.report(), &mut |_| Some(diff.clone()), &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

#[test]
fn a_row_opens_to_what_its_session_has_said_and_done() {
    let page = page_with_diffs(1, 60);
    let order = [
        "<summary>last words, plan of 2 steps, 2 files, diff</summary>",
        "<pre class=\"words\">It is done.</pre>",
        "<li>Look</li><li>Change</li>",
        "1 plan, 9 reports of progress, 2 messages of the agent, 2 others",
        "<span class=\"path\">src&#x2f;lib.rs</span> <span class=\"kind\">modified</span>",
        "<span class=\"added\">+2</span> <span class=\"removed\">−1</span>",
        "aria-label=\"Diff\">+line",
    ];
    let places: Vec<_> = order.iter().map(|text| page.find(text).expect(text)).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(!page.contains("are not shown"));
    assert!(!html(&every_outcome()).unwrap().contains("class=\"diff\""), "a report alone has no changes");
}

#[test]
fn the_diffs_of_many_tasks_are_cut_at_lines_so_that_the_page_stays_small() {
    let page = page_with_diffs(600, 60_000);
    assert!(page.len() < 10 * 1024 * 1024, "{} bytes", page.len());
    assert!(page.contains("more bytes are not shown: <a class=\"whole\""));
    assert_eq!(page.matches("class=\"diff\"").count(), 600);
}

#[test]
fn where_there_is_no_room_the_page_says_what_has_it() {
    let report = nightly();
    let page_within = |bytes| {
        let mut page = Vec::new();
        let mut diff = |_: u64| Some(DIFF.to_owned());
        write_html_within(&report, &Room::within(&report, bytes), &mut diff, &mut page).unwrap();
        String::from_utf8(page).unwrap()
    };
    let page = page_within(3000);
    let open = page.matches("class=\"session-details\"").count();
    assert!((1..4).contains(&open), "{open}");
    let hint = format!("Of {} tasks the page has no room", 20 - open);
    assert!(page.contains(&hint) && page.contains("<code>jules-batch session show ID</code>"), "{hint}");
    assert!(page.contains("no room for the diff: <code>jules-batch session diff sessions&#x2f;"));
    assert!(!page_within(1_000_000).contains("no room"));
}

#[test]
fn a_plan_that_waits_for_its_approval_needs_a_person() {
    let mut sample = SampleRun::new();
    sample.plan("a", None, 1).start("a", 1, "1");
    sample.tell(
        &json!({"event": "session_state", "task": "a", "attempt": 1, "state": "AWAITING_PLAN_APPROVAL"}),
    );
    assert!(!html(&sample.report()).unwrap().contains("needs-title"), "the run may approve it");
    let why = Some("the plan waits for a human's approval");
    sample.end_attempt("a", 1, Outcome::Detached, why, &json!({})).end("a", Outcome::Detached, why);
    let page = html(&sample.finish(None).report()).unwrap();
    let needs = page.split("</section>").next().unwrap();
    assert!(needs.contains("Plans to approve <b>1</b>") && needs.contains("a human&#x27;s approval"));
}

#[test]
fn a_run_stands_beside_those_before_it() {
    let report = nightly();
    let page = html(&report).unwrap();
    let told = page.split("id=\"trend-title\"").nth(1).unwrap().split("</section>").next().unwrap();
    let order = [
        "Newly failing</span> <b>1</b>",
        "flaky-tests&#x2f;my-org&#x2f;search@main",
        "Still failing</span> <b>1</b>",
        "lint&#x2f;my-org&#x2f;web@main",
        "Fixed</span> <b>2</b>",
        "lint&#x2f;my-org&#x2f;search@main",
        "Against the run of <time datetime=\"2026-11-21T",
        "The last 5 runs; Nov 18 02:00: 16 done, 4 failed; ",
        "Nov 21 02:00: 17 done, 3 failed; this run: 17 done, 2 failed, 1 others\"",
        "<th scope=\"row\">this one</th><td>17</td><td>2</td><td>1</td>",
    ];
    let places: Vec<_> = order.iter().map(|text| told.find(text).expect(text)).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(!told.contains("docs&#x2f;my-org&#x2f;web@main"), "who asks has not failed");
    assert_eq!(super::super::from_json(&super::super::to_json(&report)).unwrap(), report);
    assert!(!html(&every_outcome()).unwrap().contains("trend-title"), "it is the first");
}
