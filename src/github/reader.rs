//! Reading many things with few requests: in chunks that become smaller where GitHub cannot manage, and nothing that one
//! answer lacks is lost for the others.

use std::time::Duration;

use jules::{PullRequestName, reqwest};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::answer::{Failure, Gap, GraphAnswer};
use super::query::{self, Place, Query};
use super::unreadable::{Reading, Unreadable, UnreadableKind};
use super::{Details, GitHub, Newest, PullRequest, Push, RepositoryFacts};

/// Failures in a row before nothing more is asked: enough to come from a hundred down to one.
const FAILURES: u32 = 10;
/// Answers in a row before a chunk may be larger again.
const SUCCESSES: u32 = 4;

/// How things are asked for.
struct Asking<K, T> {
    /// The most at once.
    most: usize,
    query: fn(&[K]) -> Query,
    place: Place,
    /// Takes back what could not be told of one.
    leave_open: fn(&mut T, &Gap),
}

impl GitHub {
    /// Pull requests by their node ids, a hundred a point; readings in the order of the ids.
    pub(crate) async fn by_id(&self, ids: &[String], deadline: Instant) -> Vec<Reading<PullRequest>> {
        let asking = Asking { most: 100, query: query::by_id, place: query::node, leave_open: open };
        self.read_all(ids, &asking, deadline).await
    }

    /// The same by their numbers, with their bodies: a renamed repository is followed.
    pub(crate) async fn by_number(
        &self,
        addresses: &[PullRequestName],
        deadline: Instant,
    ) -> Vec<Reading<PullRequest>> {
        let asking = Asking { most: 100, query: query::by_number, place: query::numbered, leave_open: open };
        self.read_all(addresses, &asking, deadline).await
    }

    /// Labels, reviews and checks, twenty a point.
    pub(crate) async fn details(&self, ids: &[String], deadline: Instant) -> Vec<Reading<Details>> {
        let leave_open = |details: &mut Details, (field, why): &Gap| details.leave_open(field, why);
        let asking = Asking { most: 20, query: query::details, place: query::node, leave_open };
        self.read_all(ids, &asking, deadline).await
    }

    /// The newest pull requests of repositories (`owner/repo`), fifty repositories a point.
    pub(crate) async fn newest(&self, repositories: &[String], deadline: Instant) -> Vec<Reading<Newest>> {
        let asking = Asking { most: 50, query: query::newest, place: query::named, leave_open: |_, _| {} };
        self.read_all(repositories, &asking, deadline).await
    }

    /// The bodies of pull requests, a hundred a point.
    pub(crate) async fn bodies(&self, ids: &[String], deadline: Instant) -> Vec<Reading<String>> {
        #[derive(serde::Deserialize)]
        struct Body {
            body: String,
        }
        let asking =
            Asking::<_, Body> { most: 100, query: query::bodies, place: query::node, leave_open: |_, _| {} };
        let bodies = self.read_all(ids, &asking, deadline).await;
        bodies.into_iter().map(|reading| reading.map(|body| body.body)).collect()
    }

    /// What may be done in repositories (`owner/repo`), a hundred a point.
    pub(crate) async fn repositories(
        &self,
        repositories: &[String],
        deadline: Instant,
    ) -> Vec<Reading<RepositoryFacts>> {
        let asking =
            Asking { most: 100, query: query::repositories, place: query::named, leave_open: |_, _| {} };
        self.read_all(repositories, &asking, deadline).await
    }

    /// The login that the token is of.
    pub(crate) async fn viewer(&self, deadline: Instant) -> Reading<String> {
        #[derive(serde::Deserialize)]
        struct Viewer {
            login: String,
        }
        let mut answer = self.query(&query::viewer(), deadline).await.map_err(unreadable)?;
        answer.take::<Viewer>(&[json!("viewer")]).map(|(viewer, _)| viewer.login)
    }

    /// The last hundred pushes to a branch of a repository, `owner/repo`, newest first. More than these cannot be told.
    pub(crate) async fn pushes(
        &self,
        repository: &str,
        branch: &str,
        deadline: Instant,
    ) -> Reading<Vec<Push>> {
        let Some((owner, name)) = repository.split_once('/') else {
            return Err(Unreadable::new(UnreadableKind::Gone, "that is no repository"));
        };
        let mut request =
            self.transport.rest(reqwest::Method::GET, &["repos", owner, name, "activity"], None);
        let full = format!("refs/heads/{branch}");
        request.to.query_pairs_mut().append_pair("ref", &full).append_pair("per_page", "100");
        let answer = self.get(request, deadline).await?;
        let refused = |kind| Err(Unreadable::new(kind, &answer.said()));
        match answer.status {
            200 if answer.goes_on => Err(Unreadable::new(
                UnreadableKind::Forbidden,
                "its branch has had more pushes than GitHub lists at once",
            )),
            200 => serde_json::from_slice(&answer.body).map_err(|error| {
                let said = format!("GitHub's answer is not understood: {error}");
                Unreadable::new(UnreadableKind::Unanswered, &said)
            }),
            401 => refused(UnreadableKind::BadToken),
            403 => refused(UnreadableKind::Forbidden),
            // Also 301: it is asked for by the name that it has now, at the next reading.
            301 | 404 | 410 => refused(UnreadableKind::Gone),
            _ => refused(UnreadableKind::Unanswered),
        }
    }

    async fn read_all<K: Clone, T: DeserializeOwned>(
        &self,
        keys: &[K],
        asking: &Asking<K, T>,
        deadline: Instant,
    ) -> Vec<Reading<T>> {
        let mut readings = self.read_once(keys, asking, deadline).await;
        if readings.iter().all(Result::is_err) {
            return readings;
        }
        // What a partial answer has left out is asked for once more.
        let is_out = |place: &usize| {
            let kind = readings[*place].as_ref().err().map(|unreadable| unreadable.kind);
            kind == Some(UnreadableKind::Unanswered)
        };
        let out: Vec<usize> = (0..keys.len()).filter(is_out).collect();
        let again: Vec<K> = out.iter().map(|place| keys[*place].clone()).collect();
        let again = self.read_once(&again, asking, deadline).await;
        for (place, reading) in out.into_iter().zip(again) {
            readings[place] = reading;
        }
        readings
    }

    async fn read_once<K, T: DeserializeOwned>(
        &self,
        keys: &[K],
        asking: &Asking<K, T>,
        deadline: Instant,
    ) -> Vec<Reading<T>> {
        let mut readings = Vec::with_capacity(keys.len());
        let mut size = Size::new(asking.most);
        while let left @ [_, ..] = &keys[readings.len()..] {
            let chunk = &left[..left.len().min(size.now)];
            let failure = match self.query(&(asking.query)(chunk), deadline).await {
                Ok(mut answer) => {
                    size.succeeded();
                    readings.extend((0..chunk.len()).map(|place| take(&mut answer, asking, place)));
                    continue;
                }
                Err(failure) => failure,
            };
            let is_over = !matches!(failure, Failure::TooMuch(_));
            let why = unreadable(failure);
            let pause =
                size.failed(chunk.len()).filter(|pause| !is_over && Instant::now() + *pause < deadline);
            let Some(pause) = pause else {
                readings.resize_with(keys.len(), || Err(why.clone()));
                break;
            };
            if chunk.len() == 1 {
                readings.push(Err(why));
            }
            sleep_until(Instant::now() + pause).await;
        }
        readings
    }
}

fn open(pull: &mut PullRequest, (field, why): &Gap) {
    pull.leave_open(field, why);
}

fn take<K, T: DeserializeOwned>(answer: &mut GraphAnswer, asking: &Asking<K, T>, place: usize) -> Reading<T> {
    let (mut read, gaps) = answer.take(&(asking.place)(place))?;
    for gap in &gaps {
        (asking.leave_open)(&mut read, gap);
    }
    Ok(read)
}

fn unreadable(failure: Failure) -> Unreadable {
    match failure {
        Failure::All(unreadable) => unreadable,
        Failure::Limited(said) | Failure::TooMuch(said) => Unreadable::new(UnreadableKind::Unanswered, &said),
    }
}

/// How much is asked for at once.
struct Size {
    now: usize,
    most: usize,
    failures: u32,
    successes: u32,
}

impl Size {
    fn new(most: usize) -> Self {
        Self { now: most, most, failures: 0, successes: 0 }
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        self.successes += 1;
        if self.successes.is_multiple_of(SUCCESSES) {
            self.now = (self.now * 2).min(self.most);
        }
    }

    /// The pause before the next try with less; none once it is in vain.
    fn failed(&mut self, asked: usize) -> Option<Duration> {
        self.failures += 1;
        self.successes = 0;
        self.now = asked.div_ceil(2);
        // Half as much at once is the first remedy; then time.
        let pause = Duration::from_millis(250) * (self.failures - 1);
        (self.failures < FAILURES).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_halve_and_grow_again() {
        let mut size = Size::new(100);
        assert_eq!(size.failed(100), Some(Duration::ZERO));
        assert_eq!(size.failed(50), Some(Duration::from_millis(250)));
        assert_eq!(size.now, 25);
        for _ in 0..SUCCESSES {
            size.succeeded();
        }
        assert_eq!(size.now, 50);
        let down = std::iter::successors(Some(50), |asked| size.failed(*asked).map(|_| size.now));
        assert_eq!(down.collect::<Vec<_>>(), [50, 25, 13, 7, 4, 2, 1, 1, 1, 1]);
    }
}
