//! What the user says to the agent: an argument, a file, or stdin.

use std::io::{self, IsTerminal};
use std::path::Path;

use crate::cli::failure::Failure;
use crate::cli::input;

/// Where a text comes from.
#[derive(Debug, PartialEq, Eq)]
enum Origin<'a> {
    Argument(&'a str),
    File(&'a Path),
    Stdin,
}

/// Reads the text that `argument` is, that `file` holds (`-` is stdin for both), or that is piped in.
pub(super) fn read(
    argument: Option<&str>,
    file: Option<&Path>,
    what: &'static str,
) -> Result<String, Failure> {
    let piped = !io::stdin().is_terminal();
    let Some(origin) = origin(argument, file, piped) else {
        let help = "write it as an argument, name a file with --file, or pipe it in";
        return Err(Failure::usage(format!("there is no {what}")).help(help));
    };
    let text = match origin {
        Origin::Argument(text) => text.to_owned(),
        Origin::File(path) => input::read(what, path)?,
        Origin::Stdin => input::read(what, Path::new("-"))?,
    };
    if text.trim().is_empty() {
        return Err(Failure::usage(format!("the {what} is empty")));
    }
    // The rules of a manifest's prompts, also for an argument.
    if text.contains('\0') {
        return Err(Failure::usage(format!("the {what} is binary, not text")));
    }
    Ok(text.trim_start_matches('\u{FEFF}').to_owned())
}

fn origin<'a>(argument: Option<&'a str>, file: Option<&'a Path>, piped: bool) -> Option<Origin<'a>> {
    match (argument, file) {
        (Some("-"), _) => Some(Origin::Stdin),
        (Some(text), _) => Some(Origin::Argument(text)),
        (None, Some(path)) if path == Path::new("-") => Some(Origin::Stdin),
        (None, Some(path)) => Some(Origin::File(path)),
        (None, None) => piped.then_some(Origin::Stdin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_the_rules_of_a_manifests_prompts() {
        let text = |text| read(Some(text), None, "prompt").ok();
        assert_eq!(text("\u{FEFF}do it").as_deref(), Some("do it"));
        assert_eq!(text("a\0b"), None);
        assert_eq!(text(" "), None);
    }

    #[test]
    fn an_argument_wins_then_a_file_then_what_is_piped_in() {
        let file = Path::new("p.md");
        assert_eq!(origin(Some("do it"), None, true), Some(Origin::Argument("do it")));
        assert_eq!(origin(Some("-"), None, false), Some(Origin::Stdin));
        assert_eq!(origin(None, Some(file), true), Some(Origin::File(file)));
        assert_eq!(origin(None, Some(Path::new("-")), false), Some(Origin::Stdin));
        assert_eq!(origin(None, None, true), Some(Origin::Stdin));
        assert_eq!(origin(None, None, false), None);
    }
}
