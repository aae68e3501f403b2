//! Teams that must not read one another: a schema each, the account in one of its own.

use super::*;
use crate::ledger::postgres::make;

/// The schema of the account, and two of teams.
fn teams(limits: Limits) -> Option<(TestDatabase, [Crowd; 2])> {
    let host = TestDatabase::new()?;
    let team = || Some(Crowd::of(TestDatabase::beside(&host)?, limits));
    let teams = [team()?, team()?];
    Some((host, teams))
}

fn counts(database: &TestDatabase) -> (usize, usize, usize) {
    let standing = standing(&database.0).unwrap().1.unwrap();
    (standing.live, standing.within_day, standing.members.len())
}

#[test]
fn what_one_team_has_another_has_not() {
    let limits = Limits { live: Some(15), sessions_per_day: Some(40), ..Limits::default() };
    let Some((host, [a, b])) = teams(limits) else { return };
    let create = |crowd: &Crowd, run: usize, many: usize| {
        let mut one = crowd.one(run);
        (0..many).map_while(|_| one.begin().ok()).collect::<Vec<_>>()
    };
    let of_a = create(&a, 1, 9);
    let of_b = create(&b, 1, 9);
    assert_eq!((of_a.len(), of_b.len()), (9, 6), "runs of two schemas may have one number");
    assert_eq!([&a.0, &b.0, &host].map(counts), [(15, 15, 2); 3]);
    of_a.iter().for_each(|task| a.one(1).follow(task, "over"));
    assert_eq!(counts(&b.0), (6, 15, 2));
    // The first word of a run tells what its schema has created before.
    a.0.sql(
        "INSERT INTO @creations (session, ts, run, simulated, counted_at)
         SELECT 'old' || n, 0, 77, false, clock_timestamp() - interval '1 hour' * (n - 0.5) FROM generate_series(1, 30) AS n",
    );
    a.0.sql("SELECT @account_present('default', 2, 'h', '{}')");
    assert_eq!(counts(&b.0), (6, 15 + 24, 3));
    assert_eq!(create(&b, 2, 9).len(), 1, "the day is everybody's");
}

#[test]
fn two_teams_at_once_never_have_a_sixteenth_session() {
    let Some((host, crowds)) = teams(Limits { live: Some(15), ..Limits::default() }) else { return };
    let most = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for crowd in &crowds {
            scope.spawn(|| {
                crowd.work(|mut one| {
                    let mut live = VecDeque::new();
                    for _ in 0..20 {
                        match one.begin() {
                            Ok(task) => live.push_back(task),
                            Err(_) => live.pop_front().into_iter().for_each(|task| one.follow(&task, "over")),
                        }
                        most.fetch_max(counts(&host).0, Ordering::Relaxed);
                    }
                })
            });
        }
    });
    assert_eq!(most.into_inner(), 15);
}

#[test]
fn a_team_uses_the_account_and_reads_nothing_of_others() {
    let Some((host, [a, b])) = teams(Limits { live: Some(15), ..Limits::default() }) else { return };
    b.one(1).says("secret", None);
    let members = standing(&a.0.0).unwrap().1.unwrap().members;
    assert_eq!(members.iter().map(|it| (it.run.is_some(), it.waiting)).collect::<Vec<_>>(), [(false, 9)]);
    let as_run = |sql: &str| {
        let sql = format!("SET ROLE \"{}_run\"; {sql}; RESET ROLE", a.0.0.schema);
        Link::new(a.0.0.clone()).unwrap().script(&sql).map_err(|error| format!("{error:?}"))
    };
    as_run("SELECT @account_reserve('default', 1, 'h', 1, 1, 't', 0, NULL, NULL, false)").unwrap();
    as_run("SELECT * FROM @account_members, @account_use, @account_limits, @account_pauses").unwrap();
    // Not by the number that another's run has there, either.
    let theirs = "SELECT @account_follow('default', (2::bigint << 40) + 1, 1, '{secret}', '{ended}', '{x}')";
    assert!(as_run(theirs).unwrap_err().contains("there is no run"));
    for schema in [&host.0.schema, &b.0.0.schema] {
        for what in ["slots", "members", "runs", "events", "account_members", "guests"] {
            let refused = as_run(&format!("SELECT * FROM \"{schema}\".{what}")).unwrap_err();
            assert!(refused.contains("permission denied"), "{what}: {refused}");
        }
        let function = format!("SELECT \"{schema}\".account_leave('default', 1, 'h', 1)");
        assert!(as_run(&function).unwrap_err().contains("permission denied"));
    }
}

#[test]
fn where_the_account_is_kept_is_said_once() {
    let Some((host, [a, _])) = teams(Limits::default()) else { return };
    make(&a.0.0, None).unwrap();
    assert_eq!(names(&Link::new(a.0.0.clone()).unwrap()).unwrap(), ["default"]);
    let name = |database: &TestDatabase| database.0.schema.parse().unwrap();
    let refused =
        |database: &TestDatabase, host| format!("{:?}", make(&database.0, Some(&host)).unwrap_err());
    let other = TestDatabase::new().unwrap();
    assert!(refused(&a.0, name(&other)).contains("are kept in the schema"));
    assert!(refused(&host, name(&other)).contains("keeps the accounts of other schemas"));
    assert!(refused(&other, name(&a.0)).contains("are kept in the schema"));
    let busy = Crowd::of(TestDatabase::new().unwrap(), Limits::default());
    busy.0.sql("UPDATE @leases SET lease_until = clock_timestamp() + interval '30 seconds'");
    assert!(refused(&busy.0, name(&host)).contains("somebody is at work"));
}
