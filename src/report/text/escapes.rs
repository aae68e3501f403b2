//! Terminal escape sequences and control characters.

use std::borrow::Cow;

use super::REPLACEMENT;

const ESC: char = '\u{1B}';

/// Takes out terminal escape sequences (ECMA-48: CSI, OSC, DCS, SOS, PM, APC and the short ones; 7-bit and
/// 8-bit). What only looks like the start of one keeps its text behind a U+FFFD, so that nothing that a
/// person wrote is swallowed: a command string counts only if it ends on its own line.
///
/// The result holds no character that could begin a sequence.
pub(super) fn strip_escapes(text: &str) -> Cow<'_, str> {
    if !text.contains(begins_sequence) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(begins_sequence) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let len = sequence_len(rest).unwrap_or_else(|| {
            out.push(REPLACEMENT);
            rest.chars().next().map_or(0, char::len_utf8)
        });
        rest = &rest[len..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Text for a document: escape sequences gone, CR LF and CR as LF, other control characters but tab and LF
/// as U+FFFD.
pub(in crate::report) fn plain(text: &str) -> String {
    strip_escapes(text)
        .replace("\r\n", "\n")
        .chars()
        .map(|c| match c {
            '\r' => '\n',
            '\t' | '\n' => c,
            c if is_control(c) => REPLACEMENT,
            c => c,
        })
        .collect()
}

/// C0, DEL and C1 controls, and the noncharacters, of which XML 1.0 forbids U+FFFE and U+FFFF.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(u32::from(c) & 0xFFFF, 0xFFFE | 0xFFFF)
}

/// ESC, and the C1 characters that stand for ESC and a second character.
fn begins_sequence(c: char) -> bool {
    matches!(c, ESC | '\u{90}' | '\u{98}' | '\u{9B}' | '\u{9D}' | '\u{9E}' | '\u{9F}')
}

/// The length in bytes of the sequence that begins `text`; none if it is no sequence.
fn sequence_len(text: &str) -> Option<usize> {
    let mut chars = text.chars();
    let (kind, head) = match chars.next()? {
        ESC => {
            let second = chars.next()?;
            (second, 1 + second.len_utf8())
        }
        // U+009B is ESC [, U+009D is ESC ], and so on: 0x40 apart.
        c1 => (char::from_u32(u32::from(c1) - 0x40)?, c1.len_utf8()),
    };
    let body = &text[head..];
    match kind {
        '[' => Some(head + control_len(body)),
        ']' | 'P' | 'X' | '^' | '_' => Some(head + string_len(body)?),
        ' '..='/' => Some(head + short_len(body)),
        '0'..='~' => Some(head),
        _ => None,
    }
}

/// Parameters, intermediates and the final byte of a control sequence; a truncated one has no final byte.
fn control_len(body: &str) -> usize {
    let parameters = body.bytes().take_while(|b| matches!(b, 0x30..=0x3F)).count();
    let middle = body[parameters..].bytes().take_while(|b| matches!(b, 0x20..=0x2F)).count();
    let end = parameters + middle;
    end + usize::from(body[end..].bytes().next().is_some_and(|b| matches!(b, 0x40..=0x7E)))
}

/// A command string with its terminator (BEL, ST); none if it does not end on its line.
fn string_len(body: &str) -> Option<usize> {
    let end = body.find(|c| matches!(c, '\u{07}' | '\u{9C}' | '\n' | '\r') || begins_sequence(c))?;
    let rest = &body[end..];
    ["\u{07}", "\u{9C}", "\u{1B}\\"].iter().find(|st| rest.starts_with(**st)).map(|st| end + st.len())
}

/// Further intermediates and the final byte of a short sequence such as `ESC ( B`.
fn short_len(body: &str) -> usize {
    let middle = body.bytes().take_while(|b| matches!(b, 0x20..=0x2F)).count();
    middle + usize::from(body[middle..].bytes().next().is_some_and(|b| matches!(b, 0x30..=0x7E)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn takes_out_whole_sequences() {
        for (text, clean) in [
            ("\u{1B}[31mred\u{1B}[0m", "red"),
            ("\u{1B}[38;5;196;1mbright\u{1B}[m", "bright"),
            ("\u{9B}2Kgone", "gone"),
            ("\u{1B}]0;new title\u{07}text", "text"),
            ("\u{1B}]8;;https://evil.example\u{1B}\\link\u{1B}]8;;\u{1B}\\", "link"),
            ("\u{9D}52;c;cm0gLXJm\u{9C}clip", "clip"),
            ("\u{1B}Pq#0;2\u{1B}\\sixel", "sixel"),
            ("\u{1B}(Bcharset", "charset"),
            ("\u{1B}creset", "reset"),
            ("plain", "plain"),
        ] {
            assert_eq!(strip_escapes(text), clean, "{text:?}");
        }
    }

    #[test]
    fn swallows_nothing_after_a_start_without_end() {
        assert_eq!(strip_escapes("\u{1B}]0;all of\nthis stays"), "\u{FFFD}]0;all of\nthis stays");
        assert_eq!(strip_escapes("end\u{1B}"), "end\u{FFFD}");
        assert_eq!(strip_escapes("a\u{1B}[31"), "a");
        assert_eq!(strip_escapes("\u{1B}\u{1B}[0m[31m"), "\u{FFFD}[31m");
        assert_eq!(strip_escapes("\u{1B}é"), "\u{FFFD}é");
    }

    #[test]
    fn plain_keeps_lines_and_shows_what_it_took() {
        assert_eq!(
            plain("a\r\nb\rc\td\u{0}\u{7F}\u{85}\u{FFFE}"),
            "a\nb\nc\td\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"
        );
    }

    proptest! {
        #[test]
        fn nothing_is_left_to_begin_a_sequence(text in r"(\PC|\x1b|[\[\]P;m0-9\\]|\x07|\u{9b}|\u{9d}|\u{9c}|\n){0,60}") {
            let clean = strip_escapes(&text).into_owned();
            prop_assert!(!clean.contains(begins_sequence));
            prop_assert_eq!(strip_escapes(&clean), clean.as_str());
        }

        #[test]
        fn plain_is_a_fixed_point(text in any::<String>()) {
            let once = plain(&text);
            prop_assert_eq!(plain(&once), once);
        }
    }
}
