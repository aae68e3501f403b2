//! Any text where a name is expected: of a session, an activity, a source, a pull request; a cursor, a marker, a pull
//! request's body.

#![no_main]

#[path = "../checks/name.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
