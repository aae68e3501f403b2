//! A session at a glance.

use super::activity::{Rendering, labelled};
use super::change::summary as change_summary;
use super::plan::steps as plan_steps;
use crate::cli::console::{BOLD, DIM, GREEN, RED, YELLOW};
use jules::{Session, SessionDigest, SessionState};

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
    digest: &SessionDigest,
    rendering: &Rendering,
    full: bool,
) -> Vec<String> {
    let mut lines = Vec::new();
    if session.state == Some(SessionState::Failed) {
        let reason = digest.failure_reason.as_deref().unwrap_or("not told");
        lines.push(labelled(&format!("{DIM}{:<12}{DIM:#}", "reason"), reason));
    }
    if let Some(change_set) = digest.change_set_of(session) {
        lines.push(format!("{DIM}{:<13}{DIM:#}{}", "changes", change_summary(change_set, full)));
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
