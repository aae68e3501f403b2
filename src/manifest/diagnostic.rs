//! What is wrong with a manifest: several findings at once, each with its place and the way out.

use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use foreign_text::{clip, is_text, plain};

use super::document::{Document, Place, Span};
use super::secret::masked;

/// At most this many findings are shown; more rarely help, and a generated manifest can hold millions.
const MAX_SHOWN: usize = 20;

/// Lines longer than this are shown in part.
const MAX_LINE: usize = 240;

/// Everything that is wrong with a manifest; never empty.
#[derive(Clone)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    omitted: usize,
}

/// One finding: the thing, what is wrong with it, and the way out.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    message: String,
    help: Option<String>,
    site: Option<Site>,
    related: Vec<(Site, String)>,
    is_warning: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Site {
    document: Arc<Document>,
    span: Span,
}

impl Site {
    pub(crate) fn new(document: &Arc<Document>, span: Span) -> Self {
        Self { document: Arc::clone(document), span }
    }

    fn place(&self) -> Place {
        self.document.place(self.span.start)
    }
}

impl Diagnostic {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, site: None, related: Vec::new(), is_warning: false }
    }

    #[must_use]
    pub(crate) fn at(mut self, document: &Arc<Document>, span: Span) -> Self {
        self.site = Some(Site::new(document, span));
        self
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A second place that belongs to the finding, and what stands there.
    #[must_use]
    pub(crate) fn related(mut self, document: &Arc<Document>, span: Span, label: impl Into<String>) -> Self {
        self.related.push((Site::new(document, span), label.into()));
        self
    }

    /// The same where no excerpt has room: place, what is wrong, and the way out.
    pub(crate) fn in_one_line(&self) -> String {
        let place = self.site.as_ref().map(|site| {
            let Place { line, column } = site.place();
            format!("{}:{line}:{column}: ", site.document.name())
        });
        let help = self.help.as_ref().map(|help| format!("; {help}"));
        format!("{}{}{}", place.unwrap_or_default(), self.message, help.unwrap_or_default())
    }

    /// It is allowed, and probably not meant so.
    #[must_use]
    pub(crate) fn warning(mut self) -> Self {
        self.is_warning = true;
        self
    }

    /// Whether it is allowed, and probably not meant so.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        self.is_warning
    }

    /// What is wrong, in one sentence without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The way out, if there is one to name.
    #[must_use]
    pub fn way_out(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The file, as the user named it.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.site.as_ref().map(|site| site.document.name())
    }

    /// Line and column in that file.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.site.as_ref().map(Site::place)
    }

    fn render(&self, renderer: &Renderer) -> String {
        let message = tame(&self.message);
        let help = self.help.as_deref().map(tame);
        let level = if self.is_warning { Level::WARNING } else { Level::ERROR };
        let mut group = Group::with_title(level.primary_title(message));
        let excerpt = self.site.as_ref().map(|site| self.excerpt(site));
        group = match (&self.site, &excerpt) {
            (Some(_), Some(Excerpt::Source { path, first_line, text, spans })) => {
                let marks = spans.iter().enumerate().map(|(index, (span, label))| {
                    let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                    kind.span(span.clone()).label(label.as_deref())
                });
                let snippet = Snippet::source(text.as_str()).path(path.as_str()).line_start(*first_line);
                group.element(snippet.fold(true).annotations(marks))
            }
            (Some(site), _) if site.document.text().is_empty() => {
                group.element(Origin::path(tame(site.document.name())))
            }
            (Some(site), _) => {
                let place = site.place();
                let origin = Origin::path(tame(site.document.name()));
                group.element(origin.line(place.line as usize).char_column(place.column as usize))
            }
            (None, _) => group,
        };
        let is_shown = |other: &Site| {
            let here = self.site.as_ref().is_some_and(|site| Arc::ptr_eq(&site.document, &other.document));
            here && matches!(excerpt, Some(Excerpt::Source { .. }))
        };
        for (other, label) in self.related.iter().filter(|(other, _)| !is_shown(other)) {
            let at = format!("{}: {}:{}", tame(label), tame(other.document.name()), other.place());
            group = group.element(Level::NOTE.message(at));
        }
        if let Some(help) = help {
            group = group.element(Level::HELP.message(help));
        }
        renderer.render(&[group])
    }

    /// The lines that hold the finding's places, if they are short enough to show.
    fn excerpt(&self, site: &Site) -> Excerpt {
        let here = |other: &&(Site, String)| Arc::ptr_eq(&other.0.document, &site.document);
        let document = &site.document;
        let mut marks = vec![(site.span, None)];
        marks.extend(self.related.iter().filter(here).map(|(site, label)| (site.span, Some(tame(label)))));
        let indices = marks.iter().map(|(span, _)| document.line_index(span.start));
        let (first, last) = indices.fold((usize::MAX, 0), |(a, b), i| (a.min(i), b.max(i)));
        // The lines between two places are folded away, but a place must not drag megabytes along.
        let wide = document.line(last).end.saturating_sub(document.line(first).start);
        let long = (first..=last.min(first + 1000)).any(|index| document.line(index).len() > MAX_LINE);
        if document.text().is_empty() || long || wide > 64 * 1024 {
            return Excerpt::PlaceOnly;
        }
        let start = document.line(first).start;
        let text = &*masked(&document.text()[start..document.line(last).end]);
        // The renderer shows C0 controls as symbols, but not the rest. As many bytes, so spans still fit.
        let acts = |bytes| move |c: char| c.len_utf8() == bytes && !is_text(c);
        let text =
            text.replace(acts(2), "\u{b7}").replace(acts(3), "\u{fffd}").replace(acts(4), "\u{b7}\u{b7}");
        let local = |span: Span| one_line(document, span, start);
        let spans = marks.into_iter().map(|(span, label)| (local(span), label)).collect();
        Excerpt::Source { path: tame(document.name()), first_line: first + 1, text, spans }
    }
}

enum Excerpt {
    Source { path: String, first_line: usize, text: String, spans: Vec<(Range<usize>, Option<String>)> },
    PlaceOnly,
}

/// The part of `span` on its first line, relative to `start`, at least one character wide where the line has one.
fn one_line(document: &Document, span: Span, start: usize) -> Range<usize> {
    let line = document.line(document.line_index(span.start));
    let from = (span.start as usize).clamp(line.start, line.end);
    let mut to = (span.end as usize).clamp(from, line.end);
    if to == from {
        to = from + document.text()[from..line.end].chars().next().map_or(0, char::len_utf8);
    }
    from - start..to - start
}

impl Diagnostics {
    /// Takes findings; `None` when there are none.
    pub(crate) fn from_list(list: Vec<Diagnostic>) -> Option<Self> {
        let mut kept: Vec<Diagnostic> = Vec::new();
        let mut omitted = 0;
        for finding in list {
            let same = |other: &Diagnostic| {
                other.message == finding.message
                    && other.file() == finding.file()
                    && other.place() == finding.place()
            };
            // A value under `defaults` is wrong once, not once for each job.
            if kept.iter().any(same) {
                continue;
            }
            if kept.len() < MAX_SHOWN { kept.push(finding) } else { omitted += 1 }
        }
        (!kept.is_empty()).then_some(Self { list: kept, omitted })
    }

    /// The findings in the order in which they were met, at most twenty.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// How many findings there are, with those that [`Diagnostics::iter`] leaves out.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.len() + self.omitted
    }

    /// The findings with their lines of the manifest, for a terminal of any width; ends without a line break.
    ///
    /// Control characters in foreign text are shown as symbols.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let mut blocks: Vec<String> = self.list.iter().map(|finding| finding.render(&renderer)).collect();
        if self.omitted > 0 {
            let s = if self.omitted == 1 { "" } else { "s" };
            let level = if self.list.iter().all(Diagnostic::is_warning) { "warning" } else { "error" };
            blocks.push(format!("{level}: {} more finding{s} not shown", self.omitted));
        }
        blocks.join("\n\n")
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(finding: Diagnostic) -> Self {
        Self { list: vec![finding], omitted: 0 }
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Diagnostics {}

/// Foreign text with at most 2,000 characters that may end on a terminal. Of what that acts on, C0 controls are shown as
/// symbols.
fn tame(text: &str) -> String {
    clip(plain(&annotate_snippets::normalize_untrusted_str(&masked(text))), 2000).into_owned()
}

/// A word of the manifest in backticks, shortened: for messages.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    let text = masked(text);
    let head = text.chars().take(LONGEST + 1);
    let escaped: String =
        head.map(|c| if is_text(c) { c.to_string() } else { c.escape_debug().to_string() }).collect();
    if text.chars().nth(LONGEST).is_some() {
        let cut: String = escaped.chars().take(LONGEST).collect();
        return format!("`{cut}…`");
    }
    format!("`{escaped}`")
}

/// `` `a`, `b` and `c` ``, at most ten of them.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 10;
    let names: Vec<&str> = names.into_iter().collect();
    if let Some(more) = names.len().checked_sub(MOST).filter(|more| *more > 0) {
        let shown: Vec<String> = names[..MOST].iter().map(|name| quoted(name)).collect();
        return format!("{} and {more} more", shown.join(", "));
    }
    joined(&names, "and")
}

/// `` `a`, `b` or `c` ``: all of them.
pub(crate) fn joined(names: &[&str], word: &str) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => quoted(one),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(|name| quoted(name)).collect();
            format!("{} {word} {}", most.join(", "), quoted(last))
        }
    }
}

/// The known name that the written one was probably meant to be.
pub(crate) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if written.len() > 200 {
        return None;
    }
    let near = |name: &&str| strsim::damerau_levenshtein(&written.to_lowercase(), &name.to_lowercase());
    let bound = (written.chars().count() / 3).clamp(1, 4);
    let prefix = |name: &&str| {
        written.len() >= 3 && (name.starts_with(written) || (name.len() >= 3 && written.starts_with(*name)))
    };
    let mut best: Option<(usize, &str)> = None;
    for name in known {
        let distance = near(&name);
        if (distance <= bound || prefix(&name)) && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_as_in_a_sentence() {
        assert_eq!(listed([]), "none");
        assert_eq!(listed(["a"]), "`a`");
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` and `c`");
        let many: Vec<String> = (0..12).map(|n| n.to_string()).collect();
        assert!(listed(many.iter().map(String::as_str)).ends_with("`9` and 2 more"));
    }

    #[test]
    fn the_nearest_name_is_near_indeed() {
        let known = ["max-parallel", "fail-fast", "max-failures"];
        assert_eq!(nearest("max-paralel", known), Some("max-parallel"));
        assert_eq!(nearest("max_parallel", known), Some("max-parallel"));
        assert_eq!(nearest("failfast", known), Some("fail-fast"));
        assert_eq!(nearest("timeout", known), None);
    }

    #[test]
    fn long_and_hostile_words_are_tamed() {
        assert_eq!(quoted("a\u{1b}[31mb"), "`a\\u{1b}[31mb`");
        assert_eq!(quoted(&"x".repeat(100)).chars().count(), 83);
        assert!(!tame("a\u{9b}31m\u{1b}").contains(['\u{9b}', '\u{1b}']));
    }

    #[test]
    fn a_finding_shows_its_line_and_the_way_out() {
        let document = Arc::new(Document::new("jobs.yaml", "jobs:\n  - id: a\n    needs: [b]\n"));
        let at = document.text().find("b]").unwrap();
        let finding = Diagnostic::new("job `a` needs `b`, which is not in the manifest")
            .at(&document, Span::new(at..at + 1))
            .help("known jobs: `a`");
        insta::assert_snapshot!(Diagnostics::from(finding).render(false), @r"
        error: job `a` needs `b`, which is not in the manifest
         --> jobs.yaml:3:13
          |
        3 |     needs: [b]
          |             ^
          |
          = help: known jobs: `a`
        ");
    }

    #[test]
    fn a_second_place_in_another_file_is_named() {
        let (one, other) = (Document::new("a.txt", "x\n"), Document::new("b.txt", "\n y\n"));
        let finding = Diagnostic::new("twice").at(&Arc::new(one), Span::new(0..1)).related(
            &Arc::new(other),
            Span::new(2..3),
            "first here",
        );
        let shown = Diagnostics::from(finding).render(false);
        assert!(shown.contains("note: first here: b.txt:2:2"), "{shown}");
    }

    #[test]
    fn a_gigantic_line_is_not_shown() {
        let document = Arc::new(Document::new("jobs.yaml", "x".repeat(1_000_000)));
        let finding = Diagnostic::new("no").at(&document, Span::new(500_000..500_001));
        assert!(Diagnostics::from(finding).render(true).len() < 500);
    }

    #[test]
    fn findings_beyond_the_twentieth_are_counted() {
        let all = Diagnostics::from_list((0..30).map(|n| Diagnostic::new(n.to_string())).collect()).unwrap();
        assert_eq!((all.iter().count(), all.count()), (20, 30));
        assert!(all.render(false).ends_with("error: 10 more findings not shown"));
        assert!(Diagnostics::from_list(Vec::new()).is_none());
    }
}
