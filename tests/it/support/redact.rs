//! What differs from run to run, taken out before a snapshot is compared.

use super::World;

/// The text with addresses, times, ids and folders replaced by their names.
pub(crate) fn redacted(world: &World, text: &str) -> String {
    let text = text.replace(&world.folder().display().to_string(), "[FOLDER]");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(next) = rest.chars().next() {
        let (taken, name) = noise(rest).unwrap_or((next.len_utf8(), &rest[..next.len_utf8()]));
        out.push_str(name);
        rest = &rest[taken..];
    }
    out
}

/// If `text` begins with something that differs from run to run: its length and its name.
fn noise(text: &str) -> Option<(usize, &'static str)> {
    const SHAPES: [(&str, &str); 5] = [
        ("127.0.0.1:#+", "[ADDRESS]"),
        ("####-##-##T##:##:##", "[TIME]"),
        ("########-######-xxxx", "[RUN]"),
        ("[jb-xxxxxxxxxxxxxxxx-xxxx-#+]", "[MARKER]"),
        ("####################", "[SESSION]"),
    ];
    SHAPES.into_iter().find_map(|(shape, name)| Some((length(shape, text)?, name)))
}

/// How much of `text` has this shape: `#` is a digit, `#+` some, `x` a hex digit, the rest itself.
fn length(shape: &str, text: &str) -> Option<usize> {
    let (mut shape, mut at) = (shape.bytes().peekable(), 0);
    let bytes = text.as_bytes();
    while let Some(wanted) = shape.next() {
        let found = *bytes.get(at)?;
        match wanted {
            b'#' if shape.peek() == Some(&b'+') => {
                shape.next();
                let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                if digits == 0 {
                    return None;
                }
                at += digits;
                continue;
            }
            b'#' if !found.is_ascii_digit() => return None,
            b'x' if !found.is_ascii_hexdigit() => return None,
            b'#' | b'x' => {}
            _ if wanted != found => return None,
            _ => {}
        }
        at += 1;
    }
    Some(at)
}
