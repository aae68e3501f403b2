//! Sessions that bear a marker of ours, and are ours or not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tokio::time::Instant;

use super::super::Dispatch;
use super::plan;
use crate::engine::Options;
use crate::engine::action::{Action, Attempt, TaskIx};
use crate::engine::ask::Ask;
use crate::engine::input::{CreateFailure, Input, Listed, Now, Seen};
use crate::outcome::{EventKind, Marker, RunEvent, RunId, RunInfo, RunRecord, Work};
use crate::plan::{Plan, Task, TaskKey, TaskSource};
use jules::SessionState;

const TASKS: usize = 3;

/// What a session in a listing shows.
#[derive(Clone, Copy, Debug)]
struct Bearer {
    /// The task in its marker.
    marker: usize,
    /// Only the first half of the key fits.
    collides: bool,
    /// As an older program wrote it.
    is_old_form: bool,
    /// The task whose prompt it has.
    prompt: usize,
    /// It works on the task's source.
    is_source: bool,
    /// The listing tells what it was asked.
    is_told: bool,
    /// Two of a listing may have the same.
    id: usize,
}

/// An earlier run's tasks have the session of this id.
const EARLIER: usize = IDS - 1;
const IDS: usize = 6;

impl Bearer {
    /// A session of the task with the place 0, in every way.
    fn first(id: usize) -> Self {
        Self { marker: 0, collides: false, is_old_form: false, prompt: 0, is_source: true, is_told: true, id }
    }

    fn is_of(&self, task: usize) -> bool {
        let is_marked = self.marker == task && (self.is_old_form || !self.collides);
        is_marked && self.prompt == task && self.is_source && self.is_told
    }

    fn seen(&self, plan: &Plan, run: &RunId, now: Now) -> Seen {
        let key = plan.tasks[self.marker].key.as_str();
        let key = if self.collides { format!("{}ffffffff", &key[..8]) } else { key.to_owned() };
        let marker = Marker::new(&TaskKey::new(key), run, 1).to_string();
        let marker = if self.is_old_form { format!("{}{}", &marker[..12], &marker[20..]) } else { marker };
        let source = TaskSource { github: "o/other".into(), branch: "main".into() };
        let task = &plan.tasks[self.prompt];
        let asked = if self.is_source { task.clone() } else { Task { source: Some(source), ..task.clone() } };
        Seen {
            id: self.id.to_string().parse().unwrap(),
            title: Some(format!("A task {marker}")),
            state: SessionState::InProgress,
            url: None,
            created: Some(now.wall + SignedDuration::from_secs(if self.id == EARLIER { -3600 } else { 1 })),
            updated: None,
            work: Work::default(),
            archived: false,
            ask: self.is_told.then(|| Ask::of_task(&asked)),
        }
    }
}

fn bearers() -> impl Strategy<Value = Vec<Bearer>> {
    let mostly = || prop::bool::weighted(0.8);
    let bearer = (0..TASKS, prop::bool::weighted(0.2), any::<bool>(), 0..TASKS, mostly(), mostly(), 0..IDS);
    let bearer = bearer.prop_map(|(marker, collides, is_old_form, prompt, is_source, is_told, id)| Bearer {
        marker,
        collides,
        is_old_form,
        prompt,
        is_source,
        is_told,
        id,
    });
    prop::collection::vec(bearer, 0..12)
}

/// A run whose first listing is under way.
fn opened(look_back: Option<Timestamp>) -> (Dispatch, Arc<Plan>, RunId, Now) {
    let mut plan = plan(TASKS, TASKS);
    for (n, task) in plan.tasks.iter_mut().enumerate() {
        task.prompt = format!("Do {n}.").into();
        task.source = Some(TaskSource { github: "o/r".into(), branch: "main".into() });
    }
    let plan = Arc::new(plan);
    let now = Now { instant: Instant::now(), wall: "2026-11-22T02:00:05Z".parse().unwrap() };
    let id = RunId::new(now.wall, 0x7c1f);
    let run =
        RunInfo { id: id.clone(), name: "x".into(), manifest: "x".into(), file: None, simulated: false };
    let first = RunEvent { seq: 1, ts: now.wall, kind: EventKind::RunStarted { run } };
    let record = RunRecord::begin(&first).unwrap();
    let known_sessions = [EARLIER.to_string().parse().unwrap()].into();
    let options = Options { look_back, key_has_worked: true, known_sessions, ..Options::default() };
    let mut dispatch = Dispatch::new(plan.clone(), &record, options, now);
    dispatch.open(&record, now);
    dispatch.take_turn();
    (dispatch, plan, id, now)
}

/// Which task has which session now, and what is asked.
fn turn(dispatch: &mut Dispatch, plan: &Plan) -> (BTreeMap<usize, String>, Vec<Action>) {
    let turn = dispatch.take_turn();
    let sessions = turn.events.iter().filter_map(|event| match event {
        EventKind::SessionCreated { task, session, .. } => {
            let place = plan.tasks.iter().position(|known| known.id == *task)?;
            Some((place, session.id.as_str().to_owned()))
        }
        _ => None,
    });
    (sessions.collect(), turn.actions)
}

/// For each task the first session of a listing that is its own, and that nobody has.
fn expected(bearers: &[Bearer], mut taken: BTreeSet<usize>) -> BTreeMap<usize, String> {
    let own = (0..TASKS).filter_map(|task| {
        let own = bearers.iter().find(|bearer| bearer.is_of(task) && !taken.contains(&bearer.id))?.id;
        taken.insert(own);
        Some((task, own.to_string()))
    });
    own.collect()
}

fn doubt() -> CreateFailure {
    CreateFailure::Doubt { cause: "503".to_owned(), capacity: false }
}

proptest! {
    #[test]
    fn only_a_session_with_marker_prompt_and_source_is_taken_up(bearers in bearers()) {
        let (mut dispatch, plan, run, now) = opened(Some(Timestamp::MIN));
        let listed = bearers.iter().map(|bearer| bearer.seen(&plan, &run, now));
        dispatch.handle(Input::Surveyed(Ok(listed.collect::<Vec<_>>().into())), now);
        let (sessions, _) = turn(&mut dispatch, &plan);
        // What is live is taken up whatever run it stands in.
        prop_assert_eq!(sessions, expected(&bearers, BTreeSet::new()));
    }

    #[test]
    fn a_create_in_doubt_finds_only_its_own_and_two_tasks_never_share_one(bearers in bearers()) {
        let (mut dispatch, plan, run, now) = opened(None);
        dispatch.handle(Input::Surveyed(Ok(Vec::new().into())), now);
        let listed: Vec<_> = bearers.iter().map(|bearer| bearer.seen(&plan, &run, now)).collect();
        for task in 0..TASKS {
            let attempt = Attempt { task: TaskIx(task), number: 1 };
            dispatch.handle(Input::Turned { attempt, result: Ok(()) }, now);
        }
        let mut found = BTreeMap::new();
        for task in 0..TASKS {
            let attempt = Attempt { task: TaskIx(task), number: 1 };
            dispatch.handle(Input::Posted { attempt, result: Err(doubt()) }, now);
            dispatch.take_turn();
            dispatch.handle(Input::Searched { attempt, result: Ok(listed.clone().into()) }, now);
            found.extend(turn(&mut dispatch, &plan).0);
        }
        prop_assert_eq!(found, expected(&bearers, [EARLIER].into()));
    }

    #[test]
    fn an_answer_is_believed_unless_its_session_is_of_another(bearers in bearers()) {
        let (mut dispatch, plan, run, now) = opened(None);
        dispatch.handle(Input::Surveyed(Ok(Vec::new().into())), now);
        let mut taken = BTreeSet::from([EARLIER]);
        for (task, bearer) in bearers.iter().enumerate().take(TASKS) {
            let attempt = Attempt { task: TaskIx(task), number: 1 };
            dispatch.handle(Input::Turned { attempt, result: Ok(()) }, now);
            dispatch.take_turn();
            let seen = Box::new(bearer.seen(&plan, &run, now));
            dispatch.handle(Input::Posted { attempt, result: Ok(seen) }, now);
            let is_marked = bearer.marker == task && (bearer.is_old_form || !bearer.collides);
            let is_believed = is_marked && taken.insert(bearer.id);
            let (sessions, _) = turn(&mut dispatch, &plan);
            prop_assert_eq!(sessions.contains_key(&task), is_believed);
        }
    }
}

#[test]
fn a_listing_with_sessions_that_cannot_be_read_proves_nothing() {
    let (mut dispatch, plan, _, now) = opened(None);
    dispatch.handle(Input::Surveyed(Ok(Vec::new().into())), now);
    let attempt = Attempt { task: TaskIx(0), number: 1 };
    dispatch.handle(Input::Turned { attempt, result: Ok(()) }, now);
    dispatch.handle(Input::Posted { attempt, result: Err(doubt()) }, now);
    dispatch.take_turn();
    let mut later = now;
    for _ in 0..60 {
        let listed = Listed { found: Vec::new(), unreadable: 1 };
        dispatch.handle(Input::Searched { attempt, result: Ok(listed) }, later);
        later.instant += Duration::from_secs(11);
        dispatch.handle(Input::Tick, later);
        let (_, actions) = turn(&mut dispatch, &plan);
        let again = |action: &Action| matches!(action, Action::Create { attempt: it, .. } if *it == attempt);
        assert!(!actions.iter().any(again), "{actions:?}");
    }
}

#[test]
fn an_answer_with_a_session_that_another_task_has_is_a_doubt() {
    let (mut dispatch, plan, run, now) = opened(None);
    dispatch.handle(Input::Surveyed(Ok(Vec::new().into())), now);
    let mut posted = |task: usize| {
        let attempt = Attempt { task: TaskIx(task), number: 1 };
        dispatch.handle(Input::Turned { attempt, result: Ok(()) }, now);
        dispatch.take_turn();
        let seen = Bearer { marker: task, ..Bearer::first(0) }.seen(&plan, &run, now);
        dispatch.handle(Input::Posted { attempt, result: Ok(Box::new(seen)) }, now);
        turn(&mut dispatch, &plan)
    };
    assert_eq!(posted(0).0.len(), 1);
    let (sessions, actions) = posted(1);
    assert!(sessions.is_empty() && matches!(actions[..], [Action::Search { .. }, ..]), "{actions:?}");
}
