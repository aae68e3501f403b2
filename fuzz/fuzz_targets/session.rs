//! Any answer to `sessions.create`, `sessions.get` and `sessions.list`, and to the two of sources.

#![no_main]

#[path = "../checks/session.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
