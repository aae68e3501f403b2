//! Answers in a person's place, where the service shows them late.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::fake::{Answer, Fake, Seen};
use crate::{Attention, SessionId, SessionOutcome};

/// A session that asks: how many seconds after its answer it lists it, and from when to when it is at work then.
#[derive(Clone, Copy)]
struct Asking {
    state: &'static str,
    lists_answer: u64,
    works: (u64, u64),
    /// What it says to the answer.
    says: u16,
}

impl Asking {
    fn answer(self, sent: &OnceLock<Instant>, seen: &Seen) -> Answer {
        let passed = sent.get().map_or(0, |at| at.elapsed().as_secs());
        if seen.is("POST sessions/1:sendMessage") || seen.is("POST sessions/1:approvePlan") {
            sent.get_or_init(Instant::now);
            return if self.says == 200 { Answer::empty() } else { Answer::error(self.says, "UNAVAILABLE") };
        }
        if seen.is("GET sessions/1/activities") {
            let activity = |id: &str, originator: &str, kind: Value| {
                let mut activity = json!({"id": id, "originator": originator});
                activity.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
                activity
            };
            let mut activities =
                vec![activity("1", "agent", json!({"agentMessaged": {"agentMessage": "Which?"}}))];
            if sent.get().is_some() && passed >= self.lists_answer {
                activities.push(activity("2", "user", json!({"userMessaged": {"userMessage": "This."}})));
            }
            if passed >= self.works.0 {
                activities.push(activity("3", "agent", json!({"progressUpdated": {"title": "Takes it"}})));
            }
            return Answer::json(&json!({"activities": activities}));
        }
        let outputs = json!([{"changeSet": {"gitPatch": {"unidiffPatch": "x"}}}]);
        Answer::json(&match passed {
            _ if passed < self.works.0 => json!({"id": "1", "state": self.state}),
            _ if passed < self.works.1 => json!({"id": "1", "state": "IN_PROGRESS"}),
            _ => json!({"id": "1", "state": "COMPLETED", "outputs": outputs}),
        })
    }

    /// What becomes of it where its questions are answered, how often it was written to, and after how many seconds.
    async fn run(self) -> (SessionOutcome, usize, u64) {
        let start = Instant::now();
        let sent = OnceLock::new();
        let fake = Fake::start(move |seen, _| self.answer(&sent, seen)).await;
        let session = fake.jules().attach(SessionId::new("1").unwrap());
        let answered = session.on_question(|_| std::future::ready(Some("This.".to_owned())));
        let outcome = answered.timeout(Duration::from_secs(3_600)).await.unwrap();
        (outcome, fake.count("POST sessions/1:sendMessage"), start.elapsed().as_secs())
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_from_before_the_answer_is_not_the_result_though_the_answer_is_listed_late() {
    for lists_answer in [0, 60, 110] {
        let asking = Asking { state: "COMPLETED", lists_answer, works: (115, 200), says: 200 };
        let (outcome, sent, _) = asking.run().await;
        assert_eq!((outcome.has_changed(), outcome.open_question, sent), (true, None, 1), "{lists_answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_taken_is_sent_once_however_late_it_is_listed() {
    for lists_answer in [100, 400, 9_999] {
        let asking = Asking { state: "AWAITING_USER_FEEDBACK", lists_answer, works: (500, 600), says: 200 };
        let (outcome, sent, _) = asking.run().await;
        assert_eq!((outcome.has_changed(), sent), (true, 1), "{lists_answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_may_be_lost_is_sent_again_when_it_is_not_listed_in_time() {
    let asking = Asking { state: "AWAITING_USER_FEEDBACK", lists_answer: 130, works: (140, 200), says: 503 };
    let (outcome, sent, _) = asking.run().await;
    assert_eq!((outcome.has_changed(), sent), (true, 2));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_does_not_take_up_its_answer_is_told_with_its_question() {
    let asking = Asking { state: "COMPLETED", lists_answer: 9_999, works: (9_999, 9_999), says: 200 };
    let (outcome, sent, seconds) = asking.run().await;
    assert_eq!((outcome.open_question.as_deref(), sent), (Some("Which?"), 1));
    assert!((120..300).contains(&seconds), "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn what_a_person_has_done_is_not_told_again_though_the_service_shows_it_late() {
    for state in ["AWAITING_USER_FEEDBACK", "AWAITING_PLAN_APPROVAL", "PAUSED"] {
        let asking = Asking { state, lists_answer: 60, works: (100, 200), says: 200 };
        let sent = OnceLock::new();
        let fake = Fake::start(move |seen, _| asking.answer(&sent, seen)).await;
        let session = fake.jules().attach(SessionId::new("1").unwrap());
        match session.wait_for_attention().await.unwrap() {
            Attention::Plan { .. } => session.approve().await.unwrap(),
            Attention::Question(_) | Attention::Paused(_) => session.send("This.").await.unwrap(),
            Attention::Ended(outcome) => panic!("{outcome:?}"),
        }
        let next = session.wait_for_attention().await.unwrap();
        assert!(matches!(next, Attention::Ended(_)), "{state}: {next:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_session_still_waits_for_is_told_again_after_a_time() {
    let asking =
        Asking { state: "AWAITING_USER_FEEDBACK", lists_answer: 9_999, works: (9_999, 9_999), says: 200 };
    let sent = OnceLock::new();
    let fake = Fake::start(move |seen, _| asking.answer(&sent, seen)).await;
    let session = fake.jules().attach(SessionId::new("1").unwrap());
    session.wait_for_attention().await.unwrap();
    session.send("This.").await.unwrap();
    let start = Instant::now();
    assert!(matches!(session.wait_for_attention().await.unwrap(), Attention::Question(_)));
    assert!((120..130).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}
