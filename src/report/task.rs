//! What several formats say about a task.

use jiff::Timestamp;

use super::attention::has_asked;
use super::{AttemptV1, PullRequestV1, ReportV1, SessionV1, StrayV1, TaskV1, many};
use crate::outcome::Outcome;

/// What stray sessions are listed under. No repository and no job has such a name.
pub(super) const STRAYS: &str = "stray sessions";

impl ReportV1 {
    /// The run's end, or the last thing known to have happened in it.
    #[must_use]
    pub fn last_moment(&self) -> Timestamp {
        let attempts = self.tasks.iter().flat_map(|task| &task.attempts);
        let times = attempts.flat_map(|attempt| [Some(attempt.started_at), attempt.ended_at]);
        let counted = self.progress.as_ref().map(|progress| progress.at);
        let times = times.chain(self.tasks.iter().map(|task| task.ended_at)).chain([counted]).flatten();
        self.run.ended_at.or_else(|| times.max()).unwrap_or(self.run.started_at).max(self.run.started_at)
    }

    /// The outcome in a word: while a run has no end, its open tasks are at work or not started, and no more is known of them.
    pub(super) const fn label(&self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Deferred if self.run.ended_at.is_none() => "not started",
            Outcome::Detached if self.run.ended_at.is_none() => "at work",
            _ => outcome.label(),
        }
    }

    /// Whether something is left to do that no failed task tells of: for the next run, or stray sessions for a person.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.remaining > 0 || !self.strays.is_empty()
    }

    /// How it stands, for the top of a page: the outcome that has its colour, and the words.
    pub(super) fn verdict(&self) -> (Outcome, String) {
        let (left, total) = (self.remaining, self.totals.total);
        let (asked, questions) = (self.asked(), self.questions());
        let failed = self.failed();
        let tasks = many(total, "task");
        if !questions.is_empty() {
            let done = total.saturating_sub(left + failed + asked);
            let failed = (failed > 0).then(|| format!("{failed} failed"));
            let outcome = if failed.is_some() { Outcome::Failed } else { Outcome::NeedsInput };
            let told = std::iter::once(format!("{done} of {tasks} done")).chain(failed).chain([questions]);
            return (outcome, told.collect::<Vec<_>>().join(", "));
        }
        match (failed, left, total) {
            (0, 0, _) if !self.strays.is_empty() => {
                let strays = many(self.strays.len(), "stray session");
                (Outcome::Deferred, format!("{tasks} done, {strays}"))
            }
            (_, _, 0) if self.run.ended_at.is_none() => (Outcome::Deferred, "the run begins".to_owned()),
            (_, _, 0) => (Outcome::Skipped, "no task was selected".to_owned()),
            (0, 0, _) => (Outcome::Succeeded, format!("{tasks} done")),
            (0, left, _) => (Outcome::Deferred, format!("{} of {tasks} done", total.saturating_sub(left))),
            (failed, left, _) if left > 0 => {
                let done = total.saturating_sub(left + failed);
                (Outcome::Failed, format!("{done} of {tasks} done, {failed} failed"))
            }
            (failed, _, _) => (Outcome::Failed, format!("{failed} of {tasks} failed")),
        }
    }

    /// How many tasks have failed for people: who has asked has not, whatever its outcome counts as.
    pub(super) fn failed(&self) -> u64 {
        self.tasks.iter().filter(|task| task.has_failed() && !has_asked(task)).count() as u64
    }

    /// How many tasks have ended with a question; those that were left with one are among the remaining.
    fn asked(&self) -> u64 {
        self.tasks.iter().filter(|task| has_asked(task) && !task.outcome.is_open()).count() as u64
    }

    /// `2 questions, 1 plan to approve`: what sessions wait for; empty if none does.
    pub(super) fn questions(&self) -> String {
        let (questions, plans) = self.asks();
        let told = [(questions, "question", ""), (plans, "plan", " to approve")];
        let told = told.into_iter().filter(|(count, ..)| *count > 0);
        told.map(|(count, noun, rest)| many(count, noun) + rest).collect::<Vec<_>>().join(", ")
    }

    /// How many sessions wait for an answer, and how many for their plan's approval.
    pub(super) fn asks(&self) -> (usize, usize) {
        let asked = || self.tasks.iter().filter(|task| has_asked(task));
        let plans = asked().filter(|task| task.wants_approval()).count();
        (asked().count() - plans, plans)
    }

    /// The heading over them.
    pub(super) fn questions_heading(&self) -> &'static str {
        match self.asks() {
            (_, 0) => "Asked you something",
            (0, _) => "Plans to approve",
            _ => "Questions, and plans to approve",
        }
    }

    /// How many tasks count as failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.tasks.iter().filter(|task| task.has_failed()).count() as u64
    }
}

impl TaskV1 {
    /// Whether it counts as failed: by its outcome, or because its job wants "no change" reported as a failure.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.outcome.counts_as_failed(self.on_no_change.into())
    }

    /// Whether its session waits for its plan's approval.
    pub(super) fn wants_approval(&self) -> bool {
        let state = self.session().and_then(|session| session.state.as_deref());
        state == Some("AWAITING_PLAN_APPROVAL")
    }

    /// The session of its last attempt.
    #[must_use]
    pub fn session(&self) -> Option<&SessionV1> {
        self.attempts.last().and_then(|attempt| attempt.session.as_ref())
    }

    /// Milliseconds that its attempts took together; one that has not ended counts up to `until`.
    ///
    /// Waiting between attempts is not work: a task that was deferred for a day did not take a day.
    #[must_use]
    pub fn worked_millis(&self, until: Option<Timestamp>) -> u64 {
        self.attempts.iter().filter_map(|attempt| attempt.millis(until)).sum()
    }

    /// What it is listed under: its repository, or its job if it has none.
    #[must_use]
    pub fn suite(&self) -> &str {
        self.source.as_ref().map_or(&self.job, |source| &source.github)
    }

    /// The reason, or what the outcome means if none was given.
    pub(super) fn reason_or_default(&self) -> &str {
        if let Some(reason) = self.reason.as_deref().filter(|reason| !reason.trim().is_empty()) {
            return reason;
        }
        match self.outcome {
            Outcome::Succeeded => "the session completed",
            Outcome::NoChange => "the session completed and changed nothing",
            Outcome::Skipped => "a needed task did not end well, or a rule said so",
            Outcome::Deferred if self.ended_at.is_none() => "it has not been started so far",
            Outcome::Deferred => "it was not started; run again to go on",
            Outcome::Detached if self.ended_at.is_none() => "its session is at work",
            Outcome::Detached => "its session was still at work; run again to take it up",
            Outcome::NeedsInput => "the session waits for a human",
            Outcome::Failed => "no reason was given",
            Outcome::Stalled => "the agent was silent",
            Outcome::TimedOut => "its time was over",
            Outcome::Error => "the service or the network failed",
        }
    }

    /// All pull requests of its last attempt, oldest first, also in a report of a time that knew but one.
    pub(super) fn pulls(&self) -> impl Iterator<Item = &PullRequestV1> {
        let only = self.pull_request.iter().filter(|_| self.pull_requests.is_empty());
        self.pull_requests.iter().chain(only).map(|pull| &**pull)
    }

    /// Its session and its pull requests, a line each.
    pub(super) fn links(&self) -> String {
        let session = self.attempts.last().map(AttemptV1::session_line).filter(|line| !line.is_empty());
        let pulls = self.pulls().map(|pull| format!("pull request: {}", pull.url));
        session.into_iter().chain(pulls).collect::<Vec<_>>().join("\n")
    }
}

impl AttemptV1 {
    /// Milliseconds from its intent to its end, or to `until` if it has not ended; none if neither is known.
    pub(super) fn millis(&self, until: Option<Timestamp>) -> Option<u64> {
        let end = self.ended_at.or(until)?;
        u64::try_from(end.duration_since(self.started_at).as_millis()).ok()
    }

    /// `session: sessions/314… https://…`, or nothing. A bare id would be taken for a number and rounded.
    pub(super) fn session_line(&self) -> String {
        self.session.as_ref().map_or_else(String::new, |session| {
            let url = session.url.as_deref().unwrap_or_default();
            let archived = if self.archived { " (archived)" } else { "" };
            format!("session: {} {url}", session.name()).trim_end().to_owned() + archived
        })
    }
}

impl SessionV1 {
    /// `sessions/{id}`, as the service names it.
    pub(super) fn name(&self) -> String {
        format!("sessions/{}", self.id)
    }
}

impl StrayV1 {
    /// `sessions/{id}`, as the service names it.
    pub(super) fn name(&self) -> String {
        format!("sessions/{}", self.id)
    }

    /// What it is, and what a person can do: the first line says the most.
    pub(super) fn describe(&self) -> String {
        let of = self.task.as_ref().map_or_else(String::new, |task| format!(" of task {task}"));
        let url = self.url.as_ref().map_or_else(String::new, |url| format!("session: {url}\n"));
        format!(
            "stray session {}: it carries this run's marker{of}, but the run does not know it\n\ntitle: {}\n{url}\
             look at what it does, then archive or delete it",
            self.id,
            self.title.trim()
        )
    }
}
