//! Sessions that come back to work after they have completed.

use std::time::Duration;

use serde::Deserialize;

use super::{
    behaviour::Behaviour,
    dice::Dice,
    life::{Act, Hold, Output, Report, State},
    span::Span,
};

/// What brings a completed session back to work, and what comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Wake {
    pub(super) by: Waker,
    /// From the message, or from the end before, to the work (default 95s).
    #[serde(default = "Wake::after")]
    pub(super) after: Span,
    /// How long the work takes (default 1m..3m).
    #[serde(default = "Wake::lasts")]
    pub(super) lasts: Span,
    #[serde(default)]
    pub(super) outcome: WakeEnding,
}

impl Wake {
    /// What a message does when the scenario does not say.
    pub(super) fn by_message() -> Self {
        Self {
            by: Waker::Message,
            after: Self::after(),
            lasts: Self::lasts(),
            outcome: WakeEnding::default(),
        }
    }

    fn after() -> Span {
        Span::fixed(Duration::from_secs(95))
    }

    fn lasts() -> Span {
        Span::range(Duration::from_secs(60), Duration::from_secs(180))
    }
}

/// Who wakes a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Waker {
    /// sendMessage: the n-th such wake is for the n-th message, the last for all further ones.
    Message,
    /// A comment on its pull request; without one nobody comments.
    Comment,
    /// A check of its pull request that failed: by way of PLANNING.
    CiFixer,
}

impl Waker {
    /// Its name in a scenario and in the statistics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Comment => "comment",
            Self::CiFixer => "ci-fixer",
        }
    }
}

/// How a session that was woken ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum WakeEnding {
    /// COMPLETED after a push to its branch; with its first change when it had none.
    #[default]
    Push,
    /// COMPLETED with one more pull request.
    PullRequest,
    /// COMPLETED, nothing new.
    NoChange,
    /// COMPLETED with an open question.
    Question,
    /// FAILED.
    Failure,
    /// IN_PROGRESS for ever, without a word.
    Stall,
}

impl Wake {
    /// The wake for message `number` (from 0), if messages wake such a session.
    pub(super) fn for_message(behaviour: &Behaviour, number: usize) -> Option<Self> {
        let Some(wakes) = &behaviour.wakes else { return Some(Self::by_message()) };
        let mut by_message = wakes.iter().filter(|wake| wake.by == Waker::Message).take(number + 1);
        by_message.by_ref().last().copied()
    }

    /// What happens, each thing at its moment of service time from the message or from the end before. `changed` says
    /// whether the session has changed anything yet, `pull_request` whether it opens a pull request when it does.
    pub(super) fn acts(self, dice: Dice, changed: bool, pull_request: bool) -> Vec<(Duration, Act)> {
        let begin = self.after.draw(dice.with("wake"));
        let length = self.lasts.draw(dice.with("awake"));
        let end = begin + length;
        let number = (dice.bits() % 1_000) as u32;
        let first = match self.by {
            Waker::Message | Waker::Comment => State::InProgress,
            Waker::CiFixer => State::Planning,
        };
        let mut acts = vec![
            (begin, Act::Wake(self.by, first)),
            (begin + length / 8, Act::Enter(State::InProgress)),
            (begin + length / 2, Act::Report(Report::Progress(number))),
        ];
        let mut ends = |happens: &[Act]| acts.extend(happens.iter().map(|act| (end, *act)));
        match self.outcome {
            WakeEnding::Push if changed => ends(&[Act::Deliver(Output::Push)]),
            WakeEnding::Push => ends(&[Act::Report(Report::FinalChangeSet), Act::Deliver(Output::ChangeSet)]),
            WakeEnding::PullRequest | WakeEnding::NoChange => {}
            WakeEnding::Question => ends(&[Act::Report(Report::Question(number))]),
            WakeEnding::Failure => ends(&[Act::Report(Report::Failed), Act::End(State::Failed)]),
            WakeEnding::Stall => ends(&[Act::Wait(Hold::Nothing)]),
        }
        let opens = match self.outcome {
            WakeEnding::Push => pull_request && !changed,
            WakeEnding::PullRequest => pull_request,
            WakeEnding::NoChange | WakeEnding::Question | WakeEnding::Failure | WakeEnding::Stall => false,
        };
        if opens {
            ends(&[Act::Deliver(Output::PullRequest)]);
        }
        if !matches!(self.outcome, WakeEnding::Failure | WakeEnding::Stall) {
            ends(&[Act::Report(Report::Completed), Act::End(State::Completed)]);
        }
        acts
    }
}
