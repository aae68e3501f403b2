//! A job's matrix, expanded by GitHub's rules.
//!
//! The rules are those of "Running variations of jobs in a workflow" in GitHub's documentation: the first key varies
//! slowest; `exclude` works before `include`; an `include` extends every combination whose original values it does
//! not change, else it becomes a combination of its own. Values are the same where GitHub's `==` says so, and keys are
//! without case. Our addition: both may name a `source`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::equality::{holds, same_text};
use crate::manifest::{Entry, Literal, Matrix, Span};

/// The values of one task, in the order of the matrix; keys that an `include` adds come after.
#[derive(Clone, Debug)]
pub(super) struct Combination(pub(super) Vec<(Arc<str>, Literal)>);

impl Combination {
    fn get(&self, key: &str) -> Option<&Literal> {
        self.0.iter().find(|(name, _)| same_text(name, key)).map(|(_, value)| value)
    }

    fn set(&mut self, key: &Arc<str>, value: Literal) {
        match self.0.iter_mut().find(|(name, _)| same_text(name, key)) {
            Some((_, slot)) => *slot = value,
            None => self.0.push((Arc::clone(key), value)),
        }
    }

    pub(super) fn to_map(&self) -> BTreeMap<String, serde_json::Value> {
        self.0.iter().map(|(key, value)| (key.to_string(), value.to_json())).collect()
    }
}

/// How a source answers to the `source` key of `exclude` and `include`.
#[derive(Clone, Copy, Debug)]
pub(super) struct SourceNames<'a> {
    pub(super) github: &'a str,
    pub(super) branch: Option<&'a str>,
}

impl SourceNames<'_> {
    fn answers_to(self, value: &Literal) -> bool {
        let Literal::Text(text) = value else { return false };
        let (github, branch) =
            text.split_once('@').map_or((text.as_str(), None), |(github, branch)| (github, Some(branch)));
        github.eq_ignore_ascii_case(self.github) && (branch.is_none() || branch == self.branch)
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
        let value = |at: usize| matrix.dimensions[at].values.value[digits[at]].value.clone();
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
            return source.is_some_and(|source| source.answers_to(&wanted.value));
        }
        holds(&wanted.value, combination.get(key))
    })
}

fn include(
    entry: &Entry,
    original: &[Arc<str>],
    source: Option<SourceNames<'_>>,
    combinations: &mut Vec<Combination>,
    fit_to: usize,
) {
    if let Some(wanted) = entry.get("source")
        && !source.is_some_and(|source| source.answers_to(&wanted.value))
    {
        return;
    }
    let is_original = |key: &str| original.iter().any(|name| same_text(name, key));
    let values: Vec<(Arc<str>, &Literal)> = entry
        .iter()
        .filter(|(key, _)| key.as_str() != "source")
        .map(|(key, value)| (key.as_str().into(), &value.value))
        .collect();
    let mut fitted = false;
    for combination in &mut combinations[..fit_to] {
        let changes =
            |(key, value): &(Arc<str>, &Literal)| is_original(key) && !holds(value, combination.get(key));
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

/// The way out of a matrix that leaves nothing.
pub(super) fn why_empty(matrix: &Matrix, is_repoless: bool) -> &'static str {
    match (matrix.dimensions.is_empty(), matrix.include.is_empty()) {
        (true, true) => "it names no values: write `KEY: [VALUE, …]`, or leave the matrix out",
        (true, false) if is_repoless => {
            "every `include` is for a `source`, which means the task's repository, and the job has none: give the key another name"
        }
        (true, false) => "every `include` is for a `source` that the job does not work on",
        (false, _) => "`exclude` removes them all: remove an entry, or the job",
    }
}

/// Two values of one key whose texts are the same: their places and types.
pub(super) fn alike(matrix: &Matrix) -> Option<(Span, Span, (&'static str, &'static str))> {
    matrix.dimensions.iter().find_map(|dimension| {
        let mut seen: HashMap<String, (&Literal, Span)> = HashMap::new();
        dimension.values.value.iter().find_map(|value| {
            let (first, span) = seen.insert(value.text(), (&value.value, value.span))?;
            Some((span, value.span, (first.kind(), value.kind())))
        })
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::manifest::{LoadOptions, parse};

    fn expand(matrix: &str, source: Option<SourceNames<'_>>) -> Vec<String> {
        let text = format!("jobs:\n  - id: a\n    prompt: p\n    matrix: {matrix}\n");
        let manifest = parse(&text, Path::new("jobs.yaml"), &LoadOptions::default()).unwrap();
        let matrix = manifest.jobs[0].keys.matrix.as_ref().unwrap();
        combinations(matrix, source)
            .iter()
            .map(|combination| {
                let pairs = combination.0.iter().map(|(key, value)| format!("{key}:{}", value.text()));
                pairs.collect::<Vec<_>>().join(" ")
            })
            .collect()
    }

    fn all(matrix: &str) -> Vec<String> {
        expand(matrix, None)
    }

    // The following cases are the ones that GitHub's documentation walks through, with other words.

    #[test]
    fn the_first_key_varies_slowest() {
        let found = all("{ runner: [jammy, noble], node: [18, 20, 22] }");
        let expected = [
            "runner:jammy node:18",
            "runner:jammy node:20",
            "runner:jammy node:22",
            "runner:noble node:18",
            "runner:noble node:20",
            "runner:noble node:22",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn includes_extend_change_only_their_own_additions_or_stand_alone() {
        let found = all("{ plant: [rose, fern], pot: [clay, tin], include: [
                { light: low },
                { light: high, pot: clay },
                { plant: rose, water: daily },
                { plant: moss },
                { plant: moss, pot: clay } ] }");
        let expected = [
            "plant:rose pot:clay light:high water:daily",
            "plant:rose pot:tin light:low water:daily",
            "plant:fern pot:clay light:high",
            "plant:fern pot:tin light:low",
            // Would change an original value everywhere.
            "plant:moss",
            // Does not extend the one above: that was no original combination.
            "plant:moss pot:clay",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_include_extends_the_combinations_that_it_fits() {
        let found =
            all("{ system: [linux, mac], ruby: [2, 3], include: [{ system: mac, ruby: 3, gem: 9 }] }");
        let expected =
            ["system:linux ruby:2", "system:linux ruby:3", "system:mac ruby:2", "system:mac ruby:3 gem:9"];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_include_with_a_new_value_is_a_combination_of_its_own() {
        let found = all("{ system: [linux, mac], ruby: [2, 3], include: [{ system: bsd, ruby: 4 }] }");
        assert_eq!(found.len(), 5);
        assert_eq!(found[4], "system:bsd ruby:4");
    }

    #[test]
    fn includes_alone_are_the_combinations() {
        assert_eq!(
            all("{ include: [{ site: live, at: a }, { site: test, at: b }] }"),
            ["site:live at:a", "site:test at:b"]
        );
    }

    #[test]
    fn an_exclude_may_name_some_of_the_keys() {
        let found = all("{ system: [linux, mac], ruby: [1, 2], stage: [a, b], exclude: [
                { system: linux, ruby: 2, stage: b }, { system: mac, ruby: 1 }] }");
        let expected = [
            "system:linux ruby:1 stage:a",
            "system:linux ruby:1 stage:b",
            "system:linux ruby:2 stage:a",
            "system:mac ruby:2 stage:a",
            "system:mac ruby:2 stage:b",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn excludes_work_before_includes() {
        let found =
            all("{ a: [1, 2], exclude: [{ a: 2 }], include: [{ a: 2, back: true }, { a: 1, on: it }] }");
        assert_eq!(found, ["a:1 on:it", "a:2 back:true"], "an include brings back what an exclude took");
    }

    #[test]
    fn values_may_be_mappings() {
        let found = all("{ node: [{ v: 14 }, { v: 20, env: X=1 }], exclude: [{ node: { v: 20 } }] }");
        assert_eq!(found, ["node:{\"v\":14}"]);
    }

    #[test]
    fn values_are_the_same_as_github_compares_them() {
        let python = "v: ['3.9', '3.10', '3.12']";
        assert_eq!(all(&format!("{{ {python}, exclude: [{{ v: 3.9 }}, {{ v: 3.10 }}] }}")), ["v:3.12"]);
        assert_eq!(
            all(&format!(
                "{{ {python}, on: [Linux], include: [{{ v: 3.9, ON: linux, x: 1 }}, {{ v: 4 }}] }}"
            )),
            ["v:3.9 on:Linux x:1", "v:3.10 on:Linux", "v:3.12 on:Linux", "v:4"]
        );
        assert_eq!(all("{ on: [true, ''], exclude: [{ on: false }] }"), ["on:true"]);
        assert_eq!(all("{ n: [[1, 2], [3]], exclude: [{ n: ['1'] }] }"), ["n:[3]"]);
        assert_eq!(
            all("{ n: [{ v: 1, w: 2 }, { v: 2 }], include: [{ n: { V: '1' }, x: 1 }] }"),
            ["n:{\"v\":1,\"w\":2} x:1", "n:{\"v\":2}"]
        );
    }

    #[test]
    fn keys_that_an_include_adds_are_one_without_case() {
        assert_eq!(all("{ a: [1], include: [{ Note: x }, { note: y }] }"), ["a:1 Note:y"]);
    }

    // Our own addition.

    #[test]
    fn excludes_and_includes_may_name_a_source() {
        let matrix = "{ a: [1, 2], exclude: [{ a: 2, source: O/r }, { source: o/gone@main }],
                        include: [{ source: o/r@main, note: x }, { source: o/other, a: 9 }] }";
        let at = |github, branch| expand(matrix, Some(SourceNames { github, branch: Some(branch) }));
        assert_eq!(at("o/r", "main"), ["a:1 note:x"]);
        assert_eq!(at("o/r", "dev"), ["a:1"]);
        assert_eq!(at("o/other", "main"), ["a:1", "a:2", "a:9"]);
        assert_eq!(at("o/gone", "main"), Vec::<String>::new());
        assert_eq!(expand(matrix, None), ["a:1", "a:2"]);
    }

    #[test]
    fn a_huge_product_is_counted_without_being_made() {
        let wide = format!("[{}]", vec!["1"; 2000].join(", "));
        let keys: Vec<String> = (0..8).map(|key| format!("k{key}: {wide}")).collect();
        let text = format!("jobs: [{{id: a, prompt: p, matrix: {{ {} }} }}]", keys.join(", "));
        let manifest = parse(&text, Path::new("jobs.yaml"), &LoadOptions::default()).unwrap();
        assert_eq!(product(manifest.jobs[0].keys.matrix.as_ref().unwrap()), None);
        let error = super::super::expand(&manifest, None).unwrap_err().to_string();
        assert!(error.contains("more than 1000000 tasks"), "{error}");
    }

    /// Sizes of the dimensions, and for each exclude a value or none for each dimension.
    fn shapes() -> impl Strategy<Value = (Vec<usize>, Vec<Vec<Option<usize>>>)> {
        proptest::collection::vec(1_usize..5, 1..4).prop_flat_map(|sizes| {
            let one = sizes.iter().map(|&size| proptest::option::of(0..size)).collect::<Vec<_>>();
            (Just(sizes), proptest::collection::vec(one, 0..4))
        })
    }

    proptest! {
        #[test]
        fn without_includes_there_is_the_product_less_what_is_excluded((sizes, excludes) in shapes()) {
            let excludes: Vec<_> = excludes.into_iter().filter(|e| e.iter().any(Option::is_some)).collect();
            let row = |values: &[Option<usize>]| {
                let named = values.iter().enumerate().filter_map(|(key, value)| Some(format!("k{key}: {}", (*value)?)));
                format!("{{ {} }}", named.collect::<Vec<_>>().join(", "))
            };
            let mut keys: Vec<String> = sizes.iter().enumerate()
                .map(|(key, size)| format!("k{key}: {:?}", (0..*size).collect::<Vec<_>>()))
                .collect();
            keys.push(format!("exclude: [{}]", excludes.iter().map(|e| row(e)).collect::<Vec<_>>().join(", ")));
            let found = all(&format!("{{ {} }}", keys.join(", ")));

            let total: usize = sizes.iter().product();
            let kept = (0..total).filter(|&n| {
                let mut rest = n;
                let digits: Vec<usize> = sizes.iter().rev().map(|size| {
                    let digit = rest % size;
                    rest /= size;
                    digit
                }).collect::<Vec<_>>().into_iter().rev().collect();
                !excludes.iter().any(|e| e.iter().zip(&digits).all(|(wanted, digit)| wanted.is_none_or(|w| w == *digit)))
            });
            prop_assert_eq!(found.len(), kept.count());
            let mut unique = found.clone();
            unique.sort();
            unique.dedup();
            prop_assert_eq!(unique.len(), found.len());
        }

        #[test]
        fn no_include_changes_an_original_value(
            size in 1_usize..5,
            values in proptest::collection::vec((0_usize..7, any::<bool>()), 0..5),
        ) {
            let rows: Vec<String> = values.iter()
                .map(|(value, named)| if *named { format!("{{ k: {value}, extra: {value} }}") } else { format!("{{ extra: {value} }}") })
                .collect();
            let found = all(&format!("{{ k: {:?}, include: [{}] }}", (0..size).collect::<Vec<_>>(), rows.join(", ")));
            for (value, text) in found.iter().take(size).enumerate() {
                let own = format!("k:{value}");
                prop_assert!(text == &own || text.starts_with(&format!("{own} ")), "{}", text);
            }
        }
    }
}
