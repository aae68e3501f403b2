//! Runs without a runtime: the dispatcher against a service that answers in any order.

mod again;
mod bearers;
mod loss;
mod properties;
mod repositories;
mod showing;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

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
        project: None,
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
        wave: None,
        place: Place { line: 1, column: 1 },
    }
}

/// This number of tasks without needs, with the defaults of the manifest.
pub(in crate::engine) fn plan(tasks: usize, max_parallel: usize) -> Plan {
    let mut settings = Settings::default();
    settings.strategy.max_parallel = max_parallel;
    Plan {
        repositories: Vec::new(),
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
fn there_is_no_attempt_beside_a_session_that_was_left() {
    let mut plan = leaving(plan(1, 3));
    plan.tasks[0].retries = Arc::new(RetryPolicy { count: 3, ..RetryPolicy::default() });
    let mut world = World::new(plan, Manners { hangs: 1.0, ..Manners::default() }, 1);
    world.run_to_end(None);
    assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Stalled], 1));
    assert!(!world.record.tasks[0].attempts[0].archived);
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
