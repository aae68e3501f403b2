//! Against the server that `JULES_BATCH_TEST_POSTGRES` names; without one they are skipped.

mod elsewhere;
mod of_a_run;

use std::collections::VecDeque;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::super::tests::TestDatabase;
use super::super::{set_limits, standing};
use super::*;

const RUNS: usize = 10;

/// Runs that have their leases, and nothing else.
struct Crowd(TestDatabase);

/// One of them, on a connection of its own.
struct One {
    link: Link,
    run: i64,
    begun: u32,
}

impl Crowd {
    fn new(limits: Limits) -> Option<Self> {
        Some(Self::of(TestDatabase::new()?, limits))
    }

    fn of(database: TestDatabase, limits: Limits) -> Self {
        set_limits(&database.0, &limits).unwrap();
        database.sql(&format!(
            "INSERT INTO @leases (project, manifest, shard, simulated, holder, epoch)
             SELECT 'p', 'm' || n, '', false, 'h', 1 FROM generate_series(1, {RUNS}) AS n;
             INSERT INTO @runs (id, project, lease, identity, manifest, name, simulated, started_at, updated_at, last_seq)
             SELECT 'r' || n, 'p', n, 'm', 'm', 'm' || n, false, 0, 0, 0 FROM generate_series(1, {RUNS}) AS n"
        ));
        Self(database)
    }

    fn one(&self, run: usize) -> One {
        One { link: Link::new(self.0.0.clone()).unwrap(), run: run as i64, begun: 0 }
    }

    /// Lets all of them work at once.
    fn work<T: Send>(&self, work: impl Fn(One) -> T + Sync) -> Vec<T> {
        let (barrier, work) = (Barrier::new(RUNS), &work);
        std::thread::scope(|scope| {
            let started = (1..=RUNS).map(|run| {
                let (one, barrier) = (self.one(run), &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    work(one)
                })
            });
            let threads: Vec<_> = started.collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }
}

impl One {
    fn ask(&self, sql: &str, values: Vec<Value>) -> Vec<Row> {
        self.link.ask(sql, &Arc::new(values)).unwrap()
    }

    fn says(&self, task: &str, share: Option<i32>) -> String {
        let values = values![self.run, task.to_owned(), share];
        let sql = "SELECT answer FROM @account_reserve('default', $1, 'h', 1, $1, $2, 9, $3, NULL, false)";
        self.ask(sql, values)[0].get(0)
    }

    fn follow(&self, task: &str, state: &str) {
        let sql = "SELECT @account_follow('default', $1, 1, ARRAY[$2], ARRAY[$3], ARRAY[$2])";
        self.ask(sql, values![self.run, task.to_owned(), state.to_owned()]);
    }

    /// What is said to one task more; the task, where its session is created.
    fn begin(&mut self) -> Result<String, String> {
        self.begun += 1;
        let task = format!("{}-{}-{}", self.link.database().schema, self.run, self.begun);
        let said = self.says(&task, None);
        if said != "granted" {
            return Err(said);
        }
        self.follow(&task, "intent");
        let sql = "WITH it AS (INSERT INTO @creations (session, ts, run, simulated) \
                       VALUES ($2, 1000 * extract(epoch FROM clock_timestamp())::bigint, $1, false)) \
                   SELECT @account_follow('default', $1, 1, ARRAY[$2], ARRAY['live'], ARRAY[$2])";
        self.ask(sql, values![self.run, task.clone()]);
        Ok(task)
    }
}

#[test]
fn ten_runs_never_have_a_sixteenth_session_at_once_nor_a_hundred_and_first_a_day() {
    let limits = Limits { live: Some(15), sessions_per_day: Some(100), ..Limits::default() };
    let Some(crowd) = Crowd::new(limits) else { return };
    let created = crowd.work(|mut one| {
        let (mut live, mut created) = (VecDeque::<String>::new(), 0);
        loop {
            match one.begin() {
                Ok(task) => {
                    live.push_back(task);
                    created += 1;
                }
                Err(said) if said == "spent" => return created,
                Err(_) => live.pop_front().into_iter().for_each(|task| one.follow(&task, "over")),
            }
        }
    });
    let most = "SELECT max(n) FROM (SELECT (SELECT count(*) FROM @slots AS other WHERE other.reserved_at <= it.reserved_at \
                    AND coalesce(other.ended_at > it.reserved_at, true)) AS n FROM @slots AS it) AS at_each";
    let most = crowd.one(1).ask(most, values![])[0].get::<_, i64>(0);
    assert_eq!((created.iter().sum::<i32>(), most), (100, 15), "{created:?}");
    let standing = standing(&crowd.0.0).unwrap().1.unwrap();
    assert_eq!((standing.within_day, standing.limits), (100, limits));
}

/// How many of fifteen slots ten runs get that ask for three each at one instant, with a function that was changed so.
fn granted_with(change: impl Fn(&str) -> String) -> Option<usize> {
    let crowd = Crowd::new(Limits { live: Some(15), ..Limits::default() })?;
    let sql = include_str!("../account_functions.sql");
    let at = sql.find("CREATE OR REPLACE FUNCTION @account_reserve").unwrap();
    let end = sql[at..].find("\n$function$;").unwrap();
    let function = format!("{}\n$function$;", change(&sql[at..at + end]));
    crowd.0.sql(&function.replace('~', &crowd.0.0.schema));
    let granted = crowd.work(|one| (0..3).filter(|n| one.says(&n.to_string(), None) == "granted").count());
    Some(granted.into_iter().sum())
}

#[test]
fn without_the_lock_there_are_too_many() {
    // What is between counting and reserving takes its time.
    let slow = |sql: &str| {
        let changed = sql.replace(
            "answer := 'granted';\n    _turn",
            "PERFORM pg_sleep(0.05); answer := 'granted';\n    _turn",
        );
        assert_ne!(changed, sql);
        changed
    };
    let unlocked = |sql: &str| {
        let changed = slow(sql).replace("WHERE name = _account FOR NO KEY UPDATE", "WHERE name = _account");
        assert_ne!(changed, slow(sql));
        changed
    };
    let Some(granted) = granted_with(slow) else { return };
    assert_eq!(granted, 15);
    // On a busy machine they may come one after the other.
    assert!((0..10).any(|_| granted_with(unlocked).unwrap() > 15));
}

#[test]
fn what_was_created_before_the_account_was_known_counts_for_the_day() {
    let limits = Limits { sessions_per_day: Some(3), ..Limits::default() };
    let Some(crowd) = Crowd::new(limits) else { return };
    crowd.0.sql(
        "INSERT INTO @creations (session, ts, run, simulated, counted_at)
         SELECT n, 0, 77, n = 3, clock_timestamp() - interval '1 hour' * n FROM unnest(ARRAY[2, 3, 23, 25]) AS n",
    );
    let mut one = crowd.one(1);
    assert!(one.begin().is_ok(), "two of them were created within the day, and not in a rehearsal");
    assert_eq!(one.begin(), Err("spent".to_owned()));
    let sql = "SELECT wait_ms FROM @account_reserve('default', 1, 'h', 1, 1, 't', 0, NULL, NULL, false)";
    let wait = milliseconds(one.ask(sql, values![])[0].get(0)).as_secs();
    assert!((3_590..3_602).contains(&wait), "{wait}: until the one of 23 h ago is a day old");
}

/// Sessions end one after the other, each time all runs ask in another order: how many each of them began.
fn shared_out(crowd: &Crowd, shares: &[Option<i32>], ends: usize) -> Vec<usize> {
    let mut rng = fastrand::Rng::with_seed(17);
    let runs: Vec<One> = (1..=shares.len()).map(|run| crowd.one(run)).collect();
    let (mut began, mut live, mut task) = (vec![0; runs.len()], Vec::new(), 0);
    // The first has all before the others come.
    let mut order = vec![0; 15];
    for _ in 0..ends {
        for at in order {
            task += 1;
            let name = format!("t{task}");
            if runs[at].says(&name, shares[at]) == "granted" {
                runs[at].follow(&name, "intent");
                began[at] += 1;
                live.push((at, name));
            }
        }
        let (at, name) = live.swap_remove(rng.usize(..live.len()));
        runs[at].follow(&name, "over");
        order = (0..runs.len()).collect();
        rng.shuffle(&mut order);
    }
    began
}

/// Jain's index: 1 where all have as many.
fn jain(had: &[f64]) -> f64 {
    let (sum, squares) = (had.iter().sum::<f64>(), had.iter().map(|n| n * n).sum::<f64>());
    sum * sum / (had.len() as f64 * squares)
}

#[test]
fn runs_that_want_slots_have_as_many_each_and_those_that_come_late_as_well() {
    let Some(crowd) = Crowd::new(Limits { live: Some(15), ..Limits::default() }) else { return };
    let began = shared_out(&crowd, &[None; RUNS], 215);
    // Without those that the first began before the others came.
    let fair: Vec<f64> =
        began.iter().enumerate().map(|(at, n)| (n - if at == 0 { 15 } else { 0 }) as f64).collect();
    assert!(jain(&fair) >= 0.95, "{began:?}");
}

#[test]
fn where_there_are_fewer_slots_than_runs_each_has_its_turn() {
    for (slots, runs) in [(1, 2), (3, 5)] {
        let Some(crowd) = Crowd::new(Limits { live: Some(slots), ..Limits::default() }) else { return };
        let all: Vec<One> = (1..=runs).map(|run| crowd.one(run)).collect();
        let (mut began, mut live) = (vec![0.0; runs], VecDeque::new());
        // Whoever has just ended a session asks first.
        let mut first = 0;
        for round in 0..60 {
            for at in (0..runs).map(|at| (first + at) % runs) {
                let name = format!("t{round}-{at}");
                if all[at].says(&name, None) == "granted" {
                    all[at].follow(&name, "intent");
                    began[at] += 1.0;
                    live.push_back((at, name));
                }
            }
            let (at, name) = live.pop_front().unwrap();
            all[at].follow(&name, "over");
            first = at;
        }
        assert!(jain(&began) >= 0.95, "{slots} slots: {began:?}");
    }
}

#[test]
fn a_share_is_kept_and_what_nobody_wants_is_lent() {
    let Some(crowd) = Crowd::new(Limits { live: Some(15), ..Limits::default() }) else { return };
    let mut alone = crowd.one(9);
    assert_eq!((0..16).filter(|_| alone.begin().is_ok()).count(), 15, "nobody else wants them");
    crowd.0.sql("UPDATE @slots SET ended_at = clock_timestamp(); DELETE FROM @members");
    let began = shared_out(&crowd, &[None, Some(9), None], 150);
    let counted: i64 =
        crowd.one(1).ask("SELECT count(*) FROM @slots_in_use WHERE run = 2", values![])[0].get(0);
    assert!((8..=9).contains(&counted), "{counted} of {began:?}");
}

#[test]
fn eight_processes_send_no_more_than_the_quota_in_any_minute_and_use_it() {
    // Fifty in a second are three thousand in a minute.
    let limits = Limits { requests_per_minute: Some(3_000), ..Limits::default() };
    let Some(crowd) = Crowd::new(limits) else { return };
    let turns = crowd.work(|one| {
        let sql = "SELECT (1000000 * extract(epoch FROM turn))::bigint FROM @account_permit('default', 'all', '{}')";
        let turn = |_| if one.run <= 8 { Some(one.ask(sql, values![])[0].get::<_, i64>(0)) } else { None };
        (0..40).filter_map(turn).collect::<Vec<_>>()
    });
    let mut turns: Vec<i64> = turns.into_iter().flatten().collect();
    turns.sort_unstable();
    let most =
        turns.iter().map(|first| turns.iter().filter(|at| (*first..first + 1_000_000).contains(*at)).count());
    assert!(most.max().unwrap() <= 50);
    let span = (turns[turns.len() - 1] - turns[0]) as f64 / 1e6;
    let used = (turns.len() - 1) as f64 / span / 50.0;
    assert!(used >= 0.98, "{used}");
}

#[test]
fn creates_do_not_hold_up_reads_and_a_pause_is_everybodys() {
    let limits =
        Limits { requests_per_minute: Some(60_000), creates_per_minute: Some(1), ..Limits::default() };
    let Some(crowd) = Crowd::new(limits) else { return };
    let one = crowd.one(1);
    (0..3).for_each(|n| assert_eq!(one.says(&n.to_string(), None), "granted"));
    let permit = |held: &str| {
        let row =
            &one.ask(PERMITTED, values!["default".to_owned(), "all".to_owned(), vec![held.to_owned()]])[0];
        (milliseconds(row.get(0)), milliseconds(row.get(1)))
    };
    assert!(permit("reads").0 < Duration::from_secs(1));
    let pause = |ms| one.ask("SELECT @account_pause('default', 'reads', $1)", values![ms]);
    pause(90_000);
    pause(5_000);
    assert!(permit("reads").1 > Duration::from_secs(60), "the longer one lasts");
    assert_eq!(permit("writes").1, Duration::ZERO);
}
