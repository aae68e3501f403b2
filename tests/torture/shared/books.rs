//! A seed's ledger in the database, and what may happen to it.

use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The command that restarts the server.
const RESTART: &str = "JULES_BATCH_TEST_POSTGRES_RESTART";
/// How long a server that starts again is waited for.
const PATIENCE: Duration = Duration::from_secs(300);

/// A schema of the seed's own, until this is dropped.
pub(super) struct Books {
    server: String,
    schema: String,
}

impl Books {
    pub(super) fn new(server: &str, seed: u64) -> Self {
        Self { server: server.to_owned(), schema: format!("t_torture_{}_{seed}", std::process::id()) }
    }

    /// Where it is, for somebody who reaches the server there.
    pub(super) fn address(&self, server: &str) -> String {
        format!("{server}?schema={}", self.schema)
    }

    /// What the database says, a row a line. Another seed may just have it restarted: it is asked until it answers, since
    /// no answer is not the answer that there is nothing.
    pub(super) fn sql(&self, sql: &str) -> String {
        let sql = sql.replace('@', &format!("{}.", self.schema));
        let asked = Instant::now();
        loop {
            let told = Command::new("psql").args([&self.server, "-qAtX", "-c", &sql]).output().unwrap();
            if told.status.success() {
                return String::from_utf8_lossy(&told.stdout).trim().to_owned();
            }
            assert!(asked.elapsed() < PATIENCE, "{}", String::from_utf8_lossy(&told.stderr));
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// As if whoever has a lease had said nothing for half a minute.
    pub(super) fn let_leases_pass(&self) {
        self.sql("UPDATE @leases SET lease_until = clock_timestamp() - interval '1 s'");
    }
}

impl Drop for Books {
    fn drop(&mut self) {
        let schema = &self.schema;
        self.sql(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE"));
        for role in ["run", "read"].map(|role| format!("\"{schema}_{role}\"")) {
            self.sql(&format!("DROP OWNED BY {role}"));
            self.sql(&format!("DROP ROLE IF EXISTS {role}"));
        }
    }
}

/// Whether the server was restarted, as after a crash: for all seeds.
pub(super) fn restart() -> bool {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let Ok(command) = std::env::var(RESTART) else { return false };
    let _one = ONE_AT_A_TIME.lock().unwrap();
    Command::new("sh").args(["-c", &command]).output().unwrap().status.success()
}
