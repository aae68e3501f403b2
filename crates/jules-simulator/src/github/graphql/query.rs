//! The root of queries, and repositories.

use serde_json::Value as JsonValue;

use super::{
    super::{
        actor::Actor,
        acts::{Refusal, branch_oid},
        find,
        ids::{self, NodeId},
        pull::{PullIx, RepositoryIx},
        viewer::Sight,
        words::{MergeMethod, Permission},
    },
    Context, JsonMap,
    object::{Kind, Value},
};

/// An argument that is a text.
pub(super) fn text<'a>(arguments: &'a JsonMap, name: &str) -> Option<&'a str> {
    arguments.get(name).and_then(JsonValue::as_str)
}

/// An argument that is a list of texts.
pub(super) fn texts<'a>(arguments: &'a JsonMap, name: &str) -> Option<Vec<&'a str>> {
    let items = arguments.get(name)?.as_array()?;
    Some(items.iter().filter_map(JsonValue::as_str).collect())
}

impl Context<'_> {
    pub(super) fn query(&self, name: &str, arguments: &JsonMap) -> Value {
        match name {
            "node" => self.node(text(arguments, "id").unwrap_or_default()).into(),
            "nodes" => {
                let ids = texts(arguments, "ids").unwrap_or_default();
                Value::Mixed(ids.into_iter().map(|id| self.node(id).0).collect())
            }
            "repository" => {
                let (owner, repository) = (text(arguments, "owner"), text(arguments, "name"));
                let name = format!("{}/{}", owner.unwrap_or_default(), repository.unwrap_or_default());
                self.repository_named(&name).into()
            }
            "__type" => {
                let name = text(arguments, "name").unwrap_or_default();
                Value::maybe(self.schema.get(name).map(|_| Kind::TypeInfo(name.to_owned())))
            }
            "viewer" => Value::One(Kind::Actor(self.viewer.actor.as_user())),
            "rateLimit" => Value::One(Kind::RateLimit),
            "search" => self.search(text(arguments, "query").unwrap_or_default(), arguments),
            _ => Value::Unknown,
        }
    }

    fn node(&self, id: &str) -> Found {
        let scene = self.scene.borrow();
        let gone = || Found(Err(no_node(id)));
        let (kind, repository) = match scene.world.node(id) {
            None => return gone(),
            Some(NodeId::Repository(ix)) => (Kind::Repository(ix), ix),
            Some(NodeId::Pull(ix)) => (Kind::Pull(ix), scene.world.pulls[ix.0].repository),
        };
        if let Kind::Pull(ix) = kind
            && self.leaves_out(ix)
        {
            return Found(Err(left_out()));
        }
        match self.viewer.sees(scene.world, repository) {
            Sight::Seen => Found(Ok(Some(kind))),
            Sight::Nothing => gone(),
            Sight::SignOn => Found(Err(sign_on())),
        }
    }

    /// Whether the answer leaves this one out.
    fn leaves_out(&self, ix: PullIx) -> bool {
        self.partial.is_some_and(|(share, dice)| dice.nth(ix.0 as u64).unit() < share)
    }

    fn repository_named(&self, name: &str) -> Found {
        let mut scene = self.scene.borrow_mut();
        let scene = &mut *scene;
        let gone = || {
            Found(Err(Refusal::new(
                404,
                "NOT_FOUND",
                format!("Could not resolve to a Repository with the name '{name}'."),
            )))
        };
        let Some(ix) = find(scene.world, scene.sources, name) else { return gone() };
        match self.viewer.sees(scene.world, ix) {
            Sight::Seen => Found(Ok(Some(Kind::Repository(ix)))),
            Sight::Nothing => gone(),
            Sight::SignOn => Found(Err(sign_on())),
        }
    }

    /// Pull requests by the qualifiers of a search; words are looked for in title, body and branch.
    fn search(&self, query: &str, arguments: &JsonMap) -> Value {
        let scene = self.scene.borrow();
        let world = &scene.world;
        let fits = |ix: &PullIx| {
            let (pull, repository) = (&world.pulls[ix.0], world.repository_of(*ix));
            let is_one_of = |wanted: &str| pull.state().eq_ignore_ascii_case(wanted);
            let term = |term: &str| match term.split_once(':') {
                Some(("repo", name)) => name.eq_ignore_ascii_case(&repository.full_name()),
                Some(("org" | "user" | "owner", name)) => name.eq_ignore_ascii_case(&repository.owner),
                Some(("is" | "type" | "state", "pr")) => true,
                Some(("is", "issue")) => false,
                Some(("is" | "state", "closed")) => !pull.is_open(),
                Some(("is" | "state", wanted @ ("open" | "merged"))) => is_one_of(wanted),
                Some(("is" | "draft", "draft" | "true")) => pull.is_draft,
                Some(("author", login)) => pull.author.rest_login() == login || *pull.author.login == *login,
                Some(("head", branch)) => pull.branch == branch,
                Some(("base", branch)) => pull.base == branch,
                Some(("label", name)) => pull.labels.iter().any(|label| label == name.trim_matches('"')),
                Some(("sort" | "in" | "archived", _)) => true,
                _ => [&pull.title, &pull.body, &pull.branch].iter().any(|text| text.contains(term)),
            };
            self.viewer.sees(world, pull.repository) == Sight::Seen && query.split_whitespace().all(term)
        };
        let mut found: Vec<PullIx> = (0..world.pulls.len()).map(PullIx).filter(fits).collect();
        found.sort_by_key(|ix| std::cmp::Reverse(world.pulls[ix.0].opened_at));
        let items = found.into_iter().map(Kind::Pull).collect();
        Value::page("SearchResultItemConnection", "SearchResultItemEdge", items, arguments)
    }

    pub(super) fn rate_limit(&self, name: &str) -> Value {
        let number = |number: u64| Value::leaf(i64::try_from(number).unwrap_or(i64::MAX));
        match name {
            "cost" => number(self.cost.points),
            "nodeCount" => number(self.cost.nodes),
            "limit" => number(self.budget.limit),
            "used" => number(self.budget.used),
            "remaining" => number(self.budget.remaining()),
            "resetAt" => Value::time(self.budget.resets),
            _ => Value::Unknown,
        }
    }

    pub(super) fn queue(&self, ix: RepositoryIx, name: &str) -> Value {
        let scene = self.scene.borrow();
        let repository = &scene.world.repositories[ix.0];
        let path = format!("/{}/queue/{}", repository.full_name(), repository.default_branch);
        match name {
            "id" => Value::leaf(ids::made("MQ", &[ix.0])),
            "repository" => Value::One(Kind::Repository(ix)),
            "resourcePath" => Value::leaf(path),
            "url" => Value::leaf(format!("https://github.com{path}")),
            "nextEntryEstimatedTimeToMerge" => Value::null(),
            _ => Value::Unknown,
        }
    }

    pub(super) fn repository(&self, ix: RepositoryIx, name: &str, arguments: &JsonMap) -> Value {
        match name {
            "pullRequest" => self.numbered(ix, arguments),
            "pullRequests" => self.pulls_of(ix, arguments),
            "ref" => {
                let name = text(arguments, "qualifiedName").unwrap_or_default();
                let branch = name.strip_prefix("refs/heads/").unwrap_or(name);
                let oid = branch_oid(self.scene.borrow().world, ix, branch);
                Value::maybe(oid.map(|oid| Kind::Branch(ix, branch.to_owned(), oid)))
            }
            _ => self.repository_itself(ix, name),
        }
    }

    fn numbered(&self, ix: RepositoryIx, arguments: &JsonMap) -> Value {
        let number = arguments.get("number").and_then(JsonValue::as_i64).unwrap_or_default();
        let found = u64::try_from(number).ok();
        let found = found.and_then(|number| self.scene.borrow().world.numbered(ix, number));
        match found {
            Some(pull) if self.leaves_out(pull) => Value::Refused(left_out()),
            Some(pull) => Value::One(Kind::Pull(pull)),
            None => Value::Refused(Refusal::new(
                404,
                "NOT_FOUND",
                format!("Could not resolve to a PullRequest with the number of {number}."),
            )),
        }
    }

    fn pulls_of(&self, ix: RepositoryIx, arguments: &JsonMap) -> Value {
        let scene = self.scene.borrow();
        let world = &scene.world;
        let states = texts(arguments, "states").filter(|states| !states.is_empty());
        let labels = texts(arguments, "labels").filter(|labels| !labels.is_empty());
        let (head, base) = (text(arguments, "headRefName"), text(arguments, "baseRefName"));
        let fits = |ix: &&PullIx| {
            let pull = &world.pulls[ix.0];
            states.as_ref().is_none_or(|states| states.contains(&pull.state()))
                && labels
                    .as_ref()
                    .is_none_or(|labels| pull.labels.iter().any(|one| labels.contains(&one.as_str())))
                && head.is_none_or(|head| head == pull.branch)
                && base.is_none_or(|base| base == pull.base)
        };
        let mut pulls: Vec<PullIx> = world.repositories[ix.0].pulls.iter().filter(fits).copied().collect();
        let order = arguments.get("orderBy").and_then(JsonValue::as_object);
        let by = |key: &str| order.and_then(|order| order.get(key)).and_then(JsonValue::as_str);
        let by_update = by("field") == Some("UPDATED_AT");
        pulls.sort_by_key(|ix| {
            let pull = &world.pulls[ix.0];
            (if by_update { pull.updated_at } else { pull.opened_at }, pull.number)
        });
        if by("direction") == Some("DESC") {
            pulls.reverse();
        }
        let items = pulls.into_iter().map(Kind::Pull).collect();
        Value::page("PullRequestConnection", "PullRequestEdge", items, arguments)
    }

    fn repository_itself(&self, ix: RepositoryIx, name: &str) -> Value {
        let scene = self.scene.borrow();
        let repository = &scene.world.repositories[ix.0];
        let script = &repository.script;
        let permission = self.viewer.permission(scene.world, ix);
        let allows = |method| Value::leaf(script.methods.contains(&method));
        match name {
            "id" => Value::leaf(ids::repository(ix)),
            "databaseId" => Value::leaf(repository.database_id()),
            "name" => Value::leaf(repository.name.as_str()),
            "nameWithOwner" => Value::leaf(repository.full_name()),
            "owner" => Value::One(Kind::Actor(Actor::organization(&repository.owner))),
            "url" => Value::leaf(repository.url()),
            "resourcePath" => Value::leaf(format!("/{}", repository.full_name())),
            "description" | "homepageUrl" | "mirrorUrl" | "parent" | "lockReason" => Value::null(),
            "createdAt" => Value::time(repository.made_at),
            "updatedAt" | "pushedAt" => Value::time(repository.pushed_at),
            "archivedAt" => Value::maybe_time(repository.archived_at),
            "isArchived" => Value::leaf(repository.archived_at.is_some()),
            "isPrivate" => Value::leaf(repository.is_private),
            "visibility" => Value::leaf(if repository.is_private { "PRIVATE" } else { "PUBLIC" }),
            "isInOrganization" | "hasIssuesEnabled" | "allowUpdateBranch" => Value::leaf(true),
            "isDisabled" | "isEmpty" | "isFork" | "isLocked" | "isMirror" | "isTemplate"
            | "hasProjectsEnabled" | "hasWikiEnabled" => Value::leaf(false),
            "forkCount" | "stargazerCount" => Value::count(0),
            "defaultBranchRef" => {
                let branch = repository.default_branch.clone();
                let oid = repository.base_oid(&branch);
                Value::One(Kind::Branch(ix, branch, oid))
            }
            "deleteBranchOnMerge" => Value::leaf(script.delete_branch_on_merge),
            "autoMergeAllowed" => Value::leaf(script.auto_merge),
            "squashMergeAllowed" => allows(MergeMethod::Squash),
            "mergeCommitAllowed" => allows(MergeMethod::Merge),
            "rebaseMergeAllowed" => allows(MergeMethod::Rebase),
            "mergeQueue" => Value::maybe(script.merge_queue.map(|_| Kind::Queue(ix))),
            "viewerCanAdminister" => Value::leaf(permission == Permission::Admin),
            "viewerDefaultMergeMethod" => {
                Value::leaf(script.methods.first().map_or("MERGE", |method| method.word()))
            }
            "viewerPermission" => permission.word().map_or_else(Value::null, Value::leaf),
            _ => Value::Unknown,
        }
    }
}

/// What an id or a name leads to.
struct Found(Result<Option<Kind>, Refusal>);

impl From<Found> for Value {
    fn from(found: Found) -> Self {
        match found.0 {
            Ok(kind) => Self::maybe(kind),
            Err(refusal) => Self::Refused(refusal),
        }
    }
}

/// The error of an id that leads to nothing that the viewer sees.
pub(super) fn no_node(id: &str) -> Refusal {
    Refusal::new(404, "NOT_FOUND", format!("Could not resolve to a node with the global id of '{id}'."))
}

/// The error of what a partial answer lacks.
fn left_out() -> Refusal {
    Refusal::new(
        502,
        "SERVICE_UNAVAILABLE",
        "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub \
         bug.",
    )
}

fn sign_on() -> Refusal {
    Refusal::new(
        403,
        "FORBIDDEN",
        "Resource protected by organization SAML enforcement. You must grant your OAuth token access to this \
         organization.",
    )
}
