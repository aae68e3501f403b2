//! `session list`: what sessions there are.

use std::time::Duration;

use clap::ValueEnum;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use foreign_text::line as neutral;
use globset::{GlobBuilder, GlobMatcher};
use jiff::Timestamp;

use super::render;
use super::target::Access;
use crate::cli::client::{failed, said_when_long};
use crate::cli::console::{Console, DIM};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::json;
use crate::cli::number::whole;
use crate::manifest::parse_duration;
use crate::report::{duration, many};
use jules::{ListSessions, Session, SessionState, SourceContext};

const AFTER_HELP: &str = "\
The service filters by nothing but the archive, so filters work here, over 30 pages at most, or all with --all; --since
ends the search early. Off a terminal the table is lines of id, state, source, creation time and title, with tabs between.

States: live (not ended), waiting (for you), ended, or the service's own words in any case: queued, planning,
in-progress, awaiting-plan-approval, awaiting-user-feedback, paused, completed, failed.

Examples:
  jules-batch session list --state waiting
  jules-batch session list --source 'my-org/*' --since 24h --all
  jules-batch session list --state failed --format ids |
    xargs jules-batch session archive --yes";

/// `session list`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ListArgs {
    /// Only in one of these states, with commas between
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    state: Vec<String>,
    /// Only on sources like this, for example 'my-org/*'
    #[arg(short, long, value_name = "GLOB")]
    source: Option<String>,
    /// Only with this text in the title or the prompt, upper or lower case
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only created within this time, for example 24h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    since: Option<Duration>,
    /// Those in the archive instead of the others
    #[arg(long)]
    archived: bool,
    /// At most this many
    #[arg(short, long, value_name = "N", value_parser = whole::<usize>, default_value = "30")]
    limit: usize,
    /// As many as there are
    #[arg(long)]
    all: bool,
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    format: ListFormat,
    /// How to reach the service.
    #[command(flatten)]
    access: Access,
}

/// How many pages are looked through without --all: a service may announce pages for ever.
const MOST_PAGES: usize = 30;

/// Where the listing was left.
#[derive(PartialEq, Eq)]
enum End {
    /// Behind the last that may be wanted.
    Nothing,
    /// There are more than --limit.
    Limit,
    /// After [`MOST_PAGES`].
    Pages,
}

/// `session list --format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    /// A table on a terminal, tab-separated lines elsewhere
    #[default]
    Table,
    /// One JSON array
    Json,
    /// One id a line
    Ids,
}

pub(super) async fn run(args: &ListArgs, console: &Console) -> Result<Exit, Failure> {
    let now = Timestamp::now();
    let filter = Filter::new(args, now)?;
    let jules = args.access.prompt()?;
    let limit = if args.all { usize::MAX } else { args.limit };
    // When nothing is filtered, a page of what is wanted and one more, which tells whether there are more.
    let page = if filter.is_open() { limit.saturating_add(1).clamp(1, 100) as u32 } else { 100 };
    let mut asked = ListSessions::default().page_size(page);
    asked.filter = args.archived.then(|| "archived = true".to_owned());
    let mut listing = jules.sessions_with(asked);
    let (mut found, mut seen, mut broken, mut end) = (Vec::new(), 0_usize, None, End::Nothing);
    let most_pages = if args.all { usize::MAX } else { MOST_PAGES };
    let read = async {
        for pages in 1.. {
            let sessions = match listing.next_page().await {
                None => return,
                Some(Ok(sessions)) => sessions,
                Some(Err(error)) => {
                    // What was read until then is shown all the same.
                    broken = Some(failed(error));
                    return;
                }
            };
            for session in sessions {
                if filter.is_past(&session) {
                    return;
                }
                seen += 1;
                if filter.takes(&session) {
                    if found.len() == limit {
                        end = End::Limit;
                        return;
                    }
                    found.push(session);
                }
            }
            if pages == most_pages {
                end = End::Pages;
                return;
            }
        }
    };
    said_when_long("listing the sessions", console, read).await;
    if let Some(failure) = broken {
        if seen > 0 {
            print(&found, args.format, now, console)?;
            console.warn("the list is not complete");
        }
        return Err(failure);
    }
    print(&found, args.format, now, console)?;
    if end == End::Pages {
        console.warn(&format!(
            "left after {} with {}: there may be more; --all asks on",
            many(MOST_PAGES, "page"),
            many(seen, "session")
        ));
    } else if seen == 0 {
        console.say(if args.archived { "the archive is empty" } else { "there are no sessions" });
    } else if found.is_empty() {
        console.say(&format!("none of {} matches", many(seen, "session")));
    } else if end == End::Limit {
        console.say(&format!("{DIM}there are more: --limit N, --all{DIM:#}"));
    }
    Ok(Exit::Done)
}

fn print(found: &[Session], format: ListFormat, now: Timestamp, console: &Console) -> Result<(), Failure> {
    match format {
        ListFormat::Json => console.result_line(&json::text(&found)?),
        ListFormat::Ids => found.iter().try_for_each(|session| console.result_line(session.id.as_str())),
        ListFormat::Table if found.is_empty() => Ok(()),
        ListFormat::Table if console.out_terminal() => {
            console.result_line(&table(found, now, console.size().0))
        }
        ListFormat::Table => {
            console.result(&found.iter().map(|session| line(session) + "\n").collect::<String>())
        }
    }
}

fn line(session: &Session) -> String {
    let state = session.state.as_ref().map_or("-", SessionState::as_str);
    let created = session.create_time.map_or_else(|| "-".to_owned(), |time| time.to_string());
    format!(
        "{}\t{}\t{}\t{created}\t{}",
        session.id,
        neutral(state),
        render::place(session),
        render::title(session, "")
    )
}

fn table(found: &[Session], now: Timestamp, width: usize) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width.clamp(60, 200) as u16);
    table.set_header(["Session", "State", "Source", "Age", "Title"]);
    for (at, column) in table.column_iter_mut().enumerate() {
        match at {
            // AWAITING_PLAN_APPROVAL is long, and torn only between its words.
            1 => drop(column.set_delimiter('_')),
            0 | 3 => drop(column.set_constraint(ColumnConstraint::ContentWidth)),
            _ => {}
        }
    }
    for session in found {
        let age = session.create_time.and_then(|time| Duration::try_from(now.duration_since(time)).ok());
        let state = session.state.as_ref().map_or("-", SessionState::as_str);
        table.add_row([
            session.id.to_string(),
            neutral(state),
            render::place(session),
            age.map_or_else(|| "-".to_owned(), duration),
            foreign_text::clip(render::title(session, ""), 70).into_owned(),
        ]);
    }
    table.trim_fmt()
}

/// What is wanted.
#[derive(Debug)]
struct Filter {
    states: Vec<StateGroup>,
    source: Option<GlobMatcher>,
    search: Option<String>,
    since: Option<Timestamp>,
}

/// A state, or several under one name.
#[derive(Debug, PartialEq, Eq)]
enum StateGroup {
    Live,
    Waiting,
    Ended,
    One(SessionState),
}

impl Filter {
    fn new(args: &ListArgs, now: Timestamp) -> Result<Self, Failure> {
        let source = args.source.as_deref().map(|pattern| {
            GlobBuilder::new(pattern).case_insensitive(true).build().map(|glob| glob.compile_matcher())
        });
        Ok(Self {
            states: args.state.iter().map(|word| StateGroup::parse(word)).collect::<Result<_, _>>()?,
            source: source.transpose().map_err(Failure::usage)?,
            search: args.search.as_ref().map(|text| text.to_lowercase()),
            since: args.since.and_then(|age| now.checked_sub(age).ok()),
        })
    }

    fn is_open(&self) -> bool {
        self.states.is_empty() && self.source.is_none() && self.search.is_none() && self.since.is_none()
    }

    /// Whether no session behind this one can be wanted: the listing is newest first.
    fn is_past(&self, session: &Session) -> bool {
        matches!((self.since, session.create_time), (Some(since), Some(created)) if created < since)
    }

    fn takes(&self, session: &Session) -> bool {
        let state = self.states.is_empty()
            || session.state.as_ref().is_some_and(|state| self.states.iter().any(|group| group.has(state)));
        let source = self.source.as_ref().is_none_or(|glob| {
            let name = session.source_context.as_ref().and_then(SourceContext::source_name);
            name.is_some_and(|name| glob.is_match(name.github().unwrap_or(name.as_str())))
        });
        let search = self.search.as_ref().is_none_or(|text| {
            let texts = [session.title.as_deref(), session.prompt.as_deref()];
            texts.into_iter().flatten().any(|own| own.to_lowercase().contains(text))
        });
        state && source && search
    }
}

impl StateGroup {
    fn parse(word: &str) -> Result<Self, Failure> {
        let name = word.trim().replace('-', "_").to_ascii_uppercase();
        Ok(match name.as_str() {
            "LIVE" => Self::Live,
            "WAITING" => Self::Waiting,
            "ENDED" => Self::Ended,
            "" => return Err(Failure::usage("a state is missing")),
            name => match SessionState::from(name) {
                SessionState::Unknown(_) => {
                    let help = "known: live, waiting, ended, queued, planning, in-progress, awaiting-plan-approval, \
                                awaiting-user-feedback, paused, completed, failed";
                    return Err(Failure::usage(format!("`{}` is not a state", neutral(word))).help(help));
                }
                state => Self::One(state),
            },
        })
    }

    fn has(&self, state: &SessionState) -> bool {
        match self {
            Self::Live => !state.is_terminal(),
            Self::Waiting => state.is_waiting(),
            Self::Ended => state.is_terminal(),
            Self::One(one) => one == state,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ListArgs,
    }

    fn now() -> Timestamp {
        "2026-11-22T02:00:00Z".parse().unwrap()
    }

    fn filter(line: &[&str]) -> Result<Filter, Failure> {
        let line = std::iter::once("list").chain(line.iter().copied());
        Filter::new(&Line::try_parse_from(line).unwrap().args, now())
    }

    fn session(state: &str) -> Session {
        serde_json::from_value(json!({
            "id": "1", "state": state, "title": "Upgrade Serde", "prompt": "Do it now",
            "createTime": "2026-11-22T01:00:00Z", "sourceContext": {"source": "sources/github/my-org/web"},
        }))
        .unwrap()
    }

    #[test]
    fn states_go_by_group_or_by_the_services_word() {
        for (wanted, state, taken) in [
            ("live", "IN_PROGRESS", true),
            ("live", "PAUSED", true),
            ("live", "NAPPING", true),
            ("live", "FAILED", false),
            ("waiting", "AWAITING_USER_FEEDBACK", true),
            ("waiting", "IN_PROGRESS", false),
            ("ended", "COMPLETED", true),
            ("completed,Failed", "FAILED", true),
            ("in-progress", "IN_PROGRESS", true),
            ("IN_PROGRESS", "QUEUED", false),
        ] {
            assert_eq!(
                filter(&["--state", wanted]).unwrap().takes(&session(state)),
                taken,
                "{wanted} {state}"
            );
        }
        assert!(filter(&["--state", "sleeping"]).is_err());
    }

    #[test]
    fn source_text_and_age_are_filters_too() {
        let takes = |line: &[&str]| filter(line).unwrap().takes(&session("QUEUED"));
        assert!(takes(&["--source", "My-Org/*"]) && !takes(&["--source", "other/*"]));
        assert!(
            takes(&["--search", "serde"]) && takes(&["--search", "IT NOW"]) && !takes(&["--search", "tokio"])
        );
        assert!(filter(&["--since", "30m"]).unwrap().is_past(&session("QUEUED")));
        assert!(!filter(&["--since", "2h"]).unwrap().is_past(&session("QUEUED")));
        assert!(filter(&[]).unwrap().is_open() && !filter(&["--since", "2h"]).unwrap().is_open());
    }

    #[test]
    fn lines_are_for_cut_and_awk() {
        let mut odd = session("QUEUED");
        odd.title = Some("a\tb\nc\u{1b}[31m".to_owned());
        assert_eq!(line(&odd), "1\tQUEUED\tmy-org/web\t2026-11-22T01:00:00Z\ta b c");
        let bare: Session = serde_json::from_value(json!({"id": "2"})).unwrap();
        assert_eq!(line(&bare), "2\t-\t-\t-\t");
    }
}
