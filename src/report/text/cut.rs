//! Lengths: every limit is in bytes of UTF-8 and falls between characters.

/// All of the text on one line of at most `limit` bytes: white space becomes single spaces, an end that was
/// cut off becomes `…`.
pub(in crate::report) fn one_line(text: &str, limit: usize) -> String {
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
        line.truncate(line.floor_char_boundary(limit.saturating_sub('…'.len_utf8())));
        line.push('…');
    }
    line
}

/// The first line that says anything: of a compiler's drawings in one line nobody would make sense.
pub(in crate::report) fn first_line(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default()
}

/// The text in at most `limit` bytes (at least 128): its head and its tail with a line between them that
/// says how much was left out. The head gets a third: what went wrong stands at the end more often.
pub(in crate::report) fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let room = limit.saturating_sub(GAP);
    let head = &text[..text.floor_char_boundary(room / 3)];
    let tail = &text[text.ceil_char_boundary(text.len() - (room - room / 3))..];
    let left_out = text.len() - head.len() - tail.len();
    format!("{head}\n\n[… {left_out} bytes left out …]\n\n{tail}")
}

/// Room for the line between head and tail, its number included.
const GAP: usize = 64;

/// As many leading items as fit into `limit` bytes when each costs what `cost` says, and how many are left.
pub(in crate::report) fn with_limit<T>(
    items: &[T],
    limit: usize,
    cost: impl Fn(&T) -> usize,
) -> (&[T], usize) {
    let mut sum = 0;
    let fit = items
        .iter()
        .take_while(|item| {
            sum += cost(item);
            sum <= limit
        })
        .count();
    (&items[..fit], items.len() - fit)
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
        let short = cut(&text, 500);
        assert!(short.len() <= 500);
        assert!(short.starts_with("HEAD") && short.ends_with("TAIL"));
        assert!(short.contains("bytes left out"));
        assert_eq!(cut("short", 500), "short");
    }

    #[test]
    fn counts_what_did_not_fit() {
        assert_eq!(with_limit(&[3, 3, 3], 7, |n| *n), (&[3, 3][..], 1));
        assert_eq!(with_limit(&[9], 7, |n| *n), (&[][..], 1));
    }

    proptest! {
        #[test]
        fn limits_hold(text in "(\\PC|\n){0,400}", limit in 128usize..400) {
            let line = one_line(&text, limit);
            prop_assert!(line.len() <= limit && !line.contains('\n'));
            let short = cut(&text, limit);
            prop_assert!(short.len() <= limit);
            prop_assert!(text.len() > limit || short == text);
        }
    }
}
