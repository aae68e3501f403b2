//! What a later invocation makes of the tasks of an earlier one.

use std::collections::HashSet;

use super::*;
use crate::engine::{GivenUp, LeftOver};
use crate::outcome::TaskRecord;

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
fn an_answer_of_a_person_is_waited_for_while_it_is_young() {
    // Looks take up to some minutes here.
    for (minutes, created) in [(1, 3), (2, 3), (8, 6)] {
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
fn what_was_given_up_and_not_put_away_is_put_away_before_another_attempt() {
    for is_other_round in [false, true] {
        let manners = Manners { hangs: 1.0, archives_hang: true, ..Manners::default() };
        let mut world = World::new(plan(3, 3), manners, 1);
        world.run_to_end(None);
        assert_eq!(outcomes(&world), [Outcome::Stalled; 3]);
        world.manners = Manners::default();
        if is_other_round {
            next_round(&mut world);
            world.options.again = world.plan.tasks.iter().map(|task| task.id.clone()).collect();
        }
        world.options.rerun_failed = !is_other_round;
        world.run_to_end(None);
        assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Succeeded; 3], 6));
        let archived = world.archived();
        assert_eq!(archived, 3, "{is_other_round}");
    }
}

#[test]
fn a_replacement_goes_on_wherever_the_program_was_killed() {
    for steps in 0..40 {
        let mut world = World::new(plan(2, 2), Manners { hangs: 1.0, ..Manners::default() }, 1);
        world.run_to_end(Some((12, StopReason::Interrupt)));
        let live = world.created();
        world.manners = Manners::default();
        next_round(&mut world);
        world.options.again = world.plan.tasks.iter().map(|task| task.id.clone()).collect();
        world.options.replace_live = true;
        world.run_to_end(Some((world.steps + steps, StopReason::Abandon)));
        let is_asked = |task: &TaskRecord| task.attempts.first().is_some_and(|first| first.archiving);
        let asked = world.record.tasks.values().filter(|task| is_asked(task)).count();
        (world.options.again, world.options.replace_live) = (HashSet::new(), false);
        world.run_to_end(None);
        let archived = world.archived();
        assert!(archived >= asked, "{steps}: {asked} of {live}");
        let ends = outcomes(&world);
        assert!(!ends.contains(&Outcome::Failed), "{steps}: nobody else has archived them: {ends:?}");
    }
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
fn a_good_end_stays_where_no_session_takes_its_place() {
    let mut world = World::new(plan(3, 3), Manners::default(), 1);
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::Succeeded; 3]);
    world.options.again = world.plan.tasks.iter().map(|task| task.id.clone()).collect();
    let mut bounded = world.plan.as_ref().clone();
    bounded.settings.strategy.max_tasks = Some(1);
    world.plan = Arc::new(bounded);
    assert_eq!(world.run_to_end(None), Some(StopReason::MaxTasks));
    assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Succeeded; 3], 4));
    let told = "2 tasks are not done once more: ";
    assert!(world.notes.iter().any(|note| note.starts_with(told)), "{:?}", world.notes);
}

/// What is left of the record's tasks for the next invocation to put away, as the runner tells it.
fn left_over(world: &World) -> Vec<LeftOver> {
    let left = |task: &TaskRecord| {
        let last = task.last_attempt().filter(|last| last.is_left())?;
        let (task, session) = (task.planned.id.clone(), last.session.as_ref()?.id.clone());
        Some(LeftOver { task, attempt: Some(last.number), session, given_up: GivenUp::of(last)? })
    };
    world.record.tasks.values().filter_map(left).collect()
}

#[test]
fn the_end_of_a_run_waits_for_archives_half_a_minute_and_the_next_one_goes_on_with_them() {
    let manners = Manners { asks: 1.0, archives_hang: true, ..Manners::default() };
    let mut world = World::new(plan(9, 9), manners, 1);
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::NeedsInput; 9]);
    let ended = world.record.tasks.values().filter_map(|task| task.ended_at).max().unwrap();
    let waited = world.now.wall.duration_since(ended).as_secs();
    assert!((30..60).contains(&waited), "{waited} s");
    let told = |world: &World, what| world.notes.iter().filter(|note| note.contains(what)).count();
    // Some may have waited for so long before that nobody waits for them any more.
    assert_eq!(told(&world, "waiting for the archive to take "), 1, "{:?}", world.notes);
    assert_eq!(told(&world, "that were given up, for 30 s"), 1, "{:?}", world.notes);
    assert!(told(&world, "The next run looks at them again") >= 1, "{:?}", world.notes);
    assert_eq!(left_over(&world).len(), 9);
    world.manners.archives_hang = false;
    // Time passes fast here, and half a minute may not be enough for all.
    for _ in 0..9 {
        world.options.left_over = left_over(&world);
        world.run_to_end(None);
    }
    assert!(world.record.tasks.values().all(|task| task.attempts[0].archived));
    assert_eq!((outcomes(&world), world.created()), (vec![Outcome::NeedsInput; 9], 9));
}
