//! Expansion as a user meets it: YAML in, tasks out.

use std::path::Path;

use super::*;
use crate::manifest::{LoadOptions, parse};

fn plan_with(text: &str, connected: Option<&[ConnectedSource]>) -> Result<Plan, String> {
    let manifest = parse(text, Path::new("jobs.yaml"), &LoadOptions::default()).map_err(|e| e.to_string())?;
    expand(&manifest, connected).map_err(|e| e.to_string())
}

pub(super) fn plan(text: &str) -> Plan {
    plan_with(text, None).unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn ids(plan: &Plan) -> Vec<&str> {
    plan.tasks.iter().map(|task| task.id.as_str()).collect()
}

#[test]
fn the_example_of_the_design_expands() {
    let plan = plan(
        r#"
version: 1
name: nightly-maintenance
vars: { tone: concise }
defaults: { branch: main, auto-pr: true, require-approval: false }
jobs:
  - id: upgrade
    title: "Upgrade ${{ matrix.crate }} in ${{ source.repo }}"
    prompt: |
      Upgrade ${{ matrix.crate }} to its latest major version. Be ${{ vars.tone }}.
    sources:
      - my-org/backend@develop
      - { github: my-org/web, branch: main }
      - { match: "my-org/svc-*", exclude: ["my-org/svc-legacy"] }
    matrix:
      crate: [serde, tokio]
      exclude: [{ crate: tokio, source: my-org/web }]
      include: [{ crate: serde, note: first }]
    expect: pull-request
    tags: [deps]
  - id: docs
    needs: [upgrade]
    source: { github: my-org/web, branch: main }
    prompt: x
"#,
    );
    assert_eq!(
        ids(&plan),
        [
            "upgrade/my-org/backend@develop[crate=serde,note=first]",
            "upgrade/my-org/backend@develop[crate=tokio]",
            "upgrade/my-org/web@main[crate=serde,note=first]",
            "docs/my-org/web@main",
        ]
    );
    assert_eq!(&*plan.tasks[0].title, "Upgrade serde in backend");
    assert_eq!(&*plan.tasks[1].prompt, "Upgrade tokio to its latest major version. Be concise.\n");
    assert_eq!(*plan.tasks[3].needs, [2], "the same source");
    assert_eq!(plan.unresolved[0].pattern, "my-org/svc-*");
    assert_eq!(plan.unresolved[0].place, Place { line: 14, column: 18 });
    assert_eq!(plan.name, "nightly-maintenance");
}
