//! Terminal escape sequences (ECMA-48): CSI, OSC, DCS, SOS, PM, APC and the short ones, 7-bit and 8-bit.

/// The length in bytes of the sequence that begins `text`. None if it only looks like the start of one, so that nothing
/// that a person wrote is swallowed: a command string counts only if it ends on its own line.
pub(crate) fn sequence_len(text: &str) -> Option<usize> {
    sequence_end(text.char_indices().map(|(at, c)| (c, at + c.len_utf8())))
}

/// The same for characters that each come with the place where they end, however they are written.
pub(crate) fn sequence_end(mut text: impl Iterator<Item = (char, usize)>) -> Option<usize> {
    let (kind, head) = start(&mut text)?;
    match kind {
        '[' => Some(control_end(text, head)),
        kind if is_string(kind) => string_end(text),
        ' '..='/' => Some(short_end(text, head)),
        '0'..='~' => Some(head),
        _ => None,
    }
}

/// What kind of sequence begins there, as the character behind ESC, and where that ends.
fn start(text: &mut impl Iterator<Item = (char, usize)>) -> Option<(char, usize)> {
    match text.next()? {
        ('\u{1B}', _) => text.next(),
        // U+009B is ESC [, U+009D is ESC ], and so on: 0x40 apart.
        (c1, end) if begins(c1) => Some((char::from_u32(u32::from(c1) - 0x40)?, end)),
        _ => None,
    }
}

const fn is_string(kind: char) -> bool {
    matches!(kind, ']' | 'P' | 'X' | '^' | '_')
}

/// Whether a command string begins there.
pub(crate) fn begins_string(text: impl Iterator<Item = char>) -> bool {
    start(&mut text.map(|c| (c, 0))).is_some_and(|(kind, _)| is_string(kind))
}

/// ESC, and the C1 characters that stand for ESC and a second character.
pub(crate) const fn begins(c: char) -> bool {
    matches!(c, '\u{1B}' | '\u{90}' | '\u{98}' | '\u{9B}' | '\u{9D}'..='\u{9F}')
}

/// Parameters, intermediates and the final byte of a control sequence; a truncated one has no final byte.
fn control_end(text: impl Iterator<Item = (char, usize)>, head: usize) -> usize {
    let mut text = text.peekable();
    let mut end = head;
    for part in ['0'..='?', ' '..='/'] {
        while let Some((_, next)) = text.next_if(|(c, _)| part.contains(c)) {
            end = next;
        }
    }
    text.next_if(|(c, _)| matches!(c, '@'..='~')).map_or(end, |(_, end)| end)
}

/// A command string with its terminator (BEL, ST); none if it does not end on its line.
fn string_end(mut text: impl Iterator<Item = (char, usize)>) -> Option<usize> {
    let (last, end) = text.find(|(c, _)| matches!(c, '\u{07}' | '\u{9C}' | '\n' | '\r') || begins(*c))?;
    match last {
        '\u{07}' | '\u{9C}' => Some(end),
        '\u{1B}' => text.next().and_then(|(c, end)| (c == '\\').then_some(end)),
        _ => None,
    }
}

/// Further intermediates and the final byte of a short sequence such as `ESC ( B`.
fn short_end(text: impl Iterator<Item = (char, usize)>, head: usize) -> usize {
    let mut text = text.peekable();
    let mut end = head;
    while let Some((_, next)) = text.next_if(|(c, _)| matches!(c, ' '..='/')) {
        end = next;
    }
    text.next_if(|(c, _)| matches!(c, '0'..='~')).map_or(end, |(_, end)| end)
}

#[cfg(test)]
mod tests {
    use crate::plain;

    #[test]
    fn whole_sequences_are_taken_out() {
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
            assert_eq!(plain(text), clean, "{text:?}");
        }
    }

    #[test]
    fn nothing_is_swallowed_after_a_start_without_end() {
        assert_eq!(plain("\u{1B}]0;all of\nthis stays"), "\u{FFFD}]0;all of\nthis stays");
        assert_eq!(plain("end\u{1B}"), "end\u{FFFD}");
        assert_eq!(plain("a\u{1B}[31"), "a");
        assert_eq!(plain("\u{1B}\u{1B}[0m[31m"), "\u{FFFD}[31m");
        assert_eq!(plain("\u{1B}é"), "\u{FFFD}é");
    }

    #[test]
    fn lines_stay_and_what_is_gone_can_be_seen() {
        assert_eq!(
            plain("a\r\nb\rc\td\u{0}\u{7F}\u{85}\u{FFFE}"),
            "a\nb\nc\td\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"
        );
    }
}
