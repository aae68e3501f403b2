//! The service itself, without any network: one request in, one answer out, at a given time.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{
    activity,
    answer::{Answer, Delivery, Served},
    behaviour::Behaviour,
    books::{Books, SessionView, Tally},
    clock::{cut, earlier, later},
    create::{self, AskedSource, Create},
    dice::Dice,
    failure::Failure,
    faults::{Faults, Mishap},
    life::Life,
    limits::Allowance,
    request::{self, Call, Page},
    scenario::{FaultKind, Scenario, Script},
    session::{Session, Shown},
    sources::Sources,
    text,
    timeline::{self, Wishes},
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

/// The account and everything in it.
#[derive(Debug)]
pub(super) struct Service {
    script: Script,
    dice: Dice,
    /// How many sessions each rule's other conditions have matched.
    matched: Vec<u64>,
    behaviours: Vec<Arc<Behaviour>>,
    sources: Sources,
    sessions: Vec<Session>,
    places: HashMap<String, usize>,
    allowance: Allowance,
    faults: Faults,
    /// When which session next takes or frees a slot or shows outputs.
    turns: BinaryHeap<Reverse<(Timestamp, usize)>>,
    live: usize,
    pulls: HashMap<String, u64>,
    tally: Tally,
    /// Sessions before this one are not in the books.
    opened: usize,
}

impl Service {
    pub(super) fn new(scenario: Scenario, now: Timestamp) -> Self {
        let script = scenario.script;
        let dice = Dice::new(script.seed);
        let rules = script.rules.iter().map(|rule| Arc::new(rule.then.clone().over(&script.defaults)));
        let behaviours = rules.chain([Arc::new(script.defaults.clone())]).collect();
        let mut service = Self {
            dice,
            matched: vec![0; script.rules.len()],
            behaviours,
            sources: Sources::new(&script),
            sessions: Vec::new(),
            places: HashMap::new(),
            allowance: Allowance::new(script.limits.clone(), script.speed, now),
            faults: Faults::new(script.faults.clone(), dice),
            turns: BinaryHeap::new(),
            live: 0,
            pulls: HashMap::new(),
            tally: Tally::default(),
            opened: 0,
            script,
        };
        service.remember(now);
        service
    }

    /// Fills the account with old sessions, the newest two days of service time ago.
    fn remember(&mut self, now: Timestamp) {
        let behaviour = Arc::new(Behaviour::default());
        let listed = self.sources.list().to_vec();
        for n in 0..self.script.history {
            let age = Duration::from_secs(2 * 86_400 + 420 * (self.script.history - n) as u64);
            let born = cut(earlier(now, age.div_f64(self.script.speed)), 6);
            let dice = self.dice.with("history").nth(n as u64);
            let source = dice
                .pick(&listed)
                .map(|source| AskedSource { name: source.name(), branch: "main".to_owned() });
            let prompt = format!("Old task {} of {}: tidy up the tests.", n + 1, self.script.history);
            let create = Create { prompt, title: None, source, approval: false, pull_request: true };
            self.add(create, "{}".into(), Arc::clone(&behaviour), None, born);
        }
        self.settle(now);
        self.opened = self.sessions.len();
        self.tally = Tally::default();
    }

    /// Answers a request at `now`.
    pub(super) fn serve(&mut self, asked: Asked<'_>, now: Timestamp) -> Served {
        self.settle(now);
        let Some((method, call)) = request::route(asked.verb, asked.path, asked.query) else {
            self.tally.request(None);
            self.tally.answer(Some(404));
            return Served { answer: Answer::no_such_page(), delivery: Delivery::Whole };
        };
        self.tally.request(Some(method));
        let served = match self.admit(asked.key).and_then(|()| self.allow(method, now)) {
            Err(failure) => Served { answer: Answer::refusal(&failure), delivery: Delivery::Whole },
            Ok(()) => match self.faults.draw(method) {
                None => {
                    Served { answer: self.answer(call, asked.body, now, true), delivery: Delivery::Whole }
                }
                Some(mishap) => self.answer_with(mishap, call, asked.body, now),
            },
        };
        self.tally.answer(served.delivery.leaves().then_some(served.answer.status));
        served
    }

    fn admit(&self, key: Option<&str>) -> Result<(), Failure> {
        let keys = &self.script.keys;
        let good = key.is_some_and(|key| {
            !key.is_empty() && (keys.is_empty() || keys.iter().any(|known| known.is(key)))
        });
        if good { Ok(()) } else { Err(Failure::unauthenticated()) }
    }

    fn allow(&mut self, method: super::method::Method, now: Timestamp) -> Result<(), Failure> {
        self.allowance.request(method, now).inspect_err(|_| self.tally.throttled += 1)
    }

    /// Answers while something goes wrong. What happens after the commit happens only to requests that succeed.
    fn answer_with(
        &mut self,
        mishap: Mishap,
        call: Result<Call, Failure>,
        body: &[u8],
        now: Timestamp,
    ) -> Served {
        if let Some(served) = before_commit(mishap) {
            self.faults.happened(mishap);
            self.tally.fault(mishap.kind);
            return served;
        }
        let arrives = mishap.kind == FaultKind::Slow;
        let answer = self.answer(call, body, now, arrives);
        if !answer.is_success() {
            return Served { answer, delivery: Delivery::Whole };
        }
        self.faults.happened(mishap);
        self.tally.fault(mishap.kind);
        after_commit(mishap, answer)
    }

    /// Does what is asked. `arrives` says whether the client will be able to read the answer.
    fn answer(&mut self, call: Result<Call, Failure>, body: &[u8], now: Timestamp, arrives: bool) -> Answer {
        match call.and_then(|call| self.perform(call, body, now, arrives)) {
            Ok(answer) => answer,
            Err(failure) => Answer::refusal(&failure),
        }
    }

    fn perform(&mut self, call: Call, body: &[u8], now: Timestamp, arrives: bool) -> Result<Answer, Failure> {
        match call {
            Call::SourcesList { page, names } => Ok(self.list_sources(page, names.as_deref())),
            Call::SourcesGet { name } => self
                .sources
                .find(&name)
                .map(|source| Answer::json(&source.json()))
                .ok_or_else(Failure::not_found),
            Call::SessionsCreate => self.create(body, now),
            Call::SessionsGet { id } => {
                let place = self.find(&id, now)?;
                self.seen(place, now, arrives);
                Ok(Answer::json(&self.sessions[place].shown()))
            }
            Call::SessionsList { page, archived } => Ok(self.list_sessions(page, archived, now, arrives)),
            Call::SessionsDelete { id } => {
                let place = self.find(&id, now)?;
                self.sessions[place].deleted = true;
                self.refresh(place);
                Ok(Answer::json(&json!({})))
            }
            Call::SendMessage { id } => self.send_message(&id, body, now),
            Call::ApprovePlan { id } => self.approve_plan(&id, body, now),
            Call::Archive { id } => self.set_archived(&id, body, now, true),
            Call::Unarchive { id } => self.set_archived(&id, body, now, false),
            Call::ActivitiesList { id, page, after } => self.list_activities(&id, page, after, now, arrives),
            Call::ActivitiesGet { id, activity } => self.get_activity(&id, &activity, now),
        }
    }

    // ---- sessions ----

    fn create(&mut self, body: &[u8], now: Timestamp) -> Result<Answer, Failure> {
        let create = Create::read(body)?;
        let doom = self.check_source(create.source.as_ref())?;
        self.allowance.create(self.live, now).inspect_err(|_| self.tally.refused += 1)?;
        let behaviour = self.behaviour_of(&create);
        let body = String::from_utf8_lossy(body).into();
        let place = self.add(create, body, behaviour, doom, cut(now, 6));
        self.tally.created += 1;
        self.sessions[place].life.advance(now);
        self.refresh(place);
        tracing::debug!(session = self.sessions[place].id, live = self.live, "session created");
        Ok(Answer::json(&self.sessions[place].shown_created()))
    }

    /// Whether the source is connected; a branch that does not exist dooms the session later.
    fn check_source(&mut self, source: Option<&AskedSource>) -> Result<Option<String>, Failure> {
        let Some(asked) = source else { return Ok(None) };
        let source = self.sources.find(&asked.name).ok_or_else(Failure::not_found)?;
        let doom = format!("The branch {} does not exist in {}.", asked.branch, source.full_name());
        Ok((!source.has_branch(&asked.branch)).then_some(doom))
    }

    /// The behaviour that the first matching rule gives.
    fn behaviour_of(&mut self, create: &Create) -> Arc<Behaviour> {
        for (place, rule) in self.script.rules.iter().enumerate() {
            if !rule.when.matches(create) {
                continue;
            }
            self.matched[place] += 1;
            let nth = rule.when.nth.as_ref();
            if nth.is_none_or(|nth| nth.as_slice().contains(&self.matched[place])) {
                return Arc::clone(&self.behaviours[place]);
            }
        }
        Arc::clone(&self.behaviours[self.script.rules.len()])
    }

    fn add(
        &mut self,
        create: Create,
        body: Box<str>,
        behaviour: Arc<Behaviour>,
        doom: Option<String>,
        born: Timestamp,
    ) -> usize {
        let place = self.sessions.len();
        let dice = self.dice_of(&create);
        let wishes = Wishes { approval: create.approval, doomed: doom.is_some() };
        let steps = timeline::compile(&behaviour, dice, self.script.speed, wishes);
        let real = |span: Option<super::span::Span>, what: &str| {
            let length = span.map_or(Duration::ZERO, |span| span.draw(dice.with(what)));
            later(born, length.div_f64(self.script.speed))
        };
        let session = Session {
            id: format!("9{:010}{place:09}", self.dice.with("id").nth(place as u64).bits() % 10_000_000_000),
            body,
            ending: timeline::ending(&behaviour, dice, wishes),
            dice,
            born,
            life: Life::new(born, steps, behaviour.time_digits.unwrap_or(6)),
            listed_from: real(behaviour.list_lag, "list-lag"),
            found_from: real(behaviour.not_found_for, "not-found-for"),
            behaviour,
            create,
            archived: false,
            deleted: false,
            counted: false,
            messages: Vec::new(),
            approvals: 0,
            pull: None,
            seen_ended: None,
            doom,
        };
        self.places.insert(session.id.clone(), place);
        self.sessions.push(session);
        self.refresh(place);
        place
    }

    /// Chance that only the content of the request decides.
    fn dice_of(&self, create: &Create) -> Dice {
        let title = create.title.as_deref().map_or("", |title| text::split_marker(title).0);
        let source =
            create.source.as_ref().map_or(("", ""), |source| (source.name.as_str(), source.branch.as_str()));
        self.dice.with(&create.prompt).with(title).with(source.0).with(source.1)
    }

    /// The place of a session, played up to `now`.
    fn find(&mut self, id: &str, now: Timestamp) -> Result<usize, Failure> {
        let place = *self.places.get(id).ok_or_else(Failure::not_found)?;
        let session = &mut self.sessions[place];
        if session.deleted || now < session.found_from {
            return Err(Failure::not_found());
        }
        session.life.advance(now);
        Ok(place)
    }

    fn send_message(&mut self, id: &str, body: &[u8], now: Timestamp) -> Result<Answer, Failure> {
        let message = create::read_message(body)?;
        let place = self.find(id, now)?;
        if self.sessions[place].life.would_revive() && self.allowance.is_full(self.live) {
            return Err(Failure::precondition());
        }
        let speed = self.script.speed;
        let session = &mut self.sessions[place];
        let number = u32::try_from(session.messages.len()).unwrap_or(u32::MAX);
        let dice = session.dice.with("reply").nth(u64::from(number));
        let reply_after = session.behaviour.reply_after.unwrap_or(Behaviour::REPLY).draw(dice);
        session.messages.push(message);
        session.life.message(now, number, reply_after.div_f64(speed));
        session.life.advance(now);
        self.refresh(place);
        Ok(Answer::empty())
    }

    fn approve_plan(&mut self, id: &str, body: &[u8], now: Timestamp) -> Result<Answer, Failure> {
        create::read_nothing(body)?;
        let place = self.find(id, now)?;
        let session = &mut self.sessions[place];
        if !session.life.approve(now) {
            return Err(Failure::precondition());
        }
        session.approvals += 1;
        session.life.advance(now);
        self.refresh(place);
        Ok(Answer::json(&self.sessions[place].shown_approved()))
    }

    fn set_archived(
        &mut self,
        id: &str,
        body: &[u8],
        now: Timestamp,
        archived: bool,
    ) -> Result<Answer, Failure> {
        create::read_nothing(body)?;
        let place = self.find(id, now)?;
        let session = &mut self.sessions[place];
        if archived {
            session.life.shelve(now);
        }
        session.archived = archived;
        self.refresh(place);
        Ok(Answer::json(&self.sessions[place].shown()))
    }

    // ---- lists ----

    fn list_sources(&self, page: Page, names: Option<&[String]>) -> Answer {
        let wanted = |name: &String| names.is_none_or(|names| names.contains(name));
        let matching = self.sources.list().iter().enumerate().filter(|(_, source)| wanted(&source.name()));
        let mut rest = matching.skip_while(|(place, _)| *place < page.from.unwrap_or(0));
        let items: Vec<_> = rest.by_ref().take(page.size).map(|(_, source)| source.json()).collect();
        let next = rest.next().map(|(place, _)| place);
        Answer::json(&Listing::new("sources", items, next))
    }

    fn list_sessions(&mut self, page: Page, archived: bool, now: Timestamp, arrives: bool) -> Answer {
        // A token says how many of the oldest sessions are left, so new ones do not move the pages.
        let below = page.from.unwrap_or(usize::MAX).min(self.sessions.len());
        let listed = |session: &Session| {
            !session.deleted && session.archived == archived && session.listed_from <= now
        };
        let mut places = (0..below).rev().filter(|place| listed(&self.sessions[*place]));
        let chosen: Vec<usize> = places.by_ref().take(page.size).collect();
        let next = places.next().map(|place| place + 1);
        for place in &chosen {
            self.sessions[*place].life.advance(now);
            self.seen(*place, now, arrives);
        }
        let shown: Vec<Shown<'_>> = chosen.iter().map(|place| self.sessions[*place].shown()).collect();
        Answer::json(&Listing::new("sessions", shown, next))
    }

    fn list_activities(
        &mut self,
        id: &str,
        page: Page,
        after: Option<Timestamp>,
        now: Timestamp,
        arrives: bool,
    ) -> Result<Answer, Failure> {
        let place = self.find(id, now)?;
        let session = &self.sessions[place];
        let happened = &session.life.happened;
        let newer = after.map_or(0, |after| happened.partition_point(|happening| happening.at <= after));
        let from = page.from.unwrap_or(0).max(newer).min(happened.len());
        let until = (from + page.size).min(happened.len());
        let items: Vec<_> =
            (from..until).map(|index| activity::show(session, index, happened[index])).collect();
        let next = (until < happened.len()).then_some(until);
        let answer = Answer::json(&Listing::new("activities", items, next));
        if until == happened.len() && !happened.is_empty() {
            self.seen(place, now, arrives);
        }
        Ok(answer)
    }

    fn get_activity(&mut self, id: &str, activity: &str, now: Timestamp) -> Result<Answer, Failure> {
        let place = self.find(id, now)?;
        let session = &self.sessions[place];
        let happened = &session.life.happened;
        let index = (0..happened.len())
            .find(|index| activity::id(session, *index) == activity)
            .ok_or_else(Failure::not_found)?;
        Ok(Answer::json(&activity::show(session, index, happened[index])))
    }

    // ---- the passing of time ----

    /// Plays every turn that has come: slots that became free, outputs that appeared.
    pub(super) fn settle(&mut self, now: Timestamp) {
        while let Some(Reverse((at, place))) = self.turns.peek().copied() {
            if at > now {
                return;
            }
            self.turns.pop();
            self.sessions[place].life.advance(now);
            self.refresh(place);
        }
    }

    /// Books what has changed about a session's slot, its pull request and its next turn.
    fn refresh(&mut self, place: usize) {
        let session = &mut self.sessions[place];
        let live = session.life.is_live() && !session.deleted;
        if live && !session.counted {
            self.live += 1;
            self.tally.live_max = self.tally.live_max.max(self.live);
        } else if !live && session.counted {
            self.live -= 1;
        }
        session.counted = live;
        if session.life.delivered && session.pull.is_none() && session.wants_pull_request() {
            let repo = session.repo().unwrap_or_default().to_owned();
            let first = 1 + Dice::new(0).with(&repo).bits() % 400;
            let number = self.pulls.entry(repo).and_modify(|number| *number += 1).or_insert(first);
            session.pull = Some(*number);
        }
        if let Some(at) = session.life.next_turn() {
            self.turns.push(Reverse((at, place)));
        }
    }

    /// Notes that a client has been told that the session has ended.
    fn seen(&mut self, place: usize, now: Timestamp, arrives: bool) {
        let session = &mut self.sessions[place];
        if arrives && session.has_ended() && session.seen_ended.is_none() {
            session.seen_ended = Some(now);
        }
    }

    // ---- the books ----

    pub(super) fn books(&mut self, now: Timestamp) -> Books {
        self.settle(now);
        self.tally.books(&self.sessions[self.opened..], self.live)
    }

    pub(super) fn views(&mut self, now: Timestamp) -> Vec<SessionView> {
        self.settle(now);
        let opened = self.opened;
        self.sessions[opened..]
            .iter_mut()
            .map(|session| {
                session.life.advance(now);
                SessionView::of(session)
            })
            .collect()
    }

    /// Opens new books: counts start at zero, and only sessions created from now on are in them.
    pub(super) fn reset(&mut self, now: Timestamp) {
        self.settle(now);
        self.tally = Tally::default();
        self.tally.live_max = self.live;
        self.opened = self.sessions.len();
    }
}

/// The answer to a request that something befell before it was done.
fn before_commit(mishap: Mishap) -> Option<Served> {
    let outage = |code| Answer::refusal(&Failure::outage(code));
    let (answer, delivery) = match mishap.kind {
        FaultKind::ErrorBefore => (outage(mishap.status.unwrap_or(503)), Delivery::Whole),
        FaultKind::Throttle => (Answer::refusal(&Failure::exhausted(mishap.retry_after)), Delivery::Whole),
        FaultKind::Html => (Answer::error_page(mishap.status.unwrap_or(502)), Delivery::Whole),
        FaultKind::ResetBefore => (Answer::empty(), Delivery::Reset),
        FaultKind::ErrorAfter
        | FaultKind::PreconditionAfter
        | FaultKind::ResetAfter
        | FaultKind::Truncate
        | FaultKind::Stall
        | FaultKind::Hang
        | FaultKind::Slow => return None,
    };
    Some(Served { answer, delivery })
}

/// What becomes of an answer when something befalls it.
fn after_commit(mishap: Mishap, answer: Answer) -> Served {
    let outage = |code| Answer::refusal(&Failure::outage(code));
    let (answer, delivery) = match mishap.kind {
        FaultKind::ErrorAfter => (outage(mishap.status.unwrap_or(503)), Delivery::Whole),
        FaultKind::PreconditionAfter => (Answer::refusal(&Failure::precondition()), Delivery::Whole),
        FaultKind::ResetAfter => (answer, Delivery::Reset),
        FaultKind::Truncate => (answer, Delivery::Truncated),
        FaultKind::Stall => (answer, Delivery::Stalled),
        FaultKind::Hang => (answer, Delivery::Hung),
        FaultKind::Slow => (answer, Delivery::Slow(mishap.delay)),
        FaultKind::ErrorBefore | FaultKind::Throttle | FaultKind::Html | FaultKind::ResetBefore => {
            (answer, Delivery::Whole)
        }
    };
    Served { answer, delivery }
}

/// A page of a list; what is empty is left out.
#[derive(Debug)]
struct Listing<T> {
    name: &'static str,
    items: Vec<T>,
    next: Option<usize>,
}

impl<T> Listing<T> {
    fn new(name: &'static str, items: Vec<T>, next: Option<usize>) -> Self {
        Self { name, items, next }
    }
}

impl<T: Serialize> Serialize for Listing<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let mut map = serializer.serialize_map(None)?;
        if !self.items.is_empty() {
            map.serialize_entry(self.name, &self.items)?;
        }
        if let Some(next) = self.next {
            map.serialize_entry("nextPageToken", &request::token(next))?;
        }
        map.end()
    }
}
