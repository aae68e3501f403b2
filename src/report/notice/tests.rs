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
