//! `junit.xml`: one suite a source, one case a task.
//!
//! The crate `junit-report` writes the document from sanitised text; a second pass over its events
//! ([`enrich`]) sets exact totals, times and names, adds what the profile allows, and proves on the way that
//! the document is well-formed.

mod case;
mod enrich;
mod plain;

use std::io::Write;

use self::case::Suite;
use super::{ReportError, ReportV1};

/// How much of the JUnit dialects a file makes use of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JunitProfile {
    /// Everything that common readers understand: properties of cases, file and line, totals of skipped
    /// cases on both levels. The default.
    #[default]
    Rich,
    /// Valid for Jenkins' `junit-10.xsd`.
    Jenkins,
}

/// The report as JUnit XML.
///
/// # Errors
///
/// When the document cannot be put together; no report is known that does that.
pub fn junit(report: &ReportV1, profile: JunitProfile) -> Result<String, ReportError> {
    let mut document = Vec::new();
    write_junit(report, profile, &mut document)?;
    String::from_utf8(document).map_err(|error| ReportError::Junit(error.into()))
}

/// Writes it as it is made, so that a large one is never in memory as a whole.
///
/// # Errors
///
/// As for [`junit`], and when `out` cannot be written.
pub fn write_junit(report: &ReportV1, profile: JunitProfile, out: &mut dyn Write) -> Result<(), ReportError> {
    let suites = Suite::all(report);
    let document = plain::write(&suites)?;
    enrich::pass(&document, report, &suites, profile, out)
}

#[cfg(test)]
mod tests;
