use super::*;

/// The time so many seconds after the beginning.
fn clock() -> impl Fn(u64) -> Now {
    let start = Now { instant: Instant::now(), wall: "2026-11-22T02:00:05Z".parse().unwrap() };
    move |seconds| {
        let passed = Duration::from_secs(seconds);
        Now { instant: start.instant + passed, wall: start.wall + passed }
    }
}

/// A create in doubt, so long after its intent; the known session was created ten seconds before that.
fn in_doubt() -> (Create, impl Fn(u64) -> Now) {
    let after = clock();
    let mut create = Create::queued(Adoption::default(), Duration::from_secs(7_200), after(0));
    assert!(matches!(create.on_turn(Ok(()), after(0)), Step::Post(Post { number: 1, .. })));
    let doubt = CreateFailure::Doubt { cause: "timeout".to_owned(), capacity: false };
    assert!(matches!(create.on_posted(Err(doubt), after(0)), Step::Doubt(_)));
    let since = less(after(0).wall, SignedDuration::from_secs(10));
    create.must_show(Some(&KnownSession::new("1".parse().unwrap(), since)), after(0));
    (create, after)
}

/// What follows from a list that does not show the session, and shows the known session or not.
fn search(create: &mut Create, shows: bool, now: Now) -> Step {
    create.phase = Phase::Searching;
    let look = create.without(|_| shows, now);
    create.on_searched(Ok(look), now)
}

#[test]
fn a_key_that_is_refused_to_creates_alone_is_no_reason_to_try_for_ever() {
    let (mut create, at) = in_doubt();
    for n in 0..12 {
        let step = create.on_posted(Err(CreateFailure::Key("401".to_owned())), at(n * 10));
        assert!(matches!(step, Step::Wait), "{n}");
        assert!(matches!(create.on_wake(at(n * 10 + 9)), Step::Wait), "{n}");
        assert!(matches!(create.on_wake(at(n * 10 + 10)), Step::Queue), "{n}");
        assert!(matches!(create.on_turn(Ok(()), at(n * 10 + 10)), Step::Post(_)), "{n}");
    }
    let step = create.on_posted(Err(CreateFailure::Key("401".to_owned())), at(120));
    assert!(matches!(step, Step::Failed { lasting: true, .. }));
}

#[test]
fn every_post_has_a_number_and_a_time_of_its_own_and_begins_with_its_turn() {
    let at = clock();
    let mut create = Create::queued(Adoption::default(), Duration::from_secs(60), at(0));
    assert!(create.is_new() && !create.is_settling() && !create.in_doubt() && create.wake_at().is_none());
    let post = |step| match step {
        Step::Post(post) => post,
        step => panic!("{step:?}"),
    };
    let first = post(create.on_turn(Ok(()), at(1_000)));
    assert_eq!(first, Post { number: 1, send_by: at(1_010).wall });
    assert_eq!((create.since, create.deadline), (at(1_000).wall, Deadline::at(at(1_060).instant)));
    assert!(create.is_posting() && create.in_doubt() && !create.is_new());
    let unsent = || Err(CreateFailure::Unsent("no connection".to_owned()));
    assert!(matches!(create.on_posted(unsent(), at(1_001)), Step::Wait));
    assert!(matches!(create.on_wake(at(1_006)), Step::Queue) && !create.in_doubt());
    let second = post(create.on_turn(Ok(()), at(1_030)));
    assert_eq!(second, Post { number: 2, send_by: at(1_040).wall });
    assert_eq!(create.since, at(1_000).wall, "a search goes back to the first");
}

#[test]
fn what_was_too_late_is_tried_again_however_often() {
    let (start, mut now) = (Instant::now(), 0);
    let at = |seconds| {
        let passed = Duration::from_secs(seconds);
        let wall: Timestamp = "2026-11-22T02:00:05Z".parse().unwrap();
        Now { instant: start + passed, wall: wall + passed }
    };
    let mut create = Create::queued(Adoption::default(), Duration::from_secs(7_200), at(0));
    for _ in 0..20 {
        assert!(matches!(create.on_turn(Ok(()), at(now)), Step::Post(_)), "{now}");
        let late = CreateFailure::Late("too late".to_owned());
        assert!(matches!(create.on_posted(Err(late), at(now)), Step::Wait) && !create.in_doubt());
        now += 5;
        assert!(matches!(create.on_wake(at(now)), Step::Queue), "{now}");
    }
    create.phase = Phase::Waiting(start);
    assert!(matches!(create.on_wake(at(7_200)), Step::Failed { lasting: true, .. }), "but not for ever");
}

#[test]
fn an_earlier_intent_counts_from_its_last_post_and_from_no_later_than_now() {
    let now = Now { instant: Instant::now(), wall: "2026-11-22T02:00:05Z".parse().unwrap() };
    let before = |seconds| less(now.wall, SignedDuration::from_secs(seconds));
    let created_by = |send_by| {
        let (rules, patience) = (Adoption::default(), Duration::from_secs(60));
        Create::settle(before(100), send_by, false, rules, patience, now).created_by
    };
    assert_eq!(created_by(None), before(100), "an older program's");
    assert_eq!(created_by(Some(before(20))), before(20));
    assert_eq!(created_by(Some(before(-8))), now.wall, "who was to send it has ended");
}

#[test]
fn what_another_process_was_to_send_is_looked_for_until_it_would_be_listed() {
    let at = clock();
    let (rules, patience) = (Adoption::default(), Duration::from_secs(7_200));
    let settle = || Create::settle(at(0).wall, Some(at(0).wall), false, rules, patience, at(30));
    let mut looked_until = 30;
    let mut create = settle().of_another(Duration::from_secs(150));
    while !matches!(create.on_searched(Ok(Look::Absent), at(looked_until)), Step::NeverCreated) {
        looked_until += 10;
        assert!(matches!(create.on_wake(at(looked_until)), Step::Search), "{looked_until}");
    }
    assert_eq!(looked_until, 170, "three looks that count, the first at 150");
    let mut own = settle();
    for looked in [30, 40] {
        assert!(matches!(own.on_searched(Ok(Look::Absent), at(looked)), Step::Wait));
    }
    assert!(matches!(own.on_searched(Ok(Look::Absent), at(50)), Step::NeverCreated));
}

#[test]
fn as_many_looks_as_are_to_count_lead_to_another_post() {
    let (mut create, at) = in_doubt();
    assert!(matches!(search(&mut create, true, at(0)), Step::Wait));
    assert!(matches!(search(&mut create, true, at(10)), Step::Wait));
    assert!(matches!(search(&mut create, true, at(20)), Step::QueueAgain));
}

#[test]
fn a_turn_that_comes_long_after_the_last_look_begins_with_another() {
    for seconds in [30, 31] {
        let (mut create, at) = in_doubt();
        for n in 0..2 {
            assert!(matches!(search(&mut create, true, at(n * 10)), Step::Wait), "{n}");
        }
        assert!(matches!(search(&mut create, true, at(20)), Step::QueueAgain));
        let step = create.on_turn(Ok(()), at(seconds));
        if seconds == 30 {
            assert!(matches!(step, Step::Post(Post { number: 2, .. })), "{step:?}");
            continue;
        }
        assert!(matches!(step, Step::Search) && create.in_doubt(), "{step:?}");
        let step = search(&mut create, true, at(32));
        assert!(matches!(step, Step::Post(Post { number: 2, .. })), "{step:?}");
    }
}

#[test]
fn a_list_without_a_known_session_does_not_count_and_the_lag_it_shows_is_waited_for() {
    let (mut create, at) = in_doubt();
    (0..6).for_each(|n| assert!(matches!(search(&mut create, false, at(n * 10)), Step::Wait)));
    assert_eq!(create.searches, 0);
    // It was listed seventy seconds after its creation: the other one may be as late.
    for seconds in [60, 69, 71, 72, 80] {
        assert!(matches!(search(&mut create, true, at(seconds)), Step::Wait), "{seconds}");
    }
    assert_eq!(create.searches, 2);
    assert!(matches!(search(&mut create, true, at(90)), Step::QueueAgain));
}

#[test]
fn a_list_that_never_shows_a_known_session_leaves_the_doubt_open() {
    let (mut create, at) = in_doubt();
    (0..29).for_each(|n| assert!(matches!(search(&mut create, false, at(n * 10)), Step::Wait), "{n}"));
    let Step::Unknown { reason } = search(&mut create, false, at(290)) else { panic!("{create:?}") };
    assert!(reason.contains("does not show session 1"), "{reason}");
}

#[test]
fn a_post_that_waited_for_the_ledger_is_not_late() {
    let after = clock();
    let mut create = Create::queued(Adoption::default(), Duration::from_secs(30), after(0));
    assert!(matches!(create.on_turn(Ok(()), after(0)), Step::Post(_)));
    create.on_ledger(true, after(1));
    create.on_ledger(false, after(59));
    let late = CreateFailure::Late("not sent within 10s".to_owned());
    assert!(matches!(create.on_posted(Err(late), after(59)), Step::Wait));
    let again = create.wake_at().unwrap();
    assert!(matches!(create.on_wake(Now { instant: again, ..after(60) }), Step::Queue));
}
