//! A session with a human in the loop: observe, ask, steer, approve.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use tokio::time::Instant;

use super::attention::Person;
use super::batches::BatchSource as _;
use super::error::ErrorKind;
use super::patience::Patience;
use super::stream::Feed;
use super::time::later;
use super::wait::{self, Wait};
use super::{
    Activity, ActivityId, ActivityKind, ActivityPage, ActivityStream, Error, Jules, ListActivities, Made,
    Method, NewSession, Session, SessionCourse, SessionDigest, SessionId, SessionOutcome, SessionState,
    outcome,
};

/// A handle on one session. Cheap to clone; dropping it leaves the session alone.
#[derive(Clone, Debug)]
pub struct SessionClient {
    pub(super) jules: Jules,
    pub(super) id: SessionId,
    /// The service's answer to the creation, when this handle comes from one.
    created: Option<Session>,
    /// Whether it is to open a pull request by itself; of an existing session nobody says so.
    auto_pr: Option<bool>,
    /// Until when a 404 means that the service is not ready yet.
    fresh_until: Option<Instant>,
    /// The service has shown it since.
    shown: Arc<AtomicBool>,
    /// What a person was told, and has done.
    pub(super) person: Arc<Person>,
}

impl Jules {
    /// Creates a session with a human in the loop: the plan waits for an approval unless the configuration says
    /// otherwise, and whether a pull request is opened is left open.
    ///
    /// Creates exactly one session, as [`run`](Self::run) does.
    ///
    /// # Errors
    ///
    /// [`Error`]; with [`ErrorKind::InDoubt`] the session may exist.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn session(&self, new: NewSession) -> Result<SessionClient, Error> {
        self.create_patiently(&new.for_interaction()).await
    }

    /// Takes up an existing session. Sends nothing.
    #[must_use]
    pub fn attach(&self, id: SessionId) -> SessionClient {
        let (jules, shown, person) = (self.clone(), Arc::default(), Arc::default());
        SessionClient { jules, id, created: None, auto_pr: None, fresh_until: None, shown, person }
    }

    pub(super) async fn create_patiently(&self, new: &NewSession) -> Result<SessionClient, Error> {
        let session = self.create_once(new).await?;
        let fresh_until = Some(later(Instant::now(), self.options().fresh_patience));
        let auto_pr = Some(new.source.is_some() && new.auto_pr == Some(true));
        let (jules, id) = (self.clone(), session.id.clone());
        let (created, shown, person) = (Some(session), Arc::default(), Arc::default());
        Ok(SessionClient { jules, id, created, auto_pr, fresh_until, shown, person })
    }
}

impl SessionClient {
    /// The client that it goes through.
    #[must_use]
    pub fn jules(&self) -> &Jules {
        &self.jules
    }

    /// The session's id.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// The session's page for humans, when the answer to the creation named it; [`info`](Self::info) tells later.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.created.as_ref()?.url.as_deref()
    }

    /// Reads the session. Just after its creation, a 404 is tried again, as by every call here.
    ///
    /// # Errors
    ///
    /// [`Error`], after the retries are spent.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn info(&self) -> Result<Session, Error> {
        self.once_shown(|| self.jules.get_session(&self.id).boxed()).await
    }

    /// Calls until the service knows the session, which it may not do just after the creation.
    async fn once_shown<'a, T>(
        &'a self,
        call: impl Fn() -> BoxFuture<'a, Result<T, Error>>,
    ) -> Result<T, Error> {
        loop {
            let answer = call().await;
            let is_fresh = || !self.shown.load(Ordering::Relaxed) && self.is_fresh();
            if !answer.as_ref().is_err_and(|error| error.is_not_found() && is_fresh()) {
                self.shown.fetch_or(answer.is_ok(), Ordering::Relaxed);
                return answer;
            }
            self.jules.pause(self.jules.options().poll_interval).await;
        }
    }

    fn is_fresh(&self) -> bool {
        self.fresh_until.is_some_and(|until| Instant::now() < until)
    }

    /// Sends a message to the agent. Just after its creation a session takes none: then a 404 is tried again.
    ///
    /// # Errors
    ///
    /// [`Error`]; unless [`Error::surely_not_processed`], the message may have arrived.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn send(&self, message: &str) -> Result<(), Error> {
        let started = Instant::now();
        while let Err(error) = self.jules.send_message(&self.id, message).await {
            self.wait_until_ready(started, error).await?;
        }
        self.person.has_done(self.jules.options().fresh_patience);
        Ok(())
    }

    /// Approves the plan. Just after the session's creation, a 404 is tried again.
    ///
    /// # Errors
    ///
    /// [`Error`].
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn approve(&self) -> Result<(), Error> {
        let started = Instant::now();
        while let Err(error) = self.jules.approve_plan(&self.id).await {
            self.wait_until_ready(started, error).await?;
        }
        self.person.has_done(self.jules.options().fresh_patience);
        Ok(())
    }

    /// A 404 surely did nothing: worth another try while the session is fresh, or not ready although the service knows it.
    async fn wait_until_ready(&self, started: Instant, error: Error) -> Result<(), Error> {
        let options = self.jules.options();
        let soon = started.elapsed() < options.fresh_patience;
        let is_missing = error.is_not_found();
        if is_missing && (self.is_fresh() || (soon && self.jules.get_session(&self.id).await.is_ok())) {
            self.jules.pause(options.poll_interval).await;
            return Ok(());
        }
        Err(error)
    }

    /// Sends a message and waits for the agent's first reply after it.
    ///
    /// Fails with [`ErrorKind::SessionEnded`] when the session ends without one.
    pub fn ask(&self, message: impl Into<String>) -> Wait<Activity> {
        let (client, message) = (self.clone(), message.into());
        let waiting_for = format!("a reply in session {}", self.id);
        Wait::new(
            &self.jules,
            Method::SendMessage,
            waiting_for,
            |_| async move { client.ask_now(&message).await },
        )
    }

    async fn ask_now(self, message: &str) -> Result<Activity, Error> {
        let mut feed = Feed::follow(self.jules.clone(), self.id.clone(), self.patience());
        feed.catch_up().await?;
        self.send(message).await?;
        // The state of an ended session changes only some time after the message.
        feed.keep_open(self.jules.options().fresh_patience);
        while let Some(batch) = feed.next_batch().await {
            let activities = batch?.into_iter().map(|read| read.activity).collect();
            if let Some(reply) = reply_to(message, activities) {
                return Ok(reply);
            }
        }
        let state = self.info().await?.state.unwrap_or(SessionState::Unspecified);
        Err(Error::new(Method::SendMessage, ErrorKind::SessionEnded { session: self.id, state }))
    }

    /// Waits until the session is in this state and gives the session.
    ///
    /// Fails with [`ErrorKind::SessionEnded`] when it ends otherwise. A state that comes and goes between two polls is
    /// not seen.
    pub fn wait_for(&self, state: SessionState) -> Wait<Session> {
        let waiting_for = format!("session {} to be {state}", self.id);
        self.wait_until_as(waiting_for, move |session| session.state.as_ref() == Some(&state))
    }

    /// Waits until the session is as wanted and gives the session.
    ///
    /// Fails with [`ErrorKind::SessionEnded`] when it ends otherwise. What comes and goes between two polls is not seen.
    ///
    /// ```no_run
    /// # async fn example(session: jules::SessionClient) -> Result<(), jules::Error> {
    /// let session = session.wait_until(|session| session.pull_request().is_some()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_until(&self, wanted: impl Fn(&Session) -> bool + Send + Sync + 'static) -> Wait<Session> {
        self.wait_until_as(format!("session {} to be as wanted", self.id), wanted)
    }

    fn wait_until_as(
        &self,
        waiting_for: String,
        wanted: impl Fn(&Session) -> bool + Send + Sync + 'static,
    ) -> Wait<Session> {
        let client = self.clone();
        Wait::new(&self.jules, Method::GetSession, waiting_for, |last| async move {
            let session = wait::until(&client, &mut client.patience(), &last, &wanted).await?;
            if wanted(&session) {
                return Ok(session);
            }
            let state = session.state.unwrap_or(SessionState::Unspecified);
            Err(Error::new(Method::GetSession, ErrorKind::SessionEnded { session: client.id, state }))
        })
    }

    /// Waits until the session has ended and tells what became of it. A failed session is a [`SessionOutcome`] as well.
    ///
    /// # Errors
    ///
    /// Awaiting it: [`ErrorKind::WaitTimeout`] with the state that was seen last; [`Error`] when the key is refused, when the session
    /// is not there or not any more, after an outage of ten minutes, and when the activities of one that ended without outputs
    /// cannot be read.
    pub fn result(&self) -> Wait<SessionOutcome> {
        let client = self.clone();
        let waiting_for = format!("session {} to end", self.id);
        Wait::new(&self.jules, Method::GetSession, waiting_for, |last| async move {
            let mut patience = client.patience();
            loop {
                let session = wait::until(&client, &mut patience, &last, |_| false).await?;
                if let Some(outcome) = outcome::settle(&client, session, &mut patience, &last).await? {
                    return Ok(outcome);
                }
            }
        })
    }

    /// All activities, from the first one until the session has ended.
    pub fn stream(&self) -> ActivityStream {
        ActivityStream::new(Feed::follow(self.jules.clone(), self.id.clone(), self.patience()))
    }

    /// The session's activities in other ways than [`stream`](Self::stream).
    #[must_use]
    pub fn activities(&self) -> Activities<'_> {
        Activities { client: self }
    }

    /// Puts the session into the archive. A running one is paused by that, and nothing resumes it.
    ///
    /// # Errors
    ///
    /// [`Error`].
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn archive(&self) -> Result<(), Error> {
        self.once_shown(|| self.jules.archive_session(&self.id).boxed()).await
    }

    /// Takes the session out of the archive.
    ///
    /// # Errors
    ///
    /// [`Error`].
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn unarchive(&self) -> Result<(), Error> {
        self.once_shown(|| self.jules.unarchive_session(&self.id).boxed()).await
    }

    /// Deletes the session.
    ///
    /// # Errors
    ///
    /// [`Error`], after the retries are spent.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn delete(&self) -> Result<(), Error> {
        self.once_shown(|| self.jules.delete_session(&self.id).boxed()).await
    }

    /// What the session was asked for. An existing one on a repository may have been asked for a pull request.
    pub(super) fn asked(&self, session: &Session) -> Made {
        let auto_pr = self.auto_pr.unwrap_or(session.source_context.is_some());
        if auto_pr { Made::PullRequest } else { Made::Change }
    }

    pub(super) fn patience(&self) -> Patience {
        Patience::new(self.fresh_until)
    }
}

/// The agent's first message, and if our own message is among the activities, the first one behind it. Of two with one
/// time nobody knows which was first, so the agent's counts as the reply.
fn reply_to(message: &str, activities: Vec<Activity>) -> Option<Activity> {
    let is_ours = |activity: &Activity| matches!(&activity.kind, ActivityKind::UserMessaged { message: text } if text.trim() == message.trim());
    let ours = activities.iter().rposition(is_ours);
    let time = ours.and_then(|at| activities[at].create_time);
    let is_behind = |at: usize, activity: &Activity| {
        ours.is_none_or(|ours| at > ours) || (time.is_some() && activity.create_time == time)
    };
    let mut messages = activities.into_iter().enumerate();
    let reply = messages.find(|(at, activity)| {
        matches!(activity.kind, ActivityKind::AgentMessaged { .. }) && is_behind(*at, activity)
    });
    reply.map(|(_, activity)| activity)
}

/// A session's activities.
#[derive(Clone, Copy, Debug)]
pub struct Activities<'a> {
    client: &'a SessionClient,
}

impl Activities<'_> {
    /// What happened until now; ends there.
    pub fn history(&self) -> ActivityStream {
        let SessionClient { jules, id, .. } = self.client;
        ActivityStream::new(Feed::history(jules.clone(), id.clone(), self.client.patience()))
    }

    /// What happened until now, folded; the last `messages` messages are kept.
    ///
    /// # Errors
    ///
    /// [`Error`], after the retries are spent.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn digest(&self, messages: usize) -> Result<SessionDigest, Error> {
        let mut digest = SessionDigest::keeping(messages);
        let mut history = self.history();
        while let Some(activity) = history.next().await {
            digest.take(activity?);
        }
        Ok(digest)
    }

    /// The same, with what a snapshot has.
    ///
    /// # Errors
    ///
    /// [`Error`], after the retries are spent.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn course(&self, messages: usize) -> Result<SessionCourse, Error> {
        let mut course = SessionCourse::keeping(messages);
        let mut history = self.history();
        while let Some(activity) = history.next().await {
            course.take(activity?);
        }
        Ok(course)
    }

    /// Only what is to come, until the session has ended. What happened before is read, but not given.
    pub fn updates(&self) -> ActivityStream {
        let SessionClient { jules, id, .. } = self.client;
        let feed = Feed::follow(jules.clone(), id.clone(), self.client.patience());
        ActivityStream::new(feed.skip_first())
    }

    /// One page, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error`], after the retries are spent.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn list(&self, page: &ListActivities) -> Result<ActivityPage, Error> {
        self.client.jules.list_activities(&self.client.id, page).await
    }

    /// One activity.
    ///
    /// # Errors
    ///
    /// [`Error`], after the retries are spent.
    ///
    /// # Panics
    ///
    /// When it is awaited outside of a Tokio runtime with time and IO.
    pub async fn get(&self, activity: &ActivityId) -> Result<Activity, Error> {
        self.client.jules.get_activity(&self.client.id, activity).await
    }
}
