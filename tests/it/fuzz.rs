//! What the fuzz targets check, for a moment: their corpus as it is, and with random damage.
//!
//! `cargo fuzz` goes on from here for as long as one likes; see docs/client.md.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

#[path = "../../fuzz/checks/activity.rs"]
mod activity;
#[path = "../../fuzz/checks/diff.rs"]
mod diff;
#[path = "../../fuzz/checks/manifest.rs"]
mod manifest;
#[path = "../../fuzz/checks/name.rs"]
mod name;
#[path = "../../fuzz/checks/report.rs"]
mod report;
#[path = "../../fuzz/checks/session.rs"]
mod session;

type Check = fn(&[u8]);

const TARGETS: [(&str, Check); 6] = [
    ("activity", activity::check),
    ("diff", diff::check),
    ("manifest", manifest::check),
    ("name", name::check),
    ("report", report::check),
    ("session", session::check),
];

/// The texts that a target begins with.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn every_target_is_checked_with_its_corpus() {
    let targets = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets")).unwrap();
    let mut names: Vec<_> = targets.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, TARGETS.map(|(name, _)| format!("{name}.rs")));
    for (name, check) in TARGETS {
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "{name}");
        corpus.iter().for_each(|bytes| check(bytes));
    }
}

/// Something that goes wrong with a text.
#[derive(Clone, Debug)]
enum Damage {
    /// A byte is another one.
    Byte(Index, u8),
    /// A stretch is gone.
    Cut(Index, usize),
    /// A stretch of another text, or of the same, stands there as well.
    Paste(Index, Index, Index, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        (any::<Index>(), 1_usize..40).prop_map(|(at, length)| Damage::Cut(at, length)),
        (any::<Index>(), any::<Index>(), any::<Index>(), 1_usize..80)
            .prop_map(|(at, from, start, length)| Damage::Paste(at, from, start, length)),
    ]
}

fn damaged(mut text: Vec<u8>, corpus: &[Vec<u8>], damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        let length = text.len();
        // Behind the last byte is a place as well.
        let place = |index: &Index| index.index(length + 1);
        let end = |start: usize, stretch: usize, length: usize| start.saturating_add(stretch).min(length);
        match damage {
            Damage::Byte(at, byte) => {
                let at = place(at);
                text.splice(at..end(at, 1, length), [*byte]);
            }
            Damage::Cut(at, stretch) => {
                let at = place(at);
                text.drain(at..end(at, *stretch, length));
            }
            Damage::Paste(at, from, start, stretch) => {
                let from = &corpus[from.index(corpus.len())];
                let start = start.index(from.len() + 1);
                let pasted = from[start..end(start, *stretch, from.len())].to_vec();
                let at = place(at);
                text.splice(at..at, pasted);
            }
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_damage_is_too_odd(
        from in any::<Index>(),
        damages in prop::collection::vec(damage(), 1..12),
    ) {
        for (name, check) in TARGETS {
            let corpus = corpus(name);
            check(&damaged(corpus[from.index(corpus.len())].clone(), &corpus, &damages));
        }
    }
}
