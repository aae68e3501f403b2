//! A session's life: a list of timed steps, played as far as the clock has come.
//!
//! Nothing runs between requests. Whoever looks at a session first calls [`Life::advance`] with the time, which plays
//! the steps that have become due since the last look and stops where the session waits for somebody.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

use super::{
    clock::{between, cut, later},
    wake::Waker,
};

/// A state of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Queued,
    Planning,
    AwaitingPlanApproval,
    AwaitingUserFeedback,
    InProgress,
    Paused,
    Failed,
    Completed,
    /// A state no client knows; the behaviour has its name.
    Strange,
}

impl State {
    /// The name on the wire; `None` where only the behaviour knows it.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Queued => Some("QUEUED"),
            Self::Planning => Some("PLANNING"),
            Self::AwaitingPlanApproval => Some("AWAITING_PLAN_APPROVAL"),
            Self::AwaitingUserFeedback => Some("AWAITING_USER_FEEDBACK"),
            Self::InProgress => Some("IN_PROGRESS"),
            Self::Paused => Some("PAUSED"),
            Self::Failed => Some("FAILED"),
            Self::Completed => Some("COMPLETED"),
            Self::Strange => None,
        }
    }
}

/// One thing that happens, `gap` after the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) gap: Duration,
    pub(super) act: Act,
}

/// What happens in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Enter(State),
    Report(Report),
    /// The session waits; what comes after is timed from its release.
    Wait(Hold),
    /// Reports progress now and after every further gap, for ever.
    Repeat,
    /// An output appears.
    Deliver(Output),
    /// The end, in this state.
    End(State),
    /// The end was not the end: somebody wakes it, and it enters this state.
    Wake(Waker, State),
}

/// What a session gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    ChangeSet,
    /// One more pull request.
    PullRequest,
    /// One more commit on the branch it has.
    Push,
}

/// What a session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    Approval,
    Message,
    Nothing,
}

/// The kind of an activity; its text is made when it is shown. The number tells those of a kind apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    PlanGenerated,
    PlanApproved,
    Progress(u32),
    Said(u32),
    Question(u32),
    LastWord,
    Paused,
    Reply(u32),
    UserMessage(u32),
    Bash(u32),
    Media(u32),
    ChangeSet(u32),
    StrangeActivity(u32),
    StrangeArtifact(u32),
    Bare(u32),
    /// The whole change, at the end.
    FinalChangeSet,
    /// That nothing is to be changed, at the end.
    Unchanged,
    /// The change after push number n.
    Pushed(u32),
    Completed,
    Failed,
}

/// An end, which need not be the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) at: Timestamp,
    pub(super) state: State,
    /// When an answer first showed it.
    pub(super) seen_at: Option<Timestamp>,
}

/// An activity that has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Happening {
    pub(super) at: Timestamp,
    pub(super) report: Report,
}

/// How far a session has come.
#[derive(Debug, Clone)]
pub(super) struct Life {
    steps: Box<[Step]>,
    next: usize,
    /// When the last step was due, or the session was released.
    since: Timestamp,
    hold: Option<Hold>,
    /// Archived while it ran: nothing happens any more.
    shelved: bool,
    /// It has ended, and a message will wake it soon.
    waking: bool,
    replies: VecDeque<(Timestamp, u32)>,
    digits: u8,
    pub(super) state: State,
    pub(super) happened: Vec<Happening>,
    /// When its change set appeared.
    pub(super) delivered_at: Option<Timestamp>,
    /// When each of its pull requests appeared.
    pub(super) pulls: Vec<Timestamp>,
    /// When each push to its branch came.
    pub(super) pushes: Vec<Timestamp>,
    pub(super) ends: Vec<End>,
    pub(super) wakes: Vec<(Timestamp, Waker)>,
    pub(super) updated_at: Timestamp,
}

impl Life {
    /// A life that begins at `born` with its first step. Activity times are cut to `digits` digits.
    pub(super) fn new(born: Timestamp, steps: Vec<Step>, digits: u8) -> Self {
        Self {
            steps: steps.into_boxed_slice(),
            next: 0,
            since: born,
            hold: None,
            shelved: false,
            waking: false,
            replies: VecDeque::new(),
            digits,
            state: State::Queued,
            happened: Vec::new(),
            delivered_at: None,
            pulls: Vec::new(),
            pushes: Vec::new(),
            ends: Vec::new(),
            wakes: Vec::new(),
            updated_at: born,
        }
    }

    /// How many times it pushed to its branch.
    pub(super) fn pushes(&self) -> u32 {
        u32::try_from(self.pushes.len()).unwrap_or(u32::MAX)
    }

    /// Whether it holds one of the account's slots.
    pub(super) fn is_live(&self) -> bool {
        (self.ended_at().is_none() || self.waking) && !self.shelved && self.state != State::Paused
    }

    /// When it ended, unless it was woken since.
    pub(super) fn ended_at(&self) -> Option<Timestamp> {
        self.ends.last().map(|end| end.at).filter(|_| self.wakes.len() < self.ends.len())
    }

    /// Whether a message could wake it: it has completed, and none has yet.
    pub(super) fn is_asleep(&self) -> bool {
        self.ended_at().is_some() && self.state == State::Completed && !self.waking
    }

    pub(super) fn waits_for(&self, hold: Hold) -> bool {
        self.hold == Some(hold) && !self.shelved
    }

    /// Whether a message would bring it back from PAUSED, and so take up a slot again.
    pub(super) fn would_revive(&self) -> bool {
        self.state == State::Paused && self.waits_for(Hold::Message)
    }

    /// Plays everything due until `now`.
    pub(super) fn advance(&mut self, now: Timestamp) {
        // What one look has shown, a later look must not precede: clients ask for what is newer.
        let floor = self.happened.last().map(|last| later(last.at, Duration::from_micros(1)));
        loop {
            let reply = self.replies.front().map(|reply| reply.0);
            let step = self.step_due();
            match (reply, step) {
                (Some(reply), step) if reply <= now && step.is_none_or(|step| reply <= step) => {
                    if let Some((due, number)) = self.replies.pop_front() {
                        self.report(due, floor, Report::Reply(number));
                    }
                }
                (_, Some(due)) if cut(due, self.visible_digits()) <= now => self.play(due, floor),
                (_, _) => break,
            }
        }
        if self.next > 0 && self.next == self.steps.len() {
            // An account keeps thousands of these; what has been played is not needed again.
            self.steps = Box::default();
            self.next = 0;
        }
    }

    /// When the next step is due, if one is.
    fn step_due(&self) -> Option<Timestamp> {
        if self.hold.is_some() || self.shelved {
            return None;
        }
        self.steps.get(self.next).map(|step| later(self.since, step.gap))
    }

    /// Reports happen at the time they carry; everything else happens exactly when due.
    fn visible_digits(&self) -> u8 {
        match self.steps.get(self.next).map(|step| step.act) {
            Some(Act::Report(_) | Act::Repeat) => self.digits,
            Some(Act::Enter(_) | Act::Wait(_) | Act::Deliver(_) | Act::End(_) | Act::Wake(..)) | None => 9,
        }
    }

    fn play(&mut self, due: Timestamp, floor: Option<Timestamp>) {
        let Some(step) = self.steps.get(self.next).copied() else { return };
        if let Act::Report(Report::Question(_) | Report::LastWord | Report::Unchanged | Report::Completed) =
            step.act
        {
            // The agent answers before it asks the next thing or ends.
            while let Some((_, number)) = self.replies.pop_front() {
                self.report(cut(due, self.digits), floor, Report::Reply(number));
            }
        }
        self.since = due;
        self.next += 1;
        self.updated_at = self.updated_at.max(due);
        match step.act {
            Act::Enter(state) => self.state = state,
            Act::Report(report) => self.report(cut(due, self.digits), floor, report),
            Act::Wait(hold) => self.hold = Some(hold),
            Act::Repeat => {
                self.next -= 1;
                let number = u32::try_from(self.happened.len()).unwrap_or(u32::MAX);
                self.report(cut(due, self.digits), floor, Report::Progress(number));
            }
            Act::Deliver(Output::ChangeSet) => self.delivered_at = self.delivered_at.or(Some(due)),
            Act::Deliver(Output::PullRequest) => self.pulls.push(due),
            Act::Deliver(Output::Push) => {
                self.pushes.push(due);
                self.report(cut(due, self.digits), floor, Report::Pushed(self.pushes()));
            }
            Act::End(state) => {
                self.state = state;
                self.ends.push(End { at: due, state, seen_at: None });
            }
            Act::Wake(by, state) => {
                self.waking = false;
                self.state = state;
                self.wakes.push((due, by));
            }
        }
    }

    fn report(&mut self, at: Timestamp, floor: Option<Timestamp>, report: Report) {
        let last = self.happened.last().map(|last| last.at);
        let at = at.max(floor.unwrap_or(at)).max(last.unwrap_or(at));
        self.updated_at = self.updated_at.max(at);
        self.happened.push(Happening { at, report });
    }

    /// Something a person did at `now`. Call after [`Life::advance`] to the same time.
    fn person(&mut self, now: Timestamp, report: Report) {
        let floor = self.happened.last().map(|last| later(last.at, Duration::from_micros(1)));
        self.report(cut(now, 6), floor, report);
    }

    fn release(&mut self, now: Timestamp) {
        self.hold = None;
        self.since = now;
    }

    /// Approves the plan at `now`; says whether there was one to approve.
    pub(super) fn approve(&mut self, now: Timestamp) -> bool {
        if !self.waits_for(Hold::Approval) {
            return false;
        }
        self.person(now, Report::PlanApproved);
        self.release(now);
        true
    }

    /// Takes message `number` at `now`, which changes nothing.
    pub(super) fn ignore(&mut self, now: Timestamp, number: u32) {
        self.person(now, Report::UserMessage(number));
    }

    /// Takes a message at `now` to a session that is asleep, which lives `steps` from then on. What was still to
    /// come, such as a late pull request, comes after them.
    pub(super) fn wake(&mut self, now: Timestamp, steps: Vec<Step>) {
        self.waking = true;
        self.since = now;
        let rest = self.steps.get(self.next..).unwrap_or_default();
        self.steps = steps.into_iter().chain(rest.iter().copied()).collect();
        self.next = 0;
    }

    /// Takes message `number` at `now`, which the agent answers `reply_after` later.
    pub(super) fn message(&mut self, now: Timestamp, number: u32, reply_after: Duration) {
        self.person(now, Report::UserMessage(number));
        if self.shelved {
            return;
        }
        self.replies.push_back((later(now, reply_after), number));
        if self.hold == Some(Hold::Message) {
            self.release(now);
        }
    }

    /// Archives it at `now`: what still runs is PAUSED for ever, and what has been woken sleeps on.
    pub(super) fn shelve(&mut self, now: Timestamp) {
        if self.ended_at().is_none() {
            self.shelved = true;
            self.state = State::Paused;
            self.replies.clear();
        } else if self.waking {
            self.shelved = true;
            self.replies.clear();
        }
        self.updated_at = self.updated_at.max(now);
    }

    /// When it next takes or frees a slot, or shows outputs, if nobody interferes.
    pub(super) fn next_turn(&self) -> Option<Timestamp> {
        self.step_due()?;
        let mut at = self.since;
        for step in self.steps.get(self.next..)? {
            at = later(at, step.gap);
            match step.act {
                Act::End(_) | Act::Enter(State::Paused) | Act::Deliver(_) | Act::Wake(..) => return Some(at),
                Act::Wait(_) | Act::Repeat => return None,
                Act::Enter(_) | Act::Report(_) => {}
            }
        }
        None
    }

    /// How long after its creation at `born` it ended.
    pub(super) fn length(&self, born: Timestamp) -> Option<Duration> {
        self.ended_at().map(|ended| between(born, ended))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        "2026-11-23T10:00:00.123456789Z".parse().unwrap()
    }

    fn at(seconds: u64) -> Timestamp {
        later(start(), Duration::from_secs(seconds))
    }

    /// Steps whose gaps are in seconds.
    fn life(steps: &[(u64, Act)]) -> Life {
        let steps = steps.iter().map(|(gap, act)| Step { gap: Duration::from_secs(*gap), act: *act });
        Life::new(start(), steps.collect(), 6)
    }

    fn simple() -> Life {
        life(&[
            (0, Act::Enter(State::Queued)),
            (5, Act::Enter(State::Planning)),
            (5, Act::Report(Report::PlanGenerated)),
            (0, Act::Enter(State::InProgress)),
            (10, Act::Report(Report::Completed)),
            (0, Act::End(State::Completed)),
            (30, Act::Deliver(Output::ChangeSet)),
        ])
    }

    #[test]
    fn plays_what_is_due_and_nothing_more() {
        let mut life = simple();
        life.advance(at(4));
        assert_eq!(life.state, State::Queued);
        life.advance(at(12));
        assert_eq!((life.state, life.happened.len()), (State::InProgress, 1));
        life.advance(at(20));
        assert_eq!(
            (life.state, life.ended_at(), life.delivered_at.is_some()),
            (State::Completed, Some(at(20)), false)
        );
        life.advance(at(50));
        assert!(life.delivered_at.is_some());
    }

    #[test]
    fn one_late_look_sees_what_many_looks_see() {
        let (mut often, mut once) = (simple(), simple());
        (0..=60).for_each(|second| often.advance(at(second)));
        once.advance(at(60));
        assert_eq!(often.happened, once.happened);
        assert_eq!(often.ended_at(), once.ended_at());
    }

    #[test]
    fn waiting_stops_the_clock_and_release_starts_it_again() {
        let mut life = life(&[
            (10, Act::Enter(State::AwaitingPlanApproval)),
            (0, Act::Wait(Hold::Approval)),
            (0, Act::Enter(State::InProgress)),
            (10, Act::End(State::Completed)),
        ]);
        assert!(!life.approve(at(5)), "there is nothing to approve yet");
        life.advance(at(1_000));
        assert_eq!(life.state, State::AwaitingPlanApproval);
        assert!(life.approve(at(1_000)));
        assert!(!life.approve(at(1_000)), "approved already");
        life.advance(at(1_009));
        assert_eq!(life.state, State::InProgress);
        life.advance(at(1_010));
        assert_eq!(life.ended_at(), Some(at(1_010)));
    }

    #[test]
    fn messages_are_answered_and_release_those_who_wait_for_one() {
        let mut life = life(&[(1, Act::Wait(Hold::Message)), (5, Act::End(State::Completed))]);
        life.advance(at(10));
        life.message(at(10), 0, Duration::from_secs(3));
        life.advance(at(14));
        let reports: Vec<_> = life.happened.iter().map(|happening| happening.report).collect();
        assert_eq!(reports, [Report::UserMessage(0), Report::Reply(0)]);
        life.advance(at(15));
        assert_eq!(life.ended_at(), Some(at(15)));
    }

    #[test]
    fn the_agent_answers_before_it_asks_again_or_ends() {
        for last in [Report::Question(1), Report::LastWord, Report::Completed] {
            let mut life = life(&[(1, Act::Wait(Hold::Message)), (2, Act::Report(last))]);
            life.advance(at(1));
            life.message(at(1), 0, Duration::from_secs(60));
            life.advance(at(100));
            let reports: Vec<_> = life.happened.iter().map(|happening| happening.report).collect();
            assert_eq!(reports, [Report::UserMessage(0), Report::Reply(0), last]);
        }
    }

    #[test]
    fn nobody_can_release_what_waits_for_nothing() {
        let mut life = life(&[(1, Act::Wait(Hold::Nothing)), (5, Act::End(State::Completed))]);
        life.advance(at(10));
        life.message(at(10), 0, Duration::ZERO);
        life.advance(at(10_000));
        assert_eq!(life.ended_at(), None);
        assert!(life.is_live());
    }

    #[test]
    fn repeats_for_good() {
        let mut life = life(&[(10, Act::Repeat)]);
        life.advance(at(105));
        assert_eq!(life.happened.len(), 10);
        assert_eq!(life.next_turn(), None);
    }

    #[test]
    fn shelving_pauses_what_runs_and_leaves_what_has_ended() {
        let mut running = simple();
        running.advance(at(12));
        running.shelve(at(12));
        running.advance(at(100));
        assert_eq!((running.state, running.is_live()), (State::Paused, false));
        let mut ended = simple();
        ended.advance(at(30));
        ended.shelve(at(30));
        assert_eq!(ended.state, State::Completed);
    }

    #[test]
    fn what_is_newer_stays_newer_than_all_that_was_shown() {
        let mut life = life(&[(1, Act::Wait(Hold::Message)), (0, Act::Report(Report::Said(0)))]);
        life.advance(at(1));
        for number in 0..3 {
            let shown = life.happened.last().map(|last| last.at);
            life.message(at(1), number, Duration::ZERO);
            life.advance(at(1));
            assert!(life.happened.last().map(|last| last.at) > shown);
        }
    }

    #[test]
    fn the_next_turn_is_when_a_slot_or_the_outputs_change() {
        let mut life = simple();
        assert_eq!(life.next_turn(), Some(at(20)));
        life.advance(at(20));
        assert_eq!(life.next_turn(), Some(at(50)));
        life.advance(at(50));
        assert_eq!(life.next_turn(), None);
    }
}
