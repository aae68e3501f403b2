//! What was recorded is what is read, however it was cut into calls and invocations.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::outcome::{
    ApiUsage, Change, Checks, EventLog, GithubUsage, PullAction, PullRequest, PullResult, PullStatus, Review,
    RunRecord, ServiceStatus, Stage, Stray, sample,
};

const TASKS: [&str; 4] = ["a", "b/my-org/web@main", "ü[x=1]", "never-planned"];

fn task() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&TASKS[..])
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), Just("\u{0}\u{1b}[31m]]>\u{fffe}".to_owned()), "[a-z ]{0,40}"]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop::sample::select(&Outcome::ALL[..])
}

fn work() -> impl Strategy<Value = Work> {
    let pull_request = || {
        (text(), any::<Option<u64>>(), prop::option::of(text())).prop_map(|(url, number, title)| {
            Arc::new(PullRequest { url, number, title, base_ref: None, head_ref: Some("head".into()) })
        })
    };
    let change = any::<(u64, u64, u64, bool)>().prop_map(|(files, additions, deletions, unread)| Change {
        files,
        additions,
        deletions,
        unread,
    });
    let earlier = vec(pull_request(), 0..3);
    (prop::option::of(pull_request()), earlier, prop::option::of(change)).prop_map(
        |(pull_request, earlier_pull_requests, change)| Work { pull_request, earlier_pull_requests, change },
    )
}

/// One of three pull requests, under one of two pages each.
fn pull_status() -> impl Strategy<Value = PullStatus> {
    let of = (0..3_u8, any::<bool>(), prop::sample::select(&Stage::ALL[..]), 0..900_i64);
    (of, prop::option::of(text()), text()).prop_map(|((number, renamed, stage, at), foreign, word)| {
        let owner = if renamed { "new" } else { "old" };
        PullStatus {
            url: format!("https://github.com/{owner}/web/pull/{number}"),
            id: Some(format!("PR_{number}")),
            repository: foreign.clone(),
            state: sample::state_at(stage),
            stage,
            since: second(at),
            reason: foreign.clone(),
            head: Some(word.clone()),
            head_since: Some(second(at / 2)),
            checks: Some(Checks::Other(format!("X{word}"))),
            review: Some(Review::Approved),
            merged_at: None,
            closed_at: (stage == Stage::Closed).then(|| second(at)),
            closed_by: foreign.clone(),
            touched_by: foreign,
            checked_at: second(at),
        }
    })
}

fn about_a_pull_request() -> impl Strategy<Value = EventKind> {
    let action = || {
        prop::sample::select(vec![
            PullAction::Merge,
            PullAction::Close,
            PullAction::Message,
            PullAction::Update,
        ])
    };
    let result = prop::sample::select(vec![PullResult::Done, PullResult::Refused, PullResult::InDoubt]);
    prop_oneof![
        (task(), pull_status())
            .prop_map(|(t, pull)| EventKind::PullRequestRead { task: TaskId::new(t), pull: Arc::new(pull) }),
        (task(), text(), action(), prop::option::of(text())).prop_map(|(t, url, action, head)| {
            EventKind::PullRequestActing { task: TaskId::new(t), url, action, head, by: "ada".into() }
        }),
        (task(), text(), action(), result, prop::option::of(text())).prop_map(
            |(t, url, action, result, note)| {
                EventKind::PullRequestActed { task: TaskId::new(t), url, action, result, note }
            }
        ),
        (task(), text()).prop_map(|(t, url)| {
            let pull = PullRequest { url, number: None, title: None, base_ref: None, head_ref: None };
            let (run, session) = (Some(run_id(3)), None);
            EventKind::PullRequestAdopted { task: TaskId::new(t), pull: Box::new(pull), session, run }
        }),
        (0..9_u64)
            .prop_map(|n| EventKind::GithubUsed { usage: GithubUsage { requests: n, points: n, writes: 1 } }),
    ]
}

fn usage() -> impl Strategy<Value = ApiUsage> {
    (prop::collection::btree_map("[a-z]{1,6}", 0..1_000_u64, 0..4), 0..9_u64).prop_map(
        |(requests, retries)| ApiUsage {
            requests,
            retries,
            throttled: 1,
            waited_ms: 2,
            reconnects: 1,
            looks: 9,
            late_looks: 3,
        },
    )
}

fn about_a_task() -> impl Strategy<Value = EventKind> {
    let attempt = 1..4_u32;
    prop_oneof![
        task().prop_map(|t| EventKind::TaskReopened { task: TaskId::new(t) }),
        (task(), attempt.clone()).prop_map(|(t, n)| intent(&run_id(7), t, n)),
        (task(), attempt.clone(), text(), any::<bool>()).prop_map(|(t, attempt, cause, capacity)| {
            EventKind::CreateRefused { task: TaskId::new(t), attempt, cause, capacity, withdrawn: !capacity }
        }),
        (task(), attempt.clone(), text()).prop_map(|(t, attempt, cause)| EventKind::CreateDoubted {
            task: TaskId::new(t),
            attempt,
            cause
        }),
        (task(), attempt.clone(), 2..6_u32).prop_map(|(t, attempt, post)| EventKind::CreateRepeated {
            task: TaskId::new(t),
            attempt,
            post,
            send_by: Timestamp::UNIX_EPOCH
        }),
        (task(), attempt.clone(), 0..20_u32).prop_map(|(t, n, session)| created(t, n, &session.to_string())),
        (task(), attempt.clone(), text()).prop_map(|(t, n, s)| state(t, n, &s)),
        (task(), attempt.clone())
            .prop_map(|(t, attempt)| EventKind::Replied { task: TaskId::new(t), attempt }),
        (task(), attempt.clone())
            .prop_map(|(t, attempt)| EventKind::Nudged { task: TaskId::new(t), attempt }),
        (task(), attempt.clone())
            .prop_map(|(t, attempt)| EventKind::PlanApproved { task: TaskId::new(t), attempt }),
        (task(), attempt, outcome(), prop::option::of(text()), work()).prop_map(
            |(t, attempt, outcome, reason, work)| EventKind::AttemptEnded {
                task: TaskId::new(t),
                attempt,
                outcome,
                reason,
                work
            }
        ),
        (task(), outcome(), prop::option::of(text())).prop_map(|(t, outcome, reason)| EventKind::TaskEnded {
            task: TaskId::new(t),
            outcome,
            reason
        }),
    ]
}

fn about_the_run() -> impl Strategy<Value = EventKind> {
    prop_oneof![
        prop::sample::select(&TASKS[..3]).prop_map(planned),
        (1..9_u32).prop_map(|invocation| EventKind::InvocationStarted {
            invocation,
            shard: crate::plan::Shard::hashed(1, invocation as usize),
            workflow_run: (invocation > 4).then(|| invocation.to_string()),
        }),
        (prop::option::of(task()), text())
            .prop_map(|(t, note)| EventKind::Noted { task: t.map(TaskId::new), note }),
        usage().prop_map(|usage| EventKind::ApiUsed {
            usage: Box::new(usage),
            service: ServiceStatus::default()
        }),
        (text(), 0..9_u32).prop_map(|(title, id)| EventKind::StrayFound {
            stray: Stray {
                session: SessionRef { id: id.to_string().parse().unwrap(), url: None },
                title,
                task: None
            }
        }),
        prop::option::of(text()).prop_map(|stopped| EventKind::InvocationEnded { stopped }),
    ]
}

/// A run's events: what an engine would never send in this order is kept as well.
fn history() -> impl Strategy<Value = Vec<RunEvent>> {
    let kinds =
        vec(prop_oneof![3 => about_a_task(), 1 => about_the_run(), 2 => about_a_pull_request()], 0..40);
    (kinds, vec(0..1_000_000_000_i32, 50)).prop_map(|(kinds, nanos)| {
        let kinds = [started(&run_id(7)), planned("a"), planned("ü[x=1]")].into_iter().chain(kinds);
        let mut events = numbered(1, kinds);
        for (event, nanos) in events.iter_mut().zip(nanos) {
            event.ts += jiff::SignedDuration::new(0, nanos);
        }
        events
    })
}

/// Where a call ends, and whether the process ends there as well.
fn cuts() -> impl Strategy<Value = Vec<(usize, bool)>> {
    vec((1..6_usize, prop::bool::weighted(0.15)), 1..20)
}

/// PostgreSQL keeps no NUL.
fn plain(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

fn record(dir: &Location, events: &[RunEvent], cuts: &[(usize, bool)]) {
    let mut recorder = Ledger::open(dir).unwrap().start(identity("nightly"));
    let mut rest = events;
    for (len, reopen) in cuts.iter().cycle() {
        let (call, behind) = rest.split_at((*len).min(rest.len()));
        recorder.append(call).unwrap();
        rest = behind;
        if rest.is_empty() {
            break;
        }
        if *reopen {
            drop(recorder);
            recorder = Ledger::open(dir).unwrap().resume(&run_id(7)).unwrap();
        }
    }
    recorder.flush().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_fold_of_what_was_stored_is_the_fold_of_what_was_given(events in history(), cuts in cuts()) {
        each(|at| {
            record(at, &events, &cuts);

            let reader = LedgerReader::open(at).unwrap();
            let given = RunRecord::from_events(&events).unwrap();
            let stored = reader.last_run(&identity("nightly"), None).unwrap().unwrap();
            assert_eq!(&stored.skipped, &[]);
            assert_eq!(&stored.record, &given);
            assert_eq!(reader.events(&run_id(7), 0).unwrap().events, events);

            // What is looked up without folding says the same.
            let overview = &reader.runs().unwrap()[0];
            assert_eq!(overview.tasks, given.tasks.len());
            assert_eq!(overview.invocations, given.invocations);
            assert_eq!(overview.ended_at.is_some(), given.ended_at.is_some());
            let open = given.tasks.values().filter(|t| t.outcome.is_none_or(Outcome::is_open)).count();
            assert_eq!(overview.open_tasks(), open);
            let read = given.tasks.values().flat_map(|task| task.pulls.iter()).map(|pull| &pull.status);
            let open = reader.open_pulls(&identity("nightly"), Timestamp::MAX).unwrap();
            for pull in read.filter(|pull| !pull.state.is_over()) {
                assert!(open.iter().any(|found| plain(&found.url) == plain(&pull.url)), "{} is missing", pull.url);
            }
            for session in given.tasks.values().flat_map(|t| &t.attempts).filter_map(|a| a.session.as_ref()) {
                assert!(reader.sessions_since(Timestamp::MIN).unwrap().contains(&session.id));
            }
        });
    }
}
