//! Against the server that `JULES_BATCH_TEST_POSTGRES` names; without one they are skipped.

mod claims;
mod copying;
mod refused;

use std::sync::{Arc, Barrier};

use super::*;
use crate::ledger::tests::{
    SERVER, created, identity, intent, numbered, planned, run_id, short_run, started, state, stray,
};
use crate::ledger::{Ledger, LedgerReader, Location};
use crate::outcome::EventLog as _;

/// How long a server that does not answer is waited for.
const WAIT: Duration = Duration::from_secs(60);

/// A schema of a test's own, until this is dropped.
pub(in crate::ledger) struct TestDatabase(pub(super) Database);

impl TestDatabase {
    /// None without a server.
    pub(in crate::ledger) fn new() -> Option<Self> {
        Self::with_account_in(None)
    }

    /// One whose account is kept in the schema of another.
    pub(super) fn beside(host: &Self) -> Option<Self> {
        Self::with_account_in(Some(&host.0.schema.parse().unwrap()))
    }

    fn with_account_in(host: Option<&SchemaName>) -> Option<Self> {
        let address = std::env::var(SERVER).ok()?;
        let mut database = Database::parse(&address).unwrap().of_project(Some("my-org/web".to_owned()));
        database.schema = format!("t_{:016x}", fastrand::u64(..));
        make(&database, host).unwrap();
        Some(Self(database))
    }

    pub(in crate::ledger) fn location(&self) -> Location {
        Location::Database(Box::new(self.0.clone()))
    }

    pub(super) fn sql(&self, sql: &str) {
        Link::new(self.0.clone()).unwrap().script(sql).unwrap();
    }

    pub(super) fn open(&self) -> Ledger {
        Ledger::open(self.location()).unwrap()
    }

    fn reader(&self) -> LedgerReader {
        LedgerReader::open(self.location()).unwrap()
    }

    /// As if whoever has a lease had said nothing for long.
    pub(super) fn let_leases_pass(&self) {
        self.sql("UPDATE @leases SET lease_until = clock_timestamp() - interval '1 second'");
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let schema = &self.0.schema;
        let sql =
            "DROP SCHEMA \"X\" CASCADE; DROP OWNED BY \"X_run\", \"X_read\"; DROP ROLE \"X_run\", \"X_read\"";
        self.sql(&sql.replace('X', schema));
    }
}

#[test]
fn a_ledger_is_made_once_and_a_newer_one_is_left_alone() {
    let Some(database) = TestDatabase::new() else { return };
    make(&database.0, None).unwrap();
    database.open();
    database.sql("UPDATE @meta SET value = '99' WHERE key = 'version'");
    database.open();
    assert_eq!(make(&database.0, None).unwrap(), Made::Newer(99));
    // Nor does the script that an administrator runs take anything back.
    let link = Link::new(database.0.clone()).unwrap();
    let refused = link.script(&schema::script(&database.0.schema, None)).unwrap_err().to_string();
    assert!(refused.contains("has version 99, which is newer"), "{refused}");
    let version = link.rows("SELECT value FROM @meta WHERE key = 'version'", values![]).unwrap();
    assert_eq!(version[0].get::<_, String>(0), "99");
    database.sql("UPDATE @meta SET value = '99' WHERE key = 'needs'");
    assert!(matches!(make(&database.0, None), Err(LedgerError::NewSchema { found: 99, .. })));
    assert!(matches!(Ledger::open(database.location()), Err(LedgerError::NewSchema { .. })));
    database.sql("UPDATE @meta SET value = '1'");
    assert!(matches!(Ledger::open(database.location()), Err(LedgerError::OldSchema { found: 1, .. })));
    make(&database.0, None).unwrap();
    database.open();
    let mut other = database.0.clone();
    other.schema = "t_nobody_has_this".to_owned();
    let missing = Ledger::open(Location::Database(Box::new(other))).unwrap_err().to_string();
    assert!(missing.contains("state init"), "{missing}");
}

#[test]
fn a_manifest_has_one_owner_and_others_are_told_who() {
    let Some(database) = TestDatabase::new() else { return };
    let mut one = database.open();
    one.claim(&identity("nightly"), (None, &[])).unwrap();
    let refused = database.open().claim(&identity("nightly"), (None, &[])).unwrap_err();
    assert!(
        refused.is_in_use() && refused.to_string().contains(&format!("pid {}", std::process::id())),
        "{refused}"
    );
    database.open().claim(&identity("other"), (None, &[])).unwrap();
    drop(one);
    let mut next = database.open();
    next.claim(&identity("nightly"), (None, &[])).unwrap();
    assert!(!next.took_over(), "it was given back");
}

#[test]
fn of_many_at_one_instant_one_has_it() {
    let Some(database) = TestDatabase::new() else { return };
    let manifest = identity("nightly");
    for _ in 0..10 {
        let ledgers: Vec<_> = (0..6).map(|_| database.open()).collect();
        let taken = std::thread::scope(|scope| {
            let claims: Vec<_> = ledgers
                .into_iter()
                .map(|mut ledger| scope.spawn(|| ledger.claim(&manifest, (None, &[])).map(|()| ledger)))
                .collect();
            claims.into_iter().map(|claim| claim.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 1, "{taken:?}");
    }
}

/// Of two at one instant, 200 times.
#[test]
fn two_that_begin_at_one_instant_make_one_run() {
    let Some(database) = TestDatabase::new() else { return };
    for n in 0..200 {
        let (manifest, together) = (identity(&format!("nightly-{n}")), Barrier::new(2));
        let begin = |run: RunId| {
            let mut ledger = database.open();
            together.wait();
            let begun = ledger.claim(&manifest, (None, &[])).map(|()| {
                let mut recorder = ledger.start(manifest.clone());
                recorder.append(&numbered(1, [started(&run)])).unwrap();
                recorder
            });
            // The other has been refused while the one is there.
            together.wait();
            begun.is_ok()
        };
        let begun = std::thread::scope(|scope| {
            let both = [n, 500 + n].map(|run| scope.spawn(move || begin(run_id(run))));
            both.map(|one| one.join().unwrap())
        });
        assert_ne!(begun[0], begun[1], "{n}");
    }
    assert_eq!(database.reader().runs().unwrap().len(), 200);
}

#[test]
fn whoever_was_deposed_writes_nothing_more_and_tells_what_came_late() {
    let Some(database) = TestDatabase::new() else { return };
    let run = run_id(1);
    let mut old = database.open().start(identity("nightly"));
    old.append(&numbered(1, [started(&run), planned("a"), intent(&run, "a", 1)])).unwrap();
    database.let_leases_pass();
    let mut new = database.open();
    new.claim(&identity("nightly"), (None, &[])).unwrap();
    assert!(new.took_over());
    let mut new = new.resume(&run).unwrap();
    let late = numbered(4, [created("a", 1, "31"), state("a", 1, "PLANNING")]);
    let refused = old.append(&late).unwrap_err();
    let source = std::error::Error::source(&refused).unwrap().to_string();
    assert!(source.contains("another's by now"), "{source}");
    assert_eq!(database.reader().run(&run).unwrap().unwrap().record.last_seq, 3);
    new.append(&numbered(4, [created("a", 1, "32")])).unwrap();
    old.append(&numbered(6, [state("a", 1, "COMPLETED")])).unwrap_err();
    let events = database.reader().events(&run, 3).unwrap().events;
    assert_eq!(events, numbered(4, [created("a", 1, "32")]));
    let told = new.late().unwrap();
    assert_eq!(
        told.iter().map(|late| (late.task.as_str(), late.session.as_str())).collect::<Vec<_>>(),
        [("a", "31")]
    );
    assert!(told[0].marker.as_ref().unwrap().is_of_run(&run), "by the intent, which was kept before");
    // Whoever sees to it says so in the run.
    new.append(&numbered(5, [stray("31")])).unwrap();
    assert_eq!(new.late().unwrap(), []);
}

#[test]
fn a_late_session_that_was_taken_up_is_no_news() {
    let Some(database) = TestDatabase::new() else { return };
    let run = run_id(1);
    let mut old = database.open().start(identity("nightly"));
    old.append(&numbered(1, [started(&run), planned("a"), intent(&run, "a", 1)])).unwrap();
    database.let_leases_pass();
    let mut new = database.open();
    new.claim(&identity("nightly"), (None, &[])).unwrap();
    let mut new = new.resume(&run).unwrap();
    new.append(&numbered(4, [created("a", 1, "31")])).unwrap();
    old.append(&numbered(4, [created("a", 1, "31")])).unwrap_err();
    assert_eq!(new.late().unwrap(), []);
    let link = Link::new(database.0.clone()).unwrap();
    let open = link.rows("SELECT FROM @late WHERE dealt_with IS NULL", values![]).unwrap();
    assert_eq!(open.len(), 0);
}

#[test]
fn parts_of_a_manifest_that_have_tasks_in_common_are_not_worked_on_at_once() {
    let Some(database) = TestDatabase::new() else { return };
    let shard = |text: &str| (!text.is_empty()).then(|| text.parse::<Shard>().unwrap());
    let claim = |text: &str| {
        let mut ledger = database.open();
        ledger.claim(&identity("nightly"), (shard(text), &[])).map(|()| ledger)
    };
    let cases = [("1/2", "2/2", true), ("1/2", "", false), ("", "2/2", false), ("1/2", "2/3", false)];
    let slices = [("slice:1/2", "slice:2/2", true), ("slice:1/2", "2/2", false)];
    for (first, second, fits) in cases.into_iter().chain(slices) {
        let held = claim(first).unwrap();
        match claim(second) {
            Ok(_) => assert!(fits, "{first} {second}"),
            Err(error) => {
                assert!(matches!(error, LedgerError::Overlap { .. }) && !fits, "{first} {second}: {error}");
                let text = error.to_string();
                let way_out = text.contains("--shard 1/N") && text.contains(" pid ");
                assert!(way_out && (first.is_empty() || text.contains(first)), "{text}");
            }
        }
        drop(held);
        drop(claim(second).unwrap());
    }
}

#[test]
fn whoever_only_writes_down_what_is_news_of_an_earlier_run_is_in_nobodys_way() {
    let Some(database) = TestDatabase::new() else { return };
    let mut recorder = database.open().start(identity("nightly"));
    recorder.append(&short_run(&run_id(1))).unwrap();
    drop(recorder);
    let mut one = database.open();
    one.claim(&identity("nightly"), ("1/2".parse().ok(), &[])).unwrap();
    assert!(one.may_write(&run_id(1)).unwrap(), "nobody works on all of it");
    let mut two = database.open();
    two.claim(&identity("nightly"), ("2/2".parse().ok(), &[])).unwrap();
    assert!(!two.may_write(&run_id(1)).unwrap(), "one of them at a time");
}

#[test]
fn what_was_given_back_can_be_written_by_nobody_who_had_it() {
    let Some(database) = TestDatabase::new() else { return };
    let run = run_id(1);
    let mut recorder = database.open().start(identity("nightly"));
    recorder.append(&short_run(&run)[..3]).unwrap();
    assert!(release(&database.0, &run).unwrap().unwrap().is_some());
    recorder.append(&short_run(&run)[3..4]).unwrap_err();
    assert_eq!(release(&database.0, &run_id(9)).unwrap(), None);
}

#[test]
fn cut_connections_are_made_again_and_nothing_is_lost_or_doubled() {
    let Some(database) = TestDatabase::new() else { return };
    let run = run_id(1);
    let events = short_run(&run);
    let mut recorder = database.open().start(identity("nightly"));
    for event in &events {
        let schema = &database.0.schema;
        database.sql(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE pid <> pg_backend_pid() AND query LIKE '%{schema}%'"
        ));
        recorder.append(std::slice::from_ref(event)).unwrap();
    }
    assert_eq!(database.reader().events(&run, 0).unwrap().events, events);
}

#[test]
fn an_answer_that_was_lost_is_found_by_the_runs_row() {
    let Some(database) = TestDatabase::new() else { return };
    let run = run_id(1);
    let events = short_run(&run);
    let mut postgres = Postgres::open(&database.0).unwrap();
    let target = postgres.save(&Target::New(identity("nightly")), &events[..3], WAIT).unwrap();
    postgres.save(&target, &events[3..5], WAIT).unwrap();
    // As if the answer to the second had never come.
    postgres.writing.as_mut().unwrap().forget(3);
    let target = postgres.save(&target, &events[3..5], WAIT).unwrap();
    postgres.save(&target, &events[5..], WAIT).unwrap();
    drop(postgres);
    assert_eq!(database.reader().events(&run, 0).unwrap().events, events);
}

#[test]
fn an_answer_that_was_lost_is_found_when_more_has_happened_since() {
    let Some(database) = TestDatabase::new() else { return };
    let run = run_id(1);
    let events = short_run(&run);
    let mut postgres = Postgres::open(&database.0).unwrap();
    let target = postgres.save(&Target::New(identity("nightly")), &events[..3], WAIT).unwrap();
    postgres.save(&target, &events[3..5], WAIT).unwrap();
    postgres.writing.as_mut().unwrap().forget(3);
    postgres.save(&target, &events[3..], WAIT).unwrap();
    drop(postgres);
    let reader = database.reader();
    assert_eq!(reader.events(&run, 0).unwrap().events, events);
    assert_eq!(reader.runs().unwrap()[0].open_tasks(), 0);
}

#[test]
fn a_database_that_has_lost_its_last_commits_is_told_them_again() {
    let Some(database) = TestDatabase::new() else { return };
    let run = run_id(1);
    let events = short_run(&run);
    let mut recorder = database.open().start(identity("nightly"));
    recorder.append(&events[..6]).unwrap();
    // As a fail-over leaves it.
    database.sql(
        "DELETE FROM @events WHERE seq > 3; UPDATE @runs SET last_seq = 3; DELETE FROM @creations; \
         UPDATE @tasks SET last = 'none'",
    );
    recorder.append(&events[6..]).unwrap();
    let reader = database.reader();
    assert_eq!(reader.events(&run, 0).unwrap().events, events);
    assert_eq!(reader.sessions_since(jiff::Timestamp::MIN).unwrap().len(), 1);
    assert_eq!(reader.runs().unwrap()[0].open_tasks(), 0);
}

#[test]
fn a_pooler_that_gives_each_statement_another_connection_is_enough() {
    let Some(database) = TestDatabase::new() else { return };
    let link = Link::new(database.0.clone()).unwrap();
    link.rows("SELECT 1 FROM @meta", values![]).unwrap();
    let named = "SELECT count(*) FROM pg_prepared_statements";
    let ask = |sql: &str| link.ask(sql, &Arc::new(values![])).unwrap()[0].get::<_, i64>(0);
    assert_eq!(ask(named), 0, "nothing of a session is used");
}

#[test]
fn old_runs_go_by_the_rules_of_a_folder_and_none_that_is_needed() {
    let Some(database) = TestDatabase::new() else { return };
    let record = |n, manifest: &str| {
        let mut recorder = database.open().start(identity(manifest));
        recorder.append(&short_run(&run_id(n))).unwrap();
        recorder
    };
    (1..24).for_each(|n| drop(record(n, "nightly")));
    record(30, "other");
    // One of the oldest has left a task open that no later run has; one has a pull request that was seen open.
    database.sql(
        "UPDATE @tasks SET id = 'gone', outcome = NULL, last = 'live' WHERE run = 1; \
         INSERT INTO @pulls SELECT run, id, 'u', NULL, key, NULL, 'open', NULL, 0, NULL, NULL, false FROM @tasks WHERE run = 2",
    );
    assert_eq!(prune(&database.0).unwrap(), 1, "23 of them, and three past the twenty, two of which stay");
    let left = || database.reader().runs().unwrap().len();
    assert_eq!((left(), prune(&database.0).unwrap()), (23, 0));
    assert!(database.reader().run(&run_id(3)).unwrap().is_none());
    let all_old = "UPDATE @runs SET started_at = 0, ended_at = 0";
    database.sql(all_old);
    let at_work = record(31, "nightly");
    assert_eq!(prune(&database.0).unwrap(), 0, "nobody is disturbed");
    drop(at_work);
    assert_eq!(prune(&database.0).unwrap(), 20);
    assert_eq!(left(), 4, "the last of each manifest, what is open, and what was seen open");
}
