//! Pull requests are read: those that are new by their numbers, the others by id, and more of the few where that decides.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::FollowedPull;
use crate::github::{Details, GitHub, PullRequest, Reading, Unreadable, UnreadableKind};
use crate::outcome::{GithubUsage, PullState, PullStatus, Stage};
use crate::pulls::{self, Known, Pushes, Terms, wants_details, wants_first_contact, wants_pushes};
use jules::PullRequestName;

/// Reads pull requests with one client, and counts what that costs.
pub(crate) struct PullReader<'g> {
    github: &'g GitHub,
    terms: Terms,
    /// The login of the token, where it can be had: what it pushed is ours.
    own: OnceCell<Option<String>>,
    /// What was told of its usage already.
    told: Mutex<GithubUsage>,
}

/// What a reading gave of one.
#[derive(Clone, Debug)]
pub(crate) struct PullRead {
    /// How it stands. As before, where nothing could be read of it.
    pub(crate) status: Arc<PullStatus>,
    /// Whether GitHub told of it; none where it was not asked, for what is merged already.
    pub(crate) answer: Option<Reading<()>>,
}

/// What GitHub showed of one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// None where it told nothing.
    pub(crate) reading: Option<PullRequest>,
    /// Labels, reviews and checks, where they were read as well.
    pub(crate) details: Option<Details>,
}

/// What was shown of so many is kept at once.
const AT_ONCE: usize = 1_000;

impl PullRead {
    /// Why GitHub did not tell, if it did not.
    pub(crate) fn unreadable(&self) -> Option<&Unreadable> {
        self.answer.as_ref()?.as_ref().err()
    }

    /// Whether it tells of the pull request, and not only that there was no answer.
    pub(crate) fn tells(&self) -> bool {
        let answer = self.answer.as_ref();
        answer.is_some_and(|answer| answer.as_ref().err().is_none_or(|why| !why.is_passing()))
    }
}

impl<'g> PullReader<'g> {
    /// With these terms; sends nothing.
    pub(crate) fn new(github: &'g GitHub, terms: Terms) -> Self {
        Self { github, terms, own: OnceCell::new(), told: Mutex::new(github.usage()) }
    }

    /// What was asked of GitHub since the last call.
    pub(crate) fn used(&self) -> GithubUsage {
        let mut told = self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let before = std::mem::replace(&mut *told, self.github.usage());
        told.since(before)
    }

    /// Reads them now, in their order. What has no answer by `deadline` stands as it did.
    pub(crate) async fn read(&self, followed: &[FollowedPull], deadline: Instant) -> Vec<PullRead> {
        let mut reads = Vec::with_capacity(followed.len());
        for some in followed.chunks(AT_ONCE) {
            reads.extend(self.read_whole(some, deadline).await.into_iter().map(|(read, _)| read));
        }
        reads
    }

    /// The same, with what was shown.
    pub(crate) async fn read_whole(
        &self,
        followed: &[FollowedPull],
        deadline: Instant,
    ) -> Vec<(PullRead, Shown)> {
        let readings = self.readings(followed, deadline).await;
        let now = Timestamp::now();
        let first = |(pull, reading): (&FollowedPull, Option<Reading<PullRequest>>)| {
            // What was closed is closed until somebody sees it open.
            let stands = |earlier: &&Arc<PullStatus>| match &reading {
                None => true,
                Some(reading) => reading.is_err() && earlier.state == PullState::Closed,
            };
            if let Some(earlier) = pull.earlier.as_ref().filter(stands) {
                return (Arc::clone(earlier), None);
            }
            let reading = reading.unwrap_or_else(|| Err(no_address(&pull.url)));
            (self.status(pull, &reading, &Pushes::NotRead, None, now), Some(reading))
        };
        let (mut statuses, readings): (Vec<_>, Vec<_>) = followed.iter().zip(readings).map(first).unzip();
        let details = self.read_more(followed, &readings, &mut statuses, deadline, now).await;
        let whole = |((status, reading), details): ((_, Option<Reading<PullRequest>>), _)| {
            let answer = reading.as_ref().map(|reading| reading.as_ref().map(|_| ()).map_err(Clone::clone));
            let reading = reading.and_then(Result::ok);
            (PullRead { status, answer }, Shown { reading, details })
        };
        statuses.into_iter().zip(readings).zip(details).map(whole).collect()
    }

    async fn readings(
        &self,
        followed: &[FollowedPull],
        deadline: Instant,
    ) -> Vec<Option<Reading<PullRequest>>> {
        let places = 0..followed.len();
        let (mut first, mut addresses, mut known, mut ids) = (vec![], vec![], vec![], vec![]);
        for place in places.filter(|place| followed[*place].may_change()) {
            let pull = &followed[place];
            let id = pull.earlier.as_ref().filter(|earlier| !wants_first_contact(Some(earlier)));
            match (id.and_then(|earlier| earlier.id.clone()), PullRequestName::of_url(&pull.url)) {
                (Some(id), _) => {
                    known.push(place);
                    ids.push(id);
                }
                (None, Some(address)) => {
                    first.push(place);
                    addresses.push(address);
                }
                (None, None) => {}
            }
        }
        let mut readings = vec![None; followed.len()];
        let by_id = self.github.by_id(&ids, deadline).await;
        let by_number = self.github.by_number(&addresses, deadline).await;
        for (place, reading) in known.into_iter().zip(by_id).chain(first.into_iter().zip(by_number)) {
            readings[place] = Some(reading);
        }
        readings
    }

    /// Who pushed, labels and who closed it, where what it waits for depends on them.
    async fn read_more(
        &self,
        followed: &[FollowedPull],
        readings: &[Option<Reading<PullRequest>>],
        statuses: &mut [Arc<PullStatus>],
        deadline: Instant,
        now: Timestamp,
    ) -> Vec<Option<Details>> {
        let mut pushes = vec![Pushes::NotRead; followed.len()];
        for (place, reading) in readings.iter().enumerate() {
            let Some(reading @ Ok(pull)) = reading else { continue };
            let known = known(&followed[place], &Pushes::NotRead, None);
            if wants_pushes(pull, known, &self.terms, now) && Instant::now() < deadline {
                pushes[place] = self.pushes(pull, deadline).await;
                statuses[place] = self.status(&followed[place], reading, &pushes[place], None, now);
            }
        }
        let wants = |place: &usize| {
            let earlier = followed[*place].earlier.as_deref();
            matches!(readings[*place], Some(Ok(_))) && wants_details(&statuses[*place], earlier)
        };
        let wanted: Vec<usize> = (0..readings.len()).filter(wants).collect();
        let ids: Vec<String> = wanted.iter().filter_map(|place| statuses[*place].id.clone()).collect();
        let mut all = vec![None; followed.len()];
        for (place, details) in wanted.into_iter().zip(self.github.details(&ids, deadline).await) {
            let (status, pull) = (&mut statuses[place], &followed[place]);
            let Some(reading) = &readings[place] else { continue };
            match details {
                Ok(details) => {
                    *status = self.status(pull, reading, &pushes[place], Some(&details), now);
                    all[place] = Some(details);
                }
                // It may be on hold: the next reading asks again.
                Err(why) if status.stage == Stage::Ready => {
                    let status = Arc::make_mut(status);
                    status.stage = Stage::Checking;
                    status.reason = Some(format!("its labels were not read: {why}"));
                }
                Err(_) => {}
            }
        }
        all
    }

    async fn pushes(&self, pull: &PullRequest, deadline: Instant) -> Pushes {
        let own = self.own.get_or_init(|| async { self.github.viewer(deadline).await.ok() }).await;
        let repository = &pull.repository.name_with_owner;
        let activity = self.github.pushes(repository, &pull.branch, deadline).await;
        match &activity {
            // It says nothing of the branch: the next reading asks again.
            Err(unreadable) if unreadable.is_passing() => Pushes::NotRead,
            _ => Pushes::of(&activity, &pull.head, own.as_deref()),
        }
    }

    fn status(
        &self,
        pull: &FollowedPull,
        reading: &Reading<PullRequest>,
        pushes: &Pushes,
        details: Option<&Details>,
        now: Timestamp,
    ) -> Arc<PullStatus> {
        Arc::new(pulls::status(reading, known(pull, pushes, details), &self.terms, now))
    }
}

fn known<'a>(pull: &'a FollowedPull, pushes: &'a Pushes, details: Option<&'a Details>) -> Known<'a> {
    Known {
        url: &pull.url,
        source: pull.source.as_deref(),
        session: pull.session.as_ref(),
        is_session_live: pull.is_session_live,
        earlier: pull.earlier.as_deref(),
        pushes,
        details,
    }
}

fn no_address(url: &str) -> Unreadable {
    let url = foreign_text::one_line(url, 200);
    Unreadable { kind: UnreadableKind::Gone, said: format!("{url} is no pull request on github.com") }
}
