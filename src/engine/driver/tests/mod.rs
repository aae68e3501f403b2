//! One session at a time, event by event.

mod ending;
mod questions;
mod silence;
mod waiting;

use super::*;
use crate::engine::input::Digest;
use crate::outcome::{Change, PullRequest};
use crate::plan::{PlanApproval, StallPolicy, UserFeedback};
use jules::{Activity, ActivityKind, AgentPlan, Originator, SessionDigest};

const INTERVAL: Duration = Duration::from_secs(10);
const GONE_AFTER: Duration = Duration::from_secs(120);

struct Followed {
    driver: Driver,
    now: Now,
}

impl Followed {
    fn new(expect: Expect, asked: Made, waiting: Waiting) -> Self {
        let now = Now { instant: Instant::now(), wall: "2026-11-22T02:00:00Z".parse().unwrap() };
        let (waiting, timeouts) = (Arc::new(waiting), Timeouts::default());
        let terms = Terms {
            expect,
            asked,
            waiting,
            timeouts,
            interval: INTERVAL,
            turn: Duration::ZERO,
            gone_after: GONE_AFTER,
            speed: 1.0,
        };
        let driver = Driver::new("7".parse().unwrap(), terms, Spent::default(), now, now);
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
        assert_eq!(steps, [Step::LookAt(self.now.instant)]);
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
        pull_request: Some(
            PullRequest { url, number: Some(7), title: None, base_ref: None, head_ref: None }.into(),
        ),
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
