//! What is held back for its wave.

use std::collections::HashMap;

use crate::engine::action::TaskIx;

/// Tasks in waves that have not begun.
#[derive(Debug, Default)]
pub(super) struct LaterWaves {
    /// Those tasks, with their wave counted from 0.
    pub(super) held: HashMap<TaskIx, usize>,
    /// Why none of them may begin.
    pub(super) why: String,
}

impl LaterWaves {
    /// Why the task does not start; none for one that waits for no wave.
    pub(super) fn why(&self, ix: TaskIx) -> Option<String> {
        let wave = self.held.get(&ix)? + 1;
        Some(format!("not started: it is in wave {wave}, and {}", self.why))
    }
}
