//! Which heads a message was about. GitHub pins the head of a merge; nobody pins that of a message, and Jules may push while it is
//! under way.

use crate::outcome::{EventKind, Outcome, PullAction, PullResult};
use crate::runner::RunError;

use super::Acting;

impl Acting<'_> {
    /// A message has left, or may have. Where GitHub does not tell the head, nothing is said of what came of it: the next
    /// invocation asks.
    pub(super) async fn messaged(
        &mut self,
        at: usize,
        result: PullResult,
        note: Option<String>,
    ) -> Result<(), RunError> {
        self.read(&[at]).await?;
        let written = self.jobs[at].written.clone();
        self.covers_its_head(at, written.as_deref(), result, note)?;
        self.wakes(at)
    }

    /// A process before this one died while its message was under way.
    pub(super) fn messaged_before(&mut self, at: usize) -> Result<(), RunError> {
        let pull = &self.jobs[at].pull;
        let open = pull.records.in_doubt(&pull.followed.url);
        match open.filter(|write| write.action == PullAction::Message && write.result.is_none()) {
            Some(write) => {
                let head = write.head.clone();
                self.covers_its_head(at, head.as_deref(), PullResult::InDoubt, None)?;
                self.wakes(at)
            }
            None => Ok(()),
        }
    }

    /// The message about one head may have come when it had its present one: there is none about that any more.
    fn covers_its_head(
        &mut self,
        at: usize,
        written: Option<&str>,
        result: PullResult,
        note: Option<String>,
    ) -> Result<(), RunError> {
        let job = &self.jobs[at];
        let Some(head) = job.reading.as_ref().map(|reading| reading.head.clone()) else { return Ok(()) };
        let (task, url, by) =
            (job.pull.followed.task.clone(), job.pull.followed.url.clone(), self.how.by.clone());
        let action = PullAction::Message;
        let acted = |note| {
            let (task, url) = (task.clone(), url.clone());
            EventKind::PullRequestActed { task, url, action, result, note }
        };
        let mut kinds = vec![acted(note)];
        if written != Some(head.as_str()) {
            let (task, url) = (task.clone(), url.clone());
            kinds.push(EventKind::PullRequestActing { task, url, action, head: Some(head), by });
            kinds.push(acted(None));
        }
        self.append(at, kinds)
    }
    /// Its session comes to work again: for its task it is as one that nobody has followed to its end, which the next run does.
    fn wakes(&mut self, at: usize) -> Result<(), RunError> {
        let followed = &mut self.jobs[at].pull.followed;
        followed.is_session_live = true;
        let Some(session) = &followed.session else { return Ok(()) };
        let Some((run, task, attempt)) = self.log.ended_attempt(session)? else { return Ok(()) };
        let (outcome, attempt, work) = (Outcome::Detached, attempt.number, attempt.work);
        let reason = Some("its session was sent a message about its pull request".to_owned());
        let ended =
            EventKind::AttemptEnded { task: task.clone(), attempt, outcome, reason: reason.clone(), work };
        self.log.append(&run, [ended, EventKind::TaskEnded { task, outcome, reason }])
    }
}
