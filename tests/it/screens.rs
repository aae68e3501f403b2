//! What a run looks like on a terminal: while it is at work, and at its end. Terminals of several widths.

use crate::support::{Manifest, Terminal, World, at_once, job, redacted};

/// The agents work, ask and fail.
const SCENARIO: &str = "{ rules: [ \
    { when: { prompt: 'Choose*' }, then: { feedback: { times: 9, \
      question: \"Which database should the service use?\\nPostgreSQL is there already, SQLite would need no server.\" } } }, \
    { when: { prompt: 'Break*' }, then: { outcome: failure } } ], \
    defaults: { duration: 200ms, outcome: pull-request } }";

fn ends_badly() -> Manifest {
    Manifest::of([
        job("choose", "Choose a database.", &["source: my-org/web@main", "give-up: leave"]),
        job("choose-later", "Choose one later.", &["source: my-org/web@main"]),
        job(
            "approve",
            "Work with a plan.",
            &[
                "source: my-org/backend@develop",
                "require-approval: true",
                "waiting: { plan-approval: detach }",
            ],
        ),
        job(
            "break",
            "Break it.",
            &["sources: [my-org/web@main, my-org/backend@develop, my-org/service-with-a-long-name@main]"],
        ),
        job("after", "Work after that.", &["needs: [break]", "source: my-org/web@main"]),
        job(
            "upgrade",
            "Upgrade ${{ matrix.crate }}.",
            &["source: my-org/web@main", "matrix: { crate: [serde, tokio] }"],
        ),
    ])
}

/// The screen at the end, from the line that begins so.
fn end_of_a_run(columns: u16) -> Option<String> {
    let world = World::with(SCENARIO, &ends_badly());
    let terminal = Terminal::open(&world)?;
    terminal.resize(columns, 70);
    terminal.enter("clear; jules-batch run; echo status $?");
    let screen = terminal.until_shown("status 100");
    let begin = screen.iter().position(|line| line.starts_with("what needs you")).unwrap();
    let end = screen.iter().position(|line| line.starts_with("status ")).unwrap();
    let line = |line: &String| match line.split_once("/pull/").or(line.split_once(" tasks in ")) {
        Some((before, _)) if line.contains("/pull/") => format!("{before}/pull/[N]\n"),
        Some((before, _)) => format!("{before} tasks in [TIME], [N] requests\n"),
        None => format!("{line}\n"),
    };
    let lines: Vec<_> = screen[begin..=end].iter().map(line).collect();
    Some(redacted(&world, &lines.concat()))
}

#[test]
fn the_end_of_a_run_with_failures_and_questions() {
    for columns in [60, 80, 200] {
        let Some(text) = end_of_a_run(columns) else { return };
        insta::assert_snapshot!(format!("end_of_a_run_{columns}"), text);
    }
}

/// Activities are read for silence and questions alone; what they tell is shown.
#[test]
fn the_live_table_tells_what_the_agents_do() {
    let scenario =
        "{ defaults: { duration: 20s, outcome: change, activities: { gap: 400ms, with: [bash-output] } } }";
    let manifest = Manifest::of([job("work", "Work.", &["timeouts: { stall: 4s }"])]);
    at_once([60, 80, 200], |columns| {
        let world = World::with(scenario, &manifest);
        let Some(terminal) = Terminal::open(&world) else { return };
        terminal.resize(columns, 24);
        terminal.enter("jules-batch run");
        let is_row = |line: &&String| line.starts_with("  in progress") && line.contains("  work  ");
        let screen =
            terminal.until(|screen| screen.iter().find(is_row).is_some_and(|row| row.contains(" ago")));
        let row = screen.iter().find(is_row).unwrap();
        let told = row.split("  work  ").nth(1).unwrap();
        assert!(told.starts_with(|c: char| c == '$' || c.is_ascii_uppercase()), "{screen:#?}");
        assert!(row.chars().count() <= usize::from(columns), "{screen:#?}");
        let asked = &world.statistics().requests;
        assert!(asked.get("activities.list").is_none_or(|count| *count <= 3), "{asked:?}");
    });
}

const LONG: &str = "--simulate=long.yaml --poll-interval 10s --json report.json";

/// Three sessions that work for fifteen minutes, whose agents are never silent for long.
fn busy_for_long() -> World {
    let world = World::new("");
    let scenario = "speed: 60\nany-source: true\n\
        defaults: { duration: 15m, outcome: pull-request, activities: { gap: 20s, with: [bash-output] } }\n";
    world.write("long.yaml", scenario);
    let manifest = Manifest::of([job(
        "work",
        "Work on ${{ matrix.part }}.",
        &[
            "source: my-org/web@main",
            "matrix: { part: [parser, lexer, printer] }",
            "timeouts: { task: 2h, stall: 20m }",
        ],
    )]);
    world.write("jobs.yaml", &manifest.to_string());
    world
}

/// What was read of activities by the run in this world.
fn activities_read(world: &World) -> u64 {
    let report = std::fs::read_to_string(world.path("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    report["api"]["requests"]["activities"].as_u64().unwrap_or(0)
}

#[test]
fn the_live_table_asks_now_and_then_what_each_agent_did_last() {
    let world = busy_for_long();
    let Some(terminal) = Terminal::open(&world) else { return };
    terminal.resize(120, 24);
    terminal.enter(&format!("jules-batch run {LONG}; echo status $?"));
    let is_told = |line: &&String| line.starts_with("  in progress") && line.contains(" ago");
    let screen = terminal.until(|screen| screen.iter().filter(is_told).count() == 3);
    let row = screen.iter().find(is_told).unwrap();
    assert!(row.contains("  $ ") || row.contains("]  "), "{screen:#?}");
    terminal.until_shown("status 0");
    // Every three minutes of fifteen, one more where this machine is slow, and none for another reason.
    let count = activities_read(&world);
    assert!((3..=18).contains(&count), "{count}");
}

#[test]
fn a_program_that_is_stopped_takes_its_live_table_along() {
    let world = busy_for_long();
    let Some(terminal) = Terminal::open(&world) else { return };
    terminal.enter(&format!("clear; jules-batch run {LONG}"));
    let stands = |screen: &[String]| screen.iter().any(|line| line.contains(" gone"));
    terminal.until(stands);
    terminal.key("C-z");
    let screen = terminal.until_shown("Stopped");
    assert!(!stands(&screen), "{screen:#?}");
    terminal.enter("clear; fg");
    terminal.until(stands);
    terminal.until_shown("nothing of this happened");
}

#[test]
fn no_activities_are_read_to_be_shown_where_there_is_no_live_table() {
    let world = busy_for_long();
    world.command("run").args(LONG).exits(0);
    assert_eq!(activities_read(&world), 0);
}

/// The table is as wide as the terminal, whose lines break anew when it becomes narrower. What stands above stays, and of the
/// table as it was stays nothing; but tmux moves the top of a screen that has room below out of reach.
#[test]
fn a_terminal_of_another_size_shows_the_live_table_once_and_all_that_stands_above() {
    let scenario = "{ rules: [{ when: { prompt: 'Break*' }, then: { outcome: failure, duration: 300ms } }], \
        defaults: { duration: 15s, outcome: change } }";
    let jobs = [
        job("break", "Break it.", &["source: my-org/service-with-a-long-name@main"]),
        job(
            "work",
            "Work on ${{ matrix.part }}.",
            &["source: my-org/service-with-a-long-name@main", "matrix: { part: [parser, lexer, printer] }"],
        ),
    ];
    at_once([(100, 60, 50), (60, 100, 50), (120, 41, 50), (50, 140, 3)], |(before, after, above)| {
        let world = World::with(scenario, &Manifest::of(jobs.clone()));
        let Some(terminal) = Terminal::open(&world) else { return };
        terminal.resize(before, 40);
        terminal.enter(&format!("clear; for n in $(seq {above}); do echo above $n.; done; jules-batch run"));
        let count = |screen: &[String], words: &str| screen.join("\n").matches(words).count();
        let table = |screen: &[String]| [" gone", "25 %", "  work/"].map(|words| count(screen, words));
        terminal.until(|screen| table(screen) == [1, 1, 3]);
        for columns in [after, before, after] {
            terminal.resize(columns, 40);
            // Drawn twice at least since then.
            let gone = |screen: &[String]| screen.iter().rfind(|line| line.contains(" gone")).cloned();
            let mut seen = gone(&terminal.screen());
            for _ in 0..2 {
                seen = gone(&terminal.until(|screen| gone(screen).is_some_and(|now| Some(now) != seen)));
            }
            let screen = terminal.screen();
            assert_eq!(table(&screen), [1, 1, 3], "{columns} columns: {screen:#?}");
            let all: Vec<_> = terminal.scrollback().lines().map(str::to_owned).collect();
            let is_full = above >= 40;
            assert!(!is_full || table(&all) == [1, 1, 3], "{columns} columns: {all:#?}");
            assert!((1..=above).all(|n| count(&all, &format!("above {n}.")) == 1), "{all:#?}");
            assert_eq!(count(&all, "] failed  "), 1, "{all:#?}");
        }
    });
}
