//! Patterns over ids: `*` stands for any text, `?` for one character, all else for itself.
//!
//! Task ids hold brackets and braces, so the richer globs of file names would need escapes here.

use std::ops::Range;

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wildcard {
    pattern: Vec<char>,
}

impl Wildcard {
    pub(super) fn new(pattern: &str) -> Self {
        Self { pattern: pattern.chars().collect() }
    }

    /// Whether the pattern stands for one text only.
    pub(super) fn is_literal(&self) -> bool {
        !self.pattern.iter().any(|c| matches!(c, '*' | '?'))
    }

    pub(super) fn as_text(&self) -> String {
        self.pattern.iter().collect()
    }

    /// Whether the pattern stands for the whole of `text`. Takes time linear in practice, quadratic at worst.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.is_match_folding(text, 0..0)
    }

    /// The same, where the bytes of `text` in `folded` are taken for upper and lower case alike.
    pub(super) fn is_match_folding(&self, text: &str, folded: Range<usize>) -> bool {
        let pattern = &self.pattern;
        let (mut at, mut rest) = (0, text);
        // Where to go on when the last `*` has to stand for one character more.
        let mut retry: Option<(usize, &str)> = None;
        loop {
            let mut chars = rest.chars();
            match (pattern.get(at), chars.next()) {
                (Some('*'), _) => {
                    retry = Some((at + 1, rest));
                    at += 1;
                }
                (Some('?'), Some(_)) => {
                    at += 1;
                    rest = chars.as_str();
                }
                (Some(wanted), Some(found))
                    if *wanted == found
                        || (wanted.eq_ignore_ascii_case(&found)
                            && folded.contains(&(text.len() - rest.len()))) =>
                {
                    at += 1;
                    rest = chars.as_str();
                }
                (None, None) => return true,
                (_, _) => {
                    let Some((after, from)) = retry else { return false };
                    let mut chars = from.chars();
                    if chars.next().is_none() {
                        return false;
                    }
                    (at, rest) = (after, chars.as_str());
                    retry = Some((after, rest));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_text() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("*[crate=serde]", "up/a/b@main[crate=serde]", true),
            ("a?c", "aäc", true),
            ("?", "", false),
            ("a*b*c", "a-b-b-c", true),
            ("upgrade", "upgrade2", false),
            ("**x", "yx", true),
        ] {
            assert_eq!(Wildcard::new(pattern).is_match(text), expected, "{pattern} on {text}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_of_itself_matches(text in "[a-z/@=\\[\\]]{0,20}") {
            prop_assert!(Wildcard::new(&text).is_match(&text));
            let (head, tail) = (format!("*{text}"), format!("{text}*"));
            let (before, after) = (format!("xy{text}"), format!("{text}xy"));
            prop_assert!(Wildcard::new(&head).is_match(&before));
            prop_assert!(Wildcard::new(&tail).is_match(&after));
        }
    }
}
