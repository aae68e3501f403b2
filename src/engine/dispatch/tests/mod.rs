//! Runs without a runtime: the dispatcher against a service that answers in any order.

mod bearers;
mod repositories;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use self::world::{Manners, World};
use crate::engine::{Options, StopReason};
use crate::outcome::{AttemptRecord, EventKind, Outcome, RunEvent};
use crate::plan::{
    Expect, GiveUp, JobId, MaxFailures, OnNoChange, Place, Plan, Repeat, RetryOn, RetryPolicy, Settings,
    StallPolicy, Task, TaskId, TaskKey, Timeouts, UserFeedback, Waiting,
};

fn task(index: usize, needs: &[usize]) -> Task {
    Task {
        id: TaskId::new(format!("job/o/r{index}@main")),
        key: TaskKey::new(format!("{index:08x}00000000")),
        job: JobId::new("job"),
        title: "A task".into(),
        prompt: "Do it.".into(),
        source: None,
        matrix: Arc::new(BTreeMap::new()),
        tags: Arc::new([]),
        auto_pr: true,
        require_approval: false,
        expect: Expect::Any,
        on_no_change: OnNoChange::Pass,
        give_up: GiveUp::Archive,
        waiting: Arc::new(Waiting::default()),
        retries: Arc::new(RetryPolicy::default()),
        retry_prompt: None,
        timeouts: Timeouts::default(),
        repeat: Repeat::default(),
        needs: needs.into(),
        needs_outside: [].into(),
        needs_merged: [].into(),
        problem: None,
        place: Place { line: 1, column: 1 },
    }
}

/// This number of tasks without needs, with the defaults of the manifest.
pub(in crate::engine) fn plan(tasks: usize, max_parallel: usize) -> Plan {
    let mut settings = Settings::default();
    settings.strategy.max_parallel = max_parallel;
    Plan {
        name: "test".to_owned(),
        former_name: None,
        manifest: "jobs.yaml".to_owned(),
        settings,
        tasks: (0..tasks).map(|index| task(index, &[])).collect(),
        unresolved: Vec::new(),
        warnings: None,
    }
}

/// The same plan, whose sessions are left as they are when they are given up.
fn leaving(plan: Plan) -> Plan {
    let tasks = plan.tasks.into_iter().map(|task| Task { give_up: GiveUp::Leave, ..task }).collect();
    Plan { tasks, ..plan }
}

fn outcomes(world: &World) -> Vec<Outcome> {
    world.record.tasks.values().map(|task| task.outcome.expect("every task has an outcome")).collect()
}

#[test]
fn a_well_behaved_service_brings_every_task_to_success() {
    let mut world = World::new(plan(20, 3), Manners::default(), 1);
    assert_eq!(world.run_to_end(None), None);
    assert_eq!(outcomes(&world), [Outcome::Succeeded; 20]);
    assert_eq!((world.live_max, world.created(), world.duplicates()), (3, 20, 0));
}

#[test]
fn a_failed_need_skips_and_the_skip_spreads() {
    let mut plan = plan(2, 3);
    plan.tasks.push(task(2, &[0]));
    plan.tasks.push(task(3, &[2]));
    let manners = Manners { fails: 1.0, ..Manners::default() };
    let mut world = World::new(plan, manners, 1);
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::Failed, Outcome::Failed, Outcome::Skipped, Outcome::Skipped]);
    assert_eq!(world.created(), 2);
    let reason = world.record.tasks["job/o/r3@main"].reason.clone().unwrap();
    assert_eq!(reason, "needs `job/o/r2@main`, which ended as skipped");
}

#[test]
fn a_task_that_cannot_be_created_goes_on_with_the_session_that_it_has() {
    let live = |steps: usize| {
        let mut world = World::new(plan(2, 1), Manners::default(), 1);
        world.run_to_end(Some((steps, StopReason::Interrupt)));
        Some(world).filter(|world| outcomes(world) == [Outcome::Detached, Outcome::Deferred])
    };
    let mut world = (1..40).find_map(live).unwrap();
    let plan = Arc::make_mut(&mut world.plan);
    plan.tasks.iter_mut().for_each(|task| task.problem = Some("not connected".into()));
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::Succeeded, Outcome::Error]);
    assert_eq!((world.created(), world.duplicates()), (1, 0));
    assert_eq!(world.record.tasks[1].reason.as_deref(), Some("not connected"));
}

#[test]
fn a_spent_budget_ends_all_that_failed_alike_whether_their_pauses_are_over() {
    for seed in 0..20 {
        let mut plan = plan(3, 3);
        plan.settings.limits.sessions_per_day = Some(3);
        plan.settings.run_timeout = Some(Duration::from_secs(3600));
        let policy = RetryPolicy { count: 1, on: vec![RetryOn::Failed], ..RetryPolicy::default() };
        plan.tasks.iter_mut().for_each(|task| task.retries = policy.clone().into());
        let mut world = World::new(plan, Manners { fails: 1.0, ..Manners::default() }, seed);
        assert_eq!(world.run_to_end(None), Some(StopReason::Budget), "{seed}");
        assert_eq!(outcomes(&world), [Outcome::Failed; 3], "{seed}");
    }
}

#[test]
fn a_need_comes_first() {
    let mut plan = plan(1, 3);
    plan.tasks.insert(0, task(9, &[1]));
    let mut world = World::new(plan, Manners::default(), 1);
    world.run_to_end(None);
    let started = |id: &str| world.record.tasks[id].started_at.unwrap();
    assert!(started("job/o/r9@main") >= world.record.tasks["job/o/r0@main"].ended_at.unwrap());
}

#[test]
fn max_failures_defers_the_rest() {
    let mut plan = plan(10, 1);
    plan.settings.strategy.max_failures = Some(MaxFailures::Count(2));
    let mut world = World::new(plan, Manners { fails: 1.0, ..Manners::default() }, 1);
    assert_eq!(world.run_to_end(None), Some(StopReason::Failures));
    assert_eq!(outcomes(&world)[..3], [Outcome::Failed, Outcome::Failed, Outcome::Deferred]);
    assert_eq!(world.created(), 2);
}

#[test]
fn failures_of_earlier_invocations_count() {
    let mut plan = plan(20, 1);
    plan.settings.strategy.max_failures = Some(MaxFailures::Percent(50.0));
    plan.settings.strategy.max_tasks = Some(4);
    let mut world = World::new(plan, Manners { fails: 1.0, ..Manners::default() }, 1);
    assert_eq!(world.run_to_end(None), Some(StopReason::MaxTasks));
    assert_eq!(world.run_to_end(None), Some(StopReason::Failures));
    assert_eq!((world.created(), world.record.totals().of(Outcome::Failed)), (5, 5));
    assert_eq!(world.run_to_end(None), Some(StopReason::Failures), "nothing is started at all");
    assert_eq!(world.created(), 5);
    world.options.rerun_failed = true;
    world.manners.fails = 0.0;
    assert_eq!(world.run_to_end(None), Some(StopReason::MaxTasks), "none of them counts as failed any more");
    assert_eq!(world.created(), 9);
}

#[test]
fn max_tasks_defers_the_rest_and_the_next_run_goes_on() {
    let mut plan = plan(5, 2);
    plan.settings.strategy.max_tasks = Some(3);
    let mut world = World::new(plan, Manners::default(), 1);
    assert_eq!(world.run_to_end(None), Some(StopReason::MaxTasks));
    assert_eq!(world.record.totals().of(Outcome::Deferred), 2);
    assert_eq!(world.run_to_end(None), None);
    assert_eq!(outcomes(&world), [Outcome::Succeeded; 5]);
    assert_eq!((world.created(), world.record.invocations), (5, 2));
}

#[test]
fn a_capacity_refusal_for_ever_defers_everything() {
    let mut world = World::new(plan(4, 2), Manners { refused: 1.0, ..Manners::default() }, 3);
    let stopped = world.run_to_end(None);
    assert_eq!(world.created(), 0);
    assert!(outcomes(&world).iter().all(|o| matches!(o, Outcome::Deferred | Outcome::Error)), "{stopped:?}");
}

#[test]
fn a_session_that_never_ends_times_out() {
    let mut plan = plan(1, 1);
    plan.tasks[0].timeouts.stall = Duration::from_secs(3 * 60 * 60);
    let mut world = World::new(plan, Manners { hangs: 1.0, ..Manners::default() }, 1);
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::TimedOut]);
}

#[test]
fn silence_is_nudged_and_then_stalls() {
    let mut plan = plan(1, 1);
    let stall = StallPolicy::Nudge { text: "Go on.".to_owned(), max: 2 };
    plan.tasks[0].waiting = Arc::new(Waiting { stall, ..Waiting::default() });
    let mut world = World::new(plan, Manners { hangs: 1.0, ..Manners::default() }, 1);
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::Stalled]);
    assert_eq!(world.record.tasks[0].nudges, 2);
}

#[test]
fn a_question_is_the_reason_when_nobody_answers() {
    let mut world = World::new(plan(1, 1), Manners { asks: 1.0, ..Manners::default() }, 1);
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::NeedsInput]);
    assert_eq!(world.record.tasks[0].reason.as_deref(), Some("Which way?"));
}

#[test]
fn a_failed_run_again_first_reads_the_old_session() {
    let mut world = World::new(leaving(plan(3, 3)), Manners { asks: 1.0, ..Manners::default() }, 1);
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::NeedsInput; 3]);
    world.options.rerun_failed = true;
    world.plan = answering(&world.plan);
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::Succeeded; 3]);
    assert_eq!(world.created(), 3, "the old sessions were still live and were taken up again");
}

#[test]
fn what_was_given_up_is_put_away_and_not_taken_up_again() {
    let mut world = World::new(plan(3, 3), Manners { asks: 1.0, ..Manners::default() }, 1);
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::NeedsInput; 3]);
    assert!(world.record.tasks.values().all(|task| task.attempts[0].archived));
    world.options.rerun_failed = true;
    world.plan = answering(&world.plan);
    world.run_to_end(None);
    assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Succeeded; 3], 6));
}

#[test]
fn there_is_no_attempt_beside_a_session_that_was_left() {
    let mut plan = leaving(plan(1, 3));
    plan.tasks[0].retries = Arc::new(RetryPolicy { count: 3, ..RetryPolicy::default() });
    let mut world = World::new(plan, Manners { hangs: 1.0, ..Manners::default() }, 1);
    world.run_to_end(None);
    assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Stalled], 1));
    assert!(!world.record.tasks[0].attempts[0].archived);
}

#[test]
fn what_was_skipped_for_a_failed_need_is_run_again_with_it() {
    let mut plan = plan(1, 3);
    plan.tasks.push(task(1, &[0]));
    plan.tasks.push(task(2, &[1]));
    let mut world = World::new(leaving(plan), Manners { asks: 1.0, ..Manners::default() }, 1);
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::NeedsInput, Outcome::Skipped, Outcome::Skipped]);
    world.options.rerun_failed = true;
    world.plan = answering(&world.plan);
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::Succeeded; 3]);
}

#[test]
fn a_lost_ledger_is_made_up_for_although_the_first_invocation_after_it_is_killed_at_once() {
    let mut world = World::new(plan(20, 4), Manners::default(), 1);
    world.run_to_end(None);
    world.lose_ledger();
    world.invoke_and_die_at_once();
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::Succeeded; 20]);
    assert_eq!(world.created(), 20, "every finished session was adopted");
}

#[test]
fn what_was_put_away_is_found_when_the_ledger_is_lost_and_judged_as_before() {
    let mut world = World::new(plan(3, 3), Manners { asks: 1.0, ..Manners::default() }, 1);
    world.run_to_end(None);
    world.lose_ledger();
    world.run_to_end(None);
    assert_eq!((outcomes(&world), world.created()), (vec![Outcome::NeedsInput; 3], 3));
    assert_eq!(world.record.tasks[0].reason.as_deref(), Some("Which way?"));
    assert!(world.record.tasks.values().all(|task| task.attempts[0].archived));
}

#[test]
fn an_answer_of_a_person_is_waited_for_while_it_is_young() {
    for (minutes, created) in [(1, 3), (6, 3), (8, 6)] {
        let mut world = World::new(plan(3, 3), Manners { asks_last: 1.0, ..Manners::default() }, 1);
        world.run_to_end(None);
        assert_eq!(outcomes(&world), [Outcome::NeedsInput; 3]);
        world.answer_by_hand(Duration::from_secs(minutes * 60));
        world.options.rerun_failed = true;
        world.run_to_end(None);
        assert_eq!((outcomes(&world), world.created()), (vec![Outcome::NeedsInput; 3], created), "{minutes}");
    }
}

/// The same plan, with a reply to every question.
fn answering(plan: &Plan) -> Arc<Plan> {
    let mut answering = plan.clone();
    for task in &mut answering.tasks {
        let user_feedback = UserFeedback::Reply { text: "Any way.".to_owned(), max: 1 };
        task.waiting = Arc::new(Waiting { user_feedback, ..Waiting::default() });
    }
    Arc::new(answering)
}

#[test]
fn an_old_session_that_is_taken_up_again_is_followed_by_the_next_invocation_too() {
    let manners = Manners { asks: 1.0, hangs: 1.0, ..Manners::default() };
    let mut world = World::new(leaving(plan(3, 3)), manners, 1);
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::NeedsInput; 3]);
    world.plan = answering(&world.plan);
    world.options.rerun_failed = true;
    let soon = world.steps + 40;
    assert_eq!(world.run_to_end(Some((soon, StopReason::Interrupt))), Some(StopReason::Interrupt));
    assert_eq!(outcomes(&world), [Outcome::Detached; 3]);
    world.options.rerun_failed = false;
    world.run_to_end(None);
    assert_eq!(world.created(), 3, "no second session beside a live one");
}

#[test]
fn a_search_that_is_refused_for_the_key_leaves_the_intent_open() {
    let mut world = World::new(
        plan(1, 1),
        Manners { lost_answer: 1.0, processed: true, key_lost: true, ..Manners::default() },
        2,
    );
    assert_eq!(world.run_to_end(None), Some(StopReason::Key));
    assert_eq!(outcomes(&world), [Outcome::Detached]);
    assert!(world.record.tasks[0].attempts[0].is_open_intent());
    assert_eq!(world.created(), 1, "the answer was lost after the session had been created");
    world.manners = Manners::default();
    assert_eq!(world.run_to_end(None), None);
    assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Succeeded], 1));
}

#[test]
fn a_key_that_is_refused_now_and_then_does_not_end_the_run() {
    for seed in 0..20 {
        let mut world = World::new(plan(10, 3), Manners { key_refused: 0.1, ..Manners::default() }, seed);
        assert_eq!(world.run_to_end(None), None, "{seed}");
        assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Succeeded; 10], 10), "{seed}");
    }
}

#[test]
fn a_key_that_is_not_taken_any_more_ends_the_run() {
    let mut world = World::new(plan(3, 3), Manners { hangs: 1.0, ..Manners::default() }, 1);
    world.run_to_end(Some((60, StopReason::Interrupt)));
    world.manners.key_refused = 1.0;
    assert_eq!(world.run_to_end(None), Some(StopReason::Key));
    assert!(outcomes(&world).iter().all(|outcome| outcome.is_open()), "{:?}", outcomes(&world));
    let before = world.steps;
    world.options.key_has_worked = false;
    assert_eq!(world.run_to_end(None), Some(StopReason::Key));
    assert!(world.steps - before < 5, "one answer is enough for a key that has never worked");
}

#[test]
fn a_doubt_that_nobody_can_settle_stays_open_and_is_looked_for_by_the_next_run() {
    let manners = Manners { lost_answer: 1.0, processed: true, searches_fail: true, ..Manners::default() };
    let mut world = World::new(plan(1, 1), manners, 2);
    world.run_to_end(None);
    assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Detached], 1));
    // Older programs ended such a task as an error.
    let (task, outcome, reason) = (world.plan.tasks[0].id.clone(), Outcome::Error, None);
    let (seq, ts) = (world.record.last_seq + 1, world.record.started_at);
    world.record.apply(&RunEvent { seq, ts, kind: EventKind::TaskEnded { task, outcome, reason } });
    world.manners = Manners::default();
    world.run_to_end(None);
    assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Succeeded], 1));
}

#[test]
fn a_list_that_shows_nothing_after_lost_answers_does_not_make_sessions_without_end() {
    for (seed, per_day) in [(1, None), (2, Some(5))] {
        let mut plan = plan(20, 10);
        plan.settings.limits.sessions_per_day = per_day;
        plan.settings.run_timeout = Some(Duration::from_secs(3_600));
        let lag = Duration::from_secs(600);
        let manners = Manners { lost_answer: 1.0, processed: true, lag, ..Manners::default() };
        let mut world = World::new(plan, manners, seed);
        let stopped = world.run_to_end(None);
        let most = per_day.map_or(14, |most| most as usize);
        assert!(world.created() <= most, "{} of 20 tasks, {stopped:?}", world.created());
        assert_eq!(stopped, Some(per_day.map_or(StopReason::Doubts, |_| StopReason::Budget)));
        let well = |outcome: Outcome| outcome.is_open() || outcome == Outcome::Succeeded;
        assert!(outcomes(&world).into_iter().all(well), "{:?}", outcomes(&world));
    }
}

#[test]
fn an_edited_prompt_keeps_a_good_end_until_it_is_told_again() {
    let mut plan = plan(2, 1);
    plan.settings.strategy.max_tasks = Some(1);
    let mut world = World::new(plan, Manners::default(), 1);
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::Succeeded, Outcome::Deferred]);
    let original = world.plan.clone();
    let mut edited = original.as_ref().clone();
    edited.tasks[0].key = TaskKey::new("eeeeeeee00000000");
    edited.tasks[1].key = TaskKey::new("eeeeeeee00000001");
    edited.settings.strategy.max_tasks = None;
    world.plan = Arc::new(edited);
    world.run_to_end(None);
    assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Succeeded; 2], 2));
    assert!(world.record.superseded.is_empty(), "nothing had come of the other one");
    world.options.again = [world.plan.tasks[0].id.clone()].into();
    world.run_to_end(None);
    assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Succeeded; 2], 3));
    assert_eq!(world.record.superseded.len(), 1, "the earlier result stays in the record");
    world.options.again.clear();
    world.plan = original;
    world.run_to_end(None);
    assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Succeeded; 2], 3), "it is done");
    assert!(world.record.strays.is_empty());
}

#[test]
fn what_is_at_work_for_the_prompt_before_an_edit_is_followed() {
    let manners = Manners { lost_answer: 0.5, processed: true, ..Manners::default() };
    for seed in 0..20 {
        let mut world = World::new(plan(3, 3), manners, seed);
        world.run_to_end(Some((8, StopReason::Interrupt)));
        let created = world.created();
        let mut edited = world.plan.as_ref().clone();
        edited.tasks.iter_mut().enumerate().for_each(|(n, task)| {
            task.key = TaskKey::new(format!("eeeeeeee0000000{n}"));
            task.prompt = "Do it better.".into();
        });
        world.plan = Arc::new(edited);
        world.manners = Manners::default();
        world.run_to_end(None);
        assert_eq!(outcomes(&world), [Outcome::Succeeded; 3], "seed {seed}");
        assert_eq!(world.created(), 3, "seed {seed}: {created} were there before");
    }
}

/// The world in another run, which knows what the one before has left of its tasks.
fn next_round(world: &mut World) {
    let before = std::mem::replace(&mut world.record, world::begun(&world.plan, world.now.wall, 0x3e7b));
    let tasks = before.tasks.into_iter();
    world.options.earlier =
        tasks.filter(|(_, task)| task.last_attempt().is_some_and(AttemptRecord::is_loose)).collect();
}

#[test]
fn what_another_run_left_at_work_or_in_doubt_is_taken_up() {
    let manners = Manners { lost_answer: 0.5, processed: true, ..Manners::default() };
    for seed in 0..20 {
        let mut world = World::new(plan(3, 3), manners, seed);
        world.run_to_end(Some((8, StopReason::Interrupt)));
        world.manners = Manners::default();
        next_round(&mut world);
        world.options.again = world.plan.tasks.iter().map(|task| task.id.clone()).collect();
        world.run_to_end(None);
        assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Succeeded; 3], 3), "seed {seed}");
    }
}

#[test]
fn what_was_given_up_in_another_run_is_looked_at_although_this_one_was_killed_before_the_look() {
    let mut world = World::new(leaving(plan(3, 3)), Manners { hangs: 1.0, ..Manners::default() }, 1);
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::Stalled; 3]);
    next_round(&mut world);
    world.invoke_and_die_at_once();
    world.manners = Manners::default();
    world.run_to_end(Some((world.steps + 60, StopReason::Interrupt)));
    assert_eq!(world.created(), 3, "the old sessions are still at work");
}

#[test]
fn what_is_live_is_archived_before_it_is_replaced() {
    let mut world = World::new(plan(3, 3), Manners { hangs: 1.0, ..Manners::default() }, 1);
    world.run_to_end(Some((12, StopReason::Interrupt)));
    world.manners = Manners::default();
    let live = world.created();
    assert!(live > 0 && outcomes(&world).contains(&Outcome::Detached));
    next_round(&mut world);
    world.options.again = world.plan.tasks.iter().map(|task| task.id.clone()).collect();
    world.options.replace_live = true;
    world.run_to_end(None);
    assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Succeeded; 3], live + 3));
    let archived = world.record.tasks.values().filter(|task| task.attempts[0].archived).count();
    assert_eq!(archived, live);
}

#[test]
fn a_task_that_left_the_manifest_is_done_when_it_is_back() {
    let mut plan = plan(3, 1);
    plan.settings.strategy.max_tasks = Some(1);
    let mut world = World::new(plan, Manners::default(), 1);
    world.run_to_end(None);
    let whole = world.plan.clone();
    world.plan = selected(&whole, 2);
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::Succeeded, Outcome::Succeeded, Outcome::Skipped]);
    world.plan = whole;
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::Succeeded; 3]);
}

#[test]
fn a_session_is_followed_to_its_end_although_its_need_fails_meanwhile() {
    let mut plan = plan(1, 3);
    plan.tasks.push(task(1, &[]));
    let mut world = World::new(plan, Manners { hangs: 1.0, ..Manners::default() }, 1);
    assert_eq!(world.run_to_end(Some((20, StopReason::Interrupt))), Some(StopReason::Interrupt));
    assert_eq!(outcomes(&world), [Outcome::Detached; 2]);
    // The other invocation did not know of the need.
    let mut needing = world.plan.as_ref().clone();
    needing.tasks[1].needs = [0].into();
    needing.tasks[0].timeouts.task = Duration::from_secs(60);
    world.plan = Arc::new(needing);
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::TimedOut, Outcome::Stalled]);
}

#[test]
fn nobody_waits_for_more_sessions_than_there_are_slots() {
    let mut world = World::new(plan(5, 2), Manners { hangs: 1.0, ..Manners::default() }, 1);
    world.options.wait = false;
    assert_eq!(world.run_to_end(None), Some(StopReason::NoWait));
    let totals = world.record.totals();
    assert_eq!((totals.of(Outcome::Detached), totals.of(Outcome::Deferred), world.created()), (2, 3, 2));
    assert_eq!(world.run_to_end(None), Some(StopReason::NoWait));
    assert_eq!(world.created(), 2, "what is still live keeps its slot");
}

/// The plan with only its first tasks.
fn selected(plan: &Plan, tasks: usize) -> Arc<Plan> {
    Arc::new(Plan { tasks: plan.tasks[..tasks].to_vec(), ..plan.clone() })
}

#[test]
fn a_lost_ledger_is_made_up_for_although_the_first_run_after_it_selects_other_tasks() {
    let mut world = World::new(plan(6, 4), Manners::default(), 1);
    world.run_to_end(None);
    world.lose_ledger();
    let whole = world.plan.clone();
    world.plan = selected(&whole, 2);
    world.options.selected = true;
    world.run_to_end(None);
    world.plan = whole;
    world.options.selected = false;
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::Succeeded; 6]);
    assert_eq!(world.created(), 6, "the sessions of all six were adopted");
}

#[test]
fn an_intent_that_a_selection_leaves_out_is_no_stray_and_found_by_the_next_run() {
    let manners = Manners { lost_answer: 1.0, processed: true, searches_fail: true, ..Manners::default() };
    let mut world = World::new(plan(2, 1), manners, 2);
    world.plan = Arc::new(Plan { tasks: world.plan.tasks[1..].to_vec(), ..world.plan.as_ref().clone() });
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::Detached]);
    world.record.strays.clear();
    world.manners = Manners::default();
    world.plan = Arc::new(plan(1, 1));
    world.options.selected = true;
    world.run_to_end(None);
    assert_eq!((world.created(), &*world.record.strays), (2, &[][..]));
    world.plan = Arc::new(plan(2, 1));
    world.options = Options { selected: false, rerun_failed: true, ..world.options };
    world.run_to_end(None);
    assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Succeeded; 2], 2));
}

#[test]
fn an_old_copy_of_the_ledger_is_made_up_for() {
    let mut plan = plan(9, 2);
    plan.settings.strategy.max_tasks = Some(3);
    let mut world = World::new(plan, Manners::default(), 1);
    world.run_to_end(None);
    let copy = world.record.clone();
    world.run_to_end(None);
    world.restore_ledger(copy);
    while world.run_to_end(None).is_some() {}
    assert_eq!(outcomes(&world), [Outcome::Succeeded; 9]);
    assert_eq!(world.created(), 9, "what the lost invocation had created was adopted");
    assert!(world.record.strays.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// However the sessions ended: what young ones tell makes up for a ledger.
    #[test]
    fn a_lost_ledger_doubles_nothing(
        seed: u64,
        tasks in 1_usize..12,
        lost_answer in 0.0..0.3,
        fails in 0.0..0.4,
        hangs in 0.0..0.3,
        asks in 0.0..0.5,
        failure in 0.0..0.2,
    ) {
        let mut world = World::new(plan(tasks, tasks), Manners { lost_answer, fails, hangs, asks, failure, ..Manners::default() }, seed);
        let once = RetryPolicy { count: 0, ..RetryPolicy::default() };
        Arc::make_mut(&mut world.plan).tasks.iter_mut().for_each(|task| task.retries = once.clone().into());
        while world.run_to_end(None).is_some() {}
        let created = world.created();
        world.lose_ledger();
        while world.run_to_end(None).is_some() {}
        prop_assert_eq!((world.created(), world.duplicates()), (created, 0));
        prop_assert_eq!(outcomes(&world).len(), tasks);
    }

    /// Without titles that come back: what is not surely somebody's is not created again.
    #[test]
    fn changed_titles_double_nothing(
        seed: u64,
        tasks in 1_usize..8,
        max_parallel in 1_usize..4,
        alike: bool,
        lost_answer in 0.0..0.7,
        crash in 0.0..0.02,
    ) {
        let mut plan = plan(tasks, max_parallel);
        for (index, task) in plan.tasks.iter_mut().enumerate().filter(|_| !alike) {
            task.prompt = format!("Do {index}.").into();
        }
        let mut world = World::new(plan, Manners { renames: true, lost_answer, crash, ..Manners::default() }, seed);
        for _ in 0..3 {
            world.run_to_end(None);
            // Tasks that ask the same may get each other's sessions.
            prop_assert!(world.created() <= tasks, "{} of {tasks}", world.created());
            world.options.rerun_failed = true;
        }
        if !alike {
            prop_assert_eq!((world.duplicates(), world.twins), (0, 0));
            prop_assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Succeeded; tasks], tasks));
            prop_assert!(world.record.strays_unknown.is_some());
        }
        prop_assert!(world.record.strays.is_empty());
    }

    /// A list that does not show what surely exists proves nothing, however long that lasts.
    #[test]
    fn a_list_that_lags_doubles_nothing(
        seed: u64,
        lag in prop_oneof![0_u64..15, 300_u64..1800],
        lost_answer in 0.5..1.0,
    ) {
        let manners = Manners { lag: Duration::from_secs(lag), lost_answer, ..Manners::default() };
        let mut world = World::new(plan(2, 1), manners, seed);
        world.run_to_end(None);
        prop_assert_eq!((world.duplicates(), world.twins), (0, 0));
        world.manners = Manners::default();
        world.options.rerun_failed = true;
        world.run_to_end(None);
        prop_assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Succeeded; 2], 2));
        prop_assert!(world.record.strays.is_empty());
    }

    /// Whatever is lost, refused, silent or killed: every task gets an outcome, no session is created twice, none
    /// is lost, and the slots are never exceeded.
    #[test]
    fn never_twice_never_lost_never_stuck(
        seed: u64,
        tasks in 1_usize..25,
        max_parallel in 1_usize..8,
        lost_answer in 0.0..0.5,
        refused in 0.0..0.3,
        failure in 0.0..0.4,
        key_refused in 0.0..0.1,
        hangs in 0.0..0.2,
        asks in 0.0..0.4,
        asks_last in 0.0..0.3,
        idles in 0.0..0.2,
        crash in 0.0..0.02,
        outage in 0.0..0.01,
        sleep in 0.0..0.02,
        late in 0.0..0.3,
        retries in 0_u32..3,
        per_repository in proptest::option::of(1_usize..3),
        repositories in 1_usize..5,
        rerun_failed: bool,
        leave: bool,
        stop_at in proptest::option::of((0_usize..300, prop_oneof![
            Just(StopReason::Deadline), Just(StopReason::Interrupt), Just(StopReason::Abandon),
            Just(StopReason::Failures),
        ])),
    ) {
        let mut plan = plan(tasks, max_parallel);
        plan.settings.strategy.max_parallel_per_repository = per_repository;
        for (index, task) in plan.tasks.iter_mut().enumerate() {
            task.source = repositories::source(index % repositories);
            task.give_up = if leave { GiveUp::Leave } else { GiveUp::Archive };
            task.retries = Arc::new(RetryPolicy {
                count: retries,
                on: vec![RetryOn::Error, RetryOn::Stalled, RetryOn::TimedOut, RetryOn::Failed],
                ..RetryPolicy::default()
            });
            task.waiting = Arc::new(Waiting {
                user_feedback: UserFeedback::Reply { text: "Go on.".to_owned(), max: 1 },
                stall: StallPolicy::Nudge { text: "Go on.".to_owned(), max: 1 },
                ..Waiting::default()
            });
            task.timeouts = Timeouts { task: Duration::from_secs(7_200), ..Timeouts::default() };
            if index % 4 == 3 {
                task.needs = [index - 1].into();
            }
        }
        let manners = Manners {
            lost_answer, refused, failure, key_refused, fails: 0.1, hangs, asks, asks_last, idles, crash, outage, sleep, late,
            ..Manners::default()
        };
        let mut world = World::new(plan, manners, seed);
        let mut stopped = world.run_to_end(stop_at);
        for again in 0..4 {
            prop_assert_eq!(outcomes(&world).len(), tasks);
            prop_assert_eq!(world.duplicates(), 0);
            prop_assert_eq!(world.twins, 0);
            prop_assert!(world.lost().is_empty(), "lost: {:#?}", world.lost());
            if stopped.is_none() && !rerun_failed {
                break;
            }
            world.options.rerun_failed = rerun_failed && again % 2 == 0;
            stopped = world.run_to_end(stop_at.filter(|_| again < 2));
        }
        let slots = max_parallel + world.unknown;
        prop_assert!(world.live_max <= slots, "{} live with {slots} slots", world.live_max);
        let places = per_repository.map_or(usize::MAX, |bound| bound + world.unknown);
        prop_assert!(world.repository_max <= places, "{} live in one repository", world.repository_max);
        prop_assert!(world.are_strays_expected());
    }
}
