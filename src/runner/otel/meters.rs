//! Figures: sessions at work, what has ended and how, what was asked of the service, waits, what the day leaves.

use std::collections::HashSet;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter};

use crate::outcome::{ApiUsage, EventKind, Outcome, RunEvent, RunRecord};
use crate::plan::TaskId;

/// Upper bounds of how long attempts take, in seconds: from a minute to a day.
const BOUNDS: [f64; 10] = [60.0, 180.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0, 21_600.0, 86_400.0];

/// The instruments of an invocation.
pub(super) struct Meters {
    live: Gauge<u64>,
    tasks: Counter<u64>,
    attempts: Histogram<f64>,
    requests: Counter<u64>,
    retries: Counter<u64>,
    throttled: Counter<u64>,
    waited: Counter<f64>,
    left: Gauge<u64>,
    at_work: HashSet<(TaskId, u32)>,
    /// What was counted so far of the invocation.
    counted: ApiUsage,
}

impl Meters {
    pub(super) fn new(meter: &Meter) -> Self {
        let counter = |name: &'static str, about: &'static str, unit: &'static str| {
            meter.u64_counter(name).with_description(about).with_unit(unit).build()
        };
        let gauge = |name: &'static str, about: &'static str| {
            meter.u64_gauge(name).with_description(about).with_unit("{session}").build()
        };
        let attempts = meter.f64_histogram("jules_batch.attempt.duration").with_unit("s");
        let waited = meter.f64_counter("jules_batch.api.wait").with_unit("s");
        Self {
            live: gauge("jules_batch.sessions.live", "Sessions at work that this invocation follows"),
            tasks: counter("jules_batch.tasks.ended", "Tasks that have ended, by outcome", "{task}"),
            attempts: attempts
                .with_description("From the intent to create a session to its end, by outcome")
                .with_boundaries(BOUNDS.to_vec())
                .build(),
            requests: counter("jules_batch.api.requests", "Requests to the service, by method", "{request}"),
            retries: counter("jules_batch.api.retries", "Requests that were repeated", "{request}"),
            throttled: counter("jules_batch.api.throttled", "Answers with status 429", "{response}"),
            waited: waited.with_description("Time that requests have waited for our own limits").build(),
            left: gauge("jules_batch.sessions.left", "Sessions that limits.sessions-per-day leaves now"),
            at_work: HashSet::new(),
            counted: ApiUsage::default(),
        }
    }

    /// Takes note of an event; `record` has it already.
    pub(super) fn hear(&mut self, event: &RunEvent, record: &RunRecord) {
        match &event.kind {
            EventKind::SessionCreated { task, attempt, .. }
            | EventKind::SessionState { task, attempt, .. } => {
                // A session that was given up may tell of itself once more.
                let attempts = record.tasks.get(task).into_iter().flat_map(|known| &known.attempts);
                if attempts.into_iter().any(|it| it.number == *attempt && it.is_live()) {
                    self.at_work.insert((task.clone(), *attempt));
                }
                self.live.record(self.at_work.len() as u64, &[]);
            }
            EventKind::AttemptEnded { task, attempt, outcome, .. } => {
                self.at_work.remove(&(task.clone(), *attempt));
                self.live.record(self.at_work.len() as u64, &[]);
                let attempts = record.tasks.get(task).map(|known| &known.attempts);
                if let Some(known) = attempts.and_then(|all| all.iter().find(|it| it.number == *attempt)) {
                    let took = event.ts.duration_since(known.started_at).unsigned_abs();
                    self.attempts.record(took.as_secs_f64(), &[by(*outcome)]);
                }
            }
            EventKind::TaskEnded { outcome, .. } => self.tasks.add(1, &[by(*outcome)]),
            EventKind::ApiUsed { usage, service } => {
                self.count(usage);
                if let Some(left) = service.sessions_left {
                    self.left.record(left as u64, &[]);
                }
            }
            // What it leaves is no longer followed.
            EventKind::InvocationEnded { .. } => self.live.record(0, &[]),
            _ => {}
        }
    }

    /// An invocation's figures only grow.
    fn count(&mut self, usage: &ApiUsage) {
        for (method, count) in &usage.requests {
            let before = self.counted.requests.get(method).copied().unwrap_or_default();
            let method = KeyValue::new("jules_batch.api.method", method.clone());
            self.requests.add(count.saturating_sub(before), &[method]);
        }
        let counted = &self.counted;
        self.retries.add(usage.retries.saturating_sub(counted.retries), &[]);
        self.throttled.add(usage.throttled.saturating_sub(counted.throttled), &[]);
        let waited = Duration::from_millis(usage.waited_ms.saturating_sub(counted.waited_ms));
        self.waited.add(waited.as_secs_f64(), &[]);
        self.counted = usage.clone();
    }
}

fn by(outcome: Outcome) -> KeyValue {
    KeyValue::new("jules_batch.outcome", outcome.as_str())
}
