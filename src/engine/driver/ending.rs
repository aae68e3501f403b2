//! From a session's last state to the end of its attempt: late outputs, late activities, the judgement.

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Driver, End, Phase, Step};
use crate::engine::action::Purpose;
use crate::engine::input::{Digest, Now};
use crate::engine::judge::{has_changed, is_met_by_failed, judge};
use crate::outcome::Outcome;
use jules::{Made, Options, Settled, Settling, Unchanged};

impl Driver {
    /// A look that was asked for then shows it completed. The wait for more outputs is over only with a look after it.
    pub(super) fn on_completed(&mut self, asked: Instant, now: Now, steps: &mut Vec<Step>) {
        let since = match self.phase {
            Phase::Settling { since } => since,
            _ => now.instant,
        };
        self.phase = Phase::Settling { since };
        let settling = Settling::new(self.terms.asked, self.terms.timeouts.settle);
        match settling.after(asked.saturating_duration_since(since), self.made()) {
            Settled::NotBefore(_) => {
                let pause = self.terms.interval.min(settling.grace / 3);
                let over = since + settling.grace;
                steps.push(Step::ReadAt((now.instant + pause).min(over).max(now.instant)));
            }
            Settled::Outputs | Settled::Activities if !has_changed(&self.work) => {
                self.close(Purpose::Work, now, steps);
            }
            Settled::Outputs | Settled::Activities
                if self.has_all() || self.deadline.is_over(now.instant) =>
            {
                steps.push(self.end_completed());
            }
            // It lacks what it was asked for, and somebody may have told it so; or somebody has told it something else.
            Settled::Outputs | Settled::Activities => self.close(Purpose::Answer, now, steps),
        }
    }

    /// It was answered after its end, and is shown as completed still: by its old end, or by a new one that nobody saw
    /// it come to. Only its activities tell, and only when something has changed.
    pub(super) fn on_still_completed(
        &mut self,
        read: Option<Timestamp>,
        asked: Instant,
        now: Now,
        steps: &mut Vec<Step>,
    ) {
        let news = self.news.take().filter(|_| self.updated == read);
        let is_unread = self.updated != read || self.owed.is_some();
        if has_changed(&self.work) {
            self.phase = Phase::Settling { since: now.instant };
            steps.push(Step::ReadAt(now.instant + self.terms.interval));
        } else if let Some((since, digest)) = news {
            if asked >= since {
                steps.extend(self.on_end_read(&digest, now));
            } else {
                self.news = Some((since, digest));
                steps.push(Step::ReadAt(now.instant));
            }
        } else if is_unread && self.reading.is_none() {
            self.phase = Phase::Waking { read: self.updated };
            self.reading = Some(Purpose::Question);
            steps.push(Step::Read { purpose: Purpose::Question, since: None });
        } else if self.reading.is_none() {
            steps.push(Step::ReadAt(now.instant + self.terms.interval));
        }
    }

    /// The activities of a session that is to wake were read, some time after the look that showed it completed: what they
    /// tell may be the beginning of new work.
    pub(super) fn on_waking_read(&mut self, digest: &Digest, now: Now) -> Vec<Step> {
        let is_news = match digest.told.unchanged() {
            Unchanged::Answered => false,
            Unchanged::Asks(_) => self.owed.is_none() && self.is_new(&digest.told),
            _ => true,
        };
        if !is_news {
            return self.on_end_read(digest, now);
        }
        self.news = Some((now.instant, Box::new(digest.clone())));
        vec![Step::ReadAt(now.instant)]
    }

    /// Whether a session that completed has made all that it was asked for, and nobody has asked it for more since.
    pub(super) fn has_all(&self) -> bool {
        self.made() >= Some(self.terms.asked) && has_changed(&self.work) && !self.spent.woken
    }

    pub(super) fn made(&self) -> Option<Made> {
        Made::of(self.work.pull_request.is_some(), self.work.change.is_some())
    }

    /// What the activities of a completed session tell, whose outputs show no change.
    pub(super) fn on_end_read(&mut self, digest: &Digest, now: Now) -> Vec<Step> {
        if !has_changed(&self.work) {
            self.work.change = digest.change.or(self.work.change);
        }
        if has_changed(&self.work) {
            return vec![self.end_completed()];
        }
        let told = &digest.told;
        match told.unchanged() {
            Unchanged::Asks(question) if self.is_new(told) => {
                self.question = Some(question.to_owned());
                self.answer_question(now)
            }
            Unchanged::Asks(_) | Unchanged::Answered if now.instant < self.asleep_at() => {
                self.phase = Phase::Waking { read: self.updated };
                vec![Step::ReadAt(now.instant + self.terms.interval)]
            }
            Unchanged::Asks(_) | Unchanged::Answered if told.agent_message.is_some() => {
                self.question.clone_from(&told.agent_message);
                vec![self.end_unanswered()]
            }
            Unchanged::NeverWorked if self.made().is_none() => self.give_up(Outcome::Error, now),
            _ => {
                let (outcome, reason) = judge(self.terms.expect, &self.work);
                let words = told.last_words.as_deref();
                let words =
                    words.map_or_else(String::new, |words| format!("; the agent's last words: {words}"));
                vec![self.end(outcome, reason.map(|reason| format!("{reason}{words}")))]
            }
        }
    }

    /// Its activities tell whether somebody has answered it so lately that it may wake, or that it asks before it goes on to
    /// what is expected; nobody knows where they could not be read.
    pub(super) fn end_unless_answered(&mut self, digest: Option<&Digest>, now: Now) -> Vec<Step> {
        let Some(digest) = digest else { return vec![self.end_completed()] };
        if let Unchanged::Asks(question) = digest.told.unchanged()
            // One that may have woken is looked at again first.
            && !self.may_wake
            && self.lacks_what_is_expected()
            && self.is_new(&digest.told)
        {
            self.question = Some(question.to_owned());
            return self.answer_question(now);
        }
        vec![self.end_unless_woken(digest, now)]
    }

    /// Whether it has completed, and not with what is expected.
    fn lacks_what_is_expected(&self) -> bool {
        judge(self.terms.expect, &self.work).0 == Outcome::Failed
    }

    fn end_unless_woken(&mut self, digest: &Digest, now: Now) -> Step {
        let may_wake = digest.told.may_wake(Options::FRESH_PATIENCE, digest.read_at.unwrap_or(now.wall));
        // The agent has had the word since, maybe after the look that showed it completed: then it has woken.
        let may_have_woken = self.may_wake && !matches!(digest.told.unchanged(), Unchanged::Answered);
        if !may_wake && !may_have_woken {
            let is_answered =
                matches!(digest.told.unchanged(), Unchanged::Answered) && self.spent.replies > 0;
            let has_asked = is_answered && self.question.is_some();
            return if has_asked { self.end_unanswered() } else { self.end_completed() };
        }
        (self.may_wake, self.spent.woken) = (may_wake, self.spent.woken && may_wake);
        self.phase = Phase::Settling { since: now.instant };
        Step::ReadAt(if may_wake { now.instant + self.terms.interval } else { now.instant })
    }

    pub(super) fn end_completed(&mut self) -> Step {
        let (outcome, reason) = judge(self.terms.expect, &self.work);
        self.end(outcome, reason.map(str::to_owned))
    }

    /// It failed, and may have said why. What it was asked for can be there all the same: another session would make it
    /// twice.
    pub(super) fn end_failed(&mut self, why: Option<String>, otherwise: &str) -> Step {
        if !is_met_by_failed(self.terms.expect, &self.work) {
            return self.end(Outcome::Failed, Some(why.unwrap_or_else(|| otherwise.to_owned())));
        }
        let why = why.map_or_else(|| otherwise.to_owned(), |why| format!("the session failed: {why}"));
        self.end(Outcome::Succeeded, Some(format!("what was asked for is there, although {why}")))
    }

    pub(super) fn end(&mut self, outcome: Outcome, reason: Option<String>) -> Step {
        self.phase = Phase::Ended;
        Step::End(End { work: self.work.clone(), ..End::new(outcome, reason) })
    }
}
