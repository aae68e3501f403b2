//! The client against the simulator, on real sockets, in one binary: a module a topic.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod calls;
mod creating;
mod diff;
mod examples;
mod interface;
mod many;
#[path = "../../../../tests/it/support/rust.rs"]
mod rust;
#[path = "../../../../tests/it/support/service.rs"]
mod service;
mod silence;
#[cfg(unix)]
mod stopped;
mod waiting;
