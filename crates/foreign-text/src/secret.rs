//! Words that must not be printed, found however they are written.

use std::borrow::Cow;

use crate::REPLACEMENT;
use crate::character::between_letters;
use crate::escape::{begins, sequence_end};

/// What stands where a secret was.
const MASK: &str = "***";

/// The most bytes between two letters.
const LONGEST_GAP: usize = 256;

/// The most backslashes of one escape: JSON within JSON, three times.
const MOST_SLASHES: usize = 8;

/// The same in a text in which the search goes over everything again and again, as in one of nothing but first letters and
/// escape sequences: enough for a character or a short sequence.
const SHORT_GAP: usize = 4;

/// The text with `***` in place of every occurrence of the secret, and of every beginning of it that is at least `shortest`
/// characters long: a text that was cut ends with one.
///
/// A secret is found with everything between its letters that this crate takes out or puts in (escape sequences, characters
/// of the table and what stands for them, white space, backslashes) and what cannot be seen, and with letters as JSON
/// (`\u0041`), XML (`&#65;`) and addresses (`%41`) may write them, up to 256 bytes between two letters. JSON stays JSON.
///
/// A text without the secret is lent. It takes time in proportion to the text's length.
#[must_use]
pub fn mask<'a>(text: &'a str, secret: &str, shortest: usize) -> Cow<'a, str> {
    let words = [Form::Written, Form::Escaped].map(|form| Word::new(secret, form, shortest));
    let [Some(written), Some(escaped)] = words else { return Cow::Borrowed(text) };
    let mut masked = String::new();
    let (mut kept, mut from, mut read) = (0, 0, 0);
    while let Some(at) = next_start(text.as_bytes(), from, &written, &escaped) {
        let gap = if read > 4 * at + LONGEST_GAP { SHORT_GAP } else { LONGEST_GAP };
        let found = [&written, &escaped].map(|word| word.search(&text[at..], gap));
        read += found.iter().map(|found| found.read).sum::<usize>();
        from = at + 1;
        if let Some(len) = found.iter().filter_map(|found| found.len).max() {
            let start = start_of_escape(text, at).max(kept);
            masked.push_str(&text[kept..start]);
            masked.push_str(MASK);
            from = at + len;
            kept = from;
        }
    }
    if kept == 0 { Cow::Borrowed(text) } else { Cow::Owned(masked + &text[kept..]) }
}

/// What is looked for, in one form.
struct Word<'a> {
    letters: Letters<'a>,
    first: char,
    second: Option<char>,
    /// How many letters must be found.
    least: usize,
}

/// What was found at the start of a text.
#[derive(Default)]
struct Found {
    /// How many bytes are the word, or a beginning of it that is long enough.
    len: Option<usize>,
    /// How many bytes were looked at.
    read: usize,
}

impl<'a> Word<'a> {
    fn new(secret: &'a str, form: Form, shortest: usize) -> Option<Self> {
        let letters = Letters { characters: Characters { text: secret, at: 0, form }, gap: secret.len() };
        let mut each = letters.clone();
        let (first, _) = each.next()?;
        let second = each.next().map(|(c, _)| c);
        Some(Self { first, second, least: shortest.min(letters.clone().count()), letters })
    }

    fn search(&self, text: &str, gap: usize) -> Found {
        let characters = Characters { text, at: 0, form: self.letters.characters.form };
        // What is skipped between letters does not count as a start: it would be skipped again and again.
        if characters.clone().next().is_none_or(|(c, _)| c != self.first) {
            return Found::default();
        }
        let mut letters = Letters { characters, gap };
        let (mut count, mut end) = (0, 0);
        for ((wanted, _), (c, next)) in self.letters.clone().zip(letters.by_ref()) {
            if c != wanted {
                break;
            }
            (count, end) = (count + 1, next);
        }
        Found { len: (count >= self.least).then_some(end), read: letters.characters.at }
    }
}

/// How a text is read.
#[derive(Clone, Copy)]
enum Form {
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

/// Characters, each with the place where it ends.
#[derive(Clone)]
struct Characters<'a> {
    text: &'a str,
    at: usize,
    form: Form,
}

impl Iterator for Characters<'_> {
    type Item = (char, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let (c, len) = self.form.character(&self.text[self.at..])?;
        self.at += len;
        Some((c, self.at))
    }
}

/// Characters without what may stand between letters; ends where more of it stands there than in a gap.
#[derive(Clone)]
struct Letters<'a> {
    characters: Characters<'a>,
    gap: usize,
}

impl Iterator for Letters<'_> {
    type Item = (char, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let limit = self.characters.at + self.gap;
        while self.characters.at <= limit {
            let here = self.characters.clone();
            let (c, end) = self.characters.next()?;
            if begins(c)
                && let Some(end) = sequence_end(here.take(self.gap))
            {
                self.characters.at = end;
            } else if !between_letters(c) {
                return Some((c, end));
            }
        }
        None
    }
}

/// Also one that was escaped in turn, as a text that is JSON is within JSON, and `\x41` of programs.
fn json_escape(text: &str) -> Option<(char, usize)> {
    let slashes = text.bytes().take(MOST_SLASHES).take_while(|b| *b == b'\\').count();
    let digits = |count: usize| hex(text.get(slashes + 1..slashes + 1 + count)?);
    let number = match text.as_bytes().get(slashes) {
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

fn reference(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(12).position(|b| b == b';')?;
    let c = match &text[1..end] {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        number => {
            let number = number.strip_prefix('#')?;
            character(match number.strip_prefix(['x', 'X']) {
                Some(digits) => hex(digits)?,
                None => number.parse().ok()?,
            })
        }
    };
    Some((c, end + 1))
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

/// Where the escape of JSON begins that `at` is a part of, or else `at`: half an escape is no JSON.
fn start_of_escape(text: &str, at: usize) -> usize {
    let bytes = &text.as_bytes()[..at];
    let digits = bytes.iter().rev().take(3).take_while(|b| b.is_ascii_hexdigit()).count();
    // `\n` is entered at its letter, `\u0041` also at a digit. A backslash that is escaped itself begins nothing.
    let entered = (0..=digits).filter_map(|digits| bytes[..at - digits].strip_suffix(b"u"));
    let begins = |before: &&[u8]| before.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1;
    std::iter::once(bytes).chain(entered).find(begins).map_or(at, |before| before.len() - 1)
}

/// The next place where one of the words may start. Most places are passed over at their first or second byte, in a way
/// that compilers make fast.
fn next_start(bytes: &[u8], from: usize, written: &Word<'_>, escaped: &Word<'_>) -> Option<usize> {
    let byte = |c: char| c.encode_utf8(&mut [0; 4]).as_bytes()[0];
    let firsts = [written.first, escaped.first].map(byte);
    let seconds = [written.second, escaped.second].map(|c| c.map(byte));
    let may_start = |b: &u8| firsts.contains(b) | matches!(b, b'\\' | b'&' | b'%');
    let may_be_second =
        |b: &u8| !b.is_ascii_graphic() || matches!(b, b'\\' | b'&' | b'%') || seconds.contains(&Some(*b));
    let starts = |at: usize| match bytes[at] {
        b'\\' if !firsts.contains(&b'\\') => {
            bytes.get(at + 1).is_some_and(|next| matches!(next, b'u' | b'x' | b'\\') || firsts.contains(next))
        }
        b'\\' | b'&' | b'%' => true,
        b => firsts.contains(&b) && bytes.get(at + 1).is_none_or(may_be_second),
    };
    let mut at = from;
    for chunk in bytes.get(from..)?.chunks(32) {
        if chunk.iter().fold(false, |found, b| found | may_start(b))
            && let Some(inside) = (at..at + chunk.len()).find(|at| starts(*at))
        {
            return Some(inside);
        }
        at += chunk.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const KEY: &str = "AIzaSy-0123_4567nuxyz";

    fn masked(text: &str) -> Cow<'_, str> {
        mask(text, KEY, 8)
    }

    #[rstest]
    #[case("a AIzaSy-0123_4567nuxyz b AIzaSy-0123_4567nuxyz", "a *** b ***")]
    #[case("cut: AIzaSy-0…", "cut: ***…")]
    #[case("AIzaSy-", "AIzaSy-")]
    #[case("AIza\u{1B}[31mSy-0123_4567nuxyz", "***")]
    #[case("AIza\u{1B}]0;title\u{1B}\\Sy-0123_4567nuxyz", "***")]
    #[case("AIza\u{FFFD}Sy-\u{2426}0123\u{200B}_45\u{202E}67nuxyz", "***")]
    #[case("AIzaSy\\-0123\\_4567nuxyz", "***")]
    #[case("AIza\n  Sy-0123_4567nuxyz.", "***.")]
    #[case(r#""AIza\u001b[31mSy\u002d0123_4567\nnuxyz""#, r#""***""#)]
    #[case(r#""AIza\u001b]0;t\u0007Sy-0123_4567nuxyz""#, r#""***""#)]
    #[case(r#""AIza\u001b]0;t\u001b\\Sy-0123_4567nuxyz""#, r#""***""#)]
    #[case("&#65;I&#x7a;aSy-0123&#95;4567nuxyz", "***")]
    #[case("%41IzaSy%2D0123%255F4567nuxyz&x", "***&x")]
    #[case("%E2%80%8BA%E2%80%8BIzaSy-0123_4567nuxyz", "%E2%80%8B***")]
    #[case("AAIzaSy-0123_4567nuxyz", "A***")]
    #[case(r#"{"a":"\\u0041\\u0049zaSy-0123\\u005f4567nuxyz"}"#, r#"{"a":"***"}"#)]
    #[case(r#""\\\\u0041IzaSy-0123\\\\u005f4567nuxyz""#, r#""***""#)]
    #[case(r"\x41\x49zaSy-0123\x5F4567nuxyz.", "***.")]
    #[case(r#""\\x41\\x49zaSy-0123\\x5F4567nuxyz""#, r#""***""#)]
    fn a_secret_is_found(#[case] text: &str, #[case] left: &str) {
        assert_eq!(masked(text), left);
    }

    #[test]
    fn what_is_read_as_an_escape_is_also_read_as_it_is() {
        for secret in [r"p%41ss\word", "&amp;secret", "a%25b%2541c", "nuxyznuxyz"] {
            assert_eq!(mask(&format!("<{secret}>"), secret, usize::MAX), "<***>", "{secret}");
            let json = serde_json::to_string(&format!("\n{secret}\n")).unwrap();
            assert_eq!(mask(&json, secret, usize::MAX), r#""\n***\n""#, "{secret}");
        }
    }

    #[test]
    fn json_stays_json() {
        for (json, left) in [
            (r#""\uabcdef1234""#, r#""***""#),
            (r#""\\abcdef1234""#, r#""\\***""#),
            (r#""x\\\\uabcdef1234""#, r#""x\\\\u***""#),
        ] {
            let masked = mask(json, "abcdef1234", 8);
            assert!(serde_json::from_str::<String>(&masked).is_ok(), "{masked}");
            assert_eq!(masked, left);
        }
        assert_eq!(mask(r#""\nbcdefgh""#, "nbcdefgh", 8), r#""***""#);
    }

    #[test]
    fn other_text_is_lent() {
        for text in [
            "",
            "a kind key",
            "AIzaSx-0123",
            "\\u004",
            "&#65",
            "%4",
            "%",
            "\\",
            "&;&#;&#x;%zz\\u00zzä%ä&ä\\ä",
        ] {
            assert!(matches!(masked(text), Cow::Borrowed(_)), "{text}");
        }
        assert!(matches!(mask("anything", "", 8), Cow::Borrowed(_)));
    }

    #[test]
    fn it_takes_time_in_proportion() {
        for piece in ["A\\", "A\u{1B}]", "AI ", "\\", "%25", "AIzaSy\u{200B}", "A\u{1B}[", "&", "\\u00"] {
            let text = piece.repeat(50_000 / piece.len());
            let began = std::time::Instant::now();
            assert_eq!(masked(&text), text);
            // Its square would be many.
            assert!(began.elapsed().as_secs() < 20, "{piece:?}: {:?}", began.elapsed());
        }
    }

    /// Ways to write a character that leave it the same for whoever reads what was written.
    fn written(c: char, way: u8) -> String {
        match way {
            0 => format!("\\u{:04x}", u32::from(c)),
            1 => format!("&#{};", u32::from(c)),
            2 => format!("&#x{:X};", u32::from(c)),
            3 => format!("%{:02X}", u32::from(c)),
            4 if c.is_ascii_punctuation() => format!("\\{c}"),
            5 => format!("\\\\u{:04x}", u32::from(c)),
            6 => format!("\\x{:02X}", u32::from(c)),
            _ => c.to_string(),
        }
    }

    const BETWEEN: [&str; 12] = [
        "\u{1B}[31m",
        "\u{9B}0m",
        "\u{1B}]0;t\u{7}",
        "\\u001b[1;2m",
        "\u{0}",
        "\\u0000",
        "\u{200B}",
        "\u{202E}",
        "\\u2028",
        "\r\n",
        "\\n",
        "\u{FFFD}",
    ];

    proptest! {
        #[test]
        fn a_key_is_found_however_it_is_written(
            ways in prop::collection::vec((0u8..12, 0usize..40), KEY.len()),
            cut in 8..=KEY.len(),
            before in "[a-z \\\\%&]{0,8}",
        ) {
            let mut text = before.clone();
            for (c, (way, between)) in KEY.chars().zip(ways).take(cut) {
                text += BETWEEN.get(between).copied().unwrap_or("");
                text += &written(c, way);
            }
            text += "…";
            let left = masked(&text).into_owned();
            prop_assert!(left.ends_with("***…") || left.contains("***") && left.len() < before.len() + 30, "{text:?} → {left:?}");
            // Nothing of it is left, and doing it again changes nothing.
            prop_assert_eq!(masked(&left).into_owned(), left.clone());
        }

        #[test]
        fn json_is_json_before_and_after(text in "(\\PC|AIzaSy-0123_4567nuxyz|[\\\\\n\u{1B}\"u0-9n]){0,40}", secret in "[\\\\u0-9a-fn]{8}") {
            let json = serde_json::to_string(&text).unwrap();
            for secret in [KEY, &secret] {
                let masked = mask(&json, secret, 8);
                prop_assert!(serde_json::from_str::<String>(&masked).is_ok(), "{json} → {masked}");
            }
        }
    }
}
