//! What holds however the service behaves.

use super::*;

use proptest::prelude::*;

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
        show: bool,
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
        world.options.show_activities = show;
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
