//! The service itself, without any network: one request in, one answer out, at a given time.

mod halves;

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde_json::json;

use super::{
    account::{Account, Refused},
    answer::{Answer, Delivery, Served},
    behaviour::Behaviour,
    clock::{between, later},
    create::{self, Create},
    dice::Dice,
    earlier::EarlierSession,
    failure::Failure,
    faults::{Circumstances, Faults, Mishap},
    github::GitHub,
    life::State,
    limits::Quotas,
    method::Method,
    mishap::FaultKind,
    request::{self, Call, Routed},
    scenario::{AcceptedKey, Scenario},
    sources::Source,
    statistics::{SessionView, Statistics, Tally},
};

/// A request as it came in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) verb: &'a str,
    /// Below the version: `sessions/1`.
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) key: Option<&'a str>,
    pub(super) body: &'a [u8],
}

/// The account with what stands in front of it: keys, quotas, faults and statistics.
#[derive(Debug)]
pub(super) struct Service {
    keys: Vec<AcceptedKey>,
    field_masks: bool,
    quotas: Quotas,
    faults: Faults,
    account: Account,
    tally: Tally,
    /// Creates whose connection was lost and that are still on their way, by the time they arrive.
    late: BTreeMap<Timestamp, Vec<Vec<u8>>>,
    github: GitHub,
    started: Timestamp,
    /// Sessions before this one are not in the statistics.
    opened: usize,
}

impl Service {
    pub(super) fn new(scenario: Scenario, now: Timestamp) -> Self {
        let script = scenario.script;
        let account = Account::new(&script, now);
        let scripts = script.rules.iter().map(|rule| &rule.then).chain([&script.defaults]);
        let scripts = scripts.filter_map(|behaviour| behaviour.on_github.as_deref());
        let github = GitHub::new(script.github.clone(), scripts, (script.speed, script.seed), now);
        Self {
            keys: script.keys,
            field_masks: script.field_masks,
            quotas: Quotas::new(&script.limits, script.speed, now),
            faults: Faults::new(script.faults, Dice::new(script.seed)),
            started: now,
            opened: account.sessions.len(),
            account,
            tally: Tally::default(),
            late: BTreeMap::new(),
            github,
        }
    }

    /// Lets time pass until `now`: what was late arrives, slots become free, outputs appear.
    fn pass(&mut self, now: Timestamp) {
        while let Some(late) = self.late.first_entry().filter(|late| *late.key() <= now) {
            let (at, bodies) = late.remove_entry();
            self.settle(at);
            for body in bodies {
                if let Err(failure) = self.create(&body, at) {
                    tracing::debug!(code = failure.code, "a create arrived late and was refused");
                }
            }
        }
        self.settle(now);
    }

    /// Answers a request at `now`.
    pub(super) fn serve(&mut self, asked: Asked<'_>, now: Timestamp) -> Served {
        self.pass(now);
        let Some(routed) = request::route(asked.verb, asked.path, asked.query, self.field_masks) else {
            self.tally.request(None);
            self.tally.answer(Some(404));
            return Served { answer: Answer::no_such_page(), delivery: Delivery::Whole };
        };
        let Routed { method, call, mask, key } = routed;
        self.tally.request(Some(method));
        let mut served = match self.admit(asked.key.or(key.as_deref())).and_then(|()| self.allow(method, now))
        {
            Err(failure) => Served { answer: Answer::refusal(&failure), delivery: Delivery::Whole },
            Ok(()) => self.answer_somehow(method, call, asked.body, now),
        };
        self.tally.answer(served.delivery.leaves().then_some(served.answer.status));
        served.answer.select(&mask);
        served
    }

    fn admit(&self, key: Option<&str>) -> Result<(), Failure> {
        let known = |key: &str| self.keys.is_empty() || self.keys.iter().any(|accepted| accepted.is(key));
        if key.is_some_and(|key| !key.is_empty() && known(key)) {
            Ok(())
        } else {
            Err(Failure::unauthenticated())
        }
    }

    fn allow(&mut self, method: Method, now: Timestamp) -> Result<(), Failure> {
        self.quotas.request(method, now).inspect_err(|_| self.tally.throttled += 1)
    }

    /// Answers as well as the scenario's faults let it.
    fn answer_somehow(
        &mut self,
        method: Method,
        call: Result<Call, Failure>,
        body: &[u8],
        now: Timestamp,
    ) -> Served {
        match self.mishap(method, &call, body, now) {
            None => Served { answer: self.answer(call, body, now, true), delivery: Delivery::Whole },
            Some(mishap) => self.answer_with(mishap, call, body, now),
        }
    }

    /// What goes wrong with this request, if anything.
    fn mishap(
        &mut self,
        method: Method,
        call: &Result<Call, Failure>,
        body: &[u8],
        now: Timestamp,
    ) -> Option<Mishap> {
        if self.faults.is_empty() {
            return None;
        }
        let account = &self.account;
        let since = |at: Timestamp| between(at, now).mul_f64(account.speed);
        let named = call.as_ref().ok().and_then(Call::session).and_then(|id| account.peek(id));
        let asked = if method == Method::SessionsCreate { Create::read(body).ok() } else { None };
        self.faults.draw(&Circumstances {
            method,
            running: since(self.started),
            used: account.sessions.get(self.opened).map(|first| since(first.born)),
            age: named.map(|session| since(session.born)),
            create: named.map(|session| &session.create).or(asked.as_ref()),
            size: 0,
        })
    }

    /// Answers while something goes wrong. What happens after the commit happens only to requests that succeed,
    /// but silence is silence.
    fn answer_with(
        &mut self,
        mishap: Mishap,
        call: Result<Call, Failure>,
        body: &[u8],
        now: Timestamp,
    ) -> Served {
        if let Some(served) = mishap.instead() {
            self.faults.happened(mishap);
            self.tally.fault(mishap.kind);
            if mishap.kind == FaultKind::ArriveLate && call == Ok(Call::SessionsCreate) {
                self.late.entry(later(now, mishap.delay)).or_default().push(body.to_vec());
            }
            return served;
        }
        let arrives = matches!(mishap.kind, FaultKind::Slow | FaultKind::RepeatToken);
        let token = call.as_ref().ok().and_then(Call::own_token);
        let mut answer = self.answer(call, body, now, arrives);
        if !answer.is_success() && !matches!(mishap.kind, FaultKind::Hang | FaultKind::Silence) {
            return Served { answer, delivery: Delivery::Whole };
        }
        if mishap.kind == FaultKind::RepeatToken {
            let Some(token) = token else { return Served { answer, delivery: Delivery::Whole } };
            answer.next_page(token);
        }
        self.faults.happened(mishap);
        self.tally.fault(mishap.kind);
        mishap.after(answer)
    }

    /// Does what is asked. `arrives` says whether the client will be able to read the answer.
    fn answer(&mut self, call: Result<Call, Failure>, body: &[u8], now: Timestamp, arrives: bool) -> Answer {
        match call.and_then(|call| self.perform(call, body, now, arrives)) {
            Ok(answer) => answer,
            Err(failure) => Answer::refusal(&failure),
        }
    }

    fn perform(&mut self, call: Call, body: &[u8], now: Timestamp, arrives: bool) -> Result<Answer, Failure> {
        let account = &mut self.account;
        match call {
            Call::SourcesList { page, names } => Ok(account.list_sources(page, names.as_deref())),
            Call::SourcesGet { name } => account
                .sources
                .find(&name)
                .map(|source| Answer::json(&source.json()))
                .ok_or_else(Failure::not_found),
            Call::SessionsCreate => self.create(body, now),
            Call::SessionsGet { id } => {
                let place = account.find(&id, now)?;
                account.seen(place, now, arrives);
                Ok(Answer::json(&account.sessions[place].shown(now)))
            }
            Call::SessionsList { page, archived } => Ok(account.list_sessions(page, archived, now, arrives)),
            Call::SessionsDelete { id } => {
                let place = account.find(&id, now)?;
                account.sessions[place].deleted = true;
                account.refresh(place);
                Ok(Answer::json(&json!({})))
            }
            Call::SendMessage { id } => self.send_message(&id, body, now),
            Call::ApprovePlan { id } => self.approve_plan(&id, body, now),
            Call::Archive { id } => self.set_archived(&id, body, now, true),
            Call::Unarchive { id } => self.set_archived(&id, body, now, false),
            Call::ActivitiesList { id, page, after } => {
                account.list_activities(&id, page, after, now, arrives)
            }
            Call::ActivitiesGet { id, activity } => account.get_activity(&id, &activity, now),
        }
    }

    fn create(&mut self, body: &[u8], now: Timestamp) -> Result<Answer, Failure> {
        let create = Create::read(body)?;
        let place = self.account.create(create, body, now).map_err(|refused| match refused {
            Refused::Wrong(failure) => failure,
            Refused::OverCap(failure) => {
                self.tally.refused += 1;
                failure
            }
        })?;
        self.tally.created += 1;
        self.tally.second(&self.account, place, self.opened);
        let session = &self.account.sessions[place];
        tracing::debug!(session = session.id, live = self.account.live, "session created");
        Ok(Answer::json(&session.shown_created(now)))
    }

    fn send_message(&mut self, id: &str, body: &[u8], now: Timestamp) -> Result<Answer, Failure> {
        let message = create::read_message(body)?;
        let account = &mut self.account;
        let place = account.find(id, now)?;
        let full = account.caps.is_full(account.live);
        let speed = account.speed;
        let session = &mut account.sessions[place];
        if session.life.state == State::Queued && session.behaviour.refuse_messages_while_queued == Some(true)
        {
            return Err(Failure::not_found());
        }
        let number = session.messages.len();
        let dice = session.dice.with("reply").nth(number as u64);
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        if message.trim().is_empty() {
            session.messages.push(message);
            session.life.ignore(now, number);
            return Ok(Answer::empty());
        }
        let steps = session.woken_by_message(dice, speed);
        if full && (steps.is_some() || session.life.would_revive()) {
            return Err(Failure::precondition());
        }
        let reply_after: Duration = session.behaviour.reply_after.unwrap_or(Behaviour::REPLY).draw(dice);
        // Who sleeps answers when awake.
        let asleep = steps.iter().flatten().next().map_or(Duration::ZERO, |step| step.gap);
        session.messages.push(message);
        self.github.messaged(place, &session.id);
        session.life.message(now, number, asleep + reply_after.div_f64(speed));
        if let Some(steps) = steps {
            session.life.wake(now, steps);
        }
        session.life.advance(now);
        account.refresh(place);
        Ok(Answer::empty())
    }

    fn approve_plan(&mut self, id: &str, body: &[u8], now: Timestamp) -> Result<Answer, Failure> {
        create::read_nothing(body)?;
        let place = self.account.find(id, now)?;
        let session = &mut self.account.sessions[place];
        if !session.life.approve(now) {
            return Err(Failure::precondition());
        }
        session.approvals += 1;
        session.life.advance(now);
        self.account.refresh(place);
        Ok(Answer::json(&self.account.sessions[place].shown_approved(now)))
    }

    fn set_archived(
        &mut self,
        id: &str,
        body: &[u8],
        now: Timestamp,
        archived: bool,
    ) -> Result<Answer, Failure> {
        create::read_nothing(body)?;
        let place = self.account.find(id, now)?;
        let session = &mut self.account.sessions[place];
        if archived {
            session.life.shelve(now);
        }
        session.archives += u32::from(archived);
        session.archived = archived;
        self.account.refresh(place);
        Ok(Answer::json(&self.account.sessions[place].shown(now)))
    }

    /// Connects repositories as asking for them would.
    pub(super) fn connect(&mut self, repositories: impl IntoIterator<Item = impl AsRef<str>>) {
        self.account.connect(repositories);
    }

    /// `owner/repo` of every connected repository.
    pub(super) fn repositories(&self) -> Vec<String> {
        self.account.sources.list().iter().map(Source::full_name).collect()
    }

    /// Takes up sessions from before it started, which are not in the statistics.
    pub(super) fn take_up(&mut self, earlier: Vec<EarlierSession>, now: Timestamp) {
        if self.account.sessions.len() == self.opened {
            self.opened += self.account.take_up(earlier, now);
        }
    }

    /// The statistics at `now`.
    pub(super) fn statistics(&mut self, now: Timestamp) -> Statistics {
        self.pass(now);
        let account = &self.account;
        Statistics {
            live_now: account.live,
            live_max: account.live_max,
            github: self.github.statistics(),
            ..self.tally.statistics(&account.sessions[self.opened..])
        }
    }

    /// The sessions in the statistics, oldest first.
    pub(super) fn views(&mut self, now: Timestamp) -> Vec<SessionView> {
        self.pass(now);
        let counted_sessions = self.account.sessions[self.opened..].iter_mut();
        counted_sessions
            .map(|session| {
                session.life.advance(now);
                SessionView::of(session)
            })
            .collect()
    }

    /// Starts the statistics again: counts begin at zero, and only sessions created from now on are in them.
    pub(super) fn reset(&mut self, now: Timestamp) {
        self.pass(now);
        self.account.live_max = self.account.live;
        self.tally = Tally::default();
        self.github.reset();
        self.opened = self.account.sessions.len();
    }
}

#[cfg(test)]
mod tests;
