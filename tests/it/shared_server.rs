//! What stands between a run and its database: roles, and certificates.

use crate::shared_state::{Shared, all_succeeded};

/// A server certificate's authority, and one that has not signed it; what `.ci/run` makes for these tests.
const AUTHORITY: &str = "JULES_BATCH_TEST_POSTGRES_CA";
const ANOTHER: &str = "JULES_BATCH_TEST_POSTGRES_OTHER_CA";
/// Whom the server lets in with encryption alone.
const ENCRYPTED: &str = "encrypted";

/// Logins of a ledger's two roles, until this is dropped.
struct Logins<'s> {
    shared: &'s Shared,
}

impl Shared {
    fn logins(&self) -> Logins<'_> {
        for role in ["run", "read"] {
            let schema = &self.schema;
            self.sql(&format!("CREATE ROLE {schema}_as_{role} LOGIN IN ROLE \"{schema}_{role}\""));
        }
        Logins { shared: self }
    }

    /// The server without the user of the address: host, port and database.
    fn place(&self) -> &str {
        self.server.rsplit_once('@').unwrap().1
    }
}

impl Logins<'_> {
    fn address(&self, role: &str) -> String {
        let Shared { schema, .. } = self.shared;
        format!("postgres://{schema}_as_{role}@{}?schema={schema}", self.shared.place())
    }

    fn refuses(&self, role: &str, sql: &str) {
        let Shared { schema, .. } = self.shared;
        let said = self.shared.sql(&format!(
            "DO $$ BEGIN SET LOCAL ROLE \"{schema}_{role}\"; {sql}; RAISE EXCEPTION 'it was done'; \
             EXCEPTION WHEN insufficient_privilege THEN RESET ROLE; END $$; SELECT 'refused'"
        ));
        assert_eq!(said, "refused", "{role}: {sql}");
    }
}

impl Drop for Logins<'_> {
    fn drop(&mut self) {
        let schema = &self.shared.schema;
        self.shared.sql(&format!("DROP ROLE {schema}_as_run, {schema}_as_read"));
    }
}

#[test]
fn the_role_of_runs_does_all_that_a_run_does_and_deletes_nothing() {
    let Some(shared) = Shared::new("{ defaults: { duration: 50ms, outcome: pull-request } }", 3) else {
        return;
    };
    let logins = shared.logins();
    let ended = shared.run("one").env("JULES_BATCH_STATE", logins.address("run")).exits(0);
    all_succeeded(&ended, &shared.report("one"), 3);
    let pruned =
        shared.on("one", "state prune").env("JULES_BATCH_STATE", logins.address("run")).start().wait();
    assert!(pruned.code == Some(2) && pruned.stderr.contains("permission denied"), "{pruned}");
    for table in ["events", "runs", "tasks", "creations", "pulls", "late", "leases", "meta"] {
        logins.refuses("run", &format!("DELETE FROM {}.{table}", shared.schema));
    }
    logins.refuses("run", &format!("UPDATE {}.events SET body = ''", shared.schema));
    logins.refuses("run", &format!("UPDATE {}.meta SET value = '9'", shared.schema));
    logins.refuses("run", &format!("DROP TABLE {}.events", shared.schema));
}

#[test]
fn the_role_of_readers_reads_and_writes_nothing() {
    let Some(shared) = Shared::new("{ defaults: { duration: 50ms, outcome: change } }", 3) else { return };
    let logins = shared.logins();
    shared.run("one").exits(0);
    let status = shared.on("two", "status").env("JULES_BATCH_STATE", logins.address("read")).exits(0);
    assert!(status.stdout.contains("3  succeeded"), "{status}");
    let run = shared.run("two").arg("--fresh").env("JULES_BATCH_STATE", logins.address("read"));
    let run = run.start().wait();
    assert!(run.code == Some(2) && run.stderr.contains("permission denied"), "{run}");
    shared.world.created(3);
    for table in ["events", "runs", "tasks", "creations", "pulls", "late", "leases", "meta"] {
        logins.refuses(
            "read",
            &format!(
                "INSERT INTO {0}.{table} OVERRIDING SYSTEM VALUE SELECT * FROM {0}.{table}",
                shared.schema
            ),
        );
        logins.refuses("read", &format!("DELETE FROM {}.{table}", shared.schema));
    }
}

#[test]
fn a_connection_is_made_with_the_server_that_is_meant_and_no_other() {
    let (Ok(authority), Ok(another)) = (std::env::var(AUTHORITY), std::env::var(ANOTHER)) else { return };
    let Some(shared) = Shared::new("{}", 1) else { return };
    let (_, behind) = shared.place().split_once(':').unwrap();
    let check = |host: &str, user: &str, parameters: &str| {
        let address = format!("postgres://{user}@{host}:{behind}?schema={}&{parameters}", shared.schema);
        shared.on("one", "state check").env("JULES_BATCH_STATE", address).start().wait()
    };
    let reading = format!("GRANT \"{0}_read\" TO {ENCRYPTED}", shared.schema);
    shared.sql(&reading);
    let by = |authority: &str| format!("sslmode=verify-full&sslrootcert={authority}");
    let good = check("localhost", ENCRYPTED, &by(&authority));
    assert_eq!(good.code, Some(0), "{good}");
    assert!(!good.stderr.contains("warning"), "{good}");
    for (host, parameters, why) in [
        ("127.0.0.1", by(&authority), "NotValidForName"),
        ("localhost", by(&another), "UnknownIssuer"),
        // Its authority is not one of the system's.
        ("localhost", "sslmode=verify-full".to_owned(), "UnknownIssuer"),
    ] {
        let refused = check(host, ENCRYPTED, &parameters);
        assert_eq!(refused.code, Some(2), "{host} {why}: {refused}");
        let says = |text: &str| refused.stderr.contains(text);
        assert!(says("certificate") && says("sslrootcert"), "{host} {why}: {refused}");
    }
    let whoever = check("127.0.0.1", ENCRYPTED, "sslmode=require");
    assert!(whoever.code == Some(0) && whoever.stderr.contains("takes whoever answers"), "{whoever}");
    let plain = check("localhost", ENCRYPTED, "sslmode=disable");
    assert!(plain.code == Some(2) && plain.stderr.contains("no encryption"), "{plain}");
}
