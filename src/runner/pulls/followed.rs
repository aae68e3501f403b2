//! Which pull requests there are to read, and what is known of each beside GitHub.

use std::sync::Arc;

use jiff::Timestamp;

use super::records::Records;
use crate::ledger::{LedgerError, LedgerReader, ManifestIdentity};
use crate::outcome::{PullState, PullStatus, RunId, RunRecord, TaskRecord};
use crate::plan::TaskId;
use jules::{Jules, SessionId};

/// A pull request of a task, as a run knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FollowedPull {
    /// The run that it stands in.
    pub(crate) run: RunId,
    /// Its task there.
    pub(crate) task: TaskId,
    /// Its page, as the session told it.
    pub(crate) url: String,
    /// The task's repository, `owner/repo`.
    pub(crate) source: Option<String>,
    /// The session that made it.
    pub(crate) session: Option<SessionId>,
    /// Whether that was at work when it was last looked at.
    pub(crate) is_session_live: bool,
    /// How it stood when it was last read.
    pub(crate) earlier: Option<Arc<PullStatus>>,
}

impl FollowedPull {
    /// All that a run's tasks have made or taken over, those of attempts that were tried again among them.
    pub(crate) fn of_run(record: &RunRecord) -> Vec<Self> {
        let of = |task: &TaskRecord| Self::of_task(&record.info.id, task);
        record.tasks.values().flat_map(of).collect()
    }

    /// Those of one task.
    pub(crate) fn of_task(run: &RunId, task: &TaskRecord) -> Vec<Self> {
        let own = task.attempts.iter().flat_map(|attempt| {
            let session = attempt.session.as_ref().map(|session| &session.id);
            attempt.work.pull_requests().map(move |pull| (&pull.url, session, attempt.is_live()))
        });
        let adopted = task
            .pulls
            .adopted()
            .map(|adopted| (&adopted.pull.url, adopted.session.as_ref().map(|session| &session.id), false));
        let mut found: Vec<Self> = Vec::new();
        for (url, session, is_session_live) in own.chain(adopted) {
            if found.iter().all(|known| known.url != *url) {
                found.push(Self {
                    run: run.clone(),
                    task: task.planned.id.clone(),
                    url: url.clone(),
                    source: task.planned.source.as_ref().map(|source| source.github.clone()),
                    session: session.cloned(),
                    is_session_live,
                    earlier: task.pulls.of(url).map(|known| known.status.clone()),
                });
            }
        }
        found
    }

    /// Those of all of the manifest's runs that were open when they were last read, or never were read, or were closed since
    /// then, which may have been opened again; each once.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn open(
        reader: &LedgerReader,
        manifest: &ManifestIdentity,
        closed_since: Timestamp,
    ) -> Result<Vec<Self>, LedgerError> {
        let pulls = reader.open_pulls(manifest, closed_since)?;
        let records = Records::of_pulls(reader, &pulls)?;
        let mut found = Vec::with_capacity(pulls.len());
        for pull in pulls {
            let Some(run) = pull.run else { continue };
            let Some(record) = records.task(&run, &pull.task) else { continue };
            let known = Self::of_task(&run, record).into_iter().find(|known| known.url == pull.url);
            // One that the task had before its prompt was edited has no place in its record.
            found.push(known.unwrap_or_else(|| Self {
                run,
                task: pull.task,
                source: record.planned.source.as_ref().map(|source| source.github.clone()),
                session: pull.session,
                is_session_live: false,
                earlier: record.pulls.of(&pull.url).map(|known| known.status.clone()),
                url: pull.url,
            }));
        }
        Ok(found)
    }

    /// Asks the service whether its session is at work; where that does not tell, what was known stands.
    pub(crate) async fn ask_whether_live(&mut self, jules: &Jules) {
        let Some(session) = &self.session else { return };
        if let Ok(session) = jules.get_session(session).await {
            self.is_session_live = !session.is_terminal();
        }
    }

    /// Whether reading it can tell anything new: a merge is for ever.
    pub(crate) fn may_change(&self) -> bool {
        self.earlier.as_ref().is_none_or(|earlier| earlier.state != PullState::Merged)
    }
}
