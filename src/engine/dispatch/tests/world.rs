//! A service that answers the dispatcher's actions in any order, loses answers, and remembers what it created.

mod service;
mod session;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use self::session::Played;
use super::super::{Dispatch, Turn};
use crate::engine::action::{Action, Purpose};
use crate::engine::input::{Input, Now, Polled, Seen};
use crate::engine::{Options, StopReason, look_back};
use crate::outcome::{AttemptRecord, EventKind, Marker, Outcome, RunEvent, RunId, RunInfo, RunRecord};
use crate::plan::{Plan, TaskId, TaskKey};
use jules::SessionId;

/// How the service behaves; each a probability.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manners {
    /// A POST's answer is lost, whether or not it was processed.
    pub(super) lost_answer: f64,
    /// Every POST was processed whose answer is lost.
    pub(super) processed: bool,
    /// A POST is refused for capacity.
    pub(super) refused: f64,
    /// Any other request fails.
    pub(super) failure: f64,
    /// A session fails instead of completing.
    pub(super) fails: f64,
    /// A session never ends.
    pub(super) hangs: f64,
    /// A session asks before it goes on.
    pub(super) asks: f64,
    /// A session completes with a question instead of working; an answer wakes it.
    pub(super) asks_last: f64,
    /// A session completes right after its plan.
    pub(super) idles: f64,
    /// The process dies, at each step.
    pub(super) crash: f64,
    /// Searches for a session in doubt fail, all of them.
    pub(super) searches_fail: bool,
    /// Any request is refused for the key.
    pub(super) key_refused: f64,
    /// They are refused for the key.
    pub(super) key_lost: bool,
    /// No read is answered for up to three hours, at each step; and everything that is not awaited goes on.
    pub(super) outage: f64,
    /// The process sleeps for up to three hours, at each step.
    pub(super) sleep: f64,
    /// The list shows sessions under titles of the service's own.
    pub(super) renames: bool,
    /// How long a new session is missing from the list.
    pub(super) lag: Duration,
    /// An answer is on its way for long: it shows what was true before.
    pub(super) late: f64,
    /// No archive is ever answered, nor done.
    pub(super) archives_hang: bool,
}

/// The service, the ledger, and the process under test.
pub(super) struct World {
    pub(super) plan: Arc<Plan>,
    pub(super) record: RunRecord,
    pub(super) options: Options,
    /// When the ledger's first run began.
    first_run: Timestamp,
    pub(super) manners: Manners,
    rng: fastrand::Rng,
    pub(super) now: Now,
    sessions: BTreeMap<SessionId, Played>,
    /// Requests that were made then.
    pending: Vec<(Instant, Action)>,
    /// Answers on their way.
    answers: Vec<Input>,
    outage_until: Instant,
    pub(super) live_max: usize,
    /// The same of one repository.
    pub(super) repository_max: usize,
    /// Creates in doubt whose time was over before they could be searched for: the process slept, or nothing answered.
    pub(super) unknown: usize,
    /// Sessions that were created beside a live one of the same task.
    pub(super) twins: usize,
    pub(super) steps: usize,
    pub(super) crashes: usize,
    /// What was told in notes.
    pub(super) notes: Vec<String>,
    /// Readings of activities that are only shown.
    pub(super) shown: Vec<(Instant, SessionId)>,
    /// POSTs, and events of POSTs.
    posts: usize,
    posts_on_record: usize,
}

impl World {
    pub(super) fn new(plan: Plan, manners: Manners, seed: u64) -> Self {
        let wall: Timestamp = "2026-11-22T02:00:05Z".parse().unwrap();
        let now = Now { instant: Instant::now(), wall };
        Self {
            record: begun(&plan, wall, 0x7c1f),
            plan: Arc::new(plan),
            first_run: wall,
            options: Options { seed, key_has_worked: true, ..Options::default() },
            manners,
            rng: fastrand::Rng::with_seed(seed),
            now,
            sessions: BTreeMap::new(),
            pending: Vec::new(),
            answers: Vec::new(),
            outage_until: now.instant,
            live_max: 0,
            repository_max: 0,
            unknown: 0,
            twins: 0,
            steps: 0,
            crashes: 0,
            notes: Vec::new(),
            shown: Vec::new(),
            posts: 0,
            posts_on_record: 0,
        }
    }

    /// The ledger is gone: a new run begins, which knows nothing.
    pub(super) fn lose_ledger(&mut self) {
        self.record = begun(&self.plan, self.now.wall, 0x2d6a);
        self.first_run = self.now.wall;
    }

    /// The ledger is an old copy: what was recorded since is gone.
    pub(super) fn restore_ledger(&mut self, copy: RunRecord) {
        self.record = copy;
    }

    /// The next invocation looks back as far as its ledger asks for.
    fn look_back(&mut self) {
        let last = Some(&self.record).filter(|record| record.invocations > 0);
        self.options.look_back = Some(look_back(last, Some(self.first_run), &self.plan, self.now.wall));
    }

    /// A person answers every session, which does not wake, this long before the next invocation.
    pub(super) fn answer_by_hand(&mut self, before: Duration) {
        for played in self.sessions.values_mut() {
            (played.wakes_in, played.answered) = (Some(u32::MAX), Some(self.now.wall));
        }
        self.pass(before);
    }

    /// An invocation that is killed before its first request is answered.
    pub(super) fn invoke_and_die_at_once(&mut self) {
        self.look_back();
        let mut dispatch = Dispatch::new(self.plan.clone(), &self.record, self.options.clone(), self.now);
        dispatch.open(&self.record, self.now);
        self.keep(dispatch.take_turn());
        self.pending.clear();
    }

    /// One invocation after the other until one is not killed.
    pub(super) fn run_to_end(&mut self, stop: Option<(usize, StopReason)>) -> Option<StopReason> {
        loop {
            if let Some(stopped) = self.invoke(stop) {
                return stopped;
            }
            self.crashes += 1;
            // Requests that had left are processed or not; their answers are lost either way.
            for (asked, action) in std::mem::take(&mut self.pending) {
                if self.rng.bool() {
                    self.answer(asked, action);
                }
            }
            self.answers.clear();
        }
    }

    /// One invocation; `None` if it was killed.
    fn invoke(&mut self, stop: Option<(usize, StopReason)>) -> Option<Option<StopReason>> {
        self.look_back();
        let mut dispatch = Dispatch::new(self.plan.clone(), &self.record, self.options.clone(), self.now);
        dispatch.open(&self.record, self.now);
        self.keep(dispatch.take_turn());
        while !dispatch.is_done() {
            self.steps += 1;
            assert!(self.steps < 200_000, "the run does not end: {dispatch:#?}");
            if self.crashes < 5 && self.rng.f64() < self.manners.crash {
                return None;
            }
            let input = match stop {
                Some((at, reason)) if at == self.steps => Input::Stop(reason),
                _ => self.next_input(&mut dispatch),
            };
            dispatch.handle(input, self.now);
            self.keep(dispatch.take_turn());
        }
        self.pending.clear();
        self.answers.clear();
        Some(dispatch.stopped())
    }

    fn next_input(&mut self, dispatch: &mut Dispatch) -> Input {
        let moment = Duration::from_millis(self.rng.u64(0..200));
        self.pass(moment);
        self.mishap();
        if !self.answers.is_empty() && self.rng.f64() < 0.2 {
            let input = self.answers.swap_remove(self.rng.usize(0..self.answers.len()));
            return self.deliver(input);
        }
        if !self.pending.is_empty() && self.rng.f64() < 0.8 {
            let place = self.rng.usize(0..self.pending.len());
            let is_turn = |(_, action): &(Instant, Action)| matches!(action, Action::Turn { .. });
            // Turns come in the order in which they were asked for.
            let first = self.pending.iter().position(is_turn).filter(|_| is_turn(&self.pending[place]));
            let (asked, action) = self.pending.remove(first.unwrap_or(place));
            if self.manners.archives_hang && matches!(action, Action::Archive { .. }) {
                return Input::Tick;
            }
            let answer = self.answer(asked, action);
            if self.rng.f64() >= self.manners.late {
                return self.deliver(answer);
            }
            self.answers.push(answer);
        }
        if let Some(at) = dispatch.wake_at() {
            // A request under way is answered, or times out, within half a minute.
            let is_idle = self.pending.is_empty() && self.answers.is_empty();
            let most = if is_idle { Duration::MAX } else { Duration::from_secs(30) };
            self.pass(at.saturating_duration_since(self.now.instant).min(most));
        } else {
            let is_any = !self.pending.is_empty() || !self.answers.is_empty();
            assert!(is_any, "nothing is under way and nothing is awaited: {dispatch:#?}");
        }
        Input::Tick
    }

    /// An outage, or a process that is stopped for a while: the sessions go on either way.
    fn mishap(&mut self) {
        let long = Duration::from_secs(self.rng.u64(1..3 * 60 * 60));
        if self.rng.f64() < self.manners.outage {
            self.outage_until = self.outage_until.max(self.now.instant + long);
        }
        if self.rng.f64() < self.manners.sleep {
            self.pass(long);
            (0..12).for_each(|_| self.go_on());
        }
    }

    /// The answer arrives: what it shows is known from here on.
    fn deliver(&mut self, input: Input) -> Input {
        let seen: Vec<(&Seen, Instant)> = match &input {
            Input::Polled(Polled::One { asked, result: Ok(seen), .. })
            | Input::Rechecked { asked, result: Ok(seen), .. } => vec![(seen, *asked)],
            Input::Polled(Polled::Page { asked, result: Ok(page), lean, .. }) => {
                let shown = page.found.iter().map(|(_, seen)| seen);
                shown.filter(|seen| !lean || !seen.is_over()).map(|seen| (seen, *asked)).collect()
            }
            _ => Vec::new(),
        };
        for (seen, asked) in seen {
            let played = self.sessions.get_mut(&seen.id).unwrap();
            played.looked = played.looked.max(Some(asked));
        }
        input
    }

    /// A verdict without a look, and another attempt at what was done or is at work, are what must never be.
    fn judge(&mut self, kind: &EventKind) {
        let of = |task: &TaskId, attempt: u32| {
            let attempts = &self.record.tasks[task].attempts;
            let session = attempts.iter().find(|known| known.number == attempt)?.session.as_ref()?;
            Some(&self.sessions[&session.id])
        };
        let is_looked_at = |played: &Played| {
            played.looked.is_some_and(|at| self.now.instant - at <= self.plan.settings.poll.interval)
        };
        match kind {
            EventKind::AttemptEnded {
                task,
                attempt,
                outcome: Outcome::TimedOut | Outcome::Stalled | Outcome::Error,
                reason,
                ..
            } => {
                if let Some(played) = of(task, *attempt) {
                    // What is in the archive stays as it is.
                    let is_known = played.seen.archived || is_looked_at(played);
                    assert!(is_known, "{task} was given up unseen: {reason:?}");
                }
            }
            EventKind::AttemptEnded {
                task,
                attempt,
                outcome: Outcome::Succeeded | Outcome::NoChange,
                ..
            } => {
                let made = of(task, *attempt).is_some_and(|played| played.seen.work.pull_request.is_some());
                assert!(made, "{task} is done without any work");
            }
            EventKind::AttemptEnded { task, attempt, outcome: Outcome::NeedsInput, reason, .. } => {
                let reason = reason.as_deref().unwrap_or_default();
                let is_told = reason == "Which way?" || reason.ends_with("what it asks is not known");
                assert!(is_told, "attempt {attempt} of {task}: {reason}");
            }
            EventKind::IntentRecorded { task, attempt, .. } if *attempt > 1 => {
                if let Some(played) = of(task, attempt - 1) {
                    let done = played.seen.work.pull_request.is_some();
                    let is_told = self.options.again.contains(task);
                    assert!(!done || is_told, "attempt {attempt} of {task} does again what is done");
                    assert!(played.seen.is_over(), "attempt {attempt} of {task} runs beside another");
                    assert!(is_looked_at(played), "attempt {attempt} of {task} begins unseen");
                }
            }
            EventKind::TaskEnded { task, outcome: Outcome::Detached, .. } => {
                let last = self.record.tasks[task].attempts.last();
                self.unknown += usize::from(last.is_some_and(AttemptRecord::is_open_intent));
            }
            _ => {}
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now.instant += time;
        self.now.wall += time;
    }

    fn keep(&mut self, turn: Turn) {
        for kind in turn.events {
            self.judge(&kind);
            if let EventKind::Noted { note, .. } = &kind {
                self.notes.push(note.clone());
            }
            let is_post = matches!(
                &kind,
                EventKind::IntentRecorded { send_by: Some(_), .. } | EventKind::CreateRepeated { .. }
            );
            self.posts_on_record += usize::from(is_post);
            let event = RunEvent { seq: self.record.last_seq + 1, ts: self.now.wall, kind };
            // What is stored is what is read back.
            let stored: RunEvent = serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap();
            self.record.apply(&stored);
        }
        let asked = self.now.instant;
        let is_shown = |action: &Action| match action {
            Action::Read { session, purpose: Purpose::Show, .. } => Some((asked, session.clone())),
            _ => None,
        };
        self.shown.extend(turn.actions.iter().filter_map(is_shown));
        self.pending.extend(turn.actions.into_iter().map(|action| (asked, action)));
        let is_at_work = |attempt: &AttemptRecord| match &attempt.session {
            // One that has ended and is followed for what it has made is in nobody's way.
            Some(session) => attempt.is_live() && !self.sessions[&session.id].seen.state.is_terminal(),
            None => attempt.is_open_intent(),
        };
        let live = self
            .record
            .tasks
            .values()
            .filter(|task| task.outcome.is_none() && task.attempts.last().is_some_and(is_at_work));
        let mut of_repositories: BTreeMap<_, usize> = BTreeMap::new();
        let mut count = 0;
        for task in live {
            count += 1;
            if let Some(source) = &task.planned.source {
                *of_repositories.entry(source.github.to_lowercase()).or_default() += 1;
            }
        }
        self.live_max = self.live_max.max(count);
        self.repository_max = of_repositories.into_values().fold(self.repository_max, usize::max);
    }

    /// A session that another run has left live.
    pub(super) fn session_of_another_run(&mut self) -> SessionId {
        let marker = Marker::new(&TaskKey::new("ffffffff00000000"), &self.record.info.id, 1);
        self.play(&marker, false).id
    }

    /// Whether that one has ended.
    pub(super) fn is_over(&self, session: &SessionId) -> bool {
        self.sessions[session].seen.is_over()
    }

    /// Markers that more than one session carries.
    pub(super) fn duplicates(&self) -> usize {
        let mut markers: Vec<_> = self.sessions.values().filter_map(|played| played.seen.marker()).collect();
        let all = markers.len();
        markers.sort();
        markers.dedup();
        all - markers.len()
    }

    /// Sessions that no attempt of the record knows and no open intent will search for.
    pub(super) fn lost(&self) -> Vec<Seen> {
        self.list().into_iter().filter(|seen| !self.is_known(seen)).collect()
    }

    fn is_known(&self, seen: &Seen) -> bool {
        let mut attempts = self.record.tasks.values().flat_map(|task| &task.attempts);
        attempts.any(|attempt| match &attempt.session {
            Some(session) => session.id == seen.id,
            None => attempt.is_open_intent() && seen.marker().as_ref() == Some(&attempt.marker),
        })
    }

    /// Strays are only what a create in doubt left. Whoever runs the task again finds it.
    pub(super) fn are_strays_expected(&self) -> bool {
        let mut strays = self.record.strays.iter().map(|stray| &self.sessions[&stray.session.id].seen);
        self.record.strays.is_empty() || self.unknown > 0 && strays.all(|seen| self.is_known(seen))
    }

    /// How many sessions are in the archive.
    pub(super) fn archived(&self) -> usize {
        self.sessions.values().filter(|played| played.seen.archived).count()
    }

    pub(super) fn created(&self) -> usize {
        self.sessions.len()
    }
}

pub(super) fn begun(plan: &Plan, wall: Timestamp, random: u16) -> RunRecord {
    let run = RunInfo {
        id: RunId::new(wall, random),
        name: plan.name.clone(),
        manifest: plan.manifest.clone(),
        file: None,
        simulated: true,
    };
    RunRecord::begin(&RunEvent { seq: 1, ts: wall, kind: EventKind::RunStarted { run } }).unwrap()
}
