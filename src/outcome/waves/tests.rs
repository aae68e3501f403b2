//! Waves: a table for the verdict, properties for what must hold whatever happens.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::outcome::sample::{at, attempt_ended, created, ended, event, info, intent, planned, pull_status};
use crate::outcome::{EventKind, PullRequest, PullStatus, RunEvent};
use crate::plan::{TaskId, TaskSource};

const HOUR: i64 = 3600;

fn terms(when: PassWhen) -> WaveTerms {
    let hour = 3_600_000;
    WaveTerms { when, min_success: 50.0, within_ms: 24 * hour, soak_ms: hour, then: Then::Continue }
}

fn repository(number: usize) -> String {
    format!("my-org/svc-{number:02}")
}

/// Runs of one task a repository, told as seconds and events.
fn record(waves: &[&[usize]], told: Vec<(i64, EventKind)>) -> RunRecord {
    RunRecord::from_events(&events(waves, told)).unwrap()
}

fn events(waves: &[&[usize]], told: Vec<(i64, EventKind)>) -> Vec<RunEvent> {
    let mut kinds = vec![
        (0, EventKind::RunStarted { run: info() }),
        (0, EventKind::InvocationStarted { invocation: 1, shard: None, workflow_run: None }),
    ];
    for number in waves.iter().copied().flatten() {
        let mut planned = planned(&repository(*number));
        planned.source = Some(TaskSource { github: repository(*number), branch: "main".into() });
        kinds.push((0, EventKind::TaskPlanned { planned: Arc::new(planned) }));
    }
    let sets = waves.iter().map(|set| set.iter().copied().map(repository).collect()).collect();
    kinds.push((
        0,
        EventKind::WavesFixed { waves: sets, terms: Some(terms(PassWhen::Ended)), untouched: Vec::new() },
    ));
    kinds.extend(told);
    let seq = |(seq, (second, kind))| RunEvent { seq, ..event(second, kind) };
    (1..).zip(kinds).map(seq).collect()
}

/// A session that ends at this second.
fn task(number: usize, second: i64, outcome: Outcome) -> Vec<(i64, EventKind)> {
    let id = repository(number);
    vec![
        (second - 60, intent(&id, 1)),
        (second - 59, created(&id, 1, 100 + number as u32)),
        (second, attempt_ended(&id, 1, outcome, None)),
        (second, ended(&id, outcome, None)),
    ]
}

fn read(number: usize, second: i64, stage: Stage) -> (i64, EventKind) {
    let (state, checks) = match stage {
        Stage::Merged => (PullState::Merged, Some(Checks::Success)),
        Stage::Closed => (PullState::Closed, None),
        Stage::ChecksFailed => (PullState::Open, Some(Checks::Failure)),
        Stage::ChecksPending => (PullState::Open, Some(Checks::Pending)),
        Stage::Unchecked => (PullState::Open, None),
        _ => (PullState::Open, Some(Checks::Success)),
    };
    let pull = PullStatus {
        state,
        checks,
        merged_at: (state == PullState::Merged).then(|| at(second)),
        ..pull_status("https://github.com/my-org/web/pull/1", stage, at(second))
    };
    (second, EventKind::PullRequestRead { task: TaskId::new(repository(number)), pull: Arc::new(pull) })
}

/// The verdicts under other terms than the record's.
fn judged(record: &RunRecord, terms: &WaveTerms, now: Timestamp) -> Vec<Wave> {
    let mut record = record.clone();
    let waves = record.waves.sets().to_vec();
    record.apply(&event(
        0,
        EventKind::WavesFixed { waves, terms: Some(*terms), untouched: record.waves.untouched().to_vec() },
    ));
    verdicts(&record, now)
}

fn told(record: &RunRecord, terms: &WaveTerms, second: i64) -> Vec<Verdict> {
    judged(record, terms, at(second)).into_iter().map(|wave| wave.verdict).collect()
}

#[test]
fn the_next_wave_begins_when_enough_have_ended_well_and_that_has_lasted() {
    let terms = terms(PassWhen::Ended);
    let one = [task(0, 100, Outcome::Succeeded)].concat();
    let record = record(&[&[0, 1], &[2]], one);
    assert_eq!(told(&record, &terms, 99), [Verdict::Soaking { until: at(100 + HOUR) }, Verdict::Waiting]);
    let waves = judged(&record, &terms, at(100 + HOUR));
    assert_eq!(waves[0].verdict, Verdict::Passed { at: at(100 + HOUR) });
    assert_eq!(waves[1].began_at, Some(at(100 + HOUR)));
}

#[test]
fn a_wave_fails_when_too_few_can_be_a_success_or_its_time_is_over() {
    let terms = terms(PassWhen::Ended);
    let bad = [task(0, 100, Outcome::Failed), task(1, 200, Outcome::TimedOut)].concat();
    let failed = record(&[&[0, 1, 3], &[2]], bad);
    let waves = judged(&failed, &terms, at(300));
    assert_eq!(waves[0].verdict, Verdict::Failed { late: false });
    assert_eq!(waves[0].reason(1), "wave 1 has failed: 0 good, 2 bad, 1 open, 2 needed");
    assert_eq!(waves[1].verdict, Verdict::Waiting);
    let slow = record(&[&[0, 1], &[2]], vec![]);
    assert!(matches!(told(&slow, &terms, 24 * HOUR - 1)[0], Verdict::Open { people: false, .. }));
    assert_eq!(told(&slow, &terms, 24 * HOUR)[0], Verdict::Failed { late: true });
}

#[test]
fn a_person_lets_a_wave_begin_whatever_became_of_the_one_before() {
    let bad = [task(0, 100, Outcome::Failed), task(1, 200, Outcome::Failed)].concat();
    let release = (5 * HOUR, EventKind::WaveReleased { wave: 2, by: Some("ada".into()) });
    let record = record(&[&[0, 1], &[2]], [bad, vec![release]].concat());
    let waves = judged(&record, &terms(PassWhen::Ended), at(6 * HOUR));
    assert_eq!(waves[1].began_at, Some(at(5 * HOUR)));
}

#[test]
fn something_is_left_while_a_later_wave_waits_for_what_people_need_not_do() {
    let terms = terms(PassWhen::Checks);
    let left = |waves: &[&[usize]], stage, hour: i64| {
        let told = [task(0, 100, Outcome::Succeeded), vec![read(0, 200, stage)]].concat();
        is_left(&judged(&record(waves, told), &terms, at(hour * HOUR)))
    };
    let two: [&[usize]; 2] = [&[0], &[1]];
    assert!(left(&two, Stage::ChecksPending, 1) && left(&two, Stage::Ready, 1), "checks, and a time to last");
    assert!(!left(&two, Stage::ChecksFailed, 1), "people have to act");
    assert!(!left(&two, Stage::Ready, 2) && !left(&two, Stage::ChecksPending, 25), "it is judged");
    assert!(!left(&[&[0]], Stage::ChecksPending, 1), "nothing waits for the last one");
}

#[test]
fn with_ask_a_wave_that_has_passed_waits_for_a_person() {
    let terms = WaveTerms { then: Then::Ask, ..terms(PassWhen::Ended) };
    let record = record(&[&[0], &[2]], task(0, 100, Outcome::Succeeded));
    let waves = judged(&record, &terms, at(9 * HOUR));
    assert!(matches!(waves[0].verdict, Verdict::Passed { .. }) && waves[1].began_at.is_none());
    assert!(!waves.iter().any(Wave::is_ours), "nothing is left for us");
}

#[test]
fn what_passed_in_time_and_was_read_later_is_a_success() {
    let late = [task(0, 100, Outcome::Succeeded), vec![read(0, 30 * HOUR, Stage::Ready)]].concat();
    let terms = terms(PassWhen::Checks);
    let unread = record(&[&[0]], task(0, 100, Outcome::Succeeded));
    assert_eq!(judged(&unread, &terms, at(25 * HOUR))[0].verdict, Verdict::Failed { late: true });
    let read = record(&[&[0]], late);
    assert_eq!(judged(&read, &terms, at(32 * HOUR))[0].verdict, Verdict::Passed { at: at(31 * HOUR) });
}

#[test]
fn checks_and_merges_are_asked_of_the_pull_request() {
    let verdict = |when, stages: &[Stage]| {
        let readings = stages.iter().zip(1..).map(|(stage, hour)| read(0, hour * HOUR, *stage));
        let told: Vec<_> = task(0, 100, Outcome::Succeeded).into_iter().chain(readings).collect();
        judged(&record(&[&[0]], told), &terms(when), at(9 * HOUR)).remove(0)
    };
    use PassWhen::{Checks, Merged};
    let passed = |hour: i64| Verdict::Passed { at: at(hour * HOUR) };
    assert_eq!(
        verdict(Checks, &[Stage::ChecksPending, Stage::ReviewRequired, Stage::Ready]).verdict,
        passed(3)
    );
    assert_eq!(
        verdict(Checks, &[Stage::Ready, Stage::ChecksFailed, Stage::Ready]).verdict,
        passed(4),
        "it had to last"
    );
    assert_eq!(verdict(Merged, &[Stage::Ready, Stage::Merged]).verdict, passed(3));
    assert_eq!(verdict(Merged, &[Stage::Closed]).verdict, Verdict::Failed { late: false });
    let people = |when, stage| match verdict(when, &[stage]).verdict {
        Verdict::Open { people, .. } => people,
        other => panic!("{stage}: {other:?}"),
    };
    assert!(people(Checks, Stage::ChecksFailed) && people(Checks, Stage::Unchecked));
    assert!(people(Merged, Stage::ReviewRequired) && people(Merged, Stage::Ready));
    assert!(!people(Checks, Stage::ChecksPending) && !people(Merged, Stage::Queued));
    assert!(!verdict(Merged, &[Stage::Ready]).is_ours(), "waiting for people is none of our work");
    assert!(verdict(Checks, &[Stage::ChecksPending]).is_ours());
}

#[test]
fn every_pull_request_of_a_session_has_to_be_good() {
    let page = |number: u64| format!("https://github.com/my-org/web/pull/{number}");
    let earlier =
        Arc::new(PullRequest { url: page(2), number: Some(2), title: None, base_ref: None, head_ref: None });
    let wave = |when, read_first: &[Stage], read_last: Stage| {
        let mut told = task(0, 100, Outcome::Succeeded);
        let EventKind::AttemptEnded { work, .. } = &mut told[2].1 else { panic!("the attempt's end") };
        work.earlier_pull_requests = vec![earlier.clone()];
        told.extend(read_first.iter().map(|stage| {
            let (second, mut kind) = read(0, 2 * HOUR, *stage);
            if let EventKind::PullRequestRead { pull, .. } = &mut kind {
                *pull = Arc::new(PullStatus { url: page(2), ..PullStatus::clone(pull) });
            }
            (second, kind)
        }));
        told.push(read(0, 3 * HOUR, read_last));
        judged(&record(&[&[0]], told), &terms(when), at(9 * HOUR)).remove(0).figures
    };
    let (good, bad, open) = ((1, 0, 0), (0, 1, 0), (0, 0, 1));
    for (when, first, last, stands) in [
        (PassWhen::Checks, &[Stage::Ready][..], Stage::Ready, good),
        (PassWhen::Checks, &[Stage::ChecksFailed], Stage::Ready, open),
        (PassWhen::Checks, &[], Stage::Ready, open),
        (PassWhen::Checks, &[Stage::Closed], Stage::Ready, good),
        (PassWhen::Merged, &[Stage::Ready], Stage::Merged, open),
        (PassWhen::Merged, &[Stage::Closed], Stage::Merged, good),
        (PassWhen::Merged, &[Stage::Closed], Stage::Closed, bad),
        (PassWhen::Ended, &[Stage::Closed], Stage::Closed, good),
    ] {
        let told = wave(when, first, last);
        assert_eq!((told.good, told.bad, told.pending), stands, "{when:?} {first:?} {last:?}");
    }
}

#[test]
fn what_need_not_change_is_a_success_and_what_was_skipped_does_not_count() {
    let none =
        record(&[&[0, 1]], [task(0, 100, Outcome::NoChange), task(1, 100, Outcome::NoChange)].concat());
    assert!(matches!(told(&none, &terms(PassWhen::Merged), 9 * HOUR)[0], Verdict::Passed { .. }));
    let skipped = vec![(50, ended(&repository(1), Outcome::Skipped, None))];
    let some = record(&[&[0, 1]], [task(0, 100, Outcome::Failed), skipped].concat());
    let wave = judged(&some, &terms(PassWhen::Ended), at(200)).remove(0);
    assert_eq!((wave.figures.bad, wave.figures.needed, wave.figures.pending), (1, 1, 0));
}

#[test]
fn a_need_is_met_when_it_is_merged() {
    use crate::outcome::{Merged, merged};
    let stands = |outcome, stage: Option<Stage>| {
        let readings = stage.map(|stage| read(0, 200, stage));
        let told: Vec<_> = task(0, 100, outcome).into_iter().chain(readings).collect();
        merged(&record(&[&[0]], told).tasks[0])
    };
    assert_eq!(stands(Outcome::Succeeded, Some(Stage::Merged)), Merged::Met);
    assert_eq!(stands(Outcome::NoChange, None), Merged::Met);
    assert_eq!(stands(Outcome::Succeeded, None), Merged::NotYet, "it was not read");
    assert_eq!(stands(Outcome::Succeeded, Some(Stage::Unknown)), Merged::NotYet);
    assert_eq!(stands(Outcome::Detached, None), Merged::NotYet);
    let closed = Merged::Never("its pull request was closed unmerged".into());
    assert_eq!(stands(Outcome::Succeeded, Some(Stage::Closed)), closed);
    assert_eq!(stands(Outcome::Failed, None), Merged::Never("failed".into()));
}

#[test]
fn only_a_merge_queue_and_a_first_reading_are_waited_for() {
    let soon = |stage: Option<Stage>, second: i64| {
        let readings = stage.map(|stage| read(0, 200, stage));
        let told: Vec<_> = task(0, 100, Outcome::Succeeded).into_iter().chain(readings).collect();
        let half_an_hour = SignedDuration::from_mins(30);
        crate::outcome::is_merged_within(half_an_hour, &record(&[&[0]], told).tasks[0], at(second))
    };
    assert!(soon(Some(Stage::Queued), 300) && !soon(Some(Stage::Queued), 200 + HOUR));
    assert!(soon(None, 120) && !soon(None, 200), "nobody has read it for too long");
    for stage in [Stage::Ready, Stage::ChecksPending, Stage::ReviewRequired, Stage::Merged, Stage::Closed] {
        assert!(!soon(Some(stage), 201), "{stage:?}");
    }
}

/// What happens to one of nine tasks, at its time.
fn happening() -> impl Strategy<Value = Vec<(i64, EventKind)>> {
    let outcomes = vec![
        Outcome::Succeeded,
        Outcome::Succeeded,
        Outcome::NoChange,
        Outcome::Failed,
        Outcome::Detached,
        Outcome::Skipped,
    ];
    prop_oneof![
        (0..9_usize, 60..30 * HOUR, prop::sample::select(outcomes))
            .prop_map(|(n, second, it)| task(n, second, it)),
        (0..9_usize, 60..40 * HOUR, prop::sample::select(&Stage::ALL[..]))
            .prop_map(|(n, second, stage)| vec![read(n, second, stage)]),
        (60..40 * HOUR, 1..4_usize).prop_map(|(second, wave)| vec![(
            second,
            EventKind::WaveReleased { wave, by: Some("ada".into()) }
        )]),
    ]
}

fn any_terms() -> impl Strategy<Value = WaveTerms> {
    let when = prop::sample::select(vec![PassWhen::Ended, PassWhen::Checks, PassWhen::Merged]);
    (when, 0.0..=100.0_f64, 0..30_u64, 0..5_u64, any::<bool>()).prop_map(|(when, min, within, soak, ask)| {
        let then = if ask { Then::Ask } else { Then::Continue };
        WaveTerms { when, min_success: min, within_ms: within * 3_600_000, soak_ms: soak * 3_600_000, then }
    })
}

const SETS: [&[usize]; 3] = [&[0, 1], &[2, 3, 4], &[5, 6, 7, 8]];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A kill, or an orderly stop that leaves what is live and defers the rest, changes no verdict; nor does taking the run up.
    #[test]
    fn a_stop_at_any_event_changes_no_verdict(
        told in prop::collection::vec(happening(), 0..20), terms in any_terms(), cut in 0..1000_usize, hour in 0..60_i64,
    ) {
        let mut told: Vec<_> = told.concat();
        told.sort_by_key(|(second, _)| *second);
        let all = events(&SETS, told);
        let first = 12.min(all.len());
        let cut = first + cut % (all.len() - first + 1);
        let killed = RunRecord::from_events(&all[..cut]).unwrap();
        let now = killed.tasks.values().flat_map(|task| task.ended_at).max().unwrap_or(at(0)).max(at(hour * HOUR));
        let expected = judged(&killed, &terms, now);
        let mut stopped = killed.clone();
        let second = now.as_second() - at(0).as_second();
        for task in killed.tasks.values().filter(|task| task.outcome.is_none()) {
            stopped.apply(&event(second, ended(task.planned.id.as_str(), task.outcome_so_far(), None)));
        }
        stopped.apply(&event(second, EventKind::InvocationEnded { stopped: Some("deadline".into()) }));
        prop_assert_eq!(&judged(&stopped, &terms, now), &expected);
        let again = EventKind::InvocationStarted { invocation: 2, shard: None, workflow_run: None };
        stopped.apply(&event(second, again));
        for task in killed.tasks.values().filter(|task| task.outcome.is_none_or(Outcome::is_open)) {
            stopped.apply(&event(second, EventKind::TaskReopened { task: task.planned.id.clone() }));
        }
        prop_assert_eq!(&judged(&stopped, &terms, now), &expected);
    }

    #[test]
    fn a_wave_begins_only_after_the_one_before_has_passed_or_by_a_persons_word(
        told in prop::collection::vec(happening(), 0..25), terms in any_terms(), hour in 0..60_i64, later in 0..99_i64,
    ) {
        let mut told: Vec<_> = told.concat();
        told.sort_by_key(|(second, _)| *second);
        let record = record(&SETS, told);
        let waves = judged(&record, &terms, at(hour * HOUR));
        for (number, pair) in (2..).zip(waves.windows(2)) {
            let released = record.waves.released_at(number).is_some();
            let passed = matches!(pair[0].verdict, Verdict::Passed { .. }) && terms.then == Then::Continue;
            prop_assert!(pair[1].began_at.is_none() || released || passed);
        }
        for wave in &waves {
            if let Verdict::Passed { .. } | Verdict::Soaking { .. } = wave.verdict {
                prop_assert!(wave.figures.good >= wave.figures.needed);
            }
        }
        // What the same record has let pass stays so.
        let then = judged(&record, &terms, at((hour + later) * HOUR));
        for (one, other) in waves.iter().zip(&then) {
            if matches!(one.verdict, Verdict::Passed { .. } | Verdict::Failed { .. }) {
                prop_assert_eq!(one, other);
            }
        }
    }
}
