//! The second pass: reads the plain document event by event and writes the one that readers get.

use std::io::Write;

use foreign_text::xml;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::reader::Reader;

use super::super::{ReportError, ReportV1, SessionV1, TaskV1};
use super::JunitProfile;
use super::case::{Case, Complaint, Counts, Suite};
use crate::outcome::{PullState, Stage};

/// Enriches `document`, which must be of these suites.
///
/// # Errors
///
/// When it is not well-formed, or not of these suites.
pub(super) fn pass(
    document: &[u8],
    report: &ReportV1,
    suites: &[Suite<'_>],
    profile: JunitProfile,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let mut pass =
        Pass { report, suites, profile, suite: 0, case: 0, writer: Writer::new_with_indent(out, b' ', 2) };
    let mut reader = Reader::from_reader(document);
    loop {
        match reader.read_event().map_err(|error| ReportError::Junit(error.into()))? {
            Event::Eof => break,
            event => pass.take(event)?,
        }
    }
    pass.finish()
}

struct Pass<'a> {
    report: &'a ReportV1,
    suites: &'a [Suite<'a>],
    profile: JunitProfile,
    /// How many suites, and cases of the current suite, were opened so far.
    suite: usize,
    case: usize,
    writer: Writer<&'a mut dyn Write>,
}

impl<'a> Pass<'a> {
    fn take(&mut self, event: Event<'_>) -> Result<(), ReportError> {
        match event {
            Event::Decl(_) => self.write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None))),
            Event::Start(start) => self.open(&start),
            Event::Empty(start) => {
                self.open(&start)?;
                self.close(start.name().as_ref())
            }
            Event::End(end) => self.close(end.name().as_ref()),
            // A section that was split is one text again.
            Event::CData(section) => {
                let text = section.decode().map_err(|error| ReportError::Junit(error.into()))?;
                self.write(Event::Text(BytesText::new(&text)))
            }
            other => Err(strange(&format!("{other:?}"))),
        }
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), ReportError> {
        match start.name().as_ref() {
            b"testsuites" => self.open_root(),
            b"testsuite" => self.open_suite(),
            b"testcase" => self.open_case(),
            b"failure" | b"error" | b"skipped" => self.write(Event::Start(start.to_owned())),
            // The verdict is written, earlier attempts come before the output.
            b"system-out" => {
                self.write_earlier()?;
                self.write(Event::Start(start.to_owned()))
            }
            name => Err(strange(&String::from_utf8_lossy(name))),
        }
    }

    fn close(&mut self, name: &[u8]) -> Result<(), ReportError> {
        let name = String::from_utf8_lossy(name);
        self.write(Event::End(BytesEnd::new(name)))
    }

    fn open_root(&mut self) -> Result<(), ReportError> {
        let counts = self.suites.iter().map(Suite::counts).fold(Counts::default(), Counts::add);
        let name = xml::line(&self.report.run.name, 1024);
        let mut root = BytesStart::new("testsuites");
        root.push_attribute(("name", name.as_ref()));
        push_counts(&mut root, counts, self.profile == JunitProfile::Rich);
        self.write(Event::Start(root))
    }

    fn open_suite(&mut self) -> Result<(), ReportError> {
        let suite = self.suites.get(self.suite).ok_or_else(|| strange("one suite too many"))?;
        self.suite += 1;
        self.case = 0;
        let mut start = BytesStart::new("testsuite");
        start.push_attribute(("name", suite.name.as_str()));
        push_counts(&mut start, suite.counts(), true);
        start.push_attribute(("timestamp", second(suite.started_at).as_str()));
        self.write(Event::Start(start))?;
        let simulated = self.report.run.simulated.then_some("true");
        self.properties(&[("run", Some(&self.report.run.id)), ("simulated", simulated)])
    }

    fn open_case(&mut self) -> Result<(), ReportError> {
        let (suite, case) = self.current(self.case)?;
        self.case += 1;
        let mut start = BytesStart::new("testcase");
        start.push_attribute(("classname", suite.name.as_str()));
        start.push_attribute(("name", case.name.as_str()));
        start.push_attribute(("time", seconds(case.millis).as_str()));
        let rich = self.profile == JunitProfile::Rich;
        let task = case.task.filter(|_| rich);
        if let Some(task) = task.filter(|task| !task.file.is_empty()) {
            start.push_attribute(("file", xml::line(&task.file, 1024).as_ref()));
            start.push_attribute(("line", task.line.to_string().as_str()));
        }
        self.write(Event::Start(start))?;
        task.map_or(Ok(()), |task| self.case_properties(task))
    }

    fn case_properties(&mut self, task: &TaskV1) -> Result<(), ReportError> {
        let session = task.session();
        let attempts = task.attempts.len().to_string();
        let name = session.map(SessionV1::name);
        let mut properties = vec![
            ("outcome", Some(task.outcome.as_str())),
            ("session", name.as_deref()),
            ("session-url", session.and_then(|session| session.url.as_deref())),
        ];
        // A reader that keeps one property of a name keeps the last.
        properties.extend(task.pulls().map(|pull| ("pull-request", Some(pull.url.as_str()))));
        let pull = task.pulls().last();
        properties.extend([
            ("pull-request-state", pull.and_then(|pull| pull.state).map(PullState::as_str)),
            ("pull-request-stage", pull.and_then(|pull| pull.stage).map(Stage::as_str)),
            ("pull-request-checks", pull.and_then(|pull| pull.checks.as_deref())),
            ("branch", task.source.as_ref().map(|source| source.branch.as_str())),
            ("attempts", Some(attempts.as_str())),
        ]);
        self.properties(&properties)
    }

    /// Those properties that have a value.
    fn properties(&mut self, properties: &[(&str, Option<&str>)]) -> Result<(), ReportError> {
        self.write(Event::Start(BytesStart::new("properties")))?;
        for (name, value) in properties.iter().filter_map(|(name, value)| Some((*name, (*value)?))) {
            let value = xml::line(value, 1024);
            let mut property = BytesStart::new("property");
            property.push_attribute(("name", name));
            property.push_attribute(("value", value.as_ref()));
            self.write(Event::Empty(property))?;
        }
        self.write(Event::End(BytesEnd::new("properties")))
    }

    fn write_earlier(&mut self) -> Result<(), ReportError> {
        let opened = self.case.checked_sub(1).ok_or_else(|| strange("output outside a case"))?;
        let (_, case) = self.current(opened)?;
        for earlier in &case.earlier {
            let name = if earlier.flaky { "flakyFailure" } else { "rerunFailure" };
            self.complain(name, &earlier.complaint)?;
        }
        Ok(())
    }

    fn complain(&mut self, name: &str, complaint: &Complaint) -> Result<(), ReportError> {
        let mut start = BytesStart::new(name);
        start.push_attribute(("type", complaint.kind.as_str()));
        start.push_attribute(("message", complaint.message.as_str()));
        self.write(Event::Start(start))?;
        self.write(Event::Text(BytesText::new(&complaint.text)))?;
        self.write(Event::End(BytesEnd::new(name)))
    }

    /// The suite that is open, and its case of that index.
    fn current(&self, case: usize) -> Result<(&'a Suite<'a>, &'a Case<'a>), ReportError> {
        let suite = self.suite.checked_sub(1).and_then(|at| self.suites.get(at));
        let case = suite.and_then(|suite| suite.cases.get(case));
        suite.zip(case).ok_or_else(|| strange("one case too many"))
    }

    fn write(&mut self, event: Event<'_>) -> Result<(), ReportError> {
        self.writer.write_event(event).map_err(|error| ReportError::Junit(error.into()))
    }

    fn finish(self) -> Result<(), ReportError> {
        let cases = self.suites.last().map_or(0, |suite| suite.cases.len());
        if self.suite != self.suites.len() || self.case != cases {
            return Err(strange("it ends early"));
        }
        self.writer.into_inner().write_all(b"\n").map_err(|error| ReportError::Junit(error.into()))
    }
}

/// `skipped` on the root is unknown to Jenkins' schema.
fn push_counts(start: &mut BytesStart<'_>, counts: Counts, skipped: bool) {
    start.push_attribute(("tests", counts.tests.to_string().as_str()));
    start.push_attribute(("failures", counts.failures.to_string().as_str()));
    start.push_attribute(("errors", counts.errors.to_string().as_str()));
    if skipped {
        start.push_attribute(("skipped", counts.skipped.to_string().as_str()));
    }
    start.push_attribute(("time", seconds(counts.millis).as_str()));
}

/// Seconds with three decimals.
fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// UTC without fraction, with the `Z` that some readers want and all take.
fn second(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn strange(what: &str) -> ReportError {
    ReportError::Junit(format!("the plain document is not as expected: {what}").into())
}
