//! Lost answers, lost ledgers, and searches that show nothing.

use super::*;

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

#[test]
fn an_intent_that_is_looked_for_holds_up_no_other_task() {
    let manners = Manners { lost_answer: 1.0, processed: true, searches_fail: true, ..Manners::default() };
    let mut world = World::new(plan(1, 1), manners, 2);
    world.run_to_end(None);
    assert_eq!((outcomes(&world), world.created()), (vec![Outcome::Detached], 1));
    world.plan = Arc::new(plan(3, 3));
    world.manners = Manners { searches_fail: true, ..Manners::default() };
    world.run_to_end(None);
    assert_eq!(outcomes(&world), [Outcome::Detached, Outcome::Succeeded, Outcome::Succeeded]);
    let tasks = &world.record.tasks;
    let given_up = tasks[0].ended_at.unwrap();
    assert!(
        tasks.values().skip(1).all(|task| task.ended_at.unwrap() < given_up),
        "they did not wait for the looks"
    );
    assert_eq!(world.created(), 3);
}
