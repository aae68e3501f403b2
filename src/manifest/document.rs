//! A text that errors can point into: the manifest, or a file that it names.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A place in a text, both 1-based.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A range of bytes in a [`Document`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Span {
    /// First byte.
    pub(crate) start: u32,
    /// One past the last byte; equal to `start` where only the beginning is known.
    pub(crate) end: u32,
}

impl Span {
    /// The span of `range`, cut to what 32 bits can say; documents are far smaller.
    pub(crate) fn new(range: Range<usize>) -> Self {
        let cut = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { start: cut(range.start), end: cut(range.end) }
    }
}

/// A text with a name.
pub(crate) struct Document {
    name: String,
    text: Arc<str>,
    /// Byte offset of each line's first character.
    lines: Vec<u32>,
}

impl Document {
    /// Takes a text; `name` is the path as the user gave it.
    pub(crate) fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let ends = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let lines = std::iter::once(0).chain(ends.map(|(at, _)| Span::new(at..at + 1).end)).collect();
        Self { name: name.into(), text, lines }
    }

    /// Where ` #12` stands behind a text without quotes: YAML takes it for a comment, where people mean an issue.
    pub(super) fn issue_number_behind(&self, text: Span) -> Option<Span> {
        let at = self.cut_behind(text)?;
        self.text.get(at.end as usize..)?.starts_with(|c: char| c.is_ascii_digit()).then_some(at)
    }

    /// Where ` #word` stands behind a text without quotes: a comment to YAML, and mostly meant as text.
    pub(super) fn cut_behind(&self, text: Span) -> Option<Span> {
        let (from, end) = (text.start as usize, text.end as usize);
        let is_plain = !self.text.get(from..end)?.starts_with(['"', '\'', '|', '>']);
        let after = self.text.get(end..)?;
        let comment = after.trim_start_matches([' ', '\t']);
        let at = end + after.len() - comment.len();
        let is_word = comment.strip_prefix('#')?.starts_with(|c: char| c.is_alphanumeric());
        (is_plain && is_word && at > end && end > from).then(|| Span::new(at..at + 1))
    }

    /// Where a comment stands in place of a value, behind a key in the lines of one mapping: `from` is in its first line.
    pub(super) fn comment_behind(&self, key: &str, from: Span) -> Option<Span> {
        let first = self.line_index(from.start);
        let column = from.start as usize - self.line(first).start;
        let lines = (first..self.lines.len()).map(|index| self.line(index));
        let own = lines.enumerate().take_while(|(at, line)| {
            let text = &self.text[line.clone()];
            let indentation = text.len() - text.trim_start().len();
            *at == 0
                || text.trim().is_empty()
                || (indentation < column && indentation > 0 && !text.trim_start().starts_with("- "))
        });
        own.into_iter().find_map(|(_, line)| {
            let text = &self.text[line.clone()];
            let behind = text.find(key)? + key.len();
            let comment = behind + text[behind..].find(|c: char| c != ' ')?;
            text[comment..]
                .starts_with('#')
                .then(|| Span::new(line.start + comment..line.start + comment + 1))
        })
    }

    /// The path as the user gave it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text itself, shared.
    pub(crate) fn shared_text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// The text within `span`; empty where the span does not fit.
    pub(crate) fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// Where a byte stands.
    pub(crate) fn place(&self, offset: u32) -> Place {
        let line = self.line_index(offset);
        let start = self.lines[line] as usize;
        let end = (offset as usize).min(self.text.len());
        let before = self.text.get(start..end).map_or(0, |text| text.chars().count());
        Place { line: cut(line + 1), column: cut(before + 1) }
    }

    /// The bytes of a line, counted from 0, without its line break.
    pub(crate) fn line(&self, index: usize) -> Range<usize> {
        let start = self.lines.get(index).map_or(self.text.len(), |&at| at as usize);
        let end = self.lines.get(index + 1).map_or(self.text.len(), |&at| at as usize);
        let text = self.text.get(start..end).unwrap_or("");
        start..start + text.trim_end_matches(['\n', '\r']).len()
    }

    /// The index from 0 of the line that holds a byte.
    pub(crate) fn line_index(&self, offset: u32) -> usize {
        self.lines.partition_point(|&start| start <= offset).saturating_sub(1)
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("name", &self.name).field("bytes", &self.text.len()).finish()
    }
}

fn cut(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_not_bytes() {
        let document = Document::new("a.yaml", "eins\nzwölf: x\r\n");
        let at = document.text().find('x').unwrap();
        assert_eq!(document.place(u32::try_from(at).unwrap()), Place { line: 2, column: 8 });
        assert_eq!(&document.text()[document.line(1)], "zwölf: x");
        assert_eq!(document.place(u32::MAX).line, 3);
    }

    #[test]
    fn an_empty_text_has_a_first_line() {
        let document = Document::new("a.yaml", "");
        assert_eq!(document.place(0), Place { line: 1, column: 1 });
        assert_eq!(document.line(0), 0..0);
    }
}
