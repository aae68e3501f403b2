//! What a simulated run is given so that it goes as the real one would: every repository of the manifest is connected, and
//! sessions that earlier simulated runs have begun are there.

use std::collections::{BTreeSet, HashMap};

use serde_json::json;

use crate::ledger::{LedgerReader, Location};
use crate::manifest::Manifest;
use crate::outcome::{AttemptRecord, Outcome, TaskRecord};
use crate::plan::{self, Plan, Task, finds};
use crate::simulator::{EarlierSession, Simulator};

/// How many runs are looked through for sessions.
const MOST_RUNS: usize = 20;

/// How many repositories are made up for a `match` that finds none.
const MADE_UP: usize = 3;

/// Connects the repositories that the manifest names, and for a `match` that finds none some that it would find.
pub(super) fn connect(simulator: &Simulator, manifest: &Manifest) {
    // What is wrong with it is told by whoever plans it.
    let Ok(plan) = plan::expand(manifest, None) else { return };
    let named: BTreeSet<&str> =
        plan.tasks.iter().filter_map(|task| task.source.as_ref()).map(|source| &*source.github).collect();
    simulator.connect(named);
    let known = simulator.repositories();
    for open in &plan.unresolved {
        if !known.iter().any(|name| finds(&open.pattern, name)) {
            simulator.connect(made_up(&open.pattern));
        }
    }
}

/// Names that a pattern finds.
fn made_up(pattern: &str) -> Vec<String> {
    let names =
        (1..=MADE_UP).map(|n| pattern.split('/').map(|part| filled(part, n)).collect::<Vec<_>>().join("/"));
    names.filter(|name| finds(pattern, name)).collect()
}

/// One part of a pattern with something in place of what stands for something.
fn filled(part: &str, n: usize) -> String {
    if part.chars().all(|c| c == '*') {
        return format!("example-{n}");
    }
    let mut text = String::new();
    let mut rest = part.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '*' if rest.peek() == Some(&'*') => {}
            '*' | '?' => text += &n.to_string(),
            '\\' => text.extend(rest.next()),
            '[' => {
                let class: String = rest.by_ref().take_while(|c| *c != ']').collect();
                text.extend(class.chars().find(|c| !"!^".contains(*c)));
            }
            '{' => {
                let choice: String = rest.by_ref().take_while(|c| *c != '}').collect();
                text += choice.split(',').next().unwrap_or_default();
            }
            plain => text.push(plain),
        }
    }
    text
}

/// Gives the simulator the sessions of the plan's tasks that the ledger has from earlier simulated runs. One that cannot be
/// read is told of by whoever opens it.
pub(super) fn take_up(simulator: &Simulator, plan: &Plan, location: &Location) {
    let Ok(reader) = LedgerReader::open(location) else { return };
    let runs = reader.runs().unwrap_or_default();
    let tasks: HashMap<&str, &Task> = plan.tasks.iter().map(|task| (task.id.as_str(), task)).collect();
    let mut sessions = Vec::new();
    for run in runs.iter().take(MOST_RUNS) {
        let Ok(Some(stored)) = reader.run(&run.id) else { continue };
        for known in stored.record.tasks.values() {
            let Some(task) = tasks.get(known.planned.id.as_str()) else { continue };
            sessions.extend(of_task(task, known));
        }
    }
    simulator.take_up(sessions);
}

/// The task's sessions, as far as they have its prompt.
fn of_task(task: &Task, known: &TaskRecord) -> Vec<EarlierSession> {
    // What has ended well is over: another scenario would play it otherwise, as a session that is live again.
    let is_done = |attempt: &AttemptRecord| {
        attempt.has_ended() && matches!(attempt.outcome, Some(Outcome::Succeeded | Outcome::NoChange))
    };
    let own =
        known.attempts.iter().filter(|attempt| attempt.marker.is_of_task(&task.key) && !is_done(attempt));
    own.filter_map(|attempt| of_attempt(task, attempt)).collect()
}

fn of_attempt(task: &Task, attempt: &AttemptRecord) -> Option<EarlierSession> {
    let session = attempt.session.as_ref()?;
    let mode = if task.auto_pr { "AUTO_CREATE_PR" } else { "AUTOMATION_MODE_UNSPECIFIED" };
    let mut body = json!({
        "prompt": &*task.prompt,
        "title": attempt.marker.title(&task.title),
        "requirePlanApproval": task.require_approval,
        "automationMode": mode,
    });
    if let Some(source) = &task.source {
        body["sourceContext"] = json!({
            "source": format!("sources/github/{}", source.github),
            "githubRepoContext": { "startingBranch": &source.branch },
        });
    }
    Some(EarlierSession {
        id: session.id.to_string(),
        body: body.to_string(),
        created_at: attempt.started_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_up_is_found() {
        for (pattern, first) in [
            ("acme/svc-*", "acme/svc-1"),
            ("acme/*", "acme/example-1"),
            ("*/web", "example-1/web"),
            ("acme/a?c", "acme/a1c"),
            ("acme/{web,api}-**", "acme/web-1"),
            ("acme/[bf]oo*", "acme/boo1"),
        ] {
            let names = made_up(pattern);
            assert_eq!(names[0], first, "{pattern}");
            assert!(names.iter().all(|name| finds(pattern, name)), "{names:?}");
        }
        assert_eq!(made_up("acme/[!x]oo"), [""; 0], "nothing that it would not find");
    }
}
