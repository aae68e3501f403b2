//! `doctor`: what is there, what is missing, and what to do about it.

use crate::support::{Runner, World, tasks};

const CHANGE: &str = "{ sources: [{ repo: my-org/web }], defaults: { duration: 30ms, outcome: change } }";

fn doctor(world: &World) -> Runner<'_> {
    world.command("doctor").arg("--base-url").arg(world.service().url())
}

#[test]
fn all_is_well_before_and_after_a_run() {
    let world = World::new(CHANGE);
    let told = doctor(&world).exits(0).stdout;
    for line in ["key      one is set", "network  127.0.0.1 answers", "key      the service takes it"] {
        assert!(told.contains(line), "{told}");
    }
    assert!(told.contains("sources  1 source connected"), "{told}");
    assert!(told.contains("ledger   none yet in .jules-batch"), "{told}");

    world.write("jobs.yaml", &tasks(3).set("limits", "{ sessions-per-day: 5 }").to_string());
    world.run().exits(0);
    let told = doctor(&world).exits(0).stdout;
    assert!(told.contains("manifest jobs.yaml has 3 tasks"), "{told}");
    assert!(told.contains("ledger   sound, with 1 run"), "{told}");
    assert!(told.contains("budget   3 sessions started in the last 24 hours, 2 of 5 left"), "{told}");
}

#[test]
fn a_spent_budget_says_when_there_is_more() {
    let world = World::with(CHANGE, &tasks(3).set("limits", "{ sessions-per-day: 3 }"));
    world.run().exits(0);
    let told = doctor(&world).exits(0).stdout;
    assert!(told.contains("warning  budget   3 sessions started"), "{told}");
    assert!(told.contains("none of 3 left; the next one is free in 23h 59m"), "{told}");
}

#[test]
fn sessions_dated_in_the_future_are_told_and_count_as_created_now() {
    let manifest = tasks(3).set("limits", "{ sessions-per-day: 3 }").set("repeat", "always");
    let world = World::with(CHANGE, &manifest);
    world.run().exits(0);
    let days = |days: i64| {
        let ledger = rusqlite::Connection::open(world.path(".jules-batch/ledger.db")).unwrap();
        ledger.execute("UPDATE creations SET ts = ts + ?1", [days * 24 * 60 * 60 * 1000]).unwrap();
        let now = jiff::Timestamp::now().as_millisecond();
        ledger.query_row("SELECT max(ts) - ?1 FROM creations", [now], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert!(days(32) > 0);
    let told = doctor(&world).exits(0).stdout;
    assert!(told.contains("warning  ledger   3 sessions dated up to 31d 23h in the future"), "{told}");
    assert!(told.contains("none of 3 left; the next one is free in 1d 00h"), "{told}");
    let ended = world.run().args("--deadline 10m").exits(75);
    assert!(ended.stderr.contains("3 of the ledger's sessions were dated in the future"), "{ended}");
    world.created(3);
    assert!(days(0) <= 0, "they stay so");
    // The day after.
    days(-1);
    let told = doctor(&world).exits(0).stdout;
    assert!(!told.contains("in the future") && told.contains("3 of 3 left"), "{told}");
    world.run().exits(0);
    world.created(6);
}

#[test]
fn the_worst_finding_is_the_exit_code() {
    let world = World::new(CHANGE);
    let told = doctor(&world).without_env("JULES_API_KEY").exits(6).stdout;
    assert!(told.contains("error    key") && told.contains("keys are made at https://"), "{told}");
    let refusing = World::new("{ keys: [another] }");
    let told = doctor(&refusing).exits(6).stdout;
    assert!(told.contains("; check JULES_API_KEY"), "{told}");
    let told = world.command("doctor").args("--base-url http://127.0.0.1:9").exits(75).stdout;
    assert!(told.contains("error    network  127.0.0.1 does not answer"), "{told}");

    world.write("broken.yaml", "version: 1\njobs: 7\n");
    let told = doctor(&world).arg("broken.yaml").exits(3).stdout;
    assert!(told.contains("; see: jules-batch plan broken.yaml"), "{told}");

    world.write(".jules-batch/ledger.db", "not a database, but long enough to be taken for a damaged one");
    let told = doctor(&world).exits(0).stdout;
    assert!(told.contains("warning  ledger") && told.contains("sets it aside"), "{told}");
    let told = doctor(&world).args("--state-dir broken.yaml/below").exits(110).stdout;
    assert!(told.contains("error    ledger") && told.contains("--state-dir"), "{told}");
}

/// With a token for the service's GitHub.
fn doctor_with_token<'a>(world: &'a World, token: &str) -> Runner<'a> {
    let github = world.service().url().replace("/v1alpha", "");
    doctor(world).env("GITHUB_API_URL", github).env("GH_TOKEN", token)
}

#[test]
fn a_token_for_github_is_told_with_what_it_reaches() {
    let scenario = "
        sources: [{ repo: my-org/web }, { repo: my-org/api }, { repo: my-org/old }, { repo: other/lib }, { repo: other/x }]
        github:
          login: mona
          tokens:
          - { token: ghp_all, kind: user }
          - { token: github_pat_own, kind: fine-grained, owners: [my-org] }
          repositories:
          - { match: my-org/old, archived-after: 0s }
          - { match: my-org/api, merge-queue: 5m, methods: [squash] }
          - { match: other/lib, permission: read }
          - { match: other/x, saml: true }";
    let world = World::new(scenario);
    let sources = ["my-org/web", "my-org/api", "my-org/old", "other/lib", "other/x", "my-org/none"];
    let sources = sources.map(|name| format!("{name}@main")).join(", ");
    world.write("jobs.yaml", &format!("version: 1\njobs: [{{ id: a, prompt: x, sources: [{sources}] }}]\n"));
    let told = doctor(&world).exits(0).stdout;
    assert!(told.contains("ok       github   no token is set: nobody looks what becomes"), "{told}");

    // It is archived once somebody has looked.
    doctor_with_token(&world, "ghp_all").exits(0);
    let told = doctor_with_token(&world, "ghp_all").exits(0).stdout;
    for line in [
        "ok       github   a classic token of mona, with 4997 points left until ",
        "ok       github   my-org/web: write, merges by squash, merge, rebase\n",
        "ok       github   my-org/api: write, merges by squash, through a merge queue\n",
        "warning  github   my-org/old: archived; nothing can be merged there\n",
        "warning  github   other/lib: read, merges by squash, merge, rebase; pull requests there can be followed, but",
        "warning  github   other/x: Resource protected by organization SAML enforcement.",
        "; authorise the token for single sign-on of its owner\n",
        "warning  github   my-org/none: not there, or not for this token; check the name",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    let told = doctor_with_token(&world, "github_pat_own").exits(0).stdout;
    assert!(told.contains("warning  github   a fine-grained token of mona"), "{told}");
    assert!(told.contains("cannot read check runs"), "{told}");
    assert_eq!(world.statistics().github.writes, []);
}

#[test]
fn a_token_that_github_refuses_is_told_without_being_shown() {
    let world =
        World::new("{ sources: [{ repo: my-org/web }], github: { tokens: [{ token: good, kind: user }] } }");
    let told = doctor_with_token(&world, "ghp_secret-of-mine").exits(6);
    assert!(told.stdout.contains("error    github   it refuses the token: Bad credentials"), "{told}");
    assert!(!format!("{told}").contains("secret-of-mine"), "{told}");
    let told = doctor(&world).env("GH_TOKEN", "ghp_a b").exits(6).stdout;
    assert!(told.contains("error    github   what GH_TOKEN holds cannot be a secret"), "{told}");
    let told =
        doctor(&world).env("GH_TOKEN", "x").env("GITHUB_API_URL", "http://ghe.example").exits(2).stdout;
    assert!(told.contains("error    github   GITHUB_API_URL must be https"), "{told}");
    let nobody = doctor(&world).env("GH_TOKEN", "x").env("GITHUB_API_URL", "http://127.0.0.1:9");
    let told = nobody.exits(0).stdout;
    assert!(told.contains("warning  github   it does not answer: no connection"), "{told}");
}

/// Slack's webhook is good, another holds no address, and the third lacks its token.
fn some_set<'w>(runner: Runner<'w>, address: &str) -> Runner<'w> {
    runner.env("SLACK_HOOK", address).env("TEAMS_HOOK", "my-secret-webhook").env("HOOK", address)
}

#[test]
fn the_variables_that_notify_names_are_looked_at_before_a_night_relies_on_them() {
    let webhooks = "{ webhooks: [{ to: slack, url-env: SLACK_HOOK }, { to: teams, url-env: TEAMS_HOOK }, \
        { to: json, url-env: HOOK, token-env: HOOK_TOKEN }] }";
    let world = World::with(CHANGE, &tasks(1).set("notify", webhooks));
    let secret = "https://hooks.example/services/abcdefghijklmnop1234";
    let told = some_set(doctor(&world), secret).exits(0).stdout;
    for line in [
        "ok       notify   slack (`SLACK_HOOK`) has an address\n",
        "warning  notify   teams (`TEAMS_HOOK`) is told nothing: `TEAMS_HOOK` holds no address; set it to the webhook's whole",
        "warning  notify   json (`HOOK`) is told nothing: `HOOK_TOKEN` is not set; set it to the token",
    ] {
        assert!(told.contains(line), "{told}");
    }
    let url = world.service().url();
    let check = || some_set(world.command("plan").arg("--check").env("JULES_BASE_URL", &url), secret);
    let checked = check().exits(0).stderr;
    assert!(checked.contains("warning: `notify`: teams (`TEAMS_HOOK`) is told nothing"), "{checked}");
    for told in [&told, &checked] {
        assert!(!told.contains("hooks.example") && !told.contains("my-secret"), "{told}");
    }
    let good = check().env("TEAMS_HOOK", secret).env("HOOK_TOKEN", "the-token-of-the-hook").exits(0).stderr;
    assert!(good.contains("ok: 3 webhooks of `notify` can be told"), "{good}");
}
