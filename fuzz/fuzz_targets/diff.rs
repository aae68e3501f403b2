//! Any text as a unified diff.

#![no_main]

#[path = "../checks/diff.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
