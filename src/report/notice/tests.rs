use super::super::sample::{HOSTILE, SampleRun, every_outcome, morning};
use super::*;

const ALL: [Sink; 4] = [Sink::Slack, Sink::Teams, Sink::Discord, Sink::Json];
const END: &[Occasion] = &[Occasion::Failure, Occasion::Needs, Occasion::End];

/// Every outcome, each task with words that want to be more than words, and many of them.
fn hostile() -> ReportV1 {
    let mut report = every_outcome();
    report.run.name = HOSTILE.to_owned();
    for n in 0..400 {
        let mut task = report.tasks.last().unwrap().clone();
        task.id = format!("{n} <!channel> <@U1> @everyone {}", HOSTILE.repeat(9));
        task.reason = Some(format!("<https://e.example|ok> [x](https://e.example) {}", HOSTILE.repeat(9)));
        task.pull_request.clone_from(&report.tasks[0].pull_request);
        report.tasks.push(task);
    }
    report
}

/// Every text in a value, with the object that it stands in.
fn texts<'v>(value: &'v Value, within: &'v Value, found: &mut Vec<(&'v str, &'v Value)>) {
    match value {
        Value::String(text) => found.push((text, within)),
        Value::Array(items) => items.iter().for_each(|item| texts(item, within, found)),
        Value::Object(map) => map.values().for_each(|inner| texts(inner, value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn of(report: &ReportV1, sink: Sink) -> Value {
    notice(report, END, sink)
}

#[test]
fn a_morning_looks_as_agreed() {
    let show = |sink| serde_json::to_string_pretty(&of(&morning(), sink)).unwrap();
    insta::assert_snapshot!("slack", show(Sink::Slack));
    insta::assert_snapshot!("teams", show(Sink::Teams));
    insta::assert_snapshot!("discord", show(Sink::Discord));
    insta::assert_snapshot!("json", show(Sink::Json));
}

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/notice.schema.json");

#[test]
fn the_schema_is_current() {
    let schema = format!("{:#}\n", notice_schema());
    if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
        std::fs::write(SCHEMA, &schema).unwrap();
    }
    let checked_in = std::fs::read_to_string(SCHEMA).unwrap();
    assert!(checked_in == schema, "schemas/notice.schema.json is old: run `INSTA_UPDATE=always cargo test`");
}

#[test]
fn what_a_program_is_told_keeps_to_its_schema() {
    let validator = jsonschema::validator_for(&notice_schema()).unwrap();
    for report in [hostile(), morning(), under_way(), SampleRun::new().report()] {
        let told = of(&report, Sink::Json);
        let errors: Vec<String> = validator.iter_errors(&told).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    let mut broken = of(&morning(), Sink::Json);
    broken["on"] = "whenever".into();
    assert!(!validator.is_valid(&broken));
}

/// One task has failed, one is at work, and one has not begun.
fn under_way() -> ReportV1 {
    let mut sample = SampleRun::new();
    for (line, id) in (10u32..).zip(["fails", "works", "waits"]) {
        sample.plan(id, Some("my-org/web"), line);
    }
    sample.whole("fails", 60, Outcome::Failed, Some("no luck")).start("works", 1, "4182930177265519");
    sample.report()
}

#[test]
fn what_is_at_work_is_not_called_what_it_would_be_if_the_run_stopped_now() {
    let report = under_way();
    assert_eq!((report.totals.detached, report.totals.deferred), (1, 1), "as a report has it");
    let told = notice(&report, &[Occasion::Failure], Sink::Json);
    insta::assert_snapshot!("json_under_way", serde_json::to_string_pretty(&told).unwrap());
    for sink in [Sink::Slack, Sink::Teams, Sink::Discord] {
        let told = notice(&report, &[Occasion::Failure], sink).to_string();
        assert!(told.contains("1 at work") && !told.contains("detached"), "{told}");
    }
}

/// `fails` has failed, `asks` has asked, and `plan` was left with its plan.
fn questions() -> ReportV1 {
    let mut report = morning();
    let mut plan = report.tasks.iter().find(|task| task.id == "asks").unwrap().clone();
    (plan.id, plan.outcome) = ("plan".to_owned(), Outcome::Detached);
    let session = plan.attempts.last_mut().unwrap().session.as_mut().unwrap();
    session.state = Some("AWAITING_PLAN_APPROVAL".to_owned());
    report.tasks.push(plan);
    report.totals = report.tasks.iter().map(|task| task.outcome).collect();
    report.remaining = report.totals.open();
    report
}

#[test]
fn who_asks_has_not_failed_and_a_plan_is_no_question() {
    let words = |report: &ReportV1| of(report, Sink::Json)["verdict"].as_str().unwrap().to_owned();
    assert_eq!(words(&morning()), "3 of 5 tasks done, 1 failed, 1 question");
    let report = questions();
    assert_eq!(words(&report), "3 of 6 tasks done, 1 failed, 1 question, 1 plan to approve");
    let told = of(&report, Sink::Json);
    let asked = &told["asked"]["entries"];
    assert_eq!((&asked[0]["waitsFor"], &asked[1]["waitsFor"]), (&"answer".into(), &"plan-approval".into()));
    for sink in [Sink::Slack, Sink::Teams, Sink::Discord] {
        let told = of(&report, sink).to_string();
        assert!(told.contains("Questions, and plans to approve"), "{sink:?}: {told}");
    }
    let mut only_plan = report;
    only_plan.tasks.retain(|task| task.id == "plan" || task.outcome == Outcome::Succeeded);
    only_plan.totals = only_plan.tasks.iter().map(|task| task.outcome).collect();
    assert_eq!(words(&only_plan), "3 of 4 tasks done, 1 plan to approve");
    assert!(of(&only_plan, Sink::Slack).to_string().contains("Plans to approve: 1"));
}

#[test]
fn what_needs_a_person_comes_in_the_order_of_the_page() {
    let report = morning();
    for sink in ALL {
        let text = of(&report, sink).to_string();
        let places: Vec<_> = ["2 tests do not pass", "Which port is right?", "/pull/2"]
            .iter()
            .map(|word| text.find(word))
            .collect();
        // An object's keys are sorted.
        let is_ordered = sink == Sink::Json || places.is_sorted();
        assert!(is_ordered && places.iter().all(Option::is_some), "{sink:?}: {places:?}");
    }
}

#[test]
fn messages_are_short_however_much_there_is_to_say() {
    // The least that the services are known to take: Teams has 28 KB for a message, Slack 50 blocks, Discord 4096 characters.
    for report in [hostile(), SampleRun::new().report()] {
        for sink in ALL {
            let length = of(&report, sink).to_string().len();
            assert!(length < if sink == Sink::Json { 120_000 } else { 28_000 }, "{sink:?}: {length}");
        }
        let discord = of(&report, Sink::Discord);
        let description = discord["embeds"][0]["description"].as_str().unwrap();
        assert!(description.chars().count() <= 4096 && !description.is_empty());
        assert!(discord["embeds"][0]["title"].as_str().unwrap().chars().count() <= 256);
        let slack = of(&report, Sink::Slack);
        assert!(slack["blocks"].as_array().unwrap().len() <= 50);
        assert!(slack["blocks"][0]["text"]["text"].as_str().unwrap().chars().count() <= 150);
    }
}

#[test]
fn hostile_text_is_nothing_but_text() {
    let report = hostile();
    for sink in ALL {
        let payload = of(&report, sink);
        let mut found = Vec::new();
        texts(&payload, &payload, &mut found);
        assert!(found.iter().any(|(text, _)| text.contains("channel")), "{sink:?} tells of it");
        for (text, within) in found {
            assert!(text.chars().all(|c| foreign_text::is_text(c) || c == '\n'), "{sink:?}: {text:?}");
            let is_foreign = text.contains("channel") || text.contains("e.example");
            match sink {
                Sink::Slack => {
                    assert_ne!(text, "mrkdwn");
                    let is_literal =
                        ["text", "link", "plain_text"].map(Value::from).contains(&within["type"]);
                    assert!(!is_foreign || is_literal, "{within}");
                }
                Sink::Teams => {
                    assert_ne!(text, "TextBlock");
                    assert!(!is_foreign || within["type"] == "TextRun", "{within}");
                }
                Sink::Discord => {
                    let plain =
                        text.replace("\\\\", "").replace("\\<", "").replace("\\[", "").replace("\\:", "");
                    assert!(
                        !plain.contains("<!") && !plain.contains("[x]") && !plain.contains("<@"),
                        "{text}"
                    );
                    assert!(!text.replace("@\u{200B}", "").contains('@'), "{text}");
                }
                Sink::Json => {}
            }
        }
    }
    let slack = of(&report, Sink::Slack);
    assert!(!slack["text"].as_str().unwrap().contains(['<', '>']), "{}", slack["text"]);
    assert_eq!(of(&report, Sink::Discord)["allowed_mentions"]["parse"], serde_json::json!([]));
}

#[test]
fn a_simulated_run_says_so() {
    let mut report = morning();
    report.run.simulated = true;
    for sink in [Sink::Slack, Sink::Teams, Sink::Discord] {
        assert!(of(&report, sink).to_string().contains("SIMULATED"), "{sink:?}");
    }
    assert_eq!(of(&report, Sink::Json)["run"]["simulated"], true);
}
