//! Where a job works: its `sources` with patterns resolved and branches known.

mod pattern;

use std::collections::HashMap;
use std::sync::Arc;

use minijinja::value::Value;

pub(crate) use self::pattern::finds;
use super::catalogue::Catalogue;
use super::github::{Repository, check_branch, parse_repository};
use super::matrix;
use super::scope::{Scope, source_value};
use super::strings::in_one_line;
use super::task::TaskSource;
use super::template::Template;
use crate::manifest::{
    CheckedJob, Diagnostic, Diagnostics, Document, Located, Row, SourceList, SourceSpec, Span, quoted,
};

/// How the plan spells each repository: as the account does, else as it was written first.
pub(super) type Spellings = HashMap<String, Arc<str>>;

/// One source of a job.
#[derive(Debug)]
pub(super) struct JobSource {
    pub(super) github: Arc<str>,
    pub(super) branch: Branch,
    /// Why no session can be created on it.
    pub(super) problem: Option<Arc<str>>,
    /// The same, where its branch could not be rendered: it may be the manifest that is wrong.
    pub(super) findings: Vec<Diagnostic>,
    /// Where it was named.
    pub(super) document: Arc<Document>,
    pub(super) span: Span,
    /// What expressions see of it, but for a branch that depends on the matrix.
    pub(super) value: Value,
    /// Of the CSV file that lists it.
    row: Option<Row>,
}

impl JobSource {
    /// What expressions see of it when they know its branch.
    pub(super) fn value_on(&self, branch: Option<Arc<str>>) -> Value {
        source_value(&self.github, branch, self.row.clone())
    }

    /// What the matrix knows it by.
    pub(super) fn names(&self) -> matrix::SourceNames<'_> {
        let branch = match &self.branch {
            Branch::Known(name) => Some(&**name),
            Branch::PerTask(_) => None,
        };
        matrix::SourceNames { github: &self.github, branch }
    }
}

/// The starting branch of a source.
#[derive(Debug)]
pub(super) enum Branch {
    Known(Arc<str>),
    /// Depends on the matrix: rendered for each task.
    PerTask(Arc<Template>),
}

/// Where a source is named.
#[derive(Clone, Copy)]
struct Naming<'a> {
    document: &'a Arc<Document>,
    span: Span,
    /// In a CSV file, its further columns there.
    row: Option<&'a Row>,
}

impl Naming<'_> {
    fn wrong(self, (what, help): (String, String)) -> Diagnostic {
        Diagnostic::new(what).at(self.document, self.span).help(help)
    }
}

/// A repository and where sessions start on it.
struct Found {
    github: String,
    branch: Branch,
    /// Why no session can be created on it.
    problem: Option<Arc<str>>,
    /// What is wrong with the branch that was written for it.
    findings: Vec<Diagnostic>,
}

impl Found {
    fn on(github: String, branch: Branch) -> Self {
        Self { github, branch, problem: None, findings: Vec::new() }
    }
}

/// A source that cannot be told without the API.
#[derive(Debug)]
pub(super) struct OpenSource {
    pub(super) pattern: String,
    pub(super) span: Span,
}

/// Gathers a job's sources.
pub(super) struct Sources<'a> {
    manifest: &'a Arc<Document>,
    catalogue: &'a Catalogue<'a>,
    /// The job's names without source and matrix.
    scope: &'a Arc<Scope>,
    job: &'a CheckedJob,
    findings: &'a mut Vec<Diagnostic>,
    found: Vec<JobSource>,
    open: Vec<OpenSource>,
    /// Sources by lower-case name and branch, and where they were named; no place where a pattern found them.
    seen: HashMap<String, Option<(Arc<Document>, Span)>>,
    spellings: &'a mut Spellings,
    /// The job's `branch`, compiled once for all sources.
    job_branch: Option<Arc<Template>>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(
        manifest: &'a Arc<Document>,
        catalogue: &'a Catalogue<'a>,
        scope: &'a Arc<Scope>,
        job: &'a CheckedJob,
        spellings: &'a mut Spellings,
        findings: &'a mut Vec<Diagnostic>,
    ) -> Self {
        let (found, open, seen) = (Vec::new(), Vec::new(), HashMap::new());
        Self { manifest, catalogue, scope, job, findings, found, open, seen, spellings, job_branch: None }
    }

    /// The sources in the order of the manifest, and those that need the API.
    pub(super) fn gather(mut self) -> (Vec<JobSource>, Vec<OpenSource>) {
        let job = self.job;
        match job.keys.branch.as_ref().map(|branch| self.compile(branch)).transpose() {
            Ok(branch) => self.job_branch = branch,
            Err(found) => {
                self.findings.extend(found);
                return (self.found, self.open);
            }
        }
        for spec in &job.sources {
            let done = match spec {
                SourceSpec::Repository { github, branch } => self.repository(github, branch.as_ref()),
                SourceSpec::List { document, list, branch, .. } => self.list(document, list, branch.as_ref()),
                SourceSpec::Pattern { pattern, exclude, branch } => {
                    self.pattern(pattern, exclude, branch.as_ref())
                }
            };
            self.findings.extend(done.err().into_iter().flatten());
        }
        (self.found, self.open)
    }

    fn compile(&self, text: &Located<String>) -> Result<Arc<Template>, Diagnostics> {
        Template::compile(self.manifest, text).map(Arc::new)
    }

    fn repository(
        &mut self,
        github: &Located<String>,
        branch: Option<&Located<String>>,
    ) -> Result<(), Diagnostics> {
        let branch = branch.map(|branch| self.compile(branch)).transpose()?;
        let naming = Naming { document: self.manifest, span: github.span, row: None };
        if github.contains("${{") {
            let name = self.compile(github)?.render(self.scope)?;
            return self.named(naming, &name, branch, None);
        }
        self.named(naming, github, branch, None)
    }

    fn list(
        &mut self,
        document: &Arc<Document>,
        list: &SourceList,
        shared: Option<&Located<String>>,
    ) -> Result<(), Diagnostics> {
        let shared = shared.map(|branch| self.compile(branch)).transpose()?;
        for listed in &list.sources {
            let naming = Naming { document, span: listed.span, row: listed.row.as_ref() };
            let done = match &listed.branch {
                // Lists are data: nothing in them is an expression.
                Some(branch) => self.listed(naming, &listed.github, branch),
                None => self.named(naming, &listed.github, None, shared.as_ref()),
            };
            self.findings.extend(done.err().into_iter().flatten());
        }
        Ok(())
    }

    fn listed(&mut self, naming: Naming<'_>, written: &str, branch: &str) -> Result<(), Diagnostics> {
        let wrong = |found| naming.wrong(found);
        let Repository { github, branch: suffix } = parse_repository(written).map_err(wrong)?;
        if suffix.is_some() {
            return Err(two_branches(written).at(naming.document, naming.span).into());
        }
        check_branch(branch).map_err(wrong)?;
        self.push_named(naming, Found::on(github, Branch::Known(branch.into())))
    }

    /// A source that is named: in the manifest or in a list. `own` is a branch that stands beside it, `shared` one that
    /// holds for its list.
    fn named(
        &mut self,
        naming: Naming<'_>,
        written: &str,
        own: Option<Arc<Template>>,
        shared: Option<&Arc<Template>>,
    ) -> Result<(), Diagnostics> {
        let Repository { github, branch: suffix } =
            parse_repository(written).map_err(|found| naming.wrong(found))?;
        if suffix.is_some() && own.is_some() {
            return Err(two_branches(written).at(naming.document, naming.span).into());
        }
        let beside = own.or_else(|| shared.cloned()).or_else(|| self.job_branch.clone());
        let found = match (suffix, beside) {
            (Some(suffix), _) => Found::on(github, Branch::Known(suffix.into())),
            (None, Some(branch)) => self.on_written_branch(&branch, github, naming.row)?,
            (None, None) => on_default_branch(self.catalogue, github),
        };
        self.push_named(naming, found)
    }

    /// A branch that the manifest spells out is right or wrong for all; what an expression makes of a source is a matter of
    /// that source.
    fn on_written_branch(
        &self,
        branch: &Arc<Template>,
        github: String,
        row: Option<&Row>,
    ) -> Result<Found, Diagnostics> {
        if branch.reads_matrix() {
            return Ok(Found::on(github, Branch::PerTask(Arc::clone(branch))));
        }
        if branch.is_constant() {
            return Ok(Found::on(github, Branch::Known(rendered_branch(branch, self.scope)?)));
        }
        let source = Some(source_value(&github, None, row.cloned()));
        let scope = Arc::new(Scope { source, ..Scope::clone(self.scope) });
        Ok(match rendered_branch(branch, &scope) {
            Ok(name) => Found::on(github, Branch::Known(name)),
            Err(wrong) => {
                let findings: Vec<_> = wrong.into_iter().collect();
                let problem = Some(in_one_line(&findings));
                Found { problem, findings, ..Found::on(github, Branch::Known("".into())) }
            }
        })
    }

    fn push_named(&mut self, naming: Naming<'_>, found: Found) -> Result<(), Diagnostics> {
        // Whether two branches that depend on the matrix are the same is seen task by task.
        if let Branch::Known(name) = &found.branch {
            let identity = identity(&found.github, &found.branch);
            match self.seen.get(&identity) {
                Some(Some((first, first_span))) => {
                    let at = if name.is_empty() { String::new() } else { format!(" at {}", quoted(name)) };
                    let what = format!("the repository {}{at} is named twice", quoted(&found.github));
                    let spelling = self.spellings.get(&found.github.to_lowercase());
                    let help = match spelling {
                        Some(other) if **other != *found.github => {
                            format!("keep one of them: to GitHub it is {}", quoted(other))
                        }
                        _ => "keep one of them".to_owned(),
                    };
                    return Err(naming.wrong((what, help)).related(first, *first_span, "first here").into());
                }
                // A pattern has found it.
                Some(None) => return Ok(()),
                None => {
                    self.seen.insert(identity, Some((Arc::clone(naming.document), naming.span)));
                }
            }
        }
        self.push(naming, found);
        Ok(())
    }

    fn push(&mut self, naming: Naming<'_>, Found { github, branch, problem, findings }: Found) {
        let known = match &branch {
            Branch::Known(name) if name.is_empty() && problem.is_none() => {
                Some(TaskSource::DEFAULT_BRANCH.into())
            }
            Branch::Known(name) => Some(Arc::clone(name)),
            Branch::PerTask(_) => None,
        };
        let own = self.catalogue.get(&github).map(|source| source.github.as_str());
        let spelling = self.spellings.entry(github.to_lowercase());
        let github = Arc::clone(spelling.or_insert_with(|| own.unwrap_or(&github).into()));
        let value = source_value(&github, known, naming.row.cloned());
        let (document, row) = (Arc::clone(naming.document), naming.row.cloned());
        let span = naming.span;
        self.found.push(JobSource { github, branch, problem, findings, document, span, value, row });
    }
}

fn identity(github: &str, branch: &Branch) -> String {
    match branch {
        Branch::Known(name) => format!("{}@{name}", github.to_lowercase()),
        Branch::PerTask(_) => github.to_lowercase(),
    }
}

/// What a branch's expression says, which must be a branch's name.
pub(super) fn rendered_branch(branch: &Template, scope: &Arc<Scope>) -> Result<Arc<str>, Diagnostics> {
    let name = branch.render(scope)?;
    let wrong = |(what, help)| Diagnostic::new(what).at(branch.document(), branch.span()).help(help);
    check_branch(&name).map_err(wrong)?;
    Ok(name)
}

/// A source that names no branch: its default one, empty if nobody knows it, and why no session can be created there,
/// unless nobody has asked.
fn on_default_branch(catalogue: &Catalogue<'_>, github: String) -> Found {
    let source = catalogue.get(&github);
    let branch = source.and_then(|source| source.default_branch.as_deref());
    let name = quoted(&github);
    let connect = || catalogue.connect("it");
    let problem = match (source, branch) {
        _ if !catalogue.is_whole => None,
        (None, _) => {
            let help = match catalogue.nearest(&github) {
                Some(near) => format!("did you mean {}? Else {}", quoted(near), connect()),
                None => connect(),
            };
            Some(format!(
                "{name} is not connected, so its default branch is not known; {help}, or name a branch: `{github}@main`"
            ))
        }
        (Some(source), _) if source.gone => Some(format!("{name} is not connected any more; {}", connect())),
        (Some(_), None) => Some(format!(
            "the default branch of {name} is not known; is it empty? Else name a branch: `{github}@main`, or `branch:` in \
             the job or in `defaults`"
        )),
        (Some(_), Some(_)) => None,
    };
    let branch = Branch::Known(branch.unwrap_or_default().into());
    Found { problem: problem.map(Arc::from), ..Found::on(github, branch) }
}

fn two_branches(written: &str) -> Diagnostic {
    Diagnostic::new(format!("{} names a branch twice", quoted(written))).help("keep one of them")
}
