//! Where a word, or a part of one, begins: a few letters tell.

use super::Word;
use super::escapes::ESCAPES;
use super::letters::{Characters, Form, Letter, Letters};
use super::memo::Memo;
use crate::character::between_letters;

/// How many letters are looked up at once; a word of fewer is not looked for.
const GRAM: usize = 3;

/// How many letters at the end of what was found are searched again: together with what follows they may be a part of a
/// word as well.
const OVERLAP: usize = 7;

/// The longest escape sequence, in bytes, whose characters may be letters; all of a longer one stands between two.
const LONGEST_GAP: usize = 256;

/// The most bytes of a letter: an escape that is escaped three times.
const LONGEST_LETTER: usize = 16;

/// As many as there are values of two bytes.
const BITS: usize = 1 << 16;

/// All words, read in one form.
#[derive(Clone)]
pub(super) struct Index {
    form: Form,
    words: Vec<Pattern>,
    /// Every place in a word where something may begin that counts, by the letters there; sorted.
    places: Vec<(u64, Place)>,
}

/// A word's letters, and how many of them count as all.
#[derive(Clone, PartialEq, Eq)]
struct Pattern {
    letters: Vec<char>,
    least: usize,
    known: usize,
}

/// A place in a word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    word: usize,
    at: usize,
}

/// A part of a word, as it may have been read so far.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Reading {
    word: usize,
    /// The letter that it waits for.
    next: usize,
    /// From where on in the text.
    from: usize,
    /// The letter that it begins with.
    at: usize,
    /// Where the last letter ends in the text, and that less what was left out at once.
    end: usize,
    place: usize,
}

/// What was found.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    /// Where it ends in the text.
    pub(super) end: usize,
    /// From where on something else may begin that is not a part of it.
    pub(super) again: usize,
}

impl Pattern {
    fn new(word: &Word, form: Form) -> Self {
        let memo = Memo::default();
        let letters = |text| Letters::new(Characters { text, at: 0, form }, &memo, None);
        Self {
            letters: letters(&word.text).map(|letter| letter.c).collect(),
            least: word.least,
            known: letters(word.text.get(..word.known).unwrap_or(&word.text)).count(),
        }
    }

    /// How many letters from there on count as the word.
    fn needed(&self, at: usize) -> usize {
        self.least.min(self.letters.len() - self.known).saturating_add(self.known.saturating_sub(at))
    }
}

impl Index {
    pub(super) fn new(words: &[Word], form: Form) -> Self {
        let words: Vec<_> = words.iter().map(|word| Pattern::new(word, form)).collect();
        let mut places = Vec::new();
        for (word, pattern) in words.iter().enumerate() {
            for (at, gram) in pattern.letters.windows(GRAM).enumerate() {
                if at + pattern.needed(at) <= pattern.letters.len() {
                    places.extend(
                        <[char; GRAM]>::try_from(gram).map(|gram| (packed(gram), Place { word, at })),
                    );
                }
            }
        }
        places.sort_unstable();
        Self { form, words, places }
    }

    /// Whether the words read in another form are the same.
    pub(super) fn has_words_of(&self, other: &Self) -> bool {
        self.words == other.words
    }

    /// The longest word, or part of one that counts, that begins there, and where the search ended.
    pub(super) fn search(&self, text: &str, at: usize, memo: &Memo) -> (Option<Found>, usize) {
        let characters = Characters { text, at, form: self.form };
        // What is skipped between letters does not count as a start: it would be skipped again and again.
        match characters.clone().next() {
            Some((c, _)) if !between_letters(c) => {}
            other => return (None, other.map_or(at, |(_, end)| end)),
        }
        let mut letters = Letters::new(characters, memo, None);
        let mut next = || letters.next().map(|letter| (letter.c, letter.end));
        let found = match [next(), next(), next()] {
            [Some(a), Some(b), Some(c)] => self.follow([a, b, c], &mut letters),
            _ => None,
        };
        (found, letters.at())
    }

    /// Goes on from a word's first letters, with every place that has them, for as long as it is one of the words.
    fn follow(&self, gram: [(char, usize); GRAM], letters: &mut Letters<'_>) -> Option<Found> {
        let mut places = self.places_of(gram.map(|(c, _)| c));
        if places.is_empty() {
            return None;
        }
        let mut ends = gram.map(|(_, end)| end).to_vec();
        let mut longest = None;
        while !places.is_empty() {
            let count = ends.len();
            if places.iter().any(|place| count >= self.words[place.word].needed(place.at)) {
                longest = Some(count - 1);
            }
            let Some(Letter { c, end, .. }) = letters.next() else { break };
            places.retain(|place| self.words[place.word].letters.get(place.at + count) == Some(&c));
            ends.push(end);
        }
        let last = longest?;
        let again = last.checked_sub(OVERLAP).map_or(0, |before| ends[before]);
        Some(Found { end: ends[last], again })
    }

    /// The same, whichever characters of the escape sequences in it are letters of the word: each of them may be one or
    /// none, but those of a command string all or none. Also how often a letter was looked at.
    pub(super) fn search_sequences(&self, text: &str, at: usize, memo: &Memo) -> (Option<Found>, usize) {
        let characters = Characters { text, at, form: self.form };
        if characters.clone().next().is_none_or(|(c, _)| between_letters(c)) {
            return (None, 0);
        }
        let mut letters = Letters::new(characters, memo, Some(LONGEST_GAP));
        let (mut longest, mut looks) = (None, 0);
        let mut readings = letters.next().map_or_else(Vec::new, |first| self.readings_from(&first));
        while !readings.is_empty() {
            let Some(letter) = letters.next() else { break };
            looks += readings.len();
            readings = readings.iter().flat_map(|reading| self.readings_with(reading, &letter)).collect();
            readings.sort_unstable();
            // Of those that wait for the same letter, the one with the most letters.
            readings.dedup_by_key(|reading| (reading.word, reading.next, reading.from));
            if readings.iter().any(|reading| reading.end == letter.end && self.counts(reading)) {
                longest = Some(Found { end: letter.end, again: 0 });
            }
        }
        (longest, looks)
    }

    fn readings_from(&self, first: &Letter) -> Vec<Reading> {
        let from = self.places.partition_point(|(gram, _)| *gram < packed([first.c, '\0', '\0']));
        let places = self.places[from..].iter().map(|(_, place)| *place);
        places
            .take_while(|place| self.words[place.word].letters[place.at] == first.c)
            .map(|Place { word, at }| Reading {
                word,
                next: at + 1,
                from: 0,
                at,
                end: first.end,
                place: first.place,
            })
            .collect()
    }

    /// What becomes of a reading by one more letter: it has that, or passes over it, or both may be.
    fn readings_with(&self, reading: &Reading, letter: &Letter) -> impl Iterator<Item = Reading> + use<> {
        let is_passed = letter.end <= reading.from;
        // A gap, a sequence that begins within it, and the letter.
        let is_near = letter.place <= reading.place + 2 * LONGEST_GAP + LONGEST_LETTER;
        let fits = self.words[reading.word].letters.get(reading.next) == Some(&letter.c);
        let with = Reading { next: reading.next + 1, end: letter.end, place: letter.place, ..*reading };
        let without = Reading { from: letter.or_from.unwrap_or(reading.from), ..*reading };
        let with = (fits && !is_passed).then_some(with);
        let without = if is_passed { Some(*reading) } else { letter.or_from.map(|_| without) };
        with.into_iter().chain(without).filter(move |_| is_near)
    }

    fn counts(&self, reading: &Reading) -> bool {
        reading.next - reading.at >= self.words[reading.word].needed(reading.at)
    }

    fn grams(&self) -> impl Iterator<Item = [char; GRAM]> {
        self.places.iter().map(|(_, place)| {
            let letters = &self.words[place.word].letters[place.at..];
            std::array::from_fn(|at| letters[at])
        })
    }

    fn places_of(&self, gram: [char; GRAM]) -> Vec<Place> {
        let gram = packed(gram);
        let from = self.places.partition_point(|(known, _)| *known < gram);
        self.places[from..].iter().take_while(|(known, _)| *known == gram).map(|(_, place)| *place).collect()
    }
}

/// Letters as a number: a character takes 21 bits.
fn packed(gram: [char; GRAM]) -> u64 {
    gram.iter().fold(0, |packed, c| packed << 21 | u64::from(*c))
}

/// Tells of most places in a text that no word begins there, by two and by three bytes of it.
#[derive(Clone)]
pub(super) struct Filter {
    pairs: Bits,
    grams: Bits,
}

#[derive(Clone)]
struct Bits(Box<[u64]>);

impl Bits {
    fn has(&self, bit: u16) -> bool {
        self.0[usize::from(bit / 64)] & 1 << (bit % 64) != 0
    }

    fn set(&mut self, bit: u16) {
        self.0[usize::from(bit / 64)] |= 1 << (bit % 64);
    }
}

impl Filter {
    pub(super) fn new(indices: &[&Index]) -> Self {
        let none = Bits(vec![0; BITS / 64].into());
        let mut filter = Self { pairs: none.clone(), grams: none };
        for gram in indices.iter().flat_map(|index| index.grams()) {
            let [a, b, c] = gram.map(|c| c.encode_utf8(&mut [0; 4]).as_bytes()[0]);
            filter.grams.set(three(a, b, c));
            filter.pairs.set(u16::from_le_bytes([a, b]));
            for next in (0..=u8::MAX).filter(|next| !is_plain(*next)) {
                filter.pairs.set(u16::from_le_bytes([a, next]));
            }
        }
        if indices.iter().any(|index| !index.places.is_empty()) {
            for next in 0..=u8::MAX {
                filter.pairs.set(u16::from_le_bytes([b'&', next]));
                filter.pairs.set(u16::from_le_bytes([b'%', next]));
            }
            for next in [b'u', b'x', b'\\', b'&', b'%'] {
                filter.pairs.set(u16::from_le_bytes([b'\\', next]));
            }
        }
        filter
    }

    /// The next place where a word may begin.
    pub(super) fn next(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let pairs = bytes.get(from..)?.windows(2).enumerate();
        let likely = pairs.filter(|(_, pair)| self.pairs.has(u16::from_le_bytes([pair[0], pair[1]])));
        likely.map(|(at, _)| from + at).find(|at| self.may_begin(bytes, *at))
    }

    fn may_begin(&self, bytes: &[u8], at: usize) -> bool {
        if ESCAPES.contains(&bytes[at]) {
            return true;
        }
        let Some(second) = letter(bytes, at + 1) else { return true };
        let Some(third) = letter(bytes, second + 1) else { return true };
        self.grams.has(three(bytes[at], bytes[second], bytes[third]))
    }
}

/// Where the next letter is, if it is plain how it is read: behind some spaces at most, and no escape begins there.
fn letter(bytes: &[u8], mut at: usize) -> Option<usize> {
    while *bytes.get(at)? == b' ' {
        at += 1;
    }
    is_plain(bytes[at]).then_some(at)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !ESCAPES.contains(&byte)
}

fn three(a: u8, b: u8, c: u8) -> u16 {
    let [.., low, high] = u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9E37_79B1).to_le_bytes();
    u16::from_le_bytes([low, high])
}
