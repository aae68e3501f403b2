//! `strategy.max-parallel-per-repository`: a bound for each repository, which holds up no other.

use super::world::{Manners, World};
use super::{outcomes, plan, task};
use crate::engine::StopReason;
use crate::outcome::Outcome;
use crate::plan::{Plan, TaskSource};

/// The first is no repository at all, the others are spelt in two ways.
pub(super) fn source(number: usize) -> Option<TaskSource> {
    let github = format!("{}/r{}", if number.is_multiple_of(2) { "o" } else { "O" }, number.div_ceil(2));
    (number > 0).then(|| TaskSource { github, branch: "main".to_owned() })
}

/// This number of tasks on each of these repositories, one repository after the other.
fn bounded(tasks: usize, repositories: &[&str], slots: usize, bound: usize) -> Plan {
    let mut plan = plan(tasks * repositories.len(), slots);
    plan.settings.strategy.max_parallel_per_repository = Some(bound);
    for (index, task) in plan.tasks.iter_mut().enumerate() {
        let github = repositories[index / tasks].to_owned();
        task.source = Some(TaskSource { github, branch: "main".to_owned() });
    }
    plan
}

fn starts(world: &World) -> Vec<usize> {
    let mut started: Vec<_> =
        world.record.tasks.values().enumerate().map(|(at, task)| (task.started_at, at)).collect();
    started.sort_unstable();
    started.into_iter().map(|(_, at)| at).collect()
}

#[test]
fn a_repository_has_no_more_sessions_than_it_may_and_the_others_go_on() {
    for seed in 0..20 {
        let plan = bounded(4, &["o/a", "o/b", "o/c"], 3, 1);
        let mut world = World::new(plan, Manners { fails: 0.2, ..Manners::default() }, seed);
        assert_eq!(world.run_to_end(None), None);
        assert_eq!((world.repository_max, world.live_max, world.created()), (1, 3, 12), "{seed}");
        assert_eq!(starts(&world)[..3], [0, 4, 8], "{seed}: what is held back lets others go first");
    }
}

#[test]
fn a_repository_is_one_however_it_is_spelt_and_tasks_without_one_are_not_bounded() {
    let mut plan = bounded(3, &["o/a", "O/A"], 6, 2);
    plan.tasks.extend((6..9).map(|index| task(index, &[])));
    let mut world = World::new(plan, Manners::default(), 1);
    assert_eq!(world.run_to_end(None), None);
    assert_eq!((world.repository_max, outcomes(&world)), (2, vec![Outcome::Succeeded; 9]));
    assert!(world.live_max > 3);
}

#[test]
fn refusals_and_retries_keep_to_the_bound() {
    for seed in 0..20 {
        let mut plan = bounded(5, &["o/a", "o/b"], 5, 2);
        let retries = crate::plan::RetryPolicy {
            count: 2,
            on: vec![crate::plan::RetryOn::Failed],
            ..crate::plan::RetryPolicy::default()
        };
        plan.tasks.iter_mut().for_each(|task| task.retries = retries.clone().into());
        let manners = Manners { fails: 0.5, refused: 0.4, ..Manners::default() };
        let mut world = World::new(plan, manners, seed);
        world.run_to_end(None);
        assert!(world.repository_max <= 2, "{seed}");
        assert_eq!(world.duplicates(), 0, "{seed}");
    }
}

#[test]
fn a_session_of_another_run_has_its_place_until_it_ends() {
    let mut world = World::new(bounded(2, &["o/a", "o/b"], 4, 1), Manners::default(), 1);
    let other = world.session_of_another_run();
    world.options.live_elsewhere = vec![("O/a".to_owned(), other.clone())];
    assert_eq!(world.run_to_end(None), None);
    assert!(world.is_over(&other));
    assert_eq!(outcomes(&world), [Outcome::Succeeded; 4]);
    assert_eq!(starts(&world)[0], 2, "its repository waits, the other one does not");
}

#[test]
fn a_session_of_another_run_that_never_ends_defers_its_repository_alone() {
    let mut world =
        World::new(bounded(2, &["o/a", "o/b"], 4, 1), Manners { hangs: 1.0, ..Manners::default() }, 1);
    let other = world.session_of_another_run();
    world.manners.hangs = 0.0;
    world.options.live_elsewhere = vec![("o/a".to_owned(), other)];
    assert_eq!(world.run_to_end(None), None);
    assert_eq!(
        outcomes(&world),
        [Outcome::Deferred, Outcome::Deferred, Outcome::Succeeded, Outcome::Succeeded]
    );
    assert_eq!(
        world.record.tasks[0].reason.as_deref(),
        Some(
            "not started: o/a has a live session that this run does not follow, and `max-parallel-per-repository` is 1"
        )
    );
}

#[test]
fn sessions_that_nobody_waits_for_keep_their_places() {
    let mut world = World::new(bounded(2, &["o/a", "o/b"], 4, 1), Manners::default(), 1);
    world.options.wait = false;
    assert_eq!(world.run_to_end(None), None);
    assert_eq!(
        outcomes(&world),
        [Outcome::Detached, Outcome::Deferred, Outcome::Detached, Outcome::Deferred]
    );
    world.options.wait = true;
    assert_eq!(world.run_to_end(None), None);
    assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Succeeded; 4], 4));
    assert_eq!(world.repository_max, 1);
}

/// An invocation leaves the session of its first task live, and the next one selects the others.
fn leave_the_first(world: &mut World) {
    world.options.wait = false;
    world.run_to_end(None);
    let mut rest = Plan::clone(&world.plan);
    rest.tasks.remove(0);
    world.plan = rest.into();
    (world.options.wait, world.options.selected) = (true, true);
}

fn is_first_over(world: &World) -> bool {
    let first = world.record.tasks[0].attempts[0].session.as_ref().unwrap();
    world.is_over(&first.id)
}

#[test]
fn what_a_selection_leaves_out_keeps_its_place() {
    let mut world = World::new(bounded(2, &["o/a"], 4, 1), Manners::default(), 1);
    leave_the_first(&mut world);
    assert_eq!(world.run_to_end(None), None);
    assert_eq!((world.created(), world.repository_max), (2, 1), "it has waited for the end of the first");
    assert!(is_first_over(&world));
}

#[test]
fn what_a_selection_leaves_out_keeps_its_slot() {
    let mut world = World::new(plan(3, 1), Manners::default(), 1);
    leave_the_first(&mut world);
    assert_eq!(world.run_to_end(None), None);
    assert_eq!((world.created(), world.live_max), (3, 1), "they have waited for the end of the first");
    assert!(is_first_over(&world));
}

#[test]
fn a_session_beside_the_selection_that_never_ends_defers_it_in_time() {
    let mut world = World::new(plan(2, 1), Manners { hangs: 1.0, ..Manners::default() }, 1);
    leave_the_first(&mut world);
    assert_eq!(world.run_to_end(None), Some(StopReason::Occupied));
    assert_eq!((outcomes(&world)[1], world.created()), (Outcome::Deferred, 1));
}

#[test]
fn an_interrupt_and_the_next_invocation_keep_to_it() {
    for seed in 0..20 {
        let manners = Manners { crash: 0.02, ..Manners::default() };
        let mut world = World::new(bounded(4, &["o/a", "o/b"], 4, 2), manners, seed);
        world.run_to_end(Some((5, StopReason::Interrupt)));
        world.run_to_end(None);
        assert!(world.repository_max <= 2, "{seed}");
        assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Succeeded; 8], 8), "{seed}");
    }
}

#[test]
fn a_dry_run_names_what_comes_first() {
    let mut plan = bounded(3, &["o/a", "o/b"], 2, 1);
    plan.settings.strategy.max_tasks = Some(3);
    let mut world = World::new(plan, Manners::default(), 1);
    let previewed = |world: &World| crate::engine::preview(&world.plan, &world.record, world.options.clone());
    assert_eq!(previewed(&world), [0, 1, 3]);
    assert_eq!(world.run_to_end(None), Some(StopReason::MaxTasks));
    let begun = world.record.tasks.values().map(|task| !task.attempts.is_empty());
    assert_eq!(begun.filter(|begun| *begun).count(), 3);
    assert!(!world.record.tasks[3].attempts.is_empty(), "the second repository is not starved");
}
