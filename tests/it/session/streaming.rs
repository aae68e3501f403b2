//! `session stream`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{LONG, created, finished, lines, session};
use crate::support::{Ended, Signal, Terminal, World};

const TALKATIVE: &str =
    "{ defaults: { duration: 600ms, outcome: change, activities: { gap: 40ms, shared-timestamps: true,
    with: [bash-output, change-set, media, unknown-activity, unknown-artifact, bare] } } }";

fn ids(ended: &Ended<'_>) -> Vec<String> {
    lines(&ended.stdout).iter().map(|activity| activity["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn reads_well_and_ends_with_the_session() {
    let world = World::new(TALKATIVE);
    let id = created(&world, "Think --no-approval");
    let ended = session(&world, &format!("stream {id}")).exits(0);
    for words in [
        "plan\n",
        "1. ",
        "plan approved",
        "· ",
        "agent: ",
        "$ ",
        "exit 0",
        "changes ",
        "+",
        "media image/png",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {ended}");
    }
    assert!(ended.stdout.contains("something unknown"), "{ended}");
    assert!(ended.stdout.trim_end().ends_with("completed"), "{ended}");
    assert!(!ended.stdout.contains('\u{1b}'), "colours without a terminal: {ended}");
}

#[test]
fn json_has_every_activity_once_and_all_of_it() {
    let world = World::new(TALKATIVE);
    let id = finished(&world, "Think");
    let ended = session(&world, &format!("stream {id} --format json")).exits(0);
    let all = ids(&ended);
    assert!(all.len() > 10, "{ended}");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    let activities = lines(&ended.stdout);
    assert!(activities.iter().any(|a| a["artifacts"][0]["media"]["data"].is_string()));
    assert!(activities.iter().any(|a| a["artifacts"][0]["hologram"] != Value::Null), "{ended}");
    assert!(activities.last().unwrap()["sessionCompleted"].is_object());
}

#[test]
fn goes_on_where_it_was_interrupted_without_seeing_anything_twice() {
    let world = World::new(
        "{ defaults: { duration: 3s, outcome: change, activities: { gap: 40ms, shared-timestamps: true } } }",
    );
    let id = created(&world, "Think --no-approval");
    let mut running = session(&world, &format!("stream {id} --format json")).start();
    running.until_printed("\n");
    running.signal(Signal::Interrupt);
    let first = running.wait();
    assert_eq!(first.code, Some(130), "{first}");
    let (_, place) = first.stderr.trim_end().rsplit_once("--from ").unwrap();
    let second = session(&world, &format!("stream {id} --format json --from {place}")).exits(0);
    let whole = session(&world, &format!("stream {id} --format json --history")).exits(0);
    assert_eq!([ids(&first), ids(&second)].concat(), ids(&whole));
}

#[test]
fn on_a_terminal_ctrl_c_tells_how_to_go_on() {
    let world = World::new("{ speed: 60, defaults: { duration: 10m, outcome: change } }");
    let id = created(&world, "Think");
    let Some(terminal) = Terminal::open(&world) else { return };
    terminal.enter(&format!("clear; jules-batch session stream {id}; echo status $?"));
    terminal.until_shown(" 1. ");
    terminal.key("C-c");
    let screen = terminal.until_shown("status 130");
    assert!(screen.iter().any(|line| line.ends_with(" plan")), "{screen:#?}");
    let told = screen.iter().position(|line| line == "go on with:");
    // The command stays whole: it is copied from there.
    let command = told.and_then(|at| screen.get(at + 1));
    assert!(command.is_some_and(|line| line.starts_with("  jules-batch session stream")), "{screen:#?}");
}

#[test]
fn history_ends_although_the_session_goes_on_and_now_skips_it() {
    let world = World::new(LONG);
    let id = created(&world, "Think");
    super::in_state(&world, &id, &["QUEUED", "PLANNING"]);
    let ended = session(&world, &format!("stream {id} --history")).exits(0);
    assert_eq!(ended.stdout, "");
    let quick = World::new("{ defaults: { duration: 200ms, outcome: change } }");
    let id = finished(&quick, "Think");
    let ended = session(&quick, &format!("stream {id} --from now --format json")).exits(0);
    assert_eq!(ended.stdout, "", "all of it was history");
}

#[test]
fn a_time_limit_ends_it_with_5() {
    let world = World::new(LONG);
    let id = created(&world, "Think --no-approval");
    let ended = session(&world, &format!("stream {id} --timeout 200ms")).exits(5);
    assert!(ended.stderr.contains("session stream"), "{ended}");
    session(&world, &format!("stream {id} --from yesterday")).exits(2);
}

#[test]
fn hostile_words_reach_no_terminal_and_no_log() {
    let evil = r"\e]0;title\a\e[2J::error::x\r::warning::y ##vso[task.setvariable]z ##[group]";
    let world = World::new(&format!(
        "{{ defaults: {{ duration: 300ms, outcome: failure, failure-reason: \"{evil}\", activities: {{ says: [\"{evil}\"] }} }} }}"
    ));
    let id = finished(&world, "Think");
    for line in [
        format!("stream {id}"),
        format!("stream {id} --format json"),
        format!("show {id}"),
        format!("show {id} --format json"),
    ] {
        let ended = session(&world, &line).exits(0);
        assert!(ended.stdout.contains("warning::y"), "{line}: {ended}");
        tame(&line, &ended);
    }
    tame("result", &session(&world, &format!("result {id}")).exits(100));
}

#[track_caller]
fn tame(line: &str, ended: &Ended<'_>) {
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{line}: {text:?}");
        assert!(!text.contains("##[") && !text.contains("##vso["), "{line}: {text}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{line}: {text}");
    }
}
