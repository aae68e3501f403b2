//! What the record says of a task before anything happens to it.

use crate::outcome::PlannedTask;
use crate::plan::Task;

/// What the record says of a task before anything happens to it.
#[must_use]
pub(crate) fn planned(task: &Task) -> PlannedTask {
    PlannedTask {
        id: task.id.clone(),
        key: task.key.clone(),
        job: task.job.clone(),
        source: task.source.clone(),
        matrix: task.matrix.clone(),
        tags: task.tags.to_vec(),
        place: task.place,
        on_no_change: task.on_no_change,
    }
}
