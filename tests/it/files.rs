//! What stands where the program's files go: links, pipes, other people's files.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use jules_batch::outcome::Outcome;

use crate::support::{Ended, Manifest, Runner, World, at_once, job, tasks};

const PROGRAM: &str = env!("CARGO_BIN_EXE_jules-batch");

fn world() -> World {
    World::with(
        "{ defaults: { duration: 40ms, outcome: change } }",
        &Manifest::of([job("a", "Do it.", &["source: my-org/web@main"])]),
    )
}

fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// What reads and writes the ledger ends soon and says what is in the way.
fn each_command(world: &World, told: &str) {
    let is_told = |ended: &Ended<'_>| ended.stderr.contains(told) || ended.stdout.contains(told);
    let run = world.run().start().wait();
    assert!(run.code != Some(0) && is_told(&run), "{run}");
    world.created(0);
    let address = |name| world.command(name).env("JULES_BASE_URL", world.service().url());
    for name in ["status", "doctor"] {
        let ended = address(name).start().wait();
        assert!(ended.code.is_some() && (told.is_empty() || is_told(&ended)), "{ended}");
    }
}

#[test]
fn a_link_in_the_state_folder_is_not_followed() {
    for name in ["ledger.lock", "ledger.db", "ledger.db-wal", "ledger.db-journal"] {
        let world = world();
        world.write("mine", "all my work");
        fs::set_permissions(world.path("mine"), fs::Permissions::from_mode(0o644)).unwrap();
        fs::create_dir(world.path(".jules-batch")).unwrap();
        symlink(world.path("mine"), world.path(".jules-batch").join(name)).unwrap();
        let run = world.run().start().wait();
        assert!(run.code != Some(0) && run.stderr.contains("it is a link"), "{name}: {run}");
        world.created(0);
        assert_eq!(
            (world.read("mine").as_str(), mode(&world.path("mine"))),
            ("all my work", 0o644),
            "{name}"
        );
        for command in ["status", "doctor"] {
            let ended = world.command(command).env("JULES_BASE_URL", world.service().url()).start().wait();
            assert!(ended.code.is_some(), "{ended}");
        }
        assert_eq!(
            (world.read("mine").as_str(), mode(&world.path("mine"))),
            ("all my work", 0o644),
            "{name}"
        );
    }
}

#[test]
fn a_pipe_in_the_state_folder_is_not_waited_for() {
    for (name, told) in [("ledger.db", "it is no regular file"), ("ledger.db-wal", "it is no regular file")] {
        let world = world();
        fs::create_dir(world.path(".jules-batch")).unwrap();
        mkfifo(&world.path(".jules-batch").join(name));
        each_command(&world, told);
    }
    let world = world();
    world.run().exits(0);
    fs::remove_file(world.path(".jules-batch/ledger.lock")).unwrap();
    mkfifo(&world.path(".jules-batch/ledger.lock"));
    world.command("status").exits(0);
    world.command("doctor").env("JULES_BASE_URL", world.service().url()).start().wait();
    let run = world.run().start().wait();
    assert!(run.code != Some(0) && run.stderr.contains("it is no regular file"), "{run}");
}

#[test]
fn a_pipe_as_the_manifest_is_not_waited_for() {
    let world = world();
    fs::remove_file(world.path("jobs.yaml")).unwrap();
    mkfifo(&world.path("jobs.yaml"));
    for command in ["run", "plan"] {
        let ended = world.command(command).env("JULES_BASE_URL", world.service().url()).exits(3);
        assert!(ended.stderr.contains("is no regular file"), "{ended}");
    }
    world.command("doctor").env("JULES_BASE_URL", world.service().url()).start().wait();
}

#[test]
fn a_manifest_may_come_through_a_pipe_of_the_shell() {
    let world = world();
    let mut running = world.command("plan").arg("/dev/stdin").start();
    running.tell(&world.read("jobs.yaml"));
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
}

#[test]
fn a_dash_is_no_manifest() {
    let world = world();
    for command in ["plan -", "run - --simulate"] {
        let ended = world.shell(&format!("cat jobs.yaml | '{PROGRAM}' {command}"));
        assert_eq!(ended.code, Some(3), "{ended}");
        assert!(
            ended.stderr.contains("what is piped in is /dev/stdin") && !ended.stderr.contains("init"),
            "{ended}"
        );
    }
}

#[test]
fn a_pipe_gets_a_report_and_stays_a_pipe() {
    let world = world();
    for name in ["junit", "events"] {
        mkfifo(&world.path(name));
    }
    let running = world.run().args("--junit junit --events events").start();
    let reads = ["junit", "events"].map(|name| {
        let path = world.path(name);
        std::thread::spawn(move || fs::read_to_string(path).unwrap())
    });
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended}");
    let [junit, events] = reads.map(|read| read.join().unwrap());
    assert_eq!(junit, world.read("jules-report/junit.xml"), "once, at the end");
    let kinds = events.lines().filter(|line| line.starts_with("{\"v\":1,\"seq\":")).count();
    assert!(kinds > 3 && events.lines().count() == kinds, "{events}");
    for name in ["junit", "events"] {
        assert!(fs::symlink_metadata(world.path(name)).unwrap().file_type().is_fifo());
    }
}

#[test]
fn a_file_that_is_no_report_is_not_replaced() {
    let world = world();
    let manifest = world.read("jobs.yaml");
    for flag in ["--json", "--junit", "--events"] {
        let ended = world.run().args(flag).arg("jobs.yaml").start().wait();
        assert!(ended.code != Some(0) && ended.stderr.contains("help: name another file"), "{ended}");
        assert_eq!(world.read("jobs.yaml"), manifest);
    }
    world.write("summary.md", "# What we did\n");
    let ended = world.run().args("--report-dir .").start().wait();
    assert!(ended.code != Some(0) && ended.stderr.contains("summary.md"), "{ended}");
    assert_eq!(world.read("summary.md"), "# What we did\n");
    world.created(0);
    // What a run has written is replaced by the next one, and an empty file is nobody's.
    world.write("all.json", "");
    world.run().args("--json all.json --events e --junit x.xml").exits(0);
    world.run().args("--json all.json --events e --junit x.xml --fresh").exits(0);
}

#[test]
fn one_file_is_for_one_report() {
    let world = world();
    fs::create_dir(world.path("folder")).unwrap();
    symlink("folder", world.path("link")).unwrap();
    for (flags, first, second) in [
        ("--junit x --json x", "--junit", "--json"),
        ("--junit x --json ./x", "--junit", "--json"),
        ("--junit folder/x --json link/x", "--junit", "--json"),
        ("--junit new/x --json NEW/X", "--junit", "--json"),
        ("--json x --events folder/../x", "--json", "--events"),
        ("--report-dir out --json out/junit.xml", "--report-dir", "--json"),
        ("--report-dir out --junit out/events.jsonl", "--junit", "--report-dir"),
    ] {
        let ended = world.run().args(flags).exits(2);
        let told = format!("{first} and {second} would write different reports to ");
        assert!(ended.stderr.contains(&told), "{flags}: {ended}");
        assert!(!world.path("x").exists() && !world.path("out").exists(), "{flags}");
    }
    world.created(0);
    world.run().args("--junit /dev/null --json /dev/null --events jules-report/events.jsonl").exits(0);
    let merge = |flags| world.command("merge").arg("jules-report/report.json").args(flags);
    merge("--report-dir all --json y --junit y").exits(2);
    merge("--report-dir all --json all/report.json").exits(0);
}

#[test]
fn what_a_run_reads_is_not_replaced_though_it_is_empty() {
    let jobs = [
        job("a", "Do it.", &["source: my-org/web@main"]),
        "{ id: b, prompt-file: ci/b.md }".to_owned(),
        job("c", "Do it.", &["sources: [{ file: ci/repositories.txt }]"]),
    ];
    let world = World::with("{ defaults: { duration: 40ms, outcome: change } }", &Manifest::of(jobs));
    fs::create_dir(world.path("ci")).unwrap();
    for file in ["ci/b.md", "ci/repositories.txt"] {
        world.write(file, "");
    }
    for flag in ["--json", "--junit", "--events"] {
        for file in ["ci/b.md", "./ci/repositories.txt"] {
            let ended = world.run().arg(flag).arg(file).exits(2);
            assert!(ended.stderr.contains("is read, and would be overwritten"), "{ended}");
            assert_eq!(world.read(file), "");
        }
    }
    world.created(0);
    let scenario = world.path("ci/scenario.yaml");
    fs::write(&scenario, "").unwrap();
    let flag = format!("--simulate={}", scenario.display());
    let ended = world.command("run").arg(flag).args("--json ci/scenario.yaml").exits(2);
    assert!(ended.stderr.contains("is read, and would be overwritten"), "{ended}");
}

#[test]
fn a_pipe_in_the_report_folder_stays_a_pipe() {
    let world = world();
    fs::create_dir(world.path("jules-report")).unwrap();
    let path = world.path("jules-report/junit.xml");
    mkfifo(&path);
    // A link is a stranger's, and leads nowhere.
    symlink(world.path("elsewhere"), world.path("jules-report/summary.md")).unwrap();
    mkfifo(&world.path("elsewhere"));
    let running = world.run().start();
    let read = {
        let path = path.clone();
        std::thread::spawn(move || fs::read_to_string(path).unwrap())
    };
    let ended = running.wait();
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo());
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(read.join().unwrap().contains("<testsuite"));
    assert!(fs::symlink_metadata(world.path("jules-report/summary.md")).unwrap().is_file());
}

#[test]
fn merge_does_not_replace_what_it_reads() {
    let world = world();
    world.run().exits(0);
    let report = world.read("jules-report/report.json");
    let ended = world
        .command("merge")
        .args("jules-report/report.json --json jules-report/report.json")
        .start()
        .wait();
    assert!(ended.code == Some(2) && ended.stderr.contains("would be overwritten"), "{ended}");
    let ended = world.command("merge").args("jules-report/report.json").exits(2);
    assert!(ended.stderr.contains("name another file or folder"), "{ended}");
    fs::copy(world.path("jules-report/report.json"), world.path("jules-report/report.ctrf.json")).unwrap();
    world.command("merge").args("jules-report/report.ctrf.json --report-dir ./jules-report/").exits(2);
    assert_eq!(world.read("jules-report/report.json"), report);
    world.command("merge").args("jules-report/report.json --report-dir all").exits(0);
}

#[test]
fn merge_takes_one_report_of_stdin() {
    let world = world();
    world.run().exits(0);
    let merge = |files: &str| {
        world.shell(&format!("cat jules-report/report.json | '{PROGRAM}' merge {files} --json -"))
    };
    let ended = merge("-");
    assert!(ended.code == Some(0) && ended.stdout.contains("\"totals\""), "{ended}");
    let ended = merge("- -");
    assert!(ended.code == Some(2) && ended.stderr.contains("`-` is given twice"), "{ended}");
    let ended = world.shell(&format!("'{PROGRAM}' merge - </dev/null"));
    assert!(ended.code == Some(2) && ended.stderr.contains("cannot read stdin"), "{ended}");
}

#[test]
fn others_may_read_a_report_and_not_change_it() {
    let world = world();
    world.run().args("--json .jules-batch/all.json --events .jules-batch/events").exits(0);
    for file in ["report.json", "junit.xml", "report.html", "events.jsonl"] {
        assert_eq!(mode(&world.path("jules-report").join(file)) & 0o022, 0, "{file}");
    }
    for file in ["all.json", "events", "ledger.db"] {
        assert_eq!(mode(&world.path(".jules-batch").join(file)) & 0o077, 0, "{file}");
    }
}

#[test]
fn a_report_beside_simulated_runs_is_for_nobody_else() {
    let world = world();
    let dir = ".jules-batch";
    let flags = format!("--simulate --report-dir {dir} --json {dir}/all.json");
    assert!(world.run().args(&flags).start().wait().code.is_some());
    for file in ["report.json", "junit.xml", "report.html", "events.jsonl", "all.json"] {
        assert_eq!(mode(&world.path(dir).join(file)) & 0o077, 0, "{file}");
    }
}

#[test]
fn what_is_read_is_a_file_of_a_size_that_it_may_have() {
    let world = world();
    mkfifo(&world.path("pipe"));
    fs::File::create(world.path("huge")).unwrap().set_len(300 << 20).unwrap();
    let read = [
        "merge IT --report-dir all",
        "report --from IT --format json",
        "simulate --scenario IT",
        "run --simulate=IT",
        "init other.yaml --from-workflow IT",
        "session send 1 --file IT",
        "plan IT",
    ];
    for (name, told) in [
        ("pipe", "is no regular file"),
        ("huge", "is larger than "),
        ("/dev/zero", "is larger than "),
        (".", "is a folder"),
        ("missing", "does not exist"),
    ] {
        for words in read {
            let words = words.replace("IT", name);
            let mut words = words.split(' ');
            let command = world.command(words.next().unwrap()).env("JULES_BASE_URL", world.service().url());
            let ended = words.fold(command, Runner::arg).start().wait();
            assert!(matches!(ended.code, Some(2 | 3)) && ended.stderr.contains(told), "{name}: {ended}");
        }
    }
    fs::remove_file(world.path("pipe")).unwrap();
    world.run().exits(0);
    let mut running = world.command("merge").args("- --report-dir all").start();
    running.tell(&world.read("jules-report/report.json"));
    assert_eq!(running.wait().code, Some(0));
}

#[test]
fn a_link_from_one_report_to_another_is_replaced() {
    let world = world();
    fs::create_dir(world.path("out")).unwrap();
    fs::write(world.path("out/report.json"), "").unwrap();
    symlink("report.json", world.path("out/junit.xml")).unwrap();
    world.run().args("--report-dir out").exits(0);
    assert!(fs::symlink_metadata(world.path("out/junit.xml")).unwrap().is_file());
    assert!(
        world.read("out/junit.xml").starts_with("<?xml") && world.read("out/report.json").starts_with('{')
    );
}

#[test]
fn too_few_files_for_any_command_are_an_error() {
    at_once(4..24, |limit| {
        let world = world();
        for flag in ["--simulate", "-n"] {
            let ended = world.run().arg(flag).with_open_files(limit).start().wait();
            assert!(ended.code.is_some_and(|code| code != 101), "{limit}: {ended}");
            let is_told = ended.code == Some(1) && ended.stderr.contains("ulimit -n");
            assert!(is_told, "{limit}: {ended}");
        }
    });
}

/// Wherever the limit is met: by the program's own start, the ledger, a report, a connection.
#[test]
fn too_many_open_files_have_a_way_out_of_their_own() {
    let manifest = tasks(40).set("strategy", "{ max-parallel: 40 }");
    at_once((8..48).step_by(2), |limit| {
        let world = World::with("{ defaults: { duration: 300ms, outcome: change } }", &manifest);
        let ended = world.run().arg("--deadline").arg("3s").with_open_files(limit).start().wait();
        if !format!("{ended}").contains("Too many open files") {
            return;
        }
        assert!(ended.stderr.contains("ulimit -n"), "{limit}: {ended}");
        for wrong in ["make room", "writable folder", "try again later"] {
            assert!(!ended.stderr.contains(wrong), "{limit}: {ended}");
        }
        let has_report = world.path("jules-report/report.json").exists();
        assert!(!has_report || ended.count(Outcome::Error) == 0, "{limit}: {ended}");
        world.run().arg("--failed").exits(0);
        assert_eq!(world.statistics().duplicates, []);
        assert!(world.statistics().created <= 40, "{limit}: {ended}");
    });
}

#[test]
fn folders_that_a_run_makes_are_left_out_by_git() {
    let world = World::with("{ defaults: { duration: 20ms } }", &tasks(1));
    fs::create_dir(world.path("mine")).unwrap();
    world.run().exits(0);
    world.run().args("--report-dir mine").exits(0);
    for folder in [".jules-batch", "jules-report"] {
        assert_eq!(world.read(&format!("{folder}/.gitignore")), "# Made by jules-batch.\n*\n");
    }
    assert!(!world.path("mine/.gitignore").exists(), "it was there before");
}

#[test]
fn a_file_of_the_ledger_is_no_place_for_a_report() {
    for file in ["ledger.db", "ledger.lock", "ledger.db-wal"] {
        let world = world();
        for flag in ["--json", "--junit", "--events"] {
            let path = format!(".jules-batch/{file}");
            let ended = world.run().arg(flag).arg(&path).exits(110);
            assert!(ended.stderr.contains("the name of a file of the ledger"), "{ended}");
            assert!(!world.path(&path).exists(), "{flag} {file}");
        }
        world.created(0);
    }
}
