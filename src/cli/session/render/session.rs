//! A session at a glance.

use super::activity::{Rendering, labelled};
use super::change::summary as change_summary;
use super::plan::steps as plan_steps;
use crate::cli::console::{BOLD, DIM, GREEN, RED, YELLOW};
use crate::report::{duration, many};
use jules::{FailedCommand, Session, SessionCourse, SessionState};

/// Failed commands shown before the earlier ones are only counted.
const MOST_COMMANDS: usize = 5;

/// The state in its colour.
pub(crate) fn state(state: Option<&SessionState>) -> String {
    let Some(state) = state else { return format!("{DIM}no state yet{DIM:#}") };
    let style = match state {
        SessionState::Completed => GREEN,
        SessionState::Failed => RED,
        waiting if waiting.is_waiting() => YELLOW,
        _ => anstyle::Style::new(),
    };
    format!("{style}{}{style:#}", foreign_text::line(state.as_str()))
}

/// The title, else the prompt, in one line; `none` without either.
pub(crate) fn title(session: &Session, none: &str) -> String {
    foreign_text::line(session.title.as_deref().or(session.prompt.as_deref()).unwrap_or(none))
}

/// `owner/repo@branch`, or `-` for a session without repository.
pub(crate) fn place(session: &Session) -> String {
    let Some(context) = &session.source_context else { return "-".to_owned() };
    let name = context.source_name();
    let source = name.as_ref().and_then(|name| name.github()).or(context.source.as_deref()).unwrap_or("-");
    let branch = context.starting_branch().map(|branch| format!("@{branch}")).unwrap_or_default();
    foreign_text::line(&format!("{source}{branch}"))
}

/// What the session itself tells, several lines.
pub(crate) fn card(session: &Session, rendering: &Rendering) -> String {
    let mut lines = vec![format!("{BOLD}{}{BOLD:#}", title(session, "(no title)"))];
    let mut field = |name: &str, value: String| lines.push(format!("{DIM}{name:<13}{DIM:#}{value}"));
    field("session", session.id.to_string());
    let archived = if session.archived { " (archived)" } else { "" };
    field("state", format!("{}{archived}", state(session.state.as_ref())));
    field("source", place(session));
    let times = [("created", session.create_time), ("updated", session.update_time)];
    for (name, time) in times {
        if let Some(time) = time {
            field(name, rendering.date(time));
        }
    }
    if let Some(url) = &session.url {
        field("page", foreign_text::line(url));
    }
    for pull_request in session.pull_requests() {
        let url = pull_request.url.as_deref().unwrap_or("(no address)");
        let title = pull_request.title.as_deref().unwrap_or_default();
        field("pull request", foreign_text::line(&format!("{url} {title}")));
    }
    lines.join("\n")
}

/// What its activities add, as many lines as there is to tell.
pub(crate) fn told(
    session: &Session,
    course: &SessionCourse,
    rendering: &Rendering,
    full: bool,
) -> Vec<String> {
    let (digest, snapshot) = (course.digest(), course.snapshot(session.clone()));
    let mut lines = Vec::new();
    if let Some(took) = snapshot.duration {
        lines.push(format!("{DIM}{:<13}{DIM:#}{}", "duration", duration(took)));
    }
    if digest.activities > 0 {
        lines.push(format!("{DIM}{:<13}{DIM:#}{}", "activities", snapshot.counts));
    }
    if session.state == Some(SessionState::Failed) {
        let reason = digest.failure_reason.as_deref().unwrap_or("not told");
        lines.push(labelled(&format!("{DIM}{:<12}{DIM:#}", "reason"), reason));
    }
    if let Some(question) = &snapshot.open_question {
        lines.push(labelled(&format!("{DIM}{:<12}{DIM:#}", "it asks"), question));
    }
    if let Some(change_set) = digest.change_set_of(session) {
        lines.push(format!("{DIM}{:<13}{DIM:#}{}", "changes", change_summary(change_set, full)));
    }
    if !snapshot.failed_commands.is_empty() {
        let failed = many(snapshot.failed_commands.len(), "failed command");
        let summary = failed_commands(&snapshot.failed_commands, full);
        lines.push(format!("{DIM}{:<13}{DIM:#}{failed}\n{summary}", "commands"));
    }
    if let Some(plan) = &digest.plan {
        let approved = if digest.plan_approved { "approved" } else { "not approved" };
        lines.push(format!("{DIM}{:<13}{DIM:#}{approved}\n{}", "plan", plan_steps(plan)));
    }
    if !digest.messages.is_empty() {
        lines.push(format!("{DIM}last messages{DIM:#}"));
        lines.extend(digest.messages.iter().map(|message| rendering.activity(message)));
    }
    lines
}

/// A line a command, the last ones; with `full` all of them, and what they printed.
fn failed_commands(commands: &[FailedCommand], full: bool) -> String {
    let hidden = if full { 0 } else { commands.len().saturating_sub(MOST_COMMANDS) };
    let mut lines = Vec::new();
    if hidden > 0 {
        lines.push(format!("  {DIM}{hidden} more before{DIM:#}"));
    }
    for failed in &commands[hidden..] {
        let code = failed.exit_code;
        lines.push(format!("  {RED}{code:>3}{RED:#} {}", foreign_text::line(&failed.command)));
        if full && !failed.output.is_empty() {
            let output = foreign_text::block(&failed.output);
            lines.extend(output.lines().map(|line| format!("      {DIM}{line}{DIM:#}")));
        }
    }
    lines.join("\n")
}
