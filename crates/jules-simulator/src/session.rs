//! One session: what was asked, how it behaves, how far it is, and how it looks on the wire.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    behaviour::{Behaviour, BranchForm, Ending, Lacking},
    clock::print,
    create::Create,
    dice::Dice,
    github::{ChangedFile, Opening, PullScript},
    life::{Life, State, Step},
    text, timeline,
    wake::{Wake, Waker},
};

/// A session of the simulated account.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) create: Create,
    /// The address that those of the sessions' pages begin with.
    pub(super) pages: Arc<str>,
    /// The body of the create as it came.
    pub(super) body: Box<str>,
    pub(super) behaviour: Arc<Behaviour>,
    pub(super) ending: Ending,
    pub(super) dice: Dice,
    pub(super) born: Timestamp,
    pub(super) life: Life,
    pub(super) listed_from: Timestamp,
    pub(super) found_from: Timestamp,
    /// When the service changes its title, if it does.
    pub(super) titled_from: Timestamp,
    pub(super) archived: bool,
    pub(super) deleted: bool,
    /// Whether it was there before the start.
    pub(super) is_old: bool,
    /// Whether it is in the count of live sessions.
    pub(super) counted: bool,
    pub(super) messages: Vec<String>,
    pub(super) approvals: u32,
    /// How many times it was archived.
    pub(super) archives: u32,
    /// Numbers of its pull requests, oldest first, as GitHub gave them.
    pub(super) pulls: Vec<u64>,
    /// How many pull requests and pushes GitHub has heard of.
    pub(super) told: (usize, usize),
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
    title: String,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    working_branch: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    environment_variables_enabled: bool,
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

    /// `owner/repo` of its source.
    pub(super) fn repo(&self) -> Option<&str> {
        self.create.source.as_ref()?.name.strip_prefix("sources/github/")
    }

    pub(super) fn subject(&self) -> String {
        text::subject(self.create.title.as_deref(), &self.create.prompt)
    }

    /// As get and list show it at `now`.
    pub(super) fn shown(&self, now: Timestamp) -> Shown<'_> {
        Shown {
            name: format!("sessions/{}", self.id),
            id: &self.id,
            prompt: &self.create.prompt,
            title: self.shown_title(now),
            source_context: self.create.source.as_ref().map(|source| Context {
                source: &source.name,
                github_repo_context: Branch { starting_branch: &source.branch },
                working_branch: source.working_branch.clone().or_else(|| {
                    // The service works on a branch of its own, which shows once there is something on it.
                    (!self.pulls.is_empty()).then(|| self.head_ref(0))
                }),
                environment_variables_enabled: source.environment_variables,
            }),
            create_time: Some(print(self.born, None)),
            update_time: Some(print(self.life.updated_at, None)),
            state: Some(self.state_name()),
            url: Some(format!("{}/session/{}", self.pages, self.id)),
            outputs: self.outputs(),
            archived: self.archived,
        }
    }

    /// As the answer to create shows it: less what the behaviour takes away.
    pub(super) fn shown_created(&self, now: Timestamp) -> Shown<'_> {
        let lacks = self.behaviour.create_lacks.as_deref().unwrap_or_default();
        let mut shown = self.shown(now);
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
    pub(super) fn shown_approved(&self, now: Timestamp) -> Shown<'_> {
        Shown { source_context: None, ..self.shown(now) }
    }

    /// Its title as sent, or else its prompt, and what the service makes of that.
    fn shown_title(&self, now: Timestamp) -> String {
        let sent = self.create.title.as_deref().unwrap_or(&self.create.prompt);
        let Some(change) = self.behaviour.title.as_ref().filter(|_| self.titled_from <= now) else {
            return sent.to_owned();
        };
        let title = change.becomes.as_deref().unwrap_or(sent);
        title.chars().take(change.cut.unwrap_or(usize::MAX)).collect()
    }

    fn outputs(&self) -> Vec<Value> {
        let change = self.life.delivered_at.map(|_| json!({ "changeSet": self.whole_change() }));
        let pulls = self.pulls.iter().enumerate();
        let pulls = pulls.map(|(n, number)| json!({ "pullRequest": self.pull_request(n, *number) }));
        change.into_iter().chain(pulls).collect()
    }

    /// The addresses of its pull requests, oldest first.
    pub(super) fn pull_request_urls(&self) -> Vec<String> {
        let repo = self.repo().unwrap_or_default();
        self.pulls.iter().map(|number| format!("https://github.com/{repo}/pull/{number}")).collect()
    }

    fn pull_request(&self, n: usize, number: u64) -> Value {
        json!({
            "url": format!("https://github.com/{}/pull/{number}", self.repo().unwrap_or_default()),
            "title": self.pull_title(),
            "description": self.pull_body(),
            "baseRef": self.create.source.as_ref().map_or("main", |source| &source.branch),
            "headRef": self.head_ref(n),
        })
    }

    fn pull_title(&self) -> String {
        self.behaviour.pull_request_title.clone().unwrap_or_else(|| self.subject())
    }

    fn pull_body(&self) -> String {
        format!("{}\n\n{}", self.subject(), text::pull_request_footer(&self.id))
    }

    /// Pull request number `n` as GitHub is told of it, by the session at `place`.
    pub(super) fn opening(&self, place: usize, n: usize) -> Opening {
        let script = self.behaviour.on_github.clone().unwrap_or_default();
        let body = if script.has_footer() { self.pull_body() } else { self.subject() };
        Opening {
            title: self.pull_title(),
            body,
            base: self.create.source.as_ref().map_or("main", |source| &source.branch).to_owned(),
            branch: self.head_ref(n),
            at: self.life.pulls.get(n).copied().unwrap_or(self.born),
            session: Some(place),
            task: Some(self.create.task()),
            script: if self.is_old { PullScript::of_old() } else { script },
            dice: self.dice.with("github").nth(n as u64),
            files: self.changed_files(self.life.pushes()),
        }
    }

    /// The files that its branch changes after so many pushes.
    pub(super) fn changed_files(&self, pushes: u32) -> Vec<ChangedFile> {
        ChangedFile::of_patch(&self.patch(3 + pushes))
    }

    /// The head branch of its pull request number `n`, in one of the service's forms.
    fn head_ref(&self, n: usize) -> String {
        let dice = self.dice.with("branch").nth(n as u64);
        let form = self.behaviour.branch_form.unwrap_or_else(|| match dice.bits() % 3 {
            0 => BranchForm::Jules,
            _ => BranchForm::Slug,
        });
        // The second pull request needs another branch.
        let again = if n == 0 { String::new() } else { format!("-{}", n + 1) };
        let slug = format!("{}{again}", text::branch_slug(&self.subject(), dice));
        match form {
            BranchForm::Slug => format!("{slug}-{}", self.id),
            BranchForm::Jules => format!("jules-{}-{:08x}", self.id, dice.with("hex").bits() as u32),
            BranchForm::WithoutId => slug,
        }
    }

    /// The change as it is now, with everything that was pushed.
    fn whole_change(&self) -> Value {
        self.change_set(3 + self.life.pushes())
    }

    /// The change as it is after `parts` of 3 of the work, and one more for each push after that.
    pub(super) fn change_set(&self, parts: u32) -> Value {
        let subject = self.subject();
        let patch = self.patch(parts);
        let base = format!("{:016x}{:016x}{:08x}", self.dice.with("base").bits(), self.dice.bits(), 0);
        let mut set = json!({
            "gitPatch": { "unidiffPatch": patch, "baseCommitId": base, "suggestedCommitMessage": subject },
        });
        if let Some(source) = &self.create.source {
            set["source"] = Value::String(source.name.clone());
        }
        set
    }

    fn patch(&self, parts: u32) -> String {
        match &self.behaviour.patch {
            Some(patch) => patch.clone(),
            None => text::patch(&self.subject(), self.dice, parts),
        }
    }

    /// What a message makes it live through, if it has completed and a message wakes it.
    pub(super) fn woken_by_message(&self, dice: Dice, speed: f64) -> Option<Vec<Step>> {
        let woken = self.life.wakes.iter().filter(|(_, by)| *by == Waker::Message).count();
        let wake = Wake::for_message(&self.behaviour, woken)?;
        self.woken_by(wake, dice, speed)
    }

    /// What this wake makes it live through, if it sleeps.
    pub(super) fn woken_by(&self, wake: Wake, dice: Dice, speed: f64) -> Option<Vec<Step>> {
        if !self.life.is_asleep() {
            return None;
        }
        let pull_request = self.create.wishes(false).pull_request;
        Some(timeline::woken(wake, dice, speed, self.life.delivered_at.is_some(), pull_request))
    }

    pub(super) fn holds_a_slot(&self) -> bool {
        self.life.is_live() && !self.deleted
    }

    /// Whether nothing is left to do for it: it has a pull request, or completed with a change.
    pub(super) fn has_ended_well(&self) -> bool {
        let completed = self.life.state == State::Completed;
        !self.pulls.is_empty() || (completed && self.life.delivered_at.is_some())
    }

    /// Whether what is shown of it now says that it has ended.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.life.state, State::Completed | State::Failed)
    }
}
