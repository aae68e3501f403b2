//! JSON on stdout: exact, and yet nothing in it that a terminal or the console of a CI system acts on.

use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// One line.
pub(super) fn line(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map(|text| escaped(&text)).map_err(fault)
}

/// Several lines, indented.
pub(in crate::cli) fn text(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map(|text| escaped(&text)).map_err(fault)
}

fn fault(error: serde_json::Error) -> Failure {
    Failure::new(Exit::Fault, error)
}

/// The same JSON in other spelling. Outside of strings there are none of these characters, and inside an
/// escape means the same character.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut previous = ' ';
    for c in json.chars() {
        if acts(c) || (c == '#' && previous == '#') {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
        previous = c;
    }
    out
}

/// DEL, C1 controls, line separators, and overrides of the direction of writing. The other controls are
/// escaped by JSON itself; the line breaks between fields are ours.
fn acts(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn nothing_is_left_to_act_on() {
        let hostile = json!({"a": "x\u{9b}31m ##[error]y ##vso[z] ###[ \u{202E} \u{7f} \u{1b}[0m"});
        for text in [line(&hostile).unwrap(), text(&hostile).unwrap()] {
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
            assert!(!text.contains("##") && !text.contains('\u{202E}'), "{text}");
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), hostile);
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let json = line(&text).unwrap();
            prop_assert_eq!(json.lines().count(), 1);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
