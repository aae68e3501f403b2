//! One session: what was asked, how it behaves, how far it is, and how it looks on the wire.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    behaviour::{Behaviour, Ending, Lacking},
    clock::print,
    create::Create,
    dice::Dice,
    life::{Life, State},
    text,
};

/// A session of the simulated account.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) create: Create,
    /// The body of the create as it came.
    pub(super) body: Box<str>,
    pub(super) behaviour: Arc<Behaviour>,
    pub(super) ending: Ending,
    pub(super) dice: Dice,
    pub(super) born: Timestamp,
    pub(super) life: Life,
    pub(super) listed_from: Timestamp,
    pub(super) found_from: Timestamp,
    pub(super) archived: bool,
    pub(super) deleted: bool,
    /// Whether it is in the count of live sessions.
    pub(super) counted: bool,
    pub(super) messages: Vec<String>,
    pub(super) approvals: u32,
    /// Number of its pull request, once it has one.
    pub(super) pull: Option<u64>,
    /// When an answer first showed that it has ended.
    pub(super) seen_ended: Option<Timestamp>,
    /// When it next takes or frees a slot or shows outputs, as far as the account knows.
    pub(super) turn: Option<Timestamp>,
    /// Why it cannot work at all.
    pub(super) doom: Option<String>,
}

/// A session on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown<'a> {
    name: String,
    id: &'a str,
    prompt: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_context: Option<Context<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    archived: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    source: &'a str,
    github_repo_context: Branch<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Branch<'a> {
    starting_branch: &'a str,
}

impl Session {
    pub(super) fn state_name(&self) -> &str {
        self.life.state.name().or(self.behaviour.unknown_state.as_deref()).unwrap_or("STATE_UNSPECIFIED")
    }

    /// Whether it opens a pull request when it delivers.
    pub(super) fn wants_pull_request(&self) -> bool {
        let changes_more = match self.ending {
            Ending::PullRequest
            | Ending::PullRequestInProgress
            | Ending::Stall
            | Ending::Pause
            | Ending::PauseSilently
            | Ending::Busy => true,
            Ending::Change | Ending::NoChange | Ending::Failure | Ending::FailureWithoutReason => false,
        };
        changes_more && self.create.pull_request && self.create.source.is_some()
    }

    /// `owner/repo` of its source.
    pub(super) fn repo(&self) -> Option<&str> {
        self.create.source.as_ref()?.name.strip_prefix("sources/github/")
    }

    pub(super) fn subject(&self) -> String {
        text::subject(self.create.title.as_deref(), &self.create.prompt)
    }

    /// As get and list show it.
    pub(super) fn shown(&self) -> Shown<'_> {
        Shown {
            name: format!("sessions/{}", self.id),
            id: &self.id,
            prompt: &self.create.prompt,
            title: self.create.title.as_deref().unwrap_or(&self.create.prompt),
            source_context: self.create.source.as_ref().map(|source| Context {
                source: &source.name,
                github_repo_context: Branch { starting_branch: &source.branch },
            }),
            create_time: Some(print(self.born, None)),
            update_time: Some(print(self.life.updated_at, None)),
            state: Some(self.state_name()),
            url: Some(format!("https://jules.google.com/session/{}", self.id)),
            outputs: if self.life.delivered { self.outputs() } else { Vec::new() },
            archived: self.archived,
        }
    }

    /// As the answer to create shows it: less what the behaviour takes away.
    pub(super) fn shown_created(&self) -> Shown<'_> {
        let lacks = self.behaviour.create_lacks.as_deref().unwrap_or_default();
        let mut shown = self.shown();
        if lacks.contains(&Lacking::State) {
            shown.state = None;
        }
        if lacks.contains(&Lacking::Url) {
            shown.url = None;
        }
        if lacks.contains(&Lacking::CreateTime) {
            shown.create_time = None;
            shown.update_time = None;
        }
        shown
    }

    /// As the answer to approvePlan shows it: without the source.
    pub(super) fn shown_approved(&self) -> Shown<'_> {
        Shown { source_context: None, ..self.shown() }
    }

    fn outputs(&self) -> Vec<Value> {
        let mut outputs = vec![json!({ "changeSet": self.change_set(3) })];
        if let Some(number) = self.pull {
            outputs.push(json!({ "pullRequest": self.pull_request(number) }));
        }
        outputs
    }

    pub(super) fn pull_request_url(&self) -> Option<String> {
        Some(format!("https://github.com/{}/pull/{}", self.repo()?, self.pull?))
    }

    fn pull_request(&self, number: u64) -> Value {
        let subject = self.subject();
        let title = self.behaviour.pull_request_title.clone().unwrap_or_else(|| subject.clone());
        let tail = self.id.get(self.id.len().saturating_sub(8)..).unwrap_or_default();
        json!({
            "url": format!("https://github.com/{}/pull/{number}", self.repo().unwrap_or_default()),
            "title": title,
            "description": format!("{subject}\n\nMade by Jules for the task {}.", self.id),
            "baseRef": self.create.source.as_ref().map_or("main", |source| &source.branch),
            "headRef": format!("{}-{tail}", text::slug(&subject)),
        })
    }

    /// The change as it is after `parts` of 3 of the work.
    pub(super) fn change_set(&self, parts: u8) -> Value {
        let subject = self.subject();
        let patch = match &self.behaviour.patch {
            Some(patch) => patch.clone(),
            None => text::patch(&subject, self.dice, parts),
        };
        let base = format!("{:016x}{:016x}{:08x}", self.dice.with("base").bits(), self.dice.bits(), 0);
        let mut set = json!({
            "gitPatch": { "unidiffPatch": patch, "baseCommitId": base, "suggestedCommitMessage": subject },
        });
        if let Some(source) = &self.create.source {
            set["source"] = Value::String(source.name.clone());
        }
        set
    }

    /// Whether what is shown of it now says that it has ended.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.life.state, State::Completed | State::Failed)
    }
}
