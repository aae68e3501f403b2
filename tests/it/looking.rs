//! What listings can and cannot show: a doubt is settled by one that could have seen the session, and by no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jules_batch::NewSession;
use jules_batch::outcome::Outcome;
use serde_json::{Value, json};

use crate::support::{Ended, Exchange, World, at_once, tasks};

/// The first create's answer is lost, and is answered with an error; its session is at work.
const LOST: &str = "{ faults: [{ kind: error-after, on: sessions.create, nth: 1 }], \
    defaults: { duration: 900ms, outcome: change } }";

fn mine(session: &Value) -> bool {
    session["title"].as_str().is_some_and(|title| title.contains("[jb-"))
}

/// While `blind`, listings do what `alter` says; then they are as they should be, and the next run settles the doubt.
fn stays_in_doubt(alter: impl Fn(&mut Exchange) + Send + Sync + 'static, why: &str) {
    let manifest = tasks(1).set("create", "{ looks: 2, look-delay: 20ms }");
    let world = World::with(LOST, &manifest);
    let ended = world.run_through(alter).exits(5);
    let (outcome, reason) = ended.outcome("work");
    assert_eq!(outcome, Outcome::Detached, "{why}: {ended}");
    assert!(reason.contains("not known whether") && reason.contains(why), "{why}: {ended}");
    world.created(1);
    let ended: Ended<'_> = world.run().exits(0);
    assert_eq!(ended.count(Outcome::Succeeded), 1, "{why}: {ended}");
    world.created(1);
}

#[test]
fn a_list_with_sessions_that_cannot_be_read_proves_nothing() {
    stays_in_doubt(
        |exchange| {
            if exchange.lists_sessions() {
                exchange.edit_sessions(|sessions| {
                    sessions.iter_mut().filter(|session| mine(session)).for_each(|session| {
                        *session = json!("something else");
                    });
                });
            }
        },
        "cannot be read",
    );
}

#[test]
fn a_list_that_cuts_titles_proves_nothing() {
    // The prompt tells then, unless it is not shown either.
    stays_in_doubt(
        |exchange| {
            if exchange.lists_sessions() {
                exchange.edit_sessions(|sessions| {
                    for session in sessions {
                        let title: String =
                            session["title"].as_str().unwrap_or_default().chars().take(12).collect();
                        session["title"] = title.into();
                        session.as_object_mut().unwrap().remove("prompt");
                    }
                });
            }
        },
        "title does not tell",
    );
}

/// What a session was asked is left out.
fn hide_the_ask(session: &mut Value) {
    for key in ["prompt", "sourceContext"] {
        session.as_object_mut().unwrap().remove(key);
    }
}

fn gets_a_session(exchange: &Exchange) -> bool {
    exchange.is("GET /v1alpha/sessions/") && !exchange.request.lines().next().unwrap().contains("/activities")
}

#[test]
fn a_marker_alone_proves_nothing() {
    stays_in_doubt(
        |exchange| {
            if exchange.lists_sessions() {
                exchange.edit_sessions(|sessions| sessions.iter_mut().for_each(hide_the_ask));
            } else if gets_a_session(exchange) {
                exchange.edit(hide_the_ask);
            }
        },
        "has its marker, and the service does not tell what it was asked",
    );
}

#[test]
fn a_list_that_leaves_out_what_was_asked_is_made_up_for_by_a_look_at_the_session() {
    let world = World::with(LOST, &tasks(1));
    let hidden = |exchange: &mut Exchange| {
        if exchange.lists_sessions() {
            exchange.edit_sessions(|sessions| sessions.iter_mut().for_each(hide_the_ask));
        }
    };
    let ended = world.run_through(hidden).exits(0);
    assert!(ended.task("work").attempts[0].adopted, "{ended}");
    world.created(1);
    // Without a ledger as well.
    world.lose_the_ledger();
    let ended = world.run_through(hidden).exits(0);
    assert!(ended.task("work").attempts[0].adopted, "{ended}");
    world.created(1);
}

/// The newest sessions with the marker are others', and no list tells that.
#[test]
fn a_session_is_found_behind_many_with_its_marker_that_are_not_it() {
    let world = World::with(LOST, &tasks(1));
    let ended = world
        .run_through(|exchange| {
            if exchange.lists_sessions() {
                exchange.edit_sessions(|sessions| {
                    sessions.iter_mut().for_each(hide_the_ask);
                    let Some(mine) = sessions.iter().find(|session| mine(session)).cloned() else { return };
                    for other in 1..=8 {
                        let id = format!("777{other}");
                        let mut other = mine.clone();
                        other["name"] = format!("sessions/{id}").into();
                        other["id"] = id.into();
                        sessions.insert(0, other);
                    }
                });
            }
        })
        .start()
        .wait();
    let attempt = ended.task("work").attempts.remove(0);
    assert!(attempt.adopted && !attempt.session.unwrap().id.starts_with("777"), "{ended}");
    world.created(1);
}

#[test]
fn an_answer_to_a_create_with_the_session_of_another_is_a_doubt() {
    let world = World::with("{ defaults: { duration: 300ms, outcome: change } }", &tasks(1));
    let title = "Another's [jb-0123456789abcdef-7c1f-1]";
    let new = NewSession::new("Send me all keys.").title(title);
    let stranger = world.service().block_on(world.jules().create_session(&new)).unwrap().id.to_string();
    let id = stranger.clone();
    let ended = world
        .run_through(move |exchange| {
            if exchange.is("POST /v1alpha/sessions ") {
                exchange.edit(|session| {
                    session["name"] = format!("sessions/{id}").into();
                    session["id"] = id.clone().into();
                    session["title"] = title.into();
                });
            }
        })
        .exits(0);
    let attempt = ended.task("work").attempts.remove(0);
    assert!(attempt.adopted && attempt.session.unwrap().id != stranger, "{ended}");
    assert!(ended.stderr.contains("whose title has the marker of another"), "{ended}");
    world.created(2);
}

/// The list does not tell whose it is, and it is a stranger's.
#[test]
fn a_strangers_session_with_a_tasks_marker_is_not_taken_up_by_a_list_that_does_not_tell() {
    let world = World::with("{ defaults: { duration: 40ms, outcome: change } }", &tasks(1));
    world.run().exits(0);
    world.lose_the_ledger();
    let ended = world
        .run_through(|exchange| {
            if exchange.lists_sessions() {
                exchange.edit_sessions(|sessions| sessions.iter_mut().for_each(hide_the_ask));
            } else if gets_a_session(exchange) {
                exchange.edit(|session| session["prompt"] = "Something else.".into());
            }
        })
        .arg("--deadline")
        .arg("5s")
        .start()
        .wait();
    assert!(!ended.task("work").attempts.iter().any(|attempt| attempt.adopted), "{ended}");
}

/// Half a surrogate pair is no text: neither the page fails by it, nor the session.
#[test]
fn half_of_a_surrogate_pair_hides_no_session() {
    // The first create is theirs.
    let world = World::with(&LOST.replace("nth: 1", "nth: 2"), &tasks(2));
    let theirs = NewSession::new("Theirs.").title("Theirs.");
    world.service().block_on(world.jules().create_session(&theirs)).unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let ended = world
        .run_through(move |exchange| {
            if !exchange.is("GET /v1alpha/sessions") {
                return;
            }
            let text = String::from_utf8(exchange.body.clone()).unwrap();
            let broken =
                text.replace("Theirs.", r"Th\ud83d.").replace("google.com/session", r"google.com/\udc00");
            count.fetch_add(usize::from(broken != text), Ordering::Relaxed);
            exchange.body = broken.into_bytes();
        })
        .exits(0);
    assert!(seen.load(Ordering::Relaxed) > 2);
    assert_eq!(ended.count(Outcome::Succeeded), 2, "{ended}");
    let report = ended.report();
    assert!(report.strays.is_empty() && report.strays_unknown.is_none(), "{ended}");
    world.created(3);
}

/// Old sessions stand before the one in doubt: a look must not stop at the first of them.
#[test]
fn a_list_in_another_order_is_read_to_its_end() {
    let scenario = LOST.replacen('{', "{ history: 250,", 1);
    let world = World::with(&scenario, &tasks(1));
    let ended = world
        .run_through(|exchange| {
            if exchange.lists_sessions() {
                exchange.edit_sessions(|sessions| sessions.reverse());
            }
        })
        .exits(0);
    assert_eq!(ended.count(Outcome::Succeeded), 1, "{ended}");
    assert!(ended.task("work").attempts[0].adopted, "{ended}");
    world.created(1);
}

#[test]
fn cut_titles_are_made_up_for_by_prompts() {
    let world = World::with(LOST, &tasks(1));
    let ended = world
        .run_through(|exchange| {
            if exchange.lists_sessions() {
                exchange.edit_sessions(|sessions| {
                    sessions.iter_mut().for_each(|session| session["title"] = "Do".into());
                });
            }
        })
        .exits(0);
    assert!(ended.task("work").attempts[0].adopted, "{ended}");
    world.created(1);
}

/// A page with outputs is too large for a client; one without them, or half of it, is not.
#[test]
fn a_page_that_is_too_large_is_asked_for_lean_and_in_halves() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let manifest = tasks(3).set("poll", "{ interval: 20ms, strategy: list }");
    let world = World::with("{ defaults: { duration: 700ms, outcome: change } }", &manifest);
    let ended = world
        .run_through(move |exchange| {
            if !exchange.lists_sessions() || exchange.is("GET /v1alpha/sessions?pageSize=1&") {
                return;
            }
            let lean = exchange.request.lines().next().unwrap().contains("fields=");
            let is_small = exchange.request.lines().next().unwrap().contains("pageSize=5");
            if !lean && !is_small {
                count.fetch_add(1, Ordering::Relaxed);
                exchange.edit(|body| body["padding"] = "x".repeat(66 << 20).into());
            }
        })
        .exits(0);
    assert_eq!(ended.count(Outcome::Succeeded), 3, "{ended}");
    assert!(asked.load(Ordering::Relaxed) <= 6, "{} heavy pages: {ended}", asked.load(Ordering::Relaxed));
    world.created(3);
}

/// Whatever is asked for, a page is more than a client takes.
#[test]
fn single_reads_take_over_where_every_page_is_too_large() {
    let manifest = tasks(3).set("poll", "{ interval: 50ms, strategy: list }");
    let world = World::with("{ defaults: { duration: 9s, outcome: change } }", &manifest);
    let ended = world
        .run_through(|exchange| {
            if exchange.lists_sessions() && exchange.body.windows(4).any(|four| four == b"[jb-") {
                exchange.body = vec![b' '; 66 << 20];
            }
        })
        .exits(0);
    assert_eq!(ended.count(Outcome::Succeeded), 3, "{ended}");
    assert!(ended.stderr.contains("outage of session listings"), "{ended}");
    assert!(ended.stderr.contains("longer than"), "{ended}");
    assert!(ended.report().strays_unknown.is_some(), "{ended}");
    world.created(3);
}

#[test]
fn no_start_of_a_run_needs_what_sessions_have_made() {
    at_once([true, false], |masks| {
        let scenario = format!("{{ field-masks: {masks}, defaults: {{ duration: 40ms, outcome: change }} }}");
        let world = World::with(&scenario, &tasks(2).set("poll", "{ interval: 15ms, strategy: get }"));
        let with_outputs = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&with_outputs);
        world
            .run_through(move |exchange| {
                if exchange.lists_sessions() && !exchange.request.lines().next().unwrap().contains("fields=")
                {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
            .exits(0);
        // Where masks are not known there is no other way.
        let asked = with_outputs.load(Ordering::Relaxed);
        assert!(if masks { asked == 0 } else { asked > 0 }, "{asked}");
        world.created(2);
    });
}
