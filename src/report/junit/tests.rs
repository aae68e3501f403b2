//! One test a rule; read back by `quick-junit` where it can, by events where it cannot.

use proptest::prelude::*;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus};
use quick_xml::events::Event;
use rstest::rstest;
use serde_json::json;

use super::super::sample::{HOSTILE, SampleRun, campaign, every_outcome};
use super::*;
use crate::outcome::Outcome;

const PROFILES: [JunitProfile; 2] = [JunitProfile::Rich, JunitProfile::Jenkins];

fn rich(report: &ReportV1) -> String {
    junit(report, JunitProfile::Rich).unwrap()
}

fn read(xml: &str) -> Report {
    Report::deserialize_from_str(xml).unwrap()
}

fn case(report: &Report, name: &str) -> TestCase {
    let mut cases = report.test_suites.iter().flat_map(|suite| &suite.test_cases);
    cases.find(|case| case.name.as_str() == name).unwrap_or_else(|| panic!("no case {name}")).clone()
}

/// A report of one task with this outcome.
fn one(outcome: Outcome, reason: Option<&str>, on_no_change: &str) -> ReportV1 {
    let mut sample = SampleRun::new();
    sample.plan_as("fix", Some("my-org/api"), 3, on_no_change).whole("fix", 5, outcome, reason).finish(None);
    sample.report()
}

#[test]
fn looks_as_agreed() {
    insta::assert_snapshot!("rich", rich(&every_outcome()));
    insta::assert_snapshot!("jenkins", junit(&every_outcome(), JunitProfile::Jenkins).unwrap());
}

#[test]
fn says_how_a_pull_request_stands() {
    let xml = rich(&campaign());
    let property = |name: &str, value: &str| format!("<property name=\"{name}\" value=\"{value}\"/>");
    assert_eq!(xml.matches(&property("pull-request-stage", "merged")).count(), 19);
    assert_eq!(xml.matches(&property("pull-request-checks", "FAILURE")).count(), 5);
    let touched = case(&read(&xml), "upgrade/my-org/svc-23@main");
    assert!(
        touched
            .properties
            .iter()
            .any(|it| it.name.as_str() == "pull-request-state" && it.value.as_str() == "open")
    );
    let out = touched.system_out.unwrap();
    assert!(out.as_str().contains("my-org/svc-23#24: touched: pushed to by eve\n"), "{out:?}");
    let unread = case(&read(&xml), "upgrade/my-org/svc-55@main");
    assert!(!unread.properties.iter().any(|it| it.name.as_str() == "pull-request-stage"));
    assert!(!xml.contains("[[ATTACHMENT") && !xml.contains('\u{202E}'), "what GitHub says is text");
}

#[test]
fn has_a_declaration_and_never_nests_suites() {
    for profile in PROFILES {
        let xml = junit(&every_outcome(), profile).unwrap();
        assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "));
        let depths = depths_of(&xml);
        assert!(depths.iter().all(|(name, depth)| match name.as_str() {
            "testsuites" => *depth == 0,
            "testsuite" => *depth == 1,
            "testcase" => *depth == 2,
            _ => *depth > 1,
        }));
    }
}

fn depths_of(xml: &str) -> Vec<(String, usize)> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut depth, mut found) = (0, Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                found.push((String::from_utf8_lossy(start.name().as_ref()).into_owned(), depth));
                depth += 1;
            }
            Event::Empty(start) => {
                found.push((String::from_utf8_lossy(start.name().as_ref()).into_owned(), depth));
            }
            Event::End(_) => depth -= 1,
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn one_suite_a_source_or_job() {
    let report = read(&rich(&every_outcome()));
    let names: Vec<&str> = report.test_suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!(names, ["my-org/web", "my-org/api", "later", "live", "my-org/<img src=x>", "stray sessions"]);
    for suite in &report.test_suites {
        assert!(suite.test_cases.iter().all(|case| case.classname.as_ref() == Some(&suite.name)));
    }
}

#[test]
fn names_stay_unique_when_they_come_to_look_alike() {
    let mut sample = SampleRun::new();
    for id in ["a\u{0}", "a\u{1}", "a\u{2426}", "a\u{2426} (2)"] {
        sample.plan(id, Some("my-org/web"), 1);
    }
    let report = read(&rich(&sample.report()));
    let names: Vec<&str> = report.test_suites[0].test_cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["a\u{2426}", "a\u{2426} (2)", "a\u{2426} (3)", "a\u{2426} (2) (2)"]);
}

#[rstest]
#[case(Outcome::Succeeded, "pass", "passed", "")]
#[case(Outcome::NoChange, "pass", "passed", "")]
#[case(Outcome::NoChange, "skip", "skipped", "jules.no_change")]
#[case(Outcome::NoChange, "fail", "failure", "jules.no_change")]
#[case(Outcome::Failed, "pass", "failure", "jules.failed")]
#[case(Outcome::NeedsInput, "pass", "failure", "jules.needs_input")]
#[case(Outcome::TimedOut, "pass", "error", "jules.timed_out")]
#[case(Outcome::Stalled, "pass", "error", "jules.stalled")]
#[case(Outcome::Error, "pass", "error", "jules.error")]
#[case(Outcome::Skipped, "pass", "skipped", "jules.skipped")]
#[case(Outcome::Deferred, "pass", "skipped", "jules.deferred")]
#[case(Outcome::Detached, "pass", "skipped", "jules.detached")]
fn each_outcome_is_one_kind_of_case(
    #[case] outcome: Outcome,
    #[case] on_no_change: &str,
    #[case] kind: &str,
    #[case] type_: &str,
) {
    let report = read(&rich(&one(outcome, Some("because"), on_no_change)));
    let (found, found_type, message, text) = verdict(&case(&report, "fix"));
    assert_eq!((found, found_type.as_str()), (kind, type_));
    if kind != "passed" {
        assert_eq!(message, format!("{}: because", outcome.label()));
        assert!(text.starts_with(&message), "{text}");
    }
    let suite = &report.test_suites[0];
    let counts = (suite.tests, suite.failures, suite.errors, suite.skipped);
    let expected = match kind {
        "failure" => (1, 1, 0, 0),
        "error" => (1, 0, 1, 0),
        "skipped" => (1, 0, 0, 1),
        _ => (1, 0, 0, 0),
    };
    assert_eq!(counts, expected);
    assert_eq!((report.tests, report.failures, report.errors, report.skipped), expected);
}

fn verdict(case: &TestCase) -> (&'static str, String, String, String) {
    let own = |text: &Option<quick_junit::XmlString>| {
        text.as_ref().map_or_else(String::new, |text| text.as_str().to_owned())
    };
    match &case.status {
        TestCaseStatus::Success { .. } => ("passed", String::new(), String::new(), String::new()),
        TestCaseStatus::NonSuccess { kind, message, ty, description, .. } => {
            let kind = if *kind == NonSuccessKind::Failure { "failure" } else { "error" };
            (kind, own(ty), own(message), own(description))
        }
        TestCaseStatus::Skipped { message, ty, description } => {
            ("skipped", own(ty), own(message), own(description))
        }
    }
}

#[test]
fn a_task_at_work_is_skipped_and_says_so() {
    let mut sample = SampleRun::new();
    sample.plan("waits", None, 1).plan("works", None, 1).start("works", 1, "5");
    let report = read(&rich(&sample.report()));
    assert_eq!(verdict(&case(&report, "waits")).2, "deferred: it has not been started so far");
    assert_eq!(verdict(&case(&report, "works")).2, "detached: its session is at work");
}

#[test]
fn totals_are_exact_on_both_levels() {
    let report = read(&rich(&every_outcome()));
    let count = |kind: &str| {
        let cases = report.test_suites.iter().flat_map(|suite| &suite.test_cases);
        cases.filter(|case| verdict(case).0 == kind).count()
    };
    assert_eq!((report.tests, report.failures, report.errors, report.skipped), (13, 3, 4, 3));
    assert_eq!((count("failure"), count("error"), count("skipped"), count("passed")), (3, 4, 3, 3));
    let sum = |of: fn(&quick_junit::TestSuite) -> usize| report.test_suites.iter().map(of).sum::<usize>();
    assert_eq!(sum(|suite| suite.tests), report.tests);
    assert_eq!(sum(|suite| suite.failures), report.failures);
    let suites: std::time::Duration = report.test_suites.iter().filter_map(|suite| suite.time).sum();
    let cases = report.test_suites.iter().flat_map(|suite| &suite.test_cases).filter_map(|case| case.time);
    assert_eq!(report.time, Some(suites));
    assert_eq!(cases.sum::<std::time::Duration>(), suites);
}

#[test]
fn times_have_three_decimals_and_timestamps_a_zone() {
    for profile in PROFILES {
        let xml = junit(&every_outcome(), profile).unwrap();
        for time in xml.split(" time=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            let (whole, decimals) = time.split_once('.').unwrap();
            assert!(whole.parse::<u64>().is_ok() && decimals.len() == 3, "{time}");
        }
        assert!(xml.contains("timestamp=\"2026-11-22T02:00:06Z\""), "{xml}");
        assert!(!xml.contains("localhost"));
    }
}

#[test]
fn time_is_work_and_not_waiting() {
    let report = read(&rich(&every_outcome()));
    let time = case(&report, "upgrade/my-org/web@main[crate=serde]").time;
    assert_eq!(time, Some(std::time::Duration::from_secs(39 + 60)));
}

#[test]
fn messages_and_texts_are_bounded() {
    let reason = format!("HEAD {} TAIL", "many words ".repeat(50_000));
    let report = read(&rich(&one(Outcome::Failed, Some(&reason), "pass")));
    let (_, _, message, text) = verdict(&case(&report, "fix"));
    assert!(message.len() <= 1024 && message.ends_with('…') && !message.contains('\n'));
    assert!(text.len() <= 64 * 1024 && text.starts_with(&message));
    assert!(text.contains("TAIL\n\nsession: ") && text.contains("bytes left out"));
}

#[test]
fn a_long_reason_is_whole_in_the_text() {
    let report = read(&rich(&one(Outcome::Failed, Some("first line\n\n    second: line\n"), "pass")));
    let (_, _, message, text) = verdict(&case(&report, "fix"));
    assert_eq!(message, "failed: first line second: line");
    assert!(
        text.starts_with("failed: first line second: line\n\nfirst line\n\n    second: line\n\nsession: "),
        "{text}"
    );
}

#[test]
fn no_number_can_be_rounded() {
    let xml = rich(&every_outcome());
    assert!(xml.contains("value=\"sessions/31415926535897932385\""));
    for quoted in xml.split('"').skip(1).step_by(2) {
        assert!(quoted.len() < 15 || quoted.parse::<f64>().is_err(), "{quoted}");
    }
}

#[test]
fn hostile_text_stays_text() {
    for profile in PROFILES {
        let mut report = every_outcome();
        report.strays[0].title = HOSTILE.to_owned();
        let xml = junit(&report, profile).unwrap();
        let report = read(&xml);
        assert_eq!(report.tests, 13);
        assert_eq!(report.test_suites.iter().map(|suite| suite.test_cases.len()).sum::<usize>(), 13);
        assert!(!xml.contains("[[ATTACHMENT|") && !xml.contains("[[PROPERTY|"));
        assert!(!xml.contains("]]>"));
        let forbidden = |c: char| c != '\n' && c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}');
        assert!(!xml.contains(forbidden));
        assert!(!xml.contains("##[") && !xml.contains("##vso["));
        assert!(xml.lines().all(|line| !line.trim_start().starts_with("::")));
        let hostile = &report.test_suites[4].test_cases[0];
        let (kind, _, message, text) = verdict(hostile);
        assert_eq!(kind, "failure");
        assert!(message.starts_with("failed: cargo test failed ]]></failure></testcase>"));
        assert!(text.contains("<testcase name=\"forged\"/>\nred"));
        let stray = verdict(&report.test_suites[5].test_cases[0]);
        assert!(stray.3.contains("<testcase name=\"forged\"/>\nred"), "{stray:?}");
    }
}

#[test]
fn earlier_attempts_are_no_cases_of_their_own() {
    let report = read(&rich(&every_outcome()));
    let TestCaseStatus::Success { flaky_runs } = case(&report, "upgrade/my-org/web@main[crate=serde]").status
    else {
        panic!("it passed in the end")
    };
    assert_eq!(flaky_runs.len(), 1);
    assert_eq!(
        flaky_runs[0].message.as_ref().unwrap().as_str(),
        "stalled: attempt 1: the agent was silent for 20m"
    );
    assert_eq!(flaky_runs[0].ty.as_ref().unwrap().as_str(), "jules.stalled");
    let TestCaseStatus::NonSuccess { reruns, .. } = case(&report, "slow/my-org/api@main").status else {
        panic!("it timed out")
    };
    assert_eq!(reruns.runs.len(), 1);
}

#[test]
fn a_case_says_where_to_look() {
    let xml = rich(&every_outcome());
    let report = read(&xml);
    let case = case(&report, "upgrade/my-org/web@main[crate=serde]");
    let properties: Vec<(&str, &str)> =
        case.properties.iter().map(|property| (property.name.as_str(), property.value.as_str())).collect();
    assert_eq!(
        properties,
        [
            ("outcome", "succeeded"),
            ("session", "sessions/31415926535897932385"),
            ("session-url", "https://jules.google.com/session/31415926535897932385"),
            ("pull-request", "https://github.com/my-org/web/pull/7"),
            ("branch", "main"),
            ("attempts", "2"),
        ]
    );
    let out = case.system_out.unwrap();
    assert!(out.as_str().contains("pull request: https://github.com/my-org/web/pull/7\n"), "{out:?}");
    assert!(xml.contains("file=\"jobs.yaml\" line=\"10\""));
}

#[test]
fn a_pass_without_change_has_a_note() {
    let report = read(&rich(&one(Outcome::NoChange, Some("nothing to do"), "pass")));
    let out = case(&report, "fix").system_out.unwrap();
    assert!(out.as_str().starts_with("outcome: no_change\nnote: nothing to do\n"), "{out:?}");
}

#[test]
fn jenkins_gets_nothing_that_its_schema_does_not_know() {
    let xml = junit(&every_outcome(), JunitProfile::Jenkins).unwrap();
    assert!(!xml.contains(" file=") && !xml.contains(" line="));
    let root = xml.lines().nth(1).unwrap();
    assert!(root.starts_with("<testsuites ") && !root.contains("skipped"), "{root}");
    let cases = xml.split("<testcase ").skip(1);
    assert!(
        cases.map(|case| case.split("</testcase>").next().unwrap()).all(|case| !case.contains("<properties"))
    );
}

#[test]
fn an_empty_run_is_a_document() {
    for profile in PROFILES {
        let report = read(&junit(&SampleRun::new().report(), profile).unwrap());
        assert_eq!((report.tests, report.test_suites.len()), (0, 1));
        assert_eq!(report.test_suites[0].name.as_str(), "nightly-maintenance");
    }
}

#[test]
fn a_simulated_run_says_so() {
    let mut report = every_outcome();
    report.run.simulated = true;
    assert!(rich(&report).contains("<property name=\"simulated\" value=\"true\"/>"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_gives_a_document_of_one_case(
        id in r"(\PC|\x1b|\n|\]\]>|<|&){1,20}",
        source in proptest::option::of(r"(\PC|\x1b|\]\]>|<|&|/){1,20}"),
        reason in r"(\PC|[\x00-\x1f\x7f-\x9f]|\]\]>|<!\[CDATA\[|<|&#0;|\[\[ATTACHMENT\||\x1b\[3|\u{fffe}){0,60}",
        outcome in proptest::sample::select(Outcome::ALL.as_slice()),
    ) {
        let mut sample = SampleRun::new();
        sample.plan(&id, source.as_deref(), 1).start(&id, 1, "314159265358979323846").at(9);
        sample.end_attempt(&id, 1, outcome, Some(&reason), &json!({"pullRequest": {"url": reason}}));
        sample.end(&id, outcome, Some(&reason));
        for profile in PROFILES {
            let report = read(&junit(&sample.report(), profile).unwrap());
            prop_assert_eq!(report.tests, 1);
            prop_assert_eq!(report.test_suites.len(), 1);
            prop_assert_eq!(report.test_suites[0].test_cases.len(), 1);
        }
    }
}

#[test]
fn the_hostile_text_is_hostile() {
    for danger in ["]]>", "\u{1B}[", "[[ATTACHMENT|", "##vso[", "<script>", "\r::", "\u{0}", "\u{FFFF}"] {
        assert!(HOSTILE.contains(danger), "{danger:?}");
    }
}
