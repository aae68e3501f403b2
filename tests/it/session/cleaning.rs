//! `session archive`, `unarchive` and `delete`.

use super::{LONG, QUICK, created, finished, session};
use crate::support::World;

#[test]
fn many_are_archived_and_taken_out_again() {
    let world = World::new(QUICK);
    let ids = [finished(&world, "One"), finished(&world, "Two")].join(" ");
    let ended = session(&world, &format!("archive --yes {ids}")).exits(0);
    assert_eq!(ended.stdout.lines().filter(|line| line.ends_with("\tarchived")).count(), 2, "{ended}");
    assert!(world.sessions().iter().all(|session| session.archived));
    session(&world, &format!("unarchive {ids}")).exits(0);
    assert!(!world.sessions().iter().any(|session| session.archived));
}

#[test]
fn nothing_goes_without_a_yes() {
    let world = World::new(LONG);
    let id = created(&world, "One");
    for verb in ["archive", "delete"] {
        let ended = session(&world, &format!("{verb} {id}")).exits(2);
        assert!(ended.stderr.contains("--yes"), "{ended}");
    }
    assert!(!world.sessions()[0].archived && !world.sessions()[0].deleted);
}

#[test]
fn one_that_fails_does_not_stop_the_others() {
    let world = World::new(QUICK);
    let (one, two) = (finished(&world, "One"), finished(&world, "Two"));
    let ended = session(&world, &format!("delete --yes {one} 999 {two} {two}")).exits(1);
    assert!(ended.stderr.contains("session 999") && ended.stderr.contains("1 of 3 sessions"), "{ended}");
    assert!(world.sessions().iter().all(|session| session.deleted));
    assert_eq!(world.requests("sessions.delete"), 3);
}
