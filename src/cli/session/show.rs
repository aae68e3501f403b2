//! `session show`.

use std::fmt::Write as _;

use clap::ValueEnum;
use futures::TryStreamExt as _;
use jiff::tz::TimeZone;

use super::{SessionName, activity, attach, refused};
use crate::api::{Activity, ActivityKind, ChangeSet, Session, SessionClient, SourceContext};
use crate::cli::args::Service;
use crate::cli::console::{BOLD, Console, DIM};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::report::{console_fragment as neutral, console_line};

/// So many of the last messages are shown.
const MESSAGES: usize = 3;

/// `session show`.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// The session
    #[arg(value_name = "ID")]
    session: SessionName,
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    format: ShowFormat,
    /// How to reach the service.
    #[command(flatten)]
    service: Service,
}

/// `session show --format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowFormat {
    /// For people
    #[default]
    Text,
    /// The session as the service has it
    Json,
}

pub(super) async fn run(args: &ShowArgs, console: &Console) -> Result<Exit, Failure> {
    let client = attach(&args.service, &args.session)?;
    let session = client.info().await.map_err(refused)?;
    match args.format {
        ShowFormat::Json => {
            let json = serde_json::to_string_pretty(&session).map_err(|e| Failure::new(Exit::Fault, e))?;
            console.result_line(&json)?;
        }
        ShowFormat::Text => {
            let past = Past::of(&client).await?;
            console.result_line(&shown(&session, &past, &TimeZone::system()))?;
        }
    }
    Ok(Exit::Done)
}

/// What of a session's past is worth showing. Pages can be megabytes: nothing else of them is kept.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// The last plan.
    pub(super) plan: Option<Activity>,
    /// The last change set.
    pub(super) change: Option<ChangeSet>,
    /// The last messages.
    messages: Vec<Activity>,
}

impl Past {
    /// Reads the session's activities up to now.
    pub(super) async fn of(client: &SessionClient) -> Result<Self, Failure> {
        let mut past = Self::default();
        let mut history = client.activities().history();
        while let Some(activity) = history.try_next().await.map_err(refused)? {
            past.note(activity);
        }
        Ok(past)
    }

    fn note(&mut self, activity: Activity) {
        if let Some(change) = activity.change_set() {
            self.change = Some(change.clone());
        }
        if matches!(activity.kind, ActivityKind::PlanGenerated(_)) {
            self.plan = Some(activity);
        } else if activity.message().is_some() {
            if self.messages.len() == MESSAGES {
                self.messages.remove(0);
            }
            self.messages.push(activity);
        }
    }
}

fn shown(session: &Session, past: &Past, zone: &TimeZone) -> String {
    let mut text = format!("{BOLD}session {}{BOLD:#}", session.id);
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let _ = write!(text, "\n  {DIM}{name:<13}{DIM:#} {value}");
        }
    };
    line(
        "state",
        session.state.as_ref().map(|state| neutral(&state.as_str().to_lowercase().replace('_', " "))),
    );
    line("title", session.title.as_deref().map(neutral));
    line("page", session.url.as_deref().map(neutral));
    let context = session.source_context.as_ref();
    let source = context.and_then(SourceContext::source_name);
    line("source", source.map(|name| neutral(name.github().unwrap_or_else(|| name.as_str()))));
    line("branch", context.and_then(|context| context.starting_branch()).map(neutral));
    let time = |at: jiff::Timestamp| at.to_zoned(zone.clone()).strftime("%F %T %Z").to_string();
    line("created", session.create_time.map(time));
    line("updated", session.update_time.map(time));
    line("pull request", session.pull_request().and_then(|pr| pr.url.as_deref()).map(neutral));
    if let Some(prompt) = &session.prompt {
        let _ = write!(text, "\n{BOLD}prompt{BOLD:#}\n{}", console_line(prompt));
    }
    if let Some(ActivityKind::PlanGenerated(plan)) = past.plan.as_ref().map(|activity| &activity.kind) {
        let _ = write!(text, "\n{BOLD}plan{BOLD:#}{}", activity::steps(plan));
    }
    if let Some(change) = session.change_set().or(past.change.as_ref()).filter(|change| !change.is_empty()) {
        let _ = write!(text, "\n{BOLD}change{BOLD:#}");
        activity::change_set(&mut text, change);
    }
    if !past.messages.is_empty() {
        let _ = write!(text, "\n{BOLD}last messages{BOLD:#}");
        for message in &past.messages {
            let _ = write!(text, "\n{}", activity::rendered(message, zone));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_session_for_reading() {
        let session = serde_json::from_value(json!({
            "name": "sessions/42", "state": "AWAITING_USER_FEEDBACK", "title": "Fix it", "prompt": "Fix\nit",
            "url": "https://jules.google.com/session/42", "createTime": "2026-11-22T02:00:05Z",
            "sourceContext": { "source": "sources/github/my-org/web", "githubRepoContext": { "startingBranch": "main" } }
        }))
        .unwrap();
        let mut past = Past::default();
        for n in 0..5 {
            past.note(
                serde_json::from_value(json!({
                    "id": format!("a{n}"), "originator": "agent", "createTime": "2026-11-22T02:00:05Z",
                    "agentMessaged": { "agentMessage": format!("message {n}") }
                }))
                .unwrap(),
            );
        }
        let text = shown(&session, &past, &TimeZone::UTC);
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string(), @r"
        session 42
          state         awaiting user feedback
          title         Fix it
          page          https://jules.google.com/session/42
          source        my-org/web
          branch        main
          created       2026-11-22 02:00:05 UTC
        prompt
          | Fix
          | it
        last messages
        02:00:05 agent  message
          | message 2
        02:00:05 agent  message
          | message 3
        02:00:05 agent  message
          | message 4
        ");
    }
}
