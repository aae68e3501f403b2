//! Which addresses become links.

use url::Url;

use super::PullRequestV1;

/// Bytes of a link at most: pages of sessions and pull requests have a tenth of that.
const LONGEST: usize = 1024;

/// The address if it may become a link: `https:`, with a host and without credentials, which could dress up
/// another host. Everything that markup could take for its own is percent-encoded.
pub(crate) fn https(address: &str) -> Option<String> {
    let url = Url::parse(address.trim()).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    if url.scheme() != "https" || !url.has_host() || !plain {
        return None;
    }
    let mut safe = String::new();
    for c in url.as_str().chars() {
        match c {
            '(' => safe.push_str("%28"),
            ')' => safe.push_str("%29"),
            '|' => safe.push_str("%7C"),
            '\\' => safe.push_str("%5C"),
            '`' => safe.push_str("%60"),
            '\'' => safe.push_str("%27"),
            '*' => safe.push_str("%2A"),
            c => safe.push(c),
        }
    }
    (safe.len() <= LONGEST).then_some(safe)
}

/// `my-org/web#7` for a pull request on GitHub, else `#7`, else `pull request`.
pub(super) fn pull_label(pull: &PullRequestV1) -> String {
    let Some(number) = pull.number else { return "pull request".to_owned() };
    let url = Url::parse(&pull.url).ok();
    let mut path = url.as_ref().and_then(Url::path_segments).into_iter().flatten();
    match (path.next(), path.next(), path.next()) {
        (Some(owner), Some(repo), Some("pull")) => format!("{owner}/{repo}#{number}"),
        _ => format!("#{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_https_becomes_a_link() {
        assert_eq!(https("https://github.com/a/b/pull/7").as_deref(), Some("https://github.com/a/b/pull/7"));
        for address in [
            "http://github.com/a",
            "javascript:alert(1)",
            "https:github",
            "https://github.com@evil.example/",
            "data:text/html,x",
            "//github.com",
            "",
            "java\nscript:alert(1)",
        ] {
            let link = https(address);
            assert!(link.is_none() || link.as_deref() == Some("https://github/"), "{address}");
        }
    }

    #[test]
    fn an_endless_address_becomes_no_link() {
        assert!(https(&format!("https://x.example/{}", "a".repeat(1_000))).is_some());
        assert!(https(&format!("https://x.example/{}", "a".repeat(1_010))).is_none());
    }

    #[test]
    fn nothing_in_a_link_is_markup() {
        let link = https("https://x.example/a(b)|`c`\\'<d>\"*e f").unwrap();
        assert!(!link.contains(['(', ')', '|', '`', '\\', '\'', '<', '>', '"', '*', ' ']), "{link}");
    }
}
