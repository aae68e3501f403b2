//! What of a run is worth a message.

use crate::outcome::{EventKind, Outcome, RunRecord, is_waiting};
use crate::report::Occasion;

/// Knows what was told of an invocation.
#[derive(Debug, Default)]
pub(super) struct Occasions {
    has_failed: bool,
}

impl Occasions {
    /// What the event is an occasion for; `record` has it already.
    pub(super) fn of(&mut self, event: &EventKind, record: &RunRecord) -> Option<Occasion> {
        match event {
            EventKind::InvocationStarted { .. } => {
                self.has_failed = false;
                None
            }
            EventKind::TaskEnded { task, outcome, .. } => {
                let known = record.tasks.get(task)?;
                let state = known.last_attempt().and_then(|attempt| attempt.state.as_deref());
                if *outcome == Outcome::NeedsInput
                    || (*outcome == Outcome::Detached && state.is_some_and(is_waiting))
                {
                    return Some(Occasion::Needs);
                }
                let is_first = known.has_failed() && !self.has_failed;
                self.has_failed |= is_first;
                is_first.then_some(Occasion::Failure)
            }
            EventKind::InvocationEnded { .. } => Some(Occasion::End),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{RunEvent, sample};

    fn told(events: &[RunEvent]) -> Vec<Occasion> {
        let mut record = RunRecord::begin(&events[0]).unwrap();
        let mut occasions = Occasions::default();
        let mut told = Vec::new();
        for event in &events[1..] {
            record.apply(event);
            told.extend(occasions.of(&event.kind, &record));
        }
        told
    }

    fn run_with(ends: &[(Outcome, &str)]) -> Vec<RunEvent> {
        let mut events = sample::run_of(u32::try_from(ends.len()).unwrap());
        events.truncate(sample::EVENTS_BEFORE_TASKS + ends.len());
        for (n, (outcome, state)) in (0..).zip(ends) {
            let task = format!("task-{n}");
            events.push(sample::event(80, sample::intent(&task, 1)));
            events.push(sample::event(81, sample::created(&task, 1, n)));
            events.push(sample::event(82, sample::state(&task, 1, state)));
            events.push(sample::event(84, sample::ended(&task, *outcome, None)));
        }
        events.push(sample::event(90, EventKind::InvocationEnded { stopped: None }));
        events
    }

    #[test]
    fn only_the_first_failure_is_one_and_every_question_is() {
        let asks = (Outcome::NeedsInput, "AWAITING_USER_FEEDBACK");
        let fails = (Outcome::Failed, "FAILED");
        assert_eq!(
            told(&run_with(&[(Outcome::Succeeded, "COMPLETED"), asks, fails, asks, fails])),
            [Occasion::Needs, Occasion::Failure, Occasion::Needs, Occasion::End]
        );
    }

    #[test]
    fn a_session_that_was_left_waiting_needs_a_person_and_one_at_work_does_not() {
        let left = [(Outcome::Detached, "AWAITING_PLAN_APPROVAL"), (Outcome::Detached, "IN_PROGRESS")];
        assert_eq!(told(&run_with(&left)), [Occasion::Needs, Occasion::End]);
    }
}
