//! One session at a time, event by event.

use super::*;
use crate::engine::input::Digest;
use crate::outcome::{Change, PullRequest};
use crate::plan::{PlanApproval, StallPolicy, UserFeedback};
use jules::{Activity, ActivityKind, AgentPlan, Originator, SessionDigest};

const INTERVAL: Duration = Duration::from_secs(10);

struct Followed {
    driver: Driver,
    now: Now,
}

impl Followed {
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

    /// The same, and it last changed at that second.
    fn sees_at(&mut self, state: SessionState, second: i64) -> Vec<Step> {
        let id = self.driver.session().clone();
        let updated = Some(Timestamp::from_second(second).unwrap());
        let work = Work::default();
        let (title, url, created, ask) = (None, None, None, None);
        let seen = Seen { id, title, state, url, created, updated, work, archived: false, ask };
        self.driver.on_seen(&seen, self.now.instant, self.now)
    }

    /// It completes without outputs, and its activities are these; see [`course_of`].
    fn completes(&mut self, course: &str) -> Vec<Step> {
        self.sees(SessionState::Completed);
        let read = Step::Read { purpose: Purpose::Work, since: None };
        assert_eq!(self.pass(30).sees(SessionState::Completed), [read]);
        self.reads(Purpose::Work, &course_of(course))
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

/// One activity a letter: a plan, the timer's approval, progress, a command, a message of agent or user, a blank one of the
/// user, the end.
fn course_of(course: &str) -> Digest {
    let mut digest = Digest::default();
    course.chars().for_each(|letter| digest.told.take(activity(letter)));
    digest
}

/// The same, each at that time.
fn timed(course: &str, at: Timestamp) -> SessionDigest {
    let mut told = SessionDigest::default();
    for letter in course.chars() {
        let mut activity = activity(letter);
        activity.create_time = Some(at);
        told.take(activity);
    }
    told
}

fn activity(letter: char) -> Activity {
    let (by, kind) = match letter {
        'P' => (Originator::Agent, ActivityKind::PlanGenerated(AgentPlan::default())),
        'v' => (Originator::User, ActivityKind::PlanApproved { plan_id: None }),
        'w' => {
            let description = Some("Read it.".to_owned());
            (Originator::Agent, ActivityKind::ProgressUpdated { title: None, description })
        }
        'b' => (Originator::Agent, ActivityKind::ProgressUpdated { title: None, description: None }),
        'A' => (Originator::Agent, ActivityKind::AgentMessaged { message: "Which one?".to_owned() }),
        'U' => (Originator::User, ActivityKind::UserMessaged { message: "This one.".to_owned() }),
        '_' => (Originator::User, ActivityKind::UserMessaged { message: String::new() }),
        'E' => (Originator::System, ActivityKind::SessionCompleted),
        other => panic!("{other}"),
    };
    Activity::new("a".parse().unwrap(), by, kind)
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
    if matches!(steps[..], [Step::ReadAt(_)]) {
        steps = session.sees(SessionState::Completed);
    }
    let (outcome, reason) = ended(&steps);
    assert_eq!(outcome, wanted, "{reason}");
    assert!(outcome != Outcome::NeedsInput || reason == "Which one?", "{reason}");
}

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
    assert_eq!(session.reads(Purpose::Work, &old), send(Act::Reply, "Decide yourself.", false));
    session.driver.on_acted(Act::Reply, Ok(()), session.now);
    session.pass(10).sees_at(SessionState::Completed, 100);
    assert!(matches!(session.reads(Purpose::Question, &old)[..], [Step::ReadAt(_)]));
    session.pass(10).sees_at(SessionState::Completed, 200);
    let new = Digest { told: timed("PvAEUAE", asked + INTERVAL), ..Digest::default() };
    assert_eq!(session.reads(Purpose::Question, &new), [Step::ReadAt(session.now.instant)]);
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
        while session.sleeps(seconds).first().is_some_and(|step| !matches!(step, Step::ReadAt(_))) {
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
    let steps = session.pass(30).sees(SessionState::Completed);
    assert_eq!(ended(&steps).0, Outcome::Failed, "without reading anything else");
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
    session.driver.deadline = session.now.instant + Duration::from_secs(20);
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
    let steps: Vec<Step> = (0..3).flat_map(|_| session.driver.on_failure(&gone, session.now)).collect();
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
    session.driver = Driver::new(id.clone(), terms.clone(), spent, session.now.instant, session.now);
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
    assert!(session.driver.on_failure(&missing, session.now).is_empty());
    assert!(session.driver.on_failure(&missing, session.now).is_empty());
    assert_eq!(ended(&session.driver.on_failure(&missing, session.now)).0, Outcome::Error);
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
    assert_eq!(session.sleeps(7_200), [Step::ReadAt(session.now.instant)]);
    session
}

#[test]
fn what_cannot_be_looked_at_is_not_judged() {
    let mut session = overdue(Expect::Any);
    for _ in 0..11 {
        let later = Step::ReadAt(session.now.instant + INTERVAL);
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
    assert_eq!(session.driver.on_seen(&seen, asked, session.now), [Step::ReadAt(session.now.instant)]);
    let asked = session.now.instant;
    session.pass(10);
    let again = Step::ReadAt(session.now.instant);
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
