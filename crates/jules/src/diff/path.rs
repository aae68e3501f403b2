//! Paths in diff headers: prefixed with `a/` or `b/`, and quoted like C strings when they hold odd bytes.

/// What `--- a/x` or `+++ b/x` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// `/dev/null`: on this side there is no file.
    Nothing,
    /// A path with its prefix.
    Path(String),
}

impl Side {
    /// Reads what stands behind `--- ` or `+++ `.
    pub(super) fn of_marker(text: &str) -> Self {
        // Some tools put a timestamp behind a tab, and git a tab behind a path with blanks.
        let text = if text.starts_with('"') { text } else { text.split('\t').next().unwrap_or(text) };
        match plain(text) {
            path if path == "/dev/null" => Self::Nothing,
            path => Self::Path(path),
        }
    }

    pub(super) fn path(&self) -> Option<&str> {
        match self {
            Self::Nothing => None,
            Self::Path(path) => Some(path),
        }
    }
}

/// A path without prefix, as in `rename from x`.
pub(super) fn plain(text: &str) -> String {
    unquote(text.trim_end_matches('\r'))
}

/// So many places where two paths could be told apart are looked at.
const MOST_PLACES: usize = 64;

/// Both paths of `a/x b/y` with their prefixes, as far as they can be told apart.
///
/// git does not quote blanks there: the line splits where both halves are the same path, else at the last ` b/`.
pub(super) fn of_header(text: &str) -> Option<(String, String)> {
    let text = text.trim_end_matches('\r');
    if text.starts_with('"') || text.ends_with('"') {
        return of_quoted_header(text);
    }
    // Prefixes are mostly of one length.
    let middle = Some(text.len() / 2).filter(|_| text.len() % 2 == 1);
    let places = text.match_indices(' ').map(|(at, _)| at).take(MOST_PLACES);
    let same = middle.into_iter().chain(places).find(|&at| {
        text.as_bytes()[at] == b' '
            && (text[..at] == text[at + 1..] || prefixed(&text[..at], &text[at + 1..]).is_some())
    });
    let at = same.or_else(|| text.rfind(" b/")).or_else(|| text.rfind(' '))?;
    Some((text[..at].to_owned(), text[at + 1..].to_owned()))
}

/// The first folders of two paths that are the same but for them.
fn prefixed<'a>(old: &'a str, new: &'a str) -> Option<[&'a str; 2]> {
    let split = |path: &'a str| path.split_at_checked(path.find('/')? + 1);
    let ((old, old_rest), (new, new_rest)) = (split(old)?, split(new)?);
    (old != new && old_rest == new_rest && !old_rest.is_empty()).then_some([old, new])
}

fn of_quoted_header(text: &str) -> Option<(String, String)> {
    let (old, new) = match text.strip_prefix('"') {
        Some(rest) => {
            let end = closing_quote(rest)?;
            (&text[..end + 2], rest[end + 1..].trim_start())
        }
        // A path with a quote in it would be quoted itself.
        None => text.split_at(text.find(" \"")?),
    };
    Some((unquote(old), unquote(new.trim_start())))
}

/// What stands in front of the paths before and after a change: `a/` and `b/`, or what git is told to write
/// (`diff.mnemonicPrefix`, `--src-prefix`), in whichever order. With the same in front of both they carry none
/// (`diff.noprefix`), and the folder is called so.
pub(super) fn prefixes<'a>(old: Option<&'a str>, new: Option<&'a str>) -> [&'a str; 2] {
    if let (Some(old), Some(new)) = (old, new)
        && let Some(prefixes) = prefixed(old, new)
    {
        return prefixes;
    }
    let usual = |path: Option<&'a str>| {
        path.and_then(|path| path.get(..2)).filter(|prefix| matches!(*prefix, "a/" | "b/")).unwrap_or("")
    };
    let (old, new) = (usual(old), usual(new));
    if old == new { ["", ""] } else { [old, new] }
}

/// Where the quote that ends the string stands, in bytes.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at),
            _ => {}
        }
    }
    None
}

/// Undoes git's quoting; text that is not quoted stays as it is.
fn unquote(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"') else { return text.to_owned() };
    let inner = &inner[..closing_quote(inner).unwrap_or(inner.len())];
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(digit @ b'0'..=b'7') => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    let Some(digit) = rest.next_if(|byte| (b'0'..=b'7').contains(byte)) else { break };
                    value = value * 8 + u32::from(digit - b'0');
                }
                bytes.push((value & 0xff) as u8);
            }
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b'a') => bytes.push(7),
            Some(b'b') => bytes.push(8),
            Some(b'v') => bytes.push(11),
            Some(b'f') => bytes.push(12),
            Some(other) => bytes.push(other),
            None => bytes.push(b'\\'),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(text: &str) -> String {
        let side = Side::of_marker(text);
        let path = side.path().expect("a path");
        path.strip_prefix(prefixes(None, Some(path))[1]).unwrap_or(path).to_owned()
    }

    #[test]
    fn markers_lose_prefix_timestamp_and_quotes() {
        assert_eq!(marker("a/src/x.rs"), "src/x.rs");
        assert_eq!(marker("b/x y.rs\t2026-01-01"), "x y.rs");
        assert_eq!(marker("b/ends with a blank \t"), "ends with a blank ");
        assert_eq!(marker("\"b/\\303\\274.txt\""), "ü.txt");
        assert_eq!(marker("\"b/a\\\"\\\\\\t.txt\"\r"), "a\"\\\t.txt");
        assert_eq!(marker("\"b/open"), "open");
        assert_eq!(marker("b/"), "");
        for nothing in ["/dev/null", "/dev/null\r", "/dev/null\t1970-01-01"] {
            assert_eq!(Side::of_marker(nothing), Side::Nothing, "{nothing}");
        }
    }

    #[test]
    fn headers_are_told_apart_even_with_spaces() {
        let both = |text| {
            let (old, new) = of_header(text).unwrap();
            let [before_old, before_new] = prefixes(Some(&old), Some(&new));
            (old[before_old.len()..].to_owned(), new[before_new.len()..].to_owned())
        };
        assert_eq!(both("a/x y b/x y"), ("x y".into(), "x y".into()));
        assert_eq!(both("a/b b/c b/b b/c"), ("b b/c".into(), "b b/c".into()));
        assert_eq!(both("a/old.rs b/new.rs"), ("old.rs".into(), "new.rs".into()));
        assert_eq!(both("\"a/\\303\\274\" \"b/\\303\\274\""), ("ü".into(), "ü".into()));
        assert_eq!(both("a/x y \"b/\\303\\274\""), ("x y".into(), "ü".into()));
        assert_eq!(both("\"a/\\303\\274\" b/x y\r"), ("ü".into(), "x y".into()));
        assert_eq!(of_header("nothing"), None);
        assert_eq!(of_header("\"open"), None);
    }

    #[test]
    fn one_prefix_on_both_sides_is_a_folder() {
        let of = |old, new| prefixes(Some(old), Some(new));
        assert_eq!(of("a/x", "b/x"), ["a/", "b/"]);
        assert_eq!(of("b/x", "a/x"), ["b/", "a/"]);
        assert_eq!(of("x", "b/x"), ["", "b/"]);
        assert_eq!(of("a/x", "b/y"), ["a/", "b/"]);
        assert_eq!(of("c/x", "w/x"), ["c/", "w/"]);
        for (old, new) in [("a/x", "a/x"), ("b/x", "b/y"), ("w/x", "w/x"), ("c/x", "w/y"), ("c/", "w/")] {
            assert_eq!(of(old, new), ["", ""], "{old} {new}");
        }
        assert_eq!(prefixes(None, Some("b/x")), ["", "b/"]);
        assert_eq!(prefixes(Some("é"), None), ["", ""]);
    }
}
