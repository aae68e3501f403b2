//! Plans that wait for approval, questions, and what is sent in answer.

use super::*;

#[test]
fn a_plan_is_approved_once_although_the_state_lags() {
    let mut session = Followed::of(Waiting::default());
    assert_eq!(session.sees(SessionState::AwaitingPlanApproval), [Step::Approve]);
    assert!(session.sees(SessionState::AwaitingPlanApproval).is_empty(), "the approval is under way");
    let steps = session.driver.on_acted(Act::Approve, Ok(()), session.now);
    assert_eq!(steps[0], Step::Approved);
    assert!(session.pass(10).sees(SessionState::AwaitingPlanApproval).is_empty());
    assert!(session.pass(10).sees(SessionState::InProgress).is_empty());
    assert_eq!(session.pass(10).sees(SessionState::AwaitingPlanApproval), [Step::Approve], "a revised plan");
}

#[test]
fn approvals_have_an_end() {
    let mut session = Followed::of(Waiting::default());
    let mut approvals = 0;
    let steps = loop {
        let steps = session.pass(60).sees(SessionState::AwaitingPlanApproval);
        if steps != [Step::Approve] {
            break steps;
        }
        approvals += 1;
        session.driver.on_acted(Act::Approve, Ok(()), session.now);
    };
    assert_eq!((approvals, ended(&steps).0), (MAX_APPROVALS, Outcome::NeedsInput));
}

#[rstest::rstest]
#[case(PlanApproval::Fail, Outcome::NeedsInput)]
#[case(PlanApproval::Detach, Outcome::Detached)]
fn a_plan_nobody_approves(#[case] plan_approval: PlanApproval, #[case] outcome: Outcome) {
    let mut session = Followed::of(Waiting { plan_approval, ..Waiting::default() });
    assert_eq!(ended(&session.sees(SessionState::AwaitingPlanApproval)).0, outcome);
}

#[rstest::rstest]
#[case(UserFeedback::Fail, Outcome::NeedsInput)]
#[case(UserFeedback::Detach, Outcome::Detached)]
#[case(UserFeedback::Reply { text: String::new(), max: 0 }, Outcome::NeedsInput)]
fn a_question_nobody_answers_is_the_reason(#[case] user_feedback: UserFeedback, #[case] outcome: Outcome) {
    let mut session = Followed::of(Waiting { user_feedback, ..Waiting::default() });
    let read = Step::Read { purpose: Purpose::Question, since: None };
    assert_eq!(session.sees(SessionState::AwaitingUserFeedback), [read]);
    let steps = session.reads(Purpose::Question, &asks("Tabs or spaces?"));
    assert_eq!(ended(&steps), (outcome, "Tabs or spaces?"));
}

#[test]
fn what_waits_for_nobody_but_has_made_what_was_asked_for_has_succeeded() {
    let waiting = Waiting { plan_approval: PlanApproval::Fail, ..Waiting::default() };
    let mut session = Followed::new(Expect::Any, Made::PullRequest, waiting.clone());
    let read = Step::Read { purpose: Purpose::Question, since: None };
    assert_eq!(session.sees_work(SessionState::AwaitingUserFeedback, pull_request()), [read]);
    let steps = session.reads(Purpose::Question, &asks("Tabs or spaces?"));
    assert_eq!(ended(&steps), (Outcome::Succeeded, "the session has not ended; it waits: Tabs or spaces?"));

    let mut session = Followed::new(Expect::Any, Made::PullRequest, waiting.clone());
    let steps = session.sees_work(SessionState::AwaitingPlanApproval, pull_request());
    assert_eq!(ended(&steps).0, Outcome::Succeeded);

    let mut session = Followed::new(Expect::Any, Made::PullRequest, waiting);
    session.sees_work(SessionState::InProgress, pull_request());
    session.pass(600);
    let gone = RequestFailure { text: "404".to_owned(), kind: FailureKind::Missing };
    let mut steps = Vec::new();
    for _ in 0..3 {
        steps = session.driver.on_failure(&gone, session.now);
        session.pass(60);
    }
    assert_eq!(ended(&steps).0, Outcome::Succeeded);
}

#[test]
fn each_new_question_is_answered_until_the_replies_are_spent() {
    let mut session = Followed::of(replies(2));
    for _ in 0..2 {
        session.pass(10).sees(SessionState::AwaitingUserFeedback);
        let steps = session.reads(Purpose::Question, &asks("Which?"));
        assert_eq!(steps, send(Act::Reply, "Decide yourself.", false));
        session.driver.on_acted(Act::Reply, Ok(()), session.now);
        session.pass(10).sees(SessionState::InProgress);
    }
    session.pass(10).sees(SessionState::AwaitingUserFeedback);
    assert_eq!(
        ended(&session.reads(Purpose::Question, &asks("And now?"))),
        (Outcome::NeedsInput, "And now?")
    );
}

#[test]
fn the_old_question_is_not_answered_twice_while_the_state_lags() {
    let mut session = Followed::of(replies(5));
    session.sees(SessionState::AwaitingUserFeedback);
    session.reads(Purpose::Question, &asks("Which?"));
    session.driver.on_acted(Act::Reply, Ok(()), session.now);
    assert!(session.pass(5).sees(SessionState::AwaitingUserFeedback).is_empty());
    assert!(
        !session.pass(5).sees(SessionState::AwaitingUserFeedback).is_empty(),
        "one read of the activities"
    );
    assert!(session.reads(Purpose::Question, &answered("Which?")).is_empty());
    assert!(session.pass(10).sees(SessionState::AwaitingUserFeedback).is_empty());
    session.pass(10).sees(SessionState::AwaitingUserFeedback);
    let steps = session.reads(Purpose::Question, &asks("And which one then?"));
    assert_eq!(steps, send(Act::Reply, "Decide yourself.", false), "a newer question is answered");
}

#[test]
fn what_an_earlier_invocation_answered_is_not_answered_again() {
    let mut session = Followed::of(replies(2));
    session.driver.phase = Phase::Working;
    let Driver { session: id, terms, .. } = &session.driver;
    let spent = Spent { replies: 1, ..Spent::default() };
    session.driver = Driver::new(id.clone(), terms.clone(), spent, session.now, session.now);
    // The state lags behind our reply.
    session.sees(SessionState::AwaitingUserFeedback);
    assert!(session.reads(Purpose::Question, &answered("Which?")).is_empty());
    session.pass(20).sees(SessionState::AwaitingUserFeedback);
    let steps = session.reads(Purpose::Question, &asks("And which one then?"));
    assert_eq!(steps, send(Act::Reply, "Decide yourself.", false));
}

#[test]
fn an_answer_that_was_overtaken_does_not_turn_the_state_back() {
    let mut session = Followed::of(replies(2));
    let seen = |state, second: i64| Seen {
        id: "7".parse().unwrap(),
        title: None,
        state,
        url: None,
        created: None,
        updated: Some(Timestamp::from_second(second).unwrap()),
        work: Work::default(),
        archived: false,
        ask: None,
    };
    let now = session.now;
    session.driver.on_seen(&seen(SessionState::InProgress, 100), now.instant, now);
    let late = session.driver.on_seen(&seen(SessionState::AwaitingUserFeedback, 90), now.instant, now);
    assert!(late.is_empty());
    assert_eq!(*session.driver.state(), SessionState::InProgress);
    session.driver.on_seen(&seen(SessionState::Failed, 95), now.instant, now);
    assert_eq!(*session.driver.state(), SessionState::Failed, "an end is an end");
}

#[test]
fn a_nudge_that_did_not_arrive_does_not_buy_another_reply() {
    let stall = StallPolicy::Nudge { text: "Go on.".to_owned(), max: 1 };
    let mut session = Followed::of(Waiting { stall, ..replies(0) });
    session.sees(SessionState::Paused);
    session.driver.on_acted(Act::Nudge, Err(&passing(true)), session.now);
    session.pass(10).sees(SessionState::AwaitingUserFeedback);
    assert_eq!(ended(&session.reads(Purpose::Question, &asks("Which?"))).0, Outcome::NeedsInput);
}

#[test]
fn a_reply_that_surely_did_not_arrive_is_sent_again_and_not_counted() {
    let mut session = Followed::of(replies(1));
    session.sees(SessionState::AwaitingUserFeedback);
    session.reads(Purpose::Question, &asks("Which?"));
    session.driver.on_acted(Act::Reply, Err(&passing(true)), session.now);
    session.pass(10).sees(SessionState::AwaitingUserFeedback);
    assert_eq!(session.reads(Purpose::Question, &asks("Which?")), send(Act::Reply, "Decide yourself.", true));
}

#[test]
fn a_reply_in_doubt_is_not_sent_again() {
    let mut session = Followed::of(replies(1));
    session.sees(SessionState::AwaitingUserFeedback);
    session.reads(Purpose::Question, &asks("Which?"));
    session.driver.on_acted(Act::Reply, Err(&passing(false)), session.now);
    session.pass(10).sees(SessionState::AwaitingUserFeedback);
    assert_eq!(ended(&session.reads(Purpose::Question, &asks("Which?"))).0, Outcome::NeedsInput);
}

#[test]
fn the_time_in_which_the_ledger_is_away_is_not_the_sessions() {
    let mut session = Followed::of(Waiting::default());
    assert_eq!(session.sees(SessionState::AwaitingPlanApproval), [Step::Approve]);
    let task = session.driver.terms.timeouts.task.as_secs();
    let is_late = |session: &mut Followed, seconds| {
        session.pass(seconds);
        !session.driver.on_wake(session.now).is_empty()
    };
    let tell = |session: &mut Followed, is_away| session.driver.on_ledger(is_away, session.now);
    session.pass(60);
    tell(&mut session, true);
    assert!(!is_late(&mut session, task + 600), "its approval waits for the ledger");
    tell(&mut session, true);
    tell(&mut session, false);
    assert!(!is_late(&mut session, task - 61));
    assert!(is_late(&mut session, 1), "a minute had passed before");
}
