//! Text as letters: what stands between them skipped, escapes read.

use std::ops::Range;

use super::escapes::{ESCAPES, LAYERS, decoded};
use super::memo::{Memo, Run};
use crate::REPLACEMENT;
use crate::character::between_letters;
use crate::escape::{begins, begins_string};

/// How a text is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is.
    Written,
    /// With the escapes of JSON, XML and addresses for what they stand for.
    Escaped,
}

impl Form {
    /// The character that begins there in the text, and where it ends.
    fn character(self, text: &str, at: usize) -> Option<(char, usize)> {
        let layers = if self == Self::Escaped { LAYERS } else { 0 };
        decoded(text, at, layers)
    }
}

/// The first place in the range where an escape sequence may begin, as it is or escaped.
pub(super) fn next_sequence(text: &str, mut range: Range<usize>) -> Option<usize> {
    let may_begin = |b: &u8| matches!(b, 0x1B | 0xC2) || ESCAPES.contains(b);
    loop {
        let at = range.start + text.as_bytes().get(range.clone())?.iter().position(may_begin)?;
        if text.is_char_boundary(at) && Form::Escaped.character(text, at).is_some_and(|(c, _)| begins(c)) {
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
        let (c, end) = self.form.character(self.text, self.at)?;
        self.at = end;
        Some((c, end))
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

/// The text with U+FFFD for all that begins an escape sequence: nobody takes anything of it along, and its letters are what
/// is seen of them. `start` says where the escape begins that a place is a part of.
pub(super) fn without_sequences(text: &str, start: impl Fn(usize) -> usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(at) = next_sequence(text, from..text.len()) {
        out.push_str(&text[from..start(at).max(from)]);
        out.push(REPLACEMENT);
        from = Form::Escaped.character(text, at).map_or(text.len(), |(_, end)| end);
    }
    out + &text[from..]
}
