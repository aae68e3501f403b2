//! Words that must not be printed, found however they are written.

mod escapes;
mod index;
mod letters;
mod memo;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::iter::once;
use std::ops::Range;

use escapes::ESCAPES;
use index::{Filter, Found, Index};
use letters::{Form, next_sequence, without_sequences};
use memo::Memo;

/// What stands where a secret was.
const MASK: &str = "***";

/// How often a letter may be looked at, for each byte of the text and anyway, for what escape sequences may take along. A text
/// in which that does not suffice, such as one of nothing but first letters and escape sequences, loses its escape sequences.
const LOOKS: usize = 1;
const FREE_LOOKS: usize = 1 << 20;

/// A word that must not be printed, and how much of it counts as all of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Word {
    text: String,
    least: usize,
    known: usize,
}

impl Word {
    /// The word as a whole. One of fewer than three characters is not looked for.
    #[must_use]
    pub fn whole(text: impl Into<String>) -> Self {
        Self { text: text.into(), least: usize::MAX, known: 0 }
    }

    /// Also every part of it, from wherever, that is at least `least` characters long.
    #[must_use]
    pub fn or_part(self, least: usize) -> Self {
        Self { least, ..self }
    }

    /// So many of its first characters are no secret, as all words of its kind begin with them: they do not count.
    #[must_use]
    pub fn known(self, known: usize) -> Self {
        Self { known, ..self }
    }
}

/// Words that must not be printed, made ready for the search.
#[derive(Clone)]
pub struct Secrets {
    words: Vec<Word>,
    written: Index,
    escaped: Index,
    /// Whether no word has an escape in it: a text without one reads the same in both forms.
    is_plain: bool,
    filter: Filter,
}

impl Default for Secrets {
    fn default() -> Self {
        Self::new([])
    }
}

impl Secrets {
    /// All of these.
    #[must_use]
    pub fn new(words: impl IntoIterator<Item = Word>) -> Self {
        let mut all: Vec<Word> = Vec::new();
        for word in words {
            if !all.contains(&word) {
                all.push(word);
            }
        }
        let [written, escaped] = [Form::Written, Form::Escaped].map(|form| Index::new(&all, form));
        let filter = Filter::new(&[&written, &escaped]);
        Self { is_plain: written.has_words_of(&escaped), words: all, written, escaped, filter }
    }

    /// These, and more.
    #[must_use]
    pub fn and(&self, words: impl IntoIterator<Item = Word>) -> Self {
        Self::new(self.words.iter().cloned().chain(words))
    }

    /// The words.
    #[must_use]
    pub fn words(&self) -> &[Word] {
        &self.words
    }

    /// The text with `***` in place of every occurrence of a word, and of every part of one that counts as all of it,
    /// wherever it was cut.
    ///
    /// A word is found with everything between its letters that this crate takes out or puts in (escape sequences,
    /// characters of the table and what stands for them, white space, backslashes) and what cannot be seen, and with letters
    /// as JSON (`\u0041`), XML (`&#65;`), addresses (`%41`) and programs (`\x41`, `\u{41}`) may write them, however
    /// much stands between two letters. JSON stays JSON.
    ///
    /// A text without a word is lent. It takes time in proportion to the text's length: of one with so many escape sequences
    /// that it would not, what begins them becomes U+FFFD.
    #[must_use]
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.mask_within(text, LOOKS * text.len() + FREE_LOOKS)
    }

    fn mask_within<'a>(&self, text: &'a str, most_looks: usize) -> Cow<'a, str> {
        let mut masked = String::new();
        // What is masked next, and what stands before it that is written already.
        let (mut hidden, mut kept) = (0..0, 0);
        let (mut from, mut looks) = (0, 0);
        let (memo, mut ahead) =
            (Memo::of(text), Ahead { text, escape: Next::default(), sequence: Next::default() });
        while let Some(at) = self.filter.next(text.as_bytes(), from) {
            let (found, looked) = self.search(at, &memo, &mut ahead);
            looks += looked;
            from = at + 1;
            if let Some(Found { end, again }) = found {
                from = from.max(again);
                if at > hidden.end || hidden.is_empty() {
                    write_hidden(&mut masked, text, &hidden, &mut kept);
                    hidden = start_of_escape(text, at).max(kept)..end;
                } else {
                    hidden.end = hidden.end.max(end);
                }
            }
            if looks > most_looks {
                write_hidden(&mut masked, text, &hidden, &mut kept);
                let rest = &text[kept..];
                let rest = without_sequences(rest, |at| start_of_escape(rest, at));
                return Cow::Owned(masked + &self.mask(&rest));
            }
        }
        if hidden.is_empty() {
            return Cow::Borrowed(text);
        }
        write_hidden(&mut masked, text, &hidden, &mut kept);
        masked.push_str(&text[kept..]);
        Cow::Owned(masked)
    }

    /// The longest that begins there, and how often a letter was looked at for what escape sequences may take along.
    fn search(&self, at: usize, memo: &Memo, ahead: &mut Ahead<'_>) -> (Option<Found>, usize) {
        let text = ahead.text;
        let (mut longest, mut end) = self.written.search(text, at, memo);
        if !self.is_plain || ahead.has_escapes(at..end) {
            let (found, escaped_end) = self.escaped.search(text, at, memo);
            (longest, end) = (longest.max(found), end.max(escaped_end));
        }
        let mut looks = 0;
        if ahead.has_sequences(at..end) {
            for index in [&self.written, &self.escaped] {
                let (found, looked) = index.search_sequences(text, at, memo);
                longest = longest.max(found);
                looks += looked;
            }
        }
        (longest, looks)
    }
}

/// Where something stands next in a text that is gone through once.
#[derive(Default)]
struct Next {
    /// The last place that was found.
    at: Option<usize>,
    /// Up to where there is none behind that.
    none_to: usize,
}

impl Next {
    /// Whether it stands between two places. `find` finds the first between them.
    fn is_within(&mut self, range: Range<usize>, find: impl Fn(Range<usize>) -> Option<usize>) -> bool {
        let Some(at) = self.at.filter(|at| *at >= range.start) else {
            let from = self.none_to.max(range.start);
            self.at = find(from..range.end.max(from));
            // Behind what was found nobody has looked.
            self.none_to = self.none_to.max(self.at.unwrap_or(range.end));
            return self.at.is_some();
        };
        at < range.end
    }
}

/// What there is in a text beside letters.
struct Ahead<'t> {
    text: &'t str,
    escape: Next,
    sequence: Next,
}

impl Ahead<'_> {
    fn has_escapes(&mut self, range: Range<usize>) -> bool {
        let bytes = self.text.as_bytes();
        let find = |range: Range<usize>| {
            let at = bytes[range.clone()].iter().position(|b| ESCAPES.contains(b))?;
            Some(range.start + at)
        };
        self.escape.is_within(range, find)
    }

    fn has_sequences(&mut self, range: Range<usize>) -> bool {
        let text = self.text;
        self.sequence.is_within(range, |range| next_sequence(text, range))
    }
}

fn write_hidden(masked: &mut String, text: &str, hidden: &Range<usize>, kept: &mut usize) {
    if !hidden.is_empty() {
        masked.push_str(&text[*kept..hidden.start]);
        masked.push_str(MASK);
        *kept = hidden.end;
    }
}

/// Where the escape of JSON begins that `at` is a part of, or else `at`: half an escape is no JSON.
fn start_of_escape(text: &str, at: usize) -> usize {
    let bytes = &text.as_bytes()[..at];
    let digits = bytes.iter().rev().take(3).take_while(|b| b.is_ascii_hexdigit()).count();
    // `\n` is entered at its letter, `\u0041` also at a digit. A backslash that is escaped itself begins nothing.
    let entered = (0..=digits).filter_map(|digits| bytes[..at - digits].strip_suffix(b"u"));
    let begins = |before: &&[u8]| before.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1;
    once(bytes).chain(entered).find(begins).map_or(at, |before| before.len() - 1)
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}
