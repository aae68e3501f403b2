//! Pull requests.

use serde_json::Value as JsonValue;

use super::{
    super::{
        actor::Actor,
        acts::Refusal,
        ids,
        pull::{Pull, PullIx},
        words::{MergeMethod, MergeState, Permission},
    },
    Context, JsonMap,
    object::{Kind, Value},
    query::{text, texts},
};

impl Context<'_> {
    pub(super) fn pull(&self, ix: PullIx, name: &str, arguments: &JsonMap) -> Value {
        match name {
            "mergeable" | "mergeStateStatus" | "reviewDecision" | "statusCheckRollup" => {
                self.standing(ix, name)
            }
            "assignees"
            | "comments"
            | "commits"
            | "files"
            | "labels"
            | "latestOpinionatedReviews"
            | "latestReviews"
            | "projectCards"
            | "reviewRequests"
            | "reviews"
            | "timelineItems" => self.pull_list(ix, name, arguments),
            "author"
            | "mergedBy"
            | "editor"
            | "autoMergeRequest"
            | "baseRef"
            | "baseRepository"
            | "headRef"
            | "headRepository"
            | "headRepositoryOwner"
            | "mergeCommit"
            | "mergeQueue"
            | "mergeQueueEntry"
            | "repository"
            | "potentialMergeCommit"
            | "milestone" => self.beside_pull(ix, name),
            _ if name.starts_with("viewer") => self.viewers_pull(ix, name),
            _ => self.pull_itself(ix, name),
        }
    }

    /// What follows from its heads, reviews and rules.
    fn standing(&self, ix: PullIx, name: &str) -> Value {
        let mut scene = self.scene.borrow_mut();
        if matches!(name, "mergeable" | "mergeStateStatus") {
            scene.world.ask(ix, self.now);
        }
        let standing = scene.world.standing(ix, self.now);
        let words = standing.pull.script.words.clone().unwrap_or_default();
        let word = |made_up: Option<super::super::script::Word>, own: &'static str| {
            made_up.map_or_else(|| Value::leaf(own), |word| Value::leaf(&*word.0))
        };
        match name {
            "mergeable" => word(words.mergeable, standing.mergeable().word()),
            "mergeStateStatus" => {
                let state = standing.merge_state();
                let is_go = matches!(state, MergeState::Clean | MergeState::HasHooks);
                self.states.borrow_mut().push((ix, is_go));
                word(words.merge_state_status, state.word())
            }
            "reviewDecision" => match (words.review_decision, standing.decision()) {
                (Some(made_up), _) => word(Some(made_up), ""),
                (None, decision) => {
                    decision.map_or_else(Value::null, |decision| Value::leaf(decision.word()))
                }
            },
            _ if !self.viewer.reads_checks() => {
                Value::Refused(Refusal::new(403, "FORBIDDEN", self.viewer.inaccessible()))
            }
            _ => {
                let head = standing.pull.newest();
                Value::maybe(standing.rollup().map(|_| Kind::Rollup(ix, head)))
            }
        }
    }

    fn pull_list(&self, ix: PullIx, name: &str, arguments: &JsonMap) -> Value {
        let scene = self.scene.borrow();
        let pull = &scene.world.pulls[ix.0];
        let page = |type_name, edge, items| Value::page(type_name, edge, items, arguments);
        let reviews = |places: Vec<usize>| {
            let items = places.into_iter().map(|place| Kind::Review(ix, place)).collect();
            page("PullRequestReviewConnection", "PullRequestReviewEdge", items)
        };
        let all = |count: usize, kind: fn(PullIx, usize) -> Kind| (0..count).map(|n| kind(ix, n)).collect();
        match name {
            "assignees" => page("UserConnection", "UserEdge", Vec::new()),
            "projectCards" => page("ProjectCardConnection", "ProjectCardEdge", Vec::new()),
            "reviewRequests" => page("ReviewRequestConnection", "ReviewRequestEdge", Vec::new()),
            "comments" => {
                page("IssueCommentConnection", "IssueCommentEdge", all(pull.comments.len(), Kind::Comment))
            }
            "commits" => {
                let items = all(pull.heads.len(), Kind::PullCommit);
                page("PullRequestCommitConnection", "PullRequestCommitEdge", items)
            }
            "files" => {
                let items = all(pull.files.len(), Kind::File);
                page("PullRequestChangedFileConnection", "PullRequestChangedFileEdge", items)
            }
            "labels" => {
                let items = pull.labels.iter().map(|name| Kind::Label(ix, name.clone())).collect();
                page("LabelConnection", "LabelEdge", items)
            }
            "latestOpinionatedReviews" => {
                let writers = arguments.get("writersOnly").and_then(JsonValue::as_bool).unwrap_or(false);
                reviews(pull.opinions(writers).into_iter().map(|(place, _)| place).collect())
            }
            "latestReviews" => reviews(newest_by_author(pull)),
            "reviews" => {
                let states = texts(arguments, "states").filter(|states| !states.is_empty());
                let author = text(arguments, "author");
                let fits = |place: &usize| {
                    let review = &pull.reviews[*place];
                    states.as_ref().is_none_or(|states| states.contains(&review.state.word()))
                        && author.is_none_or(|author| *review.by.login == *author)
                };
                reviews((0..pull.reviews.len()).filter(fits).collect())
            }
            _ => {
                let types = texts(arguments, "itemTypes").filter(|types| !types.is_empty());
                let fits = |place: &usize| {
                    let name = self.event_type(ix, *place);
                    types.as_ref().is_none_or(|types| types.iter().any(|one| in_capitals(name) == **one))
                };
                let items = (0..pull.timeline.len()).filter(fits).map(|n| Kind::Event(ix, n)).collect();
                page("PullRequestTimelineItemsConnection", "PullRequestTimelineItemsEdge", items)
            }
        }
    }

    /// People, repositories and branches that belong to it.
    fn beside_pull(&self, ix: PullIx, name: &str) -> Value {
        let scene = self.scene.borrow();
        let (pull, repository) = (&scene.world.pulls[ix.0], scene.world.repository_of(ix));
        let actor = |actor: &Actor| Value::One(Kind::Actor(actor.clone()));
        let merged = pull.merged();
        match name {
            "author" => actor(&pull.author),
            "mergedBy" => merged.map_or_else(Value::null, |closing| actor(&closing.by)),
            "autoMergeRequest" => Value::maybe(pull.auto_merge.as_ref().map(|_| Kind::AutoMerge(ix))),
            "baseRef" => {
                let oid = repository.base_oid(&pull.base);
                Value::One(Kind::Branch(pull.repository, pull.base.clone(), oid))
            }
            "headRef" => {
                let branch = Kind::Branch(pull.repository, pull.branch.clone(), pull.head().oid.clone());
                Value::maybe((!pull.branch_deleted).then_some(branch))
            }
            "baseRepository" | "repository" => Value::One(Kind::Repository(pull.repository)),
            // A fork is not a repository that is played.
            "headRepository" => {
                Value::maybe((!pull.is_from_fork()).then_some(Kind::Repository(pull.repository)))
            }
            "headRepositoryOwner" => actor(&pull.fork_owner().unwrap_or_else(|| repository.owner_actor())),
            "mergeCommit" => Value::maybe(merged.and_then(|closing| {
                let oid = closing.merged.clone()?;
                Some(Kind::Commit(pull.repository, oid, closing.at, closing.by.clone()))
            })),
            "mergeQueue" => Value::maybe(repository.script.merge_queue.map(|_| Kind::Queue(pull.repository))),
            "mergeQueueEntry" => Value::maybe(pull.queued.as_ref().map(|_| Kind::QueueEntry(ix))),
            "editor" | "potentialMergeCommit" | "milestone" => Value::null(),
            _ => Value::Unknown,
        }
    }

    /// What the viewer may do with it.
    fn viewers_pull(&self, ix: PullIx, name: &str) -> Value {
        let scene = self.scene.borrow();
        let pull = &scene.world.pulls[ix.0];
        let permission = self.viewer.permission(scene.world, pull.repository);
        let writes = permission >= Permission::Write;
        let method = scene.world.default_method(ix);
        match name {
            "viewerCanClose" => Value::leaf(writes && pull.is_open()),
            "viewerCanReopen" => Value::leaf(writes && !pull.is_open() && !pull.is_merged()),
            "viewerCanUpdate" => Value::leaf(writes),
            "viewerCanUpdateBranch" => Value::leaf(writes && pull.is_open() && pull.is_behind),
            "viewerCanMergeAsAdmin" => {
                let bypass = scene.world.repository_of(ix).script.admins_bypass;
                Value::leaf(bypass && permission == Permission::Admin && pull.is_open())
            }
            "viewerDidAuthor" => Value::leaf(pull.author == self.viewer.actor),
            "viewerMergeBodyText" if method == MergeMethod::Merge => Value::leaf(pull.title.as_str()),
            "viewerMergeBodyText" => Value::leaf(""),
            "viewerMergeHeadlineText" if method == MergeMethod::Merge => {
                Value::leaf(format!("Merge pull request #{} from {}", pull.number, pull.branch))
            }
            "viewerMergeHeadlineText" => Value::leaf(format!("{} (#{})", pull.title, pull.number)),
            _ => Value::Unknown,
        }
    }

    fn pull_itself(&self, ix: PullIx, name: &str) -> Value {
        let scene = self.scene.borrow();
        let (pull, repository) = (&scene.world.pulls[ix.0], scene.world.repository_of(ix));
        let path = format!("/{}/pull/{}", repository.full_name(), pull.number);
        let number = |number: i64| Value::leaf(number);
        let merged = pull.merged();
        match name {
            "id" => Value::leaf(scene.world.id_of(ix)),
            "databaseId" => number(ids::pull_number(ix)),
            "fullDatabaseId" => Value::leaf(ids::pull_number(ix).to_string()),
            "number" => number(i64::try_from(pull.number).unwrap_or_default()),
            "title" => Value::leaf(pull.title.as_str()),
            "body" | "bodyText" => Value::leaf(pull.body.as_str()),
            "state" => Value::leaf(pull.state()),
            "closed" => Value::leaf(!pull.is_open()),
            "merged" => Value::leaf(merged.is_some()),
            "isDraft" => Value::leaf(pull.is_draft),
            "locked" => Value::leaf(pull.is_locked),
            "url" | "permalink" => Value::leaf(format!("https://github.com{path}")),
            "resourcePath" => Value::leaf(path),
            "checksUrl" => Value::leaf(format!("https://github.com{path}/checks")),
            "createdAt" | "publishedAt" => Value::time(pull.opened_at),
            "updatedAt" => Value::time(pull.updated_at),
            "lastEditedAt" => Value::maybe_time(pull.edited_at),
            "closedAt" => Value::maybe_time(pull.closing.as_ref().map(|closing| closing.at)),
            "mergedAt" => Value::maybe_time(merged.map(|closing| closing.at)),
            "authorAssociation" => Value::leaf(pull.author.association(true)),
            "baseRefName" => Value::leaf(pull.base.as_str()),
            "baseRefOid" => Value::leaf(repository.base_oid(&pull.base)),
            "headRefName" => Value::leaf(pull.branch.as_str()),
            "headRefOid" => Value::leaf(pull.head().oid.as_str()),
            "isCrossRepository" => Value::leaf(pull.is_from_fork()),
            "isInMergeQueue" => Value::leaf(pull.queued.is_some()),
            "isMergeQueueEnabled" => Value::leaf(repository.script.merge_queue.is_some()),
            "canBeRebased" => Value::leaf(!pull.has_conflict && pull.is_open()),
            "maintainerCanModify" => Value::leaf(false),
            "changedFiles" => Value::count(pull.files.len()),
            "additions" => Value::count(pull.files.iter().map(|file| file.additions).sum()),
            "deletions" => Value::count(pull.files.iter().map(|file| file.deletions).sum()),
            "totalCommentsCount" => Value::count(pull.comments.len()),
            "reactionGroups" => Value::Many(Vec::new()),
            "activeLockReason" => Value::null(),
            _ => Value::Unknown,
        }
    }
}

/// The last review of each reviewer.
fn newest_by_author(pull: &Pull) -> Vec<usize> {
    let is_last = |place: &usize| {
        let by = &pull.reviews[*place].by;
        !pull.reviews.iter().skip(place + 1).any(|later| later.by == *by)
    };
    (0..pull.reviews.len()).filter(is_last).collect()
}

/// `ClosedEvent` as `CLOSED_EVENT`.
fn in_capitals(name: &str) -> String {
    let mut capitals = String::new();
    for (n, ch) in name.char_indices() {
        if n > 0 && ch.is_ascii_uppercase() {
            capitals.push('_');
        }
        capitals.push(ch.to_ascii_uppercase());
    }
    capitals
}
