//! How the service answers.

use std::time::Duration;

use tokio::time::Instant;

use super::session::{End, Played};
use super::{Manners, World};
use crate::engine::action::Action;
use crate::engine::ask::Ask;
use crate::engine::create::SEND_WITHIN;
use crate::engine::input::{
    Act, CreateFailure, Digest, FailureKind, Input, Page, Polled, RequestFailure, Seen,
};
use crate::engine::poller::{PageRequest, PollRequest};
use crate::outcome::{Marker, Work};
use jules::{Activity, ActivityKind, Originator, SessionId, SessionState};

impl World {
    fn failure(&mut self) -> Option<RequestFailure> {
        if self.rng.f64() < self.manners.key_refused {
            return Some(RequestFailure { text: "401".to_owned(), kind: FailureKind::Key });
        }
        let kind = FailureKind::Passing { unsent: self.rng.bool() };
        let fails = self.rng.f64() < self.manners.failure || self.now.instant < self.outage_until;
        fails.then(|| RequestFailure { text: "503".to_owned(), kind })
    }

    fn lasting_failure(&self) -> Option<RequestFailure> {
        let Manners { searches_fail, key_lost, .. } = self.manners;
        let kind = if key_lost { FailureKind::Key } else { FailureKind::Passing { unsent: false } };
        (searches_fail || key_lost).then(|| RequestFailure { text: "no".to_owned(), kind })
    }

    pub(super) fn answer(&mut self, asked: Instant, action: Action) -> Input {
        let failure = self.failure();
        match action {
            Action::Survey { .. } if failure.is_some() => {
                Input::Surveyed(failure.map_or(Ok(Vec::new().into()), Err))
            }
            Action::Survey { since } => {
                let is_new = |seen: &Seen| since.is_some_and(|since| seen.created >= Some(since));
                Input::Surveyed(Ok(self.listed().into_iter().filter(is_new).collect::<Vec<_>>().into()))
            }
            Action::Audit { .. } => Input::Audited(failure.map_or_else(|| Ok(self.listed().into()), Err)),
            Action::Turn { attempt, .. } => Input::Turned { attempt, result: self.turn() },
            Action::Create { attempt, marker } => {
                Input::Posted { attempt, result: self.create(asked, &marker) }
            }
            Action::Tell { attempt, .. } => Input::Told { attempt, told: None },
            Action::Archive { session } => {
                let Played { seen, unanswered, .. } = self.sessions.get_mut(&session).unwrap();
                if failure.is_none() {
                    *unanswered |= seen.state == SessionState::AwaitingUserFeedback;
                    seen.archived = true;
                    if !seen.state.is_terminal() {
                        seen.state = SessionState::Paused;
                    }
                }
                Input::Archived { session, result: failure.map_or(Ok(()), Err) }
            }
            Action::Search { attempt, .. } => {
                let failure = self.lasting_failure().or(failure);
                Input::Searched { attempt, result: failure.map_or_else(|| Ok(self.listed().into()), Err) }
            }
            Action::Poll(PollRequest::Page(page)) => {
                self.go_on();
                let result = failure.map_or_else(|| Ok(self.page(&page)), Err);
                Input::Polled(Polled::Page {
                    place: page.place,
                    lean: page.lean,
                    asked,
                    took: Duration::ZERO,
                    result,
                })
            }
            Action::Poll(PollRequest::One(session)) => {
                self.go_on();
                let seen = Box::new(self.sessions[&session].seen.clone());
                let result = failure.map_or(Ok(seen), Err);
                Input::Polled(Polled::One { session, asked, took: Duration::ZERO, result })
            }
            Action::Read { attempt, session, purpose, .. } => {
                let played = &self.sessions[&session];
                let mut digest = Digest::default();
                for kind in played.course() {
                    let mut activity = Activity::new("a".parse().unwrap(), Originator::System, kind);
                    let is_answer = matches!(activity.kind, ActivityKind::UserMessaged { .. });
                    activity.create_time = played.answered.filter(|_| is_answer);
                    digest.told.take(activity);
                }
                digest.read_at = Some(self.now.wall);
                Input::Read { attempt, purpose, result: failure.map_or_else(|| Ok(Box::new(digest)), Err) }
            }
            Action::Approve { attempt, .. } => {
                Input::Acted { attempt, act: Act::Approve, result: failure.map_or(Ok(()), Err) }
            }
            Action::Send { attempt, session, act, .. } => {
                if let Some(played) = self.sessions.get_mut(&session)
                    && !played.seen.archived
                {
                    if played.seen.state == SessionState::AwaitingUserFeedback {
                        played.seen.state = SessionState::InProgress;
                    } else if played.is_asking_last() {
                        played.wakes_in = played.wakes_in.or(Some(self.rng.u32(0..12)));
                        played.answered = Some(self.now.wall);
                    }
                }
                Input::Acted { attempt, act, result: failure.map_or(Ok(()), Err) }
            }
            Action::Look { session } => {
                let result = failure.map_or_else(|| Ok(Box::new(self.sessions[&session].seen.clone())), Err);
                Input::Looked { session, result }
            }
            Action::Recheck { task, session } => {
                let seen = Box::new(self.sessions[&session].seen.clone());
                Input::Rechecked { task, asked, result: failure.map_or(Ok(seen), Err) }
            }
        }
    }

    fn turn(&mut self) -> Result<(), CreateFailure> {
        if self.rng.f64() >= self.manners.refused / 4.0 {
            return Ok(());
        }
        Err(match self.rng.bool() {
            true => CreateFailure::Capacity { cause: "not within 30m".to_owned(), retry_after: None },
            false => CreateFailure::Account { again: Duration::from_secs(self.rng.u64(1..60)), spent: false },
        })
    }

    fn create(&mut self, asked: Instant, marker: &Marker) -> Result<Box<Seen>, CreateFailure> {
        self.posts += 1;
        assert!(self.posts <= self.posts_on_record, "a POST is on no record");
        if self.now.instant - asked > SEND_WITHIN && self.rng.bool() {
            return Err(CreateFailure::Late("too late".to_owned()));
        }
        if self.rng.f64() < self.manners.refused {
            return Err(match self.rng.u8(0..3) {
                0 => CreateFailure::Capacity { cause: "429".to_owned(), retry_after: None },
                1 => CreateFailure::Unsent("connection refused".to_owned()),
                _ => CreateFailure::Doubt { cause: "400".to_owned(), capacity: true },
            });
        }
        if self.rng.f64() < self.manners.key_refused {
            return Err(CreateFailure::Key("401".to_owned()));
        }
        let lags = self.manners.lag > Duration::ZERO;
        let lost = self.rng.f64() < self.manners.lost_answer && !(lags && self.sessions.is_empty());
        let lost_before = lost && !self.manners.processed && self.rng.bool();
        if !lost_before {
            self.twins += usize::from(self.is_at_work_for(marker));
        }
        let seen = Box::new(self.play(marker, lost_before));
        if lost {
            return Err(CreateFailure::Doubt { cause: "timeout".to_owned(), capacity: self.rng.bool() });
        }
        Ok(seen)
    }

    /// Whether a session of the same task has not ended.
    fn is_at_work_for(&self, marker: &Marker) -> bool {
        let mut live = self.sessions.values().filter(|played| !played.seen.is_over());
        live.any(|played| played.seen.marker().is_some_and(|other| other.key() == marker.key()))
    }

    pub(super) fn play(&mut self, marker: &Marker, lost_before: bool) -> Seen {
        let id: SessionId = (1_000 + self.sessions.len()).to_string().parse().unwrap();
        let task = self.plan.tasks.iter().find(|task| marker.is_of_task(&task.key));
        let seen = Seen {
            id: id.clone(),
            title: Some(marker.title("A task")),
            state: SessionState::Queued,
            url: None,
            created: Some(self.now.wall),
            updated: Some(self.now.wall),
            work: Work::default(),
            archived: false,
            ask: task.map(Ask::of_task),
        };
        if lost_before {
            return seen;
        }
        let hangs = self.rng.f64() < self.manners.hangs;
        let end = match self.rng.f64() {
            draw if draw < self.manners.fails => End::Failure,
            draw if draw < self.manners.fails + self.manners.asks_last => End::Question,
            draw if draw < self.manners.fails + self.manners.asks_last + self.manners.idles => End::Idle,
            _ => End::PullRequest,
        };
        let played = Played {
            seen: seen.clone(),
            looked: Some(self.now.instant),
            polls_left: if hangs { u32::MAX } else { self.rng.u32(1..6) },
            end,
            asks: self.rng.f64() < self.manners.asks,
            unanswered: false,
            wakes_in: None,
            answered: None,
        };
        self.sessions.insert(id, played);
        seen
    }

    /// Each poll lets time do its work on every session.
    pub(super) fn go_on(&mut self) {
        for played in self.sessions.values_mut() {
            played.go_on();
        }
    }

    /// Pages of three, so that a few sessions fill several.
    fn page(&self, request: &PageRequest) -> Page {
        let listed: Vec<Seen> = self.listed().into_iter().filter(|seen| !seen.archived).collect();
        let rest = &listed[request.place.min(listed.len())..];
        let is_last = rest.len() <= 3;
        let shown = rest.iter().take(3).cloned().enumerate();
        let mut found: Vec<_> = shown.filter(|(_, seen)| request.watched.contains(&seen.id)).collect();
        if request.lean {
            found.iter_mut().for_each(|(_, seen)| seen.work.change = None);
        }
        let next = (!is_last).then(|| "more".to_owned());
        Page { found, strangers: Vec::new(), count: 3, bytes: 1000, next }
    }

    /// With what is in the archive, which only pages for polls leave out.
    pub(super) fn list(&self) -> Vec<Seen> {
        self.sessions.values().rev().map(|played| played.seen.clone()).collect()
    }

    /// Of these, what is old enough to be listed.
    pub(super) fn listed(&self) -> Vec<Seen> {
        let until = self.now.wall - self.manners.lag;
        let mut listed = self.list();
        listed.retain(|seen| seen.created <= Some(until));
        if self.manners.renames {
            listed.iter_mut().for_each(|seen| seen.title = Some("Another title".to_owned()));
        }
        listed
    }
}
