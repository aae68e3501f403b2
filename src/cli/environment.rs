//! The environment, the command line's second voice: every long flag `--x-y` is also `JULES_BATCH_X_Y`.

use std::ffi::OsString;

use clap::builder::BoolishValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, Id};

/// What every variable of ours begins with.
const PREFIX: &str = "JULES_BATCH_";

/// Gives every long flag its variable.
pub(super) fn with_environment(command: Command) -> Command {
    bound(command, None)
}

/// The same for this command line, which wins: a variable that contradicts one of its flags, as `JULES_BATCH_QUIET`
/// does `-v`, counts as unset.
pub(super) fn behind(line: &[OsString], command: Command) -> Command {
    let written = command.clone().ignore_errors(true).try_get_matches_from(line).ok();
    bound(command, written.as_ref())
}

fn bound(command: Command, line: Option<&ArgMatches>) -> Command {
    let contradicted = line.map_or_else(Vec::new, |line| contradicted(&command, line));
    let below = line.and_then(ArgMatches::subcommand);
    command.mut_args(|arg| if contradicted.contains(arg.get_id()) { arg } else { bind(arg) }).mut_subcommands(
        |inner| {
            let line = below.filter(|(name, _)| *name == inner.get_name()).map(|(_, line)| line);
            bound(inner, line)
        },
    )
}

/// The flags that cannot stand beside what is written on the command line. Of two such flags one tells of the other.
fn contradicted(command: &Command, line: &ArgMatches) -> Vec<Id> {
    let written = |arg: &Arg| line.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let mut contradicted = Vec::new();
    for arg in command.get_arguments() {
        for other in command.get_arg_conflicts_with(arg) {
            if written(arg) {
                contradicted.push(other.get_id().clone());
            }
            if written(other) {
                contradicted.push(arg.get_id().clone());
            }
        }
    }
    contradicted
}

/// Gives a flag its variable, when that is set. An empty one counts as unset: CI systems pass inputs that were
/// not given as empty strings.
fn bind(arg: Arg) -> Arg {
    let Some(long) = arg.get_long() else { return arg };
    let name = variable(long);
    let arg = match arg.get_action() {
        ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()),
        _ => arg,
    };
    let Some(value) = std::env::var_os(&name).filter(|value| !value.is_empty()) else { return arg };
    if let (ArgAction::Append, Some(list)) = (arg.get_action(), value.to_str()) {
        // clap takes a variable as one value; a list has one a line.
        return arg
            .default_values(list.lines().filter(|line| !line.trim().is_empty()).map(leak))
            .hide_default_value(true);
    }
    arg.env(leak(&name)).hide_env(true)
}

/// clap keeps names and defaults as `&'static str`. The few that are not known when the program is built live
/// as long as it does.
fn leak(text: &str) -> &'static str {
    Box::leak(text.into())
}

/// The variable of a long flag.
pub(super) fn variable(long: &str) -> String {
    format!("{PREFIX}{}", long.replace('-', "_").to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_named_by_rule() {
        assert_eq!(variable("max-parallel"), "JULES_BATCH_MAX_PARALLEL");
    }

    #[test]
    fn both_of_two_flags_that_exclude_each_other_are_found() {
        let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
        let command = Command::new("x").args([flag("a").conflicts_with("b"), flag("b"), flag("c")]);
        let found = |line: &[&str]| {
            let matches = command.clone().try_get_matches_from(line).unwrap();
            contradicted(&command, &matches)
        };
        assert_eq!(found(&["x", "--a"]), ["b"]);
        assert_eq!(found(&["x", "--b"]), ["a"]);
        assert_eq!(found(&["x", "--c"]), [""; 0]);
    }
}
