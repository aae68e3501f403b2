//! How things look in REST's answers.

mod parts;
mod repository;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::print;

use super::super::{actor::Actor, ids, pull::PullIx, viewer::Viewer, words::MergeState, world::World};

/// Makes the shapes of a world as a viewer sees it at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shapes<'a> {
    pub(super) world: &'a World,
    pub(super) viewer: &'a Viewer,
    pub(super) now: Timestamp,
}

/// Where REST's addresses begin, whatever address the simulator has: they are GitHub's.
pub(super) const API: &str = "https://api.github.com";

/// Somebody's account.
pub(in super::super) fn user(actor: &Actor) -> Value {
    let login = actor.rest_login();
    let url = format!("{API}/users/{}", login.replace('[', "%5B").replace(']', "%5D"));
    json!({
        "login": login,
        "id": actor.database_id(),
        "node_id": actor.node_id(),
        "avatar_url": actor.avatar_url(),
        "gravatar_id": "",
        "url": url,
        "html_url": actor.url(),
        "followers_url": format!("{url}/followers"),
        "following_url": format!("{url}/following{{/other_user}}"),
        "gists_url": format!("{url}/gists{{/gist_id}}"),
        "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{url}/subscriptions"),
        "organizations_url": format!("{url}/orgs"),
        "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events{{/privacy}}"),
        "received_events_url": format!("{url}/received_events"),
        "type": actor.type_name(),
        "site_admin": false,
    })
}

/// A moment as GitHub prints it.
pub(super) fn time(at: Timestamp) -> String {
    print(crate::clock::cut(at, 0), Some(0))
}

impl<'a> Shapes<'a> {
    pub(super) fn pull_url(self, ix: PullIx) -> String {
        let repository = self.world.repository_of(ix);
        format!("{API}/repos/{}/pulls/{}", repository.full_name(), self.world.pulls[ix.0].number)
    }

    /// A pull request in a list.
    pub(super) fn simple_pull(self, ix: PullIx) -> Value {
        let standing = self.world.standing(ix, self.now);
        let (repository, pull) = (standing.repository, standing.pull);
        let (url, full_name) = (self.pull_url(ix), repository.full_name());
        let html = self.world.url_of(ix);
        let issue = format!("{API}/repos/{full_name}/issues/{}", pull.number);
        let merged = pull.merged();
        let statuses = format!("{API}/repos/{full_name}/statuses/{}", pull.head().oid);
        let mut shape = json!({
            "url": url,
            "id": ids::pull_number(ix),
            "node_id": self.world.id_of(ix),
            "html_url": html,
            "diff_url": format!("{html}.diff"),
            "patch_url": format!("{html}.patch"),
            "issue_url": issue,
            "number": pull.number,
            "state": if pull.is_open() { "open" } else { "closed" },
            "locked": pull.is_locked,
            "title": pull.title,
            "user": user(&pull.author),
            "body": pull.body,
            "labels": pull.labels.iter().map(|name| parts::label(&full_name, name)).collect::<Vec<_>>(),
            "milestone": null,
            "created_at": time(pull.opened_at),
            "updated_at": time(pull.updated_at),
            "closed_at": pull.closing.as_ref().map(|closing| time(closing.at)),
            "merged_at": merged.map(|closing| time(closing.at)),
            "merge_commit_sha": merged.and_then(|closing| closing.merged.as_ref()),
            "assignee": null,
            "assignees": [],
            "requested_reviewers": [],
            "requested_teams": [],
            "head": self.end(ix, &pull.branch, &pull.head().oid, true),
            "base": self.end(ix, &pull.base, &repository.base_oid(&pull.base), false),
            "author_association": pull.author.association(true),
            "auto_merge": pull.auto_merge.as_ref().map(|armed| json!({
                "enabled_by": user(&armed.by),
                "merge_method": armed.method.name(),
                "commit_title": pull.title,
                "commit_message": "",
            })),
            "draft": pull.is_draft,
            "_links": parts::links(&url, &html, &issue, &statuses, &full_name),
        });
        let below = [
            ("commits_url", format!("{url}/commits")),
            ("review_comments_url", format!("{url}/comments")),
            ("review_comment_url", format!("{API}/repos/{full_name}/pulls/comments{{/number}}")),
            ("comments_url", format!("{issue}/comments")),
            ("statuses_url", statuses),
        ];
        for (name, address) in below {
            shape[name] = json!(address);
        }
        shape
    }

    /// A pull request by itself.
    pub(super) fn pull(self, ix: PullIx) -> Value {
        let mut shape = self.simple_pull(ix);
        let standing = self.world.standing(ix, self.now);
        let pull = standing.pull;
        let words = pull.script.words.as_ref();
        let word = words.and_then(|words| words.merge_state_status.as_ref());
        let state = match standing.merge_state() {
            _ if word.is_some() => word.map_or_else(String::new, |word| word.0.to_lowercase()),
            MergeState::HasHooks => "has_hooks".to_owned(),
            state => state.word().to_lowercase(),
        };
        let count = |count: usize| json!(count);
        shape["merged"] = json!(pull.is_merged());
        shape["mergeable"] = json!(standing.mergeable().flag());
        shape["rebaseable"] = json!(standing.mergeable().flag());
        shape["mergeable_state"] = json!(state);
        shape["merged_by"] = pull.merged().map_or(Value::Null, |closing| user(&closing.by));
        shape["comments"] = count(pull.comments.len());
        shape["review_comments"] = count(0);
        shape["maintainer_can_modify"] = json!(false);
        shape["commits"] = count(pull.heads.len());
        shape["additions"] = count(pull.files.iter().map(|file| file.additions).sum());
        shape["deletions"] = count(pull.files.iter().map(|file| file.deletions).sum());
        shape["changed_files"] = count(pull.files.len());
        shape
    }

    /// One end of a pull request: its branch, or its base.
    fn end(self, ix: PullIx, name: &str, oid: &str, is_head: bool) -> Value {
        let pull = &self.world.pulls[ix.0];
        let repository = self.world.repository_of(ix);
        let fork = pull.fork_owner().filter(|_| is_head);
        let owner = fork.unwrap_or_else(|| repository.owner_actor());
        json!({
            "label": format!("{}:{name}", owner.rest_login()),
            "ref": name,
            "sha": oid,
            "user": user(&owner),
            "repo": self.repository(pull.repository, Some(&owner)),
        })
    }
}
