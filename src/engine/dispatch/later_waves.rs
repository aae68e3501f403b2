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
    /// What was told last that the run waits for.
    pub(super) told: Option<String>,
}
