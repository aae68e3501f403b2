//! Repositories in REST's answers.

use serde_json::{Value, json};

use super::{
    super::super::{
        actor::Actor,
        ids,
        pull::RepositoryIx,
        words::{MergeMethod, Permission},
    },
    API, Shapes, time, user,
};

/// The addresses below a repository's own, by the name of their field.
const BELOW: [(&str, &str); 37] = [
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
    ("url", ""),
];

impl Shapes<'_> {
    /// As other things name it.
    pub(in super::super) fn minimal_repository(self, ix: RepositoryIx) -> Value {
        let repository = &self.world.repositories[ix.0];
        let url = format!("{API}/repos/{}", repository.full_name());
        let mut shape = json!({
            "id": repository.database_id(),
            "node_id": ids::repository(ix),
            "name": repository.name,
            "full_name": repository.full_name(),
            "private": repository.is_private,
            "owner": user(&repository.owner_actor()),
            "html_url": repository.url(),
            "description": null,
            "fork": false,
        });
        for (name, below) in BELOW {
            shape[name] = json!(format!("{url}{below}"));
        }
        shape
    }

    /// As an end of a pull request has it; of another owner it is a fork.
    pub(super) fn repository(self, ix: RepositoryIx, owner: Option<&Actor>) -> Value {
        let repository = &self.world.repositories[ix.0];
        let open = repository.pulls.iter().filter(|pull| self.world.pulls[pull.0].is_open()).count();
        let mut shape = self.minimal_repository(ix);
        let fields = json!({
            "git_url": format!("git://github.com/{}.git", repository.full_name()),
            "ssh_url": format!("git@github.com:{}.git", repository.full_name()),
            "clone_url": format!("{}.git", repository.url()),
            "svn_url": repository.url(),
            "mirror_url": null,
            "homepage": null,
            "language": null,
            "license": null,
            "forks": 0,
            "forks_count": 0,
            "stargazers_count": 0,
            "watchers": 0,
            "watchers_count": 0,
            "size": 108,
            "default_branch": repository.default_branch,
            "open_issues": open,
            "open_issues_count": open,
            "is_template": false,
            "topics": [],
            "has_issues": true,
            "has_projects": false,
            "has_wiki": false,
            "has_pages": false,
            "has_downloads": false,
            "has_discussions": false,
            "archived": repository.archived_at.is_some(),
            "disabled": false,
            "visibility": if repository.is_private { "private" } else { "public" },
            "pushed_at": time(repository.pushed_at),
            "created_at": time(repository.made_at),
            "updated_at": time(repository.pushed_at),
        });
        for (name, value) in fields.as_object().into_iter().flatten() {
            shape[name] = value.clone();
        }
        if let Some(owner) = owner.filter(|owner| *owner.login != *repository.owner) {
            shape["owner"] = user(owner);
            shape["full_name"] = json!(format!("{}/{}", owner.rest_login(), repository.name));
            shape["fork"] = json!(true);
        }
        shape
    }

    /// By itself, with what the viewer may do and how it merges.
    pub(in super::super) fn full_repository(self, ix: RepositoryIx) -> Value {
        let repository = &self.world.repositories[ix.0];
        let permission = self.viewer.permission(self.world, ix);
        let allows = |method| repository.script.methods.contains(&method);
        let mut shape = self.repository(ix, None);
        shape["permissions"] = json!({
            "admin": permission >= Permission::Admin,
            "maintain": permission >= Permission::Admin,
            "push": permission >= Permission::Write,
            "triage": permission >= Permission::Write,
            "pull": permission >= Permission::Read,
        });
        shape["allow_squash_merge"] = json!(allows(MergeMethod::Squash));
        shape["allow_merge_commit"] = json!(allows(MergeMethod::Merge));
        shape["allow_rebase_merge"] = json!(allows(MergeMethod::Rebase));
        shape["allow_auto_merge"] = json!(repository.script.auto_merge);
        shape["delete_branch_on_merge"] = json!(repository.script.delete_branch_on_merge);
        shape["allow_update_branch"] = json!(true);
        shape["network_count"] = json!(0);
        shape["subscribers_count"] = json!(0);
        shape
    }
}
