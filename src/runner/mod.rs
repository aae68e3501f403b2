//! Runs a manifest: from what the user wrote to outcomes, a ledger to go on from, and report files.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use jules_batch::manifest::{self, LoadOptions};
//! use jules_batch::runner::Runner;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let manifest = manifest::load(Path::new("jobs.yaml"), &LoadOptions::default())?;
//! let finished = Runner::new(manifest).run().await?; // the key from JULES_API_KEY
//! for (id, task) in &finished.record.tasks {
//!     println!("{id}: {:?}", task.outcome);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Runner::plan`] and [`Planned::open`] are the same in steps, for whoever looks at the tasks before anything starts,
//! follows the run with a [`Listener`](crate::outcome::Listener), or stops it early.
//!
//! What the command line adds is words: flags, colours, signals, exit codes.

mod credentials;
mod day;
mod deadline;
mod decision;
mod error;
mod existing;
mod github_access;
mod history;
mod left_over;
mod merges;
mod needed;
mod notify;
mod options;
#[cfg(feature = "otel")]
mod otel;
mod outlook;
mod planned;
mod pulls;
mod redact;
mod reports;
mod round;
mod run;
mod service;
mod waves;
mod work;

pub use crate::engine::{Fault, Finished, StopReason};
#[cfg(feature = "postgres")]
pub use crate::ledger::{AddressError, Database};
pub use crate::ledger::{Holder, LedgerError, Location};
pub use day::Day;
pub use decision::{Because, Decision};
pub use error::RunError;
pub use existing::EarlierPull;
pub use github_access::GithubAccess;
pub use options::Options;
pub use outlook::Outlook;
pub use planned::Planned;
pub use redact::Redactor;
pub use reports::{CannotWrite, Diffs, Format, ReportFiles};
pub use run::{Preview, Run, Runner};

pub(crate) use notify::webhooks;
pub(crate) use pulls::{
    Acting, End, FollowedPull, How, Job, KnownPull, PullLog, PullRead, PullReader, What, record, troubles,
};
pub(crate) use reports::{EventLines, beside, event_lines, replace};
pub(crate) use service::{all_sources, connect, connected, impatient, read_sources};
