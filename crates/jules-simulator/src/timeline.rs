//! From a behaviour to the steps of a life.

use std::time::Duration;

use super::{
    behaviour::{After, Behaviour, Ending, Extra},
    dice::Dice,
    life::{Act, Hold, Output, Report, State, Step},
    wake::{Wake, WakeEnding, Waker},
};

/// What about a request shapes the session's life.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wishes {
    pub(super) approval: bool,
    pub(super) pull_request: bool,
    /// The reason why this session cannot work at all, such as a branch that does not exist.
    pub(super) doomed: bool,
}

/// The way this session ends: as its behaviour says, else mostly well, as the dice fall.
pub(super) fn ending(behaviour: &Behaviour, dice: Dice, wishes: Wishes) -> Ending {
    if wishes.doomed {
        return Ending::Failure;
    }
    behaviour.outcome.unwrap_or_else(|| {
        if dice.with("ending").unit() < 0.94 { Ending::PullRequest } else { Ending::NoChange }
    })
}

/// The steps of a life, in real time at `speed`.
pub(super) fn compile(behaviour: &Behaviour, dice: Dice, speed: f64, wishes: Wishes) -> Vec<Step> {
    steps(Composer::new(behaviour, dice, wishes).compose(), speed)
}

/// A moment of the life in service time, counted from creation and without the time spent waiting.
type Moment = Duration;

struct Composer<'a> {
    behaviour: &'a Behaviour,
    dice: Dice,
    wishes: Wishes,
    ending: Ending,
    total: Duration,
    acts: Vec<(Moment, Act)>,
}

impl<'a> Composer<'a> {
    fn new(behaviour: &'a Behaviour, dice: Dice, wishes: Wishes) -> Self {
        let total = behaviour.duration.unwrap_or(Behaviour::DURATION).draw(dice.with("duration"));
        let ending = ending(behaviour, dice, wishes);
        Self { behaviour, dice, wishes, ending, total, acts: Vec::new() }
    }

    fn compose(mut self) -> Vec<(Moment, Act)> {
        let planning = self.total.mul_f64(0.04);
        let planned = self.total.mul_f64(0.15);
        self.at(Duration::ZERO, Act::Enter(State::Queued));
        self.at(planning, Act::Enter(State::Planning));
        if self.wishes.doomed {
            self.end();
        } else {
            let approved = self.plan(planned);
            if self.ending == Ending::PlanOnly {
                self.total = approved;
                self.complete();
            } else {
                self.work(approved);
                self.turn(approved);
            }
        }
        // The sort is stable: what was written first at a moment happens first.
        self.acts.sort_by_key(|(moment, _)| *moment);
        self.acts
    }

    fn at(&mut self, moment: Moment, act: Act) {
        self.acts.push((moment, act));
    }

    /// The moment when `share` of the work is done.
    fn during(&self, planned: Moment, share: f64) -> Moment {
        planned + (self.total - planned).mul_f64(share.clamp(0.0, 1.0))
    }

    /// The plan; the moment when it is approved.
    fn plan(&mut self, planned: Moment) -> Moment {
        self.at(planned, Act::Report(Report::PlanGenerated));
        let mut approved = planned;
        if self.wishes.approval {
            self.at(planned, Act::Enter(State::AwaitingPlanApproval));
            self.at(planned, Act::Wait(Hold::Approval));
        } else {
            // The service approves what nobody wants to see some three seconds later.
            approved += Duration::from_secs(3).min(self.total / 20);
            self.at(approved, Act::Report(Report::PlanApproved));
        }
        self.at(approved, Act::Enter(State::InProgress));
        approved
    }

    /// Reports, questions and the strange state: what happens while the agent works.
    fn work(&mut self, planned: Moment) {
        self.reports(planned);
        if let Some(feedback) = &self.behaviour.feedback {
            for n in 0..u32::from(feedback.times) {
                let share = f64::from(n + 1) / (f64::from(feedback.times) + 1.0);
                let moment = self.during(planned, share);
                self.at(moment, Act::Report(Report::Question(n)));
                self.at(moment, Act::Enter(State::AwaitingUserFeedback));
                self.at(moment, Act::Wait(Hold::Message));
                self.at(moment, Act::Enter(State::InProgress));
            }
        }
        if self.behaviour.unknown_state.is_some() {
            self.at(self.during(planned, 0.4), Act::Enter(State::Strange));
            self.at(self.during(planned, 0.7), Act::Enter(State::InProgress));
        }
        if let Some(share) = self.behaviour.outputs_at {
            self.deliver(self.during(planned, share));
        }
        self.acts.sort_by_key(|(moment, _)| *moment);
    }

    /// Everything the session gives, from `moment` on; the moment of the last of it.
    fn deliver(&mut self, moment: Moment) -> Moment {
        if !self.ending.changes_something() {
            return moment;
        }
        self.at(moment, Act::Deliver(Output::ChangeSet));
        let pulls = if self.opens_pull_requests() { self.behaviour.pull_requests.unwrap_or(1) } else { 0 };
        let mut last = moment;
        for n in 0..pulls {
            last += match self.behaviour.pull_request_after {
                None => Duration::ZERO,
                Some(After::Delay(span)) => span.draw(self.dice.with("pull").nth(u64::from(n))),
                Some(After::Never) => return last,
            };
            self.at(last, Act::Deliver(Output::PullRequest));
        }
        last
    }

    fn opens_pull_requests(&self) -> bool {
        match self.ending {
            Ending::PullRequest
            | Ending::PullRequestInProgress
            | Ending::PullRequestPaused
            | Ending::PullRequestWaiting
            | Ending::PullRequestFailed
            | Ending::Stall
            | Ending::Pause
            | Ending::PauseSilently
            | Ending::Busy => self.wishes.pull_request,
            Ending::Change
            | Ending::NoChange
            | Ending::PlanOnly
            | Ending::Failure
            | Ending::FailureWithoutReason => false,
        }
    }

    fn reports(&mut self, planned: Moment) {
        let activities = self.behaviour.activities.as_ref();
        let gap = activities.and_then(|activities| activities.gap);
        let even = (self.total - planned) / 13;
        let shared = activities.is_some_and(|activities| activities.shared_timestamps);
        let mut moment = planned;
        for n in 0..MOST_REPORTS {
            let dice = self.dice.with("gap").nth(u64::from(n));
            let gap = gap.map_or_else(|| even.mul_f64(0.6 + 0.8 * dice.unit()), |gap| gap.draw(dice));
            moment += gap.max(Duration::from_millis(1));
            if moment >= self.total {
                return;
            }
            self.at(moment, Act::Report(self.report(2 * n)));
            if shared {
                self.at(moment, Act::Report(self.report(2 * n + 1)));
            }
        }
    }

    /// What report `n` is about: progress, a word of the agent, or one of the extras in turn.
    fn report(&self, n: u32) -> Report {
        let activities = self.behaviour.activities.as_ref();
        let extras = activities.and_then(|activities| activities.with.as_deref());
        let extras = extras.unwrap_or(&[Extra::ChangeSet]);
        let place = (n / 2 + n % 2) as usize % (extras.len() + 2);
        match place.checked_sub(2).and_then(|place| extras.get(place)) {
            Some(Extra::BashOutput) => Report::Bash(n),
            Some(Extra::ChangeSet) if self.ending.changes_something() => Report::ChangeSet(n),
            Some(Extra::Media) => Report::Media(n),
            Some(Extra::UnknownActivity) => Report::StrangeActivity(n),
            Some(Extra::UnknownArtifact) => Report::StrangeArtifact(n),
            Some(Extra::Bare) => Report::Bare(n),
            Some(Extra::ChangeSet) => Report::Progress(n),
            None if place == 0 => Report::Progress(n),
            None => Report::Said(n),
        }
    }

    /// The turn for the worse in the middle, if there is one, and the end.
    fn turn(&mut self, planned: Moment) {
        let moment = self.during(planned, self.behaviour.turn.unwrap_or(0.5));
        let revivable = self.behaviour.revived_by_message.unwrap_or(true);
        let hold = Act::Wait(if revivable { Hold::Message } else { Hold::Nothing });
        let resume = Act::Enter(State::InProgress);
        match self.ending {
            Ending::Stall => self.insert(moment, &[hold]),
            Ending::Pause => {
                self.insert(moment, &[Act::Report(Report::Paused), Act::Enter(State::Paused), hold, resume]);
            }
            Ending::PauseSilently => self.insert(moment, &[Act::Enter(State::Paused), hold, resume]),
            Ending::Busy => {
                self.acts.retain(|(at, _)| *at <= moment);
                // A report of its own, so that the gap to the first repetition is the gap between all.
                self.at(moment, Act::Report(Report::Progress(0)));
                let gap = self.behaviour.activities.as_ref().and_then(|activities| activities.gap);
                let gap = gap.map_or(Duration::from_secs(26), |gap| gap.draw(self.dice.with("busy")));
                self.at(moment + gap.max(Duration::from_secs(1)), Act::Repeat);
                return;
            }
            Ending::PullRequest
            | Ending::Change
            | Ending::NoChange
            | Ending::Failure
            | Ending::FailureWithoutReason
            | Ending::PlanOnly
            | Ending::PullRequestInProgress
            | Ending::PullRequestPaused
            | Ending::PullRequestWaiting
            | Ending::PullRequestFailed => {}
        }
        self.end();
    }

    /// Puts acts after everything that happens until `moment`.
    fn insert(&mut self, moment: Moment, acts: &[Act]) {
        let place = self.acts.partition_point(|(at, _)| *at <= moment);
        self.acts.splice(place..place, acts.iter().map(|act| (moment, *act)));
    }

    fn end(&mut self) {
        let end = self.total;
        match self.ending {
            Ending::Failure | Ending::FailureWithoutReason => {
                self.at(end, Act::Report(Report::Failed));
                self.at(end, Act::End(State::Failed));
            }
            Ending::PullRequestFailed => {
                self.at(end, Act::Report(Report::FinalChangeSet));
                let last = self.deliver_after(end).max(end);
                self.at(last, Act::Report(Report::Failed));
                self.at(last, Act::End(State::Failed));
            }
            Ending::PullRequestInProgress => self.stay(&[]),
            Ending::PullRequestPaused => self.stay(&[Act::Enter(State::Paused)]),
            Ending::PullRequestWaiting => {
                self.stay(&[Act::Report(Report::Question(0)), Act::Enter(State::AwaitingUserFeedback)]);
            }
            Ending::PullRequest
            | Ending::Change
            | Ending::Stall
            | Ending::Pause
            | Ending::PauseSilently
            | Ending::Busy => {
                self.at(end, Act::Report(Report::FinalChangeSet));
                self.complete();
            }
            Ending::NoChange => {
                self.at(end, Act::Report(Report::Unchanged));
                self.complete();
            }
            Ending::PlanOnly => self.complete(),
        }
    }

    /// Delivers, and then stays as `acts` leave it.
    fn stay(&mut self, acts: &[Act]) {
        self.at(self.total, Act::Report(Report::FinalChangeSet));
        let last = self.deliver_after(self.total).max(self.total);
        for act in acts {
            self.at(last, *act);
        }
        self.at(last, Act::Wait(Hold::Nothing));
    }

    /// The outputs that follow the end of the work, unless they came before; the moment of the last.
    fn deliver_after(&mut self, end: Moment) -> Moment {
        match self.behaviour.outputs_after {
            _ if self.behaviour.outputs_at.is_some() => end,
            None => self.deliver(end),
            Some(After::Delay(span)) => self.deliver(end + span.draw(self.dice.with("outputs"))),
            Some(After::Never) => end,
        }
    }

    fn complete(&mut self) {
        let end = self.total;
        let last = self.deliver_after(end);
        if self.behaviour.last_word.is_some() {
            self.at(end, Act::Report(Report::LastWord));
        }
        self.at(end, Act::Report(Report::Completed));
        self.at(end, Act::End(State::Completed));
        self.wakes(last.max(end));
    }

    /// The times that its pull request's comments and checks bring it back, from `end` on.
    fn wakes(&mut self, mut end: Moment) {
        let has_pull_request = self.acts.iter().any(|(_, act)| *act == Act::Deliver(Output::PullRequest));
        let wakes = self.behaviour.wakes.iter().flatten().filter(|wake| wake.by != Waker::Message);
        for (n, wake) in wakes.filter(|_| has_pull_request).enumerate() {
            let acts = wake.acts(self.dice.with("wakes").nth(n as u64), true, true);
            let begin = end;
            for (moment, act) in acts {
                end = begin + moment;
                self.acts.push((end, act));
            }
            if matches!(wake.outcome, WakeEnding::Failure | WakeEnding::Stall) {
                return;
            }
        }
    }
}

/// The steps that a message to a session that is asleep leads to, in real time at `speed`.
pub(super) fn woken(wake: Wake, dice: Dice, speed: f64, changed: bool, pull_request: bool) -> Vec<Step> {
    steps(wake.acts(dice, changed, pull_request), speed)
}

/// Turns moments of service time into gaps of real time. Each gap is the difference of two rounded moments, so
/// that rounding does not add up.
fn steps(acts: Vec<(Moment, Act)>, speed: f64) -> Vec<Step> {
    let mut before = Duration::ZERO;
    let mut steps = Vec::with_capacity(acts.len());
    for (moment, act) in acts {
        let real = moment.div_f64(speed).max(before);
        let gap = real - before;
        // A repeated step without a gap would never come to an end.
        let gap = if act == Act::Repeat { gap.max(Duration::from_millis(1)) } else { gap };
        steps.push(Step { gap, act });
        before = real;
    }
    steps
}

/// More reports than this no session makes, however small the gap.
const MOST_REPORTS: u32 = 2_000;

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{clock::later, life::Life};

    const FREE: Wishes = Wishes { approval: false, pull_request: true, doomed: false };

    fn start() -> Timestamp {
        "2026-11-23T10:00:00Z".parse().unwrap()
    }

    fn at(seconds: u64) -> Timestamp {
        later(start(), Duration::from_secs(seconds))
    }

    fn behaviour(yaml: &str) -> Behaviour {
        serde_saphyr::from_str(yaml).unwrap()
    }

    /// A life of ten minutes at the speed of service time.
    fn life(yaml: &str, wishes: Wishes) -> Life {
        let behaviour = behaviour(&format!("{{ duration: 10m, {yaml} }}"));
        let steps = compile(&behaviour, Dice::new(1), 1.0, wishes);
        Life::new(start(), steps, 6)
    }

    fn lived(yaml: &str, seconds: u64) -> Life {
        let mut life = life(yaml, FREE);
        life.advance(at(seconds));
        life
    }

    fn count(life: &Life, wanted: fn(Report) -> bool) -> usize {
        life.happened.iter().filter(|happening| wanted(happening.report)).count()
    }

    #[test]
    fn endings_end_on_time() {
        for (yaml, state, delivered) in [
            ("outcome: pull-request", State::Completed, true),
            ("outcome: change", State::Completed, true),
            ("outcome: no-change", State::Completed, false),
            ("outcome: failure", State::Failed, false),
            ("outcome: failure-without-reason", State::Failed, false),
            ("outcome: pull-request-failed", State::Failed, true),
        ] {
            assert_eq!(lived(yaml, 599).ended_at(), None, "{yaml}");
            let life = lived(yaml, 600);
            assert_eq!(
                (life.ended_at(), life.state, life.delivered_at.is_some()),
                (Some(at(600)), state, delivered),
                "{yaml}"
            );
        }
    }

    #[test]
    fn some_never_end_by_themselves() {
        for (yaml, state) in [
            ("outcome: busy", State::InProgress),
            ("outcome: stall", State::InProgress),
            ("outcome: pause", State::Paused),
            ("outcome: pause-silently", State::Paused),
            ("outcome: pull-request-in-progress", State::InProgress),
        ] {
            let life = lived(yaml, 100_000);
            assert_eq!((life.ended_at(), life.state), (None, state), "{yaml}");
            assert_eq!(life.is_live(), state != State::Paused, "{yaml}");
        }
        assert!(lived("outcome: pull-request-in-progress", 600).delivered_at.is_some());
    }

    #[test]
    fn the_busy_talk_and_the_stalled_are_silent() {
        let talk = |yaml: &str| lived(yaml, 2_000).happened.len() - lived(yaml, 1_000).happened.len();
        assert!(talk("outcome: busy") > 20);
        assert_eq!(talk("outcome: stall"), 0);
    }

    #[test]
    fn a_message_revives_unless_nothing_does() {
        for outcome in ["stall", "pause", "pause-silently"] {
            let mut life = lived(&format!("outcome: {outcome}, turn: 0.5"), 5_000);
            life.message(at(5_000), 0, Duration::from_secs(5));
            life.advance(at(5_000));
            assert_eq!(life.state, State::InProgress, "{outcome}");
            life.advance(at(5_300));
            assert_eq!((life.state, life.delivered_at.is_some()), (State::Completed, true), "{outcome}");

            let mut dead = lived(&format!("outcome: {outcome}, revived-by-message: false"), 5_000);
            dead.message(at(5_000), 0, Duration::from_secs(5));
            dead.advance(at(90_000));
            assert_eq!(dead.ended_at(), None, "{outcome}");
        }
    }

    #[test]
    fn asks_as_often_as_it_should() {
        let mut life = lived("feedback: { times: 2 }", 5_000);
        for round in 0..2 {
            assert_eq!(life.state, State::AwaitingUserFeedback, "round {round}");
            life.message(at(5_000 * (round + 1)), 0, Duration::from_secs(5));
            life.advance(at(5_000 * (round + 2)));
        }
        assert_eq!(life.state, State::Completed);
        assert_eq!(count(&life, |report| matches!(report, Report::Question(_))), 2);
    }

    #[test]
    fn plans_wait_for_approval_only_when_asked_to() {
        let mut life = life("outcome: change", Wishes { approval: true, ..FREE });
        life.advance(at(5_000));
        assert_eq!(life.state, State::AwaitingPlanApproval);
        assert!(life.approve(at(5_000)));
        life.advance(at(5_510));
        assert_eq!(life.state, State::Completed);
        assert_eq!(count(&life, |report| report == Report::PlanApproved), 1);
        assert_eq!(count(&lived("outcome: change", 600), |report| report == Report::PlanApproved), 1);
    }

    #[test]
    fn outputs_come_late_or_never() {
        assert!(lived("outcome: change, outputs-after: 20s", 619).delivered_at.is_none());
        assert!(lived("outcome: change, outputs-after: 20s", 620).delivered_at.is_some());
        let never = lived("outcome: change, outputs-after: never", 9_000);
        assert!(never.delivered_at.is_none());
        assert_eq!(
            count(&never, |report| report == Report::FinalChangeSet),
            1,
            "the activities have the work"
        );
    }

    #[test]
    fn no_change_means_no_change_sets() {
        let life = lived("outcome: no-change", 600);
        assert_eq!(count(&life, |report| matches!(report, Report::ChangeSet(_) | Report::FinalChangeSet)), 0);
    }

    #[test]
    fn a_strange_state_comes_and_goes() {
        let states: Vec<_> = (0..=600).map(|second| lived("unknown-state: DREAMING", second).state).collect();
        assert!(states.contains(&State::Strange));
        assert_eq!(states.last(), Some(&State::Completed));
    }

    #[test]
    fn every_extra_appears_in_turn() {
        let life = lived(
            "activities: { gap: 10s, with: [bash-output, change-set, media, unknown-activity, unknown-artifact, bare] }, \
             outcome: change",
            600,
        );
        for (what, wanted) in [
            ("bash", (|report| matches!(report, Report::Bash(_))) as fn(Report) -> bool),
            ("change set", |report| matches!(report, Report::ChangeSet(_))),
            ("media", |report| matches!(report, Report::Media(_))),
            ("strange activity", |report| matches!(report, Report::StrangeActivity(_))),
            ("strange artifact", |report| matches!(report, Report::StrangeArtifact(_))),
            ("bare", |report| matches!(report, Report::Bare(_))),
            ("progress", |report| matches!(report, Report::Progress(_))),
            ("said", |report| matches!(report, Report::Said(_))),
        ] {
            assert!(count(&life, wanted) > 0, "{what}");
        }
        assert!(life.happened.is_sorted_by_key(|happening| happening.at));
    }

    #[test]
    fn pairs_share_their_time() {
        let life = lived("activities: { gap: 20s, shared-timestamps: true }", 600);
        let shared = life.happened.windows(2).filter(|pair| pair[0].at == pair[1].at).count();
        assert!(shared > 10, "{shared}");
    }

    #[test]
    fn speed_shortens_without_rounding_errors() {
        let behaviour = behaviour("{ duration: 10m, outcome: change, activities: { gap: 1s } }");
        let mut life = Life::new(start(), compile(&behaviour, Dice::new(1), 600.0, FREE), 6);
        life.advance(at(2));
        assert_eq!(life.ended_at(), Some(at(1)));
    }

    #[test]
    fn the_doomed_fail_whatever_was_scripted() {
        let mut life = life("outcome: stall", Wishes { doomed: true, ..FREE });
        life.advance(at(600));
        assert_eq!(life.state, State::Failed);
    }

    #[test]
    fn without_a_script_most_succeed_and_the_same_way_each_time() {
        let plain = Behaviour::default();
        let endings: Vec<_> = (0..500).map(|n| ending(&plain, Dice::new(n), FREE)).collect();
        let good = endings.iter().filter(|ending| **ending == Ending::PullRequest).count();
        assert!((440..500).contains(&good), "{good} of 500");
        assert_eq!(endings, (0..500).map(|n| ending(&plain, Dice::new(n), FREE)).collect::<Vec<_>>());
    }
}
