//! Where a word, or a part of one, begins: a few letters tell.

use super::Word;
use super::letters::{Characters, Form, Letters};

/// How many letters are looked up at once; a word of fewer is not looked for.
const GRAM: usize = 3;

/// How many letters at the end of what was found are searched again: together with what follows they may be a part of a
/// word as well.
const OVERLAP: usize = 7;

/// The bits of the filter.
const BITS: usize = 1 << 16;

/// All words, read in one form.
#[derive(Clone)]
pub(super) struct Index {
    form: Form,
    words: Vec<Pattern>,
    /// Every place in a word where something may begin that counts, by the letters there; sorted.
    places: Vec<([char; GRAM], Place)>,
}

/// A word's letters, and how many of them count as all.
#[derive(Clone)]
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

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    /// Where it ends in the text, if anything was found.
    pub(super) end: Option<usize>,
    /// From where on something else may begin that is not a part of it.
    pub(super) again: usize,
    /// How many bytes were looked at.
    pub(super) read: usize,
}

impl Pattern {
    fn new(word: &Word, form: Form) -> Self {
        let letters = |text| Letters { characters: Characters { text, at: 0, form }, gap: word.text.len() };
        Self {
            letters: letters(&word.text).map(|(c, _)| c).collect(),
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
                    places.extend(<[char; GRAM]>::try_from(gram).map(|gram| (gram, Place { word, at })));
                }
            }
        }
        places.sort_unstable();
        Self { form, words, places }
    }

    /// The longest word, or part of one that counts, that begins there.
    pub(super) fn search(&self, text: &str, at: usize, gap: usize) -> Found {
        let characters = Characters { text, at, form: self.form };
        let first = characters.clone().next();
        let mut letters = Letters { characters, gap };
        let mut found = Found::default();
        let gram = [letters.next(), letters.next(), letters.next()];
        // What is skipped between letters does not count as a start: it would be skipped again and again.
        if let [Some(a), Some(b), Some(c)] = gram
            && first == gram[0]
        {
            self.follow([a, b, c], &mut letters, &mut found);
        }
        found.read = letters.characters.at - at;
        found
    }

    /// Goes on from a word's first letters, with every place that has them, for as long as it is one of the words.
    fn follow(&self, gram: [(char, usize); GRAM], letters: &mut Letters<'_>, found: &mut Found) {
        let mut ends = gram.map(|(_, end)| end).to_vec();
        let mut places = self.places_of(gram.map(|(c, _)| c));
        let mut longest = 0;
        while !places.is_empty() {
            let count = ends.len();
            if places.iter().any(|place| count >= self.words[place.word].needed(place.at)) {
                longest = count;
            }
            let Some((c, end)) = letters.next() else { break };
            places.retain(|place| self.words[place.word].letters.get(place.at + count) == Some(&c));
            ends.push(end);
        }
        if longest > 0 {
            found.end = Some(ends[longest - 1]);
            found.again = longest.checked_sub(OVERLAP + 1).map_or(0, |last| ends[last]);
        }
    }

    fn places_of(&self, gram: [char; GRAM]) -> Vec<Place> {
        let from = self.places.partition_point(|(known, _)| *known < gram);
        self.places[from..].iter().take_while(|(known, _)| *known == gram).map(|(_, place)| *place).collect()
    }
}

/// Tells of most places in a text that no word begins there, by three bytes of it.
#[derive(Clone)]
pub(super) struct Filter {
    firsts: [bool; 256],
    grams: Box<[u64]>,
}

impl Filter {
    pub(super) fn new(indices: &[Index]) -> Self {
        let mut filter = Self { firsts: [false; 256], grams: vec![0; BITS / 64].into() };
        for (gram, _) in indices.iter().flat_map(|index| &index.places) {
            let byte = |c: char| c.encode_utf8(&mut [0; 4]).as_bytes()[0];
            let [a, b, c] = gram.map(byte);
            filter.firsts[usize::from(a)] = true;
            let bit = bit(a, b, c);
            filter.grams[bit / 64] |= 1 << (bit % 64);
        }
        if filter.firsts.contains(&true) {
            for escape in [b'\\', b'&', b'%'] {
                filter.firsts[usize::from(escape)] = true;
            }
        }
        filter
    }

    /// The next place where a word may begin.
    pub(super) fn next(&self, bytes: &[u8], from: usize) -> Option<usize> {
        (from..bytes.len()).find(|at| self.firsts[usize::from(bytes[*at])] && self.may_begin(bytes, *at))
    }

    fn may_begin(&self, bytes: &[u8], at: usize) -> bool {
        match bytes[at] {
            b'\\' => matches!(bytes.get(at + 1), Some(b'u' | b'x' | b'\\')),
            b'&' | b'%' => true,
            first => {
                let Some((second, at)) = plain(bytes, at + 1) else { return true };
                let Some((third, _)) = plain(bytes, at + 1) else { return true };
                let bit = bit(first, second, third);
                self.grams[bit / 64] & 1 << (bit % 64) != 0
            }
        }
    }
}

/// The next letter and its place, if it is plain how it is read: behind some spaces at most, and no escape begins there.
fn plain(bytes: &[u8], from: usize) -> Option<(u8, usize)> {
    let (at, byte) = bytes.iter().enumerate().skip(from).find(|(_, b)| **b != b' ')?;
    (byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'&' | b'%')).then_some((*byte, at))
}

fn bit(a: u8, b: u8, c: u8) -> usize {
    let hash = u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9E37_79B1) >> 16;
    hash as usize % BITS
}
