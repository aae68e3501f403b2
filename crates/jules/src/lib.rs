//! Client for the REST API of Jules, Google's coding agent.
//!
//! | to | call |
//! | --- | --- |
//! | get a client | [`Jules::from_env`], [`Jules::builder`]; [`Jules::with`] for other options |
//! | let a session run by itself | [`Jules::run`] → [`AutomatedSession`]; awaiting it gives the [`SessionOutcome`] |
//! | work with a session | [`Jules::session`] → [`SessionClient`]: send, ask, approve, wait for, stream |
//! | take up a session | [`Jules::attach`] |
//! | run many | [`Jules::all`] |
//! | list | [`Jules::sessions`], [`Jules::sources`], [`Jules::activities`], by item or by page; [`Jules::source`] for one |
//! | call a method of the service | the twelve methods on [`Jules`], such as [`Jules::create_session`] |
//!
//! # What holds for every call
//!
//! - It passes one limiter ([`Quotas`]); a 429 pauses requests of its kind ([`RequestKind`]) on all handles of a client
//!   until it is over ([`Jules::pauses`]).
//! - Reads and deletes are repeated after passing trouble ([`Retries`]); what could be done twice is not, unless the
//!   service surely has not done it ([`Error::surely_not_processed`]).
//! - It needs a Tokio runtime with time and IO enabled: without one, awaiting a call or polling a stream panics.
//! - It ends: connecting, the request as a whole and silence within an answer have limits ([`Options`]), and calls that
//!   wait ([`Wait`]) have one as well. Dropping a future or a stream stops its work, never the session's.
//! - States, activities, artifacts and fields that this version does not know never fail it.
//! - The key goes to the base URL's host only, and into no text.
//! - Each call is a [`tracing`] span `jules` with its method and path; what happens in it are events of level debug.
//!
//! # A conversation
//!
//! ```no_run
//! use futures::StreamExt as _;
//! use jules::{ActivityKind, Jules, NewSession, SessionState};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let jules = Jules::from_env()?;
//! let session = jules.session(NewSession::new("Find the slowest test").source("o/r").branch("main")).await?;
//! session.wait_for(SessionState::AwaitingPlanApproval).await?;
//! session.approve().await?;
//! let reply = session.ask("Which one is it?").await?;
//! println!("{}", reply.message().unwrap_or_default());
//!
//! let mut activities = session.stream();
//! while let Some(activity) = activities.next().await {
//!     if let ActivityKind::ProgressUpdated { title: Some(title), .. } = activity?.kind {
//!         println!("{title}");
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod all;
mod attention;
mod batches;
mod builder;
mod client;
mod clock;
mod connections;
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
mod refusal;
mod request;
mod retry;
mod run;
mod secret;
mod send_by;
mod session;
mod snapshot;
mod stream;
mod surrogates;
mod transport;
mod turn;
mod usage;
mod wait;
mod watch;

pub use all::{All, BatchEvent, StartedSessions};
pub use attention::{Attention, Question};
pub use builder::{BASE_URL_VARIABLE, BuildError, JulesBuilder, KEY_FILE_VARIABLE, KEY_VARIABLE};
pub use client::Jules;
pub use create::FindCreated;
pub use cursor::{Cursor, InvalidCursor};
pub use departure::Departure;
pub use diff::{Diff, FileChange, FileDiff, FileKind};
pub use digest::{ActivityCounts, SessionDigest, Unchanged};
pub use error::{Error, ErrorKind, Refusal};
pub use gate::Gate;
pub use id::{ActivityId, InvalidId, SessionId, SourceName};
pub use limiter::{Pause, Quotas};
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
pub use request::{ListActivities, ListSessions, ListSources, NewSession};
pub use retry::Retries;
pub use run::AutomatedSession;
pub use secret::{ApiKey, InvalidKey, Secret, SecretError};
pub use session::{Activities, SessionClient};
pub use snapshot::{ChangedFile, FailedCommand, SessionSnapshot, TimelineEntry};
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
