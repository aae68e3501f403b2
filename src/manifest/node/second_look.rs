//! Where a YAML error comes from: the reader stops where it cannot go on, which is often behind what was written wrong.

use std::ops::Range;

use super::super::diagnostic::{Diagnostic, quoted};
use super::super::document::{Document, Span};
use super::super::habits;

/// A mistake that people make, at its own place.
pub(super) struct Seen {
    finding: Diagnostic,
    span: Span,
}

impl Seen {
    fn new(what: impl std::fmt::Display, help: impl Into<String>, at: Range<usize>) -> Self {
        let what = format!("the manifest is not valid YAML: {what}");
        Self { finding: Diagnostic::new(what).help(help), span: Span::new(at) }
    }

    /// The finding, in words that say what YAML makes of it.
    pub(super) fn into_finding(self, document: &std::sync::Arc<Document>) -> Diagnostic {
        self.finding.at(document, self.span)
    }
}

/// Characters that look like a space and are none to YAML.
pub(in super::super) fn odd_space(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{A0}' => "a no-break space (U+00A0)",
        '\u{2007}' => "a figure space (U+2007)",
        '\u{202F}' => "a narrow no-break space (U+202F)",
        '\u{3000}' => "an ideographic space (U+3000)",
        '\u{2000}'..='\u{200A}' => "a wide or thin space (U+2000 to U+200A)",
        '\u{200B}' => "a zero-width space (U+200B)",
        '\u{FEFF}' => "a byte order mark (U+FEFF)",
        _ => return None,
    })
}

/// The way out of an odd space.
pub(in super::super) const PLAIN_SPACE: &str =
    "put a plain space in its place; such characters come from web pages and word processors";

/// What an error at this byte comes from, if it is a mistake that can be told.
pub(super) fn look(document: &Document, at: usize) -> Option<Seen> {
    let text = document.text();
    let error = document.line_index(u32::try_from(at).ok()?);
    let lines = || error.saturating_sub(1)..=error + 1;
    conflict(document)
        .or_else(|| tab(document, lines()))
        .or_else(|| lines().find_map(|index| space(document, index)))
        .or_else(|| [error.saturating_sub(1), error].into_iter().find_map(|index| glued(document, index)))
        .or_else(|| line_of_a_text(document, text, error, at))
}

/// What Git writes where two changes meet.
fn conflict(document: &Document) -> Option<Seen> {
    let text = document.text();
    let at = if text.starts_with("<<<<<<< ") { 0 } else { text.find("\n<<<<<<< ")? + 1 };
    let what = "a merge conflict of Git stands in the manifest";
    Some(Seen::new(
        what,
        "keep one of the two sides, and remove the lines with `<<<<<<<`, `=======` and `>>>>>>>`",
        at..at + 7,
    ))
}

/// A tab in the indentation of one of these lines.
fn tab(document: &Document, mut lines: impl Iterator<Item = usize>) -> Option<Seen> {
    lines.find_map(|index| {
        let line = document.line(index);
        let text = &document.text()[line.clone()];
        let indentation = indentation(text);
        let tab = text[..indentation].find('\t').filter(|_| indentation < text.len())?;
        let what = "a tab stands where YAML takes spaces only";
        Some(Seen::new(what, "indent with spaces", line.start + tab..line.start + indentation))
    })
}

/// A space that is none in the indentation, or behind the first colon or dash.
fn space(document: &Document, index: usize) -> Option<Seen> {
    let line = document.line(index);
    let text = &document.text()[line.clone()];
    let content = text.find(|c: char| c.is_ascii_graphic()).unwrap_or(text.len());
    let colon = text.find(':').map_or(0, |at| at + 1);
    let (at, found) =
        text.char_indices().find(|(at, c)| odd_space(*c).is_some() && (*at < content || *at == colon))?;
    let what = format!("{} stands where a space is wanted", odd_space(found)?);
    Some(Seen::new(what, PLAIN_SPACE, line.start + at..line.start + at + found.len_utf8()))
}

/// `version:1`: a key of ours and its value without a space between.
fn glued(document: &Document, index: usize) -> Option<Seen> {
    let line = document.line(index);
    let text = &document.text()[line.clone()];
    let begin = text.len() - text.trim_start_matches([' ', '-']).len();
    let (key, value) = text[begin..].split_once(':')?;
    if !habits::is_key(key) || value.is_empty() || value.starts_with([' ', '\t', '/', '\r']) {
        return None;
    }
    let colon = line.start + begin + key.len();
    let what = format!("a space is missing behind {}", quoted(&format!("{key}:")));
    let help = format!("write {}", quoted(&format!("{key}: {value}")));
    Some(Seen::new(what, help, colon..colon + 1))
}

/// The line holds, or goes on with, a text without quotes that YAML reads as something else.
fn line_of_a_text(document: &Document, text: &str, error: usize, at: usize) -> Option<Seen> {
    let line = document.line(error);
    let entry = Entry::of(&text[line.clone()]);
    if let Some(entry) = entry.as_ref().filter(|entry| habits::is_key(entry.key)) {
        let value = line.start + entry.value;
        if at < value {
            return misplaced(document, error, entry);
        }
        if let Some(first) = text[value..line.end].chars().next() {
            let begins = begins(entry.key, first, &text[value..line.end], value);
            let is_plain = !"\"'[{|>".contains(first);
            return begins
                .or_else(|| holds_a_colon(entry.key, text, value..line.end, at).filter(|_| is_plain));
        }
        return None;
    }
    // A line that goes on with the text of a key above.
    let above = (0..error).rev().find_map(|index| {
        let entry = Entry::of(&text[document.line(index)])?;
        habits::is_key(entry.key).then_some((index, entry))
    });
    let (index, entry) = above?;
    let begun = document.line(index);
    match text[begun.start + entry.value..begun.end].trim() {
        "|" | ">" | "|-" | ">-" | "|+" | ">+" => {
            let what = format!("the text of {} is not indented below its line", quoted(entry.key));
            let start = line.start + indentation(&text[line.clone()]);
            Some(Seen::new(what, format!("indent it more than {}", quoted(entry.key)), start..line.end))
        }
        value if !value.is_empty() && !value.starts_with(['"', '\'', '[', '{']) && error == index + 1 => {
            holds_a_colon(entry.key, text, line, at)
        }
        _ => None,
    }
}

/// A key of ours that stands too far to the right or the left.
fn misplaced(document: &Document, error: usize, entry: &Entry<'_>) -> Option<Seen> {
    let text = document.text();
    let above = document.line(error.checked_sub(1)?);
    let other = Entry::of(&text[above.clone()]).filter(|other| habits::is_key(other.key))?;
    let (here, there) = (entry.column, other.column);
    let has_value = !text[above.start + other.value..above.end].trim().is_empty();
    let (way, what) = match here.cmp(&there) {
        std::cmp::Ordering::Greater if has_value => ("more", "so that YAML takes it for a part of its value"),
        std::cmp::Ordering::Less if here > 0 => ("less", "and so belongs to nothing above it"),
        _ => return None,
    };
    let (key, other) = (quoted(entry.key), quoted(other.key));
    let what = format!("{key} is indented {way} than {other} above it, {what}");
    let start = document.line(error).start + here;
    Some(Seen::new(what, format!("let {key} begin below {other}"), start..start + entry.key.len()))
}

/// A text that begins with a character that means something else to YAML.
fn begins(key: &str, first: char, value: &str, at: usize) -> Option<Seen> {
    if value.starts_with("{{") {
        let what = format!("the value of {} begins with `{{{{`, a mapping", quoted(key));
        return Some(Seen::new(what, "an expression is written `${{ … }}`", at..at + 2));
    }
    // Elsewhere a list, an alias or a tag may be meant.
    let is_text = ["prompt", "title", "name", "id", "branch"].contains(&key);
    let reading = match first {
        '@' | '`' | '%' => "which no text can",
        '*' | '&' | '!' | '[' | '{' if !is_text => return None,
        '*' => "as an alias does",
        '&' => "as an anchor does",
        '!' => "as a tag does",
        '[' => "as a list does",
        '{' => "as a mapping does",
        '-' if value.starts_with("- ") => "as an item of a list does",
        '?' if value.starts_with("? ") => "as a key does",
        '"' | '\'' => return closes_too_soon(key, first, value, at),
        _ => return None,
    };
    if matches!(first, '[' | '{') && !value.trim_end().ends_with(|c: char| c.is_alphanumeric() || c == '.') {
        return None;
    }
    let what = format!(
        "the text of {} begins with {}, {reading}",
        quoted(key),
        if first == '`' { "a backtick".to_owned() } else { quoted(&first.to_string()) }
    );
    Some(Seen::new(what, way_out(key), at..at + first.len_utf8()))
}

/// A text with a quote at its beginning whose partner does not end it.
fn closes_too_soon(key: &str, quote: char, value: &str, at: usize) -> Option<Seen> {
    let inner = &value[1..];
    let close = inner.find(quote)?;
    if inner[close + 1..].trim().is_empty() || inner[close + 1..].starts_with(quote) {
        return None;
    }
    let what = format!("this quote ends the text of {}, and more follows", quoted(key));
    let other = if quote == '"' { "single quotes (`'…'`)" } else { "double quotes (`\"…\"`)" };
    let help = format!("put the whole text in {other}, or write `{key}: |` and the text on the lines below");
    Some(Seen::new(what, help, at + 1 + close..at + 2 + close))
}

/// A text with `: ` in it, where YAML finds a further key.
fn holds_a_colon(key: &str, text: &str, value: Range<usize>, at: usize) -> Option<Seen> {
    let colon = text[value.clone()]
        .find(": ")
        .or_else(|| text[value.clone()].trim_end().strip_suffix(':').map(str::len))?;
    let is_there = at + 1 >= value.start + colon;
    let what = format!("the `:` in the text of {} makes a further key of it", quoted(key));
    let colon = value.start + colon;
    is_there.then(|| Seen::new(what, way_out(key), colon..colon + 1))
}

fn way_out(key: &str) -> String {
    if key == "prompt" {
        "put the text in quotes, or write `prompt: |` and the text on the lines below".to_owned()
    } else {
        "put the text in quotes".to_owned()
    }
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// `key: value` in a line, perhaps behind a dash.
struct Entry<'a> {
    key: &'a str,
    /// Where the key begins.
    column: usize,
    /// Where the value begins, or the line ends.
    value: usize,
}

impl<'a> Entry<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let column = line.len() - line.trim_start_matches([' ', '-']).len();
        let (key, rest) = line[column..].split_once(':')?;
        if !rest.is_empty() && !rest.starts_with(' ') {
            return None;
        }
        let value = column + key.len() + 1 + (rest.len() - rest.trim_start_matches(' ').len());
        Some(Self { key, column, value })
    }
}
