//! The API client: what is left of this crate without its features.

mod all;
mod batches;
mod builder;
mod client;
mod cursor;
mod diff;
mod error;
mod id;
mod limiter;
mod method;
mod model;
mod options;
mod outcome;
mod pages;
mod patience;
mod refusal;
mod request;
mod retry;
mod run;
mod secret;
mod session;
mod stream;
mod transport;
mod usage;
mod wait;
mod watch;

pub use all::All;
pub use builder::{BASE_URL_VARIABLE, BuildError, JulesBuilder, KEY_FILE_VARIABLE, KEY_VARIABLE};
pub use client::Jules;
pub use cursor::{Cursor, InvalidCursor};
pub use diff::{Diff, FileChange, FileDiff};
pub use error::{Error, ErrorKind, Refusal};
pub use id::{ActivityId, InvalidId, SessionId, SourceName};
pub use limiter::Quotas;
pub use method::Method;
pub use model::{
    Activity, ActivityKind, ActivityPage, Artifact, BashOutput, Branch, ChangeSet, GitPatch, GithubRepo,
    GithubRepoContext, InvalidMedia, Media, Originator, Page, Plan, PlanStep, PullRequest, Session,
    SessionOutput, SessionPage, SessionState, Source, SourceContext, SourcePage,
};
pub use options::Options;
pub use outcome::Outcome;
pub use pages::Listing;
pub use request::{ListActivities, ListSessions, ListSources, NewSession};
pub use retry::Retries;
pub use run::AutomatedSession;
pub use secret::{ApiKey, InvalidKey};
pub use session::{Activities, SessionClient};
pub use stream::ActivityStream;
pub use usage::Usage;
pub use wait::Wait;

/// The HTTP library that [`JulesBuilder::http_client`] and [`Options::header`] speak.
pub use reqwest;

#[cfg(test)]
mod tests;
