//! Waits for what matters, against the service: a person's part, and answers in that person's place.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jules::{ApiKey, Attention, ErrorKind, Jules, NewSession, Quotas, SessionState};

use crate::service::Service;

fn client(service: &Service) -> Jules {
    let builder = Jules::builder().api_key(ApiKey::new("any").unwrap()).base_url(service.url());
    let builder = builder.quotas(Quotas::UNLIMITED).options(|options| {
        options
            .poll_interval(Duration::from_millis(20))
            .settle(Duration::ZERO)
            .wait_timeout(Duration::from_secs(30))
    });
    builder.build().unwrap()
}

const ASKS_TWICE: &str = "{ speed: 100, defaults: { duration: 20s, outcome: change, feedback: { times: 2, question: 'Left or right?' } } }";

#[test]
fn what_a_person_has_to_do_comes_one_after_the_other() {
    let service = Service::start(ASKS_TWICE);
    service.block_on(async {
        let session = client(&service).session(NewSession::new("Which way")).await.unwrap();
        let mut course = Vec::new();
        let outcome = loop {
            match session.wait_for_attention().await.unwrap() {
                Attention::Plan { plan, .. } => {
                    course.push(format!("a plan of {}", plan.unwrap().steps.len()));
                    session.approve().await.unwrap();
                }
                Attention::Question(question) => {
                    course.push(question.text.unwrap());
                    session.send("Left.").await.unwrap();
                }
                Attention::Ended(outcome) => break outcome,
                other => panic!("{other:?}"),
            }
        };
        assert!(outcome.is_completed());
        assert!(course[0].starts_with("a plan of "), "{course:?}");
        assert_eq!(course[1..], ["Left or right?", "Left or right?"]);
    });
    let session = &service.sessions()[0];
    assert_eq!((session.approvals, session.messages.len()), (1, 2), "nothing is done twice");
}

#[test]
fn a_paused_session_needs_attention() {
    let service = Service::start("{ speed: 100, defaults: { duration: 10s, outcome: pause } }");
    service.block_on(async {
        let run = client(&service).run(NewSession::new("p")).await.unwrap().into_client();
        let needs = run.wait_for_attention().await.unwrap();
        assert!(matches!(needs, Attention::Paused(_)), "{needs:?}");
    });
}

#[test]
fn any_state_can_be_waited_for_and_another_end_is_an_error() {
    let service = Service::start("{ speed: 100, defaults: { duration: 10s, outcome: pull-request } }");
    service.block_on(async {
        let jules = client(&service);
        let run = jules.run(NewSession::new("p").source("o/r").branch("main")).await.unwrap().into_client();
        let session = run.wait_until(|session| session.pull_request().is_some()).await.unwrap();
        assert!(session.pull_request().unwrap().number().is_some());
        let error = run.wait_until(|session| session.archived).await.unwrap_err();
        let ended = ErrorKind::SessionEnded { session: run.id().clone(), state: SessionState::Completed };
        assert_eq!(error.kind(), &ended);
    });
}

/// Runs a session to its end with a hook that answers its questions so often; what was asked.
fn answered(service: &Service, answers: usize) -> (jules::SessionOutcome, Vec<String>) {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let outcome = service.block_on(async {
        let run = client(service).run(NewSession::new("Which way")).await.unwrap();
        let heard = Arc::clone(&asked);
        let outcome = run.on_question(move |question| {
            let mut heard = heard.lock().unwrap();
            heard.push(question.text.unwrap());
            let answer = (heard.len() <= answers).then(|| "Left.".to_owned());
            async move { answer }
        });
        outcome.await.unwrap()
    });
    let asked = asked.lock().unwrap().clone();
    (outcome, asked)
}

#[test]
fn each_question_is_answered_once_and_the_result_comes() {
    let service = Service::start(ASKS_TWICE);
    let (outcome, asked) = answered(&service, 9);
    assert!(outcome.is_completed() && outcome.has_changed());
    assert_eq!(asked, ["Left or right?", "Left or right?"]);
    assert_eq!(service.sessions()[0].messages, ["Left.", "Left."]);
}

#[test]
fn an_answer_whose_answer_is_lost_is_not_sent_again() {
    for kind in ["error-after", "reset-after"] {
        let faults = format!("faults: [{{ kind: {kind}, on: sessions.sendMessage, nth: 1 }}]");
        let service = Service::start(&ASKS_TWICE.replacen("{ ", &format!("{{ {faults}, "), 1));
        let (outcome, _) = answered(&service, 9);
        assert!(outcome.is_completed());
        assert_eq!(service.sessions()[0].messages, ["Left.", "Left."], "{kind}");
    }
}

#[test]
fn a_session_that_has_completed_with_a_question_is_answered_and_goes_on() {
    let service = Service::start(
        "{ speed: 100, defaults: { duration: 10s, outcome: no-change, last-word: 'Shall I go on?',
           wakes: [{ by: message, after: 20s, lasts: 10s, outcome: push }] } }",
    );
    let (outcome, asked) = answered(&service, 1);
    assert_eq!((service.sessions()[0].messages.len(), &asked[0][..]), (1, "Shall I go on?"), "{asked:?}");
    assert!(outcome.has_changed(), "{outcome:?}");
}
