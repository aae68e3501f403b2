//! What several formats say of pull requests: by whom they wait for, and what a person has to know of each.

use jiff::Timestamp;

use super::{PullRequestV1, PullTotalsV1, ReportV1, TaskV1, many};
use crate::outcome::{Stage, WaitsFor};

/// What stands above those that were not read.
const UNREAD: &str = "Not read so far";

/// Pull requests that wait for the same.
pub(super) struct PullGroup<'a> {
    /// Who has to act; none if they were not read.
    pub(super) waits_for: Option<WaitsFor>,
    /// By stage, the one that has waited longest first, each with its task.
    pub(super) pulls: Vec<(&'a PullRequestV1, &'a TaskV1)>,
}

impl PullGroup<'_> {
    pub(super) fn heading(&self) -> &'static str {
        self.waits_for.map_or(UNREAD, WaitsFor::heading)
    }
}

impl ReportV1 {
    /// The tasks' pull requests, what needs people first.
    pub(super) fn pull_groups(&self) -> Vec<PullGroup<'_>> {
        let of_task = |task| TaskV1::pulls(task).map(move |pull| (pull, task));
        let mut all: Vec<_> = self.tasks.iter().flat_map(of_task).collect();
        all.sort_by_key(|(pull, _)| (pull.place(), pull.stage, pull.since));
        let groups = all.chunk_by(|one, other| one.0.place() == other.0.place());
        let group = |pulls: &[(&PullRequestV1, _)]| pulls[0].0.stage.map(Stage::waits_for);
        groups.map(|pulls| PullGroup { waits_for: group(pulls), pulls: pulls.to_vec() }).collect()
    }

    /// When a pull request was last read.
    pub(super) fn last_reading(&self) -> Option<Timestamp> {
        self.tasks.iter().filter_map(TaskV1::last_reading).max()
    }
}

impl TaskV1 {
    /// When one of its pull requests was last read.
    pub(super) fn last_reading(&self) -> Option<Timestamp> {
        self.pulls().filter_map(|pull| pull.checked_at).max()
    }
}

impl PullRequestV1 {
    /// Its group's place: those that nobody waits for stand last, those that were not read before them.
    fn place(&self) -> (WaitsFor, bool) {
        match self.stage.map(Stage::waits_for) {
            Some(WaitsFor::Nobody) => (WaitsFor::Nobody, true),
            Some(waits_for) => (waits_for, false),
            None => (WaitsFor::Nobody, false),
        }
    }

    /// What a person has to know beside the stage: foreign text.
    pub(super) fn note(&self) -> Option<String> {
        let by = |verb: &str, who: &Option<String>| who.as_ref().map(|who| format!("{verb} by {who}"));
        let who = match self.stage {
            Some(Stage::Merged) => by("merged", &self.closed_by),
            Some(Stage::Closed) => by("closed", &self.closed_by),
            _ => by("pushed to", &self.touched_by),
        };
        // Why it counts as touched says mostly who did it.
        let names = |who: &String| self.reason.as_ref().is_some_and(|reason| reason.contains(who.as_str()));
        let who = who.filter(|_| !self.touched_by.as_ref().is_some_and(names));
        match (who, self.reason.clone()) {
            (Some(who), Some(reason)) => Some(format!("{who}; {reason}")),
            (who, reason) => who.or(reason),
        }
    }

    /// What it waits for and why: `touched: pushed to by eve`, `merged by bob`. Foreign text.
    pub(super) fn told(&self) -> String {
        let stage = self.stage.map_or("not read", Stage::label);
        match self.note() {
            Some(note) if note.starts_with(stage) => note,
            Some(note) => format!("{stage}: {note}"),
            None => stage.to_owned(),
        }
    }
}

impl PullTotalsV1 {
    /// The stages that occur and how many stand there, what needs people first.
    pub(super) fn occurring(&self) -> Vec<(Stage, u64)> {
        let counts = Stage::ALL.into_iter().map(|stage| (stage, self.at(stage)));
        let mut occurring: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
        occurring.sort_by_key(|(stage, _)| (stage.waits_for(), *stage));
        occurring
    }

    /// `41 ready, 3 checks failed, 20 merged`: the stages that occur, what needs people first, then those not read.
    pub(super) fn words(&self) -> String {
        let occurring = self.occurring().into_iter();
        let mut words: Vec<String> =
            occurring.map(|(stage, count)| format!("{count} {}", stage.label())).collect();
        words.extend((self.unread > 0).then(|| format!("{} not read", self.unread)));
        words.join(", ")
    }

    /// `60 pull requests: 41 ready, …`.
    pub(super) fn sentence(&self) -> String {
        format!("{}: {}", many(self.total, "pull request"), self.words())
    }
}
