//! Pull requests of ours that the ledger does not know: it was lost, or is on another machine. They are looked for in the
//! tasks' repositories, and known by the marker in the title of the session that made them.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::github::{FoundPull, GitHub, State};
use crate::outcome::{Marker, PullRequest, PullState, SessionRef};
use crate::plan::{FormerNames, Task, TaskId};
use crate::runner::existing::EarlierPull;
use jules::{Jules, SessionId};

/// How many sessions are read at most: open pull requests come first, then the newest.
const MOST_SESSIONS: usize = 200;
/// How many descriptions are read of pull requests whose branches name no session: one point.
const MOST_BODIES: usize = 100;

/// A pull request that may be ours.
struct Candidate {
    repository: String,
    pull: FoundPull,
    session: SessionId,
}

/// Those of these tasks that were made since then, as far as they can be found by the deadline.
pub(super) async fn find(
    tasks: &[&Task],
    former: FormerNames<'_>,
    github: &GitHub,
    jules: &Jules,
    since: Timestamp,
    deadline: Instant,
) -> HashMap<TaskId, Vec<EarlierPull>> {
    let mut by_repository: BTreeMap<String, Vec<&Task>> = BTreeMap::new();
    for task in tasks {
        if let Some(source) = &task.source {
            by_repository.entry(source.github.to_ascii_lowercase()).or_default().push(*task);
        }
    }
    let mut found: HashMap<TaskId, Vec<EarlierPull>> = HashMap::new();
    for Candidate { repository, pull, session } in
        candidates(by_repository.keys().cloned().collect(), github, since, deadline).await
    {
        let read = tokio::time::timeout_at(deadline, jules.get_session(&session)).await;
        let Ok(Ok(read)) = read else { continue };
        let Some(marker) = read.title.as_deref().and_then(Marker::of_title) else { continue };
        let is_its = |task: &&&Task| task.every_key(former).any(|key| marker.is_of_task(&key));
        if let Some(task) = by_repository[&repository].iter().find(is_its) {
            let session = SessionRef { id: session, url: read.url.clone() };
            found.entry(task.id.clone()).or_default().push(earlier(pull, session));
        }
    }
    found
}

async fn candidates(
    repositories: Vec<String>,
    github: &GitHub,
    since: Timestamp,
    deadline: Instant,
) -> Vec<Candidate> {
    let newest = github.newest(&repositories, deadline).await;
    let (mut known, mut unnamed) = (Vec::new(), Vec::new());
    for (repository, newest) in repositories.into_iter().zip(newest) {
        // What cannot be read is none of ours as far as anybody knows, as without a token.
        let pulls = newest.map(|newest| newest.pulls).unwrap_or_default();
        for pull in pulls.into_iter().filter(|pull| !pull.is_cross_repository && pull.created_at >= since) {
            match jules::PullRequest::session_of("", &pull.branch) {
                Some(session) => known.push(Candidate { repository: repository.clone(), pull, session }),
                None => unnamed.push((repository.clone(), pull)),
            }
        }
    }
    let order = |pull: &FoundPull| (pull.state != State::Open, std::cmp::Reverse(pull.created_at));
    unnamed.sort_by_key(|(_, pull)| order(pull));
    unnamed.truncate(MOST_BODIES);
    let ids: Vec<String> = unnamed.iter().map(|(_, pull)| pull.id.clone()).collect();
    let bodies = github.bodies(&ids, deadline).await;
    for ((repository, pull), body) in unnamed.into_iter().zip(bodies) {
        let session = body.ok().and_then(|body| jules::PullRequest::session_of(&body, &pull.branch));
        known.extend(session.map(|session| Candidate { repository, pull, session }));
    }
    known.sort_by_key(|candidate| order(&candidate.pull));
    known.truncate(MOST_SESSIONS);
    known
}

fn earlier(pull: FoundPull, session: SessionRef) -> EarlierPull {
    EarlierPull {
        pull: PullRequest {
            url: pull.url,
            number: Some(pull.number),
            title: None,
            base_ref: None,
            head_ref: Some(pull.branch),
        },
        state: PullState::from(&pull.state),
        is_unreadable: false,
        is_foreign: false,
        made_at: pull.created_at,
        closed_at: None,
        closed_by: None,
        session: Some(session),
        run: None,
    }
}
