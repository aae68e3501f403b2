//! What belongs to pull requests, in REST's answers.

use serde_json::{Value, json};

use super::{
    super::super::{
        actor::Actor,
        check::Progress,
        ids,
        pull::{PullIx, RepositoryIx},
        repository::Push,
    },
    API, Shapes, time, user,
};

/// A label.
pub(super) fn label(full_name: &str, name: &str) -> Value {
    json!({
        "id": 208_045_946,
        "node_id": format!("LA_{name}"),
        "url": format!("{API}/repos/{full_name}/labels/{name}"),
        "name": name,
        "description": "",
        "color": "ededed",
        "default": false,
    })
}

/// The addresses that belong to a pull request.
pub(super) fn links(url: &str, html: &str, issue: &str, statuses: &str, full_name: &str) -> Value {
    let href = |url: &str| json!({ "href": url });
    json!({
        "self": href(url),
        "html": href(html),
        "issue": href(issue),
        "comments": href(&format!("{issue}/comments")),
        "review_comments": href(&format!("{url}/comments")),
        "review_comment": href(&format!("{API}/repos/{full_name}/pulls/comments{{/number}}")),
        "commits": href(&format!("{url}/commits")),
        "statuses": href(statuses),
    })
}

impl Shapes<'_> {
    pub(in super::super) fn comment(self, ix: PullIx, place: usize) -> Value {
        let pull = &self.world.pulls[ix.0];
        let repository = self.world.repository_of(ix);
        let comment = &pull.comments[place];
        let api = format!("{API}/repos/{}/issues", repository.full_name());
        json!({
            "id": comment.id,
            "node_id": ids::made("IC", &[ix.0, place]),
            "url": format!("{api}/comments/{}", comment.id),
            "html_url": format!("{}#issuecomment-{}", self.world.url_of(ix), comment.id),
            "issue_url": format!("{api}/{}", pull.number),
            "body": comment.body,
            "user": user(&comment.by),
            "created_at": time(comment.at),
            "updated_at": time(comment.at),
            "author_association": comment.by.association(true),
        })
    }

    pub(in super::super) fn review(self, ix: PullIx, place: usize) -> Value {
        let pull = &self.world.pulls[ix.0];
        let review = &pull.reviews[place];
        let id = ids::review_number(ix, place);
        let html = format!("{}#pullrequestreview-{id}", self.world.url_of(ix));
        let url = self.pull_url(ix);
        json!({
            "id": id,
            "node_id": ids::made("PRR", &[ix.0, place]),
            "user": user(&review.by),
            "body": review.body,
            "state": review.state.word(),
            "html_url": html,
            "pull_request_url": url,
            "_links": { "html": { "href": html }, "pull_request": { "href": url } },
            "submitted_at": time(review.at),
            "commit_id": pull.heads[review.head].oid,
            "author_association": review.by.association(true),
        })
    }

    pub(in super::super) fn commit(self, ix: PullIx, place: usize) -> Value {
        let pull = &self.world.pulls[ix.0];
        let repository = self.world.repository_of(ix);
        let head = &pull.heads[place];
        let api = format!("{API}/repos/{}", repository.full_name());
        let parent = match place.checked_sub(1) {
            Some(before) => pull.heads[before].oid.clone(),
            None => repository.base_oid(&pull.base),
        };
        let person = json!({ "name": &*head.by.login, "email": head.by.email(), "date": time(head.at) });
        json!({
            "url": format!("{api}/commits/{}", head.oid),
            "sha": head.oid,
            "node_id": ids::made("C", &[ix.0, place]),
            "html_url": format!("{}/commit/{}", repository.url(), head.oid),
            "comments_url": format!("{api}/commits/{}/comments", head.oid),
            "commit": {
                "url": format!("{api}/git/commits/{}", head.oid),
                "author": person,
                "committer": person,
                "message": head.message,
                "tree": { "sha": head.oid, "url": format!("{api}/git/trees/{}", head.oid) },
                "comment_count": 0,
            },
            "author": user(&head.by),
            "committer": user(&head.by),
            "parents": [{
                "sha": parent,
                "url": format!("{api}/commits/{parent}"),
                "html_url": format!("{}/commit/{parent}", repository.url()),
            }],
        })
    }

    pub(in super::super) fn check_run(self, ix: PullIx, head: usize, place: usize) -> Value {
        let pull = &self.world.pulls[ix.0];
        let repository = self.world.repository_of(ix);
        let (check, oid) = (&pull.heads[head].checks[place], &pull.heads[head].oid);
        let id = ids::check_number(ix, head, place);
        let api = format!("{API}/repos/{}/check-runs/{id}", repository.full_name());
        let html = format!("{}/actions/runs/{}/job/{id}", repository.url(), ids::run_number(ix));
        let (status, conclusion) = match check.progress(self.now) {
            None | Some(Progress::Queued) => ("queued", None),
            Some(Progress::Running) => ("in_progress", None),
            Some(Progress::Over(verdict)) => ("completed", Some(verdict.conclusion().to_lowercase())),
        };
        json!({
            "id": id,
            "node_id": ids::made("CR", &[ix.0, head, place]),
            "head_sha": oid,
            "name": check.name,
            "url": api,
            "html_url": html,
            "details_url": html,
            "status": status,
            "conclusion": conclusion,
            "started_at": time(check.starts.min(self.now)),
            "completed_at": check.ends.filter(|ends| *ends <= self.now).map(time),
            "external_id": "",
            "check_suite": { "id": 30_000_000 + 1_000 * ix.0 + head },
            "output": {
                "title": null,
                "summary": null,
                "text": null,
                "annotations_count": 0,
                "annotations_url": format!("{api}/annotations"),
            },
            "app": {
                "id": 15_368,
                "slug": "github-actions",
                "node_id": "MDM6QXBwMTUzNjg=",
                "owner": user(&Actor::organization("github")),
                "name": "GitHub Actions",
                "description": "Automate your workflow from idea to production",
                "external_url": "https://help.github.com/en/actions",
                "html_url": "https://github.com/apps/github-actions",
                "created_at": "2018-07-30T09:30:17Z",
                "updated_at": "2024-04-10T20:33:16Z",
                "permissions": { "checks": "write" },
                "events": [],
            },
            "pull_requests": [],
        })
    }

    pub(in super::super) fn push(self, ix: RepositoryIx, place: usize, push: &Push) -> Value {
        json!({
            "id": 70_000_000 + 10_000 * ix.0 + place,
            "node_id": ids::made("PSH", &[ix.0, place]),
            "before": push.before,
            "after": push.after,
            "ref": format!("refs/heads/{}", push.branch),
            "timestamp": time(push.at),
            "activity_type": push.kind.name(),
            "actor": user(&push.by),
        })
    }
}
