//! A job's strings: compiled once, rendered for each task.

use std::sync::Arc;

use super::settings::{PlanApproval, StallPolicy, UserFeedback, Waiting};
use super::template::{Scope, Template};
use crate::manifest::{CheckedJob, Diagnostic, Document, Feedback, Located, Stall, Written};

/// The strings of a job that may hold expressions.
pub(super) struct JobStrings {
    title: Option<Template>,
    prompt: Template,
    tags: Shared<Vec<Template>, Arc<[String]>>,
    waiting: Shared<WaitingTemplates, Arc<Waiting>>,
}

/// What no expression changes is rendered once and shared by all tasks.
enum Shared<T, R> {
    Once(R),
    PerTask(T),
}

struct WaitingTemplates {
    plan_approval: PlanApproval,
    user_feedback: FeedbackTemplate,
    nudge: Option<(Template, u32)>,
}

enum FeedbackTemplate {
    Fail,
    Detach,
    Reply(Template, u32),
}

/// What is rendered for one task.
pub(super) struct TaskStrings {
    pub(super) title: Arc<str>,
    pub(super) prompt: Arc<str>,
    pub(super) tags: Arc<[String]>,
    pub(super) waiting: Arc<Waiting>,
}

impl JobStrings {
    /// Compiles a job's strings; `scope` renders those without an expression.
    ///
    /// # Errors
    ///
    /// Every string that cannot be compiled.
    pub(super) fn compile(
        document: &Arc<Document>,
        written: &Written,
        job: &CheckedJob,
        scope: &Arc<Scope>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut findings = Vec::new();
        let mut compile = |text: &Located<String>| {
            Template::compile(document, text).map_err(|found| findings.push(found)).ok()
        };
        let title = job.keys.title.as_ref().and_then(&mut compile);
        let tags: Vec<Template> = job.keys.tags.iter().flatten().filter_map(&mut compile).collect();
        let waiting = WaitingTemplates::compile(written, job, compile);
        let prompt = Template::compile_text(&job.prompt).map_err(|found| findings.push(found)).ok();
        let (Some(prompt), Some(waiting), true) = (prompt, waiting, findings.is_empty()) else {
            return Err(findings);
        };
        let one = |finding| vec![finding];
        let tags = if tags.iter().all(Template::is_constant) {
            Shared::Once(render_tags(&tags, scope).map_err(one)?)
        } else {
            Shared::PerTask(tags)
        };
        let waiting = if waiting.is_constant() {
            Shared::Once(Arc::new(waiting.render(scope).map_err(one)?))
        } else {
            Shared::PerTask(waiting)
        };
        Ok(Self { title, prompt, tags, waiting })
    }

    /// Renders the strings of the task `id`, which is also its title where the job names none.
    ///
    /// # Errors
    ///
    /// Every string that cannot be rendered.
    pub(super) fn render(&self, scope: &Arc<Scope>, id: &Arc<str>) -> Result<TaskStrings, Vec<Diagnostic>> {
        let title = match &self.title {
            Some(title) => title.render(scope).map(one_line),
            None => Ok(Arc::clone(id)),
        };
        let prompt = self.prompt.render(scope);
        let tags = match &self.tags {
            Shared::Once(tags) => Ok(Arc::clone(tags)),
            Shared::PerTask(tags) => render_tags(tags, scope),
        };
        let waiting = match &self.waiting {
            Shared::Once(waiting) => Ok(Arc::clone(waiting)),
            Shared::PerTask(waiting) => waiting.render(scope).map(Arc::new),
        };
        match (title, prompt, tags, waiting) {
            (Ok(title), Ok(prompt), Ok(tags), Ok(waiting)) => {
                Ok(TaskStrings { title, prompt, tags, waiting })
            }
            (title, prompt, tags, waiting) => {
                Err([title.err(), prompt.err(), tags.err(), waiting.err()].into_iter().flatten().collect())
            }
        }
    }
}

fn render_tags(tags: &[Template], scope: &Arc<Scope>) -> Result<Arc<[String]>, Diagnostic> {
    tags.iter().map(|tag| tag.render(scope).map(|tag| tag.to_string())).collect()
}

impl WaitingTemplates {
    /// The job's and `defaults`' word over the manifest's; `None` when a text could not be compiled.
    fn compile(
        written: &Written,
        job: &CheckedJob,
        mut compile: impl FnMut(&Located<String>) -> Option<Template>,
    ) -> Option<Self> {
        let shared = written.waiting.clone().unwrap_or_default();
        let waiting = job.keys.waiting.clone().unwrap_or_default().over(&shared);
        let most = |max: Option<Located<u32>>| max.map_or(1, |max| max.value);
        let user_feedback = match waiting.user_feedback {
            Some(Feedback::Reply(reply)) => {
                compile(&reply.reply).map(|text| FeedbackTemplate::Reply(text, most(reply.max)))
            }
            Some(Feedback::Detach) => Some(FeedbackTemplate::Detach),
            Some(Feedback::Fail) | None => Some(FeedbackTemplate::Fail),
        };
        let nudge = match waiting.stall {
            Some(Stall::Nudge(nudge)) => Some((compile(&nudge.nudge)?, most(nudge.max))),
            Some(Stall::Fail) | None => None,
        };
        let plan_approval = waiting.plan_approval.unwrap_or_default();
        Some(Self { plan_approval, user_feedback: user_feedback?, nudge })
    }

    fn is_constant(&self) -> bool {
        let reply = match &self.user_feedback {
            FeedbackTemplate::Reply(text, _) => text.is_constant(),
            FeedbackTemplate::Fail | FeedbackTemplate::Detach => true,
        };
        reply && self.nudge.as_ref().is_none_or(|(text, _)| text.is_constant())
    }

    fn render(&self, scope: &Arc<Scope>) -> Result<Waiting, Diagnostic> {
        let user_feedback = match &self.user_feedback {
            FeedbackTemplate::Fail => UserFeedback::Fail,
            FeedbackTemplate::Detach => UserFeedback::Detach,
            FeedbackTemplate::Reply(text, max) => {
                UserFeedback::Reply { text: text.render(scope)?.to_string(), max: *max }
            }
        };
        let stall = match &self.nudge {
            Some((text, max)) => StallPolicy::Nudge { text: text.render(scope)?.to_string(), max: *max },
            None => StallPolicy::Fail,
        };
        Ok(Waiting { plan_approval: self.plan_approval, user_feedback, stall })
    }
}

/// A title is one line.
fn one_line(text: Arc<str>) -> Arc<str> {
    if text.trim() == &*text && !text.contains(char::is_control) {
        return text;
    }
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ").into()
}
