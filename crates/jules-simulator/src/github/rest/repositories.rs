//! REST about a repository: itself, its branches, what runs for its commits.

use serde_json::{Value, json};

use crate::clock::print;

use super::{
    super::{
        acts::{Refusal, branch_oid},
        check,
        pull::RepositoryIx,
        repository::Push,
        words::Rollup,
    },
    Request, Rest, RestAnswer, not_found,
    shapes::API,
};

impl Rest<'_> {
    pub(super) fn get_repository(&self, ix: RepositoryIx) -> RestAnswer {
        RestAnswer::ok(self.shapes().full_repository(ix))
    }

    /// Pushes, newest first.
    pub(super) fn list_activities(&self, ix: RepositoryIx, request: &Request<'_>) -> RestAnswer {
        let wanted = |name: &str, value: &str| request.parameter(name).is_none_or(|wanted| wanted == value);
        let branch = request.parameter("ref").map(|name| name.strip_prefix("refs/heads/").unwrap_or(name));
        let fits = |push: &&Push| {
            branch.is_none_or(|branch| branch == push.branch)
                && wanted("activity_type", push.kind.name())
                && wanted("actor", &push.by.rest_login())
        };
        let activity = &self.world.repositories[ix.0].activity;
        let mut pushes: Vec<(usize, &Push)> =
            activity.iter().enumerate().filter(|(_, push)| fits(push)).collect();
        pushes.sort_by_key(|(place, push)| (push.at, *place));
        if request.parameter("direction") != Some("asc") {
            pushes.reverse();
        }
        request.list(pushes, |(place, push)| self.shapes().push(ix, place, push))
    }

    pub(super) fn get_ref(&self, ix: RepositoryIx, name: &str) -> Result<RestAnswer, Refusal> {
        let branch = name.strip_prefix("heads/").ok_or_else(not_found)?;
        let oid = branch_oid(self.world, ix, branch).ok_or_else(not_found)?;
        let url = format!("{API}/repos/{}/git", self.world.repositories[ix.0].full_name());
        Ok(RestAnswer::ok(json!({
            "ref": format!("refs/heads/{branch}"),
            "node_id": format!("REF_{oid}"),
            "url": format!("{url}/refs/heads/{branch}"),
            "object": { "sha": oid, "type": "commit", "url": format!("{url}/commits/{oid}") },
        })))
    }

    pub(super) fn delete_ref(&mut self, ix: RepositoryIx, name: &str) -> Result<RestAnswer, Refusal> {
        let missing = || Refusal::new(422, "UNPROCESSABLE", "Reference does not exist");
        let branch = name.strip_prefix("heads/").ok_or_else(missing)?;
        self.acts().delete_branch(ix, branch)?;
        Ok(RestAnswer::with(204, Value::Null))
    }

    pub(super) fn list_check_runs(
        &self,
        ix: RepositoryIx,
        request: &Request<'_>,
    ) -> Result<RestAnswer, Refusal> {
        if !self.viewer.reads_checks() {
            return Err(Refusal::new(403, "FORBIDDEN", self.viewer.inaccessible()));
        }
        let (pull, head) = self.head_named(ix, &request.route.rest).ok_or_else(|| {
            Refusal::new(422, "UNPROCESSABLE", format!("No commit found for SHA: {}", request.route.rest))
        })?;
        let checks = &self.world.pulls[pull.0].heads[head].checks;
        let runs: Vec<usize> = check::visible(checks, self.now)
            .filter(|(_, check)| !check.is_status)
            .map(|(place, _)| place)
            .collect();
        let total = runs.len();
        let (page, headers) = request.page(runs);
        let runs: Vec<Value> =
            page.into_iter().map(|check| self.shapes().check_run(pull, head, check)).collect();
        let body = json!({ "total_count": total, "check_runs": runs });
        Ok(RestAnswer { headers, ..RestAnswer::ok(body) })
    }

    /// Of commit statuses alone, as GitHub's: check runs are not in it.
    pub(super) fn combined_status(&self, ix: RepositoryIx, name: &str) -> Result<RestAnswer, Refusal> {
        let (pull, head) = self.head_named(ix, name).ok_or_else(not_found)?;
        let head = &self.world.pulls[pull.0].heads[head];
        let full_name = self.world.repositories[ix.0].full_name();
        let url = format!("{API}/repos/{full_name}/commits/{}", head.oid);
        let mut states = Vec::new();
        let mut statuses = Vec::new();
        for (place, check) in check::visible(&head.checks, self.now).filter(|(_, check)| check.is_status) {
            let state = check.rollup(self.now).unwrap_or(Rollup::Pending);
            states.push(state);
            statuses.push(json!({
                "url": format!("{API}/repos/{full_name}/statuses/{}", head.oid),
                "avatar_url": null,
                "id": 50_000_000 + place,
                "node_id": format!("SC_{}_{place}", head.oid),
                "state": state.word().to_lowercase(),
                "description": "",
                "target_url": format!("https://ci.example/{}/{}", head.oid, check.name),
                "context": check.name,
                "created_at": print(check.appears, Some(0)),
                "updated_at": print(check.ends.filter(|ends| *ends <= self.now).unwrap_or(check.appears), Some(0)),
            }));
        }
        let red = states.iter().any(|state| matches!(state, Rollup::Failure | Rollup::Error));
        let green = !states.is_empty() && states.iter().all(|state| *state == Rollup::Success);
        let state = if red {
            "failure"
        } else if green {
            "success"
        } else {
            "pending"
        };
        Ok(RestAnswer::ok(json!({
            "state": state,
            "statuses": statuses,
            "sha": head.oid,
            "total_count": statuses.len(),
            "repository": self.shapes().minimal_repository(ix),
            "commit_url": url,
            "url": format!("{url}/status"),
        })))
    }
}
