//! Silence, reads that fail, and the last look.

use super::*;

#[test]
fn silence_is_measured_by_the_agents_activities() {
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::InProgress);
    assert_eq!(session.sleeps(20 * 60), [Step::Read { purpose: Purpose::Silence, since: None }]);
    let heard = session.now.wall - Duration::from_secs(5 * 60);
    assert!(session.reads(Purpose::Silence, &self::heard(heard)).is_empty());
    assert!(session.sleeps(15 * 60 - 1).is_empty());
    assert_eq!(session.sleeps(1), [Step::Read { purpose: Purpose::Silence, since: Some(heard) }]);
    let steps = session.reads(Purpose::Silence, &Digest::default());
    assert_eq!(
        ended(&session.looks(&steps, SessionState::InProgress)),
        (Outcome::Stalled, "no sign of the agent for 20m; the last state was IN_PROGRESS")
    );
}

#[test]
fn what_the_agent_did_last_is_told_once_and_not_at_the_end() {
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::InProgress);
    session.sleeps(20 * 60);
    let at = session.now.wall - Duration::from_secs(5 * 60);
    let told = Digest { told: timed("Pw", at), ..Digest::default() };
    let active = Step::Active { activity: "Read it.".to_owned(), ago: Duration::from_secs(5 * 60) };
    assert_eq!(session.reads(Purpose::Silence, &told), [active]);
    session.sleeps(15 * 60);
    assert!(session.reads(Purpose::Silence, &told).iter().all(|step| !matches!(step, Step::Active { .. })));
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::AwaitingUserFeedback);
    let asked = Digest { told: timed("PA", session.now.wall), ..Digest::default() };
    let steps = session.reads(Purpose::Question, &asked);
    assert_eq!(ended(&steps), (Outcome::NeedsInput, "Which one?"), "the end tells it");
}

#[test]
fn what_is_read_only_to_be_shown_is_told_once_and_decides_nothing() {
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::InProgress);
    let (first, every) = (Duration::from_secs(30), Duration::from_secs(180));
    let begun = session.now.instant;
    assert_eq!(session.driver.show_from(first, every), Some(begun + first));
    session.sleeps(10 * 60);
    session.driver.show(session.now);
    assert_eq!(session.driver.show_from(first, every), Some(session.now.instant + every));
    let told = Digest { told: timed("Pw", session.now.wall), ..Digest::default() };
    let active = Step::Active { activity: "Read it.".to_owned(), ago: Duration::ZERO };
    assert_eq!(session.driver.on_shown(&told, session.now), [active]);
    assert!(session.driver.on_shown(&told, session.now).is_empty());
    let silence = Step::Read { purpose: Purpose::Silence, since: None };
    assert_eq!(session.sleeps(10 * 60), [silence], "as if it had not been read");
    assert_eq!(session.driver.show_from(first, every), None, "it is read anyway");
    assert!(session.reads(Purpose::Silence, &told).is_empty(), "that is told already");
    session.sees(SessionState::AwaitingPlanApproval);
    assert_eq!(session.driver.show_from(first, every), None, "it waits for us");
}

#[test]
fn a_clock_that_runs_ahead_cannot_make_silence_longer_than_it_was() {
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::InProgress);
    session.sleeps(20 * 60);
    let ahead = heard(session.now.wall + Duration::from_secs(3_600));
    assert!(session.reads(Purpose::Silence, &ahead).is_empty());
    let behind = session.now.wall + Duration::from_secs(3_601) - Duration::from_secs(10 * 3_600);
    session.sleeps(20 * 60);
    let steps = session.reads(Purpose::Silence, &heard(behind));
    assert_eq!(ended(&session.looks(&steps, SessionState::InProgress)).0, Outcome::Stalled);
}

#[test]
fn silence_is_of_the_services_clock() {
    for skew in [10 * 3_600, -10 * 3_600] {
        let mut session = Followed::of(Waiting::default());
        session.sees(SessionState::InProgress);
        session.sleeps(20 * 60);
        let there = session.now.wall + jiff::SignedDuration::from_secs(skew);
        let read = Digest { read_at: Some(there), ..heard(there - Duration::from_secs(5 * 60)) };
        assert!(session.reads(Purpose::Silence, &read).is_empty());
        assert!(session.sleeps(15 * 60 - 1).is_empty(), "{skew}: five minutes of the twenty are over");
        assert_eq!(session.sleeps(1).len(), 1, "{skew}");
    }
}

#[test]
fn a_nudge_gets_another_stretch_of_patience() {
    let mut session = Followed::of(nudges(1));
    session.sees(SessionState::InProgress);
    session.sleeps(20 * 60);
    assert_eq!(
        session.reads(Purpose::Silence, &Digest::default()),
        send(Act::Nudge, "Please finish.", false)
    );
    session.driver.on_acted(Act::Nudge, Ok(()), session.now);
    assert!(session.sleeps(20 * 60 - 1).is_empty());
    session.sleeps(1);
    let steps = session.reads(Purpose::Silence, &Digest::default());
    let reason = "no sign of the agent for 20m and one nudge; the last state was IN_PROGRESS";
    assert_eq!(ended(&session.looks(&steps, SessionState::InProgress)), (Outcome::Stalled, reason));
}

#[test]
fn not_knowing_is_not_silence() {
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::InProgress);
    session.sleeps(20 * 60);
    assert!(session.driver.on_read(Purpose::Silence, Err(&passing(false)), session.now).is_empty());
    assert_eq!(session.sleeps(10), [Step::Read { purpose: Purpose::Silence, since: None }]);
}

#[test]
fn a_paused_session_is_nudged_at_once_and_stalls_without_nudges() {
    let mut session = Followed::of(nudges(1));
    session.sees(SessionState::InProgress);
    assert_eq!(session.sees(SessionState::Paused), send(Act::Nudge, "Please finish.", false));
    let mut session = Followed::of(Waiting::default());
    assert!(session.sees(SessionState::Paused).is_empty());
    session.sleeps(20 * 60);
    let steps = session.reads(Purpose::Silence, &Digest::default());
    assert_eq!(ended(&session.looks(&steps, SessionState::Paused)).0, Outcome::Stalled);
}

#[test]
fn an_unknown_state_is_noted_once_and_counts_as_live() {
    let mut session = Followed::of(Waiting::default());
    let odd = SessionState::Unknown("REVIEWING".to_owned());
    assert!(matches!(session.sees(odd.clone())[..], [Step::Note(_)]));
    assert!(session.sees(odd).is_empty());
    assert_eq!(ended(&session.sees_work(SessionState::Completed, pull_request())).0, Outcome::Succeeded);
}

#[test]
fn a_young_sessions_404_is_patience_and_an_old_ones_is_the_end() {
    let mut session = Followed::of(Waiting::default());
    let missing = RequestFailure { text: "404".to_owned(), kind: FailureKind::Missing };
    for _ in 0..10 {
        session.pass(10);
        assert!(session.driver.on_failure(&missing, session.now).is_empty());
    }
    session.pass(30);
    for _ in 0..12 {
        assert!(session.driver.on_failure(&missing, session.now).is_empty(), "trouble of the service");
        session.pass(10);
    }
    assert_eq!(ended(&session.driver.on_failure(&missing, session.now)).0, Outcome::Failed);
}

#[test]
fn passing_failures_are_borne_until_the_time_is_over() {
    let mut session = Followed::of(Waiting { stall: StallPolicy::Fail, ..Waiting::default() });
    session.sees(SessionState::InProgress);
    assert!(session.driver.on_failure(&passing(false), session.now).is_empty());
    session.driver.quiet_since = session.now.instant + Duration::from_secs(7_200);
    let steps = session.sleeps(7_200);
    let reason = "not ended after 2h; the last state was IN_PROGRESS";
    assert_eq!(ended(&session.looks(&steps, SessionState::InProgress)), (Outcome::TimedOut, reason));
}

/// A session that has come to the end of the task's time.
fn overdue(expect: Expect) -> Followed {
    let mut session = Followed::new(expect, Made::PullRequest, Waiting::default());
    session.sees(SessionState::InProgress);
    session.driver.quiet_since = session.now.instant + Duration::from_secs(7_200);
    assert_eq!(session.sleeps(7_200), [Step::LookAt(session.now.instant)]);
    session
}

#[test]
fn what_cannot_be_looked_at_is_not_judged() {
    let mut session = overdue(Expect::Any);
    for _ in 0..11 {
        let later = Step::LookAt(session.now.instant + INTERVAL);
        assert_eq!(session.driver.on_failure(&passing(false), session.now), [later]);
        assert!(session.sleeps(10).is_empty());
    }
    let reason = "not ended after 2h, but it could not be looked at: 503; the last state was IN_PROGRESS";
    assert_eq!(ended(&session.sleeps(10)), (Outcome::Detached, reason));
}

#[test]
fn a_look_from_before_says_nothing() {
    let mut session = overdue(Expect::Any);
    let asked = session.now.instant - Duration::from_secs(1);
    let (id, work) = (session.driver.session().clone(), Work::default());
    let (title, url, created, updated) = (None, None, None, None);
    let state = SessionState::InProgress;
    let seen = Seen { id, title, state, url, created, updated, work, archived: false, ask: None };
    assert_eq!(session.driver.on_seen(&seen, asked, session.now), [Step::LookAt(session.now.instant)]);
    let asked = session.now.instant;
    session.pass(10);
    let again = Step::LookAt(session.now.instant);
    assert_eq!(session.driver.on_seen(&seen, asked, session.now), [again], "the answer took too long");
    let asked = session.now.instant;
    session.pass(9);
    assert_eq!(ended(&session.driver.on_seen(&seen, asked, session.now)).0, Outcome::TimedOut);
}

#[test]
fn what_has_ended_unseen_is_judged_by_its_end() {
    let mut session = overdue(Expect::Any);
    assert_eq!(ended(&session.sees_work(SessionState::Completed, pull_request())).0, Outcome::Succeeded);
    let mut session = overdue(Expect::Any);
    assert!(
        matches!(session.sees(SessionState::Completed)[..], [Step::ReadAt(_)]),
        "its outputs are waited for"
    );
    assert_eq!(
        ended(&session.pass(20).sees_work(SessionState::Completed, pull_request())).0,
        Outcome::Succeeded
    );
    let mut session = overdue(Expect::Any);
    assert_eq!(session.sees(SessionState::Failed), [Step::Read { purpose: Purpose::Reason, since: None }]);
}

#[test]
fn silence_is_over_when_the_last_look_shows_another_state() {
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::InProgress);
    session.sleeps(20 * 60);
    session.reads(Purpose::Silence, &Digest::default());
    let read = Step::Read { purpose: Purpose::Question, since: None };
    assert_eq!(session.sees(SessionState::AwaitingUserFeedback), [read]);
}

#[test]
fn what_an_ended_session_made_is_not_judged_unseen() {
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::Completed);
    let reason = "completed; what it made is not known: it could not be looked at: no answer";
    assert_eq!(ended(&session.sleeps(150)), (Outcome::Detached, reason));
    let mut session = Followed::of(Waiting::default());
    session.sees(SessionState::Completed);
    session.pass(30).sees(SessionState::Completed);
    session.driver.on_read(Purpose::Work, Err(&passing(false)), session.now);
    session.sleeps(10);
    assert_eq!(ended(&session.sleeps(150)).0, Outcome::Detached, "its activities are never answered");
}

#[test]
fn nothing_follows_the_end() {
    let mut session = Followed::of(Waiting::default());
    session.sees_work(SessionState::Completed, pull_request());
    assert!(session.sees(SessionState::Failed).is_empty());
    assert!(session.reads(Purpose::Reason, &Digest::default()).is_empty());
    assert!(session.driver.on_acted(Act::Nudge, Ok(()), session.now).is_empty());
    assert!(session.driver.on_failure(&passing(true), session.now).is_empty());
    assert!(session.sleeps(100_000).is_empty());
}
