//! Any text as a manifest: read, checked, expanded to a plan, and its errors shown.

#![no_main]

#[path = "../checks/manifest.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
