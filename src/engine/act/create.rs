//! A create: its turn, and its POST.

use super::{describe, seen};
use crate::engine::input::{CreateFailure, Seen};
use crate::engine::turn::Turns;
use crate::outcome::{Marker, is_out_of_files};
use crate::plan::Task;
use jules::{Error, ErrorKind, Gate, Jules, NewSession, Turn};

/// Waits for a create's turn, and keeps it.
pub(super) async fn wait(api: &Jules, gate: &Gate, turns: &Turns) -> Result<(), CreateFailure> {
    match through(api, gate).turn_to_create().await {
        Ok(turn) => {
            turns.put(turn);
            Ok(())
        }
        Err(error) => Err(failure(&error, gate)),
    }
}

pub(super) fn through(api: &Jules, gate: &Gate) -> Jules {
    api.with(|options| options.send_through(gate.clone()))
}

/// POSTs the session of a task in its turn.
pub(super) async fn create(
    api: &Jules,
    gate: &Gate,
    turn: Option<Turn>,
    task: &Task,
    prompt: &str,
    marker: &Marker,
    is_simulated: bool,
) -> Result<Box<Seen>, CreateFailure> {
    let mut new = NewSession::new(prompt)
        .title(marker.title(&task.title))
        .require_approval(task.require_approval)
        .auto_pr(task.auto_pr);
    if let Some(source) = &task.source {
        new = new.source(&source.github).branch(&source.branch);
    }
    let created = match turn {
        Some(turn) => turn.create_session(&new).await,
        None => through(api, gate).create_session(&new).await,
    };
    match created {
        Ok(session) => Ok(Box::new(seen(&session, api.service_time()))),
        Err(error) => Err(match (failure(&error, gate), &task.source) {
            (CreateFailure::Refused(cause), Some(source)) if error.code() == Some(404) => {
                let github = &source.github;
                CreateFailure::Refused(if is_simulated {
                    format!("{cause}; list {github} under `sources` in the scenario if it is not there")
                } else {
                    format!("{cause}; connect {github} at https://jules.google.com if it is not connected")
                })
            }
            (failure, _) => failure,
        }),
    }
}

pub(super) fn failure(error: &Error, gate: &Gate) -> CreateFailure {
    let cause = describe(error);
    match error.kind() {
        ErrorKind::NotSent(_) if gate.is_closed() => {
            return CreateFailure::Withdrawn("stopping; it was not sent".to_owned());
        }
        ErrorKind::NotSent(_) => return CreateFailure::Capacity { cause, retry_after: None },
        ErrorKind::TooLate(_) => return CreateFailure::Late(cause),
        // No room for one more connection is no room for one more session.
        _ if is_out_of_files(error) => return CreateFailure::Capacity { cause, retry_after: None },
        _ => {}
    }
    match (error.code(), error.is_capacity_refusal(), error.surely_not_processed()) {
        (Some(401), _, _) => CreateFailure::Key(cause),
        (_, true, true) => CreateFailure::Capacity { cause, retry_after: error.retry_after() },
        (_, capacity, false) => CreateFailure::Doubt { cause, capacity },
        (Some(403 | 404), false, true) => CreateFailure::Refused(cause),
        (Some(_), false, true) => CreateFailure::Lasting(cause),
        (None, false, true) => CreateFailure::Unsent(cause),
    }
}
