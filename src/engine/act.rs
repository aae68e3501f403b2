//! Actions become requests, and their answers become inputs. No decision is made here.

use std::collections::BTreeSet;
use std::iter::successors;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::action::Action;
use super::input::{Act, CreateFailure, Digest, FailureKind, Input, Page, Polled, RequestFailure, Seen};
use super::poller::{Counts, PageRequest, PollRequest};
use crate::outcome::{ApiUsage, Change, Marker, PullRequest, Work};
use crate::plan::{Plan, Task};
use jules::{
    ChangeSet, Error, ErrorKind, Jules, ListActivities, ListSessions, NewSession, Session, SessionDigest,
    SessionId, SessionState,
};

/// The service cuts larger pages down to this.
const PAGE: u32 = 100;
/// How many pages a listing may read; at a hundred sessions each that is more than any day's.
const MAX_PAGES: usize = 50;
/// How many pages of activities are read at most; a session has some hundreds of activities.
const MAX_ACTIVITY_PAGES: usize = 100;

/// Without a filter the service leaves out what is in the archive, where given-up sessions are.
const ARCHIVED_TOO: &str = "archived = true OR archived = false";

/// What a poll needs of a session, but for what it has made.
const LEAN: &str = "sessions(name,id,title,state,url,createTime,updateTime),nextPageToken";

/// Makes the action's requests.
pub(super) async fn perform(api: Jules, plan: Arc<Plan>, action: Action) -> Input {
    match action {
        Action::Survey { since } => Input::Surveyed(survey(&api, since).await),
        Action::Audit { since } => Input::Audited(list_since(&api, since).await),
        Action::Create { attempt, marker } => {
            // A pause of creates is a refusal for capacity as well, and no more patience is owed to it.
            let api = api.with(|options| options.send_within(plan.settings.limits.capacity_wait));
            let result = create(&api, &plan[attempt.task], &marker).await;
            Input::Posted { attempt, result }
        }
        Action::Search { attempt, marker, since } => {
            Input::Searched { attempt, result: search(&api, &marker, since).await }
        }
        Action::Poll(PollRequest::Page(page)) => Input::Polled(poll_page(&api, page).await),
        Action::Poll(PollRequest::One(session)) => {
            let asked = Instant::now();
            let result = get(&api, &session).await;
            Input::Polled(Polled::One { session, asked, result })
        }
        Action::Read { attempt, session, purpose, since } => {
            let result = read(&api, &session, since).await.map(Box::new);
            Input::Read { attempt, purpose, result }
        }
        Action::Approve { attempt, session } => {
            let result = api.approve_plan(&session).await.map_err(|error| request_failure(&error));
            Input::Acted { attempt, act: Act::Approve, result }
        }
        Action::Send { attempt, session, act, text } => {
            let result = api.send_message(&session, &text).await.map_err(|error| request_failure(&error));
            Input::Acted { attempt, act, result }
        }
        Action::Archive { attempt, session } => {
            let result = api.archive_session(&session).await.map_err(|error| request_failure(&error));
            Input::Archived { attempt, session, result }
        }
        Action::Recheck { task, session } => {
            let asked = Instant::now();
            Input::Rechecked { task, asked, result: get(&api, &session).await }
        }
    }
}

/// What follows when a request's own code panicked: a create is in doubt, any other request may work later.
pub(super) fn broken(action: Action) -> Input {
    let text = "an internal error ended the request; please report it with the output of `-vv`".to_owned();
    let failure = RequestFailure { text: text.clone(), kind: FailureKind::Passing { unsent: false } };
    match action {
        Action::Survey { .. } => Input::Surveyed(Err(failure)),
        Action::Audit { .. } => Input::Audited(Err(failure)),
        Action::Create { attempt, .. } => {
            Input::Posted { attempt, result: Err(CreateFailure::Doubt { cause: text, capacity: false }) }
        }
        Action::Search { attempt, .. } => Input::Searched { attempt, result: Err(failure) },
        Action::Poll(PollRequest::Page(PageRequest { place, lean, .. })) => {
            Input::Polled(Polled::Page { place, lean, asked: Instant::now(), result: Err(failure) })
        }
        Action::Poll(PollRequest::One(session)) => {
            Input::Polled(Polled::One { session, asked: Instant::now(), result: Err(failure) })
        }
        Action::Read { attempt, purpose, .. } => Input::Read { attempt, purpose, result: Err(failure) },
        Action::Approve { attempt, .. } => Input::Acted { attempt, act: Act::Approve, result: Err(failure) },
        Action::Send { attempt, act, .. } => Input::Acted { attempt, act, result: Err(failure) },
        Action::Archive { attempt, session } => Input::Archived { attempt, session, result: Err(failure) },
        Action::Recheck { task, .. } => {
            Input::Rechecked { task, asked: Instant::now(), result: Err(failure) }
        }
    }
}

/// What the client has asked so far, and how punctual its polls were.
pub(super) fn usage(api: &Jules, polls: Counts) -> ApiUsage {
    let usage = api.usage();
    ApiUsage {
        requests: usage.by_method().map(|(method, count)| (method.as_str().to_owned(), count)).collect(),
        retries: usage.retries,
        throttled: usage.throttled,
        waited_ms: u64::try_from(usage.waited.as_millis()).unwrap_or(u64::MAX),
        reconnects: usage.reconnects,
        looks: polls.total,
        late_looks: polls.late,
    }
}

async fn create(api: &Jules, task: &Task, marker: &Marker) -> Result<Box<Seen>, CreateFailure> {
    let mut new = NewSession::new(&*task.prompt)
        .title(marker.title(&task.title))
        .require_approval(task.require_approval)
        .auto_pr(task.auto_pr);
    if let Some(source) = &task.source {
        new = new.source(&source.github).branch(&source.branch);
    }
    match api.create_session(&new).await {
        Ok(session) => Ok(Box::new(seen(&session))),
        Err(error) => Err(match (create_failure(&error), &task.source) {
            (CreateFailure::Lasting(cause), Some(source)) if error.code() == Some(404) => {
                CreateFailure::Lasting(format!(
                    "{cause}; connect {} at https://jules.google.com if it is not connected",
                    source.github
                ))
            }
            (failure, _) => failure,
        }),
    }
}

fn create_failure(error: &Error) -> CreateFailure {
    let cause = describe(error);
    if matches!(error.kind(), ErrorKind::NotSent(_)) {
        return CreateFailure::Capacity { cause, retry_after: None };
    }
    match (error.code(), error.is_capacity_refusal(), error.surely_not_processed()) {
        (Some(401), _, _) => CreateFailure::Key(cause),
        (_, true, true) => CreateFailure::Capacity { cause, retry_after: error.retry_after() },
        (_, capacity, false) => CreateFailure::Doubt { cause, capacity },
        (Some(_), false, true) => CreateFailure::Lasting(cause),
        (None, false, true) => CreateFailure::Unsent(cause),
    }
}

fn request_failure(error: &Error) -> RequestFailure {
    let kind = match error.code() {
        Some(401) => FailureKind::Key,
        Some(404) => FailureKind::Missing,
        _ if error.is_transient() => FailureKind::Passing { unsent: error.surely_not_processed() },
        _ => FailureKind::Lasting,
    };
    RequestFailure { text: describe(error), kind }
}

/// The error and its causes in one line.
fn describe(error: &Error) -> String {
    let chain = successors(Some(error as &dyn std::error::Error), |error| (**error).source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

async fn get(api: &Jules, session: &SessionId) -> Result<Box<Seen>, RequestFailure> {
    match api.get_session(session).await {
        Ok(session) => Ok(Box::new(seen(&session))),
        Err(error) => Err(request_failure(&error)),
    }
}

/// Without `since` one session is enough: the answer shows that key and service are well.
async fn survey(api: &Jules, since: Option<Timestamp>) -> Result<Vec<Seen>, RequestFailure> {
    if let Some(since) = since {
        return list_since(api, since).await;
    }
    let page = ListSessions { page_size: Some(1), ..ListSessions::default() };
    api.list_sessions(&page).await.map(|_| Vec::new()).map_err(|error| request_failure(&error))
}

/// Lists newest first back to `since`.
async fn list_since(api: &Jules, since: Timestamp) -> Result<Vec<Seen>, RequestFailure> {
    let mut found = Vec::new();
    let mut pages = Pages::default();
    while let Some(page) = pages.next(api).await? {
        let young = page.iter().take_while(|session| !is_older(session, since));
        found.extend(young.map(seen));
        if page.iter().any(|session| is_older(session, since)) {
            break;
        }
    }
    Ok(found)
}

/// Lists newest first back to `since` for this marker. It may stand on the last page behind an older session: clocks
/// differ. Only a list that was read to its end proves that the session is not there.
async fn search(api: &Jules, marker: &Marker, since: Timestamp) -> Result<Option<Box<Seen>>, RequestFailure> {
    let mut pages = Pages::default();
    while let Some(page) = pages.next(api).await? {
        let has_marker =
            |session: &&Session| session.title.as_deref().and_then(Marker::of_title).as_ref() == Some(marker);
        if let Some(session) = page.iter().find(has_marker) {
            return Ok(Some(Box::new(seen(session))));
        }
        if page.iter().any(|session| is_older(session, since)) {
            return Ok(None);
        }
    }
    if pages.is_over {
        return Ok(None);
    }
    let text = if pages.tokens.are_spent {
        "the list of sessions leads back to a page that was read before".to_owned()
    } else {
        format!("more than {} sessions are newer than the one in doubt", MAX_PAGES * PAGE as usize)
    };
    Err(RequestFailure { text, kind: FailureKind::Passing { unsent: true } })
}

fn is_older(session: &Session, since: Timestamp) -> bool {
    session.create_time.is_some_and(|created| created < since)
}

/// The session list, newest first, page by page, up to a number of pages.
#[derive(Default)]
struct Pages {
    read: usize,
    token: Option<String>,
    tokens: Tokens,
    is_over: bool,
}

impl Pages {
    async fn next(&mut self, api: &Jules) -> Result<Option<Vec<Session>>, RequestFailure> {
        if self.is_over || self.tokens.are_spent || self.read == MAX_PAGES {
            return Ok(None);
        }
        let page = ListSessions {
            page_size: Some(PAGE),
            page_token: self.token.take(),
            filter: Some(ARCHIVED_TOO.to_owned()),
            ..ListSessions::default()
        };
        let page = api.list_sessions(&page).await.map_err(|error| request_failure(&error))?;
        self.read += 1;
        self.is_over = page.next_page_token.is_none();
        self.token = self.tokens.unused(page.next_page_token);
        Ok(Some(page.items))
    }
}

/// The tokens of a listing's pages. One that comes again would lead round in a circle.
#[derive(Default)]
struct Tokens {
    used: BTreeSet<String>,
    are_spent: bool,
}

impl Tokens {
    /// The next page's token, unless it has come before: that ends the listing.
    fn unused(&mut self, token: Option<String>) -> Option<String> {
        let token = token?;
        self.are_spent = !self.used.insert(token.clone());
        if self.are_spent {
            tracing::warn!("a page of the service's list leads back to an earlier one: left there");
        }
        (!self.are_spent).then_some(token)
    }
}

async fn poll_page(api: &Jules, request: PageRequest) -> Polled {
    let PageRequest { token, place, watched, lean } = request;
    let page = ListSessions {
        page_size: Some(PAGE),
        page_token: token,
        fields: lean.then(|| LEAN.to_owned()),
        ..ListSessions::default()
    };
    let token = page.page_token.as_deref();
    let asked = Instant::now();
    let result = api.find_sessions(&page, |session| watched.contains(session)).await;
    let result = result.map_err(|error| request_failure(&error)).map(|page| Page {
        found: page.found.iter().map(|(place, session)| (*place, seen(session))).collect(),
        count: page.count,
        bytes: page.bytes,
        // The same page once more shows nothing new: what it lacks is read by itself.
        next: page.next_page_token.filter(|next| token != Some(next)),
    });
    Polled::Page { place, lean, asked, result }
}

/// Reads a session's activities, from the beginning or after `since`, page by page: they can be megabytes.
async fn read(api: &Jules, session: &SessionId, since: Option<Timestamp>) -> Result<Digest, RequestFailure> {
    let mut told = SessionDigest::default();
    let (mut token, mut tokens) = (None, Tokens::default());
    for _ in 0..MAX_ACTIVITY_PAGES {
        let page = ListActivities { page_size: Some(PAGE), page_token: token, created_after: since };
        let page = api.list_activities(session, &page).await.map_err(|error| request_failure(&error))?;
        page.items.into_iter().for_each(|activity| told.take(activity));
        token = tokens.unused(page.next_page_token);
        if token.is_none() {
            break;
        }
    }
    let change = told.change_set.take().as_ref().map(change);
    Ok(Digest { told, change })
}

/// A session that has not ended may carry a change set of megabytes that is not final: it is not read.
fn seen(session: &Session) -> Seen {
    let state = session.state.clone().unwrap_or(SessionState::Unspecified);
    let change_set = session.change_set().filter(|_| state.is_terminal());
    Seen {
        id: session.id.clone(),
        title: session.title.clone(),
        url: session.url.clone(),
        created: session.create_time,
        updated: session.update_time,
        work: Work { change: change_set.map(change), ..pull_requests(session) },
        archived: session.archived,
        state,
    }
}

/// A pull request that is told twice is one.
fn pull_requests(session: &Session) -> Work {
    let mut found: Vec<PullRequest> = Vec::new();
    for pull in session.pull_requests().filter_map(pull_request) {
        found.retain(|known| known.url != pull.url);
        found.push(pull);
    }
    Work { pull_request: found.pop(), earlier_pull_requests: found, change: None }
}

fn pull_request(found: &jules::PullRequest) -> Option<PullRequest> {
    Some(PullRequest {
        url: found.url.clone()?,
        number: found.number(),
        title: found.title.clone(),
        base_ref: found.base_ref.clone(),
        head_ref: found.head_ref.clone(),
    })
}

fn change(change_set: &ChangeSet) -> Change {
    let diff = change_set.diff();
    Change { files: diff.files.len() as u64, additions: diff.additions(), deletions: diff.deletions() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_comes_again_is_the_end() {
        let mut tokens = Tokens::default();
        for (token, wanted) in [(Some("a"), true), (Some("b"), true), (Some("a"), false), (None, false)] {
            let next = tokens.unused(token.map(str::to_owned));
            assert_eq!(next.is_some(), wanted, "{token:?}");
        }
    }
}
