//! What a dry run prints.

use std::collections::{HashMap, VecDeque};

use super::Dispatch;
use super::tasks::State;
use crate::engine::action::TaskIx;
use crate::engine::input::Now;
use crate::outcome::{EventKind, Outcome};

impl Dispatch {
    /// The tasks that are followed or started, by their places in the plan: with `max-tasks` those that are the first when
    /// every session ends well, in the order of the starts.
    pub(in crate::engine) fn work(mut self, now: Now) -> Vec<usize> {
        self.end_impossible(now);
        self.put_off(now);
        let is_over = |ix: &TaskIx| matches!(self.tasks.state(*ix), State::Ended(_));
        let mut to_do: Vec<TaskIx> = self.tasks.all().filter(|ix| !is_over(ix)).collect();
        if self.too_many_failed().is_some() {
            to_do.retain(|ix| !matches!(self.tasks.state(*ix), State::Waiting));
            return to_do.into_iter().map(|TaskIx(at)| at).collect();
        }
        let strategy = &self.plan.settings.strategy;
        if let Some(max) = strategy.max_tasks {
            let slots = strategy.max_parallel;
            to_do.retain(|ix| !matches!(self.tasks.state(*ix), State::Waiting));
            to_do.extend(self.first_starts(max, slots, to_do.iter().copied().collect()));
            to_do.sort_unstable();
        }
        to_do.into_iter().map(|TaskIx(at)| at).collect()
    }

    /// The end of each task that has one before anything is asked, and why where it has it only now.
    pub(in crate::engine) fn needed(mut self, now: Now) -> Vec<Option<(Outcome, Option<String>)>> {
        self.put_off(now);
        let (mut reasons, mut not_done) = (HashMap::new(), HashMap::new());
        for event in self.take_turn().events {
            if let EventKind::TaskEnded { task, reason, .. } = event {
                reasons.insert(task, reason);
            }
        }
        for not_again in self.not_again.drain(..) {
            let (task, outcome, why) = (not_again.task, not_again.outcome, not_again.why);
            not_done.insert(task, (outcome, Some(format!("not done once more: {why}"))));
        }
        let end = |ix: TaskIx| match self.tasks.state(ix) {
            State::Ended(_) if not_done.contains_key(&ix) => not_done.remove(&ix),
            State::Ended(outcome) => Some((*outcome, reasons.remove(&self.plan[ix].id).flatten())),
            _ => None,
        };
        self.tasks.all().map(end).collect()
    }

    /// The first tasks to be started while these are at work.
    fn first_starts(&mut self, max: usize, slots: usize, mut at_work: VecDeque<TaskIx>) -> Vec<TaskIx> {
        let mut starts = Vec::new();
        while starts.len() < max {
            if let Some(next) = self.tasks.first_ready().filter(|_| at_work.len() < slots) {
                self.tasks.put(next, State::Ended(Outcome::Succeeded));
                self.tasks.repositories.on_slot(next, false, true);
                at_work.push_back(next);
                starts.push(next);
            } else if let Some(ended) = at_work.pop_front() {
                match self.tasks.state(ended) {
                    State::Ended(_) => self.tasks.repositories.on_slot(ended, true, false),
                    _ => _ = self.tasks.put(ended, State::Ended(Outcome::Succeeded)),
                }
                self.release_dependents(ended, Outcome::Succeeded);
            } else if !self.tasks.repositories.end_others() {
                break;
            }
        }
        starts
    }
}
