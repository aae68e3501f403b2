//! What people read at the end of a run, and when something is wrong.

use std::fmt::Write as _;

use crate::support::{Ended, Manifest, World, job, redacted};

/// stderr without the lines of progress, whose order and number are the scheduler's.
fn at_the_end(world: &World, ended: &Ended<'_>) -> String {
    let progress = |line: &&str| line.starts_with('[');
    let lines: Vec<_> = ended.stderr.lines().filter(|line| !progress(line)).collect();
    let mut text = redacted(world, &lines.join("\n"));
    // How long it took and how many requests that needed differ from run to run.
    for line in lines.iter().filter(|line| line.starts_with("run ") && line.contains(" in ")) {
        let told = redacted(world, line);
        let kept = told.split(" in ").next().unwrap_or_default();
        text = text.replace(&told, &format!("{kept} in [TIME], [REQUESTS]"));
    }
    text
}

#[test]
fn the_end_of_a_run() {
    let scenario = "{ rules: [\
          { when: { prompt: Break }, then: { outcome: failure, failure-reason: The build is broken. } }, \
          { when: { prompt: Ask }, then: { feedback: { times: 1, question: Left or right? } } }, \
          { when: { prompt: Nothing }, then: { outcome: no-change } }], \
        defaults: { duration: 40ms, outcome: pull-request } }";
    let source = "source: my-org/web@main";
    let manifest = Manifest::of([
        job("fine", "Do it.", &[source]),
        job("broken", "Break it.", &[source]),
        job("asks", "Ask me.", &[source]),
        job("idle", "Nothing to do.", &[source]),
        job("after", "Go on.", &["needs: [broken]", source]),
        job("left", "Do this as well.", &[source]),
    ]);
    let world = World::with(scenario, &manifest);
    let ended = world.run().args("-j 1 --max-tasks 4").exits(100);
    insta::assert_snapshot!(at_the_end(&world, &ended));
    insta::assert_snapshot!("the_result_on_stdout", redacted(&world, &ended.stdout));
}

#[test]
fn errors_name_the_thing_what_is_wrong_and_the_way_out() {
    let world = World::with("{ keys: [another] }", &Manifest::of([job("think", "Think.", &[])]));
    world.write("broken.yaml", "version: 1\nstrategy: { max-paralel: 3 }\njobs:\n  - { id: a, prompt: '${{ matrix.x }}' }\n  - { id: b, prompt: x, needs: [c] }\n");
    world.write("empty.yaml", "");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut text = String::new();
    for (what, code, runner) in [
        ("no manifest", 3, world.command("run").arg("missing.yaml")),
        ("an empty manifest", 3, world.command("run").arg("empty.yaml")),
        ("a broken manifest", 3, world.command("run").arg("broken.yaml")),
        ("a wrong flag", 2, world.run().arg("--max-paralel=3")),
        ("a wrong selection", 2, world.run().args("--select jobs(think)")),
        ("nothing selected", 4, world.run().args("--exclude all()")),
        ("a refused key", 6, world.run()),
        ("no key", 6, world.run().without_env("JULES_API_KEY")),
        ("no service", 75, world.command("run").arg(format!("--base-url=http://{closed}/v1alpha"))),
        ("a report folder that is a file", 110, world.run().args("--report-dir jobs.yaml")),
        ("no state", 1, world.command("status")),
    ] {
        let ended = runner.start().wait();
        writeln!(text, "=== {what}: {}\n{}", ended.code.unwrap(), ended.stderr.trim_end()).unwrap();
        assert_eq!(ended.code, Some(code), "{what}: {ended}");
    }
    insta::assert_snapshot!(redacted(&world, &text));
}
