//! Text as letters: what stands between them skipped, escapes read.

use std::ops::Range;

use crate::REPLACEMENT;
use crate::character::between_letters;
use crate::escape::{begins, begins_string, sequence_end};

/// The most backslashes of one escape: JSON within JSON, three times.
const MOST_SLASHES: usize = 8;

/// The most digits of `\u{41}`.
const MOST_DIGITS: usize = 6;

/// How a text is read.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// As it is.
    Written,
    /// With the escapes of JSON, XML and addresses for what they stand for.
    Escaped,
}

impl Form {
    /// The character at the start of the text, and how many bytes it takes.
    fn character(self, text: &str) -> Option<(char, usize)> {
        let escape = match (self, text.as_bytes().first()?) {
            (Self::Escaped, b'\\') => json_escape(text),
            (Self::Escaped, b'&') => reference(text),
            (Self::Escaped, b'%') => percent_escape(text),
            _ => None,
        };
        escape.or_else(|| text.chars().next().map(|c| (c, c.len_utf8())))
    }
}

/// Whether an escape sequence may begin there, as it is or escaped: no escape takes in a character that begins one.
pub(super) fn has_sequences(text: &str, range: Range<usize>) -> bool {
    let mut characters = Characters { text, at: range.start, form: Form::Escaped };
    while characters.at < range.end {
        match characters.next() {
            Some((c, _)) if begins(c) => return true,
            Some(_) => {}
            None => return false,
        }
    }
    false
}

/// Characters, each with the place where it ends.
#[derive(Clone)]
pub(super) struct Characters<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) form: Form,
}

impl Iterator for Characters<'_> {
    type Item = (char, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let (c, len) = self.form.character(&self.text[self.at..])?;
        self.at += len;
        Some((c, self.at))
    }
}

/// What may be a letter of a word.
pub(super) struct Letter {
    pub(super) c: char,
    /// Where it ends.
    pub(super) end: usize,
    /// Where the text goes on for whoever takes this for a part of an escape sequence.
    pub(super) or_from: Option<usize>,
}

/// Characters without what may stand between letters; ends where more of it stands there than in a gap.
pub(super) struct Letters<'a> {
    characters: Characters<'a>,
    gap: usize,
    /// Whether what stands in escape sequences may be letters: one who takes out ESC alone, or a sequence without the letter
    /// that it has taken along, is left with them.
    reads_sequences: bool,
    /// Where the sequence ends that is read.
    sequence: usize,
    /// Whether that is a command string, whose words are taken out together, and none of them is read yet.
    is_string: bool,
    is_new: bool,
}

impl<'a> Letters<'a> {
    pub(super) fn new(characters: Characters<'a>, gap: usize, reads_sequences: bool) -> Self {
        Self { characters, gap, reads_sequences, sequence: 0, is_string: false, is_new: false }
    }

    /// Where they are.
    pub(super) fn at(&self) -> usize {
        self.characters.at
    }

    /// Whether a sequence begins there; then it is left out, or read from its second character on.
    fn begins_sequence(&mut self, here: &Characters<'a>) -> bool {
        let Some(end) = sequence_end(here.clone().take(self.gap)) else { return false };
        if self.reads_sequences {
            (self.sequence, self.is_new) = (end, true);
            self.is_string = begins_string(here.clone().map(|(c, _)| c));
        } else {
            self.characters.at = end;
        }
        true
    }

    /// Where the text goes on without the letter that ends there.
    fn or_from(&mut self, end: usize) -> Option<usize> {
        let is_new = std::mem::take(&mut self.is_new);
        match self.is_string {
            _ if end > self.sequence => None,
            true => is_new.then_some(self.sequence),
            false => Some(end),
        }
    }
}

impl Iterator for Letters<'_> {
    type Item = Letter;

    fn next(&mut self) -> Option<Letter> {
        let limit = self.characters.at + self.gap;
        while self.characters.at <= limit {
            let here = self.characters.clone();
            let (c, end) = self.characters.next()?;
            let is_within = end <= self.sequence;
            if (is_within || !begins(c) || !self.begins_sequence(&here)) && !between_letters(c) {
                return Some(Letter { c, end, or_from: self.or_from(end) });
            }
        }
        None
    }
}

/// Also one that was escaped in turn, as a text that is JSON is within JSON, and `\x41` and `\u{41}` of programs.
fn json_escape(text: &str) -> Option<(char, usize)> {
    let slashes = text.bytes().take(MOST_SLASHES).take_while(|b| *b == b'\\').count();
    let digits = |count: usize| hex(text.get(slashes + 1..slashes + 1 + count)?);
    let number = match text.as_bytes().get(slashes) {
        Some(b'u') if text[slashes + 1..].starts_with('{') => braced(&text[slashes + 1..]),
        Some(b'u') => digits(4).map(|number| (number, 4)),
        Some(b'x') => digits(2).map(|number| (number, 2)),
        _ => None,
    };
    if let Some((number, count)) = number {
        return Some((character(number), slashes + 1 + count));
    }
    match text.as_bytes().get(1)? {
        b'b' | b'f' | b'n' | b'r' | b't' => Some(('\n', 2)),
        c @ (b'"' | b'\\' | b'/') => Some((char::from(*c), 2)),
        _ => None,
    }
}

/// `{41}`.
fn braced(text: &str) -> Option<(u32, usize)> {
    let end = text.bytes().take(MOST_DIGITS + 2).position(|b| b == b'}')?;
    Some((hex(&text[1..end])?, end + 1))
}

/// Also one whose `&` was escaped in turn.
fn reference(text: &str) -> Option<(char, usize)> {
    let rest = text[1..].trim_start_matches("amp;");
    let skipped = text.len() - rest.len();
    let Some(end) = rest.bytes().take(12).position(|b| b == b';') else {
        return (skipped > 1).then_some(('&', skipped));
    };
    let c = match &rest[..end] {
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        number => match numbered(number) {
            Some(number) => character(number),
            None => return (skipped > 1).then_some(('&', skipped)),
        },
    };
    Some((c, skipped + end + 1))
}

/// `#65`, `#x41`.
fn numbered(text: &str) -> Option<u32> {
    let number = text.strip_prefix('#')?;
    match number.strip_prefix(['x', 'X']) {
        Some(digits) => hex(digits),
        None => number.parse().ok(),
    }
}

/// A byte; also if its `%` was escaped in turn.
fn percent_escape(text: &str) -> Option<(char, usize)> {
    let rest = text[1..].trim_start_matches("25");
    let skipped = text.len() - rest.len();
    match rest.get(..2).and_then(hex) {
        Some(byte) if byte < 0x80 => Some((character(byte), skipped + 2)),
        Some(_) => Some((REPLACEMENT, skipped + 2)),
        None => (skipped > 1).then_some(('%', skipped)),
    }
}

fn hex(digits: &str) -> Option<u32> {
    let digits = Some(digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

fn character(number: u32) -> char {
    // Half of a pair: with its other half it is none of a secret's letters.
    char::from_u32(number).unwrap_or(REPLACEMENT)
}
