//! Text as letters: what stands between them skipped, escapes read.

use std::ops::Range;

use super::index::ESCAPES;
use super::memo::{Memo, Run};
use crate::REPLACEMENT;
use crate::character::between_letters;
use crate::escape::{begins, begins_string};

/// The most backslashes of one escape: JSON within JSON, three times.
const MOST_SLASHES: usize = 8;

/// The most digits of `\u{41}`.
const MOST_DIGITS: usize = 6;

/// How a text is read.
#[derive(Clone, Copy, PartialEq, Eq)]
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

/// The first place in the range where an escape sequence may begin, as it is or escaped.
pub(super) fn next_sequence(text: &str, mut range: Range<usize>) -> Option<usize> {
    let may_begin = |b: &u8| matches!(b, 0x1B | 0xC2) || ESCAPES.contains(b);
    loop {
        let at = range.start + text.as_bytes().get(range.clone())?.iter().position(may_begin)?;
        if Form::Escaped.character(&text[at..]).is_some_and(|(c, _)| begins(c)) {
            return Some(at);
        }
        range.start = at + 1;
    }
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
    /// The same, less what was left out at once.
    pub(super) place: usize,
    /// Where the text goes on for whoever takes this for a part of an escape sequence.
    pub(super) or_from: Option<usize>,
}

/// Characters without what may stand between letters.
pub(super) struct Letters<'a> {
    characters: Characters<'a>,
    memo: &'a Memo,
    /// What stands in escape sequences of so many bytes may be letters as well: one who takes out ESC alone, or a sequence
    /// without the letter that it has taken along, is left with them.
    reads_sequences: Option<usize>,
    /// Where the sequence ends that is read.
    sequence: usize,
    /// Whether that is a command string, whose words are taken out together, and none of them is read yet.
    is_string: bool,
    is_new: bool,
    /// How many bytes were left out at once.
    left_out: usize,
}

impl<'a> Letters<'a> {
    pub(super) fn new(characters: Characters<'a>, memo: &'a Memo, reads_sequences: Option<usize>) -> Self {
        let (sequence, is_string, is_new, left_out) = (0, false, false, 0);
        Self { characters, memo, reads_sequences, sequence, is_string, is_new, left_out }
    }

    /// Where they are.
    pub(super) fn at(&self) -> usize {
        self.characters.at
    }

    /// The same, less what was left out at once.
    pub(super) fn place(&self) -> usize {
        self.characters.at - self.left_out
    }

    /// Whether a sequence begins there; then it is left out, or read from its second character on.
    fn begins_sequence(&mut self, here: &Characters<'a>) -> bool {
        let Some(end) = self.memo.sequence_end(here) else { return false };
        if self.reads_sequences.is_some_and(|longest| end - here.at <= longest) {
            (self.sequence, self.is_new) = (end, true);
            self.is_string = begins_string(here.clone().map(|(c, _)| c));
        } else {
            self.characters.at = end;
        }
        true
    }

    /// What begins here and is no letter.
    fn run(&self) -> Run<'a> {
        Run::new(self.memo, &self.characters, self.reads_sequences.is_some(), self.left_out)
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
        let mut run = self.run();
        loop {
            let here = self.characters.clone();
            let Some((c, end)) = self.characters.next() else {
                run.end(here.at);
                return None;
            };
            let is_within = end <= self.sequence;
            if !is_within && begins(c) && self.begins_sequence(&here) {
                if end <= self.sequence {
                    self.left_out = run.end(here.at);
                    run = self.run();
                    continue;
                }
            } else if !between_letters(c) {
                self.left_out = run.end(here.at);
                return Some(Letter { c, end, place: end - self.left_out, or_from: self.or_from(end) });
            }
            if !is_within && let Some(end) = run.step(self.characters.at) {
                self.characters.at = end;
            }
        }
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
