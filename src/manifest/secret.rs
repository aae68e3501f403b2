//! Secrets in what a user wrote: an error that shows the place must not show them.

use std::borrow::Cow;
use std::ops::Range;

/// How tokens of common services begin, and the least length of what follows.
const TOKENS: [(&str, usize); 11] = [
    ("ghp_", 20),
    ("gho_", 20),
    ("ghu_", 20),
    ("ghs_", 20),
    ("ghr_", 20),
    ("github_pat_", 20),
    ("glpat-", 15),
    ("AIza", 30),
    ("sk-", 20),
    ("xoxb-", 20),
    ("xoxp-", 20),
];

/// Addresses of webhooks whose paths are secrets, up to these.
const WEBHOOKS: [&str; 6] = [
    "hooks.slack.com/",
    "discord.com/api/webhooks/",
    "discordapp.com/api/webhooks/",
    "webhook.office.com/",
    "logic.azure.com/",
    "api.powerplatform.com/",
];

/// The text with credentials of addresses, secret addresses and well-known tokens starred out, byte for byte.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    let secrets: Vec<Range<usize>> = credentials(text).chain(tokens(text)).chain(webhooks(text)).collect();
    if secrets.is_empty() {
        return text.into();
    }
    let is_secret = |at: usize| secrets.iter().any(|secret| secret.contains(&at));
    let mut shown = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if is_secret(at) {
            shown.extend(std::iter::repeat_n('*', c.len_utf8()));
        } else {
            shown.push(c);
        }
    }
    shown.into()
}

/// What stands before the `@` of an address: `user:token` of `https://user:token@host`.
fn credentials(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices('@').filter_map(|(at, _)| {
        let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>');
        let start = text[..at]
            .rfind(is_end)
            .map_or(0, |end| end + text[end..].chars().next().map_or(1, char::len_utf8));
        let word = &text[start..at];
        let (from, user) = match word.rfind("://") {
            Some(scheme) => (start + scheme + 3, &word[scheme + 3..]),
            None => (start, word),
        };
        let has_password = user.split_once(':').is_some_and(|(name, rest)| {
            // `host:443/path@branch` is no password, and neither is a path's colon.
            let port = rest.split('/').next().unwrap_or(rest);
            let is_port = rest.contains('/') && port.parse::<u16>().is_ok();
            !name.contains('/') && !rest.is_empty() && !is_port
        });
        // `host/path@branch` is none, but a token may hold a slash.
        let is_path = user.split_once('/').is_some_and(|(host, _)| host.contains('.'));
        let is_token = from > start && !user.is_empty() && !is_path && user != "git";
        (has_password || is_token).then_some(from..at)
    })
}

/// What stands behind the host of a webhook's address.
fn webhooks(text: &str) -> impl Iterator<Item = Range<usize>> {
    WEBHOOKS.iter().flat_map(move |host| {
        text.match_indices(host).map(move |(at, _)| {
            let from = at + host.len();
            let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | ',' | '}');
            from..text[from..].find(is_end).map_or(text.len(), |length| from + length)
        })
    })
}

fn tokens(text: &str) -> impl Iterator<Item = Range<usize>> {
    TOKENS.iter().flat_map(move |(prefix, least)| {
        text.match_indices(prefix).filter_map(move |(at, _)| {
            let from = at + prefix.len();
            let is_token = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            let length = text[from..].find(|c| !is_token(c)).unwrap_or(text.len() - from);
            let is_start = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            (is_start && length >= *least).then_some(from..from + length)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_starred_out_and_names_are_not() {
        for (text, expected) in [
            ("https://u:tok@github.com/a/b", "https://*****@github.com/a/b"),
            ("x \"https://tok@github.com/a/b\"", "x \"https://***@github.com/a/b\""),
            ("https://u:p/w@h/a", "https://*****@h/a"),
            ("https://u:p@w@h/a", "https://*****@h/a"),
            ("https://t/k@h.org/a", "https://***@h.org/a"),
            ("u:tök@github.com:a/b", "******@github.com:a/b"),
            ("my-org/web@main", "my-org/web@main"),
            ("https://github.com/a/b@main", "https://github.com/a/b@main"),
            ("https://github.com:443/a/b@main", "https://github.com:443/a/b@main"),
            ("git@github.com:a/b.git", "git@github.com:a/b.git"),
            ("ssh://git@github.com/a/b", "ssh://git@github.com/a/b"),
            ("Ask: me@example.com", "Ask: me@example.com"),
            ("t=ghp_abcdefghijklmnopqrstuvwxyz0123", "t=ghp_******************************"),
            (
                "u: 'https://hooks.slack.com/services/T0/B0/x'",
                "u: 'https://hooks.slack.com/****************'",
            ),
            ("my_ghp_x ghp_short", "my_ghp_x ghp_short"),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }
}
