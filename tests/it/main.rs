//! The integration tests: one binary, a module a topic.
//!
//! They drive the real program as users meet it, in a clean environment against the simulator on real sockets, and
//! judge by what the simulator saw and by the reports.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod action;
mod adopting;
mod again;
mod beginning;
mod benchmarks;
mod campaign;
mod client_table;
mod clocks;
mod commands;
mod creating;
mod deadline;
mod deaf;
mod doctor;
mod documentation;
mod endings;
mod existing;
mod exit_codes;
mod files;
mod following;
mod fuzz;
mod hostile;
mod impossible;
mod interop;
mod layout;
mod library;
mod limits;
mod looking;
mod main_job;
mod marking;
mod merging;
mod newcomers;
mod older_ledgers;
mod open;
mod own_quota;
mod planning;
mod progress;
mod pulls;
mod readme;
mod recipes;
mod reports;
mod repositories;
mod requests;
mod resuming;
mod retry_prompt;
mod retrying;
mod rivals;
mod rounds;
mod screens;
mod secrets;
mod session;
mod shards;
mod simulated;
mod slots;
mod sources;
mod status;
mod stopping;
mod support;
mod table;
mod waiting;
mod waves;
mod wire;
mod wording;
