//! The loop: turns answers, timers and signals into inputs, and turns into events and requests.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use jiff::Timestamp;
use tokio::sync::mpsc::Receiver;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::act::{Account, Rates};
use super::action::Action;
use super::ask::Ask;
use super::clocks::Clocks;
use super::dispatch::Dispatch;
use super::input::{Input, Now};
use super::journal::{Journal, News};
use super::late::Late;
use super::status::Told;
use super::stop::StopReason;
use super::turn::Turns;
use super::{AtEnd, Between, Finished, Observers, Setup, act, status};
use crate::outcome::{ApiUsage, EventKind, JournalError, Outcome, RunEvent, RunRecord, TaskRecord};
use crate::plan::{Plan, PreviousAttempt};
use jules::{Gate, Jules};

/// How often the request counts are recorded while a run goes on.
const USAGE_EVERY: Duration = Duration::from_secs(5);
/// How often it is looked whether the service answers, and whether held tasks may begin by time alone.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often held tasks are judged at most while others end.
const JUDGE_EVERY: Duration = Duration::from_millis(100);

pub(super) struct Loop {
    plan: Arc<Plan>,
    api: Jules,
    dispatch: Dispatch,
    record: RunRecord,
    clean: Box<dyn Fn(RunEvent) -> RunEvent>,
    journal: Journal<Action>,
    stops: Receiver<StopReason>,
    requests: JoinSet<Input>,
    /// Open as long as what was decided before may still be sent.
    gate: Gate,
    /// Turns of creates.
    turns: Turns,
    /// What the run shares with others.
    account: Option<Account>,
    /// What each request under way is for, should its task panic.
    under_way: HashMap<Id, Action>,
    usage: ApiUsage,
    usage_due: Instant,
    told: Told,
    look_due: Instant,
    /// When held tasks are judged next.
    judge_at: Instant,
    between: Option<Between>,
    /// What is being asked elsewhere.
    reading: Option<LocalBoxFuture<'static, Vec<EventKind>>>,
    at_end: Option<AtEnd>,
    late: Late,
}

impl Loop {
    pub(super) fn new(setup: Setup, observers: Observers, stops: Receiver<StopReason>) -> Self {
        let Setup { plan, api, record, mut options, between, at_end, account, late } = setup;
        // It was asked before.
        options.clocks = Clocks::of(api.service_time(), Timestamp::now());
        let Observers { ledger, listeners, clean } = observers;
        if let Some(account) = &account {
            api.share_quotas(Arc::new(Rates(Arc::downgrade(account))));
        }
        let turns = if account.is_some() { Turns::reserved() } else { Turns::default() };
        let dispatch = Dispatch::new(plan.clone(), &record, options, now(&api));
        Self {
            plan,
            api,
            dispatch,
            journal: Journal::start(ledger, listeners, record.last_seq),
            record,
            clean,
            stops,
            requests: JoinSet::new(),
            gate: Gate::new(),
            turns,
            account: account.map(Account::new),
            under_way: HashMap::new(),
            usage: ApiUsage::default(),
            usage_due: Instant::now() + USAGE_EVERY,
            told: Told::default(),
            look_due: Instant::now() + LOOK_EVERY,
            judge_at: Instant::now(),
            between,
            reading: None,
            at_end,
            late: Late::new(late),
        }
    }

    pub(super) async fn run(mut self) -> Result<Finished, JournalError> {
        self.turns().await;
        self.requests.abort_all();
        self.reading = None;
        self.ask_at_end().await;
        let stopped = self.dispatch.stopped().map(|stop| stop.as_str().to_owned());
        let usage = act::usage(&self.api, self.dispatch.polls());
        // An outage that outlasts the run is not over with it.
        let now = Now { instant: Instant::now(), wall: Timestamp::now() };
        self.told.take(status::observed(&self.api, self.dispatch.plans(now), now), true, now.wall);
        let used = EventKind::ApiUsed { usage: Box::new(usage), service: self.told.last().clone() };
        self.write(vec![used, EventKind::InvocationEnded { stopped }], Vec::new());
        self.journal.close().await?;
        let (stopped, fault) = (self.dispatch.stopped(), self.dispatch.fault().cloned());
        let (held_up, not_again) = (self.dispatch.held_up(), self.dispatch.not_again());
        Ok(Finished { record: self.record, stopped, fault, held_up, not_again })
    }

    async fn turns(&mut self) {
        self.dispatch.open(&self.record, now(&self.api));
        self.take_turn();
        self.judge_held();
        while !self.dispatch.is_done() {
            if let Some(input) = self.next_input().await {
                self.dispatch.handle(input, now(&self.api));
            }
            self.drain();
            if self.dispatch.stopped().is_some_and(StopReason::calls_creates_back) {
                self.gate.close();
            }
            self.take_turn();
            self.judge_held();
        }
    }

    /// Lets those tasks begin that were held and may by now.
    fn judge_held(&mut self) {
        if !self.dispatch.holds_any() || Instant::now() < self.judge_at {
            return;
        }
        self.judge_at = Instant::now() + LOOK_EVERY;
        self.dispatch.judge_held(&self.record, now(&self.api), Timestamp::now());
        self.take_turn();
    }

    /// What is asked elsewhere, unless somebody waits for the end.
    async fn ask_at_end(&mut self) {
        let hurries = self.dispatch.stopped().is_some_and(|reason| reason > StopReason::Deadline);
        let Some(ask) = self.at_end.take().filter(|_| !hurries) else { return };
        let events = tokio::select! {
            biased;
            Some(_) = self.stops.recv() => Vec::new(),
            events = ask(&self.record) => events,
        };
        self.write(events, Vec::new());
    }

    /// The next thing that happens; none when only the journal is further. Signals come first.
    async fn next_input(&mut self) -> Option<Input> {
        let (wake, mut look) = (self.dispatch.wake_at(), self.look_due);
        if self.dispatch.holds_any() {
            look = look.min(self.judge_at);
        }
        let reading = async {
            match &mut self.reading {
                Some(reading) => reading.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(reason) = self.stops.recv() => Some(Input::Stop(reason)),
            Some(news) = self.journal.next() => self.on_news(news),
            Some(done) = self.requests.join_next_with_id() => Some(finished(&mut self.under_way, done)),
            told = self.late.next() => Some(Input::Late(told)),
            events = reading => {
                self.reading = None;
                self.write(events, Vec::new());
                None
            }
            () = tokio::time::sleep_until(wake.unwrap_or(look)), if wake.is_some() => Some(Input::Tick),
            () = tokio::time::sleep_until(look) => None,
        }
    }

    /// What the journal tells.
    fn on_news(&mut self, news: News) -> Option<Input> {
        let (note, is_away) = match news {
            News::Kept => return None,
            // When events cannot be kept nothing is started any more: what is under way is waited for like at an
            // interrupt, and told to those who can still hear it.
            News::Failed => return Some(Input::Stop(StopReason::NotWritable)),
            News::Away(why) => (
                format!(
                    "nothing is created, answered or archived before the ledger answers again; what is live is followed: {why}"
                ),
                true,
            ),
            News::Back(after) => {
                (format!("the ledger answers again, after {} s", after.as_secs().max(1)), false)
            }
        };
        self.write(vec![EventKind::Noted { task: None, note }], Vec::new());
        Some(Input::Ledger { is_away })
    }

    /// Takes every answer that is there already, so that one turn records all of them.
    fn drain(&mut self) {
        while let Some(done) = self.requests.try_join_next_with_id() {
            let input = finished(&mut self.under_way, done);
            self.dispatch.handle(input, now(&self.api));
        }
        if Instant::now() >= self.look_due {
            self.look_due = Instant::now() + LOOK_EVERY;
            self.look();
            if self.reading.is_none() && self.dispatch.stopped().is_none() {
                self.reading = self.between.as_mut().and_then(|between| between(&self.record));
            }
        }
    }

    /// Tells how the service answers when that has changed, and what it was asked now and then.
    fn look(&mut self) {
        // What is told to people is told by their clock.
        let now = Now { instant: Instant::now(), wall: Timestamp::now() };
        let is_usage_due = now.instant >= self.usage_due;
        if is_usage_due {
            self.usage_due = now.instant + USAGE_EVERY;
        }
        let seen = status::observed(&self.api, self.dispatch.plans(now), now);
        let is_news = self.told.take(seen, is_usage_due, now.wall);
        if !is_news && !is_usage_due {
            return;
        }
        let usage = act::usage(&self.api, self.dispatch.polls());
        if is_news || usage != self.usage {
            self.usage = usage.clone();
            self.dispatch
                .handle(Input::Usage(usage, Box::new(self.told.last().clone())), self::now(&self.api));
        }
    }

    /// Events first: what changes something starts only when the ledger has kept all events up to it.
    fn take_turn(&mut self) {
        let turn = self.dispatch.take_turn();
        for action in &turn.actions {
            if let Action::Create { attempt, .. } = action {
                self.turns.decide(*attempt);
            }
        }
        // What only reads need not wait until the ledger has kept what it follows from.
        let (held, mut free): (Vec<_>, Vec<_>) =
            turn.actions.into_iter().partition(Action::is_on_record_first);
        self.write(turn.events, held);
        free.extend(self.journal.release());
        for action in free {
            let prompt = self.prompt_of(&action);
            let (api, plan, gate) = (self.api.clone(), self.plan.clone(), self.gate.clone());
            let (turns, account) = (self.turns.clone(), self.account.clone());
            let request = act::perform(api, plan, gate, turns, action.clone(), prompt, account);
            let id = self.requests.spawn(request).id();
            self.under_way.insert(id, action);
        }
    }

    /// What a further attempt is asked, where it is told of the one before. That is what the record has of it, so that
    /// nothing is sent which nobody may keep.
    fn prompt_of(&self, action: &Action) -> Option<String> {
        let Action::Create { attempt, .. } = action else { return None };
        let task = &self.plan[attempt.task];
        let retry = task.retry_prompt.as_ref()?;
        let earlier = self.dispatch.run_again(attempt.task);
        let before = earlier.map_or(0, TaskRecord::attempts_made);
        let own = self.record.tasks.get(&task.id).and_then(|known| known.ended_before(attempt.number));
        let last = own.or_else(|| earlier.and_then(|known| known.ended_before(u32::MAX)))?;
        let number = before + attempt.number;
        let addition = retry.render(
            number,
            PreviousAttempt {
                outcome: last.outcome.map_or("", Outcome::as_str),
                reason: last.reason.as_deref().unwrap_or_default(),
                pull_request: last.work.pull_request.as_ref().map_or("", |pull| &pull.url),
            },
        )?;
        Some(Ask::with_addition(&task.prompt, number, &addition))
    }

    fn write(&mut self, kinds: Vec<EventKind>, actions: Vec<Action>) {
        let events = self.record.next_events(kinds, Timestamp::now());
        let events: Vec<_> = events.map(|event| (self.clean)(event)).collect();
        let mut may_release = false;
        for event in &events {
            self.record.apply(event);
            may_release |= event.kind.may_release();
        }
        if may_release {
            self.judge_at = self.judge_at.min(Instant::now() + JUDGE_EVERY);
        }
        self.journal.write(events, actions);
    }
}

fn finished(under_way: &mut HashMap<Id, Action>, done: Result<(Id, Input), JoinError>) -> Input {
    match done {
        Ok((id, input)) => {
            under_way.remove(&id);
            input
        }
        // A panic in one request fails that request and no other.
        Err(broken) => under_way.remove(&broken.id()).map_or(Input::Tick, act::broken),
    }
}

fn now(api: &Jules) -> Now {
    Now { instant: Instant::now(), wall: api.service_time() }
}
