//! The plan for people.

use std::borrow::Cow;

use comfy_table::{ContentArrangement, Table, presets};
use foreign_text::{clip, line as neutral, one_line, tame};

use super::Decisions;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::outlook;
use crate::plan::{Plan, Task, TaskSource};
use crate::runner::{Because, Decision};

/// Longer plans are printed as lines also on a terminal: nobody reads that many rows, and a table has to be
/// laid out as a whole.
const MAX_ROWS: usize = 1_000;
/// Lines written at once.
const CHUNK: usize = 4_096;

pub(super) fn print(plan: &Plan, decisions: &Decisions<'_>, console: &Console) -> Result<(), Failure> {
    if plan.tasks.is_empty() {
        return Ok(());
    }
    if console.out_terminal() && plan.tasks.len() <= MAX_ROWS {
        let text = table(plan, decisions, console.size().0);
        return console.result_line(text.trim_end());
    }
    for chunk in plan.tasks.chunks(CHUNK) {
        let lines: String = chunk.iter().map(|task| line(task, decisions) + "\n").collect();
        console.result(&lines)?;
    }
    Ok(())
}

/// Each task's id with its whole prompt below, indented.
pub(super) fn prompts(plan: &Plan, console: &Console) -> Result<(), Failure> {
    for task in &plan.tasks {
        let prompt = tame(task.prompt.trim_end());
        let lines = prompt.lines().map(|line| format!("  {line}\n"));
        console.result(&format!("{}:\n{}\n", neutral(&id(task)), lines.collect::<String>()))?;
    }
    Ok(())
}

/// Task id, source, title, the prompt's first line and what becomes of the task, with tabs between.
fn line(task: &Task, decisions: &Decisions<'_>) -> String {
    let source = match &task.source {
        None => "-".to_owned(),
        Some(source) if source.branch.is_empty() => format!("{source}@{}", TaskSource::DEFAULT_BRANCH),
        Some(source) => source.to_string(),
    };
    let (title, prompt, next) = (title(task), prompt(task), next(task, decisions, outlook::words));
    format!("{}\t{}\t{title}\t{prompt}\t{next}", neutral(&id(task)), neutral(&source))
}

/// What a `run` would do with it.
fn next(task: &Task, decisions: &Decisions<'_>, words: fn(&Decision) -> String) -> String {
    decisions.get(&task.id).map_or_else(String::new, |decision| words(decision))
}

/// A row each, as long as the room is enough for a few words of every prompt; else some lines each. Ids are copied, so they are
/// never broken.
fn table(plan: &Plan, decisions: &Decisions<'_>, width: usize) -> String {
    // Where nothing was ever run it says nothing.
    let is_known = decisions.values().any(|decision| **decision != Decision::Start(Because::New));
    let next = |task: &Task| match (task.wave, decisions.get(&task.id)) {
        (Some(wave), Some(Decision::LaterWave { .. })) => format!("in wave {wave}"),
        _ if is_known => next(task, decisions, outlook::short),
        _ => String::new(),
    };
    let rows: Vec<Cells> = plan
        .tasks
        .iter()
        .map(|task| {
            let after = match task.needs.as_ref() {
                [] => String::new(),
                [one] => neutral(&id(&plan.tasks[*one])),
                many => format!("{} tasks", many.len()),
            };
            [neutral(&id(task)), own_title(task), first_line(task), mode(task), after, next(task)]
        })
        .collect();
    in_columns(&rows, width.clamp(40, 200))
        .unwrap_or_else(|| rows.iter().map(|row| block(row, width)).collect())
}

/// Id, title if it says more than the prompt, prompt, mode, what it waits for, what a run would do.
type Cells = [String; 6];

const NAMES: [&str; 6] = ["Task", "Title", "Prompt", "Mode", "After", "Next run"];
/// Those that are cut to the room.
const WORDS: [usize; 2] = [1, 2];
/// The fewest characters of them that tell something.
const FEW: usize = 24;

/// A table of one line a task; none where that has no room.
fn in_columns(rows: &[Cells], width: usize) -> Option<String> {
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let columns: Vec<usize> = (0..NAMES.len()).filter(|column| widest(*column) > 0).collect();
    let fixed = columns.iter().filter(|column| !WORDS.contains(column));
    let fixed: usize = fixed.map(|column| widest(*column).max(NAMES[*column].len())).sum();
    let mut room = width.checked_sub(fixed + 3 * columns.len() + 1)?;
    let mut cells: Vec<usize> = WORDS.into_iter().filter(|column| columns.contains(column)).collect();
    // A short one leaves more to the other.
    cells.sort_unstable_by_key(|column| widest(*column));
    let mut most = [usize::MAX; 6];
    for (n, column) in cells.iter().enumerate() {
        let share = room / (cells.len() - n);
        if share < FEW.min(widest(*column)) {
            return None;
        }
        most[*column] = share;
        room -= share.min(widest(*column));
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| NAMES[*column]));
    for row in rows {
        table.add_row(columns.iter().map(|column| clip(row[*column].as_str(), most[*column]).into_owned()));
    }
    Some(table.trim_fmt())
}

/// The id alone in its line, and below it what there is to say.
fn block([id, title, prompt, mode, after, next]: &Cells, width: usize) -> String {
    let after = if after.is_empty() { String::new() } else { format!("after {after}") };
    let more: Vec<&str> =
        [mode, &after, next].into_iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    let lines = [title.as_str(), prompt, &more.join("; ")];
    let lines = lines.iter().filter(|line| !line.is_empty());
    let lines = lines.map(|line| format!("\n  {}", clip(*line, width.max(FEW) - 2)));
    format!("{id}{}\n", lines.collect::<String>())
}

/// The task's id, with a word for a branch that is not known.
fn id(task: &Task) -> Cow<'_, str> {
    let id = task.id.as_str();
    match &task.source {
        Some(source) if source.branch.is_empty() => {
            let (place, matrix) = id.split_at(task.job.as_str().len() + 1 + source.github.len());
            format!("{place}@{}{matrix}", TaskSource::DEFAULT_BRANCH).into()
        }
        _ => id.into(),
    }
}

/// The title, or why the task cannot be run.
fn title(task: &Task) -> String {
    task.problem.as_ref().map_or_else(|| neutral(&task.title), |why| format!("error: {}", neutral(why)))
}

/// The title, unless it only repeats the prompt.
fn own_title(task: &Task) -> String {
    let said = task.title.split_once(": ").map_or("", |(_, said)| said.trim_end_matches('…'));
    let is_repeated = task.problem.is_none() && !said.is_empty() && first_line(task).contains(said);
    if is_repeated { String::new() } else { title(task) }
}

/// The first line of its prompt, cut where it is long.
fn prompt(task: &Task) -> String {
    neutral(&one_line(task.prompt.trim().lines().next().unwrap_or_default(), 60))
}

/// The whole of it.
fn first_line(task: &Task) -> String {
    neutral(task.prompt.trim().lines().next().unwrap_or_default())
}

/// What is particular about how the task runs.
fn mode(task: &Task) -> String {
    let parts = [(task.auto_pr, "pull request"), (task.require_approval, "approval")];
    parts.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(id: &str, title: &str, prompt: &str, after: &str) -> Cells {
        [id, title, prompt, "pull request", after, ""].map(str::to_owned)
    }

    fn drawn(rows: &[Cells], width: usize) -> String {
        in_columns(rows, width).unwrap_or_else(|| rows.iter().map(|row| block(row, width)).collect())
    }

    fn rows() -> [Cells; 2] {
        [
            cells(
                "lint/my-org/web@main",
                "",
                "Fix all warnings of the linter in my-org/web. Nothing else.",
                "",
            ),
            cells(
                "docs/my-org/web@main[language=en]",
                "Documentation",
                "Bring the documentation of web up to date for new contributors.",
                "lint/my-org/web@main",
            ),
        ]
    }

    #[test]
    fn one_line_a_task_where_it_has_room() {
        insta::assert_snapshot!(drawn(&rows(), 140), @"
        ┌──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┐
        │ Task                                Title           Prompt                                           Mode           After                │
        ╞══════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════════╡
        │ lint/my-org/web@main                                Fix all warnings of the linter in my-org/web.…   pull request                        │
        │ docs/my-org/web@main[language=en]   Documentation   Bring the documentation of web up to date for…   pull request   lint/my-org/web@main │
        └──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
        ");
    }

    #[test]
    fn some_lines_a_task_where_it_has_not() {
        insta::assert_snapshot!(drawn(&rows(), 60), @"
        lint/my-org/web@main
          Fix all warnings of the linter in my-org/web. Nothing els…
          pull request
        docs/my-org/web@main[language=en]
          Documentation
          Bring the documentation of web up to date for new contrib…
          pull request; after lint/my-org/web@main
        ");
    }

    #[test]
    fn nothing_is_wider_than_the_terminal_but_ids() {
        for width in 40..200 {
            for line in drawn(&rows(), width).lines().filter(|line| !line.starts_with("docs/")) {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
}
