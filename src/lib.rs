//! Runs a manifest of prompts × sources as sessions of Jules, Google's coding agent, and reports what became of them.
//!
//! This is the library behind the command `jules-batch`: what the command does, a program can do as well.
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
//! println!("{} of {} are left", finished.record.totals().remaining(), finished.record.tasks.len());
//! # Ok(())
//! # }
//! ```
//!
//! | to | go to |
//! | --- | --- |
//! | run a manifest, follow it, stop it | [`runner`] |
//! | read a manifest, with the places of its errors | [`manifest`] |
//! | see its tasks, or choose among them | [`plan`] |
//! | read what happened: outcomes, events, the record folded from them | [`outcome`] |
//! | render a record as JUnit, JSON, CTRF, Markdown, HTML | [`report`] |
//! | talk to the service without a manifest | the crate [`jules`], here [`api`] |
//! | try or test all of it without the service | the crate `jules-simulator`, here [`simulator`] |
//!
//! Without its default features this crate is only another name for `jules`.

#[cfg(feature = "runner")]
mod cli;
#[cfg(feature = "runner")]
pub(crate) mod engine;
#[cfg(feature = "runner")]
#[expect(dead_code, unused_imports, reason = "some writes and details have no command yet")]
pub(crate) mod github;
#[cfg(feature = "runner")]
pub(crate) mod ledger;
#[cfg(feature = "runner")]
pub mod manifest;
#[cfg(feature = "runner")]
pub mod outcome;
#[cfg(feature = "runner")]
pub mod plan;
#[cfg(feature = "runner")]
pub(crate) mod pulls;
#[cfg(feature = "runner")]
pub mod report;
#[cfg(feature = "runner")]
pub mod runner;

#[cfg(feature = "runner")]
#[doc(hidden)]
pub use cli::main;
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
