//! Batch runner for Google's Jules, a coding agent behind a REST API.
//!
//! The client is the crate [`jules`], the service for trials and tests the crate `jules-simulator`; this version hands both
//! on as [`api`] and `simulator`.
//!
//! # The runner
//!
//! Data flows one way, and so do the imports (`tests/it/layout.rs` guards the table):
//!
//! ```text
//! manifest ──▶ plan ──▶ engine ──▶ outcome ──▶ report
//!  (YAML)     (tasks)     │  ▲         ▲     (JUnit, JSON, …)
//!                         ▼  │         │
//!                        jules         └── ledger (SQLite)
//!                          │
//!                    Jules, or jules-simulator
//! ```
//!
//! | module | what it is |
//! | --- | --- |
//! | `manifest` | what the user wrote: serde types, YAML with the places of errors |
//! | `plan` | what we will do: tasks with stable ids and keys; selection |
//! | `outcome` | what happened: outcomes, run events, the record folded from them |
//! | `engine` | plan + client → outcomes: one loop with synchronous decisions |
//! | `ledger` | the durable record of runs |
//! | `report` | outcomes → bytes: pure functions |
//! | `cli` | commands, progress, signals, exit codes |

#[cfg(feature = "runner")]
pub mod cli;
#[cfg(feature = "runner")]
pub(crate) mod engine;
#[cfg(feature = "runner")]
pub(crate) mod ledger;
#[cfg(feature = "runner")]
pub mod manifest;
#[cfg(feature = "runner")]
pub mod outcome;
#[cfg(feature = "runner")]
pub mod plan;
#[cfg(feature = "runner")]
pub mod report;
#[cfg(feature = "runner")]
pub mod runner;

/// The client, a crate of its own.
pub use jules as api;
#[doc(inline)]
pub use jules::{Jules, NewSession};
/// The service, played by a local HTTP server; a crate of its own.
#[cfg(feature = "simulator")]
pub use jules_simulator as simulator;

/// The examples of README.md, which compile with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
