//! From a manifest to a plan: jobs × sources × matrix.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use minijinja::value::Value;

use super::defaults;
use super::github::check_branch;
use super::key::{digest8, task_key};
use super::matrix::{self, Combination, SourceNames};
use super::needs;
use super::settings::{PlanApproval, RetryPolicy, StallPolicy, Timeouts, UserFeedback, Waiting};
use super::source::{Branch, Catalogue, ConnectedSource, JobSource, Sources, source_value};
use super::task::{JobId, Place, Plan, Task, TaskId, TaskSource, Unresolved};
use super::template::{Scope, Template, Unset, to_value};
use crate::manifest::{CheckedJob, Diagnostic, Diagnostics, Feedback, Manifest, SourceSpec, Stall, quoted};

/// The most tasks that a plan may have.
pub const MAX_TASKS: usize = 1_000_000;

/// The most text that all tasks together may render to, in bytes.
const MAX_RENDERED_TOTAL: usize = 1 << 30;

/// How often a combination may be held against an `include` or `exclude`.
const MAX_RULE_CHECKS: usize = 200_000_000;

/// A matrix value longer than this is shortened in ids, in bytes.
const LONG_VALUE: usize = 100;

/// Whether the account's connected sources are needed to plan: for a `match`, or for a source without a branch.
#[must_use]
pub fn needs_connected(manifest: &Manifest) -> bool {
    manifest.jobs.iter().any(|job| {
        let job_branch = job.keys.branch.is_some();
        job.sources.iter().any(|source| match source {
            SourceSpec::Pattern { .. } => true,
            SourceSpec::Repository { github, branch } => {
                branch.is_none() && !job_branch && !github.contains('@')
            }
            SourceSpec::List { list, branch, .. } => {
                let open = |github: &str| !github.contains('@');
                !job_branch && branch.is_none() && list.iter().any(|s| s.branch.is_none() && open(&s.github))
            }
        })
    })
}

/// Expands a manifest into its tasks.
///
/// With `connected`, a `match` and a missing branch are looked up among these sources. Without, each of them stays one
/// line of [`Plan::unresolved`].
///
/// # Errors
///
/// Strings that cannot be rendered, unknown or circular `needs`, sources that are none, ids that stand twice, more
/// than [`MAX_TASKS`] tasks: as many as can be told at once.
pub fn expand(manifest: &Manifest, connected: Option<&[ConnectedSource]>) -> Result<Plan, Diagnostics> {
    let catalogue = connected.map(Catalogue::new);
    let mut expansion = Expansion {
        manifest,
        tasks: Vec::new(),
        unresolved: Vec::new(),
        findings: Vec::new(),
        ids: HashMap::new(),
        origins: Vec::new(),
        rendered: 0,
    };
    let needs = needs::jobs(&manifest.document, &manifest.jobs).unwrap_or_else(|found| {
        expansion.findings.extend(found);
        Vec::new()
    });
    let mut ranges = Vec::with_capacity(manifest.jobs.len());
    for job in &manifest.jobs {
        ranges.push(expansion.job(job, catalogue.as_ref()));
    }
    let Expansion { mut tasks, unresolved, mut findings, .. } = expansion;
    if findings.is_empty() {
        findings.extend(needs::tasks(&manifest.document, &manifest.jobs, &needs, &ranges, &mut tasks).err());
    }
    match Diagnostics::from_list(findings) {
        Some(diagnostics) => Err(diagnostics),
        None => Ok(Plan {
            name: manifest.name.clone(),
            manifest: manifest.path().to_owned(),
            settings: defaults::settings(&manifest.written),
            tasks,
            unresolved,
        }),
    }
}

struct Expansion<'m> {
    manifest: &'m Manifest,
    tasks: Vec<Task>,
    unresolved: Vec<Unresolved>,
    findings: Vec<Diagnostic>,
    ids: HashMap<TaskId, usize>,
    /// For each task the source that it comes from, to say where two equal ids stem from.
    origins: Vec<Origin>,
    rendered: usize,
}

#[derive(Clone)]
struct Origin {
    document: Arc<crate::manifest::Document>,
    span: crate::manifest::Span,
}

/// A job with its strings compiled and all that its tasks share.
struct JobParts {
    id: JobId,
    title: Option<Template>,
    prompt: Template,
    tags: Vec<Template>,
    waiting: WaitingParts,
    shared_tags: Option<Arc<[String]>>,
    shared_waiting: Option<Arc<Waiting>>,
    retries: Arc<RetryPolicy>,
    timeouts: Timeouts,
    no_needs: Arc<[usize]>,
    place: Place,
}

struct WaitingParts {
    plan_approval: PlanApproval,
    reply: Option<(Template, u32)>,
    detach_on_feedback: bool,
    nudge: Option<(Template, u32)>,
}

/// A combination with what is the same for all sources.
struct Values {
    suffix: String,
    map: Arc<BTreeMap<String, serde_json::Value>>,
    value: Option<Value>,
}

impl Expansion<'_> {
    /// Adds a job's tasks and says which they are.
    fn job(&mut self, job: &CheckedJob, catalogue: Option<&Catalogue<'_>>) -> Range<usize> {
        let start = self.tasks.len();
        let scope = Arc::new(self.scope(job));
        let document = &self.manifest.document;
        let (sources, open) = Sources::new(document, catalogue, &scope, job, &mut self.findings).gather();
        for open in open {
            let place = document.place(open.span.start);
            self.unresolved.push(Unresolved {
                job: JobId::new(job.id.as_str()),
                pattern: open.pattern,
                place,
            });
        }
        match self.parts(job) {
            Ok(parts) => {
                if let Err(found) = self.tasks_of(job, &parts, &scope, &sources) {
                    self.findings.extend(found);
                }
            }
            Err(found) => self.findings.extend(found),
        }
        start..self.tasks.len()
    }

    fn scope(&self, job: &CheckedJob) -> Scope {
        let unset = |(name, set): (&String, bool)| (!set).then(|| name.clone());
        let vars = self.manifest.vars.iter();
        let env = job.env.iter();
        Scope {
            job: Value::from_pairs([("id", job.id.as_str())]),
            vars: Value::from_pairs(
                vars.clone().filter_map(|(k, v)| Some((k.as_str(), to_value(v.as_ref()?)))),
            ),
            env: Value::from_pairs(
                env.clone().filter_map(|(k, v)| Some((k.as_str(), Value::from(v.as_deref()?)))),
            ),
            source: None,
            matrix: None,
            unset: Arc::new(Unset {
                vars: vars.map(|(k, v)| (k, v.is_some())).filter_map(unset).collect(),
                env: env.map(|(k, v)| (k, v.is_some())).filter_map(unset).collect(),
            }),
        }
    }

    fn parts(&self, job: &CheckedJob) -> Result<JobParts, Vec<Diagnostic>> {
        let document = &self.manifest.document;
        let mut findings = Vec::new();
        let mut compile = |text| Template::compile(document, text).map_err(|found| findings.push(found)).ok();
        let title = job.keys.title.as_ref().and_then(&mut compile);
        let tags: Vec<Template> = job.keys.tags.iter().flatten().filter_map(&mut compile).collect();
        let shared = self.manifest.written.waiting.clone().unwrap_or_default();
        let written = job.keys.waiting.clone().unwrap_or_default().over(&shared);
        let most = |max: &Option<crate::manifest::Located<u32>>| max.as_ref().map_or(1, |max| max.value);
        let waiting = WaitingParts {
            plan_approval: written.plan_approval.unwrap_or_default(),
            detach_on_feedback: matches!(written.user_feedback, Some(Feedback::Detach)),
            reply: match &written.user_feedback {
                Some(Feedback::Reply(reply)) => compile(&reply.reply).map(|text| (text, most(&reply.max))),
                Some(Feedback::Fail | Feedback::Detach) | None => None,
            },
            nudge: match &written.stall {
                Some(Stall::Nudge(nudge)) => compile(&nudge.nudge).map(|text| (text, most(&nudge.max))),
                Some(Stall::Fail) | None => None,
            },
        };
        let prompt = Template::compile_text(&job.prompt).map_err(|found| findings.push(found)).ok();
        let (Some(prompt), true) = (prompt, findings.is_empty()) else { return Err(findings) };
        let written = &self.manifest.written;
        // Without an expression any scope renders them.
        let nobody = Arc::new(self.scope(job));
        let shared_tags = tags.iter().all(Template::is_constant).then(|| {
            tags.iter().filter_map(|tag| tag.render(&nobody).ok()).map(|tag| tag.to_string()).collect()
        });
        let shared_waiting =
            if waiting.is_constant() { waiting.render(&nobody).ok().map(Arc::new) } else { None };
        Ok(JobParts {
            id: JobId::new(job.id.as_str()),
            title,
            prompt,
            tags,
            waiting,
            shared_tags,
            shared_waiting,
            retries: Arc::new(defaults::retries(written, job)),
            timeouts: defaults::timeouts(written, job),
            no_needs: Arc::new([]),
            place: document.place(job.span.start),
        })
    }

    fn tasks_of(
        &mut self,
        job: &CheckedJob,
        parts: &JobParts,
        scope: &Arc<Scope>,
        sources: &[JobSource],
    ) -> Result<(), Vec<Diagnostic>> {
        self.check_size(job, sources.len())?;
        let matrix = job.keys.matrix.as_ref();
        let per_source = matrix.is_some_and(|matrix| matrix::names_sources(matrix));
        let shared = (!per_source || sources.is_empty()).then(|| values(job, None));
        let before = self.tasks.len();
        if let (Some(shared), false) = (&shared, job.has_sources) {
            self.reserve(shared.len());
            for values in shared {
                self.task(job, parts, scope, None, values)?;
            }
        }
        for source in sources {
            let own;
            let values = match &shared {
                Some(shared) => shared,
                None => {
                    own = values(job, Some(source));
                    &own
                }
            };
            let scope = Arc::new(Scope { source: Some(source.value.clone()), ..Scope::clone(scope) });
            self.reserve(values.len());
            for values in values {
                self.task(job, parts, &scope, Some(source), values)?;
            }
        }
        let expected = !sources.is_empty() || !job.has_sources;
        if let (true, true, Some(matrix)) = (self.tasks.len() == before, expected, matrix) {
            let finding =
                Diagnostic::new(format!("the matrix of job {} leaves no combination", quoted(&job.id)));
            let finding = finding.at(&self.manifest.document, matrix.span);
            return Err(vec![finding.help("`exclude` removes them all: remove an entry, or the job")]);
        }
        Ok(())
    }

    /// Refuses a matrix that is too large before anything of it is made.
    fn check_size(&self, job: &CheckedJob, sources: usize) -> Result<(), Vec<Diagnostic>> {
        let (product, rules) = match &job.keys.matrix {
            Some(matrix) => (matrix::product(matrix), (matrix.include.len(), matrix.exclude.len())),
            None => (Some(1), (0, 0)),
        };
        let most = product.and_then(|n| n.max(1).checked_add(rules.0)?.checked_mul(sources.max(1)));
        let most = most.unwrap_or(usize::MAX);
        let what = if self.tasks.len().saturating_add(most) > MAX_TASKS {
            format!("with job {} the plan has more than {MAX_TASKS} tasks", quoted(&job.id))
        } else if most.saturating_mul(rules.0 + rules.1) > MAX_RULE_CHECKS {
            format!("the matrix of job {} has too many `include` and `exclude` for its size", quoted(&job.id))
        } else {
            return Ok(());
        };
        let span = job.keys.matrix.as_ref().map_or(job.id.span, |matrix| matrix.span);
        Err(vec![
            Diagnostic::new(what).at(&self.manifest.document, span).help("split the job or the manifest"),
        ])
    }

    fn reserve(&mut self, more: usize) {
        self.tasks.reserve(more);
        self.origins.reserve(more);
        self.ids.reserve(more);
    }

    fn task(
        &mut self,
        job: &CheckedJob,
        parts: &JobParts,
        scope: &Arc<Scope>,
        source: Option<&JobSource>,
        values: &Values,
    ) -> Result<(), Vec<Diagnostic>> {
        let document = &self.manifest.document;
        let mut scope = match &values.value {
            Some(matrix) => Arc::new(Scope { matrix: Some(matrix.clone()), ..Scope::clone(scope) }),
            None => Arc::clone(scope),
        };
        let branch = match source.map(|source| &source.branch) {
            None => None,
            Some(Branch::Known(name)) => Some(Arc::clone(name)),
            Some(Branch::PerTask(template)) => {
                let name = template.render(&scope).map_err(|found| vec![found])?;
                let wrong = |(what, help)| {
                    vec![Diagnostic::new(what).at(template.document(), template.span()).help(help)]
                };
                check_branch(&name).map_err(wrong)?;
                let github = source.map_or("", |source| &source.github);
                let value = Some(source_value(github, Some(Arc::clone(&name))));
                scope = Arc::new(Scope { source: value, ..Scope::clone(&scope) });
                Some(name)
            }
        };
        let source_of_task = source.zip(branch).map(|(source, branch)| TaskSource {
            github: source.github.to_string(),
            branch: branch.to_string(),
        });
        let id: Arc<str> = match &source_of_task {
            Some(source) => format!("{}/{source}{}", parts.id, values.suffix).into(),
            None => format!("{}{}", parts.id, values.suffix).into(),
        };
        let strings = parts.render(&scope, &id)?;
        self.rendered += strings.prompt.len();
        if self.rendered > MAX_RENDERED_TOTAL {
            let finding = Diagnostic::new(format!(
                "the prompts of all tasks come to more than {} MiB",
                MAX_RENDERED_TOTAL >> 20
            ));
            return Err(vec![finding.at(document, job.id.span).help("split the manifest")]);
        }
        let origin = match source {
            Some(source) => Origin { document: Arc::clone(&source.document), span: source.span },
            None => Origin { document: Arc::clone(document), span: job.id.span },
        };
        let task_id = TaskId::new(Arc::clone(&id));
        if let Some(first) = self.ids.insert(task_id.clone(), self.tasks.len()) {
            return Err(vec![self.same_id(job, &id, &origin, first)]);
        }
        self.origins.push(origin);
        self.tasks.push(Task {
            key: task_key(&self.manifest.name, &id, &strings.prompt),
            id: task_id,
            job: parts.id.clone(),
            title: strings.title,
            prompt: strings.prompt,
            source: source_of_task,
            matrix: Arc::clone(&values.map),
            tags: strings.tags,
            auto_pr: job.keys.auto_pr.unwrap_or(true),
            require_approval: job.keys.require_approval.unwrap_or(false),
            expect: job.keys.expect.unwrap_or_default(),
            on_no_change: job.keys.on_no_change.unwrap_or_default(),
            waiting: strings.waiting,
            retries: Arc::clone(&parts.retries),
            timeouts: parts.timeouts,
            needs: Arc::clone(&parts.no_needs),
            place: parts.place,
        });
        Ok(())
    }

    fn same_id(&self, job: &CheckedJob, id: &str, origin: &Origin, first: usize) -> Diagnostic {
        let finding = Diagnostic::new(format!("two tasks have the id {}", quoted(id)))
            .at(&origin.document, origin.span);
        let finding = match self.origins.get(first) {
            Some(first) if first.span != origin.span || !Arc::ptr_eq(&first.document, &origin.document) => {
                finding.related(&first.document, first.span, "first here")
            }
            _ => match &job.keys.matrix {
                Some(matrix) => finding.at(&self.manifest.document, matrix.span),
                None => finding,
            },
        };
        finding.help("name each source once, and each combination of the matrix once")
    }
}

/// What is rendered for one task.
struct Strings {
    title: Arc<str>,
    prompt: Arc<str>,
    tags: Arc<[String]>,
    waiting: Arc<Waiting>,
}

impl JobParts {
    /// Renders a task's strings; what no expression changes is shared by all tasks of the job.
    fn render(&self, scope: &Arc<Scope>, id: &Arc<str>) -> Result<Strings, Vec<Diagnostic>> {
        let title = match &self.title {
            Some(title) => title.render(scope).map(one_line),
            None => Ok(Arc::clone(id)),
        };
        let prompt = self.prompt.render(scope);
        let tags = match &self.shared_tags {
            Some(tags) => Ok(Arc::clone(tags)),
            None => self.tags.iter().map(|tag| tag.render(scope).map(|tag| tag.to_string())).collect(),
        };
        let waiting = match &self.shared_waiting {
            Some(waiting) => Ok(Arc::clone(waiting)),
            None => self.waiting.render(scope).map(Arc::new),
        };
        match (title, prompt, tags, waiting) {
            (Ok(title), Ok(prompt), Ok(tags), Ok(waiting)) => Ok(Strings { title, prompt, tags, waiting }),
            (title, prompt, tags, waiting) => {
                Err([title.err(), prompt.err(), tags.err(), waiting.err()].into_iter().flatten().collect())
            }
        }
    }
}

impl WaitingParts {
    fn is_constant(&self) -> bool {
        [&self.reply, &self.nudge].into_iter().flatten().all(|(text, _)| text.is_constant())
    }

    fn render(&self, scope: &Arc<Scope>) -> Result<Waiting, Diagnostic> {
        let user_feedback = match &self.reply {
            Some((text, max)) => UserFeedback::Reply { text: text.render(scope)?.to_string(), max: *max },
            None if self.detach_on_feedback => UserFeedback::Detach,
            None => UserFeedback::Fail,
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
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ").into()
}

fn values(job: &CheckedJob, source: Option<&JobSource>) -> Vec<Values> {
    let Some(matrix) = &job.keys.matrix else {
        return vec![Values { suffix: String::new(), map: Arc::default(), value: None }];
    };
    let names = source.map(|source| SourceNames {
        github: &source.github,
        branch: match &source.branch {
            Branch::Known(name) => Some(&**name),
            Branch::PerTask(_) => None,
        },
    });
    let combinations = matrix::combinations(matrix, names);
    combinations
        .into_iter()
        .map(|combination| {
            let value = Value::from_pairs(
                combination.0.iter().map(|(key, value)| (Arc::clone(key), to_value(value))),
            );
            Values { suffix: suffix(&combination), map: Arc::new(combination.to_map()), value: Some(value) }
        })
        .collect()
}

/// `[crate=serde,note=first]`: the end of a task's id.
fn suffix(combination: &Combination) -> String {
    let pairs: Vec<String> =
        combination.0.iter().map(|(key, value)| format!("{key}={}", in_id(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("[{}]", pairs.join(",")) }
}

/// A matrix value in an id: text as it is, all else as compact JSON; shortened where it is long.
fn in_id(value: &serde_json::Value) -> String {
    let text = match value {
        serde_json::Value::String(text) if !text.contains(char::is_control) => text.clone(),
        other => other.to_string(),
    };
    if text.len() <= LONG_VALUE {
        return text;
    }
    let head: String = text.chars().take(LONG_VALUE / 2).collect();
    format!("{head}…{}", digest8(&text))
}
