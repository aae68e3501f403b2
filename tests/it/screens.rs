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
    let begin =
        screen.iter().position(|line| line.starts_with("run ") && line.contains(" tasks in ")).unwrap();
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
