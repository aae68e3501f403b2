#![doc = include_str!("guide.md")]

mod all;
mod attention;
mod batches;
mod builder;
mod client;
mod clock;
mod connections;
mod counts;
mod create;
mod cursor;
mod departure;
mod diff;
mod digest;
mod error;
mod footer;
mod gate;
mod id;
mod limiter;
mod marker;
mod method;
mod model;
mod options;
mod outage;
mod outcome;
mod pages;
mod patience;
mod pull;
mod refusal;
mod request;
mod retry;
mod run;
mod secret;
mod secure_url;
mod send_by;
mod session;
mod snapshot;
mod stream;
mod surrogates;
mod time;
mod transport;
mod turn;
mod usage;
mod wait;
mod watch;

pub use all::{All, BatchEvent, StartedSessions};
pub use attention::{Attention, Question};
pub use builder::{BASE_URL_VARIABLE, BuildError, JulesBuilder, KEY_FILE_VARIABLE, KEY_VARIABLE};
pub use client::Jules;
pub use counts::ActivityCounts;
pub use create::{FindCreated, KnownSession, ListProof};
pub use cursor::{Cursor, InvalidCursor};
pub use departure::Departure;
pub use diff::{Diff, FileChange, FileDiff, FileKind};
pub use digest::{SessionDigest, Unchanged};
pub use error::{Error, ErrorKind, Refusal};
pub use gate::Gate;
pub use id::{ActivityId, InvalidId, SessionId, SourceName};
pub use limiter::{Pause, Quota, Quotas, Reservation, SharedQuotas};
pub use marker::{InvalidMarker, TitleMarker};
pub use method::{Method, RequestKind};
pub use model::{
    Activity, ActivityKind, ActivityPage, AgentPlan, Artifact, BashOutput, Branch, ChangeSet, FoundSessions,
    GitPatch, GithubRepo, GithubRepoContext, InvalidMedia, Media, Originator, Page, PlanStep, PullRequest,
    Session, SessionOutput, SessionPage, SessionState, Source, SourceContext, SourcePage,
};
pub use options::Options;
pub use outage::Outage;
pub use outcome::{Made, SessionOutcome, Settled, Settling};
pub use pages::Listing;
pub use patience::Absence;
pub use pull::PullRequestName;
pub use request::{ListActivities, ListSessions, ListSources, NewSession};
pub use retry::Retries;
pub use run::AutomatedSession;
pub use secret::{ApiKey, InvalidKey, Secret, SecretError};
pub use secure_url::{InsecureUrl, secure_url};
pub use session::{Activities, SessionClient};
pub use snapshot::{ChangedFile, FailedCommand, SessionCourse, SessionSnapshot, TimelineEntry};
pub use stream::ActivityStream;
pub use turn::Turn;
pub use usage::Usage;
pub use wait::Wait;

/// The library of times in what the service says.
pub use jiff;
/// The HTTP library that [`JulesBuilder::http_client`] and [`Options::header`] speak.
pub use reqwest;

/// Handles and results go wherever the work goes.
const _: fn() = || {
    fn shared_between_threads<T: Send + Sync>() {}
    fn sent_to_threads<T: Send>() {}
    shared_between_threads::<(Jules, Options, JulesBuilder, SessionClient, AutomatedSession)>();
    shared_between_threads::<(Error, BuildError, SessionOutcome, Session, Activity, Cursor, Usage)>();
    sent_to_threads::<(ActivityStream, Listing<Session>, Listing<Source>, Wait<SessionOutcome>, All)>();
};

#[cfg(test)]
mod tests;

/// The example of README.md, which compiles with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
