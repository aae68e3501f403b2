//! Batch runner and client for Google's Jules, a coding agent behind a REST API.
//!
//! # The client
//!
//! [`Jules`] is the way in: `run()` for automation, `session()` for a human in the loop, `all()` for
//! batches. It needs nothing of the runner: depend on this crate with `default-features = false`.
//!
//! ```no_run
//! use jules_batch::{Jules, NewSession};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let jules = Jules::from_env()?; // the key from JULES_API_KEY
//! let task = NewSession::new("Fix the flaky test").source("my-org/web").branch("main");
//! let session = jules.run(task).await?;
//! println!("{}", session.url().unwrap_or_default());
//! let outcome = session.await?; // waits for the session's end
//! if let Some(pull_request) = outcome.pull_request {
//!     println!("{}", pull_request.url.unwrap_or_default());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The runner
//!
//! Data flows one way, and so do the imports (`tests/it/layout.rs` guards the table):
//!
//! ```text
//! manifest ──▶ plan ──▶ engine ──▶ outcome ──▶ report
//!  (YAML)     (tasks)     │  ▲         ▲     (JUnit, JSON, …)
//!                         ▼  │         │
//!                         api          └── ledger (SQLite)
//!                          │
//!                    Jules, or simulator
//! ```
//!
//! | module | what it is |
//! | --- | --- |
//! | [`api`] | the client: wire model, transport, limiter, retries, sessions, activity stream |
//! | `manifest` | what the user wrote: serde types, YAML with the places of errors |
//! | `plan` | what we will do: tasks with stable ids and keys; selection |
//! | `outcome` | what happened: outcomes, run events, the record folded from them |
//! | `engine` | plan + api → outcomes: one loop with synchronous decisions |
//! | `ledger` | the durable record of runs |
//! | `report` | outcomes → bytes: pure functions |
//! | `simulator` | the service, played by a local HTTP server |
//! | `cli` | commands, progress, signals, exit codes |

pub mod api;
#[cfg(feature = "runner")]
pub mod cli;
#[cfg(feature = "runner")]
pub mod engine;
#[cfg(feature = "runner")]
pub mod ledger;
#[cfg(feature = "runner")]
pub mod manifest;
#[cfg(feature = "runner")]
pub mod outcome;
#[cfg(feature = "runner")]
pub mod plan;
#[cfg(feature = "runner")]
pub mod report;
#[cfg(feature = "simulator")]
pub mod simulator;

#[doc(inline)]
pub use api::{Jules, NewSession};

/// The examples of README.md, which compile with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
