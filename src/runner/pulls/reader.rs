//! Pull requests are read: those that are new by their numbers, the others by id, and more of the few where that decides.

use std::sync::Mutex;

use jiff::Timestamp;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::FollowedPull;
use crate::github::{Details, GitHub, PullAddress, PullRequest, Reading, Unreadable, UnreadableKind};
use crate::outcome::{GithubUsage, PullStatus, Stage};
use crate::pulls::{self, Known, Pushes, Terms, wants_details, wants_first_contact, wants_pushes};

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
    pub(crate) status: PullStatus,
    /// What GitHub showed; none where it was not asked, for what is merged already.
    pub(crate) reading: Option<Reading<PullRequest>>,
    /// Labels, reviews and checks, where they were read as well.
    pub(crate) details: Option<Details>,
}

impl PullRead {
    /// Why GitHub did not tell, if it did not.
    pub(crate) fn unreadable(&self) -> Option<&Unreadable> {
        self.reading.as_ref()?.as_ref().err()
    }

    /// Whether it tells of the pull request, and not only that there was no answer.
    pub(crate) fn tells(&self) -> bool {
        let reading = self.reading.as_ref();
        reading.is_some_and(|reading| reading.as_ref().err().is_none_or(|why| !why.is_passing()))
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
        let readings = self.readings(followed, deadline).await;
        let now = Timestamp::now();
        let mut reads: Vec<PullRead> = followed
            .iter()
            .zip(readings)
            .map(|(pull, reading)| match (reading, &pull.earlier) {
                (None, Some(earlier)) => PullRead { status: earlier.clone(), reading: None, details: None },
                (reading, _) => {
                    let reading = reading.unwrap_or_else(|| Err(no_address(&pull.url)));
                    let status = self.status(pull, &reading, &Pushes::NotRead, None, now);
                    PullRead { status, reading: Some(reading), details: None }
                }
            })
            .collect();
        self.read_more(followed, &mut reads, deadline, now).await;
        reads
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
            match (id.and_then(|earlier| earlier.id.clone()), PullAddress::of_url(&pull.url)) {
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
        reads: &mut [PullRead],
        deadline: Instant,
        now: Timestamp,
    ) {
        let mut pushes = vec![Pushes::NotRead; reads.len()];
        for (place, read) in reads.iter_mut().enumerate() {
            let Some(Ok(pull)) = &read.reading else { continue };
            let known = known(&followed[place], &Pushes::NotRead, None);
            if wants_pushes(pull, known, &self.terms, now) && Instant::now() < deadline {
                pushes[place] = self.pushes(pull, deadline).await;
                let reading = Ok(pull.clone());
                read.status = self.status(&followed[place], &reading, &pushes[place], None, now);
            }
        }
        let wants = |place: &usize| {
            let (read, earlier) = (&reads[*place], followed[*place].earlier.as_ref());
            matches!(read.reading, Some(Ok(_))) && wants_details(&read.status, earlier)
        };
        let wanted: Vec<usize> = (0..reads.len()).filter(wants).collect();
        let ids: Vec<String> = wanted.iter().filter_map(|place| reads[*place].status.id.clone()).collect();
        let details = self.github.details(&ids, deadline).await;
        for (place, details) in wanted.into_iter().zip(details) {
            let (read, pull) = (&mut reads[place], &followed[place]);
            let Some(reading) = &read.reading else { continue };
            match details {
                Ok(details) => {
                    read.status = self.status(pull, reading, &pushes[place], Some(&details), now);
                    read.details = Some(details);
                }
                // It may be on hold: the next reading asks again.
                Err(why) if read.status.stage == Stage::Ready => {
                    read.status.stage = Stage::Checking;
                    read.status.reason = Some(format!("its labels were not read: {why}"));
                }
                Err(_) => {}
            }
        }
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
    ) -> PullStatus {
        pulls::status(reading, known(pull, pushes, details), &self.terms, now)
    }
}

fn known<'a>(pull: &'a FollowedPull, pushes: &'a Pushes, details: Option<&'a Details>) -> Known<'a> {
    Known {
        url: &pull.url,
        source: pull.source.as_deref(),
        session: pull.session.as_ref(),
        is_session_live: pull.is_session_live,
        earlier: pull.earlier.as_ref(),
        pushes,
        details,
    }
}

fn no_address(url: &str) -> Unreadable {
    let url = foreign_text::one_line(url, 200);
    Unreadable { kind: UnreadableKind::Gone, said: format!("{url} is no pull request on github.com") }
}
