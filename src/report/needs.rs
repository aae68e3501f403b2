//! What needs a person, for whoever tells it in another form than a report: by the names of tasks and pull requests.

use std::collections::HashSet;

use super::ReportV1;
use crate::outcome::{RunRecord, Stage};

/// What the page begins with.
pub(crate) struct Needs {
    /// Tasks that have failed.
    pub(crate) failed: HashSet<String>,
    /// Tasks whose agent has asked something.
    pub(crate) asked: HashSet<String>,
    /// What they wait for: `1 question, 1 plan to approve`.
    questions: String,
    /// The heading over them.
    pub(crate) asks: &'static str,
    /// Pull requests to look at, in the page's order.
    pub(crate) pulls: Vec<NeededPull>,
}

/// A pull request that waits for a person.
pub(crate) struct NeededPull {
    /// The task that made it.
    pub(crate) task: String,
    /// Its page.
    pub(crate) url: String,
    /// What it waits for; none if it was not read.
    pub(crate) stage: Option<Stage>,
}

impl Needs {
    /// Of a run as it stands.
    pub(crate) fn of(record: &RunRecord) -> Self {
        let report = ReportV1::of(record);
        let groups = report.pull_groups();
        let needs = report.attention(&groups);
        let pull = |(pull, task): &(&super::PullRequestV1, &super::TaskV1)| NeededPull {
            task: task.id.clone(),
            url: pull.url.clone(),
            stage: pull.stage,
        };
        Self {
            failed: needs.failed.iter().map(|task| task.id.clone()).collect(),
            asked: needs.asked.iter().map(|task| task.id.clone()).collect(),
            questions: report.questions(),
            asks: match report.asks() {
                (_, 0) => "what asks you",
                (0, _) => "plans to approve",
                _ => "questions, and plans to approve",
            },
            pulls: needs.pulls.iter().map(pull).collect(),
        }
    }

    /// `2 failed, 1 question, 3 pull requests`; empty if nothing needs a person.
    pub(crate) fn count(&self) -> String {
        let failed = (self.failed.len(), format!("{} failed", self.failed.len()));
        let asked = (self.asked.len(), self.questions.clone());
        let pulls = (self.pulls.len(), super::many(self.pulls.len(), "pull request"));
        let told = [failed, asked, pulls].into_iter().filter(|(count, _)| *count > 0);
        told.map(|(_, text)| text).collect::<Vec<_>>().join(", ")
    }
}
