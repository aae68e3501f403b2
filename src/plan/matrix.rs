//! A job's matrix, expanded by GitHub's rules.
//!
//! The rules are those of "Running variations of jobs in a workflow" in GitHub's documentation: the first key varies
//! slowest; `exclude` works before `include`; an `include` extends every combination whose original values it does
//! not change, else it becomes a combination of its own. Our addition: both may name a `source`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::manifest::{Entry, Matrix};

/// The values of one task, in the order of the matrix; keys that an `include` adds come after.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Combination(pub(super) Vec<(Arc<str>, Value)>);

impl Combination {
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| &**name == key).map(|(_, value)| value)
    }

    fn set(&mut self, key: &Arc<str>, value: Value) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, slot)) => *slot = value,
            None => self.0.push((Arc::clone(key), value)),
        }
    }

    pub(super) fn to_map(&self) -> BTreeMap<String, Value> {
        self.0.iter().map(|(key, value)| (key.to_string(), value.clone())).collect()
    }
}

/// How a source answers to the `source` key of `exclude` and `include`.
#[derive(Clone, Copy, Debug)]
pub(super) struct SourceNames<'a> {
    pub(super) github: &'a str,
    pub(super) branch: Option<&'a str>,
}

impl SourceNames<'_> {
    fn answers_to(self, value: &Value) -> bool {
        let Value::String(text) = value else { return false };
        match text.split_once('@') {
            Some((github, branch)) => github.eq_ignore_ascii_case(self.github) && self.branch == Some(branch),
            None => text.eq_ignore_ascii_case(self.github),
        }
    }
}

/// How many combinations the dimensions make before `exclude` and `include`; `None` beyond what a number can hold.
pub(super) fn product(matrix: &Matrix) -> Option<usize> {
    if matrix.dimensions.is_empty() {
        return Some(0);
    }
    matrix.dimensions.iter().try_fold(1_usize, |n, dimension| n.checked_mul(dimension.values.value.len()))
}

/// Whether the combinations differ from source to source.
pub(super) fn names_sources(matrix: &Matrix) -> bool {
    matrix.exclude.iter().chain(&matrix.include).any(|entry| entry.value.get("source").is_some())
}

/// Every combination for a source; the caller has checked that [`product`] is not too large.
pub(super) fn combinations(matrix: &Matrix, source: Option<SourceNames<'_>>) -> Vec<Combination> {
    let original: Vec<Arc<str>> =
        matrix.dimensions.iter().map(|dimension| dimension.name.as_str().into()).collect();
    let mut combinations = multiplied(matrix, &original);
    combinations.retain(|combination| {
        !matrix.exclude.iter().any(|entry| excludes(&entry.value, combination, source))
    });
    let fit_to = combinations.len();
    for entry in &matrix.include {
        include(&entry.value, &original, source, &mut combinations, fit_to);
    }
    combinations
}

fn multiplied(matrix: &Matrix, names: &[Arc<str>]) -> Vec<Combination> {
    let sizes: Vec<usize> = matrix.dimensions.iter().map(|dimension| dimension.values.value.len()).collect();
    let mut combinations = Vec::with_capacity(product(matrix).unwrap_or(0));
    if names.is_empty() || sizes.contains(&0) {
        return combinations;
    }
    let mut digits = vec![0_usize; names.len()];
    loop {
        let value = |at: usize| matrix.dimensions[at].values.value[digits[at]].value.0.clone();
        combinations
            .push(Combination((0..names.len()).map(|at| (Arc::clone(&names[at]), value(at))).collect()));
        // Count up like an odometer: the last key turns fastest.
        let Some(at) = (0..digits.len()).rev().find(|&at| digits[at] + 1 < sizes[at]) else {
            return combinations;
        };
        digits[at] += 1;
        digits[at + 1..].fill(0);
    }
}

fn excludes(entry: &Entry, combination: &Combination, source: Option<SourceNames<'_>>) -> bool {
    entry.iter().all(|(key, wanted)| {
        if key.as_str() == "source" {
            return source.is_some_and(|source| source.answers_to(&wanted.value.0));
        }
        combination.get(key).is_some_and(|value| covers(&wanted.value.0, value))
    })
}

/// Whether `value` has everything that `wanted` names; mappings may have more.
fn covers(wanted: &Value, value: &Value) -> bool {
    match (wanted, value) {
        (Value::Object(wanted), Value::Object(value)) => {
            wanted.iter().all(|(key, wanted)| value.get(key).is_some_and(|value| covers(wanted, value)))
        }
        (wanted, value) => wanted == value,
    }
}

fn include(
    entry: &Entry,
    original: &[Arc<str>],
    source: Option<SourceNames<'_>>,
    combinations: &mut Vec<Combination>,
    fit_to: usize,
) {
    if let Some(wanted) = entry.get("source")
        && !source.is_some_and(|source| source.answers_to(&wanted.value.0))
    {
        return;
    }
    let is_original = |key: &str| original.iter().any(|name| &**name == key);
    let values: Vec<(Arc<str>, &Value)> = entry
        .iter()
        .filter(|(key, _)| key.as_str() != "source")
        .map(|(key, value)| (key.as_str().into(), &value.value.0))
        .collect();
    let mut fitted = false;
    for combination in &mut combinations[..fit_to] {
        let changes =
            |(key, value): &(Arc<str>, &Value)| is_original(key) && combination.get(key) != Some(*value);
        if values.iter().any(changes) {
            continue;
        }
        fitted = true;
        for (key, value) in values.iter().filter(|(key, _)| !is_original(key)) {
            combination.set(key, (*value).clone());
        }
    }
    if !fitted {
        combinations.push(Combination(values.into_iter().map(|(key, value)| (key, value.clone())).collect()));
    }
}
