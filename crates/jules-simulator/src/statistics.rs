//! What the simulator saw: the truth that tests and benchmarks judge by.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{
    account::Account, clock::between, github::GitHubStatistics, life::End, method::Method, mishap::FaultKind,
    session::Session, text, wake::Waker,
};

/// Counts since the start or the last reset. Lengths of time are in real milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Statistics {
    /// Requests by method, such as `sessions.create`; `unknown` for addresses that no method has.
    pub requests: BTreeMap<String, u64>,
    /// Answers by HTTP code; `none` where the answer never left.
    pub answered: BTreeMap<String, u64>,
    /// Sessions that hold a slot now: not ended, not paused, not archived, not deleted.
    pub live_now: usize,
    /// The most that held one at once.
    pub live_max: usize,
    /// Sessions created.
    pub created: u64,
    /// Creates refused by the concurrent or the daily cap.
    pub refused: u64,
    /// Requests refused by a quota.
    pub throttled: u64,
    /// Faults that happened, by kind.
    pub faults: BTreeMap<String, u64>,
    /// Groups of sessions that are one task's: the same marker in the title, or without one the same title, prompt
    /// and source.
    pub duplicates: Vec<Duplicate>,
    /// Sessions that were created for a prompt and source that had one already, which lived or had ended well.
    pub second_sessions: Vec<SecondSession>,
    /// How soon clients learnt that sessions had ended.
    pub detection: Detection,
    /// What GitHub saw.
    pub github: GitHubStatistics,
}

/// Sessions that should have been one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Duplicate {
    /// The marker, or the title and source.
    pub what: String,
    /// Ids of the sessions, oldest first.
    pub sessions: Vec<String>,
}

/// A session for a prompt on a source (and branch) that had one already. How the first was is how it was when the second
/// was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SecondSession {
    /// Id of the earlier session: the first that had ended well, else the first that lived.
    pub first: String,
    /// Id of the session created beside or after it.
    pub second: String,
    /// The earlier one's state, as its name on the wire.
    pub first_state: String,
    /// Whether the earlier one held a slot.
    pub while_live: bool,
    /// Whether the earlier one had a pull request, or had completed with a change.
    pub after_success: bool,
}

/// Time from a session's end to the first answer that showed it as ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Detection {
    /// Sessions that have ended.
    pub ended: usize,
    /// Of these, how many no answer has shown as ended.
    pub unseen: usize,
    /// The mean delay of those that were shown.
    pub mean_ms: f64,
    /// The median.
    pub p50_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// A session, as the statistics have it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SessionView {
    /// Decimal digits.
    pub id: String,
    /// As sent.
    pub title: Option<String>,
    /// As sent.
    pub prompt: String,
    /// `sources/github/{owner}/{repo}`.
    pub source: Option<String>,
    /// The starting branch.
    pub branch: Option<String>,
    /// The state's name on the wire.
    pub state: String,
    /// The create's body, as received.
    pub body: Value,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it completed or failed, unless it was woken since.
    pub ended_at: Option<Timestamp>,
    /// When an answer first showed it as ended, though it may have been woken since.
    pub seen_ended_at: Option<Timestamp>,
    /// Every end, oldest first.
    pub ends: Vec<SessionEnd>,
    /// Every time it came back to work after an end, oldest first.
    pub wakes: Vec<SessionWake>,
    /// Real time from creation to end.
    pub lasted_ms: Option<f64>,
    /// Whether it is archived.
    pub archived: bool,
    /// Whether it was deleted.
    pub deleted: bool,
    /// How many times it was archived.
    pub archives: u32,
    /// Messages received, oldest first, without empty ones.
    pub messages: Vec<String>,
    /// How many empty messages it received.
    pub empty_messages: usize,
    /// How many times its plan was approved.
    pub approvals: u32,
    /// Its pull request, the last if there are several.
    pub pull_request: Option<String>,
    /// All of its pull requests, oldest first.
    pub pull_requests: Vec<String>,
    /// How many times it pushed to its branch after it had delivered.
    pub pushes: u32,
}

/// An end of a session, which need not be the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SessionEnd {
    /// When.
    pub at: Timestamp,
    /// COMPLETED or FAILED.
    pub state: String,
    /// When an answer first showed this end.
    pub seen_at: Option<Timestamp>,
}

/// A session's way back to work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SessionWake {
    /// When it left its end.
    pub at: Timestamp,
    /// `message`, `comment` or `ci-fixer`.
    pub by: String,
}

impl SessionView {
    pub(super) fn of(session: &Session) -> Self {
        let source = session.create.source.as_ref();
        let (empty, messages): (Vec<_>, Vec<_>) =
            session.messages.iter().partition(|message| message.trim().is_empty());
        let pull_requests = session.pull_request_urls();
        let end = |end: &End| SessionEnd {
            at: end.at,
            state: end.state.name().unwrap_or_default().to_owned(),
            seen_at: end.seen_at,
        };
        let wake = |wake: &(Timestamp, Waker)| SessionWake { at: wake.0, by: wake.1.name().to_owned() };
        Self {
            id: session.id.clone(),
            title: session.create.title.clone(),
            prompt: session.create.prompt.clone(),
            source: source.map(|source| source.name.clone()),
            branch: source.map(|source| source.branch.clone()),
            state: session.state_name().to_owned(),
            body: serde_json::from_str(&session.body).unwrap_or(Value::Null),
            created_at: session.born,
            ended_at: session.life.ended_at(),
            seen_ended_at: session.life.ends.iter().find_map(|end| end.seen_at),
            ends: session.life.ends.iter().map(end).collect(),
            wakes: session.life.wakes.iter().map(wake).collect(),
            lasted_ms: session.life.length(session.born).map(milliseconds),
            archived: session.archived,
            deleted: session.deleted,
            archives: session.archives,
            messages: messages.into_iter().cloned().collect(),
            empty_messages: empty.len(),
            approvals: session.approvals,
            pull_request: pull_requests.last().cloned(),
            pull_requests,
            pushes: session.life.pushes(),
        }
    }
}

/// The counts that cannot be read off the sessions.
#[derive(Debug, Default)]
pub(super) struct Tally {
    requests: BTreeMap<&'static str, u64>,
    answered: BTreeMap<String, u64>,
    faults: BTreeMap<&'static str, u64>,
    pub(super) created: u64,
    pub(super) refused: u64,
    pub(super) throttled: u64,
    second_sessions: Vec<SecondSession>,
}

impl Tally {
    pub(super) fn request(&mut self, method: Option<Method>) {
        *self.requests.entry(method.map_or("unknown", Method::name)).or_default() += 1;
    }

    pub(super) fn answer(&mut self, status: Option<u16>) {
        let name = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        *self.answered.entry(name).or_default() += 1;
    }

    pub(super) fn fault(&mut self, kind: FaultKind) {
        *self.faults.entry(kind.name()).or_default() += 1;
    }

    /// Counts the session at `place`, just created, if one of `from` on is there for its prompt and source.
    pub(super) fn second(&mut self, account: &Account, place: usize, from: usize) {
        let earlier = |wanted: fn(&Session) -> bool| {
            let mut twins = account.twins(place).map(|twin| (twin, &account.sessions[twin]));
            twins.find(|(twin, session)| *twin >= from && wanted(session)).map(|(_, session)| session)
        };
        if let Some(first) = earlier(Session::has_ended_well).or_else(|| earlier(Session::holds_a_slot)) {
            self.second_sessions.push(SecondSession {
                first: first.id.clone(),
                second: account.sessions[place].id.clone(),
                first_state: first.state_name().to_owned(),
                while_live: first.holds_a_slot(),
                after_success: first.has_ended_well(),
            });
        }
    }

    /// The statistics over these sessions, without the counts of live ones.
    pub(super) fn statistics(&self, sessions: &[Session]) -> Statistics {
        let owned = |(name, count): (&&'static str, &u64)| ((*name).to_owned(), *count);
        Statistics {
            requests: self.requests.iter().map(owned).collect(),
            answered: self.answered.clone(),
            live_now: 0,
            live_max: 0,
            created: self.created,
            refused: self.refused,
            throttled: self.throttled,
            faults: self.faults.iter().map(owned).collect(),
            duplicates: duplicates(sessions),
            second_sessions: self.second_sessions.clone(),
            detection: detection(sessions),
            github: GitHubStatistics::default(),
        }
    }
}

fn duplicates(sessions: &[Session]) -> Vec<Duplicate> {
    let mut groups: BTreeMap<Task<'_>, Vec<String>> = BTreeMap::new();
    for session in sessions {
        groups.entry(Task::of(session)).or_default().push(session.id.clone());
    }
    groups
        .into_iter()
        .filter(|(_, sessions)| sessions.len() > 1)
        .map(|(task, sessions)| Duplicate { what: task.name(), sessions })
        .collect()
}

/// What makes two sessions one task's.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Task<'a> {
    Marked(&'a str),
    Unmarked { title: &'a str, source: Option<&'a str>, prompt: &'a str },
}

impl<'a> Task<'a> {
    fn of(session: &'a Session) -> Self {
        let title = session.create.title.as_deref().unwrap_or_default();
        match text::split_marker(title).1 {
            Some(marker) => Self::Marked(marker),
            None => Self::Unmarked { title, source: session.repo(), prompt: &session.create.prompt },
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Marked(marker) => (*marker).to_owned(),
            Self::Unmarked { title, source, .. } => format!("{title} ({})", source.unwrap_or("no source")),
        }
    }
}

fn detection(sessions: &[Session]) -> Detection {
    let ended = sessions.iter().filter(|session| !session.life.ends.is_empty()).count();
    let first_seen = |session: &Session| {
        let mut delays = session.life.ends.iter().filter_map(|end| Some(between(end.at, end.seen_at?)));
        delays.next()
    };
    let mut delays: Vec<Duration> = sessions.iter().filter_map(first_seen).collect();
    delays.sort_unstable();
    let mean = delays.iter().sum::<Duration>().div_f64(delays.len().max(1) as f64);
    Detection {
        ended,
        unseen: ended - delays.len(),
        mean_ms: milliseconds(mean),
        p50_ms: percentile(&delays, 50),
        p99_ms: percentile(&delays, 99),
        max_ms: percentile(&delays, 100),
    }
}

/// The value that `percent` of these sorted lengths do not exceed; 0 when there are none.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(rank).copied().map_or(0.0, milliseconds)
}

fn milliseconds(length: Duration) -> f64 {
    (length.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_take_the_nearest_rank() {
        let lengths: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&lengths, 50), 100.0);
        assert_eq!(percentile(&lengths, 99), 198.0);
        assert_eq!(percentile(&lengths, 100), 200.0);
        assert_eq!(percentile(&[], 50), 0.0);
    }
}
