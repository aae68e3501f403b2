//! Any text as a `report.json`, rendered in every format.

use jules_batch::report::{self, JunitProfile};

/// What must hold.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(read) = report::from_json(text) else { return };
    for profile in [JunitProfile::Rich, JunitProfile::Jenkins] {
        let xml = report::junit(&read, profile).expect("any report is a document");
        assert!(!xml.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\r')), "{xml:?}");
    }
    let _ = (report::markdown(&read), report::html(&read), report::ctrf(&read), report::to_json(&read));
    for line in report::annotations(&read, Some("jobs.yaml")).lines() {
        assert!(line.is_empty() || line.starts_with("::"), "{line:?}");
    }
}
