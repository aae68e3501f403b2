//! A job's strings: compiled once, rendered for each task.

use std::sync::Arc;

use super::retry::RetryPrompt;
use super::scope::Scope;
use super::settings::{StallPolicy, UserFeedback, Waiting};
use super::template::Template;
use crate::manifest::{CheckedJob, Diagnostic, Diagnostics, Document, Located, WaitingPolicy};

/// The strings of a job that may hold expressions.
pub(super) struct JobStrings {
    title: Option<Template>,
    /// Or why there is none, which is a matter of this job alone.
    prompt: Result<Template, Arc<str>>,
    /// What is wrong in it is wrong in a file beside the manifest.
    is_prompt_in_file: bool,
    tags: Shared<Vec<Template>, Arc<[String]>>,
    waiting: Shared<Waiting<Template>, Arc<Waiting>>,
    retry: Option<Arc<Template>>,
}

/// What no expression changes is rendered once and shared by all tasks.
enum Shared<T, R> {
    Once(R),
    PerTask(T),
}

/// What is rendered for one task.
pub(super) struct TaskStrings {
    pub(super) title: Arc<str>,
    pub(super) prompt: Arc<str>,
    pub(super) tags: Arc<[String]>,
    pub(super) waiting: Arc<Waiting>,
    pub(super) retry_prompt: Option<RetryPrompt>,
    /// Why one of them could not be rendered: it is empty then.
    pub(super) problem: Option<Arc<str>>,
    /// The same, where it may be the manifest that is wrong.
    pub(super) findings: Vec<Diagnostic>,
}

impl JobStrings {
    /// All that depends on more than the job.
    pub(super) fn templates(&self) -> impl Iterator<Item = &Template> {
        let tags = match &self.tags {
            Shared::Once(_) => &[][..],
            Shared::PerTask(tags) => &tags[..],
        };
        let waiting = match &self.waiting {
            Shared::Once(_) => [None, None],
            Shared::PerTask(waiting) => waiting.texts(),
        };
        let retry = self.retry.as_deref();
        self.said().chain(tags).chain(waiting.into_iter().flatten()).chain(retry)
    }

    /// What each session is given at its start.
    pub(super) fn said(&self) -> impl Iterator<Item = &Template> {
        self.title.iter().chain(self.prompt.as_ref().ok())
    }

    /// Compiles a job's strings; `scope` renders those without an expression.
    ///
    /// # Errors
    ///
    /// Every string that cannot be compiled.
    pub(super) fn compile(
        document: &Arc<Document>,
        job: &CheckedJob,
        scope: &Arc<Scope>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut findings = Vec::new();
        let mut compile = |text: &Located<String>| {
            Template::compile(document, text).map_err(|found| findings.extend(found)).ok()
        };
        let title = job.keys.title.as_ref().and_then(&mut compile);
        let tags: Vec<Template> = job.keys.tags.iter().filter_map(&mut compile).collect();
        let retry = job.keys.retries.prompt.as_ref().and_then(|prompt| compile(&prompt.0)).map(Arc::new);
        let waiting = Waiting::compile(&job.keys.waiting, compile);
        let is_prompt_in_file = job.keys.prompt_file.is_some();
        let prompt = match &job.prompt {
            Err(problem) => Some(Err(problem.as_str().into())),
            Ok(text) => match Template::compile_text(text) {
                Ok(prompt) => Some(Ok(prompt)),
                Err(found) if is_prompt_in_file => Some(Err(in_one_line(&list(found)))),
                Err(found) => {
                    findings.extend(found);
                    None
                }
            },
        };
        let (Some(prompt), Some(waiting), true) = (prompt, waiting, findings.is_empty()) else {
            return Err(findings);
        };
        let tags = if tags.iter().all(Template::is_constant) {
            Shared::Once(render_tags(&tags, scope).map_err(list)?)
        } else {
            Shared::PerTask(tags)
        };
        let waiting = if waiting.is_constant() {
            Shared::Once(Arc::new(waiting.render(scope).map_err(list)?))
        } else {
            Shared::PerTask(waiting)
        };
        Ok(Self { title, prompt, is_prompt_in_file, tags, waiting, retry })
    }

    /// Renders a task's strings. `short` is its id without the source; it begins the title where the job names none.
    pub(super) fn render(&self, scope: &Arc<Scope>, short: &str) -> TaskStrings {
        let tags = match &self.tags {
            Shared::Once(tags) => Ok(Arc::clone(tags)),
            Shared::PerTask(tags) => render_tags(tags, scope),
        };
        let waiting = match &self.waiting {
            Shared::Once(waiting) => Ok(Arc::clone(waiting)),
            Shared::PerTask(waiting) => waiting.render(scope).map(Arc::new),
        };
        let retry = self.retry.as_ref().map(|retry| RetryPrompt::checked(retry, scope)).transpose();
        let mut problem = None;
        let mut findings = Vec::new();
        let prompt = match &self.prompt {
            Err(why) => {
                problem = Some(Arc::clone(why));
                "".into()
            }
            Ok(prompt) => match said(prompt, scope) {
                Ok(prompt) => prompt,
                Err(found) if self.is_prompt_in_file => {
                    problem = Some(in_one_line(&list(found)));
                    "".into()
                }
                Err(found) => taken(Err(found), &mut findings, || "".into()),
            },
        };
        let without_title = || title_of(short, &prompt);
        let title = match &self.title {
            Some(title) => taken(title.render(scope).map(one_line), &mut findings, without_title),
            None => without_title(),
        };
        let tags = taken(tags, &mut findings, Arc::default);
        let waiting = taken(waiting, &mut findings, Arc::default);
        let retry_prompt = taken(retry, &mut findings, || None);
        let problem = problem.or_else(|| (!findings.is_empty()).then(|| in_one_line(&findings)));
        TaskStrings { title, prompt, tags, waiting, retry_prompt, problem, findings }
    }
}

/// What was rendered, or what stands in its place.
fn taken<T>(
    rendered: Result<T, Diagnostics>,
    findings: &mut Vec<Diagnostic>,
    otherwise: impl Fn() -> T,
) -> T {
    rendered.unwrap_or_else(|found| {
        findings.extend(found);
        otherwise()
    })
}

/// The first finding, and how many there are beside it.
pub(super) fn in_one_line(findings: &[Diagnostic]) -> Arc<str> {
    let first = findings.first().map(Diagnostic::in_one_line).unwrap_or_default();
    match findings.len() {
        0 | 1 => first.into(),
        n => format!("{first}; and {} more", n - 1).into(),
    }
}

fn list(findings: Diagnostics) -> Vec<Diagnostic> {
    findings.into_iter().collect()
}

fn render_tags(tags: &[Template], scope: &Arc<Scope>) -> Result<Arc<[String]>, Diagnostics> {
    tags.iter().map(|tag| tag.render(scope).map(|tag| tag.to_string())).collect()
}

impl Waiting<Template> {
    /// `None` when a text could not be compiled.
    fn compile(
        policy: &WaitingPolicy,
        mut compile: impl FnMut(&Located<String>) -> Option<Template>,
    ) -> Option<Self> {
        let user_feedback = policy.user_feedback.try_map(|text| compile(text).ok_or(()));
        let stall = policy.stall.try_map(|text| compile(text).ok_or(()));
        Some(Self {
            plan_approval: policy.plan_approval,
            user_feedback: user_feedback.ok()?,
            stall: stall.ok()?,
        })
    }

    fn texts(&self) -> [Option<&Template>; 2] {
        let reply = match &self.user_feedback {
            UserFeedback::Reply { text, .. } => Some(text),
            UserFeedback::Fail | UserFeedback::Detach => None,
        };
        let nudge = match &self.stall {
            StallPolicy::Nudge { text, .. } => Some(text),
            StallPolicy::Fail => None,
        };
        [reply, nudge]
    }

    fn is_constant(&self) -> bool {
        let reply = !matches!(&self.user_feedback, UserFeedback::Reply { text, .. } if !text.is_constant());
        reply && !matches!(&self.stall, StallPolicy::Nudge { text, .. } if !text.is_constant())
    }

    fn render(&self, scope: &Arc<Scope>) -> Result<Waiting, Diagnostics> {
        let render = |text: &Template| said(text, scope).map(|text| text.to_string());
        Ok(Waiting {
            plan_approval: self.plan_approval,
            user_feedback: self.user_feedback.try_map(render)?,
            stall: self.stall.try_map(render)?,
        })
    }
}

/// The title of a task whose job names none: what it is called, and what it is to do.
fn title_of(short: &str, prompt: &str) -> Arc<str> {
    const LONGEST: usize = 90;
    let first = prompt.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let first = first.trim_start_matches(['#', ' ']);
    let mut line: String = first.chars().take(LONGEST).collect();
    if line.len() < first.len() {
        let whole = line.rfind(' ').filter(|at| *at > LONGEST / 2).unwrap_or(line.len());
        line.truncate(whole);
        line.push('…');
    }
    one_line(format!("{short}: {line}").into())
}

/// A text for the agent. The service takes an empty message, and does nothing.
fn said(text: &Template, scope: &Arc<Scope>) -> Result<Arc<str>, Diagnostics> {
    let said = text.render(scope)?;
    if said.trim().is_empty() {
        let empty = "this text comes out empty, which says nothing to the agent";
        return Err(Diagnostic::new(empty).at(text.document(), text.span()).into());
    }
    if said.contains('\0') {
        let nul = "this text holds a NUL character (`\\0`), which no text has";
        return Err(Diagnostic::new(nul).at(text.document(), text.span()).into());
    }
    Ok(said)
}

/// A title is one line.
fn one_line(text: Arc<str>) -> Arc<str> {
    if text.trim() == &*text && !text.contains(char::is_control) {
        return text;
    }
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ").into()
}
