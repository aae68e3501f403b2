//! `notify`: who is told of a run, by webhooks, and that a run goes on whatever becomes of that.

use serde_json::{Value, json};

use crate::support::{Manifest, Receiver, Signal, World, job, tasks};

const OK: Option<&str> = Some("204 No Content");
/// One task ends well, one fails, and after a while one asks.
const NIGHT: &str = "{ defaults: { duration: 20ms, outcome: pull-request }, rules: [\
    { when: { prompt: fails }, then: { outcome: failure } }, \
    { when: { prompt: asks }, then: { duration: 3s, feedback: { times: 9 } } }] }";

fn night(notify: &str) -> Manifest {
    let on = "source: my-org/web@main";
    let jobs = [("good", "Go."), ("bad", "It fails."), ("curious", "It asks.")];
    Manifest::of(jobs.map(|(id, prompt)| job(id, prompt, &[on])))
        .set("notify", notify)
        .set("strategy", "{ max-parallel: 1 }")
}

fn on(receiver: &Receiver) -> Vec<Value> {
    receiver.received().iter().map(|message| message.json()["on"].clone()).collect()
}

#[test]
fn what_is_worth_a_message_is_told_and_what_waits_goes_with_the_end() {
    let receiver = Receiver::start(|_| OK);
    let world = World::with(NIGHT, &night("{ webhooks: [{ to: json, url-env: HOOK, token-env: TOKEN }] }"));
    world.run().env("HOOK", receiver.url("/hook")).env("TOKEN", "the-token-of-the-hook").exits(100);

    let received = receiver.received();
    // One at once, and one at the end: nobody is told more often than every ten minutes.
    assert_eq!(on(&receiver), [json!(["first-failure"]), json!(["needs-human", "end"])]);
    let head = received[0].head.to_lowercase();
    assert!(head.starts_with("post /hook http/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: bearer the-token-of-the-hook\r\n"), "{head}");
    assert!(head.contains("content-type: application/json\r\n"), "{head}");
    let last = received[1].json();
    assert_eq!(last["totals"]["total"], 3);
    assert_eq!(last["failed"]["entries"][0]["task"], "bad/my-org/web@main");
    assert_eq!(last["asked"]["entries"][0]["outcome"], "needs_input");
    assert!(last["run"]["endedAt"].is_string(), "{last}");
}

#[test]
fn each_chat_gets_its_own_form_and_only_what_it_asks_for() {
    let receiver = Receiver::start(|_| OK);
    let world = World::with(
        NIGHT,
        &night(
            "{ webhooks: [{ to: slack, url-env: SLACK, on: [end] }, { to: teams, url-env: TEAMS, on: [end] }, \
             { to: discord, url-env: DISCORD, on: [end] }] }",
        ),
    );
    let chats = [("SLACK", "/slack"), ("TEAMS", "/teams"), ("DISCORD", "/discord")];
    let run = chats.iter().fold(world.run(), |run, (name, path)| run.env(name, receiver.url(path)));
    run.exits(100);
    let received = receiver.received();
    assert_eq!(received.len(), 3, "{received:?}");
    for (path, key) in [("/slack", "blocks"), ("/teams", "attachments"), ("/discord", "embeds")] {
        let to = received.iter().find(|message| message.head.contains(path)).unwrap();
        assert!(to.json()[key].is_array(), "{path}");
        assert!(
            to.json().to_string().contains("1 of 3 tasks done, 1 failed, 1 question"),
            "{path}: {}",
            to.json()
        );
    }
}

#[test]
fn a_webhook_that_fails_is_a_warning_and_no_more() {
    let cases: [(&'static str, usize, &str); 3] = [
        ("404 Not Found", 1, "the address is not valid (any more): status 404"),
        ("307 Temporary Redirect\r\nLocation: http://127.0.0.1:9/", 1, "it leads elsewhere (status 307)"),
        ("429 Too Many Requests\r\nRetry-After: 0", 3, "it did not take the message: status 429"),
    ];
    crate::support::at_once(cases, |(status, times, told)| {
        let receiver = Receiver::start(move |_| Some(status));
        let manifest = tasks(1).set("notify", "{ webhooks: [{ to: slack, url-env: HOOK }] }");
        let world = World::with("{ defaults: { duration: 20ms, outcome: pull-request } }", &manifest);
        let secret = "abcdefghijklmnop1234";
        let ended = world.run().env("HOOK", receiver.url(&format!("/services/{secret}"))).exits(0);
        assert_eq!(receiver.received().len(), times, "{status}");
        assert!(ended.stderr.contains(&format!("`notify`: slack (`HOOK`): {told}")), "{ended}");
        assert!(!ended.stderr.contains(secret), "{ended}");
    });
}

#[test]
fn who_takes_a_while_is_asked_again_and_gets_one_message() {
    let receiver = Receiver::start(|n| if n == 0 { Some("503 Busy\r\nRetry-After: 0") } else { OK });
    let manifest = tasks(1).set("notify", "{ webhooks: [{ to: json, url-env: HOOK, on: [end] }] }");
    let world = World::with("{ defaults: { duration: 20ms, outcome: pull-request } }", &manifest);
    let ended = world.run().env("HOOK", receiver.url("/")).exits(0);
    assert_eq!(receiver.received().len(), 2);
    assert!(!ended.stderr.contains("`notify`"), "{ended}");
}

#[test]
fn who_interrupts_a_run_does_not_wait_for_a_webhook_that_does_not_answer() {
    let receiver = Receiver::start(|_| None);
    let scenario = "{ defaults: { duration: 1h }, rules: [{ when: { prompt: fails }, then: { outcome: failure, duration: 20ms } }] }";
    let manifest = Manifest::of([job("bad", "It fails.", &[]), job("long", "It takes long.", &[])])
        .set("notify", "{ webhooks: [{ to: json, url-env: HOOK }] }");
    let world = World::with(scenario, &manifest);
    let mut run = world.run().env("HOOK", receiver.url("/")).start();
    run.until(|world| !receiver.received().is_empty() && world.sessions().len() == 2);
    run.signal(Signal::Interrupt);
    let ended = run.wait();
    assert_eq!(ended.code, Some(130), "{ended}");
    assert!(
        ended.stderr.contains("not every message was sent: no answer in time of json (`HOOK`)"),
        "{ended}"
    );
    assert_eq!(ended.report().run.stopped.as_deref(), Some("interrupt"));
}

#[test]
fn a_webhook_that_does_not_answer_is_named_while_the_end_waits_for_it() {
    let receiver = Receiver::start(|_| None);
    let manifest = tasks(1).set("notify", "{ webhooks: [{ to: slack, url-env: HOOK, on: [end] }] }");
    let world = World::with("{ defaults: { duration: 20ms, outcome: pull-request } }", &manifest);
    let ended = world.run().env("HOOK", receiver.url("/services/abcdefghijklmnop1234")).exits(0);
    let waits = "`notify`: the end waits for an answer of slack (`HOOK`), for 10 s at most";
    let (_, then) = ended.stderr.split_once(waits).unwrap_or_else(|| panic!("{ended}"));
    assert!(then.contains("`notify`: slack (`HOOK`): no answer in time"), "{ended}");
    assert!(!ended.stderr.contains("abcdefghijklmnop1234"), "{ended}");
    assert_eq!(receiver.received().len(), 1, "it may have been taken");
}

#[test]
fn a_variable_that_is_not_set_and_an_address_without_tls_are_told_before_the_run() {
    let manifest =
        tasks(1).set("notify", "{ webhooks: [{ to: slack, url-env: UNSET }, { to: json, url-env: PLAIN }] }");
    let world = World::with("{ defaults: { duration: 20ms, outcome: pull-request } }", &manifest);
    let ended = world.run().env("PLAIN", "http://hooks.example/x").exits(0);
    assert!(ended.stderr.contains("`notify`: slack is told nothing: `UNSET` is not set"), "{ended}");
    assert!(ended.stderr.contains("the address in `PLAIN` is not https"), "{ended}");
}

#[test]
fn a_simulated_run_tells_this_machine_alone_and_a_run_with_nothing_to_do_tells_nobody() {
    let receiver = Receiver::start(|_| OK);
    let manifest = tasks(1).set(
        "notify",
        "{ webhooks: [{ to: slack, url-env: CHAT }, { to: json, url-env: HOOK, on: [end] }] }",
    );
    // In the simulator's time.
    let manifest = manifest.set("timeouts", "{ task: 2h, stall: 1h }").set("poll", "{ interval: 10s }");
    let world = World::with("{}", &manifest);
    let simulated = || {
        let run = world.run().arg("--simulate").env("CHAT", "https://hooks.slack.com/services/T0/B0/x");
        run.env("HOOK", receiver.url("/"))
    };
    let ended = simulated().exits(0);
    assert_eq!(receiver.received()[0].json()["run"]["simulated"], true);
    let told = "a simulated run tells only what listens on this machine, and not slack (`CHAT`)";
    assert!(ended.stderr.contains(told), "{ended}");
    simulated().exits(0);
    assert_eq!(on(&receiver), [json!(["end"])], "the second has nothing to do");
}
