//! When which task is to be woken.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use tokio::time::Instant;

/// At most one time for each task.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, usize)>>,
    set: HashMap<usize, Instant>,
}

impl Timers {
    /// Wake the task then and not before; `None`: not at all.
    pub(super) fn set(&mut self, task: usize, at: Option<Instant>) {
        let Some(at) = at else {
            self.set.remove(&task);
            return;
        };
        if self.set.insert(task, at) != Some(at) {
            self.heap.push(Reverse((at, task)));
        }
        // Times that were set over lie about in the heap; it is built anew before they outweigh the rest.
        if self.heap.len() > 64 + 4 * self.set.len() {
            self.heap = self.set.iter().map(|(task, at)| Reverse((*at, *task))).collect();
        }
    }

    /// The earliest time that is set.
    pub(super) fn next(&mut self) -> Option<Instant> {
        while let Some(Reverse((at, task))) = self.heap.peek() {
            if self.set.get(task) == Some(at) {
                return Some(*at);
            }
            self.heap.pop();
        }
        None
    }

    /// A task whose time has come; its time is then unset.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<usize> {
        if self.next()? > now {
            return None;
        }
        let Reverse((_, task)) = self.heap.pop()?;
        self.set.remove(&task);
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
        timers.set(1, Some(at(5)));
        timers.set(2, Some(at(3)));
        timers.set(1, Some(at(9)));
        timers.set(3, Some(at(1)));
        timers.set(3, None);
        assert_eq!(timers.next(), Some(at(3)));
        assert_eq!(timers.pop_due(at(2)), None);
        assert_eq!(timers.pop_due(at(6)), Some(2));
        assert_eq!(timers.pop_due(at(6)), None);
        assert_eq!(timers.pop_due(at(9)), Some(1));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn the_heap_does_not_grow_with_the_number_of_changes() {
        let t0 = Instant::now();
        let mut timers = Timers::default();
        for n in 0..10_000 {
            timers.set(n % 3, Some(t0 + Duration::from_millis(n as u64)));
        }
        assert!(timers.heap.len() < 100);
    }
}
