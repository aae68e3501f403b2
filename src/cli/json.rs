//! JSON on stdout: exact, and yet nothing in it that a terminal or the console of a CI system acts on.

use serde::Serialize;

use super::exit::Exit;
use super::failure::Failure;

/// One line.
pub(super) fn line(value: &(impl Serialize + ?Sized)) -> Result<String, Failure> {
    serde_json::to_string(value).map(foreign_text::json).map_err(fault)
}

/// Several lines, indented.
pub(super) fn text(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map(foreign_text::json).map_err(fault)
}

fn fault(error: serde_json::Error) -> Failure {
    Failure::new(Exit::Fault, error)
}

#[cfg(test)]
mod tests {
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
}
