//! Completed sessions that ask, or lack what they were asked for: an answer may wake them.

use super::*;

#[test]
fn a_question_at_the_end_is_left_to_the_policy() {
    for (user_feedback, outcome) in
        [(UserFeedback::Fail, Outcome::NeedsInput), (UserFeedback::Detach, Outcome::Detached)]
    {
        let mut session = Followed::of(Waiting { user_feedback, ..Waiting::default() });
        assert_eq!(ended(&session.completes("PvAE")), (outcome, "Which one?"));
    }
    for expect in [Expect::Change, Expect::PullRequest] {
        let mut session = Followed::new(expect, Made::PullRequest, Waiting::default());
        assert_eq!(ended(&session.completes("PvAE")), (Outcome::NeedsInput, "Which one?"));
    }
}

/// A session whose session completed with a question, and was answered.
fn answered_at_the_end(max: u32) -> Followed {
    let mut session = Followed::of(replies(max));
    assert_eq!(session.completes("PvAE"), send(Act::Reply, "Decide yourself.", false));
    assert!(session.sees(SessionState::Completed).is_empty(), "the reply is under way");
    let soon = Step::ReadAt(session.now.instant + INTERVAL);
    assert_eq!(session.driver.on_acted(Act::Reply, Ok(()), session.now), [soon]);
    session
}

#[test]
fn an_answer_wakes_a_completed_session() {
    let mut session = answered_at_the_end(1);
    // Some 95 s it is shown as it was.
    for _ in 0..9 {
        let again = Step::ReadAt(session.pass(10).now.instant + INTERVAL);
        assert_eq!(session.sees(SessionState::Completed), [again]);
    }
    assert!(session.pass(10).sees(SessionState::InProgress).is_empty());
    assert_eq!(
        ended(&session.pass(60).sees_work(SessionState::Completed, pull_request())).0,
        Outcome::Succeeded
    );
}

#[test]
fn a_woken_session_is_judged_anew() {
    let mut session = answered_at_the_end(1);
    session.pass(95).sees(SessionState::InProgress);
    assert_eq!(ended(&session.completes("PvAEUwE")).0, Outcome::NoChange);
    let mut session = answered_at_the_end(1);
    session.pass(95).sees(SessionState::InProgress);
    assert_eq!(
        ended(&session.completes("PvAEUwAE")),
        (Outcome::NeedsInput, "Which one?"),
        "the replies are spent"
    );
    let mut session = answered_at_the_end(2);
    session.pass(95).sees(SessionState::InProgress);
    assert_eq!(session.completes("PvAEUwAE"), send(Act::Reply, "Decide yourself.", false));
    assert_eq!(session.driver.spent.replies, 2);
}

/// It woke and completed again between two looks: only the time of its last change tells.
#[test]
fn a_wake_that_nobody_saw_is_found_in_the_activities() {
    let question = [Step::Read { purpose: Purpose::Question, since: None }];
    for (course, wanted) in [("PvAEUwE", Outcome::NoChange), ("PvAEUwAE", Outcome::NeedsInput)] {
        let mut session = answered_at_the_end(1);
        assert_eq!(session.pass(10).sees_at(SessionState::Completed, 100), question);
        assert!(session.sees_at(SessionState::Completed, 100).is_empty(), "one reading at a time");
        let again = [Step::ReadAt(session.now.instant + INTERVAL)];
        assert_eq!(session.reads(Purpose::Question, &course_of("PvAEU")), again, "our own message");
        assert_eq!(session.sees_at(SessionState::Completed, 100), again);
        assert_eq!(session.pass(120).sees_at(SessionState::Completed, 200), question);
        let look = [Step::ReadAt(session.now.instant)];
        assert_eq!(session.reads(Purpose::Question, &course_of(course)), look, "it may have woken just now");
        assert_eq!(ended(&session.sees_at(SessionState::Completed, 200)).0, wanted);
    }
    // What was read is the beginning of its work; and what was read is not all.
    let mut session = answered_at_the_end(1);
    session.pass(10).sees_at(SessionState::Completed, 100);
    session.reads(Purpose::Question, &course_of("PvAEUw"));
    assert!(session.sees(SessionState::InProgress).is_empty());
    let mut session = answered_at_the_end(1);
    session.pass(10).sees_at(SessionState::Completed, 100);
    session.reads(Purpose::Question, &course_of("PvAEUA"));
    assert_eq!(session.sees_at(SessionState::Completed, 200), question);
    let mut session = answered_at_the_end(1);
    assert!(matches!(
        session.pass(90).sees_work(SessionState::Completed, pull_request())[..],
        [Step::End(_)]
    ));
}

#[test]
fn an_answer_that_wakes_nobody_needs_input() {
    let mut session = answered_at_the_end(5);
    let asleep = session.now.instant + Duration::from_secs(20 * 60);
    let read = [Step::Read { purpose: Purpose::Work, since: None }];
    let steps = session.sleeps(30 * 60);
    assert_eq!(session.now.instant, asleep, "the time that its silence is borne");
    assert_eq!(session.looks(&steps, SessionState::Completed), read);
    assert_eq!(
        ended(&session.reads(Purpose::Work, &course_of("PvAEU"))),
        (Outcome::NeedsInput, "Which one?")
    );
    // An answer of somebody else's, or of an earlier invocation.
    let mut session = Followed::of(Waiting::default());
    let again = Step::ReadAt(session.now.instant + Duration::from_secs(30) + INTERVAL);
    assert_eq!(session.completes("PvAEU"), [again]);
    let steps = session.sleeps(30 * 60);
    assert_eq!(session.looks(&steps, SessionState::Completed), read);
    assert_eq!(
        ended(&session.reads(Purpose::Work, &course_of("PvAEU"))),
        (Outcome::NeedsInput, "Which one?")
    );
    // It wakes late, or nobody can tell.
    let mut session = answered_at_the_end(5);
    let steps = session.sleeps(30 * 60);
    assert!(session.looks(&steps, SessionState::InProgress).is_empty());
    assert_eq!(ended(&session.sees_work(SessionState::Completed, pull_request())).0, Outcome::Succeeded);
    let mut session = answered_at_the_end(5);
    session.sleeps(30 * 60);
    assert_eq!(ended(&session.sleeps(120)).0, Outcome::Detached);
}

#[test]
fn a_question_is_not_answered_again_while_the_activities_lag() {
    let mut session = Followed::of(replies(5));
    session.sees(SessionState::Completed);
    session.pass(30).sees(SessionState::Completed);
    let asked = session.now.wall;
    let old = Digest { told: timed("PvAE", asked), ..Digest::default() };
    let steps = session.reads(Purpose::Work, &old);
    assert!(matches!(&steps[0], Step::Active { activity, .. } if activity == "Which one?"), "{steps:?}");
    assert_eq!(steps[1..], send(Act::Reply, "Decide yourself.", false));
    session.driver.on_acted(Act::Reply, Ok(()), session.now);
    session.pass(10).sees_at(SessionState::Completed, 100);
    assert!(matches!(session.reads(Purpose::Question, &old)[..], [Step::ReadAt(_)]));
    session.pass(10).sees_at(SessionState::Completed, 200);
    let new = Digest { told: timed("PvAEUAE", asked + INTERVAL), ..Digest::default() };
    assert_eq!(session.reads(Purpose::Question, &new).last(), Some(&Step::ReadAt(session.now.instant)));
    let steps = session.sees_at(SessionState::Completed, 200);
    assert_eq!(steps, send(Act::Reply, "Decide yourself.", false));
}

#[test]
fn an_answer_that_surely_did_not_arrive_is_sent_again_until_the_time_is_over() {
    let mut session = Followed::of(replies(1));
    session.completes("PvAE");
    for _ in 0..5 {
        session.driver.on_acted(Act::Reply, Err(&passing(true)), session.now);
        let read = Step::Read { purpose: Purpose::Question, since: None };
        assert_eq!(session.pass(10).sees(SessionState::Completed), [read]);
        let steps = session.reads(Purpose::Question, &course_of("PvAE"));
        assert_eq!(steps, send(Act::Reply, "Decide yourself.", true));
    }
    session.driver.on_acted(Act::Reply, Err(&passing(true)), session.now);
    let steps = session.sleeps(7_200);
    let read = [Step::Read { purpose: Purpose::Work, since: None }];
    assert_eq!(session.looks(&steps, SessionState::Completed), read);
    assert_eq!(ended(&session.reads(Purpose::Work, &course_of("PvAE"))), (Outcome::NeedsInput, "Which one?"));
}

#[test]
fn whatever_timer_ends_the_wait_for_feedback_the_question_is_told() {
    let waits = |waiting, seconds: u64| {
        let mut session = Followed::of(waiting);
        session.sees(SessionState::AwaitingUserFeedback);
        session.reads(Purpose::Question, &asks("Left or right?"));
        session.driver.on_acted(Act::Reply, Ok(()), session.now);
        while session.sleeps(seconds).first().is_some_and(|step| !matches!(step, Step::LookAt(_))) {
            session.reads(Purpose::Silence, &Digest::default());
            if matches!(session.driver.phase, Phase::LastLook { .. }) {
                break;
            }
            session.driver.on_acted(Act::Nudge, Ok(()), session.now);
        }
        let steps = session.sees(SessionState::AwaitingUserFeedback);
        assert_eq!(ended(&steps), (Outcome::NeedsInput, "Left or right?"));
    };
    waits(replies(1), 30 * 60);
    waits(Waiting { stall: StallPolicy::Nudge { text: "Go on.".to_owned(), max: 2 }, ..replies(1) }, 30 * 60);
    waits(
        Waiting { stall: StallPolicy::Nudge { text: "Go on.".to_owned(), max: 99 }, ..replies(1) },
        3 * 60 * 60,
    );
}

#[test]
fn a_question_is_told_wherever_it_stands() {
    for kind in [
        ActivityKind::ProgressUpdated {
            title: Some("Waiting".to_owned()),
            description: Some("Left?".to_owned()),
        },
        ActivityKind::None,
    ] {
        let mut activity = Activity::new("a".parse().unwrap(), Originator::Agent, kind);
        activity.description = Some("Left?".to_owned());
        let mut digest = Digest::default();
        digest.told.take(activity);
        let mut session = Followed::of(Waiting::default());
        session.sees(SessionState::AwaitingUserFeedback);
        assert_eq!(ended(&session.reads(Purpose::Question, &digest)), (Outcome::NeedsInput, "Left?"));
    }
}

/// A session that has completed with a change and without the pull request that was asked for, when its time to settle is
/// over.
fn without_its_pull_request() -> Followed {
    let mut session = Followed::new(Expect::PullRequest, Made::PullRequest, Waiting::default());
    session.sees_work(SessionState::Completed, Work { change: Some(change()), ..Work::default() });
    session.pass(30).sees(SessionState::Completed);
    session
}

#[test]
fn what_was_answered_without_its_pull_request_is_waited_for_while_it_may_wake() {
    let answered =
        |session: &Followed| Digest { told: timed("PvwEU", session.now.wall), ..Digest::default() };
    let read = [Step::Read { purpose: Purpose::Answer, since: None }];
    let mut session = without_its_pull_request();
    let digest = answered(&session);
    let again = Step::ReadAt(session.now.instant + INTERVAL);
    assert_eq!(session.reads(Purpose::Answer, &digest).last(), Some(&again));
    assert!(matches!(session.pass(10).sees(SessionState::Completed)[..], [Step::ReadAt(_)]));
    assert!(session.pass(85).sees(SessionState::InProgress).is_empty(), "it wakes");
    let steps = session.pass(60).sees_work(SessionState::Completed, pull_request());
    assert_eq!(ended(&steps).0, Outcome::Succeeded);

    // The activities tell that it has, and the look before them was too early to show it.
    let mut session = without_its_pull_request();
    let digest = answered(&session);
    session.reads(Purpose::Answer, &digest);
    assert_eq!(session.pass(30).sees(SessionState::Completed), read);
    let woken = Digest { told: timed("PvwEUw", session.now.wall), ..Digest::default() };
    assert_eq!(session.reads(Purpose::Answer, &woken).last(), Some(&Step::ReadAt(session.now.instant)));
    assert!(session.sees(SessionState::InProgress).is_empty());
    let steps = session.pass(60).sees_work(SessionState::Completed, pull_request());
    assert_eq!(ended(&steps).0, Outcome::Succeeded);

    // It does not wake, or its time is over.
    let mut session = without_its_pull_request();
    let digest = answered(&session);
    let mut waited = 0;
    while !matches!(session.reads(Purpose::Answer, &digest).last(), Some(Step::End(_))) {
        assert_eq!(session.pass(30).sees(SessionState::Completed), read);
        waited += 30;
    }
    assert_eq!(waited, 7 * 60, "two minutes, and five for clocks that differ");
    let mut session = without_its_pull_request();
    session.driver.deadline = Deadline::at(session.now.instant + Duration::from_secs(20));
    let digest = answered(&session);
    session.reads(Purpose::Answer, &digest);
    assert_eq!(ended(&session.pass(30).sees(SessionState::Completed)).0, Outcome::Failed);

    // Nobody can tell: what it has made is known.
    let mut session = without_its_pull_request();
    let begun = session.now.instant;
    let unread =
        |session: &mut Followed| session.driver.on_read(Purpose::Answer, Err(&passing(false)), session.now);
    assert!(unread(&mut session).is_empty());
    assert_eq!(session.sleeps(60), read);
    assert_eq!(ended(&unread(&mut session)).0, Outcome::Failed);
    assert_eq!(session.now.instant, begun + EXPLANATION);
}

#[test]
fn what_was_sent_a_message_after_its_end_is_followed_to_its_next_one() {
    let mut session = Followed::new(Expect::PullRequest, Made::PullRequest, Waiting::default());
    let Driver { session: id, terms, .. } = &session.driver;
    let spent = Spent { woken: true, ..Spent::default() };
    session.driver = Driver::new(id.clone(), terms.clone(), spent, session.now, session.now);
    let read = [Step::Read { purpose: Purpose::Answer, since: None }];
    assert_eq!(session.sees_work(SessionState::Completed, pull_request()), read);
    let answered = Digest { told: timed("PvwEU", session.now.wall), ..Digest::default() };
    let again = Step::ReadAt(session.now.instant + INTERVAL);
    assert_eq!(session.reads(Purpose::Answer, &answered).last(), Some(&again));
    assert_eq!(session.pass(10).sees(SessionState::Completed), read);
    session.reads(Purpose::Answer, &answered);
    assert!(session.pass(85).sees(SessionState::InProgress).is_empty(), "it wakes");
    assert_eq!(ended(&session.pass(60).sees(SessionState::Completed)).0, Outcome::Succeeded);
}
