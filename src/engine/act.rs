//! Actions become requests, and their answers become inputs. No decision is made here.

mod account;
mod create;
mod details;
mod search;

use std::iter::successors;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::action::{Action, Purpose};
use super::ask::Ask;
use super::create::SEND_WITHIN;
use super::input::{
    Act, CreateFailure, Digest, FailureKind, Input, Listed, Page, Polled, RequestFailure, Seen,
};
use super::poller::{Counts, PageRequest, PollRequest};
use super::turn::{Clock, Turns, waits_for_its_turn};
use crate::outcome::{ApiUsage, Change, PullRequest, RAISE_THE_LIMIT, Wish, Work, is_out_of_files};
use crate::plan::Plan;
use jules::{
    Activity, ChangeSet, Error, Gate, Jules, ListActivities, ListSessions, Retries, Session, SessionDigest,
    SessionId, SessionState,
};

pub(super) use account::{Account, Rates};

/// How far the clocks of the service's machines may differ.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// The service cuts larger pages down to this.
const PAGE: u32 = 100;
/// How many pages a listing may read: more sessions than any account has made in a week, more activities than any session.
const MAX_PAGES: usize = 200;

/// Without a filter the service leaves out what is in the archive, where given-up sessions are.
const ARCHIVED_TOO: &str = "archived = true OR archived = false";

/// What a poll needs of a session, but for its patches.
const LEAN: &str =
    "sessions(name,id,title,state,url,createTime,updateTime,outputs(pullRequest)),nextPageToken";

/// What is told of sessions that are looked for: what they were asked, and of what they have made the pull requests.
const ASKED: &str = "sessions(name,id,title,state,url,createTime,updateTime,archived,prompt,sourceContext,\
    outputs(pullRequest(url,title,baseRef,headRef))),nextPageToken";

/// What is shown of activities, which can carry megabytes; and how many are read for it, oldest first.
const SHOWN: &str = "activities(name,id,createTime,originator,description,agentMessaged,userMessaged,planGenerated,\
    planApproved,progressUpdated,sessionCompleted,sessionFailed,artifacts(bashOutput(command)))";
const SHOWN_PAGE: u32 = 10;

/// A listing that fails is tried once more; then single reads take over.
const PAGE_RETRIES: u32 = 2;

/// Makes the action's requests; creates only while `gate` is open. `prompt`: that of a create, where it is not the task's.
pub(super) async fn perform(
    api: Jules,
    plan: Arc<Plan>,
    gate: Gate,
    turns: Turns,
    action: Action,
    prompt: Option<String>,
    account: Option<Account>,
) -> Input {
    let limit = waits_for_its_turn(&action, &plan.settings);
    let api = api.with(|options| options.send_within(limit).send_promptly(SEND_WITHIN));
    match action {
        Action::Survey { since } => {
            let listed = survey(&api, since).await;
            if let (Some(account), Ok(listed)) = (&account, &listed) {
                account.saw(listed.found.iter());
            }
            Input::Surveyed(listed)
        }
        Action::Audit { since } => Input::Audited(list_since(&api, since).await),
        Action::Turn { attempt, more, lost } => {
            let wish = Wish { task: plan[attempt.task].id.clone(), more, lost };
            let result = match account {
                Some(account) => account.wait((&api, &gate, &turns), wish, limit).await,
                None => create::wait(&api, &gate, &turns).await,
            };
            Input::Turned { attempt, result }
        }
        Action::Create { attempt, marker } => {
            let turn = turns.take(attempt);
            let task = &plan[attempt.task];
            let prompt = prompt.as_deref().unwrap_or(&task.prompt);
            let is_simulated = plan.settings.simulated.is_some();
            let result = create::create(&api, &gate, turn, task, prompt, &marker, is_simulated).await;
            Input::Posted { attempt, result }
        }
        Action::Search { attempt, marker, since } => {
            let ask = Ask::of_task(&plan[attempt.task]);
            Input::Searched { attempt, result: search::search(&api, since, &marker, &ask).await }
        }
        Action::Poll(PollRequest::Page(page)) => Input::Polled(poll_page(&api, page, account.as_ref()).await),
        Action::Poll(PollRequest::One(session)) => {
            let (clock, api) = Clock::start(&api);
            let result = get(&api, &session).await;
            let (asked, took) = clock.stop();
            Input::Polled(Polled::One { session, asked, took, result })
        }
        Action::Read { attempt, session, purpose, since } => {
            let result = match purpose {
                Purpose::Show => read_to_show(&api, &session, since).await,
                Purpose::Silence | Purpose::Question | Purpose::Reason | Purpose::Work | Purpose::Answer => {
                    read(&api, &session, since).await
                }
            };
            Input::Read { attempt, purpose, result: result.map(Box::new) }
        }
        Action::Tell { attempt, session, known, has_change } => {
            Input::Told { attempt, told: details::tell(&api, &session, known, has_change).await }
        }
        Action::Approve { attempt, session } => {
            let result = api.approve_plan(&session).await.map_err(|error| request_failure(&error));
            Input::Acted { attempt, act: Act::Approve, result }
        }
        Action::Send { attempt, session, act, text } => {
            let result = api.send_message(&session, &text).await.map_err(|error| request_failure(&error));
            Input::Acted { attempt, act, result }
        }
        Action::Archive { session } => {
            let result = api.archive_session(&session).await.map_err(|error| request_failure(&error));
            Input::Archived { session, result }
        }
        Action::Look { session } => {
            let result = get(&api, &session).await;
            Input::Looked { session, result }
        }
        Action::Recheck { task, session } => {
            let (clock, api) = Clock::start(&api);
            let result = get(&api, &session).await;
            Input::Rechecked { task, asked: clock.stop().0, result }
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
        Action::Turn { attempt, .. } => Input::Turned { attempt, result: Err(CreateFailure::Unsent(text)) },
        Action::Create { attempt, .. } => {
            Input::Posted { attempt, result: Err(CreateFailure::Doubt { cause: text, capacity: false }) }
        }
        Action::Search { attempt, .. } => Input::Searched { attempt, result: Err(failure) },
        Action::Poll(PollRequest::Page(PageRequest { place, lean, .. })) => {
            let (asked, took) = (Instant::now(), Duration::ZERO);
            Input::Polled(Polled::Page { place, lean, asked, took, result: Err(failure) })
        }
        Action::Poll(PollRequest::One(session)) => {
            let (asked, took) = (Instant::now(), Duration::ZERO);
            Input::Polled(Polled::One { session, asked, took, result: Err(failure) })
        }
        Action::Read { attempt, purpose, .. } => Input::Read { attempt, purpose, result: Err(failure) },
        Action::Tell { attempt, .. } => Input::Told { attempt, told: None },
        Action::Approve { attempt, .. } => Input::Acted { attempt, act: Act::Approve, result: Err(failure) },
        Action::Send { attempt, act, .. } => Input::Acted { attempt, act, result: Err(failure) },
        Action::Archive { session } => Input::Archived { session, result: Err(failure) },
        Action::Look { session } => Input::Looked { session, result: Err(failure) },
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

fn request_failure(error: &Error) -> RequestFailure {
    let kind = match error.code() {
        Some(401) => FailureKind::Key,
        Some(404) => FailureKind::Missing,
        Some(403) => FailureKind::Refused,
        _ if error.is_transient() => FailureKind::Passing { unsent: error.surely_not_processed() },
        _ => FailureKind::Lasting,
    };
    RequestFailure { text: describe(error), kind }
}

/// The error and its causes in one line, without a full stop: more may follow.
fn describe(error: &Error) -> String {
    let chain = successors(Some(error as &dyn std::error::Error), |error| (**error).source());
    let text = chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let text = text.trim_end_matches('.');
    if is_out_of_files(error) { format!("{text}; {RAISE_THE_LIMIT}") } else { text.to_owned() }
}

async fn get(api: &Jules, session: &SessionId) -> Result<Box<Seen>, RequestFailure> {
    match api.get_session(session).await {
        Ok(session) => Ok(Box::new(seen(&session, api.service_time()))),
        Err(error) => Err(request_failure(&error)),
    }
}

/// Without `since` one session is enough: the answer shows that key and service are well.
async fn survey(api: &Jules, since: Option<Timestamp>) -> Result<Listed, RequestFailure> {
    if let Some(since) = since {
        return list_since(api, since).await;
    }
    let page = ListSessions::default().page_size(1).fields(LEAN);
    api.list_sessions(&page).await.map(|_| Listed::default()).map_err(|error| request_failure(&error))
}

/// The sessions that are not older than this, newest first.
async fn list_since(api: &Jules, since: Timestamp) -> Result<Listed, RequestFailure> {
    let mut listed = list(api, since).await?;
    listed.found.retain(|seen| seen.created.is_none_or(|created| created >= since));
    Ok(listed)
}

/// Reads pages newest first until one shows a session that is older than `since`, or to the end where they come in
/// another order. Clocks differ: what is sought may stand on the last page behind it. Only a listing that was read to
/// there proves that a session is not there: one that is cut before is a failure.
async fn list(api: &Jules, since: Timestamp) -> Result<Listed, RequestFailure> {
    let asked = ListSessions::default().page_size(PAGE).filter(ARCHIVED_TOO).fields(ASKED);
    let mut listing = api.sessions_with(asked);
    let mut listed = Listed::default();
    let (mut last, mut is_ordered) = (Timestamp::MAX, true);
    for _ in 0..MAX_PAGES {
        let Some(page) = listing.next_page().await else { return Ok(listed) };
        let page = page.map_err(|error| request_failure(&error))?;
        let now = api.service_time();
        let created = |session: &Session| credible(session.create_time, now);
        for created in page.iter().filter_map(created) {
            is_ordered &= created <= last;
            last = created;
        }
        let is_older = |session: &Session| created(session).is_some_and(|created| created < since);
        let end = page.iter().position(is_older).filter(|_| is_ordered);
        let unreadable = listing.unreadable();
        listed.unreadable += unreadable.iter().filter(|at| end.is_none_or(|end| **at <= end)).count();
        listed.found.extend(page.iter().map(|session| seen(session, now)));
        if end.is_some() {
            return Ok(listed);
        }
    }
    let text = format!("more than {MAX_PAGES} pages of sessions are newer than {since}");
    Err(RequestFailure { text, kind: FailureKind::Passing { unsent: true } })
}

async fn poll_page(api: &Jules, request: PageRequest, account: Option<&Account>) -> Polled {
    let PageRequest { token, place, watched, passed, lean } = request;
    let mut page = ListSessions::default().page_size(PAGE).page_token(token);
    page.fields = lean.then(|| LEAN.to_owned());
    let token = page.page_token.as_deref();
    let retries = Retries::default().attempts(PAGE_RETRIES);
    let (clock, api) = Clock::start(&api.with(|options| options.retries(retries)));
    let is_new = |session: &SessionId| watched.contains(session) || !passed.contains(session);
    let orphans = account.map(Account::orphans).unwrap_or_default();
    let is_wanted = |session: &SessionId| is_new(session) || orphans.contains(session);
    let result = api.find_sessions(&page, is_wanted).await;
    let (asked, took) = clock.stop();
    let result = result.map_err(|error| request_failure(&error)).map(|page| {
        let shown = page.found.iter().map(|(place, session)| (*place, seen(session, api.service_time())));
        let shown: Vec<_> = shown.collect();
        if let Some(account) = account {
            account.saw(shown.iter().map(|(_, seen)| seen).filter(|seen| !watched.contains(&seen.id)));
        }
        let shown = shown.into_iter().filter(|(_, seen)| is_new(&seen.id));
        let (found, others): (Vec<_>, Vec<_>) = shown.partition(|(_, seen)| watched.contains(&seen.id));
        Page {
            found,
            strangers: others.into_iter().map(|(_, seen)| seen).collect(),
            count: page.count,
            bytes: page.bytes,
            // The same page once more shows nothing new: what it lacks is read by itself.
            next: page.next_page_token.filter(|next| token != Some(next)),
        }
    });
    Polled::Page { place, lean, asked, took, result }
}

/// Reads a session's activities, from the beginning or after `since`, page by page: they can be megabytes.
async fn read(api: &Jules, session: &SessionId, since: Option<Timestamp>) -> Result<Digest, RequestFailure> {
    let mut told = SessionDigest::default();
    let mut activities = api.activities(session, since);
    let mut is_whole = false;
    for _ in 0..MAX_PAGES {
        let Some(page) = activities.next_page().await else {
            is_whole = since.is_none();
            break;
        };
        let page = page.map_err(|error| request_failure(&error))?;
        page.into_iter().for_each(|activity| told.take(undated(activity, api.service_time())));
    }
    let change_set = told.change_set.take();
    let told_of = is_whole.then(|| Box::new(details::of(&told, change_set.as_ref(), false)));
    let change = change_set.as_ref().map(change);
    Ok(Digest { told, change, told_of, read_at: Some(api.service_time()) })
}

/// Reads what the agent has done since then, as far as one small page goes. Nothing waits for it: it is not tried again.
async fn read_to_show(
    api: &Jules,
    session: &SessionId,
    since: Option<Timestamp>,
) -> Result<Digest, RequestFailure> {
    let api = api.with(|options| options.retries(Retries::NONE).tell_outage(false));
    let page = ListActivities::default().page_size(SHOWN_PAGE).created_after(since).fields(SHOWN);
    let page = api.list_activities(session, &page).await.map_err(|error| request_failure(&error))?;
    let (mut told, now) = (SessionDigest::default(), api.service_time());
    page.items.into_iter().for_each(|activity| told.take(undated(activity, now)));
    Ok(Digest { told, change: None, told_of: None, read_at: Some(now) })
}

/// The activity, without a time that has not come yet: taken for the newest, it would hide all that come after it.
fn undated(mut activity: Activity, now: Timestamp) -> Activity {
    activity.create_time = credible(activity.create_time, now);
    activity
}

/// The time, unless it has not come yet.
fn credible(at: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    at.filter(|at| at.duration_since(now) <= AHEAD)
}

/// A session that has not ended may carry a change set of megabytes that is not final: it is not read.
fn seen(session: &Session, now: Timestamp) -> Seen {
    let state = session.state.clone().unwrap_or(SessionState::Unspecified);
    let change_set = session.change_set().filter(|_| state.is_terminal());
    Seen {
        id: session.id.clone(),
        title: session.title.clone(),
        url: session.url.clone(),
        created: credible(session.create_time, now),
        updated: credible(session.update_time, now),
        work: Work { change: change_set.map(change), ..pull_requests(session) },
        archived: session.archived,
        ask: Ask::of_session(session),
        state,
    }
}

/// How many pull requests of one session are taken in, the newest ones. No session opens so many: a service that tells of
/// more would fill ledger and reports.
const MOST_PULL_REQUESTS: usize = 100;

/// A pull request that is told twice is one.
fn pull_requests(session: &Session) -> Work {
    let mut found: Vec<Arc<PullRequest>> = Vec::new();
    for told in session.pull_requests().rev() {
        if found.len() == MOST_PULL_REQUESTS {
            break;
        }
        if !found.iter().any(|known| Some(&known.url) == told.url.as_ref()) {
            found.extend(pull_request(told).map(Arc::new));
        }
    }
    found.reverse();
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
    Change {
        files: diff.files.len() as u64,
        additions: diff.additions(),
        deletions: diff.deletions(),
        unread: diff.unread,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jules::{ActivityKind, Originator};

    #[test]
    fn the_newest_pull_requests_of_a_session_are_taken_in_and_each_once() {
        let url = |n: usize| format!("https://github.com/o/r/pull/{n}");
        let told = |numbers: &[usize]| {
            let outputs = numbers.iter().map(|n| serde_json::json!({ "pullRequest": { "url": url(*n) } }));
            let session = serde_json::json!({ "id": "1", "outputs": outputs.collect::<Vec<_>>() });
            let work = pull_requests(&serde_json::from_value(session).unwrap());
            work.pull_requests().map(|pull| pull.url.clone()).collect::<Vec<_>>()
        };
        assert_eq!(told(&[]), [] as [String; 0]);
        assert_eq!(told(&[7, 8, 7, 9, 9]), [8, 7, 9].map(url));
        let many: Vec<usize> = (0..5_000).collect();
        assert_eq!(told(&many), many[4_900..].iter().map(|n| url(*n)).collect::<Vec<_>>());
    }

    #[test]
    fn one_time_far_in_the_future_hides_nothing() {
        let now: Timestamp = "2026-11-22T02:00:00Z".parse().unwrap();
        let mut told = SessionDigest::default();
        for (id, minutes) in [("a", -10), ("b", 40_000_000), ("c", 1)] {
            let kind = ActivityKind::AgentMessaged { message: id.to_owned() };
            let mut activity = Activity::new(id.parse().unwrap(), Originator::Agent, kind);
            activity.create_time = Some(now + SignedDuration::from_mins(minutes));
            told.take(undated(activity, now));
        }
        assert_eq!(told.last_agent, Some(now + SignedDuration::from_mins(1)));
        assert_eq!(told.agent_message.as_deref(), Some("c"));
    }
}
