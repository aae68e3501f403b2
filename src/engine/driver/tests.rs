//! One session at a time, event by event.

use super::*;
use crate::outcome::{Change, PullRequest};
use crate::plan::{PlanApproval, StallPolicy, UserFeedback};
use jules::{Activity, ActivityKind, Originator};

const INTERVAL: Duration = Duration::from_secs(10);

struct Story {
    driver: Driver,
    now: Now,
}

impl Story {
    fn new(expect: Expect, asked: Made, waiting: Waiting) -> Self {
        let now = Now { instant: Instant::now(), wall: "2026-11-22T02:00:00Z".parse().unwrap() };
        let (waiting, timeouts) = (Arc::new(waiting), Timeouts::default());
        let terms = Terms { expect, asked, waiting, timeouts, interval: INTERVAL };
        let driver = Driver::new("7".parse().unwrap(), terms, Spent::default(), now.instant, now);
        Self { driver, now }
    }

    fn of(waiting: Waiting) -> Self {
        Self::new(Expect::Any, Made::Change, waiting)
    }

    fn pass(&mut self, seconds: u64) -> &mut Self {
        self.now.instant += Duration::from_secs(seconds);
        self.now.wall += Duration::from_secs(seconds);
        self
    }

    fn sees(&mut self, state: SessionState) -> Vec<Step> {
        self.sees_work(state, Work::default())
    }

    fn sees_work(&mut self, state: SessionState, work: Work) -> Vec<Step> {
        let id = self.driver.session().clone();
        let (title, url, created, updated) = (None, None, None, None);
        let seen = Seen { id, title, state, url, created, updated, work, archived: false, ask: None };
        let steps = self.driver.on_seen(&seen, self.now.instant, self.now);
        steps.into_iter().filter(|step| !matches!(step, Step::State { .. })).collect()
    }

    fn reads(&mut self, purpose: Purpose, digest: &Digest) -> Vec<Step> {
        self.driver.on_read(purpose, Ok(digest), self.now)
    }

    /// It wants to give its session up after these steps, and the look that it asks for shows this state.
    fn looks(&mut self, steps: &[Step], state: SessionState) -> Vec<Step> {
        assert_eq!(steps, [Step::ReadAt(self.now.instant)]);
        self.sees(state)
    }

    /// Wakes it as often as it wants, up to this many seconds from now.
    fn sleeps(&mut self, seconds: u64) -> Vec<Step> {
        let until = self.now.instant + Duration::from_secs(seconds);
        while let Some(at) = self.driver.wake_at().filter(|at| *at <= until) {
            let wait = at.saturating_duration_since(self.now.instant);
            self.now.instant += wait;
            self.now.wall += wait;
            let steps = self.driver.on_wake(self.now);
            if !steps.is_empty() {
                return steps;
            }
        }
        self.now.wall += until - self.now.instant;
        self.now.instant = until;
        Vec::new()
    }
}

fn pull_request() -> Work {
    let url = "https://github.com/o/r/pull/7".to_owned();
    Work {
        pull_request: Some(PullRequest { url, number: Some(7), title: None, base_ref: None, head_ref: None }),
        earlier_pull_requests: Vec::new(),
        change: None,
    }
}

fn change() -> Change {
    Change { files: 1, additions: 2, deletions: 3, unread: false }
}

fn ended(steps: &[Step]) -> (Outcome, &str) {
    match steps {
        [Step::End(End { outcome, reason, .. })] => (*outcome, reason.as_deref().unwrap_or_default()),
        other => panic!("not an end: {other:?}"),
    }
}

/// What is left of these activities.
fn digest(activities: impl IntoIterator<Item = ActivityKind>) -> Digest {
    let mut digest = Digest::default();
    for kind in activities {
        digest.told.take(Activity::new("a".parse().unwrap(), Originator::Agent, kind));
    }
    digest
}

fn asks(question: &str) -> Digest {
    digest([ActivityKind::AgentMessaged { message: question.to_owned() }])
}

fn answered(question: &str) -> Digest {
    let mut digest = asks(question);
    let kind = ActivityKind::UserMessaged { message: "Decide yourself.".to_owned() };
    digest.told.take(Activity::new("b".parse().unwrap(), Originator::User, kind));
    digest
}

fn heard(at: Timestamp) -> Digest {
    let mut digest = Digest::default();
    digest.told.last_agent = Some(at);
    digest
}

fn replies(max: u32) -> Waiting {
    let user_feedback = UserFeedback::Reply { text: "Decide yourself.".to_owned(), max };
    Waiting { user_feedback, ..Waiting::default() }
}

fn nudges(max: u32) -> Waiting {
    Waiting { stall: StallPolicy::Nudge { text: "Please finish.".to_owned(), max }, ..Waiting::default() }
}

fn send(act: Act, text: &str, again: bool) -> Vec<Step> {
    vec![Step::Send { act, text: text.to_owned(), again }]
}

fn passing(unsent: bool) -> RequestFailure {
    RequestFailure { text: "503".to_owned(), kind: FailureKind::Passing { unsent } }
}

#[test]
fn completed_with_outputs_ends_at_once() {
    let mut story = Story::of(Waiting::default());
    assert!(story.sees(SessionState::InProgress).is_empty());
    let steps = story.sees_work(SessionState::Completed, pull_request());
    assert_eq!(ended(&steps).0, Outcome::Succeeded);
    assert_eq!(story.driver.wake_at(), None);
}

#[test]
fn late_outputs_are_waited_for() {
    let mut story = Story::of(Waiting::default());
    let soon = story.now.instant + Duration::from_secs(10);
    assert_eq!(story.sees(SessionState::Completed), [Step::ReadAt(soon)]);
    let steps = story.pass(12).sees_work(SessionState::Completed, pull_request());
    assert_eq!(ended(&steps).0, Outcome::Succeeded);
}

#[test]
fn without_outputs_the_last_change_set_of_the_activities_counts() {
    let mut story = Story::of(Waiting::default());
    story.sees(SessionState::Completed);
    let read = Step::Read { purpose: Purpose::Work, since: None };
    assert_eq!(story.pass(30).sees(SessionState::Completed), [read]);
    let steps = story.reads(Purpose::Work, &Digest { change: Some(change()), ..Digest::default() });
    assert_eq!(ended(&steps).0, Outcome::Succeeded);
}

#[test]
fn nothing_anywhere_is_no_change() {
    let mut story = Story::of(Waiting::default());
    story.sees(SessionState::Completed);
    story.pass(30).sees(SessionState::Completed);
    let steps = story.reads(Purpose::Work, &Digest::default());
    assert_eq!(ended(&steps), (Outcome::NoChange, "completed without any change"));
}

#[test]
fn a_pull_request_that_is_expected_is_waited_for_although_there_is_a_change() {
    let mut story = Story::new(Expect::PullRequest, Made::PullRequest, Waiting::default());
    let changed = Work { change: Some(change()), ..Work::default() };
    assert!(matches!(story.sees_work(SessionState::Completed, changed)[..], [Step::ReadAt(_)]));
    story.pass(30).sees(SessionState::Completed);
    assert_eq!(ended(&story.reads(Purpose::Work, &Digest::default())).0, Outcome::Failed);
}

#[test]
fn a_pull_request_that_was_asked_for_is_waited_for_although_there_is_a_change() {
    let changed = || Work { change: Some(change()), ..Work::default() };
    let mut story = Story::new(Expect::Any, Made::PullRequest, Waiting::default());
    assert!(!matches!(story.sees_work(SessionState::Completed, changed())[..], [Step::End(_)]));
    let steps = story.pass(5).sees_work(SessionState::Completed, pull_request());
    assert!(matches!(&steps[..], [Step::End(end)] if end.work.pull_request.is_some()), "{steps:?}");

    let mut story = Story::new(Expect::Any, Made::PullRequest, Waiting::default());
    story.sees_work(SessionState::Completed, changed());
    story.driver.deadline = story.now.instant + Duration::from_secs(20);
    assert_eq!(
        ended(&story.sleeps(150)).0,
        Outcome::Succeeded,
        "it had ended in time, and changed something"
    );
}

#[test]
fn the_reason_of_a_failure_is_fetched() {
    let mut story = Story::of(Waiting::default());
    assert_eq!(story.sees(SessionState::Failed), [Step::Read { purpose: Purpose::Reason, since: None }]);
    let digest = digest([ActivityKind::SessionFailed { reason: Some("the build is broken".to_owned()) }]);
    assert_eq!(ended(&story.reads(Purpose::Reason, &digest)), (Outcome::Failed, "the build is broken"));
}

#[test]
fn a_failure_without_a_reason_ends_too() {
    let mut story = Story::of(Waiting::default());
    story.sees(SessionState::Failed);
    let steps = story.reads(Purpose::Reason, &Digest::default());
    assert_eq!(ended(&steps), (Outcome::Failed, "the session failed without saying why"));
}

#[test]
fn activities_that_come_late_are_asked_for_again_but_not_for_ever() {
    let mut story = Story::of(Waiting::default());
    story.sees(SessionState::Failed);
    let missing = RequestFailure { text: "404".to_owned(), kind: FailureKind::Missing };
    let mut reads = 1;
    loop {
        let steps = story.driver.on_read(Purpose::Reason, Err(&missing), story.now);
        if !steps.is_empty() {
            assert_eq!(ended(&steps).0, Outcome::Failed);
            break;
        }
        assert_eq!(story.sleeps(10), [Step::Read { purpose: Purpose::Reason, since: None }]);
        reads += 1;
    }
    assert_eq!(reads, 4, "at 0, 10, 20 and 30 seconds");
}

#[test]
fn a_plan_is_approved_once_although_the_state_lags() {
    let mut story = Story::of(Waiting::default());
    assert_eq!(story.sees(SessionState::AwaitingPlanApproval), [Step::Approve]);
    assert!(story.sees(SessionState::AwaitingPlanApproval).is_empty(), "the approval is under way");
    let steps = story.driver.on_acted(Act::Approve, Ok(()), story.now);
    assert_eq!(steps[0], Step::Approved);
    assert!(story.pass(10).sees(SessionState::AwaitingPlanApproval).is_empty());
    assert!(story.pass(10).sees(SessionState::InProgress).is_empty());
    assert_eq!(story.pass(10).sees(SessionState::AwaitingPlanApproval), [Step::Approve], "a revised plan");
}

#[test]
fn approvals_have_an_end() {
    let mut story = Story::of(Waiting::default());
    let mut approvals = 0;
    let steps = loop {
        let steps = story.pass(60).sees(SessionState::AwaitingPlanApproval);
        if steps != [Step::Approve] {
            break steps;
        }
        approvals += 1;
        story.driver.on_acted(Act::Approve, Ok(()), story.now);
    };
    assert_eq!((approvals, ended(&steps).0), (MAX_APPROVALS, Outcome::NeedsInput));
}

#[rstest::rstest]
#[case(PlanApproval::Fail, Outcome::NeedsInput)]
#[case(PlanApproval::Detach, Outcome::Detached)]
fn a_plan_nobody_approves(#[case] plan_approval: PlanApproval, #[case] outcome: Outcome) {
    let mut story = Story::of(Waiting { plan_approval, ..Waiting::default() });
    assert_eq!(ended(&story.sees(SessionState::AwaitingPlanApproval)).0, outcome);
}

#[rstest::rstest]
#[case(UserFeedback::Fail, Outcome::NeedsInput)]
#[case(UserFeedback::Detach, Outcome::Detached)]
#[case(UserFeedback::Reply { text: String::new(), max: 0 }, Outcome::NeedsInput)]
fn a_question_nobody_answers_is_the_reason(#[case] user_feedback: UserFeedback, #[case] outcome: Outcome) {
    let mut story = Story::of(Waiting { user_feedback, ..Waiting::default() });
    let read = Step::Read { purpose: Purpose::Question, since: None };
    assert_eq!(story.sees(SessionState::AwaitingUserFeedback), [read]);
    let steps = story.reads(Purpose::Question, &asks("Tabs or spaces?"));
    assert_eq!(ended(&steps), (outcome, "Tabs or spaces?"));
}

#[test]
fn each_new_question_is_answered_until_the_replies_are_spent() {
    let mut story = Story::of(replies(2));
    for _ in 0..2 {
        story.pass(10).sees(SessionState::AwaitingUserFeedback);
        let steps = story.reads(Purpose::Question, &asks("Which?"));
        assert_eq!(steps, send(Act::Reply, "Decide yourself.", false));
        story.driver.on_acted(Act::Reply, Ok(()), story.now);
        story.pass(10).sees(SessionState::InProgress);
    }
    story.pass(10).sees(SessionState::AwaitingUserFeedback);
    assert_eq!(ended(&story.reads(Purpose::Question, &asks("And now?"))), (Outcome::NeedsInput, "And now?"));
}

#[test]
fn the_old_question_is_not_answered_twice_while_the_state_lags() {
    let mut story = Story::of(replies(5));
    story.sees(SessionState::AwaitingUserFeedback);
    story.reads(Purpose::Question, &asks("Which?"));
    story.driver.on_acted(Act::Reply, Ok(()), story.now);
    assert!(story.pass(5).sees(SessionState::AwaitingUserFeedback).is_empty());
    assert!(!story.pass(5).sees(SessionState::AwaitingUserFeedback).is_empty(), "one read of the activities");
    assert!(story.reads(Purpose::Question, &answered("Which?")).is_empty());
    assert!(story.pass(10).sees(SessionState::AwaitingUserFeedback).is_empty());
    story.pass(10).sees(SessionState::AwaitingUserFeedback);
    let steps = story.reads(Purpose::Question, &asks("And which one then?"));
    assert_eq!(steps, send(Act::Reply, "Decide yourself.", false), "a newer question is answered");
}

#[test]
fn what_an_earlier_invocation_answered_is_not_answered_again() {
    let mut story = Story::of(replies(2));
    story.driver.phase = Phase::Working;
    let Driver { session, terms, .. } = &story.driver;
    let spent = Spent { replies: 1, ..Spent::default() };
    story.driver = Driver::new(session.clone(), terms.clone(), spent, story.now.instant, story.now);
    // The state lags behind our reply.
    story.sees(SessionState::AwaitingUserFeedback);
    assert!(story.reads(Purpose::Question, &answered("Which?")).is_empty());
    story.pass(20).sees(SessionState::AwaitingUserFeedback);
    let steps = story.reads(Purpose::Question, &asks("And which one then?"));
    assert_eq!(steps, send(Act::Reply, "Decide yourself.", false));
}

#[test]
fn an_answer_that_was_overtaken_does_not_turn_the_state_back() {
    let mut story = Story::of(replies(2));
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
    let now = story.now;
    story.driver.on_seen(&seen(SessionState::InProgress, 100), now.instant, now);
    let late = story.driver.on_seen(&seen(SessionState::AwaitingUserFeedback, 90), now.instant, now);
    assert!(late.is_empty());
    assert_eq!(*story.driver.state(), SessionState::InProgress);
    story.driver.on_seen(&seen(SessionState::Failed, 95), now.instant, now);
    assert_eq!(*story.driver.state(), SessionState::Failed, "an end is an end");
}

#[test]
fn a_nudge_that_did_not_arrive_does_not_buy_another_reply() {
    let stall = StallPolicy::Nudge { text: "Go on.".to_owned(), max: 1 };
    let mut story = Story::of(Waiting { stall, ..replies(0) });
    story.sees(SessionState::Paused);
    story.driver.on_acted(Act::Nudge, Err(&passing(true)), story.now);
    story.pass(10).sees(SessionState::AwaitingUserFeedback);
    assert_eq!(ended(&story.reads(Purpose::Question, &asks("Which?"))).0, Outcome::NeedsInput);
}

#[test]
fn a_reply_that_surely_did_not_arrive_is_sent_again_and_not_counted() {
    let mut story = Story::of(replies(1));
    story.sees(SessionState::AwaitingUserFeedback);
    story.reads(Purpose::Question, &asks("Which?"));
    story.driver.on_acted(Act::Reply, Err(&passing(true)), story.now);
    story.pass(10).sees(SessionState::AwaitingUserFeedback);
    assert_eq!(story.reads(Purpose::Question, &asks("Which?")), send(Act::Reply, "Decide yourself.", true));
}

#[test]
fn a_reply_in_doubt_is_not_sent_again() {
    let mut story = Story::of(replies(1));
    story.sees(SessionState::AwaitingUserFeedback);
    story.reads(Purpose::Question, &asks("Which?"));
    story.driver.on_acted(Act::Reply, Err(&passing(false)), story.now);
    story.pass(10).sees(SessionState::AwaitingUserFeedback);
    assert_eq!(ended(&story.reads(Purpose::Question, &asks("Which?"))).0, Outcome::NeedsInput);
}

#[test]
fn silence_is_measured_by_the_agents_activities() {
    let mut story = Story::of(Waiting::default());
    story.sees(SessionState::InProgress);
    assert_eq!(story.sleeps(20 * 60), [Step::Read { purpose: Purpose::Silence, since: None }]);
    let heard = story.now.wall - Duration::from_secs(5 * 60);
    assert!(story.reads(Purpose::Silence, &self::heard(heard)).is_empty());
    assert!(story.sleeps(15 * 60 - 1).is_empty());
    assert_eq!(story.sleeps(1), [Step::Read { purpose: Purpose::Silence, since: Some(heard) }]);
    let steps = story.reads(Purpose::Silence, &Digest::default());
    assert_eq!(
        ended(&story.looks(&steps, SessionState::InProgress)),
        (Outcome::Stalled, "no sign of the agent for 20m; the last state was IN_PROGRESS")
    );
}

#[test]
fn a_clock_that_runs_ahead_cannot_make_silence_longer_than_it_was() {
    let mut story = Story::of(Waiting::default());
    story.sees(SessionState::InProgress);
    story.sleeps(20 * 60);
    let ahead = heard(story.now.wall + Duration::from_secs(3_600));
    assert!(story.reads(Purpose::Silence, &ahead).is_empty());
    let behind = story.now.wall + Duration::from_secs(3_601) - Duration::from_secs(10 * 3_600);
    story.sleeps(20 * 60);
    let steps = story.reads(Purpose::Silence, &heard(behind));
    assert_eq!(ended(&story.looks(&steps, SessionState::InProgress)).0, Outcome::Stalled);
}

#[test]
fn a_nudge_gets_another_stretch_of_patience() {
    let mut story = Story::of(nudges(1));
    story.sees(SessionState::InProgress);
    story.sleeps(20 * 60);
    assert_eq!(story.reads(Purpose::Silence, &Digest::default()), send(Act::Nudge, "Please finish.", false));
    story.driver.on_acted(Act::Nudge, Ok(()), story.now);
    assert!(story.sleeps(20 * 60 - 1).is_empty());
    story.sleeps(1);
    let steps = story.reads(Purpose::Silence, &Digest::default());
    let reason = "no sign of the agent for 20m and one nudge; the last state was IN_PROGRESS";
    assert_eq!(ended(&story.looks(&steps, SessionState::InProgress)), (Outcome::Stalled, reason));
}

#[test]
fn not_knowing_is_not_silence() {
    let mut story = Story::of(Waiting::default());
    story.sees(SessionState::InProgress);
    story.sleeps(20 * 60);
    assert!(story.driver.on_read(Purpose::Silence, Err(&passing(false)), story.now).is_empty());
    assert_eq!(story.sleeps(10), [Step::Read { purpose: Purpose::Silence, since: None }]);
}

#[test]
fn a_paused_session_is_nudged_at_once_and_stalls_without_nudges() {
    let mut story = Story::of(nudges(1));
    story.sees(SessionState::InProgress);
    assert_eq!(story.sees(SessionState::Paused), send(Act::Nudge, "Please finish.", false));
    let mut story = Story::of(Waiting::default());
    assert!(story.sees(SessionState::Paused).is_empty());
    story.sleeps(20 * 60);
    let steps = story.reads(Purpose::Silence, &Digest::default());
    assert_eq!(ended(&story.looks(&steps, SessionState::Paused)).0, Outcome::Stalled);
}

#[test]
fn an_unknown_state_is_noted_once_and_counts_as_live() {
    let mut story = Story::of(Waiting::default());
    let odd = SessionState::Unknown("REVIEWING".to_owned());
    assert!(matches!(story.sees(odd.clone())[..], [Step::Note(_)]));
    assert!(story.sees(odd).is_empty());
    assert_eq!(ended(&story.sees_work(SessionState::Completed, pull_request())).0, Outcome::Succeeded);
}

#[test]
fn a_young_sessions_404_is_patience_and_an_old_ones_is_the_end() {
    let mut story = Story::of(Waiting::default());
    let missing = RequestFailure { text: "404".to_owned(), kind: FailureKind::Missing };
    for _ in 0..10 {
        story.pass(10);
        assert!(story.driver.on_failure(&missing, story.now).is_empty());
    }
    story.pass(30);
    assert!(story.driver.on_failure(&missing, story.now).is_empty());
    assert!(story.driver.on_failure(&missing, story.now).is_empty());
    assert_eq!(ended(&story.driver.on_failure(&missing, story.now)).0, Outcome::Error);
}

#[test]
fn passing_failures_are_borne_until_the_time_is_over() {
    let mut story = Story::of(Waiting { stall: StallPolicy::Fail, ..Waiting::default() });
    story.sees(SessionState::InProgress);
    assert!(story.driver.on_failure(&passing(false), story.now).is_empty());
    story.driver.quiet_since = story.now.instant + Duration::from_secs(7_200);
    let steps = story.sleeps(7_200);
    let reason = "not ended after 2h; the last state was IN_PROGRESS";
    assert_eq!(ended(&story.looks(&steps, SessionState::InProgress)), (Outcome::TimedOut, reason));
}

/// A story that has come to the end of the task's time.
fn overdue(expect: Expect) -> Story {
    let mut story = Story::new(expect, Made::PullRequest, Waiting::default());
    story.sees(SessionState::InProgress);
    story.driver.quiet_since = story.now.instant + Duration::from_secs(7_200);
    assert_eq!(story.sleeps(7_200), [Step::ReadAt(story.now.instant)]);
    story
}

#[test]
fn what_cannot_be_looked_at_is_not_judged() {
    let mut story = overdue(Expect::Any);
    for _ in 0..11 {
        let later = Step::ReadAt(story.now.instant + INTERVAL);
        assert_eq!(story.driver.on_failure(&passing(false), story.now), [later]);
        assert!(story.sleeps(10).is_empty());
    }
    let reason = "not ended after 2h, but it could not be looked at: 503; the last state was IN_PROGRESS";
    assert_eq!(ended(&story.sleeps(10)), (Outcome::Detached, reason));
}

#[test]
fn a_look_from_before_says_nothing() {
    let mut story = overdue(Expect::Any);
    let asked = story.now.instant - Duration::from_secs(1);
    let (id, work) = (story.driver.session().clone(), Work::default());
    let (title, url, created, updated) = (None, None, None, None);
    let state = SessionState::InProgress;
    let seen = Seen { id, title, state, url, created, updated, work, archived: false, ask: None };
    assert_eq!(story.driver.on_seen(&seen, asked, story.now), [Step::ReadAt(story.now.instant)]);
    let asked = story.now.instant;
    story.pass(10);
    let again = Step::ReadAt(story.now.instant);
    assert_eq!(story.driver.on_seen(&seen, asked, story.now), [again], "the answer took too long");
    let asked = story.now.instant;
    story.pass(9);
    assert_eq!(ended(&story.driver.on_seen(&seen, asked, story.now)).0, Outcome::TimedOut);
}

#[test]
fn what_has_ended_unseen_is_judged_by_its_end() {
    let mut story = overdue(Expect::Any);
    assert_eq!(ended(&story.sees_work(SessionState::Completed, pull_request())).0, Outcome::Succeeded);
    let mut story = overdue(Expect::Any);
    assert!(
        matches!(story.sees(SessionState::Completed)[..], [Step::ReadAt(_)]),
        "its outputs are waited for"
    );
    assert_eq!(
        ended(&story.pass(20).sees_work(SessionState::Completed, pull_request())).0,
        Outcome::Succeeded
    );
    let mut story = overdue(Expect::Any);
    assert_eq!(story.sees(SessionState::Failed), [Step::Read { purpose: Purpose::Reason, since: None }]);
}

#[test]
fn silence_is_over_when_the_last_look_shows_another_state() {
    let mut story = Story::of(Waiting::default());
    story.sees(SessionState::InProgress);
    story.sleeps(20 * 60);
    story.reads(Purpose::Silence, &Digest::default());
    let read = Step::Read { purpose: Purpose::Question, since: None };
    assert_eq!(story.sees(SessionState::AwaitingUserFeedback), [read]);
}

#[test]
fn what_an_ended_session_made_is_not_judged_unseen() {
    let mut story = Story::of(Waiting::default());
    story.sees(SessionState::Completed);
    let reason = "completed; what it made is not known: it could not be looked at: no answer";
    assert_eq!(ended(&story.sleeps(150)), (Outcome::Detached, reason));
    let mut story = Story::of(Waiting::default());
    story.sees(SessionState::Completed);
    story.pass(30).sees(SessionState::Completed);
    story.driver.on_read(Purpose::Work, Err(&passing(false)), story.now);
    story.sleeps(10);
    assert_eq!(ended(&story.sleeps(150)).0, Outcome::Detached, "its activities are never answered");
}

#[test]
fn nothing_follows_the_end() {
    let mut story = Story::of(Waiting::default());
    story.sees_work(SessionState::Completed, pull_request());
    assert!(story.sees(SessionState::Failed).is_empty());
    assert!(story.reads(Purpose::Reason, &Digest::default()).is_empty());
    assert!(story.driver.on_acted(Act::Nudge, Ok(()), story.now).is_empty());
    assert!(story.driver.on_failure(&passing(true), story.now).is_empty());
    assert!(story.sleeps(100_000).is_empty());
}
