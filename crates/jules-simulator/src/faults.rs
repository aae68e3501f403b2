//! What goes wrong on the way, as the scenario says: decided by seeded chance and by counting.

use std::time::Duration;

use super::{
    answer::{Answer, Delivery, Served},
    create::Create,
    dice::Dice,
    failure::Failure,
    method::Method,
    mishap::{Fault, FaultKind, Since},
};

/// A fault that is to happen to one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mishap {
    pub(super) kind: FaultKind,
    pub(super) status: Option<u16>,
    pub(super) delay: Duration,
    /// Whole seconds, at least one.
    pub(super) retry_after: Option<u64>,
    /// Which share of an answer is left out.
    pub(super) share: f64,
    /// Which of the scenario's faults it is.
    index: usize,
}

impl Mishap {
    /// The answer in place of doing what was asked; `None` for what happens only after the commit.
    pub(super) fn instead(self) -> Option<Served> {
        let outage = |code| Answer::refusal(&Failure::outage(code));
        let (answer, delivery) = match self.kind {
            FaultKind::ErrorBefore => (outage(self.status.unwrap_or(503)), Delivery::Whole),
            FaultKind::Throttle => (Answer::refusal(&Failure::exhausted(self.retry_after)), Delivery::Whole),
            FaultKind::Html => (Answer::error_page(self.status.unwrap_or(502)), Delivery::Whole),
            FaultKind::ResetBefore | FaultKind::ArriveLate => (Answer::empty(), Delivery::Reset),
            FaultKind::Partial
            | FaultKind::PrimaryLimit
            | FaultKind::SecondaryLimit
            | FaultKind::TooLarge
            | FaultKind::PushBefore
            | FaultKind::ErrorAfter
            | FaultKind::PreconditionAfter
            | FaultKind::ResetAfter
            | FaultKind::Truncate
            | FaultKind::Stall
            | FaultKind::Hang
            | FaultKind::Silence
            | FaultKind::RepeatToken
            | FaultKind::Slow => return None,
        };
        Some(Served { answer: Answer { retry_after: self.retry_after, ..answer }, delivery })
    }

    /// What becomes of the answer once it was done.
    pub(super) fn after(self, answer: Answer) -> Served {
        let outage = |code| Answer::refusal(&Failure::outage(code));
        let (answer, delivery) = match self.kind {
            FaultKind::ErrorAfter => (outage(self.status.unwrap_or(503)), Delivery::Whole),
            FaultKind::PreconditionAfter => (Answer::refusal(&Failure::precondition()), Delivery::Whole),
            FaultKind::ResetAfter => (answer, Delivery::Reset),
            FaultKind::Truncate => (answer, Delivery::Truncated),
            FaultKind::Stall => (answer, Delivery::Stalled),
            FaultKind::Hang => (answer, Delivery::Hung),
            FaultKind::Silence => (answer, Delivery::Silent),
            FaultKind::Slow => (answer, Delivery::Slow(self.delay)),
            FaultKind::Partial
            | FaultKind::PrimaryLimit
            | FaultKind::SecondaryLimit
            | FaultKind::TooLarge
            | FaultKind::PushBefore
            | FaultKind::ErrorBefore
            | FaultKind::Throttle
            | FaultKind::Html
            | FaultKind::ResetBefore
            | FaultKind::RepeatToken
            | FaultKind::ArriveLate => (answer, Delivery::Whole),
        };
        Served { answer, delivery }
    }
}

/// What a request is about, as far as faults care. Lengths of time are service time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances<'a> {
    pub(super) method: Method,
    /// Since the start.
    pub(super) running: Duration,
    /// Since the first session was created.
    pub(super) used: Option<Duration>,
    /// Since the session was created that the request names.
    pub(super) age: Option<Duration>,
    /// The create of that session, or this one.
    pub(super) create: Option<&'a Create>,
    /// How many pull requests it asks for.
    pub(super) size: usize,
}

impl Circumstances<'_> {
    /// Whether such a request can meet the fault at all.
    fn can_meet(&self, fault: &Fault) -> bool {
        let since = match fault.since {
            Since::Start => Some(self.running),
            Since::FirstSession => self.used,
            Since::Session => self.age,
        };
        (fault.kind != FaultKind::TooLarge || self.size > fault.above.unwrap_or(50))
            && fault.on.as_slice().iter().any(|scope| scope.covers(self.method))
            && fault.during.is_none_or(|window| since.is_some_and(|since| window.holds(since)))
            && fault.when.as_ref().is_none_or(|when| self.create.is_some_and(|create| when.matches(create)))
    }
}

/// The scenario's faults and how often each was considered and happened.
#[derive(Debug)]
pub(super) struct Faults {
    rules: Vec<(Fault, Tally)>,
    dice: Dice,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    seen: u64,
    happened: u64,
}

impl Faults {
    pub(super) fn new(faults: Vec<Fault>, dice: Dice) -> Self {
        Self {
            rules: faults.into_iter().map(|fault| (fault, Tally::default())).collect(),
            dice: dice.with("faults"),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What happens to the next request: the first fault in the scenario's order. It only counts as having happened
    /// once [`Faults::happened`] says so.
    pub(super) fn draw(&mut self, circumstances: &Circumstances<'_>) -> Option<Mishap> {
        let mut drawn = None;
        for (index, (fault, tally)) in self.rules.iter_mut().enumerate() {
            if !circumstances.can_meet(fault) {
                continue;
            }
            tally.seen += 1;
            let spent = fault.times.is_some_and(|most| tally.happened >= most);
            let dice = self.dice.nth(index as u64).nth(tally.seen);
            if drawn.is_none() && !spent && strikes(fault, tally.seen, dice) {
                drawn = Some(mishap(fault, index, dice));
            }
        }
        drawn
    }

    pub(super) fn happened(&mut self, mishap: Mishap) {
        if let Some((_, tally)) = self.rules.get_mut(mishap.index) {
            tally.happened += 1;
        }
    }
}

fn strikes(fault: &Fault, seen: u64, dice: Dice) -> bool {
    if let Some(chance) = fault.probability {
        dice.unit() < chance
    } else if let Some(every) = fault.every {
        seen.is_multiple_of(every)
    } else if let Some(nth) = &fault.nth {
        nth.as_slice().contains(&seen)
    } else {
        true
    }
}

fn mishap(fault: &Fault, index: usize, dice: Dice) -> Mishap {
    let delay = fault.delay.map_or(Duration::from_secs(1), |span| span.draw(dice.with("delay")));
    let retry_after = fault.retry_after.map(|span| {
        let length = span.draw(dice.with("retry-after"));
        length.as_secs() + u64::from(length.subsec_nanos() > 0)
    });
    let share = fault.share.unwrap_or(0.3);
    Mishap { kind: fault.kind, status: fault.status, delay, retry_after, share, index }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(yaml: &str, seed: u64) -> Faults {
        Faults::new(serde_saphyr::from_str(yaml).unwrap(), Dice::new(seed))
    }

    fn to(method: Method) -> Circumstances<'static> {
        Circumstances { method, running: Duration::ZERO, used: None, age: None, create: None, size: 0 }
    }

    fn strikes_of(faults: &mut Faults, method: Method, count: usize) -> Vec<usize> {
        let mut struck = Vec::new();
        for n in 1..=count {
            if let Some(mishap) = faults.draw(&to(method)) {
                faults.happened(mishap);
                struck.push(n);
            }
        }
        struck
    }

    #[test]
    fn counting_triggers_count_requests_of_their_methods() {
        let yaml = "[{ kind: error-before, on: sessions.get, every: 3 }]";
        assert_eq!(strikes_of(&mut faults(yaml, 0), Method::SessionsGet, 9), [3, 6, 9]);
        assert!(strikes_of(&mut faults(yaml, 0), Method::SessionsList, 9).is_empty());
        let yaml = "[{ kind: error-before, nth: [1, 4] }]";
        assert_eq!(strikes_of(&mut faults(yaml, 0), Method::SessionsGet, 9), [1, 4]);
        let yaml = "[{ kind: error-before, times: 2 }]";
        assert_eq!(strikes_of(&mut faults(yaml, 0), Method::SessionsGet, 9), [1, 2]);
    }

    #[test]
    fn chance_is_repeatable_and_about_right() {
        let yaml = "[{ kind: reset-after, probability: 0.2 }]";
        let first = strikes_of(&mut faults(yaml, 1), Method::SessionsGet, 1_000);
        assert_eq!(first, strikes_of(&mut faults(yaml, 1), Method::SessionsGet, 1_000));
        assert_ne!(first, strikes_of(&mut faults(yaml, 2), Method::SessionsGet, 1_000));
        assert!((150..250).contains(&first.len()), "{}", first.len());
    }

    #[test]
    fn one_request_meets_one_fault() {
        let mut faults = faults("[{ kind: slow, every: 2, delay: 5ms }, { kind: html, every: 2 }]", 0);
        assert_eq!(faults.draw(&to(Method::SessionsGet)), None);
        let mishap = faults.draw(&to(Method::SessionsGet)).unwrap();
        assert_eq!((mishap.kind, mishap.delay), (FaultKind::Slow, Duration::from_millis(5)));
    }
}
