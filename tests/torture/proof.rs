//! The proof: the simulator's statistics against the report.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use jules_batch::outcome::{Marker, Outcome};
use jules_batch::report::AttemptV1;
use jules_simulator::SessionView;

use crate::case::{ASKS_AT_ITS_END, Case, LATEST_PULL_REQUEST, ONLY_PLANS};
use crate::figures::Figures;
use crate::run::report;
use crate::support::World;

/// Compares what was created with what is known.
pub(crate) fn judge(case: &Case, world: &World, mut figures: Figures) -> Figures {
    let (statistics, sessions, report) = (world.statistics(), world.sessions(), report(world));
    figures.tasks = report.totals.total;
    figures.sessions = sessions.len() as u64;
    figures.requests = statistics.requests.values().sum();
    figures.faults = statistics.faults.values().sum();
    figures.strays = report.strays.len() as u64;

    let attempts = || report.tasks.iter().flat_map(|task| &task.attempts);
    figures.adopted = attempts().filter(|attempt| attempt.adopted).count() as u64;
    let known: BTreeSet<&str> =
        attempts().filter_map(|attempt| Some(attempt.session.as_ref()?.id.as_str())).collect();
    let booked: BTreeSet<&str> = sessions.iter().map(|session| session.id.as_str()).collect();
    for id in booked.difference(&known) {
        figures.lost += 1;
        let title =
            sessions.iter().find(|session| session.id == *id).and_then(|session| session.title.as_deref());
        figures.wrong.push(format!("session {id} is lost: {title:?}"));
    }
    for id in known.difference(&booked) {
        figures.wrong.push(format!("session {id} of the report was never created"));
    }
    for (key, sessions) in by_key(&sessions) {
        let extra = extra(&sessions, case);
        figures.duplicates += extra;
        if extra > 0 {
            let told: Vec<_> =
                sessions.iter().map(|it| (&it.id, &it.title, &it.state, it.archives)).collect();
            figures.wrong.push(format!("task {key} has more sessions than it should: {told:?}"));
        }
    }
    for second in statistics.second_sessions {
        figures.second += 1;
        figures.wrong.push(format!("beside or after one that was enough: {second:?}"));
    }
    let is_forgotten = figures.wiped + figures.restored > 0;
    for task in &report.tasks {
        for attempt in &task.attempts {
            let session =
                attempt.session.as_ref().and_then(|known| sessions.iter().find(|it| it.id == known.id));
            if let Some(session) = session.filter(|session| contradicts(attempt, session, is_forgotten)) {
                figures.contradicted += 1;
                figures.wrong.push(format!("{}: {attempt:?}, but {session:?}", task.id));
            }
        }
    }
    figures.wrong.extend(statistics.duplicates.iter().map(|twice| format!("created twice: {twice:?}")));
    if !case.asks && statistics.live_max > case.max_parallel {
        let most = statistics.live_max;
        figures.wrong.push(format!("{most} sessions lived at once; {} may", case.max_parallel));
    }
    // A reply is as little idempotent as a create.
    let talked = sessions.iter().filter(|session| session.messages.len() > 1 || session.approvals > 1);
    figures.wrong.extend(talked.map(|session| format!("answered twice: {session:?}")));
    let open = report.tasks.iter().filter(|task| task.ended_at.is_none());
    figures.wrong.extend(open.map(|task| format!("task {} has no outcome", task.id)));
    figures
}

/// The sessions of each task, oldest first, by the key in their markers.
fn by_key(sessions: &[SessionView]) -> BTreeMap<String, Vec<&SessionView>> {
    let mut tasks: BTreeMap<String, Vec<&SessionView>> = BTreeMap::new();
    for session in sessions {
        let marker = session.title.as_deref().and_then(Marker::of_title);
        let key =
            marker.map_or_else(|| format!("without a marker: {:?}", session.title), |m| m.key().to_owned());
        tasks.entry(key).or_default().push(session);
    }
    tasks
}

/// How many of a task's sessions should not be: beyond the first, or where it may be done again beside one that had
/// not ended.
fn extra(sessions: &[&SessionView], case: &Case) -> u64 {
    let beside = |pair: &&[&SessionView]| {
        let is_live = pair[0].ended_at.is_none_or(|ended| ended > pair[1].created_at);
        is_live && pair[0].archives == 0
    };
    let attempts = 1 + usize::from(case.retries);
    let rounds = 1 + usize::from(case.failed_again.is_some());
    let beyond = sessions.len().saturating_sub(attempts * rounds);
    (sessions.windows(2).filter(beside).count() + beyond) as u64
}

/// Whether what the attempt is said to have come to is not what the service knows of its session. `is_forgotten` is whether
/// a ledger was lost or replaced by an older copy.
fn contradicts(attempt: &AttemptV1, session: &SessionView, is_forgotten: bool) -> bool {
    let Some((outcome, ended)) = attempt.outcome.zip(attempt.ended_at) else { return false };
    // What happened just before could not be known.
    let known = ended - SignedDuration::from_millis(100 + LATEST_PULL_REQUEST as i64);
    let has_ended = |state: &str| session.ends.iter().any(|end| end.state == state);
    match outcome {
        Outcome::Succeeded => session.pull_request.is_none() && !has_ended("COMPLETED"),
        Outcome::NoChange => {
            let nothing_to_do =
                !session.prompt.ends_with(ONLY_PLANS) && !session.prompt.ends_with(ASKS_AT_ITS_END);
            session.pull_request.is_some() || !has_ended("COMPLETED") || !nothing_to_do
        }
        // One that an invocation has put away whose ledger is gone was, for all that the next one knows, put away by somebody.
        Outcome::Failed => !(has_ended("FAILED") || (is_forgotten && session.archives > 0)),
        Outcome::TimedOut | Outcome::Stalled => {
            let woken = session.wakes.last().map(|wake| wake.at);
            session.ends.last().is_some_and(|end| end.at < known && woken.is_none_or(|at| at < end.at))
        }
        // An answer that was under way then may have woken it later.
        Outcome::Error | Outcome::NeedsInput => {
            session.pull_request.is_some() && session.wakes.last().is_none_or(|wake| wake.at < known)
        }
        Outcome::Skipped | Outcome::Deferred | Outcome::Detached => false,
    }
}
