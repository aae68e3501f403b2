//! What we will do: a [`Plan`] of [`Task`]s with stable ids and keys, and the selection among them.

mod settings;
mod task;

pub use settings::{
    Adoption, Backoff, Limits, MaxFailures, PlanApproval, PollSettings, PollStrategy, RetryOn, RetryPolicy,
    Settings, StallPolicy, Strategy, Timeouts, UserFeedback, Waiting,
};
pub use task::{Expect, JobId, OnNoChange, Place, Plan, Task, TaskId, TaskKey, TaskSource, Unresolved};
