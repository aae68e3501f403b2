//! The same for many sessions: shown, asked, done one after the other, counted.

use foreign_text::line as neutral;
use futures::StreamExt as _;

use super::render;
use super::target::{Access, session_id};
use crate::cli::client::{self, failed, said_when_long};
use crate::cli::console::{Console, DIM};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::report::many;
use jules::{Error, Jules, Session, SessionClient, SessionId};

/// `session archive`
pub(super) const ARCHIVE_HELP: &str = "\
A session that has not ended is paused by the archive, and the service has no call that resumes it: hence the
question. --yes answers it.

Examples:
  jules-batch session archive 123 124
  jules-batch session list --state ended --all --format ids |
    xargs jules-batch session archive --yes";

/// `session unarchive`
pub(super) const UNARCHIVE_HELP: &str = "\
Asks nothing: it can be undone.

Examples:
  jules-batch session list --archived
  jules-batch session unarchive 123";

/// `session delete`
pub(super) const DELETE_HELP: &str = "\
Shows the sessions and asks first; --yes answers. Nothing brings a deleted session back; pull requests stay.

Examples:
  jules-batch session delete 123 124
  jules-batch session list --state failed --all --format ids |
    xargs jules-batch session delete --yes";

/// Sessions read at once before the question.
const READERS: usize = 4;

/// Which sessions, and whether to ask.
#[derive(Debug, clap::Args)]
pub(crate) struct Bulk {
    /// Which sessions
    #[arg(value_name = "SESSION", required = true, value_parser = session_id)]
    ids: Vec<SessionId>,
    /// Do it without a question
    #[arg(short, long)]
    yes: bool,
    /// How to reach the service.
    #[command(flatten)]
    access: Access,
}

pub(super) async fn archive(args: &Bulk, console: &Console) -> Result<Exit, Failure> {
    let live = "the archive pauses what runs, and nothing resumes it";
    let words = Words { verb: "Archive", done: "archived", live: Some(live) };
    args.run(&words, console, |client| async move { client.archive().await }).await
}

pub(super) async fn unarchive(args: &Bulk, console: &Console) -> Result<Exit, Failure> {
    let words = Words { verb: "Unarchive", done: "unarchived", live: None };
    args.run(&words, console, |client| async move { client.unarchive().await }).await
}

pub(super) async fn delete(args: &Bulk, console: &Console) -> Result<Exit, Failure> {
    let live = "unfinished work is lost";
    let words = Words { verb: "Delete", done: "deleted", live: Some(live) };
    args.run(&words, console, |client| async move { client.delete().await }).await
}

/// What is done, in the words of the question and of the report.
struct Words {
    /// `Delete`.
    verb: &'static str,
    /// `deleted`.
    done: &'static str,
    /// What to know before, about sessions that have not ended.
    live: Option<&'static str>,
}

impl Bulk {
    /// Asks, unless `--yes` or `words.live` is none, and does it to each session. One that fails does not
    /// stop the others; a refused key does.
    async fn run<W>(
        &self,
        words: &Words,
        console: &Console,
        act: impl Fn(SessionClient) -> W,
    ) -> Result<Exit, Failure>
    where
        W: Future<Output = Result<(), Error>>,
    {
        let jules = self.access.prompt()?;
        let mut ids = self.ids.clone();
        ids.sort();
        ids.dedup();
        if let (false, Some(live)) = (self.yes, words.live) {
            if !console.interactive() {
                let failure = Failure::usage("nobody is here to answer the question");
                return Err(failure.help("do it unasked with --yes"));
            }
            if !asked(&jules, &ids, words, live, console).await? {
                console.say("nothing was done");
                return Ok(Exit::WorkLeft);
            }
        }
        let mut failures = 0;
        for id in &ids {
            let answer = act(jules.attach(id.clone()));
            match said_when_long(&format!("waiting for the answer on session {id}"), console, answer).await {
                Ok(()) => console.result_line(&format!("{id}\t{}", words.done))?,
                Err(error) if error.is_auth() => return Err(client::refused(error)),
                Err(error) => {
                    failures += 1;
                    console.warn(&format!("session {id}: {}", neutral(&error.to_string())));
                }
            }
        }
        if failures == 0 {
            return Ok(Exit::Done);
        }
        Err(Failure::new(Exit::Fault, format!("{} of {} failed", failures, many(ids.len(), "session"))))
    }
}

/// Shows what it is about, then asks.
async fn asked(
    jules: &Jules,
    ids: &[SessionId],
    words: &Words,
    live: &str,
    console: &Console,
) -> Result<bool, Failure> {
    let reads =
        futures::stream::iter(ids.iter().cloned().map(|id| async move { jules.get_session(&id).await }));
    let read = reads.buffered(READERS).collect();
    let sessions: Vec<Result<Session, Error>> = said_when_long("reading the sessions", console, read).await;
    let mut alive = 0;
    for (id, session) in ids.iter().zip(sessions) {
        match session {
            Ok(session) => {
                alive += usize::from(!session.is_terminal());
                console.say(&line(&session));
            }
            Err(error) if error.is_not_found() => console.say(&format!("{id}  {DIM}not found{DIM:#}")),
            Err(error) => return Err(failed(error)),
        }
    }
    if alive > 0 {
        console.warn(&format!(
            "{} not ended: {live}",
            if alive == 1 { "1 has".into() } else { format!("{alive} have") }
        ));
    }
    Ok(console.confirm(&format!("{} {}?", words.verb, many(ids.len(), "session"))))
}

fn line(session: &Session) -> String {
    let (state, place) = (render::state(session.state.as_ref()), render::place(session));
    format!("{}  {state}  {place}  {}", session.id, foreign_text::clip(render::title(session, ""), 60))
}
