//! From a manifest to a plan: jobs × sources × matrix.

mod task;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::catalogue::{Account, Catalogue, ConnectedSource};
use super::github::parse_repository;
use super::matrix;
use super::needs;
use super::resolve::{self, Variables};
use super::scope::Scope;
use super::settings::{RetryPolicy, Settings};
use super::source::{JobSource, Sources, Spellings};
use super::strings::JobStrings;
use super::task::{JobId, Place, Plan, Task, TaskId, Unresolved};
use super::traps;
use super::values::job_values;
use crate::manifest::{CheckedJob, Diagnostic, Diagnostics, Document, Manifest, SourceSpec, Span, quoted};

/// The most tasks that a plan may have.
pub const MAX_TASKS: usize = 1_000_000;

/// How often a combination may be held against an `include` or `exclude`.
const MAX_RULE_CHECKS: usize = 200_000_000;

/// Whether the account's connected sources are needed to plan: for a `match`, or for a source without a branch.
#[must_use]
pub fn needs_connected(manifest: &Manifest) -> bool {
    let open = |github: &str| match parse_repository(github) {
        Ok(repository) => repository.branch.is_none(),
        // An expression, or an error that planning tells.
        Err(_) => !github.contains('@'),
    };
    manifest.jobs.iter().any(|job| {
        let job_branch = job.keys.branch.is_some();
        job.sources.iter().any(|source| match source {
            SourceSpec::Pattern { .. } => true,
            SourceSpec::Repository { github, branch } => branch.is_none() && !job_branch && open(github),
            SourceSpec::List { list, branch, .. } => {
                !job_branch
                    && branch.is_none()
                    && list.sources.iter().any(|s| s.branch.is_none() && open(&s.github))
            }
        })
    })
}

/// Expands a manifest into its tasks.
///
/// With `connected`, a `match` and a missing branch are looked up among these sources. Without, a `match` stays one line
/// of [`Plan::unresolved`], and a branch that is missing stays empty: see [`Task::has_open_branch`].
///
/// # Errors
///
/// Strings that cannot be rendered, unknown or circular `needs`, sources that are none, ids that stand twice, more
/// than [`MAX_TASKS`] tasks: as many as can be told at once.
pub fn expand(manifest: &Manifest, connected: Option<&[ConnectedSource]>) -> Result<Plan, Diagnostics> {
    expand_with(manifest, connected.map_or(Account::NotAsked(&[]), Account::Asked))
}

/// [`expand`], with what is known of the account.
pub(crate) fn expand_with(manifest: &Manifest, account: Account<'_>) -> Result<Plan, Diagnostics> {
    let catalogue = Catalogue::new(account);
    let variables = resolve::variables(manifest)?;
    let mut expansion = Expansion {
        manifest,
        variables,
        spellings: Spellings::new(),
        tasks: Vec::new(),
        unresolved: Vec::new(),
        findings: Vec::new(),
        warnings: manifest.warnings.clone(),
        ids: HashMap::new(),
        origins: Vec::new(),
        rendered: 0,
        unrendered: 0,
        first_unrendered: Vec::new(),
    };
    let needs = needs::jobs(&manifest.document, &manifest.jobs).unwrap_or_else(|found| {
        expansion.findings.extend(found);
        Vec::new()
    });
    let mut ranges = Vec::with_capacity(manifest.jobs.len());
    for job in &manifest.jobs {
        ranges.push(expansion.job(job, &catalogue));
    }
    let Expansion { mut tasks, unresolved, mut findings, warnings, .. } = expansion;
    if findings.is_empty() {
        findings.extend(needs::tasks(&manifest.document, &manifest.jobs, &needs, &ranges, &mut tasks).err());
    }
    match Diagnostics::from_list(findings) {
        Some(diagnostics) => Err(diagnostics),
        None => Ok(Plan {
            repositories: repositories(manifest, &tasks),
            name: manifest.name().to_owned(),
            former_name: manifest.name.former().map(str::to_owned),
            manifest: manifest.path().to_owned(),
            settings: Settings::of(manifest),
            tasks,
            unresolved,
            warnings: Diagnostics::from_list(warnings),
        }),
    }
}

/// Those that waves are made of.
fn repositories(manifest: &Manifest, tasks: &[Task]) -> Vec<String> {
    if Settings::of(manifest).strategy.waves.is_none() {
        return Vec::new();
    }
    let mut known = HashSet::new();
    let all = tasks.iter().filter_map(|task| Some(&task.source.as_ref()?.github));
    all.filter(|name| known.insert(name.to_ascii_lowercase())).cloned().collect()
}

struct Expansion<'m> {
    manifest: &'m Manifest,
    variables: Variables,
    spellings: Spellings,
    tasks: Vec<Task>,
    unresolved: Vec<Unresolved>,
    findings: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    ids: HashMap<TaskId, usize>,
    /// For each task the source that it comes from, to say where two equal ids stem from.
    origins: Vec<Origin>,
    rendered: usize,
    /// How many tasks of the job have a string that cannot be rendered, and what is wrong with the first one's.
    unrendered: usize,
    first_unrendered: Vec<Diagnostic>,
}

#[derive(Clone)]
struct Origin {
    document: Arc<Document>,
    span: Span,
}

/// What all tasks of a job share.
struct JobParts {
    id: JobId,
    strings: JobStrings,
    retries: Arc<RetryPolicy>,
    no_needs: (Arc<[usize]>, Arc<[TaskId]>),
    needs_merged: Arc<[JobId]>,
    place: Place,
}

impl Expansion<'_> {
    /// Adds a job's tasks and says which they are.
    fn job(&mut self, job: &CheckedJob, catalogue: &Catalogue<'_>) -> Range<usize> {
        let start = self.tasks.len();
        let scope = Arc::new(Scope::of_job(&self.variables, job));
        let document = &self.manifest.document;
        let found_before = self.findings.len();
        let (sources, open) =
            Sources::new(document, catalogue, &scope, job, &mut self.spellings, &mut self.findings).gather();
        for open in open {
            let place = document.place(open.span.start);
            self.unresolved.push(Unresolved {
                job: JobId::new(job.id.as_str()),
                pattern: open.pattern,
                place,
            });
        }
        if let (true, true, Some(list)) = (
            sources.is_empty(),
            self.findings.len() == found_before,
            empty_list(&self.manifest.document, job),
        ) {
            self.findings.push(list);
        }
        let done = JobStrings::compile(document, job, &scope).and_then(|strings| {
            self.warnings.extend(traps::of(self.manifest, job, &strings));
            let parts = JobParts {
                id: JobId::new(job.id.as_str()),
                strings,
                retries: Arc::new(job.keys.retries.clone()),
                no_needs: Default::default(),
                needs_merged: job
                    .keys
                    .needs
                    .iter()
                    .flat_map(|it| &it.merged)
                    .map(|id| JobId::new(id.as_str()))
                    .collect(),
                place: document.place(job.span.start),
            };
            self.tasks_of(job, &parts, &scope, &sources)
        });
        if let Err(found) = done {
            self.findings.extend(found);
        }
        start..self.tasks.len()
    }

    fn tasks_of(
        &mut self,
        job: &CheckedJob,
        parts: &JobParts,
        scope: &Arc<Scope>,
        sources: &[JobSource],
    ) -> Result<(), Vec<Diagnostic>> {
        self.check_size(job, sources.len())?;
        let matrix = resolve::matrix(&self.manifest.document, job, scope)?;
        let span = job.keys.matrix.as_ref().map(|matrix| matrix.span);
        let matrix = matrix.as_deref();
        let per_source = matrix.is_some_and(matrix::names_sources);
        let shared = (!per_source || sources.is_empty()).then(|| job_values(matrix, None));
        let before = self.tasks.len();
        self.unrendered = 0;
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
                    own = job_values(matrix, Some(source.names()));
                    &own
                }
            };
            let scope = Arc::new(Scope { source: Some(source.value.clone()), ..Scope::clone(scope) });
            self.reserve(values.len());
            for values in values {
                self.task(job, parts, &scope, Some(source), values)?;
            }
        }
        if self.unrendered > 0 && self.unrendered == self.tasks.len() - before {
            // It is not the one task: nobody has tried it yet.
            return Err(std::mem::take(&mut self.first_unrendered));
        }
        let expected = !sources.is_empty() || !job.has_sources;
        if let (true, true, Some(span)) = (self.tasks.len() == before, expected, span) {
            let what = format!("the matrix of job {} leaves no combination", quoted(&job.id));
            let help = matrix.map_or("", |matrix| matrix::why_empty(matrix, sources.is_empty()));
            return Err(vec![Diagnostic::new(what).at(&self.manifest.document, span).help(help)]);
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
}

/// A list of repositories that names none, in a job that has no others.
fn empty_list(document: &Arc<Document>, job: &CheckedJob) -> Option<Diagnostic> {
    let lists = job.sources.iter().map(|source| match source {
        SourceSpec::List { document: list, list: entries, span, .. } if entries.sources.is_empty() => {
            Some((list, *span))
        }
        SourceSpec::List { .. } | SourceSpec::Repository { .. } | SourceSpec::Pattern { .. } => None,
    });
    let lists = lists.collect::<Option<Vec<_>>>()?;
    let (list, span) = *lists.first()?;
    let what = format!("the list {} names no repository", quoted(list.name()));
    Some(
        Diagnostic::new(what)
            .at(document, span)
            .help("write one a line, as `owner/repo` or `owner/repo@branch`"),
    )
}
