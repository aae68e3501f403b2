//! What a session that has ended made, and when that is known.

use super::*;

#[test]
fn completed_with_outputs_ends_at_once() {
    let mut session = Followed::of(Waiting::default());
    assert!(session.sees(SessionState::InProgress).is_empty());
    let steps = session.sees_work(SessionState::Completed, pull_request());
    assert_eq!(ended(&steps).0, Outcome::Succeeded);
    assert_eq!(session.driver.wake_at(), None);
}

#[test]
fn late_outputs_are_waited_for() {
    let mut session = Followed::of(Waiting::default());
    let soon = session.now.instant + Duration::from_secs(10);
    assert_eq!(session.sees(SessionState::Completed), [Step::ReadAt(soon)]);
    let steps = session.pass(12).sees_work(SessionState::Completed, pull_request());
    assert_eq!(ended(&steps).0, Outcome::Succeeded);
}

#[test]
fn without_outputs_the_last_change_set_of_the_activities_counts() {
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::Completed);
    let read = Step::Read { purpose: Purpose::Work, since: None };
    assert_eq!(session.pass(30).sees(SessionState::Completed), [read]);
    let steps = session.reads(Purpose::Work, &Digest { change: Some(change()), ..Digest::default() });
    assert_eq!(ended(&steps).0, Outcome::Succeeded);
}

#[test]
fn work_without_a_change_is_no_change() {
    let mut session = Followed::of(Waiting::default());
    let steps = session.completes("PvwbE");
    assert_eq!(
        ended(&steps),
        (Outcome::NoChange, "completed without any change; the agent's last words: Read it.")
    );
}

#[test]
fn a_session_that_has_not_worked_is_an_error_by_a_fresh_look() {
    for course in ["PvE", "PE", "AUPvE", ""] {
        let mut session = Followed::of(Waiting::default());
        let steps = session.completes(course);
        let steps = session.looks(&steps, SessionState::Completed);
        assert_eq!(ended(&steps), (Outcome::Error, "completed without having worked"), "{course}");
    }
    // It was woken meanwhile, or its outputs have come.
    let mut session = Followed::of(Waiting::default());
    let steps = session.completes("PvE");
    assert!(session.looks(&steps, SessionState::InProgress).is_empty());
    assert_eq!(ended(&session.sees_work(SessionState::Completed, pull_request())).0, Outcome::Succeeded);
    let mut session = Followed::of(Waiting::default());
    session.completes("PvE");
    assert_eq!(ended(&session.sees_work(SessionState::Completed, pull_request())).0, Outcome::Succeeded);
    let mut session = Followed::of(Waiting::default());
    session.completes("PvE");
    assert_eq!(ended(&session.sleeps(120)).0, Outcome::Detached, "no look could be had");
}

/// How sessions have ended in the wild, by what their activities show; `change`: with a change set among them.
#[rstest::rstest]
#[case::work("PvwwE", false, Outcome::NoChange)]
#[case::commands_alone("PvbbE", false, Outcome::NoChange)]
#[case::a_plan_alone("PvE", false, Outcome::Error)]
#[case::a_question_instead_of_work("PvAE", false, Outcome::NeedsInput)]
#[case::a_question_after_some_work("PvwbAE", false, Outcome::NeedsInput)]
#[case::a_question_about_the_plan("PAvE", false, Outcome::NeedsInput)]
#[case::an_empty_answer("PvAE_", false, Outcome::NeedsInput)]
#[case::a_question_an_answer_and_work("PvAUwE", false, Outcome::NoChange)]
#[case::a_question_an_answer_and_another_question("PvAUwAE", false, Outcome::NeedsInput)]
#[case::a_word_amid_the_work("PvAwE", false, Outcome::NoChange)]
#[case::a_change("PvwE", true, Outcome::Succeeded)]
#[case::thanks_after_a_change("PvwAE", true, Outcome::Succeeded)]
#[case::a_question_an_answer_and_a_change("PvAUwE", true, Outcome::Succeeded)]
fn how_a_session_without_outputs_ended_is_known_by_the_places_of_its_activities(
    #[case] course: &str,
    #[case] has_change: bool,
    #[case] wanted: Outcome,
) {
    let mut session = Followed::of(Waiting::default());
    let change = has_change.then(change);
    session.sees(SessionState::Completed);
    session.pass(30).sees(SessionState::Completed);
    let mut steps = session.reads(Purpose::Work, &Digest { change, ..course_of(course) });
    if matches!(steps[..], [Step::LookAt(_)]) {
        steps = session.sees(SessionState::Completed);
    }
    let (outcome, reason) = ended(&steps);
    assert_eq!(outcome, wanted, "{reason}");
    assert!(outcome != Outcome::NeedsInput || reason == "Which one?", "{reason}");
}

#[test]
fn what_only_explains_does_not_hold_up_the_end() {
    // Nobody answers, or the service refuses.
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::Failed);
    let unread = "the session failed; its activities, which say why, could not be read";
    assert_eq!(ended(&session.sleeps(40)), (Outcome::Failed, unread));
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::AwaitingUserFeedback);
    assert_eq!(ended(&session.sleeps(150)).0, Outcome::NeedsInput);
    let mut session = Followed::of(replies(1));
    session.sees(SessionState::AwaitingUserFeedback);
    assert_eq!(session.sleeps(150), send(Act::Reply, "Decide yourself.", false));
    assert!(session.reads(Purpose::Question, &asks("Which?")).is_empty(), "too late to ask anything");
}

#[test]
fn outputs_count_whatever_is_being_read() {
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::InProgress);
    assert_eq!(session.sleeps(20 * 60), [Step::Read { purpose: Purpose::Silence, since: None }]);
    assert_eq!(ended(&session.sees_work(SessionState::Completed, pull_request())).0, Outcome::Succeeded);
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::Completed);
    session.pass(30).sees(SessionState::Completed);
    assert_eq!(ended(&session.sees_work(SessionState::Completed, pull_request())).0, Outcome::Succeeded);
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::InProgress);
    session.sleeps(20 * 60);
    assert_eq!(session.sees(SessionState::Failed), [Step::Read { purpose: Purpose::Reason, since: None }]);
}

#[test]
fn a_pull_request_that_is_expected_is_waited_for_although_there_is_a_change() {
    let mut session = Followed::new(Expect::PullRequest, Made::PullRequest, Waiting::default());
    let changed = Work { change: Some(change()), ..Work::default() };
    assert!(matches!(session.sees_work(SessionState::Completed, changed)[..], [Step::ReadAt(_)]));
    let read = Step::Read { purpose: Purpose::Answer, since: None };
    assert_eq!(session.pass(30).sees(SessionState::Completed), [read]);
    assert_eq!(ended(&session.reads(Purpose::Answer, &course_of("PvwE"))).0, Outcome::Failed);
}

#[test]
fn a_pull_request_that_was_asked_for_is_waited_for_although_there_is_a_change() {
    let changed = || Work { change: Some(change()), ..Work::default() };
    let mut session = Followed::new(Expect::Any, Made::PullRequest, Waiting::default());
    assert!(!matches!(session.sees_work(SessionState::Completed, changed())[..], [Step::End(_)]));
    let steps = session.pass(5).sees_work(SessionState::Completed, pull_request());
    assert!(matches!(&steps[..], [Step::End(end)] if end.work.pull_request.is_some()), "{steps:?}");

    let mut session = Followed::new(Expect::Any, Made::PullRequest, Waiting::default());
    session.sees_work(SessionState::Completed, changed());
    session.driver.deadline = Deadline::at(session.now.instant + Duration::from_secs(20));
    assert_eq!(
        ended(&session.sleeps(150)).0,
        Outcome::Succeeded,
        "it had ended in time, and changed something"
    );
}

#[test]
fn the_reason_of_a_failure_is_fetched() {
    let mut session = Followed::of(Waiting::default());
    assert_eq!(session.sees(SessionState::Failed), [Step::Read { purpose: Purpose::Reason, since: None }]);
    let digest = digest([ActivityKind::SessionFailed { reason: Some("the build is broken".to_owned()) }]);
    assert_eq!(ended(&session.reads(Purpose::Reason, &digest)), (Outcome::Failed, "the build is broken"));
}

#[test]
fn a_failure_without_a_reason_ends_too() {
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::Failed);
    let steps = session.reads(Purpose::Reason, &Digest::default());
    assert_eq!(ended(&steps), (Outcome::Failed, "the session failed without saying why"));
}

#[test]
fn activities_that_come_late_are_asked_for_again_but_not_for_ever() {
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::Failed);
    let missing = RequestFailure { text: "404".to_owned(), kind: FailureKind::Missing };
    let mut reads = 1;
    loop {
        let steps = session.driver.on_read(Purpose::Reason, Err(&missing), session.now);
        if !steps.is_empty() {
            assert_eq!(ended(&steps).0, Outcome::Failed);
            break;
        }
        assert_eq!(session.sleeps(10), [Step::Read { purpose: Purpose::Reason, since: None }]);
        reads += 1;
    }
    assert_eq!(reads, 4, "at 0, 10, 20 and 30 seconds");
}
