//! A plan and its tasks: one prompt on one source each.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::retry::RetryPrompt;
use super::settings::{Repeat, RetryPolicy, Settings, Timeouts, Waiting};
use crate::manifest::Diagnostics;
pub use crate::manifest::{Expect, GiveUp, OnNoChange, Place};

/// What a manifest expands to.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The manifest's `name`, or its default.
    pub name: String,
    /// What older programs took for the name where the manifest says none: sessions may stand under it.
    pub former_name: Option<String>,
    /// The manifest's path as the user gave it; reports and annotations name it.
    pub manifest: String,
    /// Everything that holds for the run as a whole.
    pub settings: Settings,
    /// The manifest's repositories, each once and in its order, whatever is selected; only where it has waves.
    pub repositories: Vec<String>,
    /// The tasks in the manifest's order: jobs as written, sources as written, matrix with its first key slowest.
    pub tasks: Vec<Task>,
    /// `match` sources that need the account's connected sources and were planned without them.
    pub unresolved: Vec<Unresolved>,
    /// What is allowed, and probably not meant so; at most twenty.
    pub warnings: Option<Diagnostics>,
}

/// One prompt on one source.
#[derive(Clone, Debug)]
pub struct Task {
    /// `upgrade/my-org/backend@develop[crate=serde]`: unique in the plan, stable across edits of other jobs.
    pub id: TaskId,
    /// Hash of the plan's name, the task's id and its prompt, and of the project where several share a ledger: what a resumed
    /// run goes by.
    pub key: TaskKey,
    /// The project that the key is of; none where the ledger is a folder.
    pub project: Option<Arc<str>>,
    /// The job that it comes from.
    pub job: JobId,
    /// The session's title without the marker.
    pub title: Arc<str>,
    /// The rendered prompt. Empty where it could not be had or rendered: then `problem` says why.
    pub prompt: Arc<str>,
    /// Why no session can be created for it; the other tasks can do without it.
    pub problem: Option<Arc<str>>,
    /// Where it works; `None` is a repoless session.
    pub source: Option<TaskSource>,
    /// The matrix values of this task, by key.
    pub matrix: Arc<BTreeMap<String, serde_json::Value>>,
    /// The job's tags.
    pub tags: Arc<[String]>,
    /// Whether Jules opens a pull request by itself.
    pub auto_pr: bool,
    /// Whether the session's plan waits for an approval.
    pub require_approval: bool,
    /// What a completed session must have produced to count as a success.
    pub expect: Expect,
    /// How a completed session without any change is reported.
    pub on_no_change: OnNoChange,
    /// What becomes of a session that is given up and may still be at work.
    pub give_up: GiveUp,
    /// What to do when the session waits.
    pub waiting: Arc<Waiting>,
    /// How long it is not done again once it has ended.
    pub repeat: Repeat,
    /// When to try again with a new session.
    pub retries: Arc<RetryPolicy>,
    /// What the prompt of a further attempt has in addition (`retries.prompt`); no part of the key.
    pub retry_prompt: Option<RetryPrompt>,
    /// How long this task's session may take.
    pub timeouts: Timeouts,
    /// The tasks that must have ended well first, as indices into [`Plan::tasks`].
    pub needs: Arc<[usize]>,
    /// The jobs of these whose pull requests have to be merged (`until: merged`).
    pub needs_merged: Arc<[JobId]>,
    /// The same of tasks that a selection has left out: what became of them last counts.
    pub needs_outside: Arc<[TaskId]>,
    /// The number of the wave that its repository is in, from 1. None without waves, and before a
    /// [runner](crate::runner::Runner) has told: runs keep the waves that they began with.
    pub wave: Option<usize>,
    /// Where the job stands in the manifest.
    pub place: Place,
}

/// A line of the manifest whose tasks are not known without the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// The job that it belongs to.
    pub job: JobId,
    /// The pattern as written.
    pub pattern: String,
    /// Where it stands.
    pub place: Place,
}

/// The GitHub repository and branch that a task works on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TaskSource {
    /// `owner/repo`.
    pub github: String,
    /// The starting branch; the service refuses a session on a repository without one. Empty while nobody knows it.
    pub branch: String,
}

impl Task {
    /// Whether it starts from its repository's default branch, which nobody was asked for. Its id and its key are others
    /// once that is known.
    #[must_use]
    pub fn has_open_branch(&self) -> bool {
        self.problem.is_none() && self.source.as_ref().is_some_and(|source| source.branch.is_empty())
    }

    /// Whether its prompt is known. Where it is not, nothing can be told by its key.
    #[must_use]
    pub fn has_prompt(&self) -> bool {
        !self.prompt.is_empty()
    }

    /// The id that it has while nobody knows the branch of its source.
    #[must_use]
    pub fn id_without_branch(&self) -> Option<TaskId> {
        self.id.without_branch(&self.job, self.source.as_ref()?)
    }
}

impl TaskId {
    /// The id of this job's task on this source, while nobody knows the branch there.
    pub(crate) fn without_branch(&self, job: &JobId, source: &TaskSource) -> Option<Self> {
        let rest = self.as_str().strip_prefix(&format!("{job}/{source}"))?;
        Some(Self::new(format!("{job}/{}{rest}", source.github)))
    }

    /// The repository and branch that stand in it; none where it has none, or where its branch is not known.
    pub(crate) fn source(&self) -> Option<TaskSource> {
        let (_, rest) = self.as_str().split_once('/')?;
        let (source, _) = rest.split_once('[').unwrap_or((rest, ""));
        let (github, branch) = source.split_once('@')?;
        Some(TaskSource { github: github.to_owned(), branch: branch.to_owned() })
    }
}

impl TaskSource {
    /// What stands in a plan for a branch that only the account knows.
    pub(crate) const DEFAULT_BRANCH: &str = "(default)";
}

impl fmt::Display for TaskSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { github, branch } = self;
        if branch.is_empty() { f.write_str(github) } else { write!(f, "{github}@{branch}") }
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id! {
    /// A task's name: `upgrade/my-org/backend@develop[crate=serde]`.
    TaskId
}
text_id! {
    /// A job's `id` in the manifest.
    JobId
}
text_id! {
    /// Lower-case hex of a SHA-256 over name, id and prompt.
    TaskKey
}

impl TaskKey {
    /// The first sixteen characters, which the marker in a session's title carries.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..16).unwrap_or(&self.0)
    }
}
