//! Lengths. Limits in bytes are of UTF-8, and every cut falls between characters.

use std::borrow::Cow;

/// All of the text on one line of at most `limit` bytes: white space becomes single spaces, an end that was cut off
/// becomes `…`.
#[must_use]
pub fn one_line<'a>(text: impl Into<Cow<'a, str>>, limit: usize) -> Cow<'a, str> {
    let text = text.into();
    let words = |word: &str| !word.is_empty() && !word.contains(char::is_whitespace);
    if text.len() <= limit && text.split(' ').all(words) {
        return text;
    }
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > limit {
            break;
        }
    }
    if line.len() > limit {
        line.truncate(floor(&line, limit.saturating_sub('…'.len_utf8())));
        line.push('…');
    }
    Cow::Owned(line)
}

/// The first line that says anything: of a compiler's drawings in one line nobody would make sense.
#[must_use]
pub fn first_line(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default()
}

/// The text in at most `limit` bytes (at least 128): its head and its tail with a line between them that
/// says how much was left out. The head gets a third: what went wrong stands at the end more often.
#[must_use]
pub fn cut<'a>(text: impl Into<Cow<'a, str>>, limit: usize) -> Cow<'a, str> {
    let text = text.into();
    if text.len() <= limit {
        return text;
    }
    let room = limit.saturating_sub(GAP);
    let head = &text[..floor(&text, room / 3)];
    let tail = &text[ceil(&text, text.len() - (room - room / 3))..];
    // Words from the middle of a line begin one now: none of them may become a workflow command.
    let tail = tail.trim_start_matches(|c: char| c == ':' || c.is_whitespace());
    let left_out = text.len() - head.len() - tail.len();
    Cow::Owned(format!("{head}\n\n[… {left_out} bytes left out …]\n\n{tail}"))
}

/// The last boundary of characters that is not behind this place; the standard library's own is younger than the oldest
/// compiler that this crate is for.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// The first one that is not before it.
fn ceil(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// Room for the line between head and tail, its number included.
const GAP: usize = 64;

/// The text in at most this many characters, with `…` in its middle if something was cut out there. Wide characters count as one.
#[must_use]
pub fn clip_middle<'a>(text: impl Into<Cow<'a, str>>, chars: usize) -> Cow<'a, str> {
    let text = text.into();
    let length = text.chars().count();
    let Some(kept) = chars.checked_sub(1).filter(|_| length > chars) else { return clip(text, chars) };
    let head = kept / 2;
    let tail = text.chars().skip(length - (kept - head));
    Cow::Owned(text.chars().take(head).chain(['…']).chain(tail).collect())
}

/// The text in at most this many characters, the last of which is `…` if an end was cut off. Wide characters count as one.
#[must_use]
pub fn clip<'a>(text: impl Into<Cow<'a, str>>, chars: usize) -> Cow<'a, str> {
    let text = text.into();
    if text.chars().nth(chars).is_none() {
        return text;
    }
    Cow::Owned(text.chars().take(chars.saturating_sub(1)).chain(['…']).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_line_joins_and_shortens() {
        assert_eq!(one_line(" a\n\tb  c ", 100), "a b c");
        assert_eq!(one_line("abcdef", 6), "abcdef");
        assert_eq!(one_line("abcdefg", 6), "abc…");
        assert_eq!(one_line("äääääää", 6), "ä…");
        assert_eq!(one_line("", 6), "");
    }

    #[test]
    fn the_first_line_says_something() {
        assert_eq!(first_line("\n \n  It broke:\n  ^^^"), "  It broke:");
        assert_eq!(first_line("\n"), "");
    }

    #[test]
    fn cut_keeps_both_ends() {
        let text = format!("HEAD{}TAIL", "x".repeat(10_000));
        let short = cut(text.as_str(), 500);
        assert!(short.len() <= 500);
        assert!(short.starts_with("HEAD") && short.ends_with("TAIL"));
        assert!(short.contains("bytes left out"));
        assert_eq!(cut("short", 500), "short");
    }

    #[test]
    fn clip_middle_keeps_both_ends() {
        let id = "upgrade/my-org/svc-155@main";
        assert_eq!(clip_middle(id, 27), id);
        assert_eq!(clip_middle(id, 14), "upgrad…55@main");
        assert_eq!(clip_middle(id, 13), "upgrad…5@main");
        assert_eq!((clip_middle(id, 1), clip_middle(id, 0)), ("…".into(), "…".into()));
        assert_eq!(clip_middle("äöüß", 3), "ä…ß");
    }

    #[test]
    fn clip_counts_characters() {
        assert_eq!(clip("äöü", 3), "äöü");
        assert_eq!(clip("äöüß", 3), "äö…");
        assert_eq!(clip("ä", 0), "…");
    }

    proptest! {
        #[test]
        fn limits_hold(text in "(\\PC|\n){0,400}", limit in 128usize..400) {
            let line = one_line(text.as_str(), limit);
            prop_assert!(line.len() <= limit && !line.contains('\n'));
            let short = cut(text.as_str(), limit);
            prop_assert!(short.len() <= limit);
            prop_assert!(text.len() > limit || short == text);
            prop_assert!(clip(text.as_str(), limit).chars().count() <= limit);
        }
    }
}
