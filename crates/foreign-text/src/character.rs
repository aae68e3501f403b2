//! The table of characters.

use std::borrow::Cow;

use crate::escape::sequence_len;

/// What stands where a character was taken out, so that the change can be seen.
pub const REPLACEMENT: char = '\u{FFFD}';

/// The table: whether a terminal, a log or a reader of a document acts on the character instead of showing it. Tab and LF
/// are none of it where there may be lines.
pub(crate) const fn acts(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        // C0, DEL and C1 controls.
        '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' => true,
        // Line and paragraph separators.
        '\u{2028}' | '\u{2029}' => true,
        // Embeddings, overrides and isolates of the direction of writing.
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true,
        // Noncharacters.
        c => c as u32 & 0xFFFE == 0xFFFE,
    }
}

/// Whether nothing can be seen of the character, or it stands where one of the table was taken out: a word is the same word
/// for a reader, and for whoever copies it, with such characters between its letters. Backslashes are among them, with which
/// Markdown and JSON write what would be markup, and white space, which takes the place of a line break.
pub(crate) fn between_letters(c: char) -> bool {
    if c.is_ascii_graphic() {
        return c == '\\';
    }
    acts(c)
        || c.is_whitespace()
        || matches!(
            c,
            REPLACEMENT
                // What stands for U+FFFD in XML, and a soft hyphen.
                | '\u{2426}' | '\u{AD}'
                // Joiners, marks of direction, fillers, selectors of variants and tags.
                | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
                | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
                | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
                | '\u{E0000}'..='\u{E0FFF}'
        )
}

/// Whether the character is none of the table, nor a tab or a line break.
#[must_use]
pub const fn is_text(c: char) -> bool {
    !acts(c) && !matches!(c, '\t' | '\n')
}

/// Text of one or several lines for a document: escape sequences gone, CR LF and CR as LF, every other character of the
/// table as U+FFFD.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(acts) {
        out.push_str(&rest[..at]);
        let (len, shown) = replaced(&rest[at..]);
        out.extend(shown);
        rest = &rest[at + len..];
    }
    Cow::Owned(out + rest)
}

/// How many bytes at the start of the text, which acts there, make way for which character.
fn replaced(text: &str) -> (usize, Option<char>) {
    let Some(c) = text.chars().next() else { return (0, None) };
    match c {
        '\r' if text.starts_with("\r\n") => (2, Some('\n')),
        '\r' => (1, Some('\n')),
        c => sequence_len(text).map_or((c.len_utf8(), Some(REPLACEMENT)), |len| (len, None)),
    }
}
