//! Tells people and programs elsewhere of a run (`notify`): what is worth a message is decided here, beside the run, and
//! sent by a thread that nothing waits for but the end, and that not for long.

mod endpoint;
mod occasions;
mod pacing;
mod sending;

use std::time::{Duration, Instant};

use endpoint::Endpoint;
pub(super) use endpoint::endpoints;
pub(crate) use endpoint::webhooks;
use occasions::Occasions;
use pacing::Pacing;
use sending::{Message, Post};

use jiff::Timestamp;

use super::Redactor;
use crate::outcome::{EventKind, JournalError, Listener, Role, RunEvent, RunRecord};
use crate::plan::NotifyOn;
use crate::report::{Occasion, ReportV1, notice};

const HOUR: Duration = Duration::from_secs(60 * 60);
/// How long the end of a run waits for its messages; and when somebody wants it to end.
const PATIENCE: Duration = Duration::from_secs(10);
const HURRY: Duration = Duration::from_secs(2);

/// Hears of a run and tells others of it.
pub(super) struct Notifier {
    record: RunRecord,
    occasions: Occasions,
    webhooks: Vec<(Pacing, Endpoint)>,
    redactor: Redactor,
    post: Option<Post>,
    patience: Duration,
}

impl Notifier {
    /// For a run that stands like `record` now; none if nobody is to be told.
    pub(super) fn new(
        record: &RunRecord,
        now: Timestamp,
        endpoints: Vec<Endpoint>,
        max_per_hour: u32,
        redactor: Redactor,
    ) -> Option<Self> {
        let gap = HOUR / max_per_hour.max(1);
        let next = quiet(record, now, gap).map(|quiet| Instant::now() + quiet);
        let paced = |endpoint: Endpoint| {
            (Pacing::new(gap, endpoint.on.iter().copied().map(occasion), next), endpoint)
        };
        let webhooks: Vec<_> = endpoints.into_iter().map(paced).collect();
        let (record, occasions) = (record.clone(), Occasions::default());
        let it = Self { record, occasions, webhooks, redactor, post: None, patience: PATIENCE };
        (!it.webhooks.is_empty()).then_some(it)
    }

    /// Hands out the messages that are due.
    fn send(&mut self, now: Instant, at_end: bool) {
        let mut report = None;
        let mut messages = Vec::new();
        for (pacing, endpoint) in &mut self.webhooks {
            let Some(occasions) = pacing.take(now, at_end) else { continue };
            let report = report.get_or_insert_with(|| ReportV1::of(&self.record));
            let payload = notice(report, &occasions, endpoint.sink()).to_string();
            let body = self.redactor.clean(&payload).into_owned();
            messages.push(Message { endpoint: endpoint.clone(), body: foreign_text::json(body) });
        }
        if !messages.is_empty() {
            self.post.get_or_insert_with(Post::open).take(messages);
        }
    }
}

impl Listener for Notifier {
    fn role(&self) -> Role {
        Role::Remote
    }

    fn hear(&mut self, events: &[RunEvent]) -> Result<(), JournalError> {
        for event in events {
            self.record.apply(event);
            if let Some(occasion) = self.occasions.of(&event.kind, &self.record) {
                self.webhooks.iter_mut().for_each(|(pacing, _)| pacing.note(occasion));
            }
            if let EventKind::InvocationEnded { stopped: Some(why) } = &event.kind
                && matches!(why.as_str(), "interrupt" | "terminate")
            {
                self.patience = HURRY;
            }
        }
        Ok(())
    }

    fn tick(&mut self, now: Instant) -> Result<Option<Instant>, JournalError> {
        self.send(now, false);
        Ok(self.webhooks.iter().filter_map(|(pacing, _)| pacing.due()).min())
    }

    fn finish(&mut self) -> Result<(), JournalError> {
        self.send(Instant::now(), true);
        if let Some(post) = self.post.take() {
            post.close(self.patience);
        }
        Ok(())
    }
}

/// How long a run that goes on says nothing: its last message went out no later than at the end of the invocation before.
fn quiet(record: &RunRecord, now: Timestamp, gap: Duration) -> Option<Duration> {
    let since = Duration::try_from(now.duration_since(record.ended_at?)).unwrap_or_default();
    gap.checked_sub(since)
}

const fn occasion(on: NotifyOn) -> Occasion {
    match on {
        NotifyOn::End => Occasion::End,
        NotifyOn::FirstFailure => Occasion::Failure,
        NotifyOn::NeedsHuman => Occasion::Needs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::sample;

    #[test]
    fn the_bound_an_hour_counts_from_the_end_of_the_invocation_before() {
        let mut record = RunRecord::begin(&sample::run_of(1)[0]).unwrap();
        let gap = Duration::from_secs(600);
        assert_eq!(quiet(&record, sample::at(9), gap), None, "it begins");
        record.apply(&sample::event(60, EventKind::InvocationEnded { stopped: None }));
        let after = |seconds| quiet(&record, sample::at(60) + Duration::from_secs(seconds), gap);
        assert_eq!(after(200), Some(Duration::from_secs(400)));
        assert_eq!((after(600), after(601)), (Some(Duration::ZERO), None));
        assert_eq!(quiet(&record, sample::at(0), gap), Some(gap), "a clock that went back");
    }
}
