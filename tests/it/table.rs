//! What `run` starts, whatever went before and whatever is asked for: the table. For each cell what `-n` prints is what
//! starts.

use std::collections::BTreeSet;

use crate::support::{Manifest, World, at_once, job};

/// `b` fails with its first session; `q` asks, and nobody answers.
const SCENARIO: &str = "{ rules: [{ when: { prompt: 'Do b*', nth: 1 }, then: { outcome: failure } }, \
    { when: { prompt: 'Do q*' }, then: { feedback: { times: 1, question: Which? }, outcome: change } }], \
    defaults: { duration: 40ms, outcome: change } }";

/// Jobs of these names, one letter each; a name in upper case has an edited prompt.
fn manifest(jobs: &str) -> Manifest {
    let jobs = jobs.chars().map(|name| {
        let id = name.to_ascii_lowercase().to_string();
        let prompt = if name.is_uppercase() { format!("Do {id}, better.") } else { format!("Do {id}.") };
        job(&id, &prompt, if id == "q" { &["waiting: { user-feedback: detach }"] } else { &[] })
    });
    Manifest::of(jobs.collect::<Vec<_>>())
}

/// What went before: each line of `run` with the jobs that the manifest then had, `~` where it was renamed afterwards.
struct History {
    name: &'static str,
    runs: &'static [(&'static str, &'static str)],
    /// The jobs now.
    now: &'static str,
    /// Whether it is another night, and the manifest one for nights.
    night: bool,
    renamed: bool,
}

const fn history(
    name: &'static str,
    runs: &'static [(&'static str, &'static str)],
    now: &'static str,
) -> History {
    History { name, runs, now, night: false, renamed: false }
}

const HISTORIES: [History; 12] = [
    history("none", &[], "abc"),
    history("all done", &[("ac", "")], "ac"),
    history("some failed", &[("abc", "")], "abc"),
    history("open", &[("abc", "--max-tasks 1 -j 1")], "abc"),
    history("live", &[("acd", "--no-wait -j 1")], "acd"),
    history("a narrower selection", &[("acd", "--select job(a)")], "acd"),
    history("an edited prompt", &[("abc", "")], "ABc"),
    history("added repositories", &[("ac", "")], "acde"),
    history("removed", &[("abcd", "")], "ad"),
    History { renamed: true, ..history("a renamed file", &[("ac", "")], "acd") },
    History { night: true, ..history("another night", &[("abc", "")], "abc") },
    History { night: true, ..history("an unanswered question", &[("aqc", "")], "aqc") },
];

/// In the order of [`HISTORIES`]: what starts or is taken up.
const TABLE: [(&str, [&str; 12]); 8] = [
    ("", ["abc", "", "", "bc", "acd", "cd", "", "de", "", "d", "abc", "aqc"]),
    ("--failed", ["", "", "b", "bc", "acd", "", "b", "", "", "", "b", "q"]),
    ("--fresh", ["abc", "ac", "abc", "abc", "acd", "acd", "abc", "acde", "ad", "acd", "abc", "aqc"]),
    ("--again job(a)", ["abc", "a", "a", "abc", "acd", "acd", "a", "ade", "a", "ad", "abc", "aqc"]),
    ("--select job(a)", ["a", "", "", "", "a", "", "", "", "", "", "a", "a"]),
    ("--sample 1", ["1", "0", "0", "?", "1", "?", "0", "?", "0", "?", "1", "1"]),
    ("--max-tasks 1 -j 1", ["a", "", "", "b", "ac", "c", "", "d", "", "d", "a", "aq"]),
    ("--redo-edited", ["abc", "", "", "bc", "acd", "cd", "a", "de", "", "d", "abc", "aqc"]),
];

/// The first column of what a dry run prints.
fn printed(world: &World, file: &str, flags: &str) -> BTreeSet<String> {
    let ended = world.run().arg(file).args(flags).arg("-n").exits(0);
    ended.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

/// A folder in which all of it has happened, and the manifest's file.
fn after(history: &History) -> (World, &'static str) {
    let world = World::new(SCENARIO);
    let write = |file: &str, jobs: &str| {
        let manifest = manifest(jobs);
        let manifest = if history.night { manifest.set("repeat", "1ms") } else { manifest };
        world.write(file, &manifest.to_string());
    };
    for (jobs, flags) in history.runs {
        write("jobs.yaml", jobs);
        world.run().args(flags).start().wait();
    }
    world.until(|world| {
        world.sessions().iter().all(|it| it.ended_at.is_some() || it.prompt.starts_with("Do q"))
    });
    let file = if history.renamed { "campaign.yaml" } else { "jobs.yaml" };
    if history.renamed {
        std::fs::remove_file(world.path("jobs.yaml")).unwrap();
    }
    write(file, history.now);
    (world, file)
}

#[test]
fn what_starts_is_a_table_and_what_a_dry_run_prints() {
    for (flags, row) in TABLE {
        at_once(HISTORIES.iter().zip(row), |(history, expected)| check(history, flags, expected));
    }
}

fn check(history: &History, flags: &str, expected: &str) {
    let cell = format!("{flags:?} after {}", history.name);
    let (world, file) = after(history);
    let before: Vec<_> = world.sessions().into_iter().map(|it| (it.id, it.prompt)).collect();
    let foretold = printed(&world, file, flags);
    match expected {
        "?" => {}
        "0" | "1" => assert_eq!(foretold.len().to_string(), expected, "{cell}: {foretold:?}"),
        _ => assert_eq!(foretold, expected.chars().map(String::from).collect(), "printed: {cell}"),
    }
    let last = world.last_invocation().1;
    let ended = world.run().arg(file).args(flags).start().wait();
    assert_eq!(world.started_since(&last), foretold, "started: {cell}: {ended}");
    let beside: Vec<_> = world.statistics().second_sessions.into_iter().filter(|it| it.while_live).collect();
    assert_eq!(beside, [], "{cell}");
    // Nothing that is done is done again, unless it was told to be.
    let new = world.sessions().into_iter().skip(before.len()).map(|it| it.prompt[3..4].to_owned());
    let told = |name: &str| {
        let all = flags == "--fresh" || history.night;
        all || (flags.starts_with("--again") && name == "a") || (flags == "--redo-edited" && name == "a")
    };
    for name in new.filter(|name| !told(name)) {
        let was_done = before.iter().any(|(_, prompt)| prompt[3..4] == *name) && name != "b";
        assert!(!was_done, "{name} was done twice: {cell}: {ended}");
    }
}
