//! `session list`.

use clap::ValueEnum;
use futures::TryStreamExt as _;
use jiff::Timestamp;

use super::{connect, refused};
use crate::api::{ListSessions, Session, SourceContext};
use crate::cli::args::Service;
use crate::cli::console::Console;
use crate::cli::duration;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::report::console_fragment as neutral;

const AFTER_HELP: &str = "\
Stdout carries one line per session: id, state, age, source, title, with tabs between. The service can filter by
nothing but the archive, so that filters are applied here, to the sessions that are looked through.

Examples:
  jules-batch session list
  jules-batch session list --state awaiting --source my-org/
  jules-batch session list --all --format json | jq -r '.[] | select(.state == \"FAILED\") | .url'";

/// `session list`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ListArgs {
    /// Look through all sessions, however many there are, instead of the newest 100
    #[arg(long)]
    all: bool,
    /// The archived ones
    #[arg(long)]
    archived: bool,
    /// Only sessions whose state contains this, such as awaiting or failed
    #[arg(long, value_name = "TEXT")]
    state: Option<String>,
    /// Only sessions whose source contains this
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// Only sessions whose title or prompt contains this
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    format: ListFormat,
    /// How to reach the service.
    #[command(flatten)]
    service: Service,
}

/// `session list --format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// Tab-separated lines
    #[default]
    Text,
    /// The sessions as the service has them, as a JSON array
    Json,
}

/// A page, the most that the service gives at once.
const PAGE: usize = 100;

pub(super) async fn run(args: &ListArgs, console: &Console) -> Result<Exit, Failure> {
    let jules = connect(&args.service)?;
    let filter = args.archived.then(|| "archived = true".to_owned());
    let listing = ListSessions { page_size: Some(PAGE as u32), filter, ..ListSessions::default() };
    let mut sessions = jules.sessions_with(listing);
    let (mut seen, mut found) = (0, Vec::new());
    while (args.all || seen < PAGE) && !console.result_unwanted() {
        let Some(session) = sessions.try_next().await.map_err(refused)? else { break };
        seen += 1;
        if !args.wants(&session) {
            continue;
        }
        match args.format {
            ListFormat::Text => console.result_line(&line(&session, Timestamp::now()))?,
            ListFormat::Json => found.push(session),
        }
    }
    if args.format == ListFormat::Json {
        let json = serde_json::to_string_pretty(&found).map_err(|e| Failure::new(Exit::Fault, e))?;
        console.result_line(&json)?;
    }
    if !args.all && seen == PAGE {
        console.say("these are of the newest 100; --all looks through the rest");
    }
    Ok(Exit::Done)
}

impl ListArgs {
    fn wants(&self, session: &Session) -> bool {
        let contains = |text: &str, wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| text.to_lowercase().contains(&wanted.to_lowercase()))
        };
        let words = format!(
            "{}\n{}",
            session.title.as_deref().unwrap_or_default(),
            session.prompt.as_deref().unwrap_or_default()
        );
        contains(&state(session), &self.state)
            && contains(&source(session), &self.source)
            && contains(&words, &self.search)
    }
}

fn line(session: &Session, now: Timestamp) -> String {
    let age = session.create_time.map(|at| duration::show(now.duration_since(at).unsigned_abs()));
    [
        session.id.to_string(),
        neutral(&state(session)),
        age.unwrap_or_else(|| "-".to_owned()),
        neutral(&source(session)),
        neutral(session.title.as_deref().unwrap_or_default()),
    ]
    .join("\t")
}

fn state(session: &Session) -> String {
    session.state.as_ref().map_or_else(|| "-".to_owned(), |state| state.as_str().to_lowercase())
}

fn source(session: &Session) -> String {
    let name = session.source_context.as_ref().and_then(SourceContext::source_name);
    let name = name.as_ref().map(|name| name.github().unwrap_or_else(|| name.as_str()));
    name.unwrap_or("-").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_five_columns() {
        let session: Session = serde_json::from_value(serde_json::json!({
            "name": "sessions/42", "state": "AWAITING_PLAN_APPROVAL", "title": "Fix\tit\n",
            "createTime": "2026-11-22T02:00:05Z", "sourceContext": { "source": "sources/github/my-org/web" }
        }))
        .unwrap();
        let now = "2026-11-22T02:03:10Z".parse().unwrap();
        assert_eq!(line(&session, now), "42\tawaiting_plan_approval\t3m 05s\tmy-org/web\tFix it");
    }
}
