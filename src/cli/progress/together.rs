//! Tasks that have the same to tell, in one line.

use foreign_text::line as neutral;
use indexmap::IndexMap;

use super::line::{Said, aligned, line, style_of};
use super::view::RunView;
use crate::cli::console::{BOLD, DIM};
use crate::outcome::{EventKind, Outcome, RunEvent};
use crate::report::many;

/// What tasks have in common that are told together.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum Key {
    Reopened,
    /// It has no session, nor one that is being looked for.
    Unstarted(Outcome, Option<String>),
}

/// Groups in the order in which they began. An interrupt can leave thousands, each with a reason of its own.
pub(super) type Groups<'e> = IndexMap<Key, Group<'e>>;

pub(super) struct Group<'e> {
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
pub(super) fn together(groups: &Groups<'_>, view: &RunView) -> Vec<Said> {
    let reopened = groups.get_key_value(&Key::Reopened);
    let mut said: Vec<Said> = reopened.and_then(|(key, group)| one(key, group, view)).into_iter().collect();
    for outcome in [Outcome::Skipped, Outcome::Deferred] {
        let is_of = |key: &Key| matches!(key, Key::Unstarted(of, _) if *of == outcome);
        let alike: Vec<_> = groups.iter().filter(|(key, _)| is_of(key)).collect();
        if alike.len() <= REASONS {
            said.extend(alike.into_iter().filter_map(|(key, group)| one(key, group, view)));
            continue;
        }
        let tasks: usize = alike.iter().map(|(_, group)| group.count).sum();
        let reasons = alike.len();
        let example = match alike.iter().max_by_key(|(_, group)| group.count) {
            Some((Key::Unstarted(_, Some(reason)), _)) => format!(", such as: {}", neutral(reason)),
            _ => String::new(),
        };
        let what = format!("{BOLD}{}{BOLD:#}", many(tasks, "task"));
        let rest = format!("for {reasons} reasons{example}");
        said.push(Said::Lasting(aligned(view, style_of(outcome), outcome.label(), &what, &rest)));
    }
    said
}

/// The line for tasks that have the same to tell.
fn one(key: &Key, group: &Group<'_>, view: &RunView) -> Option<Said> {
    if group.count == 1 {
        return line(group.first, view);
    }
    let what = format!("{BOLD}{}{BOLD:#}", many(group.count, "task"));
    Some(match key {
        Key::Reopened => Said::Change(aligned(view, DIM, "open again", &what, "")),
        Key::Unstarted(outcome, reason) => {
            let reason = reason.as_deref().map(neutral).unwrap_or_default();
            Said::Lasting(aligned(view, style_of(*outcome), outcome.label(), &what, &reason))
        }
    })
}
