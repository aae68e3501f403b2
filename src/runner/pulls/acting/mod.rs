//! Acts on pull requests: reads, decides, writes one thing at a time, and reads again. Every intent is in the ledger before its
//! request, and what became of it after it.

mod job;
mod messages;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

pub(crate) use job::{End, Job};

use super::{FollowedPull, KnownPull, PullLog, PullRead, PullReader, troubles};
use crate::github::{Details, GitHub, UnreadableKind};
use crate::outcome::{
    EventKind, GithubUsage, PullAction, PullResult, PullState, PullStatus, PullWrite, Stage,
};
use crate::pulls::{self, Case, Decision, Left, MergeTerms, Terms};
use crate::runner::RunError;
use jules::Jules;

/// How long one reading may take.
const READING: Duration = Duration::from_secs(120);
/// How many are read together before they are written to: as many as their details cost a point.
const TOGETHER: usize = 20;
/// How often GitHub is asked for what it has not told before it is left.
const READINGS: u32 = 6;
/// When a reading is so old that there is another before anything is decided by it. GitHub pins the head of a merge, but not its
/// checks: one that fails in between is not seen.
const OLD: jiff::SignedDuration = jiff::SignedDuration::from_secs(3);

/// What is done.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Merge(MergeTerms),
    Close,
    /// Send this to the sessions.
    Message {
        text: String,
        with_failed_checks: bool,
    },
    Update,
}

impl What {
    fn action(&self) -> PullAction {
        match self {
            Self::Merge(_) => PullAction::Merge,
            Self::Close => PullAction::Close,
            Self::Message { .. } => PullAction::Message,
            Self::Update => PullAction::Update,
        }
    }
}

/// How it is done.
#[derive(Clone, Debug)]
pub(crate) struct How {
    /// What is asked of a pull request at all.
    pub(crate) terms: Terms,
    /// Who has it done.
    pub(crate) by: String,
    /// Whether the branch of what is merged or closed goes as well.
    pub(crate) delete_branch: bool,
}

/// Pull requests that are acted on.
pub(crate) struct Acting<'g> {
    github: &'g GitHub,
    /// Without it nobody asks whether sessions are live, and none is sent a message.
    jules: Option<Jules>,
    reader: PullReader<'g>,
    log: PullLog,
    what: What,
    how: How,
    began: Timestamp,
    pub(crate) jobs: Vec<Job>,
    /// How those stand that nothing is done to, by repository.
    aside: Vec<(String, Stage)>,
    /// Why some of those could not be read.
    unread_aside: Vec<UnreadableKind>,
    /// What keeps GitHub from telling, a line each.
    pub(crate) troubles: Vec<String>,
}

impl<'g> Acting<'g> {
    /// Sends nothing.
    pub(crate) fn new(
        (github, jules): (&'g GitHub, Option<Jules>),
        log: PullLog,
        (what, how): (What, How),
        pulls: Vec<KnownPull>,
    ) -> Self {
        let takes_unchecked = how.terms.takes_unchecked;
        Self {
            github,
            jules,
            reader: PullReader::new(github, how.terms.clone()),
            log,
            what,
            how,
            began: Timestamp::now(),
            jobs: pulls.into_iter().map(|pull| Job::new(pull, takes_unchecked)).collect(),
            aside: Vec::new(),
            unread_aside: Vec::new(),
            troubles: Vec::new(),
        }
    }

    /// Nothing is done to the others.
    pub(crate) fn keep(&mut self, is_meant: impl Fn(&KnownPull) -> bool) {
        let (kept, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.jobs).into_iter().partition(|job| is_meant(&job.pull));
        let place = |job: &Job| Some((job.repository()?.to_owned(), job.pull.status()?.stage));
        self.aside.extend(others.iter().filter_map(place));
        self.unread_aside.extend(others.iter().filter_map(|job| job.unreadable));
        self.jobs = kept;
    }

    /// Why some could not be read, those that nothing is done to among them: nobody knows whether they were meant.
    pub(crate) fn unreadable(&self) -> impl Iterator<Item = UnreadableKind> {
        let own = self.jobs.iter().filter_map(|job| job.unreadable);
        own.chain(self.unread_aside.iter().copied())
    }

    /// Reads all of them, and ends what a process before this one could not see the end of.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub(crate) async fn read_all(&mut self) -> Result<(), RunError> {
        let writes = self.log.writes()?;
        self.github.wrote_before(requests(&writes)).await;
        for job in &mut self.jobs {
            job.pull.knows(&writes);
        }
        let all: Vec<usize> = (0..self.jobs.len()).collect();
        self.read(&all).await?;
        for at in all {
            self.messaged_before(at)?;
            let (pull, status) = (&self.jobs[at].pull, self.jobs[at].pull.status());
            let Some(write) = pull.records.in_doubt(&pull.followed.url) else { continue };
            let is_done = match (write.action, status.map(|status| status.state)) {
                (PullAction::Merge, Some(PullState::Merged)) => true,
                (PullAction::Close, Some(state)) => state.is_over(),
                _ => false,
            };
            if is_done {
                let action = write.action;
                self.acted(at, action, PullResult::AlreadySo, None)?;
            }
        }
        Ok(())
    }

    /// What is decided of one by what is known now.
    pub(crate) fn decide(&self, at: usize, now: Timestamp) -> Decision {
        let job = &self.jobs[at];
        let Some(status) = job.pull.status() else { return Decision::Read };
        let (reading, details) = (job.reading.as_ref(), job.details.as_ref());
        let (asked_at, records) = (job.asked_at, &job.pull.records);
        let case = Case { status, reading, details, asked_at, records, now };
        match &self.what {
            What::Merge(terms) => pulls::merge(&case, terms, job.seen.as_ref(), job.wants_queue),
            What::Close => pulls::close(&case),
            What::Message { .. } => pulls::message(&case, job.pull.followed.session.is_some()),
            What::Update => pulls::update(&case, self.others(at)),
        }
    }

    /// How the others of its repository stand, those that this invocation has written to among them.
    fn others(&self, at: usize) -> impl Iterator<Item = Stage> {
        let repository = self.jobs[at].repository();
        let others = self
            .jobs
            .iter()
            .enumerate()
            .filter(move |(other, job)| *other != at && job.repository() == repository);
        let others = others.filter_map(|(_, job)| match &job.end {
            Some(End::Done(_) | End::Queued) => Some(Stage::Working),
            _ => job.pull.status().map(|status| status.stage),
        });
        let aside = self.aside.iter().filter(move |(it, _)| Some(it.as_str()) == repository);
        others.chain(aside.map(|(_, stage)| *stage))
    }

    /// Does it to all that have no end yet. `told` hears of each end.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written: then nothing more is done.
    pub(crate) async fn carry_out(
        &mut self,
        mut told: impl FnMut(&Job),
        mut waits: impl FnMut(Duration),
    ) -> Result<(), RunError> {
        while let Some(at) = self.next() {
            let (now, due) = (Instant::now(), self.jobs[at].due);
            if due > now {
                waits(due - now);
                sleep_until(due).await;
            }
            self.refresh(at).await?;
            self.step(at).await?;
            if self.jobs[at].end.is_some() {
                told(&self.jobs[at]);
            }
        }
        Ok(())
    }

    /// The one that is due first.
    fn next(&self) -> Option<usize> {
        let open = self.jobs.iter().enumerate().filter(|(_, job)| job.end.is_none());
        open.min_by_key(|(at, job)| (job.due, *at)).map(|(at, _)| at)
    }

    /// Reads it again where what is known is old, and with it the next ones.
    async fn refresh(&mut self, at: usize) -> Result<(), RunError> {
        let (now, wall) = (Instant::now(), Timestamp::now());
        let is_old = |job: &Job| {
            job.is_stale
                || job.pull.status().is_none_or(|status| wall.duration_since(status.checked_at) > OLD)
        };
        if !is_old(&self.jobs[at]) {
            return Ok(());
        }
        let others = self
            .jobs
            .iter()
            .enumerate()
            .filter(|(other, job)| *other != at && job.end.is_none() && job.due <= now && is_old(job));
        let mut places: Vec<usize> = others.map(|(other, _)| other).take(TOGETHER - 1).collect();
        places.push(at);
        self.read(&places).await
    }

    async fn read(&mut self, places: &[usize]) -> Result<(), RunError> {
        self.ask_whether_live(places).await;
        let followed: Vec<_> = places.iter().map(|at| self.jobs[*at].pull.followed.clone()).collect();
        let asked_at = Timestamp::now();
        let reads = self.reader.read_whole(&followed, Instant::now() + READING).await;
        let (reads, shown): (Vec<_>, Vec<_>) = reads.into_iter().unzip();
        for line in troubles(followed.iter().zip(&reads)) {
            if !self.troubles.contains(&line) {
                self.troubles.push(line);
            }
        }
        self.record(&followed, &reads)?;
        for (at, read) in places.iter().zip(reads.iter().zip(shown)) {
            self.jobs[*at].take(read, asked_at, self.how.terms.takes_unchecked);
        }
        self.read_details(places).await;
        let usage = self.reader.used();
        if let (Some(pull), true) = (followed.first(), usage != GithubUsage::default()) {
            self.log.append(&pull.run, [EventKind::GithubUsed { usage }])?;
        }
        Ok(())
    }

    /// What was read, as every other command would tell it.
    fn record(&mut self, followed: &[FollowedPull], reads: &[PullRead]) -> Result<(), RunError> {
        if !self.how.terms.takes_unchecked {
            return self.log.record(followed.iter().zip(reads), self.began);
        }
        let as_listed = |status: &PullStatus| Arc::new(pulls::as_listed(status));
        let pairs = followed.iter().zip(reads).map(|(pull, read)| {
            let pull = FollowedPull { earlier: pull.earlier.as_deref().map(as_listed), ..pull.clone() };
            (pull, PullRead { status: as_listed(&read.status), ..read.clone() })
        });
        let pairs: Vec<_> = pairs.collect();
        self.log.record(pairs.iter().map(|(pull, read)| (pull, read)), self.began)
    }

    /// A session that is live again may push any moment; one that was may have ended, with no run to see it.
    async fn ask_whether_live(&mut self, places: &[usize]) {
        let Some(jules) = &self.jules else { return };
        for at in places {
            let job = &mut self.jobs[*at];
            let is_ready = job.pull.status().is_some_and(|status| status.stage == Stage::Ready);
            let may_be_merged = is_ready && matches!(self.what, What::Merge(_));
            if may_be_merged || job.pull.followed.is_session_live {
                job.pull.followed.ask_whether_live(jules).await;
            }
        }
    }

    /// What is decided by labels, reviews and checks is decided by those of now: they are read where they were not just read.
    async fn read_details(&mut self, places: &[usize]) {
        let wanted = |at: &usize| {
            let job = &self.jobs[*at];
            let is_lacking = job.reading.is_some() && job.details.is_none();
            let Some(status) = job.pull.status().filter(|_| is_lacking) else { return false };
            match &self.what {
                What::Merge(_) => status.stage == Stage::Ready,
                What::Message { with_failed_checks, .. } => *with_failed_checks,
                What::Close | What::Update => false,
            }
        };
        let wanted: Vec<usize> = places.iter().copied().filter(wanted).collect();
        let ids: Vec<String> =
            wanted.iter().filter_map(|at| self.jobs[*at].reading.as_ref()).map(|it| it.id.clone()).collect();
        let details = self.github.details(&ids, Instant::now() + READING).await;
        for (at, details) in wanted.into_iter().zip(details) {
            let details: Option<Details> = details.ok();
            self.jobs[at].details = details;
        }
    }

    async fn step(&mut self, at: usize) -> Result<(), RunError> {
        let now = Timestamp::now();
        match self.decide(at, now) {
            Decision::Do(step) => self.write(at, step).await?,
            Decision::Wait(until) => {
                let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                self.jobs[at].again_in(left + Duration::from_millis(20));
            }
            Decision::Read if self.jobs[at].readings >= READINGS => {
                let left = Left::because("checking", "GitHub has not told whether it can be done");
                self.jobs[at].end = Some(End::Left(Left { may_come: true, ..left }));
            }
            Decision::Read => {
                let job = &mut self.jobs[at];
                job.again_in(Duration::from_millis(500) * job.readings);
                job.readings += 1;
            }
            Decision::AlreadySo => self.already_so(at)?,
            Decision::Leave(left) => self.leave(at, left)?,
        }
        Ok(())
    }

    fn already_so(&mut self, at: usize) -> Result<(), RunError> {
        let job = &mut self.jobs[at];
        let is_ours = std::mem::take(&mut job.is_in_doubt);
        job.end = Some(if is_ours { End::Done("its answer was lost".to_owned()) } else { End::AlreadySo });
        if is_ours {
            self.acted(at, self.what.action(), PullResult::AlreadySo, None)?;
        }
        Ok(())
    }

    fn leave(&mut self, at: usize, left: Left) -> Result<(), RunError> {
        let job = &mut self.jobs[at];
        // A branch that is no longer behind after an update without an answer was updated.
        let is_updated = job.is_in_doubt && matches!(self.what, What::Update) && job.has_moved();
        if is_updated {
            job.end = Some(End::Done("its answer was lost".to_owned()));
            return self.acted(at, PullAction::Update, PullResult::AlreadySo, None);
        }
        job.end = Some(End::Left(left));
        Ok(())
    }

    fn acted(
        &mut self,
        at: usize,
        action: PullAction,
        result: PullResult,
        note: Option<String>,
    ) -> Result<(), RunError> {
        let pull = &self.jobs[at].pull.followed;
        let (task, url) = (pull.task.clone(), pull.url.clone());
        self.append(at, vec![EventKind::PullRequestActed { task, url, action, result, note }])
    }

    /// Enters this into the ledger, and into what is known of one from then on.
    fn append(&mut self, at: usize, kinds: Vec<EventKind>) -> Result<(), RunError> {
        let pull = &mut self.jobs[at].pull;
        let (records, now) = (Arc::make_mut(&mut pull.records), Timestamp::now());
        kinds.iter().for_each(|kind| records.apply(kind, now));
        self.log.append(&pull.followed.run, kinds)
    }
}

/// When requests to GitHub left. A message goes elsewhere; what is merged or closed may have had its branch deleted as well.
fn requests(writes: &[PullWrite]) -> impl Iterator<Item = Timestamp> {
    writes.iter().flat_map(|write| {
        let count = match write.action {
            PullAction::Merge | PullAction::Close => 2,
            PullAction::Update => 1,
            PullAction::Message => 0,
        };
        std::iter::repeat_n(write.at, count)
    })
}
