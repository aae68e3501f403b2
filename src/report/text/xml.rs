//! Text for `junit.xml`.

use super::console::console_text;
use super::{REPLACEMENT, one_line};

/// What stands here for a character that was taken out: a reader takes a file with U+FFFD in it for one that
/// is not UTF-8, and fails.
const SUBSTITUTE: &str = "\u{2426}";

/// Text for an element: only what XML 1.0 allows, without attachment markers, and without what a console acts
/// on, for readers print such texts in logs.
pub(in crate::report) fn xml_text(text: &str) -> String {
    break_markers(console_text(text).replace(REPLACEMENT, SUBSTITUTE))
}

/// Text for an attribute: as [`xml_text`], on one line of at most `limit` bytes.
pub(in crate::report) fn xml_line(text: &str, limit: usize) -> String {
    one_line(&xml_text(text), limit)
}

/// Text inside a CDATA section: `]]>`, which would end it, is split over two sections; readers see it whole.
pub(in crate::report) fn cdata(text: &str) -> String {
    text.replace("]]>", "]]]]><![CDATA[>")
}

/// CI systems publish the file that such a marker in a case's output names, or take a property from it,
/// whoever wrote it.
const MARKERS: [&str; 2] = ["[ATTACHMENT|", "[PROPERTY|"];

/// Puts a space between the brackets of every attachment marker.
fn break_markers(text: String) -> String {
    let upper = text.to_ascii_uppercase();
    let mut places: Vec<usize> = MARKERS
        .iter()
        .flat_map(|marker| upper.match_indices(marker).map(|(at, _)| at))
        .filter(|at| text[..*at].ends_with('['))
        .collect();
    if places.is_empty() {
        return text;
    }
    places.sort_unstable();
    let mut out = String::with_capacity(text.len() + places.len());
    let mut from = 0;
    for at in places {
        out.push_str(&text[from..at]);
        out.push(' ');
        from = at;
    }
    out.push_str(&text[from..]);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn breaks_attachment_markers() {
        assert_eq!(xml_text("a [[ATTACHMENT|/etc/passwd]] b"), "a [ [ATTACHMENT|/etc/passwd]] b");
        assert_eq!(xml_text("[[property|x=y]][[ATTACHMENT|z]]"), "[ [property|x=y]][ [ATTACHMENT|z]]");
        assert_eq!(xml_text("[[AT\u{1B}[0mTACHMENT|z]]"), "[ [ATTACHMENT|z]]");
        assert_eq!(xml_line("[[[ATTACHMENT|z]]", 100), "[[ [ATTACHMENT|z]]");
        assert_eq!(xml_text("[ATTACHMENT|harmless]"), "[ATTACHMENT|harmless]");
    }

    #[test]
    fn breaks_workflow_commands() {
        assert_eq!(xml_text("a\r::error::b ##[group]"), "a\n: :error::b # #[group]");
    }

    #[test]
    fn splits_the_end_of_a_section() {
        assert_eq!(cdata("a]]>b"), "a]]]]><![CDATA[>b");
        assert_eq!(cdata("]]]]>>"), "]]]]]]><![CDATA[>>");
    }

    fn is_xml_char(c: char) -> bool {
        matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
    }

    proptest! {
        #[test]
        fn holds_only_what_xml_allows(text in any::<String>()) {
            prop_assert!(xml_text(&text).chars().all(|c| is_xml_char(c) && c != REPLACEMENT));
            prop_assert!(xml_line(&text, 1024).chars().all(|c| is_xml_char(c) && c != '\n'));
        }

        #[test]
        fn no_section_ends_early(text in r"[\]><a]{0,20}") {
            let inner = cdata(&text);
            let parts: Vec<&str> = inner.split("]]><![CDATA[").collect();
            prop_assert!(parts.iter().all(|part| !part.contains("]]>")));
            prop_assert_eq!(parts.concat(), text);
        }

        #[test]
        fn no_marker_is_left(text in r"(\[|ATTACHMENT\||PROPERTY\||attachment\||\x1b\[m|x){0,30}") {
            let upper = xml_text(&text).to_ascii_uppercase();
            prop_assert!(!upper.contains("[[ATTACHMENT|") && !upper.contains("[[PROPERTY|"));
        }
    }
}
