//! What we will do: a [`Plan`] of [`Task`]s with stable ids and keys, and the selection among them.

mod catalogue;
mod cycles;
mod data;
mod equality;
mod expand;
mod expression;
mod filter;
mod github;
mod key;
mod matrix;
mod needs;
mod resolve;
mod retry;
mod scope;
mod select;
mod settings;
mod source;
mod strings;
mod task;
mod template;
#[cfg(test)]
mod tests;
mod traps;
mod values;
mod wildcard;

pub(crate) use catalogue::Account;
pub use catalogue::ConnectedSource;
pub(crate) use expand::expand_with;
pub use expand::{MAX_TASKS, expand, needs_connected};
pub use filter::{Filter, FilterError};
pub(crate) use filter::{MorePredicates, Subject};
pub(crate) use github::{Repository, parse_repository};
pub(crate) use key::FormerNames;
pub use retry::{PreviousAttempt, RetryPrompt};
pub use select::{SelectError, Selection, Shard, Slice};
pub use settings::{
    AccountName, AccountShare, Adoption, Backoff, Existing, IfClosed, IfExists, Limits, MaxFailures, Notify,
    NotifyOn, PassWhen, PlanApproval, PollSettings, PollStrategy, PullRequests, Repeat, RetryOn, RetryPolicy,
    Settings, Share, StallPolicy, Strategy, Telling, Then, Timeouts, UserFeedback, Waiting, WaveOrder,
    WavePass, WaveSize, Waves, Webhook, WebhookKind,
};
pub(crate) use source::finds;
pub use task::{
    Expect, GiveUp, JobId, OnNoChange, Place, Plan, Task, TaskId, TaskKey, TaskSource, Unresolved,
};
