//! A user's folder, and the service that runs started there talk to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use jules::Jules;
use jules::{ApiKey, Quotas};
use jules_simulator::{PullRequestView, SessionView, Statistics};
use serde_json::Value;
use tempfile::TempDir;

use super::runner::PATIENCE;
use super::{Ended, Exchange, Manifest, Runner, Service, between};

/// The key that runs are started with; the scenario decides whether it is good.
pub(crate) const KEY: &str = "AIza-the-key-of-the-tests";

/// A folder with `jobs.yaml`, and a simulated service.
pub(crate) struct World {
    folder: TempDir,
    service: Service,
}

impl World {
    /// A folder without a manifest, and a service that plays this scenario.
    pub(crate) fn new(scenario: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), service: Service::start(scenario) }
    }

    /// A service over TLS and HTTP/2, as at Jules, and a folder with a manifest; `service.pem` is what programs must trust.
    pub(crate) fn over_tls(scenario: &str, manifest: &Manifest) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), service: Service::start_tls(scenario) };
        world.write("service.pem", world.service.certificate());
        world.write("jobs.yaml", &manifest.to_string());
        world
    }

    /// The same with a manifest.
    pub(crate) fn with(scenario: &str, manifest: &Manifest) -> Self {
        let world = Self::new(scenario);
        world.write("jobs.yaml", &manifest.to_string());
        world
    }

    /// Writes a file of the folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Reads one.
    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Where a file of the folder is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The service.
    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// What the service has seen.
    pub(crate) fn statistics(&self) -> Statistics {
        self.service.statistics()
    }

    /// How many requests of a method it has seen, such as `sessions.get`.
    pub(crate) fn requests(&self, method: &str) -> u64 {
        self.statistics().requests.get(method).copied().unwrap_or(0)
    }

    /// The sessions that were created, oldest first.
    pub(crate) fn sessions(&self) -> Vec<SessionView> {
        self.service.sessions()
    }

    /// Where its GitHub is.
    pub(crate) fn github_url(&self) -> &str {
        self.service.simulator.github_url()
    }

    /// The pull requests on its GitHub, oldest first.
    pub(crate) fn pull_requests(&self) -> Vec<PullRequestView> {
        self.service.simulator.pull_requests()
    }

    /// They stand so, oldest first: OPEN, CLOSED or MERGED.
    pub(crate) fn pull_states(&self) -> Vec<String> {
        self.pull_requests().into_iter().map(|pull| pull.state).collect()
    }

    /// This many sessions were created, and none twice.
    #[track_caller]
    pub(crate) fn created(&self, count: u64) {
        let statistics = self.statistics();
        assert_eq!(statistics.duplicates, []);
        assert_eq!(statistics.created, count, "sessions created");
    }

    /// The events of the last invocation, as the report has them, and when that began.
    pub(crate) fn last_invocation(&self) -> (Vec<Value>, Value) {
        let events = std::fs::read_to_string(self.path("jules-report/events.jsonl")).unwrap_or_default();
        let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let begin = events.iter().rposition(|event| event["event"] == "invocation_started").unwrap_or(0);
        let at = events.get(begin).map_or(Value::Null, |event| event["ts"].clone());
        (events[begin..].to_vec(), at)
    }

    /// The tasks that the last invocation took up or had intents for, if it is not the one that began then.
    pub(crate) fn started_since(&self, before: &Value) -> BTreeSet<String> {
        let (events, at) = self.last_invocation();
        if at == *before {
            return BTreeSet::new();
        }
        let of = |is: &dyn Fn(&Value) -> bool| -> BTreeSet<String> {
            let events = events.iter().filter(|event| is(event));
            events.map(|event| event["task"].as_str().unwrap().to_owned()).collect()
        };
        let begun = of(&|event| event["event"] == "intent_recorded" || event["event"] == "task_reopened");
        let deferred = of(&|event| event["event"] == "task_ended" && event["outcome"] == "deferred");
        begun.difference(&deferred).cloned().collect()
    }

    /// Forgets everything that earlier runs recorded, as a CI machine without its cache does.
    pub(crate) fn lose_the_ledger(&self) {
        std::fs::remove_dir_all(self.path(".jules-batch")).unwrap();
    }

    /// Makes everything that earlier runs recorded this much older.
    pub(crate) fn age_the_ledger(&self, by: Duration) {
        self.redate_the_ledger(-SignedDuration::try_from(by).unwrap());
    }

    /// Dates everything that earlier runs recorded this much later, as if a clock had been wrong.
    pub(crate) fn redate_the_ledger(&self, by: SignedDuration) {
        let ledger = rusqlite::Connection::open(self.path(".jules-batch/ledger.db")).unwrap();
        let millis = i64::try_from(by.as_millis()).unwrap();
        ledger.execute("UPDATE creations SET ts = ts + ?1", [millis]).unwrap();
        ledger
            .execute("UPDATE runs SET started_at = started_at + ?1, ended_at = ended_at + ?1", [millis])
            .unwrap();
        let mut rows = ledger.prepare("SELECT run, seq, body FROM events").unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let events: Vec<(i64, i64, String)> =
            rows.query_map([], read).unwrap().collect::<Result<_, _>>().unwrap();
        for (run, seq, body) in events {
            let mut event: Value = serde_json::from_str(&body).unwrap();
            let ts: jiff::Timestamp = event["ts"].as_str().unwrap().parse().unwrap();
            event["ts"] = (ts + by).to_string().into();
            let sql = "UPDATE events SET ts = ts + ?1, body = ?2 WHERE run = ?3 AND seq = ?4";
            ledger.execute(sql, rusqlite::params![millis, event.to_string(), run, seq]).unwrap();
        }
    }

    /// A copy of what earlier runs recorded; none if there is nothing.
    pub(crate) fn copy_of_the_ledger(&self) -> Option<PathBuf> {
        let (from, to) = (self.path(".jules-batch"), self.path("copy"));
        let files = std::fs::read_dir(from).ok()?;
        // One that was not needed may be left from before.
        let _ = std::fs::remove_dir_all(&to);
        std::fs::create_dir(&to).unwrap();
        for file in files {
            let file = file.unwrap();
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
        Some(to)
    }

    /// Waits until the service looks as wanted, asking again and again.
    #[track_caller]
    pub(crate) fn until(&self, wanted: impl Fn(&Self) -> bool) {
        let asked = std::time::Instant::now();
        while !wanted(self) {
            assert!(asked.elapsed() < PATIENCE, "it never came to that");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Our own client for the service, as a person beside the run would use it.
    pub(crate) fn jules(&self) -> Jules {
        let builder = Jules::builder().api_key(ApiKey::new(KEY).unwrap()).base_url(self.service.url());
        builder.quotas(Quotas::UNLIMITED).build().unwrap()
    }

    /// `jules-batch run` against the service.
    pub(crate) fn run(&self) -> Runner<'_> {
        self.command("run").arg("--base-url").arg(self.service.url())
    }

    /// The same with a token for the service's GitHub.
    pub(crate) fn run_following(&self) -> Runner<'_> {
        self.run().env("GH_TOKEN", "any-token").env("GITHUB_API_URL", self.github_url())
    }

    /// The same with somebody between who changes the answers.
    pub(crate) fn run_through(&self, alter: impl Fn(&mut Exchange) + Send + Sync + 'static) -> Runner<'_> {
        self.command("run").arg("--base-url").arg(between(&self.service.url(), alter))
    }

    /// A script of a shell, in the same folder, with the same key and against the service.
    pub(crate) fn shell(&self, script: &str) -> Ended<'_> {
        let shell = Runner::of(self, "sh").arg("-c").arg(script);
        shell.env("JULES_API_KEY", KEY).env("JULES_BASE_URL", self.service.url()).start().wait()
    }

    /// Another command, in the same folder and with the same key.
    pub(crate) fn command(&self, name: &str) -> Runner<'_> {
        Runner::new(self).arg(name).env("JULES_API_KEY", KEY)
    }
}
