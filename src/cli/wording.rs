//! What clap's texts lack: paragraphs that fit every width, a word for whoever has transposed two letters, and
//! caution with what they quote.

use std::ffi::OsString;

use clap::Command;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use super::environment;
use crate::manifest::nearest;

/// Lets clap break the paragraphs below the flags, which stand broken in our sources. Indented lines stay as they are.
pub(super) fn in_paragraphs(command: Command) -> Command {
    let below = command.get_after_help().map(|text| joined(&text.to_string()));
    let command = match below {
        Some(text) => command.after_help(text),
        None => command,
    };
    command.mut_subcommands(in_paragraphs)
}

fn joined(text: &str) -> String {
    let prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
    let mut out = String::new();
    let mut before = "";
    for line in text.lines() {
        let goes_on = prose(before) && prose(line) && !before.ends_with(':');
        out.push_str(if goes_on { " " } else { "\n" });
        out.push_str(line);
        before = line;
    }
    out.trim_start_matches('\n').to_owned()
}

/// Names the command that was probably meant, where clap finds none near enough: it does not see `run` in `rnu`.
pub(super) fn with_suggestion(mut error: Error, line: &[OsString], command: &Command) -> Error {
    if error.kind() != ErrorKind::InvalidSubcommand || error.get(ContextKind::SuggestedSubcommand).is_some() {
        return error;
    }
    let Some(ContextValue::String(written)) = error.get(ContextKind::InvalidSubcommand) else { return error };
    let below = line.iter().fold(command, |command, word| {
        word.to_str().and_then(|word| command.find_subcommand(word)).unwrap_or(command)
    });
    if let Some(name) = nearest(written, below.get_subcommands().map(Command::get_name)) {
        let names = ContextValue::Strings(vec![name.to_owned()]);
        error.insert(ContextKind::SuggestedSubcommand, names);
    }
    error
}

/// Tells of the `=` that `--simulate FILE` lacks, where FILE is one word too many, and that `plan` has no `--simulate`.
pub(super) fn with_sign(mut error: Error, line: &[OsString]) -> Error {
    let word = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(word)) if error.kind() == ErrorKind::UnknownArgument => word.clone(),
        _ => return error,
    };
    if word == "--simulate" && line.iter().any(|word| word == "plan") {
        let tip = "plan touches nothing; what a simulated run would do: jules-batch run --simulate --dry-run";
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
        error.remove(ContextKind::SuggestedArg);
        return error;
    }
    if !word.starts_with('-') && line.get(1).is_some_and(|command| command == "simulate") {
        let tip = StyledStr::from(format!("a scenario is written behind its flag: --scenario {word}"));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
        return error;
    }
    let is_behind = line.windows(2).any(|two| two[0] == "--simulate" && two[1] == *word);
    if is_behind {
        let tip = StyledStr::from(format!("a scenario is written with a `=`: --simulate={word}"));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    error
}

/// Names the variable where it is one, and not the command line, that has the value which is wrong.
pub(super) fn with_variable(mut error: Error, line: &[OsString]) -> Error {
    let is_value = matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue);
    let (Some(ContextValue::String(arg)), true) = (error.get(ContextKind::InvalidArg), is_value) else {
        return error;
    };
    let Some(long) = arg.split([' ', '=']).next().and_then(|flag| flag.strip_prefix("--")) else {
        return error;
    };
    let is_written = line
        .iter()
        .filter_map(|word| word.to_str())
        .any(|word| word.strip_prefix("--").is_some_and(|word| word.split('=').next() == Some(long)));
    let name = environment::variable(long);
    let value = std::env::var(&name).unwrap_or_default();
    let is_meant = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(wrong)) => value.lines().any(|line| line == wrong) || value == *wrong,
        _ => false,
    };
    if !is_written && is_meant {
        error.insert(ContextKind::InvalidArg, ContextValue::String(format!("{name} ({arg})")));
    }
    error
}

/// clap quotes what it was given, and variables are often made of what others wrote, such as a branch's name. An
/// error with words in it that a terminal or a CI system would obey is shown as foreign text.
pub(super) fn tamed(error: Error) -> Error {
    let text = error.render().to_string();
    if !error.use_stderr() || foreign_text::tame(&text) == text {
        return error;
    }
    Error::raw(error.kind(), format!("the command line is wrong\n{}\n", foreign_text::block(&text)))
}

#[cfg(test)]
mod tests {
    use clap::{Arg, value_parser};

    use super::*;

    #[test]
    fn paragraphs_are_joined_and_examples_are_not() {
        let text = "One sentence that\ngoes on.\n\nAnother.\n\nExamples:\n  first\n  second\nStates: a,\nb.";
        assert_eq!(
            joined(text),
            "One sentence that goes on.\n\nAnother.\n\nExamples:\n  first\n  second\nStates: a, b."
        );
    }

    #[test]
    fn what_is_quoted_is_no_command() {
        let told = |value: &str| {
            let command = Command::new("x").arg(Arg::new("n").long("n").value_parser(value_parser!(u8)));
            tamed(command.try_get_matches_from(["x", "--n", value]).unwrap_err()).render().to_string()
        };
        assert!(told("many").starts_with("error: invalid value 'many' for '--n <n>'"), "{}", told("many"));
        let evil = told("1\n::error::forged ##[group]\u{1B}[2J\r::x");
        assert!(
            evil.starts_with("error: the command line is wrong\n  | error: invalid value '1\n  | : :error::"),
            "{evil}"
        );
        assert!(!evil.contains("##[") && !evil.contains(['\r', '\u{1B}']), "{evil}");
    }

    #[test]
    fn transposed_letters_are_seen() {
        let command = || Command::new("x").subcommand(Command::new("run").subcommand(Command::new("fix")));
        let tip = |line: &[&str]| {
            let line: Vec<OsString> = line.iter().map(OsString::from).collect();
            let error = command().try_get_matches_from(&line).unwrap_err();
            with_suggestion(error, &line, &command()).to_string()
        };
        assert!(tip(&["x", "rnu"]).contains("'run'"), "{}", tip(&["x", "rnu"]));
        assert!(tip(&["x", "run", "fxi"]).contains("'fix'"));
        assert!(!tip(&["x", "something"]).contains("tip"));
    }
}
