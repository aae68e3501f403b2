//! Tasks that have the same to tell, in one line.

use foreign_text::line as neutral;

use super::line::{Said, aligned, line, style_of};
use super::view::RunView;
use crate::cli::console::{BOLD, DIM};
use crate::outcome::{EventKind, Outcome, RunEvent};
use crate::report::many;

/// What tasks have in common that are told together.
#[derive(PartialEq, Eq)]
pub(super) enum Key {
    Reopened,
    /// It has no session, nor one that is being looked for.
    Unstarted(Outcome, Option<String>),
}

pub(super) struct Group<'e> {
    pub(super) key: Key,
    pub(super) first: &'e RunEvent,
    pub(super) count: usize,
}

/// More reasons than these are told in one line.
const REASONS: usize = 3;

impl Key {
    pub(super) fn of(event: &RunEvent, view: &RunView) -> Option<Self> {
        match &event.kind {
            EventKind::TaskReopened { .. } => Some(Self::Reopened),
            EventKind::TaskEnded { task, outcome, reason }
                if matches!(outcome, Outcome::Deferred | Outcome::Skipped) && !view.is_live(task) =>
            {
                Some(Self::Unstarted(*outcome, reason.clone()))
            }
            _ => None,
        }
    }
}

/// The lines for what has come together.
pub(super) fn together(groups: &[Group<'_>], view: &RunView) -> Vec<Said> {
    let of = |outcome: Outcome| {
        let is_of = move |group: &&Group<'_>| matches!(group.key, Key::Unstarted(of, _) if of == outcome);
        groups.iter().filter(is_of)
    };
    let mut said: Vec<Said> = groups
        .iter()
        .filter(|group| group.key == Key::Reopened)
        .filter_map(|group| one(group, view))
        .collect();
    for outcome in [Outcome::Skipped, Outcome::Deferred] {
        if of(outcome).count() <= REASONS {
            said.extend(of(outcome).filter_map(|group| one(group, view)));
            continue;
        }
        let tasks: usize = of(outcome).map(|group| group.count).sum();
        let reasons = of(outcome).count();
        let example = match of(outcome).max_by_key(|group| group.count).map(|group| &group.key) {
            Some(Key::Unstarted(_, Some(reason))) => format!(", such as: {}", neutral(reason)),
            _ => String::new(),
        };
        let what = format!("{BOLD}{}{BOLD:#}", many(tasks, "task"));
        let rest = format!("for {reasons} reasons{example}");
        said.push(Said::Lasting(aligned(view, style_of(outcome), outcome.label(), &what, &rest)));
    }
    said
}

/// The line for tasks that have the same to tell.
fn one(group: &Group<'_>, view: &RunView) -> Option<Said> {
    if group.count == 1 {
        return line(group.first, view);
    }
    let what = format!("{BOLD}{}{BOLD:#}", many(group.count, "task"));
    Some(match &group.key {
        Key::Reopened => Said::Change(aligned(view, DIM, "open again", &what, "")),
        Key::Unstarted(outcome, reason) => {
            let reason = reason.as_deref().map(neutral).unwrap_or_default();
            Said::Lasting(aligned(view, style_of(*outcome), outcome.label(), &what, &reason))
        }
    })
}
