//! The integration tests: one binary, a module a topic.
//!
//! They drive the real program as users meet it, in a clean environment against the simulator on real sockets, and
//! judge by what the simulator saw and by the reports.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod endings;
mod exit_codes;
mod layout;
mod main_job;
mod requests;
mod support;
mod wire;
