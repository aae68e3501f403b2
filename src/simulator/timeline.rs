//! From a behaviour to the steps of a life.

use std::time::Duration;

use super::{
    behaviour::{Behaviour, Ending, Extra, OutputsAfter},
    dice::Dice,
    life::{Act, Hold, Report, State, Step},
};

/// What about a request shapes the session's life.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wishes {
    pub(super) approval: bool,
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
    Composer::new(behaviour, dice, speed, wishes).compose()
}

/// A moment of the life in service time, counted from creation and without the time spent waiting.
type Moment = Duration;

struct Composer<'a> {
    behaviour: &'a Behaviour,
    dice: Dice,
    speed: f64,
    wishes: Wishes,
    ending: Ending,
    total: Duration,
    acts: Vec<(Moment, Act)>,
}

impl<'a> Composer<'a> {
    fn new(behaviour: &'a Behaviour, dice: Dice, speed: f64, wishes: Wishes) -> Self {
        let total = behaviour.duration.unwrap_or(Behaviour::DURATION).draw(dice.with("duration"));
        let ending = ending(behaviour, dice, wishes);
        Self { behaviour, dice, speed, wishes, ending, total, acts: Vec::new() }
    }

    fn compose(mut self) -> Vec<Step> {
        let planning = self.total.mul_f64(0.04);
        let planned = self.total.mul_f64(0.15);
        self.at(Duration::ZERO, Act::Enter(State::Queued));
        self.at(planning, Act::Enter(State::Planning));
        if self.wishes.doomed {
            self.end();
        } else {
            self.plan(planned);
            self.work(planned);
            self.turn(planned);
        }
        self.steps()
    }

    fn at(&mut self, moment: Moment, act: Act) {
        self.acts.push((moment, act));
    }

    /// The moment when `share` of the work is done.
    fn during(&self, planned: Moment, share: f64) -> Moment {
        planned + (self.total - planned).mul_f64(share.clamp(0.0, 1.0))
    }

    fn plan(&mut self, planned: Moment) {
        self.at(planned, Act::Report(Report::PlanGenerated));
        if self.wishes.approval {
            self.at(planned, Act::Enter(State::AwaitingPlanApproval));
            self.at(planned, Act::Wait(Hold::Approval));
        } else {
            self.at(planned, Act::Report(Report::PlanApproved));
        }
        self.at(planned, Act::Enter(State::InProgress));
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
        // The sort is stable: what was written first at a moment happens first.
        self.acts.sort_by_key(|(moment, _)| *moment);
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
        let extras = extras.unwrap_or(&[Extra::BashOutput, Extra::ChangeSet]);
        let place = (n / 2 + n) as usize % (extras.len() + 2);
        match place.checked_sub(2).and_then(|place| extras.get(place)) {
            Some(Extra::BashOutput) => Report::Bash(n),
            Some(Extra::ChangeSet) if self.changes_something() => Report::ChangeSet(n),
            Some(Extra::Media) => Report::Media(n),
            Some(Extra::UnknownActivity) => Report::StrangeActivity(n),
            Some(Extra::UnknownArtifact) => Report::StrangeArtifact(n),
            Some(Extra::Bare) => Report::Bare(n),
            Some(Extra::ChangeSet) => Report::Progress(n),
            None if place == 0 => Report::Progress(n),
            None => Report::Said(n),
        }
    }

    fn changes_something(&self) -> bool {
        !matches!(self.ending, Ending::NoChange)
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
            | Ending::PullRequestInProgress => {}
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
            Ending::PullRequestInProgress => {
                self.at(end, Act::Report(Report::FinalChangeSet));
                self.at(end, Act::Deliver);
                self.at(end, Act::Wait(Hold::Nothing));
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
            Ending::NoChange => self.complete(),
        }
    }

    fn complete(&mut self) {
        let end = self.total;
        let outputs = match self.behaviour.outputs_after {
            None => Some(Duration::ZERO),
            Some(OutputsAfter::Delay(span)) => Some(span.draw(self.dice.with("outputs"))),
            Some(OutputsAfter::Never) => None,
        };
        let outputs = outputs.filter(|_| self.changes_something());
        if outputs == Some(Duration::ZERO) {
            self.at(end, Act::Deliver);
        }
        self.at(end, Act::Report(Report::Completed));
        self.at(end, Act::End(State::Completed));
        if let Some(late) = outputs.filter(|late| !late.is_zero()) {
            self.at(end + late, Act::Deliver);
        }
    }

    /// Turns moments of service time into gaps of real time. Each gap is the difference of two rounded moments, so
    /// that rounding does not add up.
    fn steps(self) -> Vec<Step> {
        let mut before = Duration::ZERO;
        let mut steps = Vec::with_capacity(self.acts.len());
        for (moment, act) in self.acts {
            let real = moment.div_f64(self.speed).max(before);
            let gap = real - before;
            // A repeated step without a gap would never come to an end.
            let gap = if act == Act::Repeat { gap.max(Duration::from_millis(1)) } else { gap };
            steps.push(Step { gap, act });
            before = real;
        }
        steps
    }
}

/// More reports than this no session makes, however small the gap.
const MOST_REPORTS: u32 = 2_000;
