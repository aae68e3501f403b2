//! `jules-batch open`.

use crate::support::{Manifest, Terminal, World, job};

const PULL_REQUESTS: &str = "{ defaults: { duration: 30ms, outcome: pull-request } }";

fn ran() -> World {
    let jobs = [
        job("web", "Tidy.", &["source: my-org/web@main"]),
        job("docs", "Tidy.", &["source: my-org/docs@main"]),
    ];
    let world = World::with(PULL_REQUESTS, &Manifest::of(jobs));
    world.run().exits(0);
    world
}

#[test]
fn the_page_of_a_task_is_printed() {
    let world = ran();
    let open = |line: &str| world.command("open").args(line);
    let page = open("web").exits(0).stdout;
    assert!(page.starts_with("https://github.com/my-org/web/pull/"), "{page}");
    let page = open("web --session").exits(0).stdout;
    assert!(page.contains("/session/"), "{page}");
    assert_eq!(open("").exits(0).stdout.lines().count(), 2);
    let ended = open("my-org").exits(2);
    assert!(ended.stderr.contains("2 tasks are meant"), "{ended}");
    let ended = open("wbe").exits(2);
    assert!(ended.stderr.contains("did you mean"), "{ended}");
}

#[test]
fn whole_words_of_an_id_are_meant_before_parts_of_words() {
    let jobs = ["a", "b"].map(|id| job(id, "Tidy.", &["sources: [my-org/api@main, my-org/api-client@main]"]));
    let world = World::with(PULL_REQUESTS, &Manifest::of(jobs));
    world.run().exits(0);
    let said = |word: &str| world.command("open").arg(word).exits(2).stderr;
    assert!(said("a").contains("2 tasks are meant"), "{}", said("a"));
    assert!(said("my-org/api").contains("b/my-org/api@main") && !said("my-org/api").contains("client"));
    assert!(said("cli").contains("2 tasks are meant"), "{}", said("cli"));
}

#[test]
fn without_a_run_there_is_nothing_to_open() {
    let world = World::new(PULL_REQUESTS);
    let ended = world.command("open").exits(1);
    assert!(ended.stderr.contains("--state-dir"), "{ended}");
}

#[test]
#[cfg(target_os = "linux")]
fn on_a_terminal_the_page_is_opened_as_well() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = ran();
    world.write("bin/xdg-open", "#!/bin/sh\necho \"$@\" >> opened\n");
    std::fs::set_permissions(world.path("bin/xdg-open"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let Some(terminal) = Terminal::open(&world) else { return };
    terminal.enter("jules-batch open docs --print; echo printed $?");
    terminal.until_shown("printed 0");
    terminal.enter("jules-batch open web; echo status $?");
    terminal.until_shown("status 0");
    let page = world.command("open").arg("web").exits(0).stdout;
    assert_eq!(world.read("opened"), page, "that page, and no other");
    world.write("bin/xdg-open", "#!/bin/sh\nexit 3\n");
    terminal.enter("clear; jules-batch open web; echo status $?");
    let screen = terminal.until_shown("status 1");
    assert!(screen.iter().any(|line| line.contains("--print")), "{screen:#?}");
}
