//! Everything at once: lost answers, pushes between reading and merge, late red checks, limits, kills; judged by the service's own
//! books.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{QUICK, check, pulls, sound, with_github};
use crate::support::{World, at_once, tasks};

const FAULTS: &str = "faults:
- { kind: error-before, on: github-reads, probability: 0.05 }
- { kind: partial, on: graphql/query, every: 5, share: 0.4 }
- { kind: push-before, on: pulls/merge, probability: 0.25 }
- { kind: reset-after, on: github-writes, probability: 0.2 }
- { kind: reset-before, on: github-writes, probability: 0.1 }
- { kind: secondary-limit, on: pulls/merge, nth: [3, 7], retry-after: 1s }
";

fn storm(seed: u64) -> World {
    let late = "{ name: nightly, appears: 1500ms, queued: 0s, lasts: 0s, ends: failure, probability: 0.3 }";
    let deeds = "deeds: [{ does: push, after: 2s, by: mallory, probability: 0.2 }]";
    let scenario = format!(
        "seed: {seed}\n{QUICK}sources: [{{ repo: my-org/web }}]\n\
         github: {{ repositories: [{{ mergeable-after: 50ms, settles-after-merge: 800ms }}] }}\n{FAULTS}\
         rules: [{{ when: {{}}, then: {{ on-github: {{ checks: [{}, {late}], {deeds} }} }} }}]\n",
        check("build", "success")
    );
    let world = World::with(&scenario, &tasks(5));
    with_github(world.run(), &world).start().wait();
    world
}

#[test]
fn no_storm_merges_what_was_not_green_twice_or_what_somebody_else_has_touched() {
    let all = AtomicUsize::new(0);
    at_once(1..=4_u64, |seed| {
        let world = storm(seed);
        for round in 0..3_u64 {
            let mut merging = pulls(&world, "merge --settle 700ms --yes").start();
            // The last one is let to its end.
            if round < 2 {
                std::thread::sleep(Duration::from_millis(2_000 + 700 * (seed + round)));
                merging.kill();
                merging.wait();
                // What was killed may have written a moment ago.
                std::thread::sleep(Duration::from_millis(100));
            } else {
                let ended = merging.wait();
                assert!(matches!(ended.code, Some(0 | 1 | 5)), "seed {seed}: {ended}");
            }
        }
        let github = world.statistics().github;
        let merged: Vec<_> = github.merges.iter().map(|merge| &merge.url).collect();
        assert!(
            merged.iter().all(|url| merged.iter().filter(|it| it == &url).count() == 1),
            "twice: {merged:?}"
        );
        sound(&world);
        for merge in &github.merges {
            assert!(merge.green_shown_for_ms.is_some_and(|length| length >= 700.0), "seed {seed}: {merge:?}");
        }
        all.fetch_add(merged.len(), Ordering::Relaxed);
    });
    assert!(all.into_inner() > 4, "most were to be merged in spite of it all");
}
