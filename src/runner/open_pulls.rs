//! How many pull requests may be open (`pull-requests.max-open`, `max-open-per-repository`): what is beyond that waits for a
//! later run.

use std::collections::HashMap;

use super::decision::Decision;
use crate::plan::{Plan, PullRequests, Task};
use crate::report::many;

/// How many of ours are open, or may be as far as anybody knows.
#[derive(Debug, Default)]
pub(super) struct OpenPulls {
    by_repository: HashMap<String, usize>,
    total: usize,
}

impl OpenPulls {
    pub(super) fn add(&mut self, repository: &str) {
        *self.by_repository.entry(repository.to_ascii_lowercase()).or_default() += 1;
        self.total += 1;
    }

    fn full(&self, repository: &str, bounds: &PullRequests) -> Option<String> {
        let open = self.by_repository.get(&repository.to_ascii_lowercase()).copied().unwrap_or_default();
        let are = |count| format!("{} open or being made", many(count, "pull request"));
        if let Some(bound) = bounds.max_open_per_repository.filter(|bound| open >= *bound) {
            let bound = format!("`pull-requests.max-open-per-repository` is {bound}");
            return Some(format!("not started: {repository} has {}, and {bound}", are(open)));
        }
        let bound = bounds.max_open.filter(|bound| self.total >= *bound)?;
        Some(format!("not started: there are {}, and `pull-requests.max-open` is {bound}", are(self.total)))
    }
}

/// Holds back what would start beyond the bounds, in the order of the plan. What is at work counts as if it had its pull
/// request.
pub(super) fn hold_back(plan: &Plan, decisions: &mut [Decision], mut open: OpenPulls) {
    let bounds = &plan.settings.pull_requests;
    let repository = |task: &Task| task.source.as_ref().filter(|_| task.auto_pr).map(|it| it.github.clone());
    for (task, decision) in plan.tasks.iter().zip(&*decisions) {
        if matches!(decision, Decision::GoOn { .. } | Decision::Settle { .. }) {
            repository(task).iter().for_each(|repository| open.add(repository));
        }
    }
    for (task, decision) in plan.tasks.iter().zip(decisions) {
        let (Decision::Start(_), Some(repository)) = (&*decision, repository(task)) else { continue };
        match open.full(&repository, bounds) {
            Some(why) => *decision = Decision::Held { why },
            None => open.add(&repository),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{LoadOptions, parse};
    use crate::plan::expand;
    use crate::runner::decision::Because;

    fn held(bounds: &str, open: &[&str], mut decisions: Vec<Decision>) -> String {
        let text = format!(
            "pull-requests: {bounds}\njobs: [{{ id: a, prompt: x, source: o/r@main, matrix: {{ n: [1, 2, 3] }} }}, \
             {{ id: b, prompt: x, source: o/s@main }}, {{ id: c, prompt: x }}, \
             {{ id: d, prompt: x, source: o/r@main, auto-pr: false }}]"
        );
        let manifest = parse(&text, std::path::Path::new("jobs.yaml"), &LoadOptions::default()).unwrap();
        let plan = expand(&manifest, None).unwrap();
        let mut known = OpenPulls::default();
        open.iter().for_each(|repository| known.add(repository));
        decisions.resize(plan.tasks.len(), Decision::Start(Because::New));
        hold_back(&plan, &mut decisions, known);
        decisions.iter().map(|it| if matches!(it, Decision::Held { .. }) { '-' } else { '+' }).collect()
    }

    #[test]
    fn no_more_start_than_may_be_open() {
        assert_eq!(held("{}", &["o/r"; 9], vec![]), "++++++");
        assert_eq!(held("{ max-open-per-repository: 2 }", &[], vec![]), "++-+++");
        assert_eq!(held("{ max-open-per-repository: 2 }", &["O/R"], vec![]), "+--+++");
        assert_eq!(held("{ max-open: 2 }", &[], vec![]), "++--++");
        assert_eq!(held("{ max-open: 3, max-open-per-repository: 1 }", &["o/x", "o/x"], vec![]), "+---++");
        let at_work = Decision::Settle { run: crate::outcome::sample::run_id() };
        assert_eq!(held("{ max-open-per-repository: 2 }", &["o/r"], vec![at_work]), "+--+++");
    }
}
