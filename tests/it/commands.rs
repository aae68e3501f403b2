//! Manners of the command line: help, completions, manual pages, colours, typos, and readers that go away.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{World, at_once, tasks};

const QUICK: &str = "{ defaults: { duration: 30ms, outcome: change } }";

/// The program's own commands, such as `run` and `session new`, as its help lists them.
fn commands(world: &World) -> Vec<String> {
    let listed = |help: &str| -> Vec<String> {
        let list = help.split("Commands:\n").nth(1).unwrap_or_default();
        let lines = list.lines().take_while(|line| !line.is_empty());
        let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().map(str::to_owned));
        names.filter(|name| !name.is_empty() && name != "help").collect()
    };
    let all = listed(&world.command("--help").exits(0).stdout);
    assert!(all.len() > 10, "{all:?}");
    let below = |name: &String| -> Vec<String> {
        let found = listed(&world.command(name).arg("--help").exits(0).stdout);
        found.into_iter().map(|inner| format!("{name} {inner}")).collect()
    };
    all.iter().flat_map(|name| [vec![name.clone()], below(name)].concat()).collect()
}

/// A command's help on a terminal of 80 columns.
fn help(world: &World, name: &str) -> String {
    let (command, inner) = name.split_once(' ').unwrap_or((name, ""));
    world.command(command).args(inner).arg("--help").env("COLUMNS", "80").exits(0).stdout
}

#[test]
fn every_help_has_examples_that_name_its_command() {
    let world = World::new(QUICK);
    let all = commands(&world);
    assert!(all.iter().any(|name| name == "session new"), "{all:?}");
    for name in all {
        let help = help(&world, &name);
        let examples = help.split("Examples:\n").nth(1).unwrap_or_else(|| panic!("{name} has no examples"));
        assert!(examples.contains(&format!("jules-batch {name}")), "{name}: {examples}");
    }
}

#[test]
fn completions_are_scripts_of_their_shells() {
    let world = World::new(QUICK);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = world.command("completions").arg(shell).exits(0).stdout;
        assert!(script.contains("max-parallel") && script.contains("unarchive"), "{shell}");
        world.write(shell, &script);
    }
    let checked = Command::new("bash").arg("-n").arg(world.path("bash")).output().unwrap();
    assert!(checked.status.success() && checked.stderr.is_empty(), "{checked:?}");
    world.command("completions").arg("tcsh").exits(2);
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let world = World::new(QUICK);
    let listed = world.command("man").args("--out-dir man").exits(0).stdout;
    let written: BTreeSet<&str> = listed.lines().collect();
    for name in commands(&world) {
        let path = format!("man/jules-batch-{}.1", name.replace(' ', "-"));
        assert!(written.contains(&*path), "{path}");
        assert!(world.read(&path).contains(".SH SYNOPSIS"), "{path}");
    }
    for page in &written {
        let text = world.read(page).replace("\\-", "-");
        let others = text.split_whitespace().filter_map(|word| word.strip_suffix("(1)"));
        for other in others {
            assert!(written.contains(&*format!("man/{other}.1")), "{page} names {other}");
        }
    }
    assert_eq!(world.command("man").exits(0).stdout, world.read("man/jules-batch.1"));
}

#[test]
fn the_schemas_are_the_ones_that_are_checked_in() {
    let world = World::new(QUICK);
    let manifest = include_str!("../../schemas/manifest.schema.json");
    let report = include_str!("../../schemas/report.schema.json");
    let scenario = include_str!("../../schemas/scenario.schema.json");
    let notice = include_str!("../../schemas/notice.schema.json");
    let all = [("manifest", manifest), ("report", report), ("notice", notice), ("scenario", scenario)];
    for (what, file) in all {
        let printed = world.command("schema").arg(what).exits(0).stdout;
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(read(&printed), read(file), "{what}");
    }
}

#[test]
fn a_typo_is_answered_with_what_was_meant() {
    let world = World::with(QUICK, &tasks(1));
    at_once(
        [
            ("rnu", "'run'"),
            ("run --max-paralel 3", "'--max-parallel'"),
            ("plan --formxt json", "'--format'"),
            ("report --format hmtml", "'html'"),
            ("session senx 1 x", "'send'"),
            ("run --color alwaxs", "'always'"),
            ("run --fail-on timedout", "timed_out"),
        ],
        |(line, meant)| {
            let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
            let ended = world.command(command).args(rest).exits(2);
            assert!(ended.stderr.contains(meant) && ended.stdout.is_empty(), "{line}: {ended}");
        },
    );
}

#[test]
fn a_flag_wins_over_a_variable_that_contradicts_it() {
    let world = World::with(QUICK, &tasks(1));
    world.command("plan").arg("-v").env("JULES_BATCH_QUIET", "true").exits(0);
    world.run().arg("--failed").env("JULES_BATCH_FRESH", "true").exits(0);
    let ended =
        world.command("plan").env("JULES_BATCH_VERBOSE", "1").env("JULES_BATCH_QUIET", "true").exits(2);
    assert!(ended.stderr.contains("--quiet"), "{ended}");
}

#[test]
fn a_help_text_fits_its_terminal() {
    let world = World::new(QUICK);
    for name in commands(&world) {
        let help = help(&world, &name);
        let lines: Vec<&str> = help.lines().collect();
        // A paragraph that was broken twice has short lines in its middle.
        for pair in lines.windows(2).filter(|pair| pair.iter().all(|line| !line.is_empty())) {
            let prose = pair.iter().all(|line| !line.starts_with(' ')) && !pair[0].ends_with(':');
            let next = pair[1].split(' ').next().unwrap().chars().count();
            let fits = pair[0].chars().count() + 1 + next <= 80;
            assert!(!(prose && fits), "{name}: {pair:?}");
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let world = World::with(QUICK, &tasks(3_000));
    for line in ["plan", "plan --format json", "schema manifest", "completions bash", "man", "help run"] {
        let script = format!("'{}' {line} | head -n 1", env!("CARGO_BIN_EXE_jules-batch"));
        let mut bash = Command::new("bash");
        bash.args(["-o", "pipefail", "-c", &script]).current_dir(world.folder()).env_clear();
        let output =
            bash.env("PATH", std::env::var_os("PATH").unwrap()).stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{line}: {stderr}");
        assert!(
            !output.stdout.is_empty() && !stderr.contains("error") && !stderr.contains("panic"),
            "{stderr}"
        );
    }
}

#[test]
fn colours_follow_flag_environment_and_viewer() {
    type Variables = &'static [(&'static str, &'static str)];
    let cases: [(&str, Variables, bool); 8] = [
        ("", &[], false),
        ("--color always", &[("NO_COLOR", "1")], true),
        ("--color never", &[("FORCE_COLOR", "1")], false),
        ("", &[("CLICOLOR_FORCE", "1")], true),
        ("", &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")], false),
        ("", &[("CI", "true")], false),
        ("", &[("CI", "true"), ("GITHUB_ACTIONS", "true")], true),
        ("", &[("GITLAB_CI", "true"), ("NO_COLOR", "1")], false),
    ];
    at_once(cases, |(flags, variables, coloured)| {
        let world = World::with(QUICK, &tasks(1));
        let run = variables.iter().fold(world.run().args(flags), |run, (name, value)| run.env(name, value));
        let ended = run.exits(0);
        assert_eq!(ended.stderr.contains("\u{1b}["), coloured, "{flags} {variables:?}: {ended}");
        assert!(!ended.stdout.contains('\u{1b}'), "the result has no colours: {ended}");
    });
}

#[test]
fn examples_of_the_help_fit_a_terminal_of_eighty_columns() {
    let world = World::new(QUICK);
    let help = |name: &str| world.command("help").args(name).env("COLUMNS", "400").exits(0).stdout;
    let mut names = commands(&world);
    names.retain(|name| name != "help");
    let session = help("session");
    let below = session.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let below =
        below.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names.extend(below.map(|name| format!("session {name}")));
    for name in &names {
        let text = help(name);
        let examples = text.split_once("Examples:\n").map_or("", |(_, examples)| examples);
        for line in examples.lines().filter(|line| line.starts_with("  ")) {
            assert!(line.chars().count() < 80, "{name}: wrapped in the middle of a command: {line}");
        }
    }
}
