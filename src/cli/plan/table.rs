//! The plan for people.

use comfy_table::{ContentArrangement, Table, presets};
use foreign_text::line as neutral;

use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::plan::{Plan, Task};

/// Longer plans are printed as lines also on a terminal: nobody reads that many rows, and a table has to be
/// laid out as a whole.
const MAX_ROWS: usize = 1_000;
/// Lines written at once.
const CHUNK: usize = 4_096;

pub(super) fn print(plan: &Plan, console: &Console) -> Result<(), Failure> {
    if plan.tasks.is_empty() {
        return Ok(());
    }
    if console.out_terminal() && plan.tasks.len() <= MAX_ROWS {
        return console.result_line(&table(plan, console.size().0));
    }
    for chunk in plan.tasks.chunks(CHUNK) {
        let lines: String = chunk.iter().map(|task| line(task) + "\n").collect();
        console.result(&lines)?;
    }
    Ok(())
}

/// Task id, source and title with tabs between.
fn line(task: &Task) -> String {
    let source = task.source.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    format!("{}\t{}\t{}", neutral(task.id.as_str()), neutral(&source), title(task))
}

fn table(plan: &Plan, width: usize) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width.clamp(40, 200) as u16);
    table.set_header(["Task", "Title", "Mode", "After"]);
    for task in &plan.tasks {
        let after = match task.needs.as_ref() {
            [] => String::new(),
            [one] => neutral(plan.tasks[*one].id.as_str()),
            many => format!("{} tasks", many.len()),
        };
        table.add_row([neutral(task.id.as_str()), title(task), mode(task), after]);
    }
    table.trim_fmt()
}

/// The title, or why the task cannot be run.
fn title(task: &Task) -> String {
    task.problem.as_ref().map_or_else(|| neutral(&task.title), |why| format!("error: {}", neutral(why)))
}

/// What is particular about how the task runs.
fn mode(task: &Task) -> String {
    let parts = [(task.auto_pr, "pull request"), (task.require_approval, "approval")];
    parts.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}
