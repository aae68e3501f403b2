//! What a session has said and done, as a row of the page opens to it.

use std::borrow::Cow;

use foreign_text::{first_line, one_line, plain};
use serde::Serialize;

use super::super::{ActivitiesV1, DetailsV1, FileV1, TaskV1, many};
use super::room::Share;

/// Gives the patch that an event of the ledger holds.
pub(in crate::report) type DiffOf<'d> = &'d mut dyn FnMut(u64) -> Option<String>;

#[derive(Serialize)]
pub(super) struct Details<'a> {
    summary: String,
    words: Option<Cow<'a, str>>,
    plan: Vec<Cow<'a, str>>,
    more_steps: u64,
    activities: Vec<String>,
    partial: bool,
    files: Vec<File<'a>>,
    more_files: u64,
    no_room_for_diff: bool,
    diff: Option<String>,
    /// Bytes of the change that the diff lacks.
    left_out: u64,
}

#[derive(Serialize)]
struct File<'a> {
    path: Cow<'a, str>,
    change: Cow<'a, str>,
    added: u64,
    removed: u64,
}

impl<'a> Details<'a> {
    pub(super) fn of(task: &'a TaskV1, share: Share, diff: DiffOf<'_>) -> Option<Self> {
        let details = task.details.as_deref().filter(|_| share.has_details)?;
        let event = details.diff_event.filter(|_| share.diff > 0);
        let patch = event.and_then(diff);
        let shown = patch.as_deref().map(|patch| whole_lines(patch, share.diff));
        let cut = patch.as_ref().zip(shown).map_or(0, |(patch, shown)| (patch.len() - shown.len()) as u64);
        Some(Self {
            summary: summary(details),
            words: words(details),
            plan: details.plan.iter().map(|step| one_line(plain(step), 200)).collect(),
            more_steps: details.more_steps,
            activities: activities(details.activities),
            partial: details.partial,
            files: details.files.iter().map(File::of).collect(),
            more_files: details.more_files,
            no_room_for_diff: details.diff_event.is_some() && event.is_none(),
            left_out: cut + details.left_out,
            diff: shown.map(|shown| plain(shown).into_owned()),
        })
    }
}

impl<'a> File<'a> {
    fn of(file: &'a FileV1) -> Self {
        Self {
            path: one_line(plain(&file.path), 300),
            change: one_line(plain(&file.change), 20),
            added: file.additions,
            removed: file.deletions,
        }
    }
}

fn words(details: &DetailsV1) -> Option<Cow<'_, str>> {
    details.last_words.as_deref().map(|words| plain(words.trim())).filter(|words| !words.is_empty())
}

/// The first line of the agent's last words, where they say more than the reason does.
pub(super) fn said(task: &TaskV1, limit: usize) -> Option<Cow<'_, str>> {
    let words = task.details.as_deref()?.last_words.as_deref()?;
    let line = first_line(words.trim());
    let is_news = !line.is_empty() && !task.reason.as_deref().unwrap_or_default().contains(line);
    is_news.then(|| one_line(plain(line), limit))
}

/// What is behind the click.
fn summary(details: &DetailsV1) -> String {
    let steps = details.plan.len() as u64 + details.more_steps;
    let files = details.files.len() as u64 + details.more_files;
    let parts = [
        (details.last_words.is_some()).then(|| "last words".to_owned()),
        (steps > 0).then(|| format!("plan of {}", many(steps, "step"))),
        (files > 0).then(|| many(files, "file")),
        details.diff_event.map(|_| "diff".to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { many(details.activities.total, "activity") } else { parts.join(", ") }
}

fn activities(totals: ActivitiesV1) -> Vec<String> {
    let ActivitiesV1 { agent_messages, user_messages, plans, progress, total } = totals;
    let parts = [
        (plans, "plan"),
        (progress, "report of progress"),
        (agent_messages, "message of the agent"),
        (user_messages, "message to it"),
    ];
    let told = parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, noun)| {
        let (first, rest) = noun.split_once(' ').unwrap_or((noun, ""));
        format!("{} {rest}", many(count, first)).trim_end().to_owned()
    });
    let rest = total.saturating_sub(parts.iter().map(|(count, _)| count).sum());
    told.chain((rest > 0).then(|| format!("{rest} others"))).collect()
}

/// The first lines, so many bytes at most.
fn whole_lines(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let end = text.as_bytes()[..limit].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    &text[..end]
}
