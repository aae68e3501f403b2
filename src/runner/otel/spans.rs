//! Spans: an invocation, the tasks that it works on, their attempts, and each create of a session.
//!
//! A poll asks for many sessions at once and belongs to no attempt: such requests are figures. What a session tells of its
//! course are events of its attempt's span.

use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

use foreign_text::{one_line, plain};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;

use crate::outcome::{EventKind, Outcome, RunEvent, RunRecord, SessionRef};
use crate::plan::TaskId;
use crate::runner::Redactor;

/// Bytes of a text of others.
const WORDS: usize = 300;

/// The spans of an invocation.
pub(super) struct Spans {
    tracer: SdkTracer,
    redactor: Redactor,
    run: Option<Context>,
    tasks: HashMap<TaskId, TaskSpans>,
    /// Tasks whose spans have ended: what is told of them after that begins none.
    ended: HashSet<TaskId>,
}

struct TaskSpans {
    task: Context,
    /// The one that is at work, with its number.
    attempt: Option<(u32, Context)>,
    create: Option<Context>,
}

impl Spans {
    pub(super) fn new(tracer: SdkTracer, redactor: Redactor) -> Self {
        Self { tracer, redactor, run: None, tasks: HashMap::new(), ended: HashSet::new() }
    }

    /// Takes note of an event; `record` has it already.
    pub(super) fn hear(&mut self, event: &RunEvent, record: &RunRecord) {
        let at = SystemTime::from(event.ts);
        match &event.kind {
            EventKind::InvocationStarted { invocation, .. } => self.begin(record, *invocation, at),
            EventKind::InvocationEnded { stopped } => self.end(stopped.as_deref(), at),
            EventKind::IntentRecorded { task, attempt, .. } => {
                self.attempt(task, *attempt, record, at);
                self.create(task, at);
            }
            EventKind::CreateRepeated { task, .. } => self.create(task, at),
            EventKind::CreateDoubted { task, cause, .. } => self.created(task, Err(cause), at),
            EventKind::CreateRefused { task, cause, .. } => {
                self.created(task, Err(cause), at);
                self.attempt_ended(task, Some(cause), &[], at);
            }
            EventKind::SessionCreated { task, attempt, session, adopted, .. } => {
                self.created(task, Ok(()), at);
                self.has_session(task, *attempt, session, *adopted, record, at);
            }
            EventKind::SessionState { task, attempt, state, .. } => {
                let state = KeyValue::new("jules.session.state", self.text(state));
                self.tell((task, *attempt), "session.state", vec![state], record, at);
            }
            EventKind::PlanApproved { task, attempt } => {
                self.tell((task, *attempt), "plan.approved", Vec::new(), record, at);
            }
            EventKind::Replied { task, attempt } => {
                self.tell((task, *attempt), "replied", Vec::new(), record, at);
            }
            EventKind::Nudged { task, attempt } => {
                self.tell((task, *attempt), "nudged", Vec::new(), record, at);
            }
            EventKind::SessionArchived { task, attempt } => {
                self.tell((task, *attempt), "session.archived", Vec::new(), record, at);
            }
            EventKind::AttemptEnded { task, attempt, outcome, reason, .. } => {
                if self.is_over(task, record) {
                    return;
                }
                self.attempt(task, *attempt, record, at);
                let why = is_bad(*outcome).then_some(reason.as_deref().unwrap_or_default());
                self.attempt_ended(task, why, &[outcome_of(*outcome)], at);
            }
            EventKind::TaskEnded { task, outcome, reason } => {
                self.task_ended(task, *outcome, reason.as_deref(), record, at);
            }
            _ => {}
        }
    }

    fn text(&self, text: &str) -> String {
        self.redactor.clean(&one_line(plain(text), WORDS)).into_owned()
    }

    fn span(
        &self,
        name: &'static str,
        (kind, at): (SpanKind, SystemTime),
        within: Option<&Context>,
        attributes: Vec<KeyValue>,
    ) -> Context {
        let builder = self.tracer.span_builder(name).with_kind(kind).with_start_time(at);
        let builder = builder.with_attributes(attributes);
        let none = Context::new();
        let within = within.unwrap_or(&none);
        Context::new().with_span(self.tracer.build_with_context(builder, within))
    }

    fn begin(&mut self, record: &RunRecord, invocation: u32, at: SystemTime) {
        let attributes = vec![
            KeyValue::new("jules_batch.run.id", record.info.id.to_string()),
            KeyValue::new("jules_batch.run.name", self.text(&record.info.name)),
            KeyValue::new("jules_batch.run.simulated", record.info.simulated),
            KeyValue::new("jules_batch.invocation", i64::from(invocation)),
        ];
        self.run = Some(self.span("run", (SpanKind::Internal, at), None, attributes));
    }

    /// What is still open is left to the next invocation.
    fn end(&mut self, stopped: Option<&str>, at: SystemTime) {
        for (_, spans) in self.tasks.drain() {
            let attempt = spans.attempt.map(|(_, attempt)| attempt);
            for open in [spans.create, attempt, Some(spans.task)].into_iter().flatten() {
                open.span().end_with_timestamp(at);
            }
        }
        let Some(run) = self.run.take() else { return };
        if let Some(why) = stopped {
            run.span().set_attribute(KeyValue::new("jules_batch.stopped", self.text(why)));
        }
        run.span().end_with_timestamp(at);
    }

    fn task(&mut self, task: &TaskId, record: &RunRecord, at: SystemTime) -> &mut TaskSpans {
        if !self.tasks.contains_key(task) {
            let mut attributes = vec![KeyValue::new("jules_batch.task.id", self.text(task.as_str()))];
            if let Some(known) = record.tasks.get(task) {
                attributes.push(KeyValue::new("jules_batch.job", self.text(known.planned.job.as_str())));
                if let Some(source) = &known.planned.source {
                    attributes.push(KeyValue::new("vcs.repository.name", self.text(&source.github)));
                    attributes.push(KeyValue::new("vcs.ref.base.name", self.text(&source.branch)));
                }
            }
            let span = self.span("task", (SpanKind::Internal, at), self.run.as_ref(), attributes);
            let spans = TaskSpans { task: span, attempt: None, create: None };
            self.tasks.insert(task.clone(), spans);
        }
        self.tasks.get_mut(task).expect("it was just put in")
    }

    fn attempt(&mut self, task: &TaskId, number: u32, record: &RunRecord, at: SystemTime) -> Context {
        let spans = self.task(task, record, at);
        if let Some((_, attempt)) = spans.attempt.as_ref().filter(|(open, _)| *open == number) {
            return attempt.clone();
        }
        let within = spans.task.clone();
        let attributes = vec![attempt_of(number)];
        let attempt = self.span("attempt", (SpanKind::Internal, at), Some(&within), attributes);
        let before = self.task(task, record, at).attempt.replace((number, attempt.clone()));
        before.inspect(|(_, before)| before.span().end_with_timestamp(at));
        attempt
    }

    /// Whether the task has ended, and nothing that is told of it is work on it.
    fn is_over(&self, task: &TaskId, record: &RunRecord) -> bool {
        !self.tasks.contains_key(task) && record.tasks.get(task).is_none_or(|known| known.outcome.is_some())
    }

    fn create(&mut self, task: &TaskId, at: SystemTime) {
        let Some(spans) = self.tasks.get(task) else { return };
        let within = spans.attempt.as_ref().map(|(_, attempt)| attempt.clone());
        let method = vec![KeyValue::new("http.request.method", "POST")];
        let create = self.span("sessions.create", (SpanKind::Client, at), within.as_ref(), method);
        let before = self.tasks.get_mut(task).and_then(|spans| spans.create.replace(create));
        before.inspect(|before| before.span().end_with_timestamp(at));
    }

    fn created(&mut self, task: &TaskId, result: Result<(), &String>, at: SystemTime) {
        let Some(create) = self.tasks.get_mut(task).and_then(|spans| spans.create.take()) else { return };
        if let Err(cause) = result {
            create.span().set_status(Status::error(self.text(cause)));
        }
        create.span().end_with_timestamp(at);
    }

    fn has_session(
        &mut self,
        task: &TaskId,
        attempt: u32,
        session: &SessionRef,
        adopted: bool,
        record: &RunRecord,
        at: SystemTime,
    ) {
        let attempt = self.attempt(task, attempt, record, at);
        attempt.span().set_attribute(KeyValue::new("jules.session.id", session.id.to_string()));
        attempt.span().set_attribute(KeyValue::new("jules_batch.adopted", adopted));
    }

    /// An event of the attempt's span; of the task's or the run's where that has ended.
    fn tell(
        &mut self,
        (task, number): (&TaskId, u32),
        what: &'static str,
        mut attributes: Vec<KeyValue>,
        record: &RunRecord,
        at: SystemTime,
    ) {
        let known = record.tasks.get(task);
        let is_at_work = known.is_some_and(|known| {
            let mut attempts = known.attempts.iter();
            known.outcome.is_none() && attempts.any(|it| it.number == number && it.is_at_work())
        });
        let open = self.tasks.get(task);
        let is_open = open.and_then(|it| it.attempt.as_ref()).is_some_and(|(open, _)| *open == number);
        if is_open || is_at_work {
            let attempt = self.attempt(task, number, record, at);
            return attempt.span().add_event_with_timestamp(what, at, attributes);
        }
        attributes.push(attempt_of(number));
        if open.is_none() {
            attributes.push(KeyValue::new("jules_batch.task.id", self.text(task.as_str())));
        }
        if let Some(within) = open.map(|spans| &spans.task).or(self.run.as_ref()) {
            within.span().add_event_with_timestamp(what, at, attributes);
        }
    }

    fn attempt_ended(&mut self, task: &TaskId, why: Option<&str>, attributes: &[KeyValue], at: SystemTime) {
        let attempt = self.tasks.get_mut(task).and_then(|spans| spans.attempt.take());
        let Some((_, attempt)) = attempt else { return };
        attempt.span().set_attributes(attributes.iter().cloned());
        if let Some(why) = why {
            attempt.span().set_status(Status::error(self.text(why)));
        }
        attempt.span().end_with_timestamp(at);
    }

    /// A task that was not worked on has no span, unless it has failed.
    fn task_ended(
        &mut self,
        task: &TaskId,
        outcome: Outcome,
        reason: Option<&str>,
        record: &RunRecord,
        at: SystemTime,
    ) {
        let failed = record.tasks.get(task).is_some_and(crate::outcome::TaskRecord::has_failed);
        let is_news = failed && !self.ended.contains(task);
        if !is_news && !self.tasks.contains_key(task) {
            return;
        }
        self.task(task, record, at);
        self.attempt_ended(task, None, &[outcome_of(outcome)], at);
        let Some(spans) = self.tasks.remove(task) else { return };
        self.ended.insert(task.clone());
        spans.task.span().set_attribute(outcome_of(outcome));
        if failed {
            spans.task.span().set_status(Status::error(self.text(reason.unwrap_or_default())));
        }
        spans.task.span().end_with_timestamp(at);
    }
}

fn attempt_of(number: u32) -> KeyValue {
    KeyValue::new("jules_batch.attempt", i64::from(number))
}

fn outcome_of(outcome: Outcome) -> KeyValue {
    KeyValue::new("jules_batch.outcome", outcome.as_str())
}

fn is_bad(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Failed | Outcome::NeedsInput | Outcome::TimedOut | Outcome::Stalled | Outcome::Error => true,
        Outcome::Succeeded | Outcome::NoChange | Outcome::Skipped | Outcome::Deferred | Outcome::Detached => {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};

    use super::*;
    use crate::outcome::sample;

    #[derive(Clone, Debug, Default)]
    struct Kept(Arc<Mutex<Vec<SpanData>>>);

    impl SpanExporter for Kept {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.0.lock().unwrap().extend(batch);
            Ok(())
        }
    }

    fn spans_of(events: &[RunEvent]) -> Vec<SpanData> {
        let kept = Kept::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
        let mut spans = Spans::new(provider.tracer("test"), Redactor::default());
        let mut record = RunRecord::begin(&events[0]).unwrap();
        for event in &events[1..] {
            record.apply(event);
            spans.hear(event, &record);
        }
        assert!(spans.tasks.is_empty() && spans.run.is_none(), "all have ended");
        let found = kept.0.lock().unwrap();
        found.clone()
    }

    #[test]
    fn a_run_has_its_tasks_these_their_attempts_and_these_their_creates() {
        let mut events = sample::run_of(2);
        events.push(sample::event(200, EventKind::InvocationEnded { stopped: None }));
        let spans = spans_of(&events);
        let named = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
        let parents = [("sessions.create", "attempt"), ("attempt", "task"), ("task", "run")];
        for (name, parent) in parents {
            assert_eq!(named(name).len(), 2, "{name}");
            let ids: Vec<_> = named(parent).iter().map(|span| span.span_context.span_id()).collect();
            assert!(named(name).iter().all(|span| ids.contains(&span.parent_span_id)), "{name}");
            assert!(named(name).iter().all(|span| span.start_time <= span.end_time), "{name}");
        }
        let trace = named("run")[0].span_context.trace_id();
        assert!(spans.iter().all(|span| span.span_context.trace_id() == trace));
        let has = |span: &SpanData, key: &str| span.attributes.iter().any(|it| it.key.as_str() == key);
        assert!(named("attempt").iter().all(|span| has(span, "jules.session.id")));
        assert!(named("task").iter().all(|span| has(span, "jules_batch.outcome")));
    }

    #[test]
    fn a_failure_is_an_error_and_what_is_open_at_the_end_is_none() {
        let mut events = sample::run_of(2);
        events.truncate(sample::EVENTS_BEFORE_TASKS + 2);
        for (task, session) in [("task-0", 1), ("task-1", 2)] {
            events.push(sample::event(80, sample::intent(task, 1)));
            events.push(sample::event(81, sample::created(task, 1, session)));
        }
        let why = Some("no\u{202E} luck\nat all");
        events.push(sample::event(83, sample::attempt_ended("task-0", 1, Outcome::Failed, why)));
        events.push(sample::event(84, sample::ended("task-0", Outcome::Failed, why)));
        events.push(sample::event(90, EventKind::InvocationEnded { stopped: Some("deadline".to_owned()) }));
        let spans = spans_of(&events);
        let failed: Vec<_> =
            spans.iter().filter(|span| matches!(span.status, Status::Error { .. })).collect();
        assert_eq!(failed.iter().map(|span| &*span.name).collect::<Vec<_>>(), ["attempt", "task"]);
        assert_eq!(failed[0].status, Status::error("no\u{FFFD} luck at all"));
        assert_eq!(spans.len(), 7, "a run, and three spans for each task");
    }

    #[test]
    fn what_is_told_of_a_task_after_its_end_begins_no_span() {
        let task = || TaskId::new("task-0");
        let archived = |attempt| EventKind::SessionArchived { task: task(), attempt };
        let mut events = sample::run_of(1);
        events.truncate(sample::EVENTS_BEFORE_TASKS + 1);
        events.extend([
            sample::event(10, sample::intent("task-0", 1)),
            sample::event(11, sample::created("task-0", 1, 1)),
            sample::event(20, sample::attempt_ended("task-0", 1, Outcome::Stalled, None)),
            sample::event(21, sample::intent("task-0", 2)),
            // Of the attempt before, while another is at work.
            sample::event(22, archived(1)),
            sample::event(23, sample::created("task-0", 2, 2)),
            sample::event(30, sample::attempt_ended("task-0", 2, Outcome::Stalled, None)),
            sample::event(30, sample::ended("task-0", Outcome::Stalled, None)),
            sample::event(31, archived(2)),
            sample::event(32, sample::state("task-0", 2, "PAUSED")),
            sample::event(33, sample::attempt_ended("task-0", 2, Outcome::Failed, None)),
            sample::event(33, sample::ended("task-0", Outcome::Failed, None)),
            sample::event(40, EventKind::InvocationEnded { stopped: None }),
        ]);
        let spans = spans_of(&events);
        let count = |name: &str| spans.iter().filter(|span| span.name == name).count();
        assert_eq!([count("run"), count("task"), count("attempt")], [1, 1, 2]);
        let told = |name: &str| -> Vec<_> {
            let spans = spans.iter().filter(|span| span.name == name);
            spans.flat_map(|span| span.events.iter().map(|it| it.name.clone())).collect()
        };
        assert_eq!(told("task"), ["session.archived"]);
        assert_eq!(told("run"), ["session.archived", "session.state"]);
        assert!(told("attempt").is_empty());
    }

    #[test]
    fn a_task_that_is_done_once_more_has_spans_again() {
        let mut events = sample::run_of(1);
        events.extend([
            sample::event(70, EventKind::TaskReopened { task: TaskId::new("task-0") }),
            sample::event(70, sample::intent("task-0", 2)),
            sample::event(71, sample::created("task-0", 2, 7)),
            sample::event(80, sample::attempt_ended("task-0", 2, Outcome::Failed, None)),
            sample::event(80, sample::ended("task-0", Outcome::Failed, None)),
            sample::event(90, EventKind::InvocationEnded { stopped: None }),
        ]);
        let spans = spans_of(&events);
        let count = |name: &str| spans.iter().filter(|span| span.name == name).count();
        assert_eq!([count("task"), count("attempt"), count("sessions.create")], [2, 2, 2]);
    }
}
