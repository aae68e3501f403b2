//! Any text as a `report.json`, rendered in every format.

#![no_main]

#[path = "../checks/report.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
