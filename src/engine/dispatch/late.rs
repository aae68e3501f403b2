//! Sessions that a process before this one has created, and heard of when the run was ours already. Whoever looks for the
//! session of an intent finds most of them; what came after that look is one too many.

use super::archiving::Asked;
use super::tasks::State;
use super::{Dispatch, Stage};
use crate::engine::action::Action;
use crate::engine::input::Now;
use crate::outcome::{LateSession, SessionRef, Stray};

/// What a late session is to this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Some task has it.
    Known,
    /// Its task looks for it.
    LookedFor,
    /// Its task has gone on without it.
    Stray,
}

impl Dispatch {
    /// Another process has told of these; it tells them until they are seen to.
    pub(super) fn on_late(&mut self, told: Vec<LateSession>) {
        for late in told {
            if self.late.told.insert(late.session.clone()) {
                late.marker.iter().for_each(|marker| self.rivals.expect(marker.clone()));
                self.late.open.push(late);
            }
        }
    }

    /// Puts away what no task has any use for.
    pub(super) fn see_to_late(&mut self, now: Now) {
        if matches!(self.stage, Stage::Leaving { .. } | Stage::Auditing | Stage::Done) {
            return;
        }
        for late in std::mem::take(&mut self.late.open) {
            match self.what_is(&late) {
                Verdict::Known => {}
                Verdict::LookedFor => self.late.open.push(late),
                Verdict::Stray => self.put_late_away(late, now),
            }
        }
    }

    fn what_is(&self, late: &LateSession) -> Verdict {
        let is_known =
            self.run.sessions.contains(&late.session) || self.options.known_sessions.contains(&late.session);
        if is_known {
            return Verdict::Known;
        }
        let Some(ix) = self.tasks.all().find(|ix| self.plan[*ix].id == late.task) else {
            return Verdict::Stray;
        };
        match self.tasks.state(ix) {
            State::Waiting if self.stage == Stage::Surveying => Verdict::LookedFor,
            State::Creating(_) => {
                let sought = self.sought(self.tasks.last_attempt(ix));
                let is_sought = late.marker.as_ref().is_none_or(|marker| marker.is_same(&sought));
                if is_sought { Verdict::LookedFor } else { Verdict::Stray }
            }
            State::Waiting | State::Pausing(_) | State::Rechecking(_) | State::Live(_) | State::Ended(_) => {
                Verdict::Stray
            }
        }
    }

    fn put_late_away(&mut self, late: LateSession, now: Now) {
        let LateSession { task, session, marker } = late;
        let planned = self.plan.tasks.iter().find(|planned| planned.id == task);
        let title = planned.map_or("", |planned| &*planned.title);
        let title = marker.map_or_else(|| title.to_owned(), |marker| marker.title(title));
        let task_of_stray = planned.map(|planned| planned.id.clone());
        let stray =
            Stray { session: SessionRef { id: session.clone(), url: None }, title, task: task_of_stray };
        let asked = Asked::stray(task, stray, now.instant + self.patience());
        self.archiving.ask(session.clone(), asked);
        self.turn.actions.push(Action::Archive { session });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::engine::Options;
    use crate::engine::dispatch::tests::plan;
    use crate::engine::input::{FailureKind, Input, Listed, RequestFailure};
    use crate::outcome::{EventKind, RunRecord, sample};

    fn now() -> Now {
        Now { instant: tokio::time::Instant::now(), wall: sample::at(60) }
    }

    /// A run of one task, which is not there yet.
    fn dispatch() -> Dispatch {
        let record = RunRecord::begin(&sample::run_of(0)[0]).unwrap();
        let mut dispatch = Dispatch::new(Arc::new(plan(1, 1)), &record, Options::default(), now());
        dispatch.open(&record, now());
        dispatch.take_turn();
        dispatch
    }

    fn late(dispatch: &Dispatch, session: u32) -> LateSession {
        let (task, session) = (dispatch.plan.tasks[0].id.clone(), session.to_string().parse().unwrap());
        LateSession { task, session, marker: None }
    }

    fn archives(dispatch: &mut Dispatch) -> usize {
        let turn = dispatch.take_turn();
        turn.actions.iter().filter(|action| matches!(action, Action::Archive { .. })).count()
    }

    #[test]
    fn it_waits_until_its_task_has_been_looked_for_and_is_put_away_once_that_is_over() {
        let mut dispatch = dispatch();
        let told = late(&dispatch, 7);
        dispatch.handle(Input::Late(vec![told.clone()]), now());
        assert_eq!(archives(&mut dispatch), 0, "the first listing may show it");
        dispatch.handle(Input::Surveyed(Ok(Listed::default())), now());
        // Its own create, which has another marker, is nothing to wait for.
        let ix = dispatch.tasks.all().next().unwrap();
        let other = dispatch.sought(dispatch.tasks.last_attempt(ix));
        assert!(matches!(dispatch.tasks.state(ix), State::Creating(_)));
        assert_eq!(dispatch.what_is(&told), Verdict::LookedFor);
        let of_before = "[jb-0123456789abcdef-0a1b-1]".to_owned();
        let marker = crate::outcome::Marker::of_title(&of_before);
        assert!(!other.is_same(marker.as_ref().unwrap()));
        assert_eq!(dispatch.what_is(&LateSession { marker, ..told }), Verdict::Stray);
    }

    #[test]
    fn what_was_put_away_is_told_as_a_stray_and_what_was_not_is_left_to_the_next_run() {
        for (answer, strays) in [(Ok(()), 1), (Err("no"), 0)] {
            let mut dispatch = dispatch();
            let gone = LateSession { task: crate::plan::TaskId::new("gone"), ..late(&dispatch, 7) };
            dispatch.handle(Input::Late(vec![gone.clone(), gone.clone()]), now());
            assert_eq!(archives(&mut dispatch), 1, "once, however often it is told");
            let mut events = Vec::new();
            // The archive is asked more than once.
            for asked in 0..3 {
                let later = now().instant + Duration::from_secs(10 * asked);
                let result = answer.map_err(|text: &str| RequestFailure {
                    text: text.to_owned(),
                    kind: FailureKind::Lasting,
                });
                let answered = Input::Archived { session: gone.session.clone(), result };
                dispatch.handle(answered, Now { instant: later, ..now() });
                events.extend(dispatch.take_turn().events);
            }
            let found = events.iter().filter(|event| matches!(event, EventKind::StrayFound { .. }));
            assert_eq!(found.count(), strays, "{events:?}");
            assert!(
                events.iter().any(
                    |event| matches!(event, EventKind::Noted { note, .. } if note.contains("session 7"))
                )
            );
        }
    }
}
