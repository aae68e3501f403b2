//! Paths in diff headers: prefixed with `a/` or `b/`, and quoted like C strings when they hold odd bytes.

/// The path in `--- a/x` or `+++ b/x`; `None` for `/dev/null`.
pub(super) fn of_marker(text: &str) -> Option<String> {
    // Some tools put a timestamp behind a tab.
    let text = if text.starts_with('"') { text } else { text.split('\t').next().unwrap_or(text) };
    let path = unquote(text.trim_end_matches('\r'));
    if path == "/dev/null" || path.is_empty() { None } else { Some(without_prefix(&path).to_owned()) }
}

/// A path without prefix, as in `rename from x`.
pub(super) fn plain(text: &str) -> String {
    unquote(text.trim_end_matches('\r'))
}

/// Both paths of `a/x b/y`, as far as they can be told apart.
///
/// git does not quote spaces there: the line splits where both halves are the same path, else at the last ` b/`.
pub(super) fn of_header(text: &str) -> Option<(String, String)> {
    let text = text.trim_end_matches('\r');
    if text.starts_with('"') || text.ends_with('"') {
        return of_quoted_header(text);
    }
    let middle = text.len() / 2;
    if text.len() % 2 == 1 && text.as_bytes()[middle] == b' ' {
        let (old, new) = (&text[..middle], &text[middle + 1..]);
        if without_prefix(old) == without_prefix(new) {
            return Some((without_prefix(old).to_owned(), without_prefix(new).to_owned()));
        }
    }
    let (old, new) = text.rsplit_once(" b/").or_else(|| text.rsplit_once(' '))?;
    Some((without_prefix(old).to_owned(), without_prefix(new).to_owned()))
}

fn of_quoted_header(text: &str) -> Option<(String, String)> {
    let (old, new) = match text.strip_prefix('"') {
        Some(rest) => {
            let end = closing_quote(rest)?;
            (&text[..end + 2], rest[end + 1..].trim_start())
        }
        None => text.split_once(' ')?,
    };
    let (old, new) = (unquote(old), unquote(new));
    Some((without_prefix(&old).to_owned(), without_prefix(&new).to_owned()))
}

fn without_prefix(path: &str) -> &str {
    path.strip_prefix("a/").or_else(|| path.strip_prefix("b/")).unwrap_or(path)
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

    #[test]
    fn markers_lose_prefix_timestamp_and_quotes() {
        assert_eq!(of_marker("a/src/x.rs").as_deref(), Some("src/x.rs"));
        assert_eq!(of_marker("b/x y.rs\t2026-01-01").as_deref(), Some("x y.rs"));
        assert_eq!(of_marker("\"b/\\303\\274.txt\"").as_deref(), Some("ü.txt"));
        assert_eq!(of_marker("\"b/a\\\"\\\\\\t.txt\"").as_deref(), Some("a\"\\\t.txt"));
        assert_eq!(of_marker("/dev/null"), None);
        assert_eq!(of_marker("/dev/null\r"), None);
    }

    #[test]
    fn headers_are_told_apart_even_with_spaces() {
        let both = |text| of_header(text).unwrap();
        assert_eq!(both("a/x y b/x y"), ("x y".into(), "x y".into()));
        assert_eq!(both("a/b b/c b/b b/c"), ("b b/c".into(), "b b/c".into()));
        assert_eq!(both("a/old.rs b/new.rs"), ("old.rs".into(), "new.rs".into()));
        assert_eq!(both("\"a/\\303\\274\" \"b/\\303\\274\""), ("ü".into(), "ü".into()));
        assert_eq!(both("a/x \"b/\\303\\274\""), ("x".into(), "ü".into()));
        assert_eq!(of_header("nothing"), None);
        assert_eq!(of_header("\"open"), None);
    }
}
