//! The few writes: each is sent once, and one without an answer is never repeated here. Whoever asked reads again.

use std::sync::atomic::Ordering;

use jiff::Timestamp;
use jules::reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::answer::{Failure, GraphAnswer};
use super::client::{Budget, GitHub, at};
use super::query;
use super::transport::{Answer, NoAnswer, Request};
use super::unreadable::{Unreadable, UnreadableKind, in_one_line};
use jules::PullRequestName;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    Merge,
    UpdateBranch,
    Close,
    DeleteBranch,
    Comment,
    Enqueue,
}

/// How commits become part of the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MergeMethod {
    Squash,
    Merge,
    Rebase,
}

impl MergeMethod {
    fn name(self) -> &'static str {
        match self {
            Self::Squash => "squash",
            Self::Merge => "merge",
            Self::Rebase => "rebase",
        }
    }
}

/// Why a write has not surely been done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .failure.said())]
pub(crate) struct WriteError {
    pub(crate) write: Write,
    failure: WriteFailure,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum WriteFailure {
    /// Nothing of it reached GitHub.
    NotSent(String),
    /// A rate limit holds everything until then; it was not done.
    Limited(Timestamp, String),
    /// GitHub refused it.
    Refused(u16, String),
    /// It may have been done.
    InDoubt(String),
}

impl WriteFailure {
    fn said(&self) -> &str {
        match self {
            Self::NotSent(said) | Self::Limited(_, said) | Self::Refused(_, said) | Self::InDoubt(said) => {
                said
            }
        }
    }
}

impl WriteError {
    /// Whether it may have been done: only a reading tells.
    pub(crate) fn is_in_doubt(&self) -> bool {
        matches!(self.failure, WriteFailure::InDoubt(_))
    }

    /// Until when a rate limit holds everything, where that is why it was not done.
    pub(crate) fn limited_until(&self) -> Option<Timestamp> {
        match self.failure {
            WriteFailure::Limited(until, _) => Some(until),
            WriteFailure::NotSent(_) | WriteFailure::Refused(..) | WriteFailure::InDoubt(_) => None,
        }
    }

    /// Whether nothing of it reached GitHub, and no limit is why.
    pub(crate) fn is_not_sent(&self) -> bool {
        matches!(self.failure, WriteFailure::NotSent(_))
    }

    /// Whether the head is another than the one it was meant for.
    pub(crate) fn is_head_moved(&self) -> bool {
        match (self.write, self.refused()) {
            (Write::Merge, Some((409, _))) => true,
            (Write::UpdateBranch, Some((422, said))) => said.contains("expected head sha"),
            (Write::Enqueue, Some((_, said))) => said.contains("head") && said.contains("modified"),
            _ => false,
        }
    }

    /// Whether the base has just moved: the same may be done a moment later, after another reading.
    pub(crate) fn is_base_modified(&self) -> bool {
        self.refused()
            .is_some_and(|(status, said)| status == 405 && said.contains("Base branch was modified"))
    }

    /// Whether its base takes merges through a queue alone.
    pub(crate) fn wants_queue(&self) -> bool {
        self.refused().is_some_and(|(status, said)| status == 405 && said.contains("merge queue"))
    }

    /// Whether GitHub says that it cannot be merged as it is, for another reason than these.
    pub(crate) fn is_not_mergeable(&self) -> bool {
        self.refused().is_some_and(|(status, _)| status == 405)
            && !self.is_base_modified()
            && !self.wants_queue()
    }

    /// Whether the token may not do it.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.refused().is_some_and(|(status, _)| matches!(status, 401 | 403))
    }

    /// Whether the repository has another name now, or is not there: a reading by id tells which.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.refused().is_some_and(|(status, _)| matches!(status, 301 | 302 | 307 | 308 | 404 | 410))
    }

    fn refused(&self) -> Option<(u16, &str)> {
        match &self.failure {
            WriteFailure::Refused(status, said) => Some((*status, said)),
            WriteFailure::NotSent(_) | WriteFailure::Limited(..) | WriteFailure::InDoubt(_) => None,
        }
    }
}

impl GitHub {
    /// Merges it if `head` is its head; the commit on the base.
    pub(crate) async fn merge(
        &self,
        pull: &PullRequestName,
        head: &str,
        method: MergeMethod,
        deadline: Instant,
    ) -> Result<String, WriteError> {
        let body = json!({ "sha": head, "merge_method": method.name() });
        let request = self.about(pull, Method::PUT, "pulls", &["merge"], Some(body));
        let answer = self.write(Write::Merge, request, deadline).await?;
        let answer: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match (answer["merged"].as_bool(), answer["sha"].as_str()) {
            (Some(true), Some(sha)) => Ok(sha.to_owned()),
            _ => Err(in_doubt(Write::Merge, "GitHub's answer does not say that it was merged")),
        }
    }

    /// Merges its base into its branch, if `head` is its head. GitHub does so a moment later.
    pub(crate) async fn update_branch(
        &self,
        pull: &PullRequestName,
        head: &str,
        deadline: Instant,
    ) -> Result<(), WriteError> {
        let body = json!({ "expected_head_sha": head });
        let request = self.about(pull, Method::PUT, "pulls", &["update-branch"], Some(body));
        self.write(Write::UpdateBranch, request, deadline).await.map(drop)
    }

    /// Closes it; one that is closed stays so.
    pub(crate) async fn close(&self, pull: &PullRequestName, deadline: Instant) -> Result<(), WriteError> {
        let body = json!({ "state": "closed" });
        let request = self.about(pull, Method::PATCH, "pulls", &[], Some(body));
        self.write(Write::Close, request, deadline).await.map(drop)
    }

    /// Writes below it.
    pub(crate) async fn comment(
        &self,
        pull: &PullRequestName,
        text: &str,
        deadline: Instant,
    ) -> Result<(), WriteError> {
        let body = json!({ "body": text });
        let request = self.about(pull, Method::POST, "issues", &["comments"], Some(body));
        self.write(Write::Comment, request, deadline).await.map(drop)
    }

    /// Deletes a branch of a pull request's repository; one that is gone is deleted.
    pub(crate) async fn delete_branch(
        &self,
        pull: &PullRequestName,
        branch: &str,
        deadline: Instant,
    ) -> Result<(), WriteError> {
        // Parts that a path would swallow lead elsewhere; git has no such branches.
        let is_plain = branch.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !is_plain {
            return Err(not_sent(Write::DeleteBranch, "that is no branch of a repository"));
        }
        let segments = ["repos", pull.owner(), pull.repo(), "git", "refs", "heads"];
        let segments = segments.into_iter().chain(branch.split('/'));
        let request = self.transport.rest(Method::DELETE, &segments.collect::<Vec<_>>(), None);
        match self.write(Write::DeleteBranch, request, deadline).await {
            Err(WriteError { failure: WriteFailure::Refused(422, said), .. })
                if said.contains("Reference does not exist") =>
            {
                Ok(())
            }
            other => other.map(drop),
        }
    }

    /// Puts it, by its node id, into its base's merge queue, if `head` is its head.
    pub(crate) async fn enqueue(&self, id: &str, head: &str, deadline: Instant) -> Result<(), WriteError> {
        let query = query::enqueue(id, head);
        let request = self.transport.graphql(&query.text, &query.variables);
        let answer = self.send_write(Write::Enqueue, Budget::GraphQl, request, deadline).await?;
        match GraphAnswer::read(&answer) {
            Ok(read) => match read.error_about(&[json!("enqueuePullRequest")]) {
                None => Ok(()),
                Some((kind, said)) => Err(refused_mutation(Write::Enqueue, kind, said)),
            },
            Err(Failure::Limited(said)) => Err(self.limited(Write::Enqueue, Budget::GraphQl, &answer, said)),
            Err(Failure::TooMuch(said)) => Err(in_doubt(Write::Enqueue, &said)),
            Err(Failure::All(Unreadable { kind, said })) => {
                let kind = match kind {
                    UnreadableKind::BadToken | UnreadableKind::Forbidden | UnreadableKind::SignOn => {
                        "FORBIDDEN"
                    }
                    UnreadableKind::Gone => "NOT_FOUND",
                    UnreadableKind::Limited(_) | UnreadableKind::Unanswered => "",
                };
                Err(refused_mutation(Write::Enqueue, kind, &said))
            }
        }
    }

    fn about(
        &self,
        pull: &PullRequestName,
        verb: Method,
        what: &str,
        more: &[&str],
        body: Option<Value>,
    ) -> Request {
        let number = pull.number().to_string();
        let segments = [&["repos", pull.owner(), pull.repo(), what, &number], more].concat();
        self.transport.rest(verb, &segments, body)
    }

    /// One write of REST, and what its answer means.
    async fn write(&self, write: Write, request: Request, deadline: Instant) -> Result<Answer, WriteError> {
        let answer = self.send_write(write, Budget::Rest, request, deadline).await?;
        let said = answer.said();
        match answer.status {
            200..=299 => Ok(answer),
            status if answer.told.is_limit(status, &said) => {
                Err(self.limited(write, Budget::Rest, &answer, said))
            }
            // It may have been done before what failed.
            408 | 500..=599 => Err(in_doubt(write, &said)),
            status => Err(error(write, WriteFailure::Refused(status, said))),
        }
    }

    /// Sends it once, at its time.
    async fn send_write(
        &self,
        write: Write,
        budget: Budget,
        request: Request,
        deadline: Instant,
    ) -> Result<Answer, WriteError> {
        let not_yet = |unreadable: Unreadable| match unreadable.kind {
            UnreadableKind::Limited(until) => error(write, WriteFailure::Limited(until, unreadable.said)),
            _ => not_sent(write, &unreadable.said),
        };
        let mut turn = self.turn(budget, deadline).await.map_err(not_yet)?;
        let next = turn.next();
        if next > deadline {
            let until = at(next);
            let said = format!("we write no more before {until:.0}, so as to stay within GitHub's limits");
            return Err(error(write, WriteFailure::Limited(until, said)));
        }
        sleep_until(next).await;
        self.writes.fetch_add(1, Ordering::Relaxed);
        turn.begin(Instant::now());
        // Not cut off by the deadline: an answer that is nearly there spares a doubt.
        let sent = self.transport.send(request).await;
        turn.end(Instant::now());
        sent.map_err(|no_answer| match no_answer {
            NoAnswer::NotSent(said) => not_sent(write, &said),
            NoAnswer::Lost(said) => in_doubt(write, &said),
        })
    }

    fn limited(&self, write: Write, budget: Budget, answer: &Answer, said: String) -> WriteError {
        self.meet(budget, answer.told);
        let until = self.held_until().unwrap_or_else(Timestamp::now);
        error(write, WriteFailure::Limited(until, said))
    }
}

/// What an error of a mutation means, as REST would have it. One of a type that does not refuse may come after the deed.
fn refused_mutation(write: Write, kind: &str, said: &str) -> WriteError {
    let status = match kind {
        "UNPROCESSABLE" => 422,
        "FORBIDDEN" | "INSUFFICIENT_SCOPES" => 403,
        "NOT_FOUND" => 404,
        _ => return in_doubt(write, said),
    };
    error(write, WriteFailure::Refused(status, in_one_line(said)))
}

fn error(write: Write, failure: WriteFailure) -> WriteError {
    WriteError { write, failure }
}

fn not_sent(write: Write, said: &str) -> WriteError {
    error(write, WriteFailure::NotSent(in_one_line(said)))
}

fn in_doubt(write: Write, said: &str) -> WriteError {
    error(write, WriteFailure::InDoubt(in_one_line(said)))
}
