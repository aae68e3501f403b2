//! A server that answers, and refuses for a while.

use super::*;

/// A login that a run may have, for settings of its own, until this is dropped.
struct Login<'d> {
    name: String,
    database: &'d TestDatabase,
}

impl<'d> Login<'d> {
    fn new(database: &'d TestDatabase) -> Self {
        let login = Self { name: format!("{}_login", database.0.schema), database };
        login.sql("CREATE ROLE LOGIN LOGIN IN ROLE \"SCHEMA_run\"");
        login
    }

    fn sql(&self, sql: &str) {
        self.database.sql(
            &sql.replace("ROLE LOGIN", &format!("ROLE {}", self.name))
                .replace("SCHEMA", &self.database.0.schema),
        );
    }

    /// A setting is one of connections that begin with it.
    fn cut(&self) {
        self.sql(&format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{}'",
            self.name
        ));
    }

    fn open(&self) -> Postgres {
        Postgres::open(&Database { user: Some(self.name.clone()), ..self.database.0.clone() }).unwrap()
    }
}

impl Drop for Login<'_> {
    fn drop(&mut self) {
        self.sql("DROP ROLE LOGIN");
    }
}

/// What is refused meanwhile is no fault of the run, and is kept when it can be.
fn is_kept_later(login: &Login<'_>, refuse: impl Fn(&Login<'_>), again: impl Fn(&Login<'_>)) {
    let run = run_id(1);
    let events = short_run(&run);
    let mut postgres = login.open();
    let target = postgres.save(&Target::New(identity("nightly")), &events[..3], WAIT).unwrap();
    refuse(login);
    for _ in 0..2 {
        let refused = postgres.save(&target, &events[3..5], Duration::ZERO).unwrap_err();
        assert!(refused.is_away(), "{refused:?}");
    }
    again(login);
    postgres.save(&target, &events[3..], WAIT).unwrap();
    drop(postgres);
    assert_eq!(login.database.reader().events(&run, 0).unwrap().events, events);
}

#[test]
fn a_server_that_is_read_only_for_a_while_is_as_good_as_away() {
    let Some(database) = TestDatabase::new() else { return };
    let refuse = |login: &Login<'_>| {
        login.sql("ALTER ROLE LOGIN SET default_transaction_read_only = on");
        login.cut();
    };
    // Nobody cuts the connection again: the next write has a new one.
    let again = |login: &Login<'_>| login.sql("ALTER ROLE LOGIN RESET default_transaction_read_only");
    is_kept_later(&Login::new(&database), refuse, again);
}

#[test]
fn a_bound_on_statements_ends_no_run() {
    let Some(database) = TestDatabase::new() else { return };
    let other = Link::new(database.0.clone()).unwrap();
    let refuse = |login: &Login<'_>| {
        login.sql("ALTER ROLE LOGIN SET statement_timeout = '100ms'");
        login.cut();
        other.script("BEGIN; LOCK TABLE @events").unwrap();
    };
    let again = |login: &Login<'_>| {
        other.script("COMMIT").unwrap();
        login.sql("ALTER ROLE LOGIN RESET statement_timeout");
        login.cut();
    };
    is_kept_later(&Login::new(&database), refuse, again);
}
