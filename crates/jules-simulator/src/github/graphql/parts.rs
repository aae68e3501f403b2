//! What belongs to pull requests: people, commits, checks, reviews, comments, events.

use jiff::Timestamp;

use super::{
    super::{
        actor::{Actor, ActorKind},
        acts::Refusal,
        ids,
        pull::{EventKind, PullIx, RepositoryIx},
    },
    Context, JsonMap,
    object::{Kind, Value},
};

impl Context<'_> {
    pub(super) fn part(&self, kind: &Kind, name: &str, arguments: &JsonMap) -> Value {
        match kind {
            Kind::Actor(actor) => self.actor(actor, name),
            Kind::GitActor(actor, at) => git_actor(actor, *at, name),
            Kind::Branch(ix, branch, oid) => self.branch(*ix, branch, oid, name),
            Kind::Commit(ix, oid, at, by) => match name {
                "message" | "messageHeadline" => Value::leaf("Merge"),
                "statusCheckRollup" | "status" => Value::null(),
                _ => self.commit(*ix, oid, by, *at, name),
            },
            Kind::Head(ix, head) => self.head(*ix, *head, name, arguments),
            Kind::Rollup(ix, head) => self.rollup(*ix, *head, name, arguments),
            Kind::Check(ix, head, place) | Kind::StatusContext(ix, head, place) => {
                self.check(*ix, *head, *place, name, arguments)
            }
            Kind::CheckSuite(ix, head, place)
            | Kind::WorkflowRun(ix, head, place)
            | Kind::Workflow(ix, head, place) => self.suite(kind, (*ix, *head, *place), name),
            Kind::App => super::checks::app(name),
            Kind::StateCount(_, state, count) => match name {
                "state" => Value::leaf(*state),
                "count" => Value::count(*count),
                _ => Value::Unknown,
            },
            Kind::PullCommit(ix, head) => match name {
                "id" => Value::leaf(ids::made("PURC", &[ix.0, *head])),
                "commit" => Value::One(Kind::Head(*ix, *head)),
                _ => self.in_pull(*ix, &format!("/commits/{}", self.oid(*ix, *head)), name),
            },
            Kind::Label(ix, label) => self.label(*ix, label, name),
            Kind::Review(ix, place) => self.review(*ix, *place, name),
            Kind::Comment(ix, place) => self.comment(*ix, *place, name),
            Kind::File(ix, place) => self.file(*ix, *place, name),
            Kind::Event(ix, place) => self.event(*ix, *place, name),
            Kind::AutoMerge(ix) => self.auto_merge(*ix, name),
            Kind::QueueEntry(ix) => self.queue_entry(*ix, name),
            _ => Value::Unknown,
        }
    }

    fn oid(&self, ix: PullIx, head: usize) -> String {
        self.scene.borrow().world.pulls[ix.0].heads[head].oid.clone()
    }

    /// What everything within a pull request has: the pull request, its repository, and an address below it.
    fn in_pull(&self, ix: PullIx, below: &str, name: &str) -> Value {
        let scene = self.scene.borrow();
        let path = format!(
            "/{}/pull/{}{below}",
            scene.world.repository_of(ix).full_name(),
            scene.world.pulls[ix.0].number
        );
        match name {
            "pullRequest" => Value::One(Kind::Pull(ix)),
            "repository" => Value::One(Kind::Repository(scene.world.pulls[ix.0].repository)),
            "resourcePath" => Value::leaf(path),
            "url" | "permalink" => Value::leaf(format!("https://github.com{path}")),
            "reactionGroups" => Value::Many(Vec::new()),
            "includesCreatedEdit" | "isMinimized" => Value::leaf(false),
            "lastEditedAt" | "minimizedReason" => Value::null(),
            _ => Value::Unknown,
        }
    }

    fn actor(&self, actor: &Actor, name: &str) -> Value {
        match name {
            "id" => Value::leaf(actor.node_id()),
            "databaseId" => Value::leaf(actor.database_id()),
            "login" => Value::leaf(&*actor.login),
            "name" => Value::null(),
            "avatarUrl" => Value::leaf(actor.avatar_url()),
            "url" => Value::leaf(actor.url()),
            "resourcePath" => Value::leaf(actor.url().replacen("https://github.com", "", 1)),
            "isViewer" => Value::leaf(*actor == self.viewer.actor),
            "createdAt" | "updatedAt" => Value::leaf("2020-01-01T00:00:00Z"),
            _ => Value::Unknown,
        }
    }

    fn branch(&self, ix: RepositoryIx, branch: &str, oid: &str, name: &str) -> Value {
        match name {
            "id" => Value::leaf(format!("REF_{}_{branch}", ix.0)),
            "name" => Value::leaf(branch),
            "prefix" => Value::leaf("refs/heads/"),
            "repository" => Value::One(Kind::Repository(ix)),
            "target" => {
                let scene = self.scene.borrow();
                let pulls = &scene.world.repositories[ix.0].pulls;
                let head = pulls.iter().find_map(|pull| {
                    let heads = &scene.world.pulls[pull.0].heads;
                    Some((*pull, heads.iter().position(|head| head.oid == oid)?))
                });
                let made_at = scene.world.repositories[ix.0].made_at;
                let commit = || Kind::Commit(ix, oid.to_owned(), made_at, Actor::named("bob"));
                Value::One(head.map_or_else(commit, |(pull, head)| Kind::Head(pull, head)))
            }
            _ => Value::Unknown,
        }
    }

    fn head(&self, ix: PullIx, head: usize, name: &str, arguments: &JsonMap) -> Value {
        let scene = self.scene.borrow();
        let pull = &scene.world.pulls[ix.0];
        let commit = &pull.heads[head];
        match name {
            "id" => Value::leaf(ids::made("C", &[ix.0, head])),
            "message" | "messageHeadline" => Value::leaf(commit.message.as_str()),
            "statusCheckRollup" | "status" if !self.viewer.reads_checks() => {
                Value::Refused(Refusal::new(403, "FORBIDDEN", self.viewer.inaccessible()))
            }
            "statusCheckRollup" => {
                let rollup = scene.world.standing(ix, self.now).rollup_of(head);
                Value::maybe(rollup.map(|_| Kind::Rollup(ix, head)))
            }
            "status" => Value::null(),
            "associatedPullRequests" => {
                Value::page("PullRequestConnection", "PullRequestEdge", vec![Kind::Pull(ix)], arguments)
            }
            "authors" => {
                let people = vec![Kind::GitActor(commit.by.clone(), commit.at)];
                Value::page("GitActorConnection", "GitActorEdge", people, arguments)
            }
            _ => self.commit(pull.repository, &commit.oid, &commit.by, commit.at, name),
        }
    }

    fn commit(&self, ix: RepositoryIx, oid: &str, by: &Actor, at: Timestamp, name: &str) -> Value {
        let scene = self.scene.borrow();
        let path = format!("/{}/commit/{oid}", scene.world.repositories[ix.0].full_name());
        match name {
            "id" => Value::leaf(format!("C_{oid}")),
            "oid" => Value::leaf(oid),
            "abbreviatedOid" => Value::leaf(&oid[..7]),
            "messageBody" => Value::leaf(""),
            "authoredDate" | "committedDate" => Value::time(at),
            "pushedDate" => Value::null(),
            "author" | "committer" => Value::One(Kind::GitActor(by.clone(), at)),
            "additions" | "deletions" | "changedFilesIfAvailable" => Value::count(1),
            "commitResourcePath" | "resourcePath" => Value::leaf(path),
            "commitUrl" | "url" => Value::leaf(format!("https://github.com{path}")),
            "repository" => Value::One(Kind::Repository(ix)),
            _ => Value::Unknown,
        }
    }

    fn label(&self, ix: PullIx, label: &str, name: &str) -> Value {
        match name {
            "id" => Value::leaf(format!("LA_{}_{label}", ix.0)),
            "name" => Value::leaf(label),
            "color" => Value::leaf("ededed"),
            "isDefault" => Value::leaf(false),
            "description" | "createdAt" | "updatedAt" => Value::null(),
            "repository" => self.in_pull(ix, "", "repository"),
            "resourcePath" | "url" => {
                let path =
                    format!("/{}/labels/{label}", self.scene.borrow().world.repository_of(ix).full_name());
                Value::leaf(if name == "url" { format!("https://github.com{path}") } else { path })
            }
            _ => Value::Unknown,
        }
    }

    fn review(&self, ix: PullIx, place: usize, name: &str) -> Value {
        let scene = self.scene.borrow();
        let review = &scene.world.pulls[ix.0].reviews[place];
        let id = ids::review_number(ix, place);
        match name {
            "id" => Value::leaf(ids::made("PRR", &[ix.0, place])),
            "databaseId" => Value::count(id),
            "fullDatabaseId" => Value::leaf(id.to_string()),
            "author" => Value::One(Kind::Actor(review.by.clone())),
            "authorAssociation" => Value::leaf(review.by.association(review.by_writer)),
            "authorCanPushToRepository" => Value::leaf(review.by_writer),
            "body" | "bodyText" => Value::leaf(review.body.as_str()),
            "commit" => Value::One(Kind::Head(ix, review.head)),
            "state" => Value::leaf(review.state.word()),
            "createdAt" | "publishedAt" | "submittedAt" | "updatedAt" => Value::time(review.at),
            "viewerDidAuthor" => Value::leaf(review.by == self.viewer.actor),
            _ => self.in_pull(ix, &format!("#pullrequestreview-{id}"), name),
        }
    }

    fn comment(&self, ix: PullIx, place: usize, name: &str) -> Value {
        let scene = self.scene.borrow();
        let comment = &scene.world.pulls[ix.0].comments[place];
        match name {
            "id" => Value::leaf(ids::made("IC", &[ix.0, place])),
            "databaseId" => Value::leaf(i64::try_from(comment.id).unwrap_or_default()),
            "fullDatabaseId" => Value::leaf(comment.id.to_string()),
            "author" => Value::One(Kind::Actor(comment.by.clone())),
            "authorAssociation" => Value::leaf(comment.by.association(true)),
            "body" | "bodyText" => Value::leaf(comment.body.as_str()),
            "createdAt" | "publishedAt" | "updatedAt" => Value::time(comment.at),
            "viewerDidAuthor" => Value::leaf(comment.by == self.viewer.actor),
            _ => self.in_pull(ix, &format!("#issuecomment-{}", comment.id), name),
        }
    }

    fn file(&self, ix: PullIx, place: usize, name: &str) -> Value {
        let scene = self.scene.borrow();
        let file = &scene.world.pulls[ix.0].files[place];
        match name {
            "path" => Value::leaf(file.path.as_str()),
            "additions" => Value::count(file.additions),
            "deletions" => Value::count(file.deletions),
            "changeType" => Value::leaf("MODIFIED"),
            "viewerViewedState" => Value::leaf("UNVIEWED"),
            _ => Value::Unknown,
        }
    }

    /// The type of an event of the timeline.
    pub(super) fn event_type(&self, ix: PullIx, place: usize) -> &'static str {
        match &self.scene.borrow().world.pulls[ix.0].timeline[place].what {
            EventKind::Closed => "ClosedEvent",
            EventKind::Reopened => "ReopenedEvent",
            EventKind::Merged => "MergedEvent",
            EventKind::ForcePushed { .. } => "HeadRefForcePushedEvent",
            EventKind::ConvertedToDraft => "ConvertToDraftEvent",
            EventKind::ReadyForReview => "ReadyForReviewEvent",
            EventKind::Locked => "LockedEvent",
            EventKind::Labeled(_) => "LabeledEvent",
            EventKind::Unlabeled(_) => "UnlabeledEvent",
            EventKind::Dismissed { .. } => "ReviewDismissedEvent",
        }
    }

    fn event(&self, ix: PullIx, place: usize, name: &str) -> Value {
        let scene = self.scene.borrow();
        let pull = &scene.world.pulls[ix.0];
        let event = &pull.timeline[place];
        match (&event.what, name) {
            (_, "id") => Value::leaf(ids::made("EV", &[ix.0, place])),
            (_, "actor") => Value::One(Kind::Actor(event.by.clone())),
            (_, "createdAt") => Value::time(event.at),
            (EventKind::ForcePushed { before, .. }, "beforeCommit") => Value::One(Kind::Head(ix, *before)),
            (EventKind::ForcePushed { after, .. }, "afterCommit") => Value::One(Kind::Head(ix, *after)),
            (EventKind::Labeled(label) | EventKind::Unlabeled(label), "label") => {
                Value::One(Kind::Label(ix, label.clone()))
            }
            (EventKind::Dismissed { was, .. }, "previousReviewState") => Value::leaf(was.word()),
            (EventKind::Dismissed { review, .. }, "review") => Value::One(Kind::Review(ix, *review)),
            (EventKind::Merged, "mergeRefName") => Value::leaf(pull.base.as_str()),
            (EventKind::Merged, "commit") => self.pull(ix, "mergeCommit", &JsonMap::new()),
            (_, "dismissalMessage" | "lockReason") => Value::null(),
            (_, name) => self.in_pull(ix, &format!("#event-{place}"), name),
        }
    }

    fn auto_merge(&self, ix: PullIx, name: &str) -> Value {
        let scene = self.scene.borrow();
        let Some(armed) = &scene.world.pulls[ix.0].auto_merge else { return Value::null() };
        match name {
            "enabledAt" => Value::time(armed.at),
            "enabledBy" => Value::One(Kind::Actor(armed.by.clone())),
            "mergeMethod" => Value::leaf(armed.method.word()),
            "pullRequest" => Value::One(Kind::Pull(ix)),
            "authorEmail" | "commitBody" | "commitHeadline" => Value::null(),
            _ => Value::Unknown,
        }
    }

    fn queue_entry(&self, ix: PullIx, name: &str) -> Value {
        let scene = self.scene.borrow();
        let pull = &scene.world.pulls[ix.0];
        let Some(entry) = &pull.queued else { return Value::null() };
        let siblings = &scene.world.repositories[pull.repository.0].pulls;
        let is_before = |other: &&PullIx| {
            let queued = scene.world.pulls[other.0].queued.as_ref();
            queued.is_some_and(|other| other.at < entry.at)
        };
        match name {
            "id" => Value::leaf(ids::made("MQE", &[ix.0])),
            "enqueuedAt" => Value::time(entry.at),
            "enqueuer" => Value::One(Kind::Actor(entry.by.clone())),
            "position" => Value::count(1 + siblings.iter().filter(is_before).count()),
            "state" => Value::leaf("AWAITING_CHECKS"),
            "headCommit" => Value::One(Kind::Head(ix, pull.newest())),
            "pullRequest" => Value::One(Kind::Pull(ix)),
            "jump" | "solo" => Value::leaf(false),
            "estimatedTimeToMerge" => Value::null(),
            _ => Value::Unknown,
        }
    }
}

fn git_actor(actor: &Actor, at: Timestamp, name: &str) -> Value {
    match name {
        "name" => Value::leaf(actor.rest_login()),
        "email" => Value::leaf(actor.email()),
        "date" => Value::time(at),
        "avatarUrl" => Value::leaf(actor.avatar_url()),
        // A bot is no user.
        "user" => Value::maybe((actor.kind == ActorKind::User).then(|| Kind::Actor(actor.clone()))),
        _ => Value::Unknown,
    }
}
