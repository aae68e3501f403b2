//! What holds for every plan.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;

use crate::manifest::{LoadOptions, parse};
use crate::plan::{Plan, Selection, expand};

/// A manifest of some jobs, each with a few of its keys set one way or another.
fn manifest() -> impl Strategy<Value = String> {
    let matrix = proptest::sample::select(
        &[
            "",
            "matrix: { k: [1, 2, a b] }",
            "matrix: { k: [1, 2], v: [x, ~, true], exclude: [{ k: 1, v: x }] }",
            "matrix: { k: [1, 2], include: [{ k: 1, w: 1 }, { k: 3 }, { z: { a: [1] } }] }",
            "matrix: { include: [{ a: 1 }, { a: 2 }] }",
            "matrix: { k: [1, 2], exclude: [{ source: o/a }] }",
            "matrix: { k: [1, 1] }",
            "matrix: { k: [1], exclude: [{ k: 1 }] }",
        ][..],
    );
    let sources = proptest::sample::select(
        &[
            "",
            "source: o/a",
            "sources: [o/a, o/b@dev, { github: o/c, branch: \"x-${{ matrix.k }}\" }]",
            "sources: [o/a, o/a]",
            "sources: [o/b, o/c, o/d, { match: \"o/*\" }]",
        ][..],
    );
    let prompt = proptest::sample::select(
        &[
            "prompt: plain",
            "prompt: \"${{ job.id }} ${{ matrix.k | default(0) }}\"",
            "prompt: \"${{ source.repo }}\"",
            "prompt: \"$${{ x }} ${{ matrix }}\"",
            "prompt: \"${{ oops\"",
        ][..],
    );
    let needs = proptest::collection::btree_set(0_usize..5, 0..3);
    proptest::collection::vec((matrix, sources, prompt, needs), 1..5).prop_map(|jobs| {
        let mut text = "defaults: { branch: main }\njobs:\n".to_owned();
        for (n, (matrix, sources, prompt, needs)) in jobs.into_iter().enumerate() {
            // Mostly backwards, so that most plans have no cycle.
            let needs: Vec<String> = needs
                .into_iter()
                .map(|need| if need < n { format!("j{need}") } else { "j0".to_owned() })
                .collect();
            let needs = if n == 0 { String::new() } else { format!("    needs: [{}]\n", needs.join(", ")) };
            text.push_str(&format!("  - id: j{n}\n    {prompt}\n{needs}"));
            for line in [matrix, sources].into_iter().filter(|line| !line.is_empty()) {
                text.push_str(&format!("    {line}\n"));
            }
        }
        text
    })
}

fn is_sound(plan: &Plan) -> Result<(), TestCaseError> {
    let ids: BTreeSet<&str> = plan.tasks.iter().map(|task| task.id.as_str()).collect();
    let keys: BTreeSet<&str> = plan.tasks.iter().map(|task| task.key.as_str()).collect();
    prop_assert_eq!(ids.len(), plan.tasks.len());
    prop_assert_eq!(keys.len(), plan.tasks.len());
    for (at, task) in plan.tasks.iter().enumerate() {
        prop_assert!(task.id.as_str().starts_with(task.job.as_str()));
        // Jobs need earlier ones here, so tasks do.
        prop_assert!(task.needs.iter().all(|&need| need < at && plan.tasks[need].job != task.job));
        prop_assert!(task.needs.is_sorted());
    }
    Ok(())
}

proptest! {
    #[test]
    fn plans_are_sound_and_stay_so_under_selection(text in manifest(), exclude in "[jkoab0-3]{1,2}", sample in 0_usize..9) {
        let manifest = parse(&text, Path::new("jobs.yaml"), &LoadOptions::default()).unwrap();
        match expand(&manifest, None) {
            Err(diagnostics) => prop_assert!(diagnostics.render(false).starts_with("error: ")),
            Ok(plan) => {
                is_sound(&plan)?;
                let again = expand(&manifest, None).unwrap();
                let ids = |plan: &Plan| plan.tasks.iter().map(|task| task.key.clone()).collect::<Vec<_>>();
                prop_assert_eq!(ids(&plan), ids(&again));
                let few = plan.clone().select(&Selection {
                    exclude: vec![exclude.parse().unwrap()],
                    sample: Some(sample),
                    ..Selection::default()
                }).unwrap();
                is_sound(&few)?;
                prop_assert!(few.tasks.len() <= sample);
                for task in &few.tasks {
                    let whole = plan.tasks.iter().find(|other| other.id == task.id).unwrap();
                    let kept = whole.needs.iter().map(|&need| &plan.tasks[need].id).filter(|id| few.tasks.iter().any(|t| t.id == **id));
                    let now = task.needs.iter().map(|&need| &few.tasks[need].id);
                    prop_assert!(kept.eq(now));
                }
            }
        }
    }
}
