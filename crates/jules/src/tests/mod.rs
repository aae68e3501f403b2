//! The client against a small scripted server: what goes out on the wire, and what becomes of odd answers.
//!
//! Time is paused: server and client share one runtime, so that time jumps only when both wait for it.

mod calls;
mod doubts;
mod fake;
mod hostile;
mod limits;
mod questions;
mod sessions;
mod streams;
