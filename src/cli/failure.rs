//! Why a command ends early, ready to be shown: an error, the way out, and the exit code that fits.

use std::error::Error;
use std::iter::successors;

use super::exit::Exit;

/// An error on its way to `main`.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    what: What,
    help: Vec<String>,
}

#[derive(Debug)]
enum What {
    /// An error with its chain of causes.
    Error(Box<dyn Error + Send + Sync>),
    /// A text that is complete, such as a manifest's errors with their snippets.
    Rendered(String),
}

impl Failure {
    /// A failure that ends the program with this code.
    #[must_use]
    pub(crate) fn new(exit: Exit, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit, what: What::Error(error.into()), help: Vec::new() }
    }

    /// A failure whose text is complete: it is shown as it is. Every foreign part of it must be neutral already.
    #[must_use]
    pub(crate) fn rendered(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, what: What::Rendered(text.into()), help: Vec::new() }
    }

    /// A wrong command line, beyond what clap can see.
    #[must_use]
    pub(crate) fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Usage, error)
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub(crate) fn help(mut self, line: impl Into<String>) -> Self {
        self.help.push(line.into());
        self
    }

    /// The code that the program ends with.
    #[must_use]
    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }

    /// What is wrong, with its causes, in one line.
    #[must_use]
    pub(crate) fn headline(&self) -> String {
        match &self.what {
            What::Rendered(text) => {
                let first = anstream::adapter::strip_str(text.lines().next().unwrap_or_default()).to_string();
                first.strip_prefix("error: ").map(str::to_owned).unwrap_or(first)
            }
            What::Error(error) => {
                let (message, causes) = chain(error.as_ref());
                std::iter::once(message).chain(causes).collect::<Vec<_>>().join(": ")
            }
        }
    }

    /// The lines to show: `error: …`, its causes, then `help: …`, each cause once.
    #[must_use]
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines = match &self.what {
            What::Rendered(text) => text.lines().map(|l| Line::Plain(l.to_owned())).collect(),
            What::Error(error) => {
                let (message, causes) = chain(error.as_ref());
                let mut lines = vec![Line::Error(message)];
                lines.extend(causes.into_iter().map(Line::Cause));
                lines
            }
        };
        lines.extend(self.help.iter().cloned().map(Line::Help));
        lines
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
pub(crate) fn chain(error: &(dyn Error + 'static)) -> (String, Vec<String>) {
    let message = error.to_string();
    let mut told = message.clone();
    let mut causes = Vec::new();
    for cause in successors(error.source(), |cause| (**cause).source()) {
        let text = cause.to_string();
        if !text.is_empty() && !told.contains(&text) {
            causes.push(text.clone());
            told = text;
        }
    }
    (message, causes)
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
