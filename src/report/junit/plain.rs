//! The document as `junit-report` writes it.
//!
//! That crate puts text into CDATA sections as it is: `]]>` in an agent's message would end the section and
//! the rest would be markup, a passing case for instance. So everything here is sanitised text, and what
//! stands in a section goes through [`xml::cdata`].

use foreign_text::xml;
use junit_report::{
    Duration, OffsetDateTime, ReportBuilder, TestCase, TestCaseBuilder, TestResult, TestSuiteBuilder,
};

use super::super::ReportError;
use super::case::{Case, Complaint, Suite, Verdict};

/// Names, texts and verdicts; [`super::enrich`] sets the rest.
pub(super) fn write(suites: &[Suite<'_>]) -> Result<Vec<u8>, ReportError> {
    let mut report = ReportBuilder::new();
    for suite in suites {
        let mut builder = TestSuiteBuilder::new(&suite.name);
        builder.set_timestamp(second(suite.started_at));
        builder.add_testcases(suite.cases.iter().map(|case| test_case(case, &suite.name)));
        report.add_testsuite(builder.build());
    }
    let mut document = Vec::new();
    report.build().write_xml(&mut document).map_err(|error| ReportError::Junit(error.into()))?;
    Ok(document)
}

fn test_case(case: &Case<'_>, suite: &str) -> TestCase {
    let millis = i64::try_from(case.millis).unwrap_or(i64::MAX);
    let mut test = TestCaseBuilder::success(&case.name, Duration::milliseconds(millis))
        .set_classname(suite)
        .set_system_out(&xml::cdata(&case.system_out))
        .build();
    test.result = match &case.verdict {
        Verdict::Passed => TestResult::Success,
        Verdict::Failure(complaint) => {
            let (type_, message, cause) = parts(complaint);
            TestResult::Failure { type_, message, cause }
        }
        Verdict::Error(complaint) => {
            let (type_, message, cause) = parts(complaint);
            TestResult::Error { type_, message, cause }
        }
        Verdict::Skipped(complaint) => {
            let (type_, message, cause) = parts(complaint);
            TestResult::SkippedWithCause { type_, message, cause }
        }
    };
    test
}

fn parts(complaint: &Complaint) -> (String, String, Option<String>) {
    (complaint.kind.clone(), complaint.message.clone(), Some(xml::cdata(&complaint.text)))
}

fn second(time: jiff::Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(time.as_second()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
