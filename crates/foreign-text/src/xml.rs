//! Text for XML, as test reports have it. Whoever writes the document escapes what is markup.

use std::borrow::Cow;

use crate::{REPLACEMENT, one_line, tame};

/// What stands here for a character that was taken out: a reader takes a file with U+FFFD in it for one that
/// is not UTF-8, and fails.
const SUBSTITUTE: &str = "\u{2426}";

/// Text for an element: only what XML 1.0 allows, without attachment markers, and without what a console acts
/// on, for readers print such texts in logs.
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    let text = tame(text);
    let text = if text.contains(REPLACEMENT) { text.replace(REPLACEMENT, SUBSTITUTE).into() } else { text };
    break_markers(text)
}

/// Text for an attribute: as [`text`], on one line of at most `limit` bytes.
#[must_use]
pub fn line(foreign: &str, limit: usize) -> Cow<'_, str> {
    one_line(text(foreign), limit)
}

/// Text inside a CDATA section: `]]>`, which would end it, is split over two sections; readers see it whole.
#[must_use]
pub fn cdata(text: &str) -> String {
    text.replace("]]>", "]]]]><![CDATA[>")
}

/// CI systems publish the file that such a marker in a case's output names, or take a property from it,
/// whoever wrote it.
const MARKERS: [&str; 2] = ["[ATTACHMENT|", "[PROPERTY|"];

/// Puts a space between the brackets of every attachment marker.
fn break_markers(text: Cow<'_, str>) -> Cow<'_, str> {
    let mut out = String::new();
    let mut from = 0;
    for (at, _) in text.match_indices('[').filter(|(at, _)| text[..*at].ends_with('[')) {
        let begins = |marker: &&str| {
            text[at..].get(..marker.len()).is_some_and(|start| start.eq_ignore_ascii_case(marker))
        };
        if MARKERS.iter().any(begins) {
            out += &text[from..at];
            out.push(' ');
            from = at;
        }
    }
    if from == 0 { text } else { Cow::Owned(out + &text[from..]) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn breaks_attachment_markers() {
        assert_eq!(text("a [[ATTACHMENT|/etc/passwd]] b"), "a [ [ATTACHMENT|/etc/passwd]] b");
        assert_eq!(text("[[property|x=y]][[ATTACHMENT|z]]"), "[ [property|x=y]][ [ATTACHMENT|z]]");
        assert_eq!(text("[[AT\u{1B}[0mTACHMENT|z]]"), "[ [ATTACHMENT|z]]");
        assert_eq!(line("[[[ATTACHMENT|z]]", 100), "[[ [ATTACHMENT|z]]");
        assert_eq!(text("[ATTACHMENT|harmless]"), "[ATTACHMENT|harmless]");
    }

    #[test]
    fn breaks_workflow_commands() {
        assert_eq!(text("a\r::error::b ##[group]"), "a\n: :error::b # #[group]");
    }

    #[test]
    fn splits_the_end_of_a_section() {
        assert_eq!(cdata("a]]>b"), "a]]]]><![CDATA[>b");
        assert_eq!(cdata("]]]]>>"), "]]]]]]><![CDATA[>>");
    }

    proptest! {
        #[test]
        fn no_section_ends_early(text in r"[\]><a]{0,20}") {
            let inner = cdata(&text);
            let parts: Vec<&str> = inner.split("]]><![CDATA[").collect();
            prop_assert!(parts.iter().all(|part| !part.contains("]]>")));
            prop_assert_eq!(parts.concat(), text);
        }
    }
}
