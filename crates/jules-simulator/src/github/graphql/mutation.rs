//! Mutations.

use serde_json::Value as JsonValue;

use super::{
    super::{
        acts::{Acts, MergeRequest, Refusal},
        ids::NodeId,
        pull::PullIx,
        viewer::Sight,
        words::MergeMethod,
    },
    Context, JsonMap,
    object::{Kind, Value},
    query::{no_node, text},
};

impl Context<'_> {
    pub(super) fn mutation(&self, name: &str, arguments: &JsonMap) -> Value {
        let empty = JsonMap::new();
        let input = arguments.get("input").and_then(JsonValue::as_object).unwrap_or(&empty);
        match self.carry_out(name, input) {
            Ok((pull, comment)) => {
                let mut type_name = name.to_owned();
                type_name[..1].make_ascii_uppercase();
                Value::One(Kind::Payload(format!("{type_name}Payload"), pull, comment))
            }
            Err(refusal) => Value::Refused(refusal),
        }
    }

    /// Does what is asked; the pull request, and the comment that was made.
    fn carry_out(&self, name: &str, input: &JsonMap) -> Result<(PullIx, Option<usize>), Refusal> {
        let id = ["pullRequestId", "subjectId", "id"].into_iter().find_map(|name| text(input, name));
        let pull = self.pull_of_id(id.unwrap_or_default())?;
        let mut scene = self.scene.borrow_mut();
        let mut acts = Acts { world: scene.world, viewer: self.viewer, now: self.now };
        let expected = text(input, "expectedHeadOid");
        let request = MergeRequest {
            head: expected.map(str::to_owned),
            method: text(input, "mergeMethod").and_then(MergeMethod::named),
        };
        match name {
            "addComment" => {
                let comment = acts.comment(pull, text(input, "body").unwrap_or_default())?;
                return Ok((pull, Some(comment)));
            }
            "mergePullRequest" => drop(acts.merge(pull, &request)?),
            "closePullRequest" => acts.close(pull)?,
            "reopenPullRequest" => acts.reopen(pull)?,
            "updatePullRequestBranch" => acts.update_branch(pull, expected)?,
            "enqueuePullRequest" => acts.enqueue(pull, expected)?,
            "dequeuePullRequest" => acts.dequeue(pull)?,
            "enablePullRequestAutoMerge" => acts.arm(pull, &request)?,
            "disablePullRequestAutoMerge" => acts.disarm(pull)?,
            "convertPullRequestToDraft" => acts.set_draft(pull, true)?,
            "markPullRequestReadyForReview" => acts.set_draft(pull, false)?,
            _ => return Err(Refusal::new(400, "INTERNAL", format!("{name} is not played"))),
        }
        Ok((pull, None))
    }

    fn pull_of_id(&self, id: &str) -> Result<PullIx, Refusal> {
        let scene = self.scene.borrow();
        let world = &scene.world;
        let found = match world.node(id) {
            Some(NodeId::Pull(ix)) => Some(ix),
            Some(NodeId::Repository(_)) | None => None,
        };
        let seen = found.filter(|ix| self.viewer.sees(world, world.pulls[ix.0].repository) == Sight::Seen);
        seen.ok_or_else(|| no_node(id))
    }

    pub(super) fn payload(&self, pull: PullIx, comment: Option<usize>, name: &str) -> Value {
        match name {
            "actor" => Value::One(Kind::Actor(self.viewer.actor.clone())),
            "pullRequest" | "subject" => Value::One(Kind::Pull(pull)),
            "mergeQueueEntry" => {
                let queued = self.scene.borrow().world.pulls[pull.0].queued.is_some();
                Value::maybe(queued.then_some(Kind::QueueEntry(pull)))
            }
            "commentEdge" => match comment {
                Some(place) => {
                    let node = Box::new(Kind::Comment(pull, place));
                    Value::One(Kind::Edge("IssueCommentEdge", node, place))
                }
                None => Value::null(),
            },
            "clientMutationId" => Value::null(),
            _ => Value::Unknown,
        }
    }
}
