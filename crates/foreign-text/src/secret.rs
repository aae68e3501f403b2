//! Words that must not be printed, found however they are written.

use std::borrow::Cow;

use crate::REPLACEMENT;
use crate::character::between_letters;
use crate::escape::{begins, sequence_end};

/// What stands where a secret was.
const MASK: &str = "***";

/// The most bytes between two letters. Without a limit, a text of nothing but first letters and escape sequences would be
/// read from each of its letters to its end.
const LONGEST_GAP: usize = 256;

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
    let starts = [written.starts_with(), escaped.starts_with(), b'\\', b'&', b'%'];
    let mut masked = String::new();
    let (mut kept, mut from) = (0, 0);
    while let Some(at) = find_byte(text.as_bytes(), from, starts) {
        from = at + 1;
        if let Some(len) = written.len_in(&text[at..]).max(escaped.len_in(&text[at..])) {
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
    letters: Characters<'a>,
    first: char,
    /// How many letters must be found.
    least: usize,
}

impl<'a> Word<'a> {
    fn new(secret: &'a str, form: Form, shortest: usize) -> Option<Self> {
        let letters = Characters { text: secret, at: 0, form };
        let (first, _) = letters.clone().letters().next()?;
        Some(Self { first, least: shortest.min(letters.clone().letters().count()), letters })
    }

    /// The first byte of the text where the word is written as it is.
    fn starts_with(&self) -> u8 {
        self.first.encode_utf8(&mut [0; 4]).as_bytes()[0]
    }

    /// How many bytes at the start of the text are the word, or a beginning that is long enough.
    fn len_in(&self, text: &str) -> Option<usize> {
        let text = Characters { text, at: 0, form: self.letters.form };
        // What is skipped between letters does not count as a start: it would be skipped again and again.
        if text.clone().next()?.0 != self.first {
            return None;
        }
        let (mut count, mut end) = (0, 0);
        for ((c, next), (wanted, _)) in text.letters().zip(self.letters.clone().letters()) {
            if c != wanted {
                break;
            }
            (count, end) = (count + 1, next);
        }
        (count >= self.least).then_some(end)
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

impl Characters<'_> {
    /// Without what may stand between letters.
    fn letters(mut self) -> impl Iterator<Item = (char, usize)> {
        std::iter::from_fn(move || {
            let limit = self.at + LONGEST_GAP;
            while self.at <= limit {
                let here = self.clone();
                let (c, end) = self.next()?;
                if begins(c)
                    && let Some(end) = sequence_end(here.take(LONGEST_GAP))
                {
                    self.at = end;
                } else if !between_letters(c) {
                    return Some((c, end));
                }
            }
            None
        })
    }
}

fn json_escape(text: &str) -> Option<(char, usize)> {
    match text.as_bytes().get(1)? {
        b'u' => Some((character(hex(text.get(2..6)?)?), 6)),
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

/// The next of these bytes, looked for in a way that compilers make fast.
fn find_byte(bytes: &[u8], from: usize, wanted: [u8; 5]) -> Option<usize> {
    let is_wanted = |b: &u8| wanted.iter().fold(false, |found, wanted| found | (wanted == b));
    let mut at = from;
    for chunk in bytes.get(from..)?.chunks(32) {
        if chunk.iter().fold(false, |found, b| found | is_wanted(b)) {
            return chunk.iter().position(is_wanted).map(|inside| at + inside);
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
