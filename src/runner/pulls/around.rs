//! What an invocation asks of GitHub: at its start, before anything is decided, and at its end.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use indexmap::{IndexMap, IndexSet};
use jiff::Timestamp;
use tokio::time::Instant;

use super::records::Records;
use super::{FollowedPull, PullRead, PullReader, lost, record, troubles};
use crate::engine::{AtEnd, Between, OpenPull};
use crate::github::{GitHub, Unreadable, UnreadableKind};
use crate::ledger::{Ledger, LedgerError, LedgerPull, LedgerReader, ManifestIdentity};
use crate::outcome::{
    EventKind, GithubUsage, PullRequest, PullState, PullStatus, RunId, RunRecord, SessionRef, Stage,
    TaskRecord,
};
use crate::plan::{FormerNames, Task, TaskId, TaskKey};
use crate::pulls::{self, Spent, Terms};
use crate::report::many;
use crate::runner::existing::EarlierPull;
use crate::runner::{Redactor, RunError};
use jules::{Jules, PullRequestName};

/// How long the start may wait for GitHub, and the end.
const AT_START: Duration = Duration::from_secs(20);
const AT_END: Duration = Duration::from_secs(10);
/// When those are read again, at the end, that GitHub is still computing.
const AGAIN: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(4)];
/// How long pull requests are looked for that the ledger has lost.
const LOOKING: Duration = Duration::from_secs(60);

/// GitHub, as far as a run has to do with it.
#[derive(Debug)]
pub(crate) struct Following {
    pub(crate) github: GitHub,
    pub(crate) terms: Terms,
    /// How many times as fast time passes there.
    pub(crate) pace: f64,
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

impl Following {
    /// Reads them, and those once more of which GitHub does not know yet whether they can be merged: it finds that out when
    /// it is asked.
    async fn read_to_the_end(
        &self,
        followed: Vec<FollowedPull>,
    ) -> (Vec<(FollowedPull, PullRead)>, GithubUsage) {
        let deadline = Instant::now() + AT_END;
        let (mut reads, mut usage) = self.read(followed, AT_END).await;
        for pause in AGAIN.map(|pause| pause.div_f64(self.pace)) {
            let is_open = |read: &PullRead| read.tells() && read.status.stage == Stage::Checking;
            let asked = reads.iter().filter(|(_, read)| is_open(read));
            let again = asked.map(|(pull, read)| {
                let earlier = Some(read.status.clone());
                FollowedPull { earlier, ..pull.clone() }
            });
            let again: Vec<_> = again.collect();
            if again.is_empty() || Instant::now() + pause >= deadline {
                break;
            }
            tokio::time::sleep(pause).await;
            let (news, used) = self.read(again, deadline.duration_since(Instant::now())).await;
            usage.add(used);
            for (pull, read) in news.into_iter().filter(|(_, read)| read.tells()) {
                let known = reads.iter_mut().find(|(known, _)| known.url == pull.url);
                known.into_iter().for_each(|known| known.1 = read.clone());
            }
        }
        (reads, usage)
    }
}

/// What was read at the start, of the pull requests of the manifest's earlier rounds and of the one that is gone on with.
#[derive(Debug, Default)]
pub(crate) struct PullsBefore {
    /// By their pages.
    reads: IndexMap<String, (FollowedPull, PullRead)>,
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
        let reads = reads.into_iter().map(|(pull, read)| (pull.url.clone(), (pull, read))).collect();
        Self { notes, usage, reads, ..Self::default() }
    }

    /// Whether GitHub refuses the token.
    pub(crate) fn is_refused(&self) -> bool {
        let refuses = |why: &Unreadable| why.kind == UnreadableKind::BadToken;
        self.reads.values().any(|(_, read)| read.unreadable().is_some_and(refuses))
    }

    /// What is news of them to this run, whether it is recorded yet or not.
    pub(crate) fn news_of(&self, run: &RunId) -> Vec<EventKind> {
        let its = self.reads.values().filter(|(pull, _)| pull.run == *run);
        its.filter_map(|(pull, read)| super::news(pull, read, Timestamp::MIN)).collect()
    }

    /// Looks for pull requests of tasks that the ledger does not know, made since then.
    pub(crate) async fn look_for(
        &mut self,
        tasks: &[&Task],
        former: FormerNames<'_>,
        (following, jules): (&Following, &Jules),
        since: Timestamp,
    ) {
        let before = following.github.usage();
        let deadline = Instant::now() + LOOKING;
        self.found = lost::find(tasks, former, &following.github, jules, since, deadline).await;
        self.usage.add(following.github.usage().since(before));
    }

    /// How it stands by what was read at the start.
    pub(crate) fn status(&self, url: &str) -> Option<&PullStatus> {
        self.reads.get(url).map(|(_, read)| &*read.status)
    }

    /// The manifest's that are open, or may be as far as anybody knows.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn open(
        &self,
        reader: Option<&LedgerReader>,
        manifest: &ManifestIdentity,
    ) -> Result<Vec<OpenPull>, LedgerError> {
        let over = |(_, read): &&(FollowedPull, PullRead)| read.status.state.is_over();
        let over: HashSet<&str> =
            self.reads.values().filter(over).map(|(pull, _)| pull.url.as_str()).collect();
        let known =
            reader.map(|reader| reader.open_pulls(manifest, Timestamp::MAX)).transpose()?.unwrap_or_default();
        let known = known.into_iter().map(|pull| pull.url).filter(|url| !over.contains(url.as_str()));
        let is_open = |pull: &&EarlierPull| pull.state == PullState::Open;
        let lost = self.found.values().flatten().filter(is_open).map(|lost| lost.pull.url.clone());
        let urls: IndexSet<String> = known.chain(lost).collect();
        let open = |url: String| {
            let repository = PullRequestName::of_url(&url)?.repository();
            Some(OpenPull { url: Some(url), repository })
        };
        Ok(urls.into_iter().filter_map(open).collect())
    }

    /// The pull requests that earlier runs have made for these tasks, by their keys, as they stand.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn of_tasks<'t>(
        &self,
        tasks: impl Iterator<Item = &'t Task>,
        former: FormerNames<'_>,
        reader: Option<&LedgerReader>,
    ) -> Result<HashMap<TaskId, Vec<EarlierPull>>, LedgerError> {
        let mut found: HashMap<TaskId, Vec<EarlierPull>> = HashMap::new();
        if let Some(reader) = reader {
            let of_task = |task: &'t Task| task.every_key(former).map(move |key| (key, &task.id));
            let keys = tasks.filter(|task| task.source.is_some()).flat_map(of_task);
            let (keys, ids): (Vec<TaskKey>, Vec<&TaskId>) = keys.unzip();
            let mut of_key: HashMap<TaskKey, Vec<LedgerPull>> = HashMap::new();
            for pull in reader.pulls_of_keys(&keys, false)? {
                of_key.entry(pull.key.clone()).or_default().push(pull);
            }
            let known = keys.iter().zip(ids).filter_map(|(key, id)| Some((id, of_key.remove(key)?)));
            let known: Vec<_> =
                known.flat_map(|(id, pulls)| pulls.into_iter().map(move |pull| (id, pull))).collect();
            let records = Records::of_pulls(reader, known.iter().map(|(_, pull)| pull))?;
            for (task, pull) in known {
                let pull = self.earlier(pull, &records);
                // A session can name what is none of its own: what became of that says nothing of the task.
                if !pull.is_foreign || pull.state == PullState::Open {
                    found.entry(task.clone()).or_default().push(pull);
                }
            }
        }
        for (task, lost) in &self.found {
            found.entry(task.clone()).or_default().extend(lost.iter().cloned());
        }
        Ok(found)
    }

    fn earlier(&self, known: LedgerPull, records: &Records) -> EarlierPull {
        let record = known.run.as_ref().and_then(|run| records.task(run, &known.task));
        let status = self.status(&known.url).or_else(|| Some(&record?.pulls.of(&known.url)?.status));
        let made =
            record.into_iter().flat_map(TaskRecord::every_pull_request).find(|pull| pull.url == known.url);
        let number = PullRequestName::of_url(&known.url).map(|name| name.number());
        let plain =
            || PullRequest { url: known.url.clone(), number, title: None, base_ref: None, head_ref: None };
        let sessions = record.iter().flat_map(|record| &record.attempts).filter_map(|it| it.session.as_ref());
        let session = known.session.as_ref().map(|id| {
            let told = sessions.into_iter().find(|session| session.id == *id);
            told.cloned().unwrap_or_else(|| SessionRef { id: id.clone(), url: None })
        });
        let state = status.map_or(known.state, |status| Some(status.state));
        EarlierPull {
            pull: made.cloned().unwrap_or_else(plain),
            state: state.unwrap_or(PullState::Unknown),
            is_unreadable: state == Some(PullState::Unknown),
            is_foreign: status.map_or(known.stage, |status| Some(status.stage)) == Some(Stage::Foreign),
            made_at: known.made_at,
            closed_at: status.map_or(known.closed_at, |status| status.closed_at.or(status.merged_at)),
            closed_by: status.and_then(|status| status.closed_by.clone()),
            session,
            run: known.run,
        }
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
        record(ledger, redactor, self.reads.values().map(|(pull, read)| (pull, read)), self.usage, began)
    }
}

/// Reads the run's pull requests now and then while it is at work, each as often as it may change.
pub(crate) fn between(following: Rc<Following>, began: Timestamp) -> Between {
    let spent: Rc<Cell<Option<Spent>>> = Rc::default();
    let mut next = Timestamp::MIN;
    Box::new(move |run: &RunRecord| {
        let now = Timestamp::now();
        let mut followed = FollowedPull::of_run(run);
        followed.retain(FollowedPull::may_change);
        let is_new = followed.iter().any(|pull| pull.earlier.is_none());
        if now < next && !is_new {
            return None;
        }
        let standing: Vec<_> = followed.iter().map(|pull| pull.earlier.as_deref()).collect();
        let plan = pulls::plan(&standing, spent.get(), following.pace, now);
        if plan.is_empty() {
            next = plan.next.unwrap_or(Timestamp::MIN);
            return None;
        }
        next = Timestamp::MIN;
        let chosen: Vec<_> = plan.first.iter().chain(&plan.by_id).map(|at| followed[*at].clone()).collect();
        let (following, spent) = (Rc::clone(&following), Rc::clone(&spent));
        Some(Box::pin(async move {
            let (reads, usage) = following.read(chosen, AT_START).await;
            spent.set(Some(Spent { at: Timestamp::now(), points: usage.points }));
            events_of(&reads, usage, began)
        }))
    })
}

fn events_of(reads: &[(FollowedPull, PullRead)], usage: GithubUsage, began: Timestamp) -> Vec<EventKind> {
    let mut events: Vec<_> = reads.iter().filter_map(|(pull, read)| super::news(pull, read, began)).collect();
    if usage != GithubUsage::default() {
        events.push(EventKind::GithubUsed { usage });
    }
    events
}

/// Reads the run's pull requests when all else is done. What kept GitHub from telling is noted, but for what was told
/// before.
pub(crate) fn at_end(following: Rc<Following>, told: Vec<String>, began: Timestamp) -> AtEnd {
    Box::new(move |run: &RunRecord| {
        let followed = FollowedPull::of_run(run);
        Box::pin(async move {
            if followed.is_empty() {
                return Vec::new();
            }
            let (reads, usage) = following.read_to_the_end(followed).await;
            let notes = troubles(reads.iter().map(|(pull, read)| (pull, read)));
            let notes = notes.into_iter().filter(|note| !told.contains(note));
            let mut events: Vec<_> = notes.map(|note| EventKind::Noted { task: None, note }).collect();
            events.extend(events_of(&reads, usage, began));
            events
        })
    })
}
