//! What the GitHub half saw: the truth that tests judge by.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::Serialize;

use crate::clock::between;

use super::{actor::Actor, pull::PullIx, viewer::Viewer, words::Rollup, world::World};

/// Counts of the GitHub half since the start or the last reset. Lengths of time are in real milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GitHubStatistics {
    /// Points of GraphQL that were paid.
    pub points: u64,
    /// The points of each hour of service time, from the start on.
    pub points_by_hour: Vec<u64>,
    /// Requests refused because the hour's budget was spent.
    pub over_primary: u64,
    /// Requests refused by a secondary limit.
    pub over_secondary: u64,
    /// Every write that was received, oldest first, whatever came of it.
    pub writes: Vec<Write>,
    /// The shortest time between two writes.
    pub closest_writes_ms: Option<f64>,
    /// Every merge that a client asked for and got, at once, queued or armed, oldest first.
    pub merges: Vec<Merge>,
    /// Messages that sessions with a pull request received, by its head at that time.
    pub messages: Vec<HeadMessages>,
    /// Pull requests opened for a task that had one already, by another session.
    pub second_pull_requests: Vec<SecondPullRequest>,
}

/// A write that a client sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Write {
    /// When it was received.
    pub at: Timestamp,
    /// The operation, such as `pulls/merge`; GraphQL's mutation by its name.
    pub operation: String,
    /// What it was about: `owner/repo#12`, or a branch.
    pub target: String,
    /// The status of the answer, whether or not it arrived.
    pub status: u16,
    /// Real time since the write before.
    pub since_ms: Option<f64>,
}

/// A merge that a client asked for, as things stood then.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Merge {
    /// When.
    pub at: Timestamp,
    /// `https://github.com/OWNER/REPO/pull/N`.
    pub url: String,
    /// The head that was merged.
    pub head: String,
    /// Whose token it was.
    pub by: String,
    /// Whether the request named the head.
    pub pinned: bool,
    /// The checks of that head together, by GitHub's word; absent when there was none.
    pub checks: Option<String>,
    /// Whether they had succeeded.
    pub green: bool,
    /// How many answers had told so, at different times.
    pub green_shown: usize,
    /// Real time from the first such answer to the merge.
    pub green_shown_for_ms: Option<f64>,
    /// Real time since the head came.
    pub head_age_ms: f64,
    /// Who had pushed to the branch beside Jules and the merge's own user.
    pub touched_by: Vec<String>,
    /// What a rule still asked for.
    pub unmet: Option<String>,
    /// Whether the last answer that told `mergeStateStatus` told CLEAN or HAS_HOOKS; absent when none has.
    pub told_clean: Option<bool>,
    /// Real time since that answer.
    pub told_ms: Option<f64>,
    /// Its labels.
    pub labels: Vec<String>,
}

/// Messages to a session while its pull request had one head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HeadMessages {
    /// The session's id.
    pub session: String,
    /// The pull request.
    pub url: String,
    /// The head.
    pub head: String,
    /// The pull request's state at the last of them: OPEN, CLOSED or MERGED.
    pub state: String,
    /// Whether somebody else had pushed to the branch.
    pub touched: bool,
    /// How many.
    pub count: u64,
}

/// A pull request beside another of the same task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SecondPullRequest {
    /// The earlier one: an open one if there is, else the last.
    pub first: String,
    /// The one that was opened beside or after it.
    pub second: String,
    /// The earlier one's state then: OPEN, CLOSED or MERGED.
    pub first_state: String,
    /// Whether the earlier one was open.
    pub while_open: bool,
}

/// A pull request as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PullRequestView {
    /// `https://github.com/OWNER/REPO/pull/N`.
    pub url: String,
    /// GraphQL's id.
    pub id: String,
    /// OPEN, CLOSED or MERGED.
    pub state: String,
    /// Its title.
    pub title: String,
    /// Its branch.
    pub branch: String,
    /// The branch that it is to be merged into.
    pub base: String,
    /// Its author's login.
    pub author: String,
    /// The id of the session that opened it.
    pub session: Option<String>,
    /// Its newest head.
    pub head: String,
    /// How many heads it has had.
    pub heads: usize,
    /// Who pushed each, oldest first.
    pub pushed_by: Vec<String>,
    /// The checks of its newest head together, by GitHub's word.
    pub checks: Option<String>,
    /// `mergeStateStatus`, as it would be were it known.
    pub merge_state: String,
    /// Whether its branch is deleted.
    pub branch_deleted: bool,
    /// Its comments' texts, oldest first.
    pub comments: Vec<String>,
    /// Who merged or closed it.
    pub closed_by: Option<String>,
}

/// What cannot be read off the world.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) points: u64,
    by_hour: BTreeMap<u64, u64>,
    pub(super) over_primary: u64,
    pub(super) over_secondary: u64,
    writes: Vec<Write>,
    last_write: Option<Timestamp>,
    pub(super) merges: Vec<Merge>,
    messages: BTreeMap<(usize, PullIx, usize), HeadMessages>,
    pub(super) seconds: Vec<SecondPullRequest>,
}

impl Books {
    pub(super) fn pay(&mut self, points: u64, running: Duration) {
        self.points += points;
        *self.by_hour.entry(running.as_secs() / 3_600).or_default() += points;
    }

    pub(super) fn write(&mut self, at: Timestamp, operation: &str, target: String, status: u16) {
        let since_ms = self.last_write.map(|last| milliseconds(between(last, at)));
        self.last_write = Some(at);
        self.writes.push(Write { at, operation: operation.to_owned(), target, status, since_ms });
    }

    pub(super) fn statistics(&self) -> GitHubStatistics {
        let hours = self.by_hour.last_key_value().map_or(0, |(hour, _)| hour + 1);
        GitHubStatistics {
            points: self.points,
            points_by_hour: (0..hours).map(|hour| self.by_hour.get(&hour).copied().unwrap_or(0)).collect(),
            over_primary: self.over_primary,
            over_secondary: self.over_secondary,
            closest_writes_ms: self.writes.iter().filter_map(|write| write.since_ms).reduce(f64::min),
            writes: self.writes.clone(),
            merges: self.merges.clone(),
            messages: self.messages.values().cloned().collect(),
            second_pull_requests: self.seconds.clone(),
        }
    }
}

impl World {
    /// Notes a merge that is about to be done, or armed.
    pub(super) fn note_merge(&mut self, ix: PullIx, viewer: &Viewer, pinned: bool, now: Timestamp) {
        let standing = self.standing(ix, now);
        let (pull, rollup) = (standing.pull, standing.rollup());
        let (shown, told) = (pull.shown.green_at(pull.newest()), pull.shown.last_state());
        let merge = Merge {
            at: now,
            url: self.url_of(ix),
            head: pull.head().oid.clone(),
            by: viewer.actor.rest_login(),
            pinned,
            checks: rollup.map(|rollup| rollup.word().to_owned()),
            green: rollup == Some(Rollup::Success),
            green_shown: shown.len(),
            green_shown_for_ms: shown.first().map(|first| milliseconds(between(*first, now))),
            head_age_ms: milliseconds(between(pull.head().at, now)),
            touched_by: pull.touched_by(std::slice::from_ref(&viewer.actor)).map(Actor::rest_login).collect(),
            unmet: standing.unmet(),
            told_clean: told.map(|(_, is_go)| is_go),
            told_ms: told.map(|(at, _)| milliseconds(between(at, now))),
            labels: pull.labels.clone(),
        };
        self.books.merges.push(merge);
    }

    /// Notes a message to the session at this place, with this id, if it has a pull request.
    pub(super) fn note_message(&mut self, session: usize, id: &str) {
        let Some(ix) = self.last_of(session) else { return };
        let pull = &self.pulls[ix.0];
        let url = self.url_of(ix);
        let messages = &mut self.books.messages;
        let entry = messages.entry((session, ix, pull.newest())).or_insert_with(|| HeadMessages {
            session: id.to_owned(),
            url,
            head: pull.head().oid.clone(),
            state: String::new(),
            touched: false,
            count: 0,
        });
        pull.state().clone_into(&mut entry.state);
        entry.touched |= pull.touched_by(std::slice::from_ref(&self.user)).next().is_some();
        entry.count += 1;
    }

    /// Notes a pull request, just opened, whose task has one of another session.
    pub(super) fn note_second(&mut self, ix: PullIx) {
        let pull = &self.pulls[ix.0];
        let Some(task) = pull.task else { return };
        let of_task = self.by_task.entry(task).or_default();
        let earlier = of_task.iter().rev().map(|other| &self.pulls[other.0]);
        let mut twins =
            earlier.filter(|other| other.repository == pull.repository && other.session != pull.session);
        let first = twins.clone().find(|twin| twin.is_open()).or_else(|| twins.next());
        if let Some(first) = first {
            let url = |number: u64| format!("{}/pull/{number}", self.repositories[pull.repository.0].url());
            self.books.seconds.push(SecondPullRequest {
                first: url(first.number),
                second: url(pull.number),
                first_state: first.state().to_owned(),
                while_open: first.is_open(),
            });
        }
        of_task.push(ix);
    }

    /// A pull request as it is; `session` is the id of the one that opened it.
    pub(super) fn view(&self, ix: PullIx, session: Option<String>, now: Timestamp) -> PullRequestView {
        let standing = self.standing(ix, now);
        let pull = standing.pull;
        PullRequestView {
            url: self.url_of(ix),
            id: self.id_of(ix),
            state: pull.state().to_owned(),
            title: pull.title.clone(),
            branch: pull.branch.clone(),
            base: pull.base.clone(),
            author: pull.author.rest_login(),
            session,
            head: pull.head().oid.clone(),
            heads: pull.heads.len(),
            pushed_by: pull.heads.iter().map(|head| head.by.rest_login()).collect(),
            checks: standing.rollup().map(|rollup| rollup.word().to_owned()),
            merge_state: standing.merge_state().word().to_owned(),
            branch_deleted: pull.branch_deleted,
            comments: pull.comments.iter().map(|comment| comment.body.clone()).collect(),
            closed_by: pull.closing.as_ref().map(|closing| closing.by.rest_login()),
        }
    }
}

fn milliseconds(length: Duration) -> f64 {
    (length.as_secs_f64() * 1e6).round() / 1e3
}
