//! Limits as long as they can be written.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use serde_json::json;

use super::fake::{Answer, Fake};
use crate::{NewSession, Options, Quota, RequestKind, Reservation, Retries, SessionDigest, SharedQuotas};

/// Every limit at its longest, but for what a test has to wait for.
fn longest(options: Options) -> Options {
    let retries = Retries::default().base(Duration::MAX).cap(Duration::MAX).throttle_patience(Duration::MAX);
    options
        .request_timeout(Duration::MAX)
        .create_timeout(Duration::MAX)
        .stall_timeout(Duration::MAX)
        .send_within(Duration::MAX)
        .send_promptly(Duration::MAX)
        .fresh_patience(Duration::MAX)
        .wait_timeout(Duration::MAX)
        .settle(Duration::MAX)
        .retries(retries)
}

/// A session that completes with a question, and with a change once it was answered; just created, it is missing once.
async fn asks() -> Fake {
    let answered = std::sync::atomic::AtomicBool::new(false);
    Fake::start(move |seen, number| {
        use std::sync::atomic::Ordering::Relaxed;
        if seen.is("POST sessions/1:sendMessage") {
            answered.store(true, Relaxed);
            return Answer::empty();
        }
        let answered = answered.load(Relaxed);
        if seen.is("GET sessions/1/activities") {
            let question =
                json!({"id": "1", "originator": "agent", "agentMessaged": {"agentMessage": "Which?"}});
            let answer = json!({"id": "2", "originator": "user", "userMessaged": {"userMessage": "This."}});
            let reply = json!({"id": "3", "originator": "agent", "agentMessaged": {"agentMessage": "Done."}});
            let end = json!({"id": "4", "sessionCompleted": {}});
            let activities = if answered { json!([question, answer, reply, end]) } else { json!([question]) };
            return Answer::json(&json!({"activities": activities}));
        }
        if seen.is("GET sessions/1") && number == 1 {
            return Answer::error(404, "NOT_FOUND");
        }
        let outputs = json!([{"changeSet": {"gitPatch": {"unidiffPatch": "x"}}}]);
        Answer::json(&match answered {
            false => json!({"id": "1", "state": "AWAITING_USER_FEEDBACK"}),
            true => json!({"id": "1", "state": "COMPLETED", "outputs": outputs}),
        })
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn no_limit_is_too_long_for_a_session() {
    let run = asks().await.jules_with(longest).run(NewSession::new("p")).await.unwrap();
    let reply = run.into_client().ask("This.").timeout(Duration::MAX).await.unwrap();
    assert_eq!(reply.message(), Some("Done."));
    let run = asks().await.jules_with(longest).run(NewSession::new("p")).await.unwrap();
    let outcome = run.on_question(|_| std::future::ready(Some("This.".to_owned()))).timeout(Duration::MAX);
    assert!(outcome.await.unwrap().has_changed());
    let activities: Vec<_> = run.stream().timeout(Duration::MAX).try_collect().await.unwrap();
    assert_eq!(activities.len(), 4);
    assert!(!SessionDigest::default().may_wake(Duration::MAX, jiff::Timestamp::now()));
}

#[tokio::test(start_paused = true)]
async fn no_limit_is_too_long_for_a_batch() {
    let change = json!([{"changeSet": {"gitPatch": {"unidiffPatch": "x"}}}]);
    let session = json!({"id": "1", "state": "COMPLETED", "outputs": change});
    let fake = Fake::start(move |_, _| Answer::json(&session)).await;
    let all = fake.jules_with(longest).all(["p"], NewSession::new).concurrency(1);
    let all = all.delay(Duration::MAX).timeout(Duration::MAX).slot_timeout(Duration::MAX);
    assert!(all.await.iter().all(Result::is_ok));
    // A slot that is held by a session which nobody waits for, and one item that waits for it.
    let fake = Fake::start(|_, _| Answer::json(&json!({"id": "1", "state": "IN_PROGRESS"}))).await;
    let all = fake.jules_with(longest).all(0..2, |n| NewSession::new(n.to_string())).stop_on_error(false);
    let all = all.concurrency(1).timeout(Duration::from_secs(9)).slot_timeout(Duration::MAX);
    let hour = tokio::time::timeout(Duration::from_secs(3_600), all.into_future()).await;
    assert!(hour.is_err(), "it goes on waiting");
}

#[tokio::test(start_paused = true)]
async fn no_pause_is_too_long() {
    /// Asks for a pause that has no end.
    #[derive(Debug)]
    struct Closed;

    impl SharedQuotas for Closed {
        fn reserve(&self, _: Quota, _: RequestKind) -> BoxFuture<'static, Reservation> {
            let pause = Reservation { pause: Duration::MAX, ..Reservation::default() };
            Box::pin(std::future::ready(pause))
        }

        fn paused(&self, _: RequestKind, _: Duration) {}
    }

    let fake = asks().await;
    let jules = fake.jules();
    jules.share_quotas(Arc::new(Closed));
    let session = jules.attach("1".parse().unwrap());
    let sent = tokio::time::timeout(Duration::from_secs(60), session.info());
    assert!(sent.await.is_err(), "it goes on waiting");
    assert_eq!(fake.seen().len(), 0);
}
