//! What a manifest may say, and probably does not mean.

use std::collections::HashMap;
use std::sync::Arc;

use super::check::{CheckedJob, SourceSpec};
use super::diagnostic::{Diagnostic, quoted};
use super::document::{Document, Span};
use super::job::Job;
use super::literal::Literal;
use super::policy::Expect;
use super::schema::Written;
use super::waiting::{StallPolicy, UserFeedback};

/// The warnings of a manifest without errors.
pub(super) fn of(document: &Arc<Document>, written: &Written, jobs: &[CheckedJob]) -> Vec<Diagnostic> {
    let mut warnings = cut_texts(document, written, jobs);
    warnings.extend(jobs.iter().filter_map(|job| file_as_prompt(document, job)));
    warnings.extend(missing_sources(document, written, jobs));
    for job in jobs {
        for source in &job.sources {
            if let SourceSpec::List { list, branch, .. } = source {
                warnings.extend(list.warnings.iter().cloned());
                let has_branch = branch.is_some() || job.keys.branch.is_some();
                warnings.extend(list.branch_like.iter().filter(|_| !has_branch).cloned());
            }
        }
    }
    warnings
}

/// Texts without quotes that YAML ends at ` #`.
fn cut_texts(document: &Arc<Document>, written: &Written, jobs: &[CheckedJob]) -> Vec<Diagnostic> {
    let mut spans: Vec<Span> = Vec::new();
    for (_, value) in written.vars.iter().flat_map(|vars| vars.iter()) {
        texts(value, &mut spans);
    }
    for job in jobs {
        let keys = &job.keys;
        spans.extend(
            keys.prompt.iter().chain(&keys.title).chain(&keys.branch).chain(&keys.tags).map(|text| text.span),
        );
        spans.extend(answers(keys));
        if let Some(matrix) = &keys.matrix {
            let values = matrix.dimensions.iter().flat_map(|dimension| &dimension.values.value);
            let entries = matrix.include.iter().chain(&matrix.exclude);
            let changed = entries.flat_map(|entry| entry.value.iter().map(|(_, value)| value));
            values.chain(changed).for_each(|value| texts(value, &mut spans));
        }
    }
    let cut = spans.into_iter().filter_map(|span| document.cut_behind(span));
    let finding = |at: Span| {
        Diagnostic::new("the text ends here: to YAML the rest of the line is a comment")
            .at(document, at)
            .help("put the text in quotes, or write it below `|`; a comment has a space behind its `#`")
            .warning()
    };
    cut.map(finding).collect()
}

/// A prompt that is nothing but the name of a file.
fn file_as_prompt(document: &Arc<Document>, job: &CheckedJob) -> Option<Diagnostic> {
    let prompt = job.keys.prompt.as_ref()?;
    let text = prompt.value.trim();
    let is_file = [".md", ".txt", ".markdown", ".prompt"].iter().any(|ending| text.ends_with(ending));
    (is_file && !text.contains(char::is_whitespace)).then(|| {
        Diagnostic::new("the prompt is the name of a file: the agent is sent the name")
            .at(document, prompt.span)
            .help(format!("to send what is in it, write {}", quoted(&format!("prompt-file: {text}"))))
            .warning()
    })
}

/// What is said to the agent later on.
fn answers(keys: &Job) -> impl Iterator<Item = Span> {
    let reply = match &keys.waiting.user_feedback {
        UserFeedback::Reply { text, .. } => Some(text.span),
        UserFeedback::Fail | UserFeedback::Detach => None,
    };
    let nudge = match &keys.waiting.stall {
        StallPolicy::Nudge { text, .. } => Some(text.span),
        StallPolicy::Fail => None,
    };
    let again = keys.retries.prompt.as_ref().map(|prompt| prompt.0.span);
    reply.into_iter().chain(nudge).chain(again)
}

fn texts(value: &Literal, into: &mut Vec<Span>) {
    match value {
        Literal::Text(text) => into.push(text.span),
        Literal::List(items) => items.iter().for_each(|item| texts(item, into)),
        Literal::Map(entries) => entries.iter().for_each(|(_, value)| texts(value, into)),
        Literal::Null | Literal::Bool(_) | Literal::Number(_) => {}
    }
}

/// A branch of nothing, and a job without a repository among jobs that have one.
fn missing_sources(document: &Arc<Document>, written: &Written, jobs: &[CheckedJob]) -> Vec<Diagnostic> {
    let others_have = jobs.iter().any(|job| job.has_sources);
    let own: HashMap<Span, _> = written.jobs.value.iter().map(|keys| (keys.span, keys)).collect();
    let own_keys = |job: &CheckedJob| own.get(&job.span);
    // Who says so in the job itself has thought of it.
    let says_any = |job: &CheckedJob| {
        let keys = own_keys(job);
        keys.and_then(|keys| keys.expect.as_ref()).is_some_and(|expect| expect.value == Expect::Any)
    };
    let mut warnings = Vec::new();
    for job in jobs.iter().filter(|job| !job.has_sources) {
        let is_own = own_keys(job).is_some_and(|keys| keys.branch.is_some());
        let branch = job.keys.branch.as_ref().filter(|_| is_own || !others_have);
        if let Some(branch) = branch {
            let what = format!("`branch` does nothing: the job {} has no source", quoted(&job.id));
            let help = "name the repository: `source: owner/repo`";
            warnings.push(Diagnostic::new(what).at(document, branch.span).help(help).warning());
        } else if others_have && !says_any(job) {
            let what = format!("the job {} has no source, and other jobs have one", quoted(&job.id));
            let help =
                "name it: `source: owner/repo`; a session that is to have no repository says `expect: any`";
            warnings.push(Diagnostic::new(what).at(document, job.id.span).help(help).warning());
        }
    }
    warnings
}
