//! A plan for reading.

use crate::cli::console::DIM;
use jules::AgentPlan;

/// The steps, numbered, each on a line of its own with its details below.
pub(crate) fn steps(plan: &AgentPlan) -> String {
    let mut lines = Vec::new();
    for (at, step) in plan.steps.iter().enumerate() {
        let title = step.title.as_deref().unwrap_or("(no title)");
        lines.push(format!("  {:>2}. {}", at + 1, foreign_text::line(title)));
        let details = step.description.as_deref().map(str::trim).filter(|details| !details.is_empty());
        if let Some(details) = details {
            lines.push(indented(details));
        }
    }
    if lines.is_empty() {
        lines.push("  (a plan without steps)".to_owned());
    }
    lines.join("\n")
}

fn indented(text: &str) -> String {
    let block = foreign_text::block(text);
    let lines: Vec<_> = block.lines().map(|line| format!("    {DIM}{line}{DIM:#}")).collect();
    lines.join("\n")
}
