//! Any text as a manifest: read, checked, expanded to a plan, and its errors shown.

use std::path::Path;

use jules_batch::manifest::{self, LoadOptions};
use jules_batch::plan;

/// What must hold.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let options = LoadOptions { env: |_| None, ..LoadOptions::default() };
    // A folder that is not there: a manifest that names files finds none.
    let shown = match manifest::parse(text, Path::new("/no-such-folder/jobs.yaml"), &options) {
        Err(found) => found.render(false),
        Ok(manifest) => match plan::expand(&manifest, None) {
            Err(found) => found.render(false),
            Ok(plan) => return check_plan(&plan),
        },
    };
    assert!(!shown.trim().is_empty(), "refused without a word");
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
}

fn check_plan(plan: &plan::Plan) {
    let mut ids: Vec<_> = plan.tasks.iter().map(|task| task.id.as_str()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "two tasks of one id");
    for task in &plan.tasks {
        assert!(task.needs.iter().all(|need| *need < all), "a need that is no task");
    }
}
