//! What a session's activities tell, and what is said when it takes long or cannot be had.

use std::time::Duration;

use futures::StreamExt as _;

use crate::cli::client::{failed, said_when_long};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, chain};
use jules::{Activity, Error, ErrorKind, SessionClient, SessionCourse, SessionDigest};

/// How long the activities may take: they only add to what the session itself tells.
pub(super) const ACTIVITIES: Duration = Duration::from_secs(10);

/// What the activities tell, with up to this many messages; and why that is not all, if they cannot be read.
pub(super) async fn digest(
    client: &SessionClient,
    messages: usize,
    console: &Console,
) -> (SessionDigest, Option<Error>) {
    let mut digest = SessionDigest::keeping(messages);
    let read = read(client, console, |activity| digest.take(activity)).await;
    (digest, read.err())
}

/// The same, with what a snapshot of the session has.
pub(super) async fn course(
    client: &SessionClient,
    messages: usize,
    console: &Console,
) -> (SessionCourse, Option<Error>) {
    let mut course = SessionCourse::keeping(messages);
    let read = read(client, console, |activity| course.take(activity)).await;
    (course, read.err())
}

async fn read(
    client: &SessionClient,
    console: &Console,
    mut take: impl FnMut(Activity),
) -> Result<(), Error> {
    let mut history = client.activities().history().timeout(ACTIVITIES);
    let read = async {
        while let Some(activity) = history.next().await {
            take(activity?);
        }
        Ok(())
    };
    said_when_long("reading its activities", console, read).await
}

/// The same, where a part is no use.
pub(super) async fn whole_digest(
    client: &SessionClient,
    console: &Console,
) -> Result<SessionDigest, Failure> {
    match digest(client, 0, console).await {
        (digest, None) => Ok(digest),
        (_, Some(error)) => Err(unread(error)),
    }
}

/// What it means that a session's activities could not be read.
fn unread(error: Error) -> Failure {
    match error.kind() {
        ErrorKind::WaitTimeout { .. } => Failure::new(Exit::Unavailable, error).help("try again later"),
        _ => failed(error),
    }
}

/// Says what is missing because something could not be read.
pub(super) fn warn_unread(missing: &str, error: &Error, console: &Console) {
    console.warn(&foreign_text::line(&format!("{missing}: {}", chain(error).join(": "))));
}
