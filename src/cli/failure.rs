//! Why a command ends early, ready to be shown: an error, the way out, and the exit code that fits.

use std::error::Error;
use std::iter::successors;

use super::exit::Exit;
use crate::outcome::{RAISE_THE_LIMIT, is_out_of_files};

/// An error on its way to `main`.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    lines: Vec<Line>,
    /// The one way out is told: others would not help.
    is_out_of_files: bool,
    /// What is wrong with a file, finding by finding, where it is about one.
    findings: Vec<Finding>,
}

/// One thing that is wrong with a file.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// What, and the way out.
    pub(crate) message: String,
    /// The file and the line, if it has a place.
    pub(crate) place: Option<(String, u32)>,
}

impl Failure {
    /// A failure that ends the program with this code, for this reason and its causes.
    pub(crate) fn new(exit: Exit, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let error = error.into();
        let mut texts = chain(error.as_ref()).into_iter();
        let first = texts.next().map(Line::Error);
        let is_out_of_files = is_out_of_files(error.as_ref());
        let way_out = is_out_of_files.then(|| Line::Help(RAISE_THE_LIMIT.to_owned()));
        let lines = first.into_iter().chain(texts.map(Line::Cause)).chain(way_out).collect();
        Self { exit, lines, is_out_of_files, findings: Vec::new() }
    }

    /// A failure whose text is complete, such as a manifest's errors with their snippets: it is shown as it is. Every
    /// foreign part of it must be neutral already.
    pub(crate) fn rendered(exit: Exit, text: impl AsRef<str>) -> Self {
        let lines = text.as_ref().lines().map(|line| Line::Plain(line.to_owned())).collect();
        Self { exit, lines, is_out_of_files: false, findings: Vec::new() }
    }

    /// Names what is wrong with the file that it is about.
    pub(crate) fn of_file(mut self, findings: Vec<Finding>) -> Self {
        self.findings = findings;
        self
    }

    /// What is wrong with the file that it is about; nothing where it is about none.
    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// A wrong command line, beyond what clap can see.
    pub(crate) fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Usage, error)
    }

    /// Adds what caused it.
    pub(crate) fn because(mut self, cause: &(dyn Error + 'static)) -> Self {
        self.lines.extend(chain(cause).into_iter().map(Line::Cause));
        if is_out_of_files(cause) && !self.is_out_of_files {
            self.is_out_of_files = true;
            self.lines.push(Line::Help(RAISE_THE_LIMIT.to_owned()));
        }
        self
    }

    /// Adds what caused it, in words.
    pub(crate) fn cause(mut self, line: String) -> Self {
        self.lines.push(Line::Cause(line));
        self
    }

    /// Adds a line that says what to do.
    pub(crate) fn help(mut self, line: impl Into<String>) -> Self {
        if !self.is_out_of_files {
            self.lines.push(Line::Help(line.into()));
        }
        self
    }

    /// Adds a line that says what to do, where it applies.
    pub(crate) fn help_if(self, applies: bool, line: impl Into<String>) -> Self {
        if applies { self.help(line) } else { self }
    }

    /// The code that the program ends with.
    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }

    /// What is wrong, with its causes, in one line.
    pub(crate) fn headline(&self) -> String {
        if let Some(Line::Plain(first)) = self.lines.first() {
            let first = anstream::adapter::strip_str(first).to_string();
            return first.strip_prefix("error: ").map(str::to_owned).unwrap_or(first);
        }
        let texts = self.lines.iter().filter_map(|line| match line {
            Line::Error(text) | Line::Cause(text) => Some(text.as_str()),
            Line::Help(_) | Line::Plain(_) => None,
        });
        texts.collect::<Vec<_>>().join(": ")
    }

    /// The lines to show: `error: …`, its causes, then `help: …`, each cause once.
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }
}

/// One line of a rendered failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// What is wrong.
    Error(String),
    /// Why.
    Cause(String),
    /// The way out.
    Help(String),
    /// Part of a text that was rendered elsewhere.
    Plain(String),
}

/// An error's message and its causes. A cause that the message above it already tells is left out: errors of
/// other crates often print their source themselves.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    for cause in successors(error.source(), |cause| (**cause).source()) {
        let text = cause.to_string();
        if !text.is_empty() && !texts.last().is_some_and(|told| told.contains(&text)) {
            texts.push(text);
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        source: Option<Box<Link>>,
    }

    fn link(text: &'static str, source: Option<Link>) -> Link {
        Link { text, source: source.map(Box::new) }
    }

    #[test]
    fn the_chain_is_told_once() {
        let error = link(
            "cannot write junit.xml",
            Some(link("cannot rename: disk full", Some(link("disk full", Some(link("ENOSPC", None)))))),
        );
        let failure = Failure::new(Exit::NotWritable, error).help("free some space");
        assert_eq!(
            failure.lines(),
            [
                Line::Error("cannot write junit.xml".into()),
                Line::Cause("cannot rename: disk full".into()),
                Line::Cause("ENOSPC".into()),
                Line::Help("free some space".into()),
            ]
        );
        assert_eq!(failure.exit(), Exit::NotWritable);
    }

    #[test]
    fn a_rendered_text_stays_as_it_is() {
        let failure = Failure::rendered(Exit::ManifestInvalid, "error: a\n  --> jobs.yaml:1:1");
        assert_eq!(
            failure.lines(),
            [Line::Plain("error: a".into()), Line::Plain("  --> jobs.yaml:1:1".into())]
        );
        assert_eq!(failure.headline(), "a");
    }

    #[test]
    fn a_headline_is_one_line_without_colours() {
        let coloured = Failure::rendered(Exit::ManifestInvalid, "\u{1B}[91merror\u{1B}[0m: a `b`\n  --> x");
        assert_eq!(coloured.headline(), "a `b`");
        let chained = link("cannot write it", Some(link("disk full", None)));
        assert_eq!(Failure::new(Exit::NotWritable, chained).headline(), "cannot write it: disk full");
    }
}
