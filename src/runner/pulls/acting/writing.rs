//! One write, and what its answer means.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Acting, End, Job, What};
use crate::github::{PullRequest, WriteError};
use crate::outcome::{EventKind, PullAction, PullResult};
use crate::pulls::{Left, Step, with_failed_checks};
use crate::runner::RunError;
use jules::PullRequestName;

/// How long a write may wait for its turn and for limits.
const TURN: Duration = Duration::from_secs(5 * 60);
/// How often one is tried.
const TRIES: u32 = 3;
/// How long it takes GitHub to come to itself: after a base moved, after an answer was lost.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a write has not surely been done.
enum Failure {
    Github(WriteError),
    Jules(jules::Error),
}

impl Failure {
    fn said(&self) -> String {
        match self {
            Self::Github(error) => error.to_string(),
            Self::Jules(error) => foreign_text::one_line(error.to_string(), 300).into_owned(),
        }
    }

    fn is_in_doubt(&self) -> bool {
        match self {
            Self::Github(error) => error.is_in_doubt(),
            Self::Jules(error) => !error.surely_not_processed(),
        }
    }
}

impl Acting<'_> {
    /// Says what is about to be done, does it once, and says what became of it.
    pub(super) async fn write(&mut self, at: usize, step: Step) -> Result<(), RunError> {
        let Some(reading) = self.jobs[at].reading.clone() else { return Ok(()) };
        let Some(address) = address(&reading) else {
            self.jobs[at].end =
                Some(End::Failed("its page has no address that can be written to".to_owned()));
            return Ok(());
        };
        let action = self.what.action();
        self.intend(at, &reading, action)?;
        self.jobs[at].written = Some(reading.head.clone());
        let done = self.send(at, step, &reading, &address).await;
        let (result, note) = match &done {
            Ok(()) => (PullResult::Done, None),
            Err(failure) if failure.is_in_doubt() => (PullResult::InDoubt, Some(failure.said())),
            Err(failure) => (PullResult::Refused, Some(failure.said())),
        };
        match (step, result) {
            (Step::Message, PullResult::Done | PullResult::InDoubt) => {
                self.messaged(at, result, note).await?;
            }
            _ => self.acted(at, action, result, note)?,
        }
        match done {
            Ok(()) => self.done(at, step, &reading).await,
            Err(failure) => {
                self.failed(at, &failure);
                Ok(())
            }
        }
    }

    fn intend(&mut self, at: usize, reading: &PullRequest, action: PullAction) -> Result<(), RunError> {
        let pull = &self.jobs[at].pull.followed;
        let (task, url, by) = (pull.task.clone(), pull.url.clone(), self.how.by.clone());
        let head = Some(reading.head.clone());
        self.append(at, vec![EventKind::PullRequestActing { task, url, action, head, by }])
    }

    async fn send(
        &self,
        at: usize,
        step: Step,
        reading: &PullRequest,
        address: &PullRequestName,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + TURN;
        let sent = match step {
            Step::Merge(method) => {
                self.github.merge(address, &reading.head, method, deadline).await.map(drop)
            }
            Step::Enqueue => self.github.enqueue(&reading.id, &reading.head, deadline).await,
            Step::Close => self.github.close(address, deadline).await,
            Step::Update => self.github.update_branch(address, &reading.head, deadline).await,
            Step::Message => return self.message(at).await,
        };
        sent.map_err(Failure::Github)
    }

    async fn message(&self, at: usize) -> Result<(), Failure> {
        let job = &self.jobs[at];
        let (Some(jules), Some(session), What::Message { text, with_failed_checks: named }) =
            (&self.jules, &job.pull.followed.session, &self.what)
        else {
            return Ok(());
        };
        let text = if *named { with_failed_checks(text, job.details.as_ref()) } else { text.clone() };
        let sent = jules.attach(session.clone()).send(&text).await.map_err(Failure::Jules);
        tokio::time::sleep(PAUSE).await;
        sent
    }

    /// It is done. What it did to others is read before they are decided on, and it itself once more.
    async fn done(&mut self, at: usize, step: Step, reading: &PullRequest) -> Result<(), RunError> {
        let end = match step {
            Step::Merge(_) | Step::Close => {
                self.read(&[at]).await?;
                End::Done(self.delete_branch(at, reading).await)
            }
            Step::Enqueue => End::Queued,
            Step::Message | Step::Update => End::Done(String::new()),
        };
        self.jobs[at].end = Some(end);
        let repository = self.jobs[at].repository().map(str::to_owned);
        let in_it = |job: &&mut Job| job.end.is_none() && job.repository() == repository.as_deref();
        self.jobs.iter_mut().filter(in_it).for_each(|job| job.is_stale = true);
        Ok(())
    }

    /// What was to be said of its branch.
    async fn delete_branch(&self, at: usize, reading: &PullRequest) -> String {
        let is_over = self.jobs[at]
            .pull
            .status()
            .is_some_and(|status| status.state.is_over() && status.head.as_ref() == Some(&reading.head));
        let by_github = matches!(self.what, What::Merge(_)) && reading.repository.delete_branch_on_merge;
        if !self.how.delete_branch || by_github || reading.is_cross_repository {
            return String::new();
        }
        if !is_over {
            return "its branch stays: it was not read that nothing came after".to_owned();
        }
        let Some(address) = address(reading) else {
            return "its branch stays: GitHub does not say which repository it is in".to_owned();
        };
        match self.github.delete_branch(&address, &reading.branch, Instant::now() + TURN).await {
            Ok(()) => String::new(),
            Err(error) => format!("its branch could not be deleted: {error}"),
        }
    }

    fn failed(&mut self, at: usize, failure: &Failure) {
        let said = failure.said();
        let job = &mut self.jobs[at];
        job.writes += 1;
        job.is_in_doubt = failure.is_in_doubt();
        let Failure::Github(error) = failure else {
            job.end = Some(if job.is_in_doubt { End::InDoubt(said) } else { End::Failed(said) });
            return;
        };
        if let Some(until) = error.limited_until() {
            let left = Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default();
            if left < TURN && job.writes < TRIES {
                job.again_in(left);
            } else {
                self.limited(&format!("{said} (until {until:.0})"));
            }
        } else if error.wants_queue() && !job.wants_queue {
            job.wants_queue = true;
            job.again_in(Duration::ZERO);
        } else if error.is_head_moved() {
            // Read once more, so that the ledger knows it, and decided by that.
            job.again_in(Duration::ZERO);
            job.seen = None;
            job.end = (job.writes >= TRIES).then_some(End::Failed(said));
        } else if job.writes >= TRIES {
            job.end = Some(if job.is_in_doubt { End::InDoubt(said) } else { End::Failed(said) });
        } else if job.is_in_doubt || error.is_base_modified() || error.is_not_sent() {
            job.again_in(PAUSE);
        } else {
            job.end = Some(End::Failed(said));
        }
    }

    /// Nothing more can be written for a while.
    fn limited(&mut self, reason: &str) {
        for job in self.jobs.iter_mut().filter(|job| job.end.is_none()) {
            let left = Left::because("limited", reason);
            job.end = Some(End::Left(Left { may_come: true, ..left }));
        }
    }
}

/// Where it is now, whatever its repository was called.
fn address(reading: &PullRequest) -> Option<PullRequestName> {
    PullRequestName::new(&format!("{}#{}", reading.repository.name_with_owner, reading.number)).ok()
}
