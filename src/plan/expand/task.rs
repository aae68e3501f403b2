//! One task: a combination of a job on one source.

use std::sync::Arc;

use super::{Expansion, JobParts, Origin};
use crate::manifest::{CheckedJob, Diagnostic, quoted};
use crate::plan::key::{task_key, without_case};
use crate::plan::matrix;
use crate::plan::scope::Scope;
use crate::plan::source::{Branch, JobSource, rendered_branch};
use crate::plan::strings::in_one_line;
use crate::plan::task::{Task, TaskId, TaskSource};
use crate::plan::values::Values;

/// The most text that all tasks together may render to, in bytes.
const MAX_RENDERED_TOTAL: usize = 1 << 30;

impl Expansion<'_> {
    pub(super) fn task(
        &mut self,
        job: &CheckedJob,
        parts: &JobParts,
        scope: &Arc<Scope>,
        source: Option<&JobSource>,
        values: &Values,
    ) -> Result<(), Vec<Diagnostic>> {
        let document = &self.manifest.document;
        let mut scope = match &values.scope {
            Some(matrix) => Arc::new(Scope { matrix: Some(matrix.clone()), ..Scope::clone(scope) }),
            None => Arc::clone(scope),
        };
        let mut findings = source.map(|source| source.findings.clone()).unwrap_or_default();
        let branch = match source.map(|source| &source.branch) {
            None => None,
            Some(Branch::Known(name)) => Some(Arc::clone(name)),
            Some(Branch::PerTask(template)) => match rendered_branch(template, &scope) {
                Ok(name) => {
                    let value = source.map(|source| source.value_on(Some(Arc::clone(&name))));
                    scope = Arc::new(Scope { source: value, ..Scope::clone(&scope) });
                    Some(name)
                }
                // Then the task is known by its repository.
                Err(wrong) => {
                    findings.extend(wrong);
                    Some("".into())
                }
            },
        };
        let source_of_task = source.zip(branch).map(|(source, branch)| TaskSource {
            github: source.github.to_string(),
            branch: branch.to_string(),
        });
        let id: Arc<str> = match &source_of_task {
            Some(source) => format!("{}/{source}{}", parts.id, values.id_suffix).into(),
            None => format!("{}{}", parts.id, values.id_suffix).into(),
        };
        let strings = parts.strings.render(&scope, &format!("{}{}", parts.id, values.id_suffix));
        let no_branch = (!findings.is_empty()).then(|| in_one_line(&findings));
        findings.extend(strings.findings);
        if !findings.is_empty() {
            self.unrendered += 1;
            if self.unrendered == 1 {
                self.first_unrendered = findings;
            }
        }
        let key = task_key(
            None,
            self.manifest.name(),
            &without_case(&id, source_of_task.as_ref()),
            &strings.prompt,
        );
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
            project: None,
            key,
            id: task_id,
            job: parts.id.clone(),
            title: strings.title,
            prompt: strings.prompt,
            problem: source.and_then(|source| source.problem.clone()).or(no_branch).or(strings.problem),
            source: source_of_task,
            matrix: Arc::clone(&values.map),
            tags: strings.tags,
            auto_pr: job.keys.auto_pr,
            require_approval: job.keys.require_approval,
            expect: job.keys.expect,
            on_no_change: job.keys.on_no_change,
            give_up: job.keys.give_up,
            waiting: strings.waiting,
            retries: Arc::clone(&parts.retries),
            repeat: job.keys.repeat,
            retry_prompt: strings.retry_prompt,
            timeouts: job.keys.timeouts,
            needs: Arc::clone(&parts.no_needs.0),
            needs_outside: Arc::clone(&parts.no_needs.1),
            needs_merged: Arc::clone(&parts.needs_merged),
            wave: None,
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
        match job.keys.matrix.as_ref().and_then(|matrix| matrix::alike(matrix)) {
            Some((one, other, types)) => finding
                .at(&self.manifest.document, other)
                .related(&self.manifest.document, one, "first here")
                .help(match types {
                    (one, other) if one == other => "this value stands twice: keep one".to_owned(),
                    (one, other) => format!(
                        "these values read alike, one as {one} and one as {other}: write them the same way, and once"
                    ),
                }),
            None => finding.help("name each source once, and each combination of the matrix once"),
        }
    }
}
