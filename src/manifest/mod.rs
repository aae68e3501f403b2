//! What the user wrote: a manifest's types, and YAML with the places of its errors.
//!
//! [`load`] reads a file and reports everything that is wrong with it at once; [`inline`] makes the manifest of a
//! single prompt. What a [`Manifest`] amounts to is for the layer above, `plan`, to say.

mod account;
mod check;
mod decode;
mod diagnostic;
mod document;
mod duration;
mod fault;
mod files;
mod habits;
mod job;
mod literal;
mod load;
mod located;
mod node;
mod notify;
mod policy;
mod project;
#[cfg(feature = "postgres")]
mod project_name;
mod pull_requests;
mod repeat;
mod schema;
mod secret;
mod setting;
mod settings;
mod source_list;
#[cfg(test)]
mod tests;
mod vars;
mod waiting;
mod warnings;
mod waves;
mod workflow;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;

pub use account::{AccountName, AccountShare};
pub(crate) use check::{CheckedJob, Env, SourceSpec, Text};
pub use diagnostic::{Diagnostic, Diagnostics};
pub(crate) use diagnostic::{listed, nearest, quoted};
pub use document::Place;
pub(crate) use document::{Document, Span};
pub use duration::parse_duration;
pub use files::MAX_FILE_BYTES;
pub(crate) use files::{Unreadable, read_text_of, text_of};
pub(crate) use habits::is_list_file;
pub(crate) use job::{Entry, Matrix};
pub(crate) use literal::{Literal, Number};
pub use load::{LoadOptions, inline, load, parse};
pub(crate) use located::Located;
pub use notify::{Notify, NotifyOn, Webhook, WebhookKind};
pub use policy::{
    Backoff, Expect, GiveUp, MaxFailures, OnNoChange, PlanApproval, PollStrategy, RetryOn, RetryText,
};
pub use project::Name;
#[cfg(feature = "postgres")]
pub(crate) use project_name::{project_at, project_called, project_of};
pub use pull_requests::{Existing, IfClosed, IfExists, PullRequests};
pub use repeat::Repeat;
pub(crate) use schema::Written;
pub(crate) use secret::masked;
pub(crate) use setting::Setting;
pub(crate) use settings::WaitingPolicy;
pub use settings::{Adoption, Limits, PollSettings, RetryPolicy, RunTimeouts, Strategy, Telling, Timeouts};
pub(crate) use source_list::{Row, SourceList};
pub(crate) use vars::Vars;
pub use waiting::{StallPolicy, UserFeedback};
pub use waves::{PassWhen, Share, Then, WaveOrder, WavePass, WaveSize, Waves};
pub(crate) use workflow::{WorkflowJob, scalar, workflow_jobs};

/// A manifest that keeps every rule that can be checked without expanding it.
pub struct Manifest {
    pub(crate) document: Arc<Document>,
    pub(crate) name: Name,
    pub(crate) written: Written,
    pub(crate) vars: Vars,
    /// Those that all jobs may read.
    pub(crate) env: Env,
    pub(crate) jobs: Vec<CheckedJob>,
    /// What is allowed, and probably not meant so.
    pub(crate) warnings: Vec<Diagnostic>,
}

impl Manifest {
    /// `name`, or by default the project's name and the file's place in it without its extension, such as
    /// `my-org/web/ci/jobs`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The path as the user gave it.
    #[must_use]
    pub fn path(&self) -> &str {
        self.document.name()
    }

    /// The files that it was read from: its own, and those that its jobs name.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let path = Path::new(self.path());
        let named = self.jobs.iter().flat_map(|job| {
            let lists = job.sources.iter().filter_map(|source| match source {
                SourceSpec::List { document, .. } => Some(document.name()),
                SourceSpec::Repository { .. } | SourceSpec::Pattern { .. } => None,
            });
            job.keys.prompt_file.iter().map(|file| file.as_str()).chain(lists)
        });
        named.map(|file| path.with_file_name(file)).chain([path.to_owned()]).collect()
    }
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let jobs: Vec<&str> = self.jobs.iter().map(|job| job.id.as_str()).collect();
        f.debug_struct("Manifest").field("name", &self.name).field("jobs", &jobs).finish_non_exhaustive()
    }
}

/// The JSON Schema (2020-12) of a manifest, for editors; `schemas/manifest.schema.json` is this, checked in.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    // `uint32` and the like are Rust's: validators refuse a format that they do not know.
    let plain = RecursiveTransform(|schema: &mut Schema| {
        if schema
            .get("format")
            .and_then(serde_json::Value::as_str)
            .is_some_and(|format| format.contains("int"))
        {
            schema.remove("format");
        }
    });
    let settings = SchemaSettings::draft2020_12().with_transform(plain);
    settings.into_generator().into_root_schema_for::<Written>().to_value()
}
