//! A manifest as written: every key of version 1, nothing filled in.

use schemars::JsonSchema;
use serde::Deserialize;

use super::job::{Defaults, JobKeys};
use super::literal::Literal;
use super::located::{Located, Table};
use super::notify::NotifyKeys;
use super::pull_requests::PullRequestKeys;
use super::repeat::Repeat;
use super::settings::{
    CreateKeys, LimitKeys, PollKeys, ReportKeys, RetryKeys, RunTimeoutKeys, StrategyKeys, WaitingKeys,
};

/// A manifest of jules-batch: prompts × sources. Strings take `${{ … }}`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "jules-batch manifest", extend("patternProperties" = { "^x-": true }))]
pub(crate) struct Written {
    /// The manifest format's version: 1; it may be left out.
    #[schemars(range(min = 1, max = 1))]
    pub(crate) version: Option<Located<u32>>,
    /// The run's name in reports, and what its tasks are known by from run to run. By default the project's name and the
    /// file's place in it; with a name of its own a file can be moved and renamed. Part of every task's key.
    pub(crate) name: Option<Located<String>>,
    /// Values for `${{ vars.NAME }}`; `--var NAME=VALUE` wins over them. A variable with the value `~` must be given so.
    pub(crate) vars: Option<Table<Literal>>,
    /// The environment variables that `${{ env.NAME }}` may read; no others can be read.
    pub(crate) env: Option<Vec<Located<String>>>,
    /// Any key of a job but `id`, for jobs that do not set it themselves; `waiting`, `retries` and `timeouts` are merged
    /// key by key.
    pub(crate) defaults: Option<Defaults>,
    /// How long a task that has ended is not done again: `never` (done is done), a time such as `20h`, or `always`.
    pub(crate) repeat: Option<Located<Repeat>>,
    /// How many sessions at once, and when to start no more.
    pub(crate) strategy: Option<Located<StrategyKeys>>,
    /// What the pull requests of earlier runs mean for a task, and how many may be open.
    pub(crate) pull_requests: Option<Located<PullRequestKeys>>,
    /// What may be asked of the service.
    pub(crate) limits: Option<Located<LimitKeys>>,
    /// How long things may take.
    pub(crate) timeouts: Option<Located<RunTimeoutKeys>>,
    /// How a create whose answer was lost is settled.
    pub(crate) create: Option<Located<CreateKeys>>,
    /// How live sessions are watched.
    pub(crate) poll: Option<Located<PollKeys>>,
    /// What to do when a session waits.
    pub(crate) waiting: Option<Located<WaitingKeys>>,
    /// When to try a task again with a new session.
    pub(crate) retries: Option<Located<RetryKeys>>,
    /// What is told of a run.
    pub(crate) report: Option<Located<ReportKeys>>,
    /// Who is told of a run, by webhooks.
    pub(crate) notify: Option<Located<NotifyKeys>>,
    /// What is to be done.
    #[schemars(length(min = 1))]
    pub(crate) jobs: Located<Vec<Located<JobKeys>>>,
}
