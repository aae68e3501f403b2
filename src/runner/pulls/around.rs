//! What an invocation asks of GitHub: at its start, before anything is decided, and at its end.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{FollowedPull, PullRead, PullReader, lost, record, troubles};
use crate::engine::AtEnd;
use crate::github::{GitHub, PullAddress, Unreadable, UnreadableKind};
use crate::ledger::{Ledger, LedgerError, LedgerPull, LedgerReader, ManifestIdentity};
use crate::outcome::{
    EventKind, GithubUsage, PullRequest, PullState, PullStatus, RunRecord, SessionRef, Stage, TaskRecord,
};
use crate::plan::{Task, TaskId};
use crate::pulls::Terms;
use crate::report::many;
use crate::runner::existing::EarlierPull;
use crate::runner::open_pulls::OpenPulls;
use crate::runner::{Redactor, RunError};
use jules::Jules;

/// How long the start may wait for GitHub, and the end.
const AT_START: Duration = Duration::from_secs(20);
const AT_END: Duration = Duration::from_secs(10);
/// How long pull requests are looked for that the ledger has lost.
const LOOKING: Duration = Duration::from_secs(60);

/// GitHub, as far as a run has to do with it.
#[derive(Debug)]
pub(crate) struct Following {
    pub(crate) github: GitHub,
    pub(crate) terms: Terms,
    /// It is played by a simulator, which forgets what there was before it began.
    pub(crate) is_played: bool,
}

impl Following {
    /// Reads them, in pairs.
    async fn read(
        &self,
        mut followed: Vec<FollowedPull>,
        patience: Duration,
    ) -> (Vec<(FollowedPull, PullRead)>, GithubUsage) {
        followed.retain(FollowedPull::may_change);
        let reader = PullReader::new(&self.github, self.terms.clone());
        let reads = reader.read(&followed, Instant::now() + patience).await;
        let mut reads: Vec<_> = followed.into_iter().zip(reads).collect();
        let is_gone = |why: &Unreadable| why.kind == UnreadableKind::Gone;
        reads.retain(|(_, read)| !self.is_played || !read.unreadable().is_some_and(is_gone));
        (reads, reader.used())
    }
}

/// What was read at the start, of the pull requests of the manifest's earlier rounds and of the one that is gone on with.
#[derive(Debug, Default)]
pub(crate) struct PullsBefore {
    reads: Vec<(FollowedPull, PullRead)>,
    usage: GithubUsage,
    /// Those that the ledger does not know.
    found: HashMap<TaskId, Vec<EarlierPull>>,
    /// What a user should know: in one line each.
    pub(crate) notes: Vec<String>,
}

impl PullsBefore {
    /// Reads those that may still change.
    pub(crate) async fn read(followed: Vec<FollowedPull>, following: Option<&Following>) -> Self {
        if followed.is_empty() {
            return Self::default();
        }
        let Some(following) = following else {
            let note = format!(
                "nobody looks what became of {}: no token for GitHub is set (JULES_BATCH_GITHUB_TOKEN, GH_TOKEN, GITHUB_TOKEN)",
                many(followed.len(), "pull request")
            );
            return Self { notes: vec![note], ..Self::default() };
        };
        let (reads, usage) = following.read(followed, AT_START).await;
        let notes = troubles(reads.iter().map(|(pull, read)| (pull, read)));
        Self { notes, usage, reads, ..Self::default() }
    }

    /// Looks for pull requests of tasks that the ledger does not know, made since then.
    pub(crate) async fn look_for(
        &mut self,
        tasks: &[&Task],
        former_name: Option<&str>,
        (following, jules): (&Following, &Jules),
        since: Timestamp,
    ) {
        let before = following.github.usage();
        let deadline = Instant::now() + LOOKING;
        self.found = lost::find(tasks, former_name, &following.github, jules, since, deadline).await;
        self.usage.add(following.github.usage().since(before));
    }

    /// How it stands by what was read at the start.
    pub(crate) fn status(&self, url: &str) -> Option<&PullStatus> {
        self.reads.iter().find(|(pull, _)| pull.url == url).map(|(_, read)| &read.status)
    }

    /// How many of the manifest's are open, or may be as far as anybody knows.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn open(
        &self,
        reader: &LedgerReader,
        manifest: &ManifestIdentity,
    ) -> Result<OpenPulls, LedgerError> {
        let over = |(_, read): &&(FollowedPull, PullRead)| read.status.state.is_over();
        let over: HashSet<&str> = self.reads.iter().filter(over).map(|(pull, _)| pull.url.as_str()).collect();
        let mut open = OpenPulls::default();
        for pull in reader.open_pulls(manifest)?.iter().filter(|pull| !over.contains(pull.url.as_str())) {
            if let Some(address) = PullAddress::of_url(&pull.url) {
                open.add(&address.repository());
            }
        }
        Ok(open)
    }

    /// The pull requests that earlier runs have made for a task, by its key, as they stand.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn of_task(
        &self,
        task: &Task,
        former_name: Option<&str>,
        reader: Option<&LedgerReader>,
    ) -> Result<Vec<EarlierPull>, LedgerError> {
        let lost = self.found.get(&task.id).cloned().unwrap_or_default();
        let Some(reader) = reader.filter(|_| task.source.is_some()) else { return Ok(lost) };
        let mut found = reader.pulls_of_key(&task.key, false)?;
        if let Some(name) = former_name {
            found.extend(reader.pulls_of_key(&task.key_under(name), false)?);
        }
        found.retain(|pull| pull.stage != Some(Stage::Foreign));
        let known = found.into_iter().map(|pull| self.earlier(pull, reader));
        known.chain(lost.into_iter().map(Ok)).collect()
    }

    fn earlier(&self, known: LedgerPull, reader: &LedgerReader) -> Result<EarlierPull, LedgerError> {
        let record = match &known.run {
            Some(run) => reader.task(run, &known.task)?,
            None => None,
        };
        let status = self.status(&known.url).or_else(|| Some(&record.as_ref()?.pulls.of(&known.url)?.status));
        let made = record.iter().flat_map(TaskRecord::every_pull_request).find(|pull| pull.url == known.url);
        let number = PullAddress::of_url(&known.url).map(|address| u64::from(address.number));
        let plain =
            || PullRequest { url: known.url.clone(), number, title: None, base_ref: None, head_ref: None };
        let sessions = record.iter().flat_map(|record| &record.attempts).filter_map(|it| it.session.as_ref());
        let session = known.session.as_ref().map(|id| {
            let told = sessions.into_iter().find(|session| session.id == *id);
            told.cloned().unwrap_or_else(|| SessionRef { id: id.clone(), url: None })
        });
        Ok(EarlierPull {
            pull: made.cloned().unwrap_or_else(plain),
            state: status.map_or(known.state, |status| Some(status.state)).unwrap_or(PullState::Unknown),
            made_at: known.made_at,
            closed_at: status.map_or(known.closed_at, |status| status.closed_at.or(status.merged_at)),
            closed_by: status.and_then(|status| status.closed_by.clone()),
            session,
            run: known.run,
        })
    }

    /// Enters it into the ledger.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub(crate) fn record(
        &self,
        ledger: Ledger,
        redactor: &Redactor,
        began: Timestamp,
    ) -> Result<Ledger, RunError> {
        record(ledger, redactor, self.reads.iter().map(|(pull, read)| (pull, read)), self.usage, began)
    }
}

/// Reads the run's pull requests when all else is done. What kept GitHub from telling is noted, but for what was told
/// before.
pub(crate) fn at_end(following: Following, told: Vec<String>, began: Timestamp) -> AtEnd {
    Box::new(move |run: &RunRecord| {
        let followed = FollowedPull::of_run(run);
        Box::pin(async move {
            if followed.is_empty() {
                return Vec::new();
            }
            let (reads, usage) = following.read(followed, AT_END).await;
            let both = || reads.iter().map(|(pull, read)| (pull, read));
            let notes = troubles(both()).into_iter().filter(|note| !told.contains(note));
            let mut events: Vec<_> = notes.map(|note| EventKind::Noted { task: None, note }).collect();
            events.extend(both().filter_map(|(pull, read)| super::news(pull, read, began)));
            if usage != GithubUsage::default() {
                events.push(EventKind::GithubUsed { usage });
            }
            events
        })
    })
}
