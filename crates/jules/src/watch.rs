//! What a stream of activities does next: plain decisions, no waiting.
//!
//! One request per interval: the activities are read as long as they bring something new; when they bring nothing, the
//! next request asks for the session's state instead.

use super::{Activity, ActivityKind};

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Read the activities that came since.
    Read,
    /// Ask for the session's state.
    Ask,
    /// Wait for the interval to pass.
    Pause,
    /// Nothing more will come.
    End,
}

/// Follows a session through what is read of it.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    step: Step,
    after_pause: Step,
    /// End after the first reading.
    history_only: bool,
    /// The reading under way is the first one.
    first: bool,
    /// The present reading brought something.
    found: bool,
    /// The newest word on it is that the session has ended.
    end_seen: bool,
    /// The session's state says that it has ended.
    ended: bool,
    /// The reading under way is the last one.
    last_look: bool,
}

impl Watch {
    pub(super) fn new(history_only: bool) -> Self {
        Self {
            step: Step::Read,
            after_pause: Step::Read,
            history_only,
            first: true,
            found: false,
            end_seen: false,
            ended: false,
            last_look: false,
        }
    }

    pub(super) fn step(&self) -> Step {
        self.step
    }

    /// Nothing more is wanted.
    pub(super) fn end(&mut self) {
        self.step = Step::End;
    }

    /// An activity, in the order of the service; `new` when it was not seen before.
    pub(super) fn saw(&mut self, activity: &Activity, new: bool) {
        self.found |= new;
        if activity.is_end() {
            self.end_seen = true;
        } else if matches!(activity.kind, ActivityKind::UserMessaged { .. }) {
            // A message sets an ended session going again.
            self.end_seen = false;
        }
    }

    /// All pages of a reading are through.
    pub(super) fn has_read(&mut self) {
        let (found, first) = (std::mem::take(&mut self.found), std::mem::take(&mut self.first));
        if self.history_only || (self.ended && (self.end_seen || self.last_look)) {
            self.step = Step::End;
        } else if self.ended {
            // Activities are sometimes written after the state has changed: look once more.
            self.last_look = true;
            self.pause(Step::Read);
        } else if self.end_seen && (found || first) {
            // Whoever takes a session up behind its end need not wait to be told.
            self.step = Step::Ask;
        } else {
            self.pause(if found { Step::Read } else { Step::Ask });
        }
    }

    /// The session's state is known.
    pub(super) fn has_asked(&mut self, ended: bool) {
        self.ended = ended;
        if ended {
            self.step = Step::Read;
        } else {
            self.pause(Step::Read);
        }
    }

    /// The step could not be done: try it again after a pause.
    pub(super) fn failed(&mut self) {
        self.pause(self.step);
    }

    /// The pause is over.
    pub(super) fn has_paused(&mut self) {
        self.step = self.after_pause;
    }

    fn pause(&mut self, then: Step) {
        self.step = Step::Pause;
        self.after_pause = then;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ActivityId, Originator};

    fn activity(kind: ActivityKind) -> Activity {
        Activity::new(ActivityId::new("a").unwrap(), Originator::System, kind)
    }

    /// Takes the pause and gives the step behind it.
    fn after_pause(watch: &mut Watch) -> Step {
        assert_eq!(watch.step(), Step::Pause);
        watch.has_paused();
        watch.step()
    }

    #[test]
    fn history_ends_after_one_reading() {
        let mut watch = Watch::new(true);
        assert_eq!(watch.step(), Step::Read);
        watch.saw(&activity(ActivityKind::None), true);
        watch.has_read();
        assert_eq!(watch.step(), Step::End);
    }

    #[test]
    fn one_request_per_interval_state_only_when_activities_are_quiet() {
        let mut watch = Watch::new(false);
        watch.saw(&activity(ActivityKind::None), true);
        watch.has_read();
        assert_eq!(after_pause(&mut watch), Step::Read);
        watch.has_read();
        assert_eq!(after_pause(&mut watch), Step::Ask);
        watch.has_asked(false);
        assert_eq!(after_pause(&mut watch), Step::Read);
    }

    #[test]
    fn the_end_is_confirmed_by_the_state_and_looked_behind() {
        let mut watch = Watch::new(false);
        watch.saw(&activity(ActivityKind::SessionCompleted), true);
        watch.has_read();
        assert_eq!(watch.step(), Step::Ask);
        watch.has_asked(true);
        assert_eq!(watch.step(), Step::Read);
        watch.has_read();
        assert_eq!(watch.step(), Step::End);
    }

    #[test]
    fn an_end_that_was_seen_before_is_confirmed_at_once_but_only_once() {
        let mut watch = Watch::new(false);
        watch.saw(&activity(ActivityKind::SessionCompleted), false);
        watch.has_read();
        assert_eq!(watch.step(), Step::Ask);
        // It was set going again, and the service still shows the end before that.
        watch.has_asked(false);
        assert_eq!(after_pause(&mut watch), Step::Read);
        watch.saw(&activity(ActivityKind::SessionCompleted), false);
        watch.has_read();
        assert_eq!(after_pause(&mut watch), Step::Ask);
    }

    #[test]
    fn an_end_without_a_word_gets_one_last_look_after_a_pause() {
        let mut watch = Watch::new(false);
        watch.has_read();
        after_pause(&mut watch);
        watch.has_asked(true);
        watch.has_read();
        assert_eq!(after_pause(&mut watch), Step::Read);
        watch.saw(&activity(ActivityKind::SessionFailed { reason: None }), true);
        watch.has_read();
        assert_eq!(watch.step(), Step::End);
    }

    #[test]
    fn a_session_that_was_set_going_again_is_followed_on() {
        let mut watch = Watch::new(false);
        watch.saw(&activity(ActivityKind::SessionCompleted), true);
        watch.saw(&activity(ActivityKind::UserMessaged { message: "more".into() }), true);
        watch.has_read();
        assert_eq!(after_pause(&mut watch), Step::Read);
        watch.saw(&activity(ActivityKind::SessionCompleted), true);
        watch.has_read();
        watch.has_asked(false);
        assert_eq!(after_pause(&mut watch), Step::Read);
    }

    #[test]
    fn a_failed_step_is_tried_again_after_a_pause() {
        let mut watch = Watch::new(false);
        watch.failed();
        assert_eq!(after_pause(&mut watch), Step::Read);
        watch.has_read();
        after_pause(&mut watch);
        watch.failed();
        assert_eq!(after_pause(&mut watch), Step::Ask);
    }
}
