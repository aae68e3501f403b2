//! Links on terminals that know them.

use std::borrow::Cow;

/// The text as a link to the address, by OSC 8: a terminal that knows no links is given the text alone.
pub(crate) fn linked(text: &str, url: &str) -> String {
    let is_plain = |c: char| c.is_ascii_graphic();
    if !url.starts_with("https://") || !url.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\")
}

/// The text without its links.
pub(super) fn without_links(text: &str) -> Cow<'_, str> {
    const LINK: &str = "\x1b]8;;";
    if !text.contains(LINK) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(LINK);
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once("\x1b\\").map_or(part, |(_, rest)| rest));
    }
    Cow::Owned(plain)
}

/// Whether a terminal that tells this of itself knows links.
pub(super) fn knows_links(var: impl Fn(&str) -> Option<String>) -> bool {
    if let Some(forced) = var("FORCE_HYPERLINK") {
        return forced != "0";
    }
    let is_one_of = |name: &str, known: &[&str]| var(name).is_some_and(|value| known.contains(&&*value));
    let version = |name: &str| var(name).and_then(|value| value.parse::<u32>().ok()).unwrap_or(0);
    is_one_of("TERM_PROGRAM", &["iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio", "zed"])
        || is_one_of("TERM", &["xterm-kitty", "xterm-ghostty", "alacritty", "foot", "foot-extra"])
        || version("VTE_VERSION") >= 5_000
        || version("KONSOLE_VERSION") >= 200_400
        || ["WT_SESSION", "DOMTERM"].iter().any(|name| var(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_for_terminals_that_know_them() {
        let text = format!(
            "see {} and {}",
            linked("#7", "https://github.com/o/r/pull/7"),
            linked("x", "https://a/\x1b[2J")
        );
        assert_eq!(text, "see \x1b]8;;https://github.com/o/r/pull/7\x1b\\#7\x1b]8;;\x1b\\ and x");
        assert_eq!(without_links(&text), "see #7 and x");
        assert_eq!(without_links("none"), "none");
        let knows = |name: &'static str, value: &'static str| {
            knows_links(|asked| (asked == name).then(|| value.to_owned()))
        };
        assert!(
            knows("TERM_PROGRAM", "WezTerm") && knows("VTE_VERSION", "7200") && knows("FORCE_HYPERLINK", "1")
        );
        assert!(
            !knows("TERM", "xterm-256color")
                && !knows("VTE_VERSION", "4600")
                && !knows("FORCE_HYPERLINK", "0")
        );
    }
}
