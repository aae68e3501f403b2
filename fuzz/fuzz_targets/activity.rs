//! Any answer to `activities.list` and `activities.get`.

#![no_main]

#[path = "../checks/activity.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
