//! Which repositories belong to which wave.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::outcome::share_of;
use crate::plan::{WaveOrder, WaveSize, Waves};

/// The repositories, each once and in the manifest's order, as waves. None is empty.
pub(crate) fn split(repositories: &[String], terms: &Waves) -> Vec<Vec<String>> {
    let mut rest = new_ones(repositories, BTreeSet::new());
    if terms.order == WaveOrder::Spread {
        rest.sort_by_cached_key(|name| Sha256::digest(name.to_ascii_lowercase()).to_vec());
    }
    let all = rest.len();
    let mut sizes = terms.sizes.iter();
    let (mut waves, mut size) = (Vec::new(), &WaveSize::Percent(100.0));
    while !rest.is_empty() {
        size = sizes.next().unwrap_or(size);
        waves.push(rest.drain(..size.of(all).min(rest.len())).collect());
    }
    waves
}

/// The same waves with those repositories that are in none: they join the last one that has begun, at this place. None if
/// all are in one.
pub(crate) fn joined(
    waves: &[Vec<String>],
    repositories: &[String],
    last_begun: usize,
) -> Option<Vec<Vec<String>>> {
    let new = new_ones(repositories, waves.iter().flatten().map(|name| name.to_ascii_lowercase()).collect());
    let mut joined = waves.to_vec();
    joined.get_mut(last_begun).filter(|_| !new.is_empty())?.extend(new);
    Some(joined)
}

fn new_ones(repositories: &[String], mut known: BTreeSet<String>) -> Vec<String> {
    repositories.iter().filter(|name| known.insert(name.to_ascii_lowercase())).cloned().collect()
}

impl WaveSize {
    fn of(self, all: usize) -> usize {
        match self {
            Self::Count(count) => count.max(1),
            Self::Percent(share) => share_of(share, all).max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
        numbers.into_iter().map(|number| format!("my-org/svc-{number:02}")).collect()
    }

    fn terms(sizes: &[WaveSize], order: WaveOrder) -> Waves {
        Waves { sizes: sizes.to_vec(), order, ..Waves::default() }
    }

    #[test]
    fn sizes_are_counts_and_shares_and_the_last_one_repeats() {
        use WaveSize::{Count, Percent};
        let lens = |sizes: &[WaveSize]| -> Vec<usize> {
            split(&names(0..60), &terms(sizes, WaveOrder::Manifest)).iter().map(Vec::len).collect()
        };
        assert_eq!(lens(&[Count(2), Percent(10.0), Percent(100.0)]), [2, 6, 52]);
        assert_eq!(lens(&[Percent(1.0), Count(25)]), [1, 25, 25, 9]);
        assert_eq!(lens(&[]), [60]);
    }

    #[test]
    fn new_repositories_join_the_last_wave_that_has_begun() {
        let waves = [names([0]), names([1]), names([2])];
        let all = ["My-Org/svc-01", "my-org/new", "My-org/NEW"].map(str::to_owned);
        let grown = joined(&waves, &all, 1).unwrap();
        assert_eq!(grown[1], ["my-org/svc-01", "my-org/new"]);
        assert_eq!(joined(&grown, &all, 1), None, "all are in one");
    }

    proptest! {
        #[test]
        fn every_repository_is_in_one_wave(
            all in 0..80_usize, sizes in prop::collection::vec((0..30_usize, any::<bool>()), 0..4), spread in any::<bool>(),
        ) {
            let names = names(0..all);
            let size = |(n, share)| if share { WaveSize::Percent(n as f64) } else { WaveSize::Count(n) };
            let order = if spread { WaveOrder::Spread } else { WaveOrder::Manifest };
            let terms = terms(&sizes.into_iter().map(size).collect::<Vec<_>>(), order);
            let waves = split(&names, &terms);
            prop_assert!(waves.iter().all(|wave| !wave.is_empty()));
            let mut found: Vec<String> = waves.iter().flatten().cloned().collect();
            if !spread {
                prop_assert_eq!(&found, &names);
            }
            found.sort_unstable();
            prop_assert_eq!(&found, &names);
            let turned: Vec<String> = names.iter().rev().cloned().collect();
            prop_assert!(!spread || split(&turned, &terms) == waves, "a hash knows no order");
        }
    }
}
