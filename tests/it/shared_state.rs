//! Runs recorded in PostgreSQL, on the server that `JULES_BATCH_TEST_POSTGRES` names; without one they are skipped.

use std::process::Command;

use jules_batch::NewSession;
use serde_json::Value;

use crate::support::{Ended, Runner, World, at_once, server, tasks};

/// A world, and a ledger of its own that every machine in it names.
pub(crate) struct Shared {
    pub(crate) world: World,
    pub(crate) server: String,
    pub(crate) schema: String,
}

impl Shared {
    /// None without a server.
    pub(crate) fn new(scenario: &str, count: usize) -> Option<Self> {
        let server = server()?;
        let schema = format!("t_it_{}_{:08x}", std::process::id(), fastrand::u32(..));
        // A database that is away on a busy machine is no reason to give a task up.
        let manifest = tasks(count).set("timeouts", "{ task: 5m, stall: 3m, settle: 150ms, request: 20s }");
        let world = World::with(scenario, &manifest);
        let shared = Self { world, server, schema };
        shared.on("", "state init").exits(0);
        Some(shared)
    }

    pub(crate) fn address(&self) -> String {
        format!("{}?schema={}", self.server, self.schema)
    }

    /// A command on a machine of this name.
    pub(crate) fn on(&self, machine: &str, args: &str) -> Runner<'_> {
        let command = self.world.command(args.split(' ').next().unwrap());
        let command = command.args(args.split_once(' ').map_or("", |(_, rest)| rest));
        let command = command.env("JULES_BATCH_STATE", self.address()).env("USER", machine);
        command.env("GITHUB_REPOSITORY", "my-org/web")
    }

    pub(crate) fn run(&self, machine: &str) -> Runner<'_> {
        let run = self.world.run().args(&format!("-j 3 --report-dir {machine}"));
        run.env("JULES_BATCH_STATE", self.address()).env("GITHUB_REPOSITORY", "my-org/web")
    }

    pub(crate) fn report(&self, machine: &str) -> Value {
        serde_json::from_str(&self.world.read(&format!("{machine}/report.json"))).unwrap()
    }

    /// What the database says, a row a line.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let sql = sql.replace('@', &format!("{}.", self.schema));
        let told = Command::new("psql").args([&self.server, "-qAtX", "-c", &sql]).output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8_lossy(&told.stdout).trim().to_owned()
    }

    /// As if whoever has a lease had said nothing for half a minute.
    pub(crate) fn let_leases_pass(&self) {
        self.sql("UPDATE @leases SET lease_until = clock_timestamp() - interval '1 s'");
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let schema = &self.schema;
        let roles = format!("\"{schema}_run\", \"{schema}_read\"");
        self.sql(&format!("DROP SCHEMA {schema} CASCADE"));
        self.sql(&format!("DROP OWNED BY {roles}; DROP ROLE {roles}"));
    }
}

pub(crate) fn all_succeeded(ended: &Ended<'_>, report: &Value, count: u64) {
    assert_eq!(report["totals"]["succeeded"], count, "{ended}");
}

#[test]
fn a_run_is_recorded_and_another_machine_knows_it() {
    let Some(shared) = Shared::new("{ defaults: { duration: 50ms, outcome: change } }", 6) else { return };
    let ended = shared.run("one").exits(0);
    all_succeeded(&ended, &shared.report("one"), 6);
    shared.world.created(6);
    assert!(!shared.world.path(".jules-batch").exists(), "nothing is kept in a folder");
    // Done is done, wherever.
    let again = shared.run("two").exits(0);
    all_succeeded(&again, &shared.report("two"), 6);
    shared.world.created(6);
    let status = shared.on("two", "status").exits(0);
    assert!(status.stdout.contains("6  succeeded"), "{status}");
    assert_eq!(shared.on("two", "status --all").exits(0).stdout.lines().count(), 1);
    assert_eq!(shared.sql("SELECT count(*) FROM @leases WHERE holder IS NOT NULL"), "0", "it was given back");
    // The project is the same, however CI spells it.
    let spelt = shared.run("four").env("GITHUB_REPOSITORY", "My-Org/Web").exits(0);
    all_succeeded(&spelt, &shared.report("four"), 6);
    let by_hand =
        shared.run("five").env("GITHUB_REPOSITORY", "").env("BUILDKITE_REPO", "git@h:my-org/web.git");
    by_hand.exits(0);
    shared.world.created(6);
    assert_eq!(shared.sql("SELECT DISTINCT project FROM @runs"), "my-org/web");
    // Another project's manifest of the same name is another.
    let other = shared.run("three").env("GITHUB_REPOSITORY", "my-org/api").arg("-n").exits(0);
    assert!(other.stderr.contains("6 tasks"), "{other}");
}

#[test]
fn a_second_machine_is_told_who_is_at_work_and_leaves() {
    let Some(shared) = Shared::new("{ defaults: { duration: 1500ms, outcome: change } }", 3) else { return };
    let mut first = shared.run("first").start();
    first.until(|world| world.statistics().created == 3);
    let second = shared.run("second").exits(5);
    assert!(second.stderr.contains("another's") && second.stderr.contains(" pid "), "{second}");
    let status = shared.on("second", "status").exits(0);
    assert!(status.stdout.contains("at work"), "{status}");
    let ended = first.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
    shared.world.created(3);
}

#[test]
fn a_second_machine_follows_and_ends_as_the_first_does_without_doing_anything_again() {
    let Some(shared) = Shared::new("{ defaults: { duration: 900ms, outcome: change } }", 3) else { return };
    let manifest = tasks(3).set("defaults", "{ repeat: always }");
    shared.world.write("jobs.yaml", &manifest.to_string());
    let mut first = shared.run("first").start();
    first.until(|world| world.statistics().created == 3);
    let wait = shared.run("wait").args("--if-busy wait").start();
    let follow = shared.run("follow").env("CI", "true").start();
    let (first, wait, follow) = (first.wait(), wait.wait(), follow.wait());
    shared.world.created(3);
    assert_eq!((wait.code, follow.code), (first.code, first.code), "{first}\n{wait}\n{follow}");
    assert!(follow.stderr.contains("following it"), "{follow}");
    assert_eq!(shared.report("follow")["totals"], shared.report("first")["totals"], "{follow}");
}

#[test]
fn whoever_follows_goes_on_when_the_other_dies() {
    let Some(shared) = Shared::new("{ defaults: { duration: 600ms, outcome: change } }", 9) else { return };
    let mut first = shared.run("first").start();
    first.until(|_| shared.sql("SELECT count(*) FROM @creations") == "3");
    let mut second = shared.run("second").args("--if-busy follow").start();
    second.until_said("following it");
    first.kill();
    shared.let_leases_pass();
    let ended = second.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
    all_succeeded(&ended, &shared.report("second"), 9);
    shared.world.created(9);
}

#[test]
fn of_two_at_one_instant_one_does_the_work() {
    let Some(shared) = Shared::new("{ defaults: { duration: 200ms, outcome: change } }", 9) else { return };
    let (a, b) = (shared.run("a").start(), shared.run("b").start());
    let (a, b) = (a.wait(), b.wait());
    let mut codes = [a.code, b.code];
    codes.sort_unstable();
    // Where the first is done before the second begins, that one finds nothing to do.
    assert!(codes == [Some(0), Some(5)] || codes == [Some(0), Some(0)], "{a}\n{b}");
    shared.world.created(9);
    assert_eq!(shared.sql("SELECT count(*) FROM @runs"), "1");
}

#[test]
fn after_a_kill_another_machine_goes_on_once_the_lease_is_over() {
    let Some(shared) = Shared::new("{ defaults: { duration: 1s, outcome: change } }", 9) else { return };
    let mut first = shared.run("first").start();
    first.until(|world| world.statistics().created == 3);
    // The answers are recorded as well.
    first.until(|_| shared.sql("SELECT count(*) FROM @creations") == "3");
    first.kill();
    first.wait();
    shared.run("second").exits(5);
    shared.let_leases_pass();
    let ended = shared.run("second").exits(0);
    assert!(ended.stderr.contains("they are taken over"), "{ended}");
    all_succeeded(&ended, &shared.report("second"), 9);
    shared.world.created(9);
    assert_eq!(shared.sql("SELECT count(*) FROM @runs"), "1");
}

#[test]
fn whoever_slept_past_its_lease_creates_nothing_more_and_says_who_goes_on() {
    use crate::support::Signal;

    let Some(shared) = Shared::new("{ defaults: { duration: 700ms, outcome: change } }", 9) else { return };
    let mut first = shared.run("first").start();
    first.until(|_| shared.sql("SELECT count(*) FROM @creations") == "3");
    first.signal(Signal::Stop);
    shared.let_leases_pass();
    let mut second = shared.run("second").start();
    second.until_said("they are taken over");
    first.signal(Signal::Continue);
    let first = first.wait();
    let second = second.wait();
    assert_eq!(first.code, Some(5), "{first}\n{second}");
    assert!(first.stderr.contains("another's by now"), "{first}");
    assert_eq!(second.code, Some(0), "{second}");
    all_succeeded(&second, &shared.report("second"), 9);
    shared.world.created(9);
}

/// A session that a run without a lease has created too late, as the ledger tells of it.
fn comes_late(shared: &Shared) -> String {
    let new = NewSession::new("Do 1.").title("task-1");
    let session = shared.world.service().block_on(shared.world.jules().create_session(&new)).unwrap();
    let id = session.id.as_str().to_owned();
    shared.sql(&format!(
        "INSERT INTO @late (run, task, attempt, session, holder) \
         SELECT r.id, t.id, 1, '{id}', 'gone' FROM @runs AS r JOIN @tasks AS t ON t.run = r.n ORDER BY t.id LIMIT 1"
    ));
    id
}

fn is_archived(shared: &Shared, id: &str) -> bool {
    shared.world.sessions().iter().any(|session| session.id == id && session.archived)
}

#[test]
fn what_a_deposed_run_created_too_late_is_put_away_by_the_next_one() {
    let Some(shared) = Shared::new("{ defaults: { duration: 50ms, outcome: change } }", 3) else { return };
    shared.run("one").exits(0);
    let late = comes_late(&shared);
    let next = shared.run("two").exits(5);
    assert!(is_archived(&shared, &late), "{next}");
    let strays = shared.report("two")["strays"].clone();
    assert_eq!((strays.as_array().unwrap().len(), &strays[0]["id"]), (1, &Value::from(late)), "{next}");
    assert_eq!(shared.sql("SELECT count(*) FROM @late WHERE dealt_with IS NULL"), "0");
    // It was told, and is no more.
    shared.run("three").exits(0);
    assert_eq!(shared.report("three")["strays"].as_array().unwrap().len(), 0);
    shared.world.created(4);
}

#[test]
fn what_a_deposed_run_created_too_late_is_put_away_by_the_run_at_work() {
    let Some(shared) = Shared::new("{ defaults: { duration: 30s, outcome: change } }", 3) else { return };
    let mut run = shared.run("one").start();
    run.until(|_| shared.sql("SELECT count(*) FROM @creations") == "3");
    let late = comes_late(&shared);
    run.until(|_| is_archived(&shared, &late));
    run.until(|_| shared.sql("SELECT count(*) FROM @late WHERE dealt_with IS NULL") == "0");
    let strays = shared.world.sessions().iter().filter(|session| session.archived).count();
    assert_eq!(strays, 1, "nothing else is put away");
    run.signal(crate::support::Signal::Terminate);
    run.wait();
}

#[test]
fn a_part_of_a_manifest_is_not_begun_while_another_machine_works_on_all_of_it() {
    let Some(shared) = Shared::new("{ defaults: { duration: 1s, outcome: change } }", 6) else { return };
    let mut all = shared.run("all").start();
    all.until(|world| world.statistics().created == 3);
    for how in ["leave", "follow"] {
        let part = shared.run("part").args(&format!("--shard 1/2 --fresh --if-busy {how}")).exits(5);
        assert!(part.stderr.contains("all tasks of this manifest are another's"), "{part}");
    }
    assert_eq!(all.wait().code, Some(0));
    shared.world.created(6);
}

#[test]
fn what_one_part_has_left_in_doubt_others_look_for() {
    // Nobody hears of a session before it is listed, a while after it was created.
    let service = "{ faults: [{ kind: slow, delay: 6s, on: sessions.create, probability: 1 }], \
                   defaults: { duration: 500ms, list-lag: 4s, outcome: change } }";
    let (part, all) = ("--shard 1/2", "--shard 1/1");
    at_once([(part, 2, vec![all]), (all, 3, vec![part, "--shard 2/2"])], |(first, under_way, others)| {
        let Some(shared) = Shared::new(service, 6) else { return };
        let mut killed = shared.run("first").args(first).start();
        // All that it has begun has arrived: what has not would be in doubt for longer.
        killed.until(|world| world.statistics().created == under_way);
        killed.kill();
        killed.wait();
        assert_eq!(shared.sql("SELECT count(*) FROM @creations"), "0", "{first}");
        shared.let_leases_pass();
        for other in others {
            shared.run("other").args(other).exits(0);
        }
        shared.world.created(6);
    });
}

#[test]
fn two_repositories_that_call_their_manifests_alike_have_no_task_in_common() {
    let Some(shared) = Shared::new("{ defaults: { duration: 900ms, outcome: change } }", 6) else { return };
    let mut web = shared.run("web").start();
    web.until(|_| shared.sql("SELECT count(*) FROM @creations") == "3");
    let api = shared.run("api").env("GITHUB_REPOSITORY", "my-org/api").exits(0);
    let web = web.wait();
    assert_eq!(web.code, Some(0), "{web}");
    for (machine, ended) in [("web", &web), ("api", &api)] {
        all_succeeded(ended, &shared.report(machine), 6);
        assert!(!ended.stderr.contains("another run"), "{ended}");
        assert_eq!(shared.report(machine)["strays"].as_array().unwrap().len(), 0, "{ended}");
    }
    assert_eq!(shared.world.statistics().created, 12);
}

#[test]
fn what_the_other_was_not_asked_for_is_done_by_whoever_followed_it() {
    let Some(shared) = Shared::new("{ defaults: { duration: 2s, outcome: change } }", 4) else { return };
    let mut first = shared.run("first").args("--slice 0:2").start();
    first.until(|world| world.statistics().created == 2);
    let second = shared.run("second").args("--if-busy follow").exits(0);
    assert_eq!(first.wait().code, Some(0));
    assert!(second.stderr.contains("following it"), "{second}");
    all_succeeded(&second, &shared.report("second"), 4);
    shared.world.created(4);
}

#[test]
fn a_bound_is_not_spent_once_for_each_machine() {
    let Some(shared) = Shared::new("{ defaults: { duration: 1500ms, outcome: change } }", 6) else { return };
    let mut first = shared.run("first").args("--max-tasks 2").start();
    first.until(|world| world.statistics().created == 2);
    let second = shared.run("second").args("--max-tasks 2 --if-busy follow").exits(5);
    assert!(second.stderr.contains("following it"), "{second}");
    assert_eq!(first.wait().code, Some(5));
    assert_eq!(shared.report("second")["totals"]["deferred"], 4, "{second}");
    shared.world.created(2);
    // Whoever has no such bound goes on.
    let third = shared.run("third").exits(0);
    all_succeeded(&third, &shared.report("third"), 6);
    shared.world.created(6);
}

#[test]
fn what_was_begun_with_a_folder_is_gone_on_with_copied_or_not() {
    for copies in [true, false] {
        let Some(shared) = Shared::new("{ defaults: { duration: 3s, outcome: change } }", 6) else { return };
        let mut first = shared.world.run().args("-j 3").start();
        first.until(|world| world.statistics().created == 3);
        // The answers are recorded as well.
        first.until(|world| {
            let ledger = rusqlite::Connection::open(world.path(".jules-batch/ledger.db")).unwrap();
            let kept = ledger.query_row("SELECT count(*) FROM creations", [], |row| row.get::<_, i64>(0));
            kept.is_ok_and(|count| count == 3)
        });
        first.kill();
        first.wait();
        if copies {
            // To where the variable says: an address in it may hold a password.
            shared.on("", "state copy .jules-batch").exits(0);
        }
        let url = shared.world.service().url();
        let check = shared.on("", "plan --check").env("JULES_BASE_URL", &url).exits(0).stderr;
        let adopted = if copies { 0 } else { 3 };
        assert_eq!(check.matches("would be adopted by `run`: ").count(), adopted, "{check}");
        let next = shared.run("next").exits(0);
        all_succeeded(&next, &shared.report("next"), 6);
        shared.world.created(6);
    }
}

#[test]
fn what_is_missing_is_said_before_anything_starts() {
    let world = World::with("{}", &tasks(1));
    let on = |address: &str| world.run().env("JULES_BATCH_STATE", address).env("GITHUB_REPOSITORY", "o/r");
    let gone = on("postgres://u@127.0.0.1:1/x").exits(75);
    assert!(gone.stderr.contains("postgres://u@127.0.0.1:1/x"), "{gone}");
    let falls_back = on("postgres://u@db.example.com/x?sslmode=prefer").exits(2);
    assert!(falls_back.stderr.contains("falls back to plain text"), "{falls_back}");
    let flag = world.run().arg("--state").arg("postgres://u:hunter2hunter2@127.0.0.1:1/x").exits(2);
    assert!(flag.stderr.contains("JULES_BATCH_STATE") && !flag.stderr.contains("hunter2"), "{flag}");
    let secret = on("postgres://u:hunter2hunter2@127.0.0.1:1/x").exits(75);
    assert!(!secret.stderr.contains("hunter2"), "{secret}");
    // What will be so the next time as well is no reason to try again.
    for variable in ["PGPASSFILE", "JULES_BATCH_STATE_PASSWORD_FILE"] {
        let no_file = on("postgres://u@127.0.0.1:1/x").env(variable, "/nosuch").exits(2);
        assert!(no_file.stderr.contains(&format!("`/nosuch`, which {variable} names")), "{no_file}");
    }
    let no_authority = on("postgres://u@127.0.0.1:1/x?sslrootcert=/nosuch.pem").exits(2);
    assert!(no_authority.stderr.contains("/nosuch.pem"), "{no_authority}");
    let status = world.command("status").env("JULES_BATCH_STATE", "postgres://u@127.0.0.1:1/x");
    status.env("GITHUB_REPOSITORY", "o/r").env("PGPASSFILE", "/nosuch").exits(2);
    for text in [
        "host=127.0.0.1 user=u password=hunter2hunter2",
        "u:hunter2hunter2@127.0.0.1:1/x",
        "postgres//u@h/hunter2",
    ] {
        for refused in [on(text).exits(2), world.run().arg("--state").arg(text).exits(2)] {
            assert!(
                refused.stderr.contains("postgres://") && !refused.stderr.contains("hunter2"),
                "{refused}"
            );
        }
        assert!(!world.path(text).exists());
    }
    let blanks = on(" postgres://u@127.0.0.1:1/x\n").exits(75);
    assert!(blanks.stderr.contains("postgres://u@127.0.0.1:1/x"), "{blanks}");
    let nowhere = world.command("state").args("copy .jules-batch").exits(2);
    assert!(nowhere.stderr.contains("JULES_BATCH_STATE"), "{nowhere}");
    let whose = world.run().env("JULES_BATCH_STATE", "postgres://u@127.0.0.1:1/x").exits(2);
    assert!(whose.stderr.contains("--project"), "{whose}");
    world.created(0);
}

/// A manifest of its own, whose runs share nothing but the account.
fn manifest_of(shared: &Shared, name: &str, count: usize) -> String {
    let text = tasks(count).to_string().replace("name: test", &format!("name: {name}"));
    shared.world.write(&format!("{name}.yaml"), &text.replace("Do $", &format!("{name}: do $")));
    format!("{name}.yaml")
}

#[test]
fn several_runs_keep_to_the_account_s_live_sessions_together() {
    let Some(shared) = Shared::new("{ defaults: { duration: 400ms, outcome: change } }", 1) else { return };
    let said = shared.on("", "state limits --live 3 --requests-per-minute 60000").exits(0);
    assert!(
        said.stdout.contains("account default: 0 of 3 live, 0 created within 24 h, 60000 requests"),
        "{said}"
    );
    // With no more rights than runs have.
    let role = format!("{}_nightly", shared.schema);
    shared.sql(&format!("CREATE ROLE {role} LOGIN IN ROLE \"{}_run\"", shared.schema));
    let address = shared.address().replacen("jules@", &format!("{role}@"), 1);
    let run = |name: &str| {
        let manifest = manifest_of(&shared, name, 6);
        shared.run(name).env("JULES_BATCH_STATE", &address).arg(manifest).start()
    };
    let mut runs = ["red", "green", "blue"].map(run);
    runs[0].until(|_| shared.sql("SELECT count(*) FROM @members") == "3");
    let check = shared.on("", "state check").exits(0);
    assert!(
        check.stdout.contains("3 runs at work on it") && check.stdout.contains("my-org/web red "),
        "{check}"
    );
    for run in runs {
        let ended = run.wait();
        assert_eq!(ended.code, Some(0), "{ended}");
    }
    shared.world.created(18);
    assert_eq!(shared.world.statistics().live_max, 3, "never four, and not less than there may be");
    assert_eq!(shared.sql("SELECT count(*) FROM @slots_in_use"), "0");
    assert_eq!(shared.sql("SELECT count(*) FROM @members"), "0", "whoever ends says so");
    let limits = shared.on("", "state limits").exits(0);
    assert!(limits.stdout.contains("0 of 3 live, 18 created within 24 h"), "{limits}");
    shared.sql(&format!("DROP ROLE {role}"));
}

#[test]
fn a_day_is_the_account_s_and_so_are_sessions_of_before() {
    let Some(shared) = Shared::new("{ defaults: { duration: 50ms, outcome: change } }", 1) else { return };
    let (before, after) = (manifest_of(&shared, "before", 3), manifest_of(&shared, "after", 4));
    shared.run("one").arg(&before).exits(0);
    shared.on("", "state limits --account acme --sessions-per-day 1").exits(0);
    shared.on("", "state limits --account default --sessions-per-day 5").exits(0);
    let ended = shared.run("two").args("--deadline 20s").arg(&after).exits(5);
    assert_eq!(shared.report("two")["totals"]["deferred"], 2, "{ended}");
    shared.world.created(5);
    // Another account has a day of its own.
    let ended = shared.run("three").args("--deadline 20s --account acme").arg(&after).exits(5);
    assert_eq!(shared.report("three")["totals"]["deferred"], 1, "{ended}");
    shared.world.created(6);
}

#[test]
fn sessions_of_a_run_that_died_hold_their_slots_until_somebody_sees_them_end() {
    let Some(shared) = Shared::new("{ defaults: { duration: 1500ms, outcome: change } }", 1) else { return };
    shared.on("", "state limits --live 2").exits(0);
    let (dead, other) = (manifest_of(&shared, "dead", 2), manifest_of(&shared, "other", 3));
    let mut first = shared.run("first").arg(&dead).start();
    first.until(|_| shared.sql("SELECT count(*) FROM @slots WHERE session IS NOT NULL") == "2");
    first.kill();
    shared.sql("UPDATE @members SET seen = clock_timestamp() - interval '1 minute'");
    let mut second = shared.run("second").arg(&other).start();
    second.until_said("the account has no slot for this run now");
    // Nobody goes on with the dead one: the second sees for itself when its sessions end.
    let ended = second.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
    shared.world.created(5);
    assert_eq!(shared.world.statistics().live_max, 2);
}

#[test]
fn sessions_that_were_deleted_hold_no_slots() {
    let Some(shared) = Shared::new("{ defaults: { duration: 10m, outcome: change } }", 1) else { return };
    shared.on("", "state limits --live 2").exits(0);
    let (dead, other) = (manifest_of(&shared, "dead", 2), manifest_of(&shared, "other", 2));
    let mut first = shared.run("first").arg(&dead).start();
    first.until(|_| shared.sql("SELECT count(*) FROM @slots WHERE session IS NOT NULL") == "2");
    first.kill();
    shared.sql("UPDATE @members SET seen = clock_timestamp() - interval '1 minute'");
    for session in shared.world.sessions() {
        let id = session.id.parse().unwrap();
        shared.world.service().block_on(shared.world.jules().delete_session(&id)).unwrap();
    }
    let mut second = shared.run("second").arg(&other).start();
    second.until_said("the account has no slot for this run now");
    second.until(|world| world.statistics().created == 4);
    second.signal(crate::support::Signal::Terminate);
    second.wait();
}

#[test]
fn an_account_is_for_runs_that_share_a_database() {
    let world = World::with("{ defaults: { duration: 50ms, outcome: change } }", &tasks(1));
    let limits = world.command("state").args("limits --live 3 --state .jules-batch").exits(2);
    assert!(limits.stderr.contains("a folder has no account"), "{limits}");
    let run = world.run().args("--account acme").exits(2);
    assert!(run.stderr.contains("there is no account `acme` in a folder"), "{run}");
    // A manifest may name one that is used where there is a database.
    let manifest = tasks(1).set("limits", "{ account: acme, share: 40%, requests-per-minute: 60000 }");
    world.write("jobs.yaml", &manifest.to_string());
    world.run().exits(0);
    world.write("jobs.yaml", &tasks(1).set("limits", "{ share: 0% }").to_string());
    assert!(world.run().exits(3).stderr.contains("`limits.share` of 0"));
    world.write("jobs.yaml", &tasks(1).set("limits", "{ account: a b }").to_string());
    assert!(world.run().exits(3).stderr.contains("is no name of an account"));
}
