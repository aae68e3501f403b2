//! What runs for a commit.

use std::collections::BTreeMap;

use super::{
    super::{
        actor::Actor,
        check::{self, Progress, Verdict},
        ids,
        pull::PullIx,
        words::Rollup,
    },
    Context, JsonMap,
    object::{Connection, Kind, Value},
    query::text,
};

impl Context<'_> {
    pub(super) fn rollup(&self, ix: PullIx, head: usize, name: &str, arguments: &JsonMap) -> Value {
        let scene = self.scene.borrow();
        let standing = scene.world.standing(ix, self.now);
        match name {
            "id" => Value::leaf(ids::made("SCR", &[ix.0, head])),
            "commit" => Value::One(Kind::Head(ix, head)),
            "state" => {
                let rollup = standing.rollup_of(head).unwrap_or(Rollup::Expected);
                if rollup == Rollup::Success {
                    self.greens.borrow_mut().push((ix, head));
                }
                let words = standing.pull.script.words.as_ref();
                let made_up = words.and_then(|words| words.rollup.as_ref());
                made_up.map_or_else(|| Value::leaf(rollup.word()), |word| Value::leaf(&*word.0))
            }
            "contexts" => {
                let checks = &standing.pull.heads[head].checks;
                let kind = |(place, check): (usize, &check::Check)| match check.is_status {
                    true => Kind::StatusContext(ix, head, place),
                    false => Kind::Check(ix, head, place),
                };
                let items = check::visible(checks, self.now).map(kind).collect();
                let (name, edge) = ("StatusCheckRollupContextConnection", "StatusCheckRollupContextEdge");
                Value::page(name, edge, items, arguments)
            }
            _ => Value::Unknown,
        }
    }

    /// How many check runs, or commit statuses, of a page are in which state.
    pub(super) fn counts_by_state(&self, connection: &Connection, of_checks: bool) -> Value {
        let scene = self.scene.borrow();
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for item in &connection.items {
            let (Kind::Check(ix, head, place) | Kind::StatusContext(ix, head, place)) = item else {
                continue;
            };
            let check = &scene.world.pulls[ix.0].heads[*head].checks[*place];
            if check.is_status == of_checks {
                continue;
            }
            let state = match check.progress(self.now) {
                None | Some(Progress::Queued) if of_checks => "QUEUED",
                Some(Progress::Running) if of_checks => "IN_PROGRESS",
                Some(Progress::Over(verdict)) if of_checks => verdict.conclusion(),
                _ => check.rollup(self.now).unwrap_or(Rollup::Expected).word(),
            };
            *counts.entry(state).or_default() += 1;
        }
        let type_name = if of_checks { "CheckRunStateCount" } else { "StatusContextStateCount" };
        Value::Many(
            counts.into_iter().map(|(state, count)| Kind::StateCount(type_name, state, count)).collect(),
        )
    }

    /// A check run or a commit status.
    pub(super) fn check(
        &self,
        ix: PullIx,
        head: usize,
        place: usize,
        name: &str,
        arguments: &JsonMap,
    ) -> Value {
        let scene = self.scene.borrow();
        let check = &scene.world.pulls[ix.0].heads[head].checks[place];
        let progress = check.progress(self.now).unwrap_or(Progress::Queued);
        let (status, conclusion) = match progress {
            Progress::Queued => ("QUEUED", None),
            Progress::Running => ("IN_PROGRESS", None),
            Progress::Over(verdict) => ("COMPLETED", Some(Verdict::conclusion(verdict))),
        };
        let job = ids::check_number(ix, head, place);
        let repository = scene.world.repository_of(ix);
        let path = format!("/{}/actions/runs/{}/job/{job}", repository.full_name(), ids::run_number(ix));
        match name {
            "id" if check.is_status => Value::leaf(ids::made("SC", &[ix.0, head, place])),
            "id" => Value::leaf(ids::made("CR", &[ix.0, head, place])),
            "databaseId" => Value::count(job),
            "name" | "context" => Value::leaf(check.name.as_str()),
            "status" => Value::leaf(status),
            "conclusion" => conclusion.map_or_else(Value::null, Value::leaf),
            "state" => Value::leaf(check.rollup(self.now).unwrap_or(Rollup::Expected).word()),
            "startedAt" => Value::maybe_time((progress != Progress::Queued).then_some(check.starts)),
            "completedAt" => Value::maybe_time(check.ends.filter(|ends| *ends <= self.now)),
            "createdAt" => Value::time(check.appears),
            "isRequired" => {
                let asked = text(arguments, "pullRequestId").is_some()
                    || arguments.get("pullRequestNumber").is_some_and(|number| number.as_i64().is_some());
                Value::leaf(asked && repository.script.required_checks.contains(&check.name))
            }
            "detailsUrl" | "permalink" | "url" | "targetUrl" => {
                Value::leaf(format!("https://github.com{path}"))
            }
            "resourcePath" => Value::leaf(path),
            "checkSuite" => Value::One(Kind::CheckSuite(ix, head, place)),
            "repository" => Value::One(Kind::Repository(scene.world.pulls[ix.0].repository)),
            "creator" => Value::One(Kind::Actor(Actor::named("ci-service[bot]"))),
            "description" | "externalId" | "summary" | "text" | "title" => Value::null(),
            _ => Value::Unknown,
        }
    }

    /// The suite of a check, its workflow's run, and the workflow.
    pub(super) fn suite(&self, kind: &Kind, (ix, head, place): (PullIx, usize, usize), name: &str) -> Value {
        let scene = self.scene.borrow();
        let check = &scene.world.pulls[ix.0].heads[head].checks[place];
        let run = ids::run_number(ix);
        let path = format!("/{}/actions/runs/{run}", scene.world.repository_of(ix).full_name());
        let over = match check.progress(self.now) {
            Some(Progress::Over(verdict)) => Some(verdict.conclusion()),
            _ => None,
        };
        match (kind, name) {
            (_, "createdAt") => Value::time(check.appears),
            (_, "updatedAt") => {
                Value::time(check.ends.filter(|ends| *ends <= self.now).unwrap_or(check.appears))
            }
            (_, "resourcePath") => Value::leaf(path),
            (_, "url") => Value::leaf(format!("https://github.com{path}")),
            (_, "databaseId") => Value::count(run),
            (Kind::CheckSuite(..), "id") => Value::leaf(ids::made("CS", &[ix.0, head, place])),
            (Kind::CheckSuite(..), "app") => Value::One(Kind::App),
            (Kind::CheckSuite(..), "workflowRun") => Value::One(Kind::WorkflowRun(ix, head, place)),
            (Kind::CheckSuite(..), "status") => {
                Value::leaf(if over.is_some() { "COMPLETED" } else { "IN_PROGRESS" })
            }
            (Kind::CheckSuite(..), "conclusion") => over.map_or_else(Value::null, Value::leaf),
            (Kind::WorkflowRun(..), "id") => Value::leaf(ids::made("WFR", &[ix.0, head, place])),
            (Kind::WorkflowRun(..), "event") => Value::leaf("pull_request"),
            (Kind::WorkflowRun(..), "runNumber") => Value::count(head + 1),
            (Kind::WorkflowRun(..), "workflow") => Value::One(Kind::Workflow(ix, head, place)),
            (Kind::Workflow(..), "id") => Value::leaf(ids::made("W", &[ix.0])),
            (Kind::Workflow(..), "name") => Value::leaf("CI"),
            _ => Value::Unknown,
        }
    }
}

/// The app that runs workflows.
pub(super) fn app(name: &str) -> Value {
    match name {
        "id" => Value::leaf("MDM6QXBwMTUzNjg="),
        "databaseId" => Value::count(15_368),
        "name" => Value::leaf("GitHub Actions"),
        "slug" => Value::leaf("github-actions"),
        "description" => Value::leaf("Automate your workflow from idea to production"),
        "url" => Value::leaf("https://github.com/apps/github-actions"),
        "createdAt" => Value::leaf("2018-07-30T09:30:17Z"),
        "updatedAt" => Value::leaf("2024-04-10T20:33:16Z"),
        _ => Value::Unknown,
    }
}
