//! The account: its repositories, its sessions, and what the passing of time does to them.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;

use super::{
    behaviour::Behaviour,
    clock::{cut, earlier, later},
    create::{AskedSource, Create},
    dice::Dice,
    failure::Failure,
    life::Life,
    limits::Caps,
    rule::Rule,
    scenario::Script,
    session::Session,
    sources::Sources,
    span::Span,
    text, timeline,
    wake::Wake,
};

/// Repositories and sessions, as far as the clock has come.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) sources: Sources,
    /// Oldest first; a session keeps its place.
    pub(super) sessions: Vec<Session>,
    places: HashMap<String, usize>,
    pub(super) caps: Caps,
    rulebook: Rulebook,
    pub(super) speed: f64,
    dice: Dice,
    /// Ids also depend on when the service started: another account has other sessions.
    ids: Dice,
    /// When which session next takes or frees a slot or shows outputs.
    turns: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// Sessions that hold a slot.
    pub(super) live: usize,
    pub(super) live_max: usize,
    /// The address that those of the sessions' pages begin with.
    pages: Arc<str>,
    /// What sessions did on GitHub that it has not heard of yet.
    deeds: Vec<SessionDeed>,
    /// The first sessions for each prompt on each source, oldest first.
    tasks: HashMap<u64, Vec<usize>>,
}

impl Account {
    /// An account with the script's repositories and old sessions.
    pub(super) fn new(script: &Script, now: Timestamp) -> Self {
        let mut account = Self {
            sources: Sources::new(script),
            sessions: Vec::new(),
            places: HashMap::new(),
            caps: Caps::new(&script.limits, script.speed),
            rulebook: Rulebook::new(script),
            speed: script.speed,
            dice: Dice::new(script.seed),
            ids: Dice::new(script.seed).with(&now.to_string()),
            turns: BinaryHeap::new(),
            live: 0,
            live_max: 0,
            pages: Arc::clone(&script.pages),
            deeds: Vec::new(),
            tasks: HashMap::new(),
        };
        account.remember(script.history, now);
        account
    }

    /// Fills the account with old sessions, the newest two days of service time ago.
    fn remember(&mut self, history: usize, now: Timestamp) {
        let behaviour = Arc::new(Behaviour::default());
        let listed = self.sources.list().to_vec();
        for n in 0..history {
            let age = Duration::from_secs(2 * 86_400 + 420 * (history - n) as u64);
            let born = cut(earlier(now, age.div_f64(self.speed)), 6);
            let dice = self.dice.with("history").nth(n as u64);
            let source = dice.pick(&listed).map(|source| AskedSource {
                name: source.name(),
                branch: "main".to_owned(),
                ..AskedSource::default()
            });
            let prompt = format!("Old task {} of {}: tidy up the tests.", n + 1, history);
            let create = Create { prompt, source, pull_request: true, ..Create::default() };
            let place = self.add(None, create, "{}".into(), Arc::clone(&behaviour), None, born);
            self.sessions[place].is_old = true;
        }
        self.settle(now);
        self.live_max = 0;
    }

    /// Creates a session at `now`, if its source is connected and the caps allow it; its place.
    pub(super) fn create(&mut self, create: Create, body: &[u8], now: Timestamp) -> Result<usize, Refused> {
        let doom = self.check_source(create.source.as_ref()).map_err(Refused::Wrong)?;
        self.caps.create(self.live, now).map_err(Refused::OverCap)?;
        let behaviour = self.behaviour_of(&create);
        let body = String::from_utf8_lossy(body).into();
        let place = self.add(None, create, body, behaviour, doom, cut(now, 6));
        // Those that it may repeat as well: the statistics tell how they are now.
        for same in &self.tasks[&self.sessions[place].create.task()] {
            self.sessions[*same].life.advance(now);
        }
        self.refresh(place);
        Ok(place)
    }

    /// Whether the source is connected; a branch that does not exist dooms the session later.
    pub(super) fn check_source(&mut self, source: Option<&AskedSource>) -> Result<Option<String>, Failure> {
        let Some(asked) = source else { return Ok(None) };
        let source = self.sources.find(&asked.name).ok_or_else(Failure::not_found)?;
        let doom = format!("The branch {} does not exist in {}.", asked.branch, source.full_name());
        Ok((!source.has_branch(&asked.branch)).then_some(doom))
    }

    pub(super) fn behaviour_of(&mut self, create: &Create) -> Arc<Behaviour> {
        let dice = self.dice_of(create);
        self.rulebook.behaviour_of(create, dice)
    }

    /// Adds a session with this id, or one of its own.
    pub(super) fn add(
        &mut self,
        id: Option<String>,
        create: Create,
        body: Box<str>,
        behaviour: Arc<Behaviour>,
        doom: Option<String>,
        born: Timestamp,
    ) -> usize {
        let place = self.sessions.len();
        let dice = self.dice_of(&create);
        let wishes = create.wishes(doom.is_some());
        let steps = timeline::compile(&behaviour, dice, self.speed, wishes);
        let real = |span: Option<Span>, what: &str| {
            let length = span.map_or(Duration::ZERO, |span| span.draw(dice.with(what)));
            later(born, length.div_f64(self.speed))
        };
        let session = Session {
            id: id.unwrap_or_else(|| {
                format!("9{:010}{place:09}", self.ids.nth(place as u64).bits() % 10_000_000_000)
            }),
            pages: Arc::clone(&self.pages),
            body,
            ending: timeline::ending(&behaviour, dice, wishes),
            dice,
            born,
            life: Life::new(born, steps, behaviour.time_digits.unwrap_or(6)),
            listed_from: real(behaviour.list_lag, "list-lag"),
            found_from: real(behaviour.not_found_for, "not-found-for"),
            titled_from: real(behaviour.title.as_ref().and_then(|title| title.after), "title"),
            behaviour,
            create,
            archived: false,
            deleted: false,
            is_old: false,
            counted: false,
            messages: Vec::new(),
            approvals: 0,
            archives: 0,
            pulls: Vec::new(),
            told: (0, 0),
            turn: None,
            doom,
        };
        self.places.insert(session.id.clone(), place);
        let same = self.tasks.entry(session.create.task()).or_default();
        if same.len() < MOST_TWINS {
            same.push(place);
        }
        self.sessions.push(session);
        self.refresh(place);
        place
    }

    /// Chance that only the content of the request decides.
    fn dice_of(&self, create: &Create) -> Dice {
        let title = create.title.as_deref().map_or("", |title| text::split_marker(title).0);
        let (source, branch) = create.source_and_branch();
        self.dice.with(&create.prompt).with(title).with(source).with(branch)
    }

    /// The place of a session, played up to `now`.
    pub(super) fn find(&mut self, id: &str, now: Timestamp) -> Result<usize, Failure> {
        let place = *self.places.get(id).ok_or_else(Failure::not_found)?;
        let session = &mut self.sessions[place];
        if session.deleted || now < session.found_from {
            return Err(Failure::not_found());
        }
        session.life.advance(now);
        Ok(place)
    }

    /// The session of this id, deleted or not, as far as it has been played.
    pub(super) fn peek(&self, id: &str) -> Option<&Session> {
        self.sessions.get(*self.places.get(id)?)
    }

    /// The first sessions that have the prompt and source of this one, as far as they are older.
    pub(super) fn twins(&self, place: usize) -> impl Iterator<Item = usize> {
        let all = self.tasks.get(&self.sessions[place].create.task()).map_or(&[][..], Vec::as_slice);
        all.iter().copied().take_while(move |earlier| *earlier < place)
    }

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

    /// When the next turn comes.
    pub(super) fn next_turn(&self) -> Option<Timestamp> {
        self.turns.peek().map(|Reverse((at, _))| *at)
    }

    /// What sessions did on GitHub since the last time, oldest first.
    pub(super) fn take_deeds(&mut self) -> Vec<SessionDeed> {
        let mut deeds = std::mem::take(&mut self.deeds);
        deeds.sort_by_key(|deed| deed.at);
        deeds
    }

    /// Something on GitHub wakes the session at `place`, if it sleeps.
    pub(super) fn stir(&mut self, place: usize, wake: Wake, at: Timestamp) {
        let speed = self.speed;
        let session = &mut self.sessions[place];
        session.life.advance(at);
        let number = session.life.wakes.len() as u64;
        if let Some(steps) = session.woken_by(wake, session.dice.with("stir").nth(number), speed) {
            session.life.wake(at, steps);
        }
        self.refresh(place);
    }

    /// Counts what has changed about a session's slot, its pull request and its next turn.
    pub(super) fn refresh(&mut self, place: usize) {
        let session = &mut self.sessions[place];
        let live = session.holds_a_slot();
        if live && !session.counted {
            self.live += 1;
            self.live_max = self.live_max.max(self.live);
        } else if !live && session.counted {
            self.live -= 1;
        }
        session.counted = live;
        let (pulls, pushes) = (&session.life.pulls, &session.life.pushes);
        for (n, at) in pulls.iter().enumerate().skip(session.told.0) {
            self.deeds.push(SessionDeed { place, at: *at, what: OnGitHub::Opens(n) });
        }
        for (n, at) in pushes.iter().enumerate().skip(session.told.1) {
            self.deeds.push(SessionDeed { place, at: *at, what: OnGitHub::Pushes(n + 1) });
        }
        session.told = (pulls.len(), pushes.len());
        let turn = session.life.next_turn();
        if session.turn != turn {
            session.turn = turn;
            self.turns.extend(turn.map(|at| Reverse((at, place))));
        }
    }

    /// Notes that a client has been told that the session has ended.
    pub(super) fn seen(&mut self, place: usize, now: Timestamp, arrives: bool) {
        let session = &mut self.sessions[place];
        if arrives && session.has_ended() {
            let unseen = session.life.ends.last_mut().filter(|end| end.seen_at.is_none());
            unseen.into_iter().for_each(|end| end.seen_at = Some(now));
        }
    }
}

/// Something that a session did on GitHub.
#[derive(Debug, Clone, Copy)]
pub(super) struct SessionDeed {
    pub(super) place: usize,
    pub(super) at: Timestamp,
    pub(super) what: OnGitHub,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum OnGitHub {
    /// Its n-th pull request, from 0.
    Opens(usize),
    /// Its n-th push after that, from 1.
    Pushes(usize),
}

/// How many sessions of one task are looked at when another is created: thousands can have one prompt in a benchmark.
const MOST_TWINS: usize = 16;

/// Why a session is not created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    /// The request is wrong.
    Wrong(Failure),
    /// The account may not have one more.
    OverCap(Failure),
}

/// The scenario's rules, and how often they have been asked.
#[derive(Debug)]
struct Rulebook {
    rules: Vec<(Rule, Arc<Behaviour>)>,
    /// How many sessions each rule's other conditions have matched.
    matched: Vec<u64>,
    otherwise: Arc<Behaviour>,
}

impl Rulebook {
    fn new(script: &Script) -> Self {
        let merged = |rule: &Rule| (rule.clone(), Arc::new(rule.then.clone().over(&script.defaults)));
        Self {
            rules: script.rules.iter().map(merged).collect(),
            matched: vec![0; script.rules.len()],
            otherwise: Arc::new(script.defaults.clone()),
        }
    }

    /// The behaviour that the first matching rule gives.
    fn behaviour_of(&mut self, create: &Create, dice: Dice) -> Arc<Behaviour> {
        for (index, ((rule, behaviour), matched)) in self.rules.iter().zip(&mut self.matched).enumerate() {
            let luck = dice.with("rule").nth(index as u64).unit();
            if !rule.when.matches(create) || rule.when.probability.is_some_and(|chance| luck >= chance) {
                continue;
            }
            *matched += 1;
            if rule.when.nth.as_ref().is_none_or(|nth| nth.as_slice().contains(matched)) {
                return Arc::clone(behaviour);
            }
        }
        Arc::clone(&self.otherwise)
    }
}
