//! A session's activities: read while it lives for how long its agent is silent and what it asks, and at its end.

use std::time::Duration;

use super::showing::silence;
use super::{Driver, EXPLANATION, Phase, Step};
use crate::engine::action::Purpose;
use crate::engine::input::{Digest, Now, RequestFailure};
use jules::SessionState;

/// The shortest time that is given to activities which most likely change nothing.
const SIDE_READING: Duration = Duration::from_secs(1);

impl Driver {
    /// Its activities were read, or could not be.
    pub(in crate::engine) fn on_read(
        &mut self,
        purpose: Purpose,
        result: Result<&Digest, &RequestFailure>,
        now: Now,
    ) -> Vec<Step> {
        if self.phase == Phase::Ended {
            return Vec::new();
        }
        let active = result.ok().and_then(|digest| self.hear(digest, now));
        let mut steps = self.after_read(purpose, result, now);
        // At its end something else is told.
        if let Some(active) = active.filter(|_| !steps.iter().any(|step| matches!(step, Step::End(_)))) {
            steps.insert(0, active);
        }
        steps
    }

    fn after_read(
        &mut self,
        purpose: Purpose,
        result: Result<&Digest, &RequestFailure>,
        now: Now,
    ) -> Vec<Step> {
        if matches!(self.phase, Phase::Closing { purpose: closing, .. } if closing == purpose) {
            return self.on_closing_read(purpose, result, now);
        }
        if self.reading.take_if(|reading| *reading == purpose).is_none() {
            return Vec::new();
        }
        match (purpose, result) {
            (Purpose::Question, Ok(digest)) if matches!(self.phase, Phase::Waking { .. }) => {
                self.on_waking_read(digest, now)
            }
            (Purpose::Question, Err(_)) if matches!(self.phase, Phase::Waking { .. }) => {
                self.phase = Phase::Waking { read: None };
                Vec::new()
            }
            _ if self.is_over_for_us() => Vec::new(),
            (Purpose::Question, Ok(digest)) => self.on_question_read(digest, now),
            (Purpose::Silence, Ok(_)) => self.on_silence_read(now),
            (Purpose::Silence, Err(failure)) => {
                // Not knowing is not silence: ask again when the next poll is due.
                self.last_failure = Some(failure.text.clone());
                self.quiet_since = (now.instant + self.terms.interval)
                    .checked_sub(self.terms.timeouts.stall)
                    .unwrap_or(now.instant);
                Vec::new()
            }
            (Purpose::Question, Err(_))
            | (Purpose::Reason | Purpose::Work | Purpose::Answer | Purpose::Show, _) => Vec::new(),
        }
    }

    /// Reads the activities of a session that is at its end. What they only explain has a short time.
    pub(super) fn close(&mut self, purpose: Purpose, now: Now, steps: &mut Vec<Step>) {
        let settle = self.terms.timeouts.settle;
        let time = match purpose {
            // What it has made is known, and is not held up for long.
            Purpose::Answer => settle.clamp(SIDE_READING, EXPLANATION),
            Purpose::Silence | Purpose::Question | Purpose::Reason | Purpose::Work | Purpose::Show => settle,
        };
        self.phase = Phase::Closing { purpose, until: now.instant + time, again: None };
        steps.push(Step::Read { purpose, since: None });
    }

    fn on_closing_read(
        &mut self,
        purpose: Purpose,
        result: Result<&Digest, &RequestFailure>,
        now: Now,
    ) -> Vec<Step> {
        match result {
            Ok(digest) => self.end_reading(purpose, Some(digest), now),
            Err(failure) => {
                self.last_failure = Some(failure.text.clone());
                // The activities of a young session can be late (404) although it has ended.
                if self.closes_later(now) { Vec::new() } else { self.end_reading(purpose, None, now) }
            }
        }
    }

    /// Whether the activities of the ended session are to be read once more, and when.
    fn closes_later(&mut self, now: Now) -> bool {
        let Phase::Closing { until, again, .. } = &mut self.phase else { return false };
        *again = Some((now.instant + self.terms.interval).min(*until));
        now.instant < *until
    }

    /// The activities of a session that is at its end were read, or cannot be.
    pub(super) fn end_reading(&mut self, purpose: Purpose, digest: Option<&Digest>, now: Now) -> Vec<Step> {
        match (purpose, &self.state, digest) {
            (Purpose::Work, SessionState::Completed, Some(digest)) => self.on_end_read(digest, now),
            (Purpose::Answer, SessionState::Completed, digest) => self.end_unless_answered(digest, now),
            (Purpose::Reason, SessionState::Failed, Some(digest)) => {
                let why = digest.told.failure_reason.clone();
                vec![self.end_failed(why, "the session failed without saying why")]
            }
            (Purpose::Work, SessionState::Completed, None)
            | (Purpose::Reason, SessionState::Failed, None) => {
                vec![self.end_closing(purpose)]
            }
            (Purpose::Question, state, digest) if self.archived && !state.is_terminal() => {
                vec![self.end_archived(digest)]
            }
            (Purpose::Question, SessionState::AwaitingUserFeedback, digest) => {
                self.question = digest.and_then(|digest| digest.told.question());
                self.phase = Phase::Working;
                self.answer_question(now)
            }
            // It went on meanwhile.
            _ => {
                self.phase = Phase::Working;
                vec![Step::ReadAt(now.instant)]
            }
        }
    }

    /// The agent's newest activity cannot be older than what we knew, nor younger than now. What it is, if it is news.
    fn hear(&mut self, digest: &Digest, now: Now) -> Option<Step> {
        self.last_user = self.last_user.max(digest.told.last_user);
        if digest.told.last_agent.is_some() && digest.told.last_agent > self.last_agent {
            self.last_agent = digest.told.last_agent;
            let heard = now.instant.checked_sub(silence(digest, now)).unwrap_or(self.quiet_since);
            self.quiet_since = heard.clamp(self.quiet_since, now.instant.max(self.quiet_since));
        }
        self.tell(digest, now)
    }
}
