//! Halves of surrogate pairs in JSON, as whoever cuts texts by UTF-16 leaves them: no text of ours can hold one, and one of
//! them would make all of a session unreadable.

/// How long `\ud83d` is.
const ESCAPE: usize = 6;

/// What stands in the place of a half: U+FFFD, as in other broken text.
const REPLACEMENT: &[u8; ESCAPE] = b"\\ufffd";

/// Puts U+FFFD where half a pair stands alone; everything else stays as it is.
pub(super) fn mend(json: &mut [u8]) {
    let mut at = 0;
    while let Some(next) = json[at..].iter().position(|b| *b == b'\\') {
        at += next;
        at += match unit(&json[at..]) {
            Some(0xD800..=0xDBFF) if matches!(unit(&json[at + ESCAPE..]), Some(0xDC00..=0xDFFF)) => {
                2 * ESCAPE
            }
            Some(0xD800..=0xDFFF) => {
                json[at..at + ESCAPE].copy_from_slice(REPLACEMENT);
                ESCAPE
            }
            Some(_) => ESCAPE,
            // Another escape, such as that of a backslash.
            None => 2.min(json.len() - at),
        };
    }
}

/// The unit of UTF-16 that an escape there stands for.
fn unit(json: &[u8]) -> Option<u32> {
    let digits = json.get(..ESCAPE)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_replaced_and_pairs_are_not() {
        for (json, mended) in [
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\uD83D\uDE00 \uDE00""#, r#""\uD83D\uDE00 \ufffd""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\\ud83d \\\ud83d \n\u0041""#, r#""\\ud83d \\\ufffd \n\u0041""#),
            (r#""\ud8"#, r#""\ud8"#),
            ("\\", "\\"),
            ("\"\\ud8\u{E9}x\"", "\"\\ud8\u{E9}x\""),
        ] {
            let mut bytes = json.as_bytes().to_vec();
            mend(&mut bytes);
            assert_eq!(String::from_utf8(bytes).unwrap(), mended, "{json}");
        }
    }
}
