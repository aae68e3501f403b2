//! When a webhook's next message may go: at most so many an hour, evenly spread, and what waits goes together.

use std::time::{Duration, Instant};

use crate::report::Occasion;

/// What one webhook is told, and when.
#[derive(Debug)]
pub(super) struct Pacing {
    gap: Duration,
    on: Vec<Occasion>,
    /// In the order of what they are; each once.
    waiting: Vec<Occasion>,
    /// Before that nothing is sent; none before the first message.
    next: Option<Instant>,
}

impl Pacing {
    /// Messages `gap` apart, for these occasions; none before `next`.
    pub(super) fn new(gap: Duration, on: impl Iterator<Item = Occasion>, next: Option<Instant>) -> Self {
        Self { gap, on: on.collect(), waiting: Vec::new(), next }
    }

    /// Something has happened.
    pub(super) fn note(&mut self, occasion: Occasion) {
        if self.on.contains(&occasion) && !self.waiting.contains(&occasion) {
            self.waiting.push(occasion);
            self.waiting.sort();
        }
    }

    /// When the next message goes; none as long as there is nothing to say, and when the end is about to say it.
    pub(super) fn due(&self) -> Option<Instant> {
        let is_quiet = self.waiting.is_empty() || self.waiting.contains(&Occasion::End);
        self.next.filter(|_| !is_quiet)
    }

    /// What the message that is due is about. The one at the end waits for nothing.
    pub(super) fn take(&mut self, now: Instant, at_end: bool) -> Option<Vec<Occasion>> {
        let is_early = self.next.is_some_and(|next| now < next) || self.waiting.contains(&Occasion::End);
        if self.waiting.is_empty() || (is_early && !at_end) {
            return None;
        }
        self.next = Some(now + self.gap);
        Some(std::mem::take(&mut self.waiting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_secs(600);

    fn pacing(on: &[Occasion]) -> Pacing {
        Pacing::new(GAP, on.iter().copied(), None)
    }

    #[test]
    fn the_first_message_goes_at_once_and_what_follows_goes_together_later() {
        let mut pacing = pacing(&[Occasion::Failure, Occasion::Needs, Occasion::End]);
        let start = Instant::now();
        assert_eq!(pacing.take(start, false), None, "nothing has happened");
        pacing.note(Occasion::Needs);
        assert_eq!(pacing.take(start, false), Some(vec![Occasion::Needs]));
        for occasion in [Occasion::Needs, Occasion::Failure, Occasion::Needs] {
            pacing.note(occasion);
        }
        assert_eq!(pacing.take(start + GAP / 2, false), None);
        assert_eq!(pacing.due(), Some(start + GAP));
        assert_eq!(pacing.take(start + GAP, false), Some(vec![Occasion::Failure, Occasion::Needs]));
        assert_eq!((pacing.due(), pacing.take(start + 9 * GAP, false)), (None, None));
    }

    #[test]
    fn the_end_takes_along_what_waits_and_waits_for_nothing() {
        let mut pacing = pacing(&[Occasion::Needs, Occasion::End]);
        let start = Instant::now();
        pacing.note(Occasion::Needs);
        pacing.take(start, false).unwrap();
        pacing.note(Occasion::Needs);
        pacing.note(Occasion::End);
        assert_eq!((pacing.due(), pacing.take(start + GAP, false)), (None, None), "the end is near");
        assert_eq!(pacing.take(start, true), Some(vec![Occasion::Needs, Occasion::End]));
        assert_eq!(pacing.take(start, true), None, "there is nothing to say twice");
    }

    #[test]
    fn a_run_that_goes_on_is_quiet_until_its_turn_has_come() {
        let start = Instant::now();
        let mut pacing = Pacing::new(GAP, [Occasion::Needs].into_iter(), Some(start + GAP / 2));
        pacing.note(Occasion::Needs);
        assert_eq!((pacing.take(start, false), pacing.due()), (None, Some(start + GAP / 2)));
        assert_eq!(pacing.take(start + GAP / 2, false), Some(vec![Occasion::Needs]));
        pacing.note(Occasion::Needs);
        assert_eq!(pacing.take(start + GAP, false), None, "half a gap after the message before");
    }

    #[test]
    fn what_nobody_has_asked_for_is_not_told() {
        let mut pacing = pacing(&[Occasion::Needs]);
        pacing.note(Occasion::Failure);
        pacing.note(Occasion::End);
        assert_eq!(pacing.take(Instant::now(), true), None);
    }
}
