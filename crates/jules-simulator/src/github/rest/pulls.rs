//! REST about pull requests.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        acts::{MergeRequest, Refusal},
        operation::Operation,
        pull::{Mergeability, PullIx, RepositoryIx},
        words::MergeMethod,
    },
    Request, Rest, RestAnswer, not_found,
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct MergeBody {
    sha: Option<String>,
    merge_method: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UpdateBranchBody {
    expected_head_sha: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UpdateBody {
    state: Option<String>,
    title: Option<String>,
    body: Option<String>,
    base: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CommentBody {
    body: String,
}

impl Rest<'_> {
    pub(super) fn list_pulls(&self, ix: RepositoryIx, request: &Request<'_>) -> RestAnswer {
        let repository = &self.world.repositories[ix.0];
        let state = request.parameter("state").unwrap_or("open");
        let head =
            request.parameter("head").map(|head| head.split_once(':').map_or(head, |(_, branch)| branch));
        let base = request.parameter("base");
        let fits = |ix: &PullIx| {
            let pull = &self.world.pulls[ix.0];
            (state == "all" || (state == "open") == pull.is_open())
                && head.is_none_or(|head| head == pull.branch)
                && base.is_none_or(|base| base == pull.base)
        };
        let mut pulls: Vec<PullIx> = repository.pulls.iter().copied().filter(fits).collect();
        let by_update = request.parameter("sort") == Some("updated");
        pulls.sort_by_key(|ix| {
            let pull = &self.world.pulls[ix.0];
            (if by_update { pull.updated_at } else { pull.opened_at }, pull.number)
        });
        if request.parameter("direction").unwrap_or("desc") == "desc" {
            pulls.reverse();
        }
        request.list(pulls, |pull| self.shapes().simple_pull(pull))
    }

    pub(super) fn about_pull(&mut self, ix: PullIx, request: &Request<'_>) -> Result<RestAnswer, Refusal> {
        match request.route.operation {
            Operation::PullsMerge => self.merge(ix, &request.read()?),
            Operation::PullsUpdate => self.update(ix, request.read()?),
            Operation::PullsUpdateBranch => {
                let body: UpdateBranchBody = request.read()?;
                self.acts().update_branch(ix, body.expected_head_sha.as_deref())?;
                let url = self.shapes().pull_url(ix);
                let message = "Updating pull request branch.";
                Ok(RestAnswer::with(202, json!({ "message": message, "url": url })))
            }
            Operation::IssuesCreateComment => {
                let body: CommentBody = request.read()?;
                let comment = self.acts().comment(ix, &body.body)?;
                let shape = self.shapes().comment(ix, comment);
                let location = shape["url"].as_str().unwrap_or_default().to_owned();
                Ok(RestAnswer { status: 201, body: shape, headers: vec![("location", location)] })
            }
            Operation::IssuesListComments => {
                let comments = (0..self.world.pulls[ix.0].comments.len()).collect();
                Ok(request.list(comments, |comment| self.shapes().comment(ix, comment)))
            }
            Operation::PullsListReviews => {
                let reviews = (0..self.world.pulls[ix.0].reviews.len()).collect();
                Ok(request.list(reviews, |review| self.shapes().review(ix, review)))
            }
            Operation::PullsListCommits => {
                let heads = (0..self.world.pulls[ix.0].heads.len()).collect();
                Ok(request.list(heads, |head| self.shapes().commit(ix, head)))
            }
            Operation::PullsCheckIfMerged if self.world.pulls[ix.0].is_merged() => {
                Ok(RestAnswer::with(204, Value::Null))
            }
            Operation::PullsCheckIfMerged => Err(not_found()),
            _ => {
                self.world.ask(ix, self.now);
                Ok(RestAnswer::ok(self.shapes().pull(ix)))
            }
        }
    }

    fn merge(&mut self, ix: PullIx, body: &MergeBody) -> Result<RestAnswer, Refusal> {
        let method = match &body.merge_method {
            None => Some(MergeMethod::Merge),
            Some(name) => Some(
                MergeMethod::named(name)
                    .ok_or_else(|| Refusal::new(422, "UNPROCESSABLE", "Validation Failed"))?,
            ),
        };
        let request = MergeRequest { head: body.sha.clone(), method };
        let sha = self.acts().merge(ix, &request)?;
        let message = "Pull Request successfully merged";
        Ok(RestAnswer::ok(json!({ "sha": sha, "merged": true, "message": message })))
    }

    fn update(&mut self, ix: PullIx, body: UpdateBody) -> Result<RestAnswer, Refusal> {
        let repository = self.world.pulls[ix.0].repository;
        match body.state.as_deref() {
            None => self.acts().may_write(repository)?,
            Some("closed") => self.acts().close(ix)?,
            Some("open") => self.acts().reopen(ix)?,
            Some(_) => return Err(Refusal::new(422, "UNPROCESSABLE", "Validation Failed")),
        }
        let pull = &mut self.world.pulls[ix.0];
        if let Some(title) = body.title {
            pull.title = title;
        }
        if let Some(text) = body.body {
            pull.body = text;
            pull.edited_at = Some(self.now);
        }
        if let Some(base) = body.base {
            pull.base = base;
            pull.mergeability = Mergeability::Unasked;
        }
        pull.touch(self.now);
        Ok(RestAnswer::ok(self.shapes().pull(ix)))
    }
}
