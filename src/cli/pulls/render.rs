//! Pull requests as a table, lines, JSON and Markdown.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use foreign_text::line as neutral;
use foreign_text::markdown::words;
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::console::{self, BOLD};
use crate::cli::failure::Failure;
use crate::cli::json as exact;
use crate::outcome::{PullState, PullStatus, Stage, WaitsFor};
use crate::report::{duration, many};
use crate::runner::KnownPull;
use jules::PullRequestName;

/// How many stand how: the stages of those that may be open, and those that are over.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Totals {
    stages: BTreeMap<&'static str, usize>,
    unread: usize,
    merged: usize,
    closed: usize,
}

impl Totals {
    /// `merged` and `closed` by the ledger; what was read since counts where it stands now.
    pub(super) fn of(pulls: &[KnownPull], merged: usize, closed: usize) -> Self {
        let mut totals = Self { merged, closed, ..Self::default() };
        for pull in pulls {
            let was_over =
                pull.records.of(&pull.followed.url).is_some_and(|known| known.status.state.is_over());
            match pull.status() {
                None => totals.unread += 1,
                Some(status) if status.state == PullState::Merged => totals.merged += usize::from(!was_over),
                Some(status) if status.state == PullState::Closed => totals.closed += usize::from(!was_over),
                Some(status) => {
                    *totals.stages.entry(status.stage.as_str()).or_default() += 1;
                    // It was opened again.
                    totals.closed -= usize::from(was_over).min(totals.closed);
                }
            }
        }
        totals
    }

    /// How many are open, or may be.
    pub(super) fn open(&self) -> usize {
        self.stages.values().sum::<usize>() + self.unread
    }

    /// How many stand at each stage that occurs among them, in the order of the groups.
    fn open_by_stage(&self) -> Vec<(Stage, usize)> {
        let count = |stage: Stage| Some((stage, *self.stages.get(stage.as_str())?));
        let mut stages: Vec<_> = Stage::ALL.into_iter().filter_map(count).collect();
        stages.sort_by_key(|(stage, _)| (stage.waits_for(), *stage));
        stages
    }

    /// The same with those that are over, and how many were not read so far.
    #[cfg(feature = "serve")]
    pub(super) fn counts(&self) -> (Vec<(Stage, usize)>, usize) {
        let over = [(Stage::Merged, self.merged), (Stage::Closed, self.closed)];
        let mut counts = self.open_by_stage();
        counts.extend(over.into_iter().filter(|(_, count)| *count > 0));
        (counts, self.unread)
    }

    /// For the action: how many stand how, and all of it as JSON.
    pub(super) fn outputs(&self) -> Vec<(&'static str, String)> {
        let ready = self.stages.get(Stage::Ready.as_str()).copied().unwrap_or_default();
        let Self { stages, unread, merged, closed } = self;
        let counts = serde_json::json!({
            "open": self.open(), "merged": merged, "closed": closed, "unread": unread, "stages": stages,
        });
        vec![
            ("pull-requests-open", self.open().to_string()),
            ("pull-requests-ready", ready.to_string()),
            ("pull-requests-merged", merged.to_string()),
            ("pull-requests-closed", closed.to_string()),
            ("pull-request-counts", counts.to_string()),
        ]
    }

    /// `3 pull requests are open: 2 ready, 1 checks failed; 41 merged, 2 closed`.
    pub(super) fn words(&self, shown: &[KnownPull], asked: bool) -> String {
        let open = self.open();
        let count = |n: usize| if n == 1 { "is" } else { "are" };
        let mut text = match (asked, open) {
            (true, _) => format!("{} {} meant", many(shown.len(), "pull request"), count(shown.len())),
            (false, 0) => "no pull request is open".to_owned(),
            (false, open) => format!("{} {} open", many(open, "pull request"), count(open)),
        };
        let mut parts: Vec<String> =
            self.open_by_stage().iter().map(|(stage, count)| format!("{count} {}", stage.label())).collect();
        parts.extend((self.unread > 0).then(|| format!("{} not read", self.unread)));
        if !parts.is_empty() && !asked {
            let _ = write!(text, ": {}", parts.join(", "));
        }
        if self.merged + self.closed > 0 {
            let _ = write!(text, "; {} merged, {} closed in all", self.merged, self.closed);
        }
        text
    }
}

/// What it waits for; none where it was not read.
pub(super) fn stage(pull: &KnownPull) -> Option<Stage> {
    pull.status().map(|status| status.stage)
}

/// What needs people first, then by stage and by how long it waits. Those that were not read stand before those that are over.
pub(super) fn sort(pulls: &mut [KnownPull]) {
    pulls.sort_by_cached_key(|pull| {
        let stage = stage(pull);
        let since = pull.status().map(|status| status.since);
        (place(stage), stage, since, pull.followed.url.clone())
    });
}

fn place(stage: Option<Stage>) -> (WaitsFor, bool) {
    match stage.map(Stage::waits_for) {
        Some(waits_for) => (waits_for, waits_for == WaitsFor::Nobody),
        None => (WaitsFor::Nobody, false),
    }
}

/// Who has to act, as its group is called.
pub(super) fn heading(pull: &KnownPull) -> &'static str {
    stage(pull).map_or("Not read so far", |stage| stage.waits_for().heading())
}

/// Those that the same has to act on, in their order.
pub(super) fn groups(pulls: &[KnownPull]) -> impl Iterator<Item = &[KnownPull]> {
    pulls.chunk_by(|one, other| place(stage(one)) == place(stage(other)))
}

/// `owner/repo#12`, or its page.
pub(crate) fn name(pull: &KnownPull) -> String {
    let address = PullRequestName::of_url(&pull.followed.url);
    address.map_or_else(|| neutral(&pull.followed.url), |address| address.to_string())
}

/// Its name in Markdown, with its page behind it.
pub(super) fn linked(pull: &KnownPull) -> String {
    let url = &pull.followed.url;
    let is_plain =
        url.starts_with("https://") && url.bytes().all(|b| b.is_ascii_graphic() && !b"<>()|".contains(&b));
    let label = words(&name(pull), 200);
    if is_plain { format!("[{label}](<{url}>)") } else { label }
}

/// What a person has to know beside the stage: foreign text.
pub(crate) fn note(status: &PullStatus) -> String {
    let by = |verb: &str, who: &Option<String>| who.as_ref().map(|who| format!("{verb} by {who}"));
    let who = match status.stage {
        Stage::Merged => by("merged", &status.closed_by),
        Stage::Closed => by("closed", &status.closed_by),
        _ => None,
    };
    who.or_else(|| status.reason.clone()).unwrap_or_default()
}

/// How long ago, in words.
pub(super) fn ago(then: Timestamp, now: Timestamp) -> String {
    duration(Duration::try_from(now.duration_since(then)).unwrap_or_default())
}

/// A table for each who has to act.
pub(super) fn table(pulls: &[KnownPull], now: Timestamp, width: usize) -> String {
    let mut text = String::new();
    for group in groups(pulls) {
        let gap = if text.is_empty() { "" } else { "\n\n" };
        let _ = writeln!(text, "{gap}{BOLD}{}: {}{BOLD:#}", heading(&group[0]), group.len());
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width.clamp(60, 240) as u16);
        for pull in group {
            let status = pull.status();
            table.add_row([
                name(pull),
                status.map_or("not read", |status| status.stage.label()).to_owned(),
                status.map_or_else(String::new, |status| ago(status.since, now)),
                neutral(pull.followed.task.as_str()),
                status.map_or_else(String::new, |status| {
                    foreign_text::one_line(neutral(&note(status)), 200).into_owned()
                }),
            ]);
        }
        // A link has no width, which the table does not know.
        let pages: HashMap<String, &str> =
            group.iter().rev().map(|pull| (name(pull), pull.followed.url.as_str())).collect();
        for (at, line) in table.trim_fmt().lines().enumerate() {
            text.push_str(if at > 0 { "\n" } else { "" });
            text.push_str(&with_link(line, &pages));
        }
    }
    text
}

/// A row with the page behind the name that it begins with; where names are broken, rows are as they are.
fn with_link<'a>(line: &'a str, pages: &HashMap<String, &str>) -> Cow<'a, str> {
    let Some(first) = line.split_whitespace().next() else { return line.into() };
    match pages.get(first) {
        Some(page) => line.replacen(first, &console::linked(first, page), 1).into(),
        None => line.into(),
    }
}

/// A line each.
pub(super) fn tsv(pulls: &[KnownPull]) -> String {
    let line = |pull: &KnownPull| {
        let status = pull.status();
        let told =
            |of: fn(&PullStatus) -> Option<String>| status.and_then(of).unwrap_or_else(|| "-".to_owned());
        let fields = [
            name(pull),
            told(|status| Some(status.stage.as_str().to_owned())),
            told(|status| Some(status.stage.waits_for().as_str().to_owned())),
            told(|status| Some(format!("{:.0}", status.since))),
            told(|status| status.checks.as_ref().map(|checks| neutral(checks.as_str()))),
            told(|status| status.review.as_ref().map(|review| neutral(review.as_str()))),
            neutral(pull.followed.task.as_str()),
            pull.followed.session.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
            neutral(&pull.followed.url),
        ];
        fields.join("\t") + "\n"
    };
    pulls.iter().map(line).collect()
}

/// A pull request in JSON. Fields are only ever added.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PullJson<'a> {
    name: String,
    number: Option<u64>,
    title: Option<&'a str>,
    task: &'a str,
    run: &'a str,
    session: Option<&'a str>,
    waits_for: Option<&'static str>,
    made_at: Timestamp,
    #[serde(flatten)]
    status: Option<&'a PullStatus>,
    /// Where it was not read.
    #[serde(skip_serializing_if = "Option::is_none", rename = "url")]
    unread: Option<&'a str>,
}

impl<'a> PullJson<'a> {
    fn of(pull: &'a KnownPull) -> Self {
        let KnownPull { followed, title, made_at, .. } = pull;
        Self {
            name: name(pull),
            number: PullRequestName::of_url(&followed.url).map(|name| name.number()),
            title: title.as_deref(),
            task: followed.task.as_str(),
            run: followed.run.as_str(),
            session: followed.session.as_ref().map(jules::SessionId::as_str),
            waits_for: stage(pull).map(|stage| stage.waits_for().as_str()),
            made_at: *made_at,
            status: pull.status(),
            unread: pull.status().is_none().then_some(followed.url.as_str()),
        }
    }
}

/// One object.
pub(super) fn json(pulls: &[KnownPull], totals: &Totals, now: Timestamp) -> Result<String, Failure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Listing<'a> {
        at: Timestamp,
        totals: &'a Totals,
        pull_requests: Vec<PullJson<'a>>,
    }
    exact::text(&Listing { at: now, totals, pull_requests: pulls.iter().map(PullJson::of).collect() })
}

/// A heading and a table for each who has to act.
pub(super) fn markdown(pulls: &[KnownPull], totals: &Totals) -> String {
    let mut text = format!("### Pull requests\n\n{}.\n", totals.words(pulls, false));
    for group in groups(pulls) {
        let _ = write!(
            text,
            "\n#### {}: {}\n\n| Pull request | Stage | Since | Task |\n| --- | --- | --- | --- |\n",
            heading(&group[0]),
            group.len()
        );
        for pull in group {
            let link = linked(pull);
            let title =
                pull.title.as_deref().map_or_else(String::new, |title| format!(" {}", words(title, 200)));
            let stage = pull.status().map_or("not read", |status| status.stage.label());
            let stage = match pull.status().map(note).unwrap_or_default() {
                note if note.is_empty() => stage.to_owned(),
                // `merged by ada` says both.
                note if note.starts_with(stage) => words(&note, 200),
                note => format!("{stage}: {}", words(&note, 200)),
            };
            let since =
                pull.status().map_or_else(String::new, |it| it.since.strftime("%Y-%m-%d %H:%M").to_string());
            let task = words(pull.followed.task.as_str(), 300);
            let _ = writeln!(text, "| {link}{title} | {stage} | {since} | {task} |");
        }
    }
    text
}
