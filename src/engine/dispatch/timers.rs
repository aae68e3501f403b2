//! When which task is to be woken.

use std::collections::{BTreeSet, HashMap};

use tokio::time::Instant;

use crate::engine::action::TaskIx;

/// At most one time for each task.
#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BTreeSet<(Instant, TaskIx)>,
    set: HashMap<TaskIx, Instant>,
}

impl Timers {
    /// Wake the task then and not before; `None`: not at all.
    pub(super) fn set(&mut self, task: TaskIx, at: Option<Instant>) {
        let before = match at {
            Some(at) => self.set.insert(task, at),
            None => self.set.remove(&task),
        };
        if before != at {
            self.queue.extend(at.map(|at| (at, task)));
            if let Some(before) = before {
                self.queue.remove(&(before, task));
            }
        }
    }

    /// The earliest time that is set.
    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// A task whose time has come; its time is then unset.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<TaskIx> {
        let (_, task) = self.queue.first().copied().filter(|(at, _)| *at <= now)?;
        self.set(task, None);
        Some(task)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_last_time_set_counts() {
        let t0 = Instant::now();
        let at = |n| t0 + Duration::from_secs(n);
        let mut timers = Timers::default();
        timers.set(TaskIx(1), Some(at(5)));
        timers.set(TaskIx(2), Some(at(3)));
        timers.set(TaskIx(1), Some(at(9)));
        timers.set(TaskIx(3), Some(at(1)));
        timers.set(TaskIx(3), None);
        assert_eq!(timers.next(), Some(at(3)));
        assert_eq!(timers.pop_due(at(2)), None);
        assert_eq!(timers.pop_due(at(6)), Some(TaskIx(2)));
        assert_eq!(timers.pop_due(at(6)), None);
        assert_eq!(timers.pop_due(at(9)), Some(TaskIx(1)));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn the_queue_does_not_grow_with_the_number_of_changes() {
        let t0 = Instant::now();
        let mut timers = Timers::default();
        for n in 0..10_000 {
            timers.set(TaskIx(n % 3), Some(t0 + Duration::from_millis(n as u64)));
        }
        assert!(timers.queue.len() < 100);
    }
}
