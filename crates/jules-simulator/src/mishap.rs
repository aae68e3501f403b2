//! What can go wrong on the way, as a scenario writes it.

use serde::Deserialize;

use super::{
    method::Scope,
    rule::{OneOrMany, When},
    span::Span,
};

/// Something that goes wrong on the way.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    /// Methods it happens to; default all.
    #[serde(default = "everywhere")]
    pub(super) on: OneOrMany<Scope>,
    /// Chance per request, 0 to 1. Without `probability`, `every` and `nth` it happens each time.
    pub(super) probability: Option<f64>,
    /// Every n-th request.
    pub(super) every: Option<u64>,
    /// Exactly these requests, counted from 1.
    pub(super) nth: Option<OneOrMany<u64>>,
    /// Stops after having happened this often.
    pub(super) times: Option<u64>,
    /// Only within this window, in service time from `since` on.
    pub(super) during: Option<Span>,
    /// Where the window begins (default the start).
    #[serde(default)]
    pub(super) since: Since,
    /// Only requests to these sessions, and creates of them; never listings.
    pub(super) when: Option<When>,
    /// HTTP code (300 to 599) of `error-before`, `error-after` and `html`; defaults 503, 503 and 502.
    pub(super) status: Option<u16>,
    /// How long `slow` and `arrive-late` wait, in real time (default 1s).
    pub(super) delay: Option<Span>,
    /// The header that `throttle`, `error-before` and `html` send, in real time; none by default.
    pub(super) retry_after: Option<Span>,
    /// How many pull requests `too-large` lets pass (default 50).
    pub(super) above: Option<usize>,
    /// Which share of the pull requests `partial` leaves out, 0 to 1 (default 0.3).
    pub(super) share: Option<f64>,
}

fn everywhere() -> OneOrMany<Scope> {
    OneOrMany::One(Scope::All)
}

/// What a fault's window is counted from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Since {
    /// The start of the simulator.
    #[default]
    Start,
    /// The first create that succeeded, since the start or the last reset of the statistics.
    FirstSession,
    /// The creation of the session that the request names; others are not met.
    Session,
}

/// Kinds of faults. "Before" and "after" mean the commit: whether the service did what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum FaultKind {
    ErrorBefore,
    ErrorAfter,
    /// 400 FAILED_PRECONDITION although it was done.
    PreconditionAfter,
    /// 429, not done.
    Throttle,
    /// The connection is reset, not done.
    ResetBefore,
    /// The connection is reset, done.
    ResetAfter,
    /// The connection is reset, and a create is done `delay` later all the same; other requests never are.
    ArriveLate,
    /// Done; the answer's body ends in the middle.
    Truncate,
    /// Done; the answer's body stops in the middle, and the connection stays open.
    Stall,
    /// Done, or refused; no answer comes, and the connection stays open.
    Hang,
    /// As `hang`, and nothing is ever answered again on that connection, which stays open.
    Silence,
    /// Done; the answer comes late.
    Slow,
    /// Not done; an error page in HTML.
    Html,
    /// Done; a listing's page names as the next page the one that was asked for.
    RepeatToken,
    /// GitHub alone: done in part; pull requests are missing from the answer, with an error for each.
    Partial,
    /// GitHub alone, not done: the hour's budget is said to be spent.
    PrimaryLimit,
    /// GitHub alone, not done: too much at once.
    SecondaryLimit,
    /// GitHub alone, not done: more pull requests are asked for than `above`.
    TooLarge,
    /// GitHub alone: somebody else pushes to the branch right before it is done.
    PushBefore,
}

impl FaultKind {
    /// Whether only GitHub has it.
    fn is_githubs(self) -> bool {
        matches!(
            self,
            Self::Partial | Self::PrimaryLimit | Self::SecondaryLimit | Self::TooLarge | Self::PushBefore
        )
    }

    /// Its name in a scenario and in the statistics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ErrorBefore => "error-before",
            Self::ErrorAfter => "error-after",
            Self::PreconditionAfter => "precondition-after",
            Self::Throttle => "throttle",
            Self::ResetBefore => "reset-before",
            Self::ResetAfter => "reset-after",
            Self::ArriveLate => "arrive-late",
            Self::Truncate => "truncate",
            Self::Stall => "stall",
            Self::Hang => "hang",
            Self::Silence => "silence",
            Self::Slow => "slow",
            Self::Html => "html",
            Self::RepeatToken => "repeat-token",
            Self::Partial => "partial",
            Self::PrimaryLimit => "primary-limit",
            Self::SecondaryLimit => "secondary-limit",
            Self::TooLarge => "too-large",
            Self::PushBefore => "push-before",
        }
    }
}

impl Fault {
    pub(super) fn complaint(&self) -> Option<String> {
        let name = self.kind.name();
        let triggers = [self.probability.is_some(), self.every.is_some(), self.nth.is_some()];
        if triggers.iter().filter(|given| **given).count() > 1 {
            return Some(format!("fault `{name}`: give one of `probability`, `every` and `nth`"));
        }
        if self.probability.is_some_and(|chance| !(0.0..=1.0).contains(&chance)) {
            return Some(format!("fault `{name}`: `probability` goes from 0 to 1"));
        }
        if self.every == Some(0) {
            return Some(format!("fault `{name}`: `every` starts at 1"));
        }
        if self.when.as_ref().is_some_and(|when| when.nth.is_some() || when.probability.is_some()) {
            return Some(format!(
                "fault `{name}`: `nth` and `probability` belong beside `when`, not into it"
            ));
        }
        if self.during.is_some_and(Span::is_fixed) {
            return Some(format!("fault `{name}`: write the window `during` as `0s..5m`"));
        }
        if self.during.is_none() && self.since != Since::Start {
            return Some(format!("fault `{name}`: `since` needs `during`"));
        }
        if self.kind.is_githubs() && !self.on.as_slice().iter().all(|scope| scope.is_githubs()) {
            return Some(format!("fault `{name}`: only GitHub has it; name its operations with `on`"));
        }
        let is_about_sessions = self.when.is_some() || self.since != Since::Start;
        if is_about_sessions && self.on.as_slice().iter().any(|scope| scope.is_githubs()) {
            return Some(format!("fault `{name}`: `when` and `since` are about sessions, not about GitHub"));
        }
        if self.share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Some(format!("fault `{name}`: `share` goes from 0 to 1"));
        }
        // A secondary limit of GraphQL can be an error in an answer that succeeds.
        let succeeds = |status: u16| self.kind == FaultKind::SecondaryLimit && status == 200;
        let odd = self.status.filter(|status| !(300..=599).contains(status) && !succeeds(*status));
        odd.map(|status| format!("fault `{name}`: status {status} is not an error (300 to 599)"))
    }
}
