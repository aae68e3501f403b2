//! What types cannot say: the rules that a manifest must keep, checked before anything is planned.

mod prompt;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, listed, quoted};
use super::document::{Document, Span};
use super::job::{Dimension, Job, JobKeys, SourceEntry, SourceMapping};
use super::located::Located;
use super::notify::Notify;
use super::pull_requests::PullRequests;
use super::repeat::Repeat;
use super::schema::Written;
use super::setting::Setting;
use super::settings::{
    Adoption, Limits, PollSettings, RetryPolicy, RunTimeouts, Strategy, Telling, WaitingPolicy,
};
use super::source_list::{self, SourceList};
use super::vars::{is_key, is_name};
use prompt::NoFile;

/// A job whose keys are complete and make sense, with the files that it names.
#[derive(Debug)]
pub(crate) struct CheckedJob {
    pub(crate) id: Located<String>,
    /// Where the job begins.
    pub(crate) span: Span,
    /// The job's keys over those of `defaults`, and these over the manifest's.
    pub(crate) keys: Job,
    /// Or why its file cannot be used, which is a matter of this job alone.
    pub(crate) prompt: Result<Text, String>,
    pub(crate) sources: Vec<SourceSpec>,
    /// Whether the job has `source` or `sources` at all; a file may list none.
    pub(crate) has_sources: bool,
    /// The variables that `${{ env.NAME }}` may read, with their values where they are set.
    pub(crate) env: Env,
}

/// A text and the place that it was read from.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) document: Arc<Document>,
    pub(crate) span: Span,
    pub(crate) text: Arc<str>,
}

/// Where a job works, as written.
#[derive(Debug)]
pub(crate) enum SourceSpec {
    /// `owner/repo` or `owner/repo@branch`, and a branch of its own.
    Repository { github: Located<String>, branch: Option<Located<String>> },
    /// A glob over the connected sources.
    Pattern { pattern: Located<String>, exclude: Vec<Located<String>>, branch: Option<Located<String>> },
    /// A file that lists repositories.
    List { document: Arc<Document>, list: SourceList, branch: Option<Located<String>>, span: Span },
}

/// Variables of the environment by name, with their values where they are set.
pub(crate) type Env = BTreeMap<String, Option<String>>;

/// Reads the environment's variables that the manifest lists for all jobs.
pub(super) fn env(
    document: &Arc<Document>,
    written: &Written,
    env: fn(&str) -> Option<String>,
    findings: &mut Vec<Diagnostic>,
) -> Env {
    let mut check = Check { document, folder: Path::new(""), findings };
    check.env(written.env.as_deref().unwrap_or_default(), env)
}

/// Checks every job.
pub(super) fn jobs(
    document: &Arc<Document>,
    folder: &Path,
    written: &Written,
    shared_env: &Env,
    env: fn(&str) -> Option<String>,
    findings: &mut Vec<Diagnostic>,
) -> Vec<CheckedJob> {
    let mut check = Check { document, folder, findings };
    if written.jobs.value.is_empty() {
        check.wrong(
            Diagnostic::new("the manifest has no job").help("add one under `jobs:`"),
            written.jobs.span,
        );
    }
    let mut defaults = written.defaults.as_ref().map(|defaults| defaults.0.clone());
    if let Some(defaults) = &mut defaults {
        check.timeout(defaults);
    }
    if let Some(id) = defaults.as_ref().and_then(|defaults| defaults.id.as_ref()) {
        check.wrong(Diagnostic::new("`id` cannot stand in `defaults`: every job has its own"), id.span);
    }
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let mut checked = Vec::with_capacity(written.jobs.value.len());
    let shared = JobKeys {
        waiting: written.waiting.clone(),
        retries: written.retries.clone(),
        repeat: written.repeat.clone(),
        timeouts: written.timeouts.clone().map(|Located { value, span }| Located::new(value.into(), span)),
        ..JobKeys::default()
    };
    for Located { mut value, span } in written.jobs.value.clone() {
        check.timeout(&mut value);
        let mut keys = match &defaults {
            Some(defaults) => value.over(defaults.clone()),
            None => value,
        };
        let Some(id) = check.id(&keys, span, &mut seen) else { continue };
        check.limits::<Job>("", Some(&Located::new(keys.clone(), span)));
        Job::overlay(&mut keys, &shared);
        let keys = Job::meant(Located::new(keys, span));
        let mut vars = check.env(&keys.env, env);
        vars.extend(shared_env.iter().map(|(name, value)| (name.clone(), value.clone())));
        check.matrix(&keys);
        for tag in keys.tags.iter().filter(|tag| tag.trim().is_empty()) {
            check.wrong(Diagnostic::new("a tag is empty"), tag.span);
        }
        let sources = check.sources(&keys);
        let has_sources = keys.source.is_some() || keys.sources.is_some();
        let Some(prompt) = check.prompt(&id, &keys) else { continue };
        checked.push(CheckedJob { id, span, keys, prompt, sources, has_sources, env: vars });
    }
    checked
}

/// Checks what holds for the run as a whole.
pub(super) fn settings(document: &Arc<Document>, written: &Written, findings: &mut Vec<Diagnostic>) {
    let mut check = Check { document, folder: Path::new(""), findings };
    if let Some(version) = written.version.as_ref().filter(|version| version.value != 1) {
        let finding =
            Diagnostic::new(format!("version {} of the manifest format is not known", version.value));
        check.wrong(finding.help("this program reads version 1"), version.span);
    }
    if let Some(name) = written.name.as_ref().filter(|name| name.trim().is_empty()) {
        check.wrong(Diagnostic::new("`name` is empty"), name.span);
    }
    if let Some(name) = written.name.as_ref().filter(|name| name.contains("${{")) {
        let finding = Diagnostic::new("`name` takes no expression")
            .help("it is part of every task's key: write it out");
        check.wrong(finding, name.span);
    }
    check.limits::<Repeat>("repeat", written.repeat.as_ref());
    check.limits::<Strategy>("strategy", written.strategy.as_ref());
    check.limits::<PullRequests>("pull-requests", written.pull_requests.as_ref());
    check.limits::<Limits>("limits", written.limits.as_ref());
    check.limits::<RunTimeouts>("timeouts", written.timeouts.as_ref());
    check.limits::<Adoption>("create", written.create.as_ref());
    check.limits::<PollSettings>("poll", written.poll.as_ref());
    check.limits::<WaitingPolicy>("waiting", written.waiting.as_ref());
    check.limits::<RetryPolicy>("retries", written.retries.as_ref());
    check.limits::<Telling>("report", written.report.as_ref());
    check.limits::<Notify>("notify", written.notify.as_ref());
}

struct Check<'a> {
    document: &'a Arc<Document>,
    folder: &'a Path,
    findings: &'a mut Vec<Diagnostic>,
}

impl Check<'_> {
    fn wrong(&mut self, finding: Diagnostic, span: Span) {
        self.findings.push(finding.at(self.document, span));
    }

    /// Checks the limits of a group of settings and of the groups in it.
    fn limits<S: Setting>(&mut self, key: &str, written: Option<&Located<S::Written>>) {
        if let Some(written) = written {
            S::check(written, key, &[], &mut |finding, span| self.wrong(finding, span));
        }
    }

    fn timeout(&mut self, keys: &mut JobKeys) {
        if let Some(span) = keys.spell_out_timeout() {
            let finding = Diagnostic::new("`timeout-minutes` and `timeouts.task` say the same");
            self.wrong(finding.help("keep one of them"), span);
        }
    }

    fn id(
        &mut self,
        keys: &JobKeys,
        span: Span,
        seen: &mut BTreeMap<String, Span>,
    ) -> Option<Located<String>> {
        let Some(id) = &keys.id else {
            self.wrong(
                Diagnostic::new("this job has no `id`").help("add `id:` with a name of your choice"),
                span,
            );
            return None;
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let starts_well = id.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !starts_well || !id.bytes().all(plain) || id.len() > 100 {
            let curly = id.contains(['\u{201C}', '\u{201D}', '\u{2018}', '\u{2019}', '\u{201E}']);
            let words = id.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
            let near = words.collect::<Vec<_>>().join("-").to_lowercase();
            let near = if near.is_empty() || near.len() > 100 {
                String::new()
            } else {
                format!("write for example {}; ", quoted(&near))
            };
            let help = if curly {
                "to YAML only `'` and `\"` are quotes; an id needs none".to_owned()
            } else {
                format!(
                    "{near}ids are letters, digits, `.`, `_` and `-`, start with a letter, a digit or `_`, and have at most 100"
                )
            };
            self.wrong(Diagnostic::new(format!("{} cannot be a job's id", quoted(id))).help(help), id.span);
        }
        if let Some(first) = seen.insert(id.value.clone(), id.span) {
            let finding = Diagnostic::new(format!("two jobs have the id {}", quoted(id)))
                .related(self.document, first, "first here")
                .help("give one of them another id");
            self.wrong(finding, id.span);
        }
        Some(id.clone())
    }

    fn sources(&mut self, keys: &Job) -> Vec<SourceSpec> {
        if let (Some(_), Some(sources)) = (&keys.source, &keys.sources) {
            let finding = Diagnostic::new("a job has either `source` or `sources`, not both");
            self.wrong(finding.help("move the one into the list"), sources.span);
        }
        if let Some(sources) = keys.sources.as_ref().filter(|sources| sources.value.is_empty()) {
            let finding = Diagnostic::new("`sources` is empty");
            self.wrong(finding.help("leave it out for sessions without a repository"), sources.span);
        }
        let many = keys.sources.iter().flat_map(|sources| &sources.value);
        let entries: Vec<_> = keys.source.iter().chain(many).collect();
        entries.into_iter().filter_map(|entry| self.source(entry)).collect()
    }

    fn source(&mut self, entry: &Located<SourceEntry>) -> Option<SourceSpec> {
        let mapping = match &entry.value {
            SourceEntry::Short(text) => {
                let github = Located::new(text.clone(), entry.span);
                return Some(SourceSpec::Repository { github, branch: None });
            }
            SourceEntry::Mapping(mapping) => mapping.clone(),
        };
        let SourceMapping { github, pattern, exclude, file, branch } = mapping;
        if let (Some(exclude), None) = (exclude.iter().flatten().next(), &pattern) {
            let finding = Diagnostic::new("`exclude` of a source goes with `match` only");
            self.wrong(finding.help("leave the repository out of the list instead"), exclude.span);
        }
        match (github, pattern, file) {
            (Some(github), None, None) => Some(SourceSpec::Repository { github, branch }),
            (None, Some(pattern), None) => {
                Some(SourceSpec::Pattern { pattern, exclude: exclude.unwrap_or_default(), branch })
            }
            (None, None, Some(file)) => {
                let document = self
                    .file("file", &file)
                    .map_err(|NoFile { finding, .. }| self.findings.push(finding))
                    .ok()?;
                match source_list::parse(&document) {
                    Ok(list) => Some(SourceSpec::List { document, list, branch, span: file.span }),
                    Err(finding) => {
                        self.findings.push(finding);
                        None
                    }
                }
            }
            _ => {
                let finding = Diagnostic::new("a source has exactly one of `github`, `match` and `file`");
                self.wrong(finding, entry.span);
                None
            }
        }
    }

    fn env(&mut self, names: &[Located<String>], env: fn(&str) -> Option<String>) -> Env {
        let mut values = BTreeMap::new();
        for name in names {
            if !is_name(name) {
                let finding =
                    Diagnostic::new(format!("{} cannot be an environment variable's name", quoted(name)));
                let help = match name.split_once('=') {
                    Some((bare, _)) if is_name(bare) => format!(
                        "write {} alone: its value is read from the environment; a value for prompts stands under `vars`",
                        quoted(bare)
                    ),
                    _ => "names are letters, digits and `_`, and do not start with a digit".to_owned(),
                };
                self.wrong(finding.help(help), name.span);
            } else if name.as_str() == "JULES_API_KEY" {
                let finding = Diagnostic::new("`JULES_API_KEY` cannot stand under `env`");
                self.wrong(finding.help("the key must not reach a prompt"), name.span);
            } else {
                values.insert(name.value.clone(), env(name));
            }
        }
        values
    }

    fn matrix(&mut self, keys: &Job) {
        let Some(matrix) = &keys.matrix else { return };
        for (at, Dimension { name, values }) in matrix.dimensions.iter().enumerate() {
            self.matrix_key(name, is_matrix_name(name));
            let twin = matrix.dimensions[..at].iter().find(|other| other.name.eq_ignore_ascii_case(name));
            if let Some(Dimension { name: first, .. }) = twin {
                let finding =
                    Diagnostic::new(format!("{} and {} are one matrix key", quoted(first), quoted(name)))
                        .related(self.document, first.span, "first here")
                        .help("keys differ in more than upper and lower case");
                self.wrong(finding, name.span);
            }
            if values.value.is_empty() {
                let finding = Diagnostic::new(format!("the matrix key {} has no values", quoted(name)));
                self.wrong(finding, values.span);
            }
        }
        for (name, _) in matrix.include.iter().flat_map(|entry| entry.value.iter()) {
            self.matrix_key(name, is_matrix_name(name) || name.as_str() == "source");
        }
        let known = || matrix.dimensions.iter().map(|dimension| dimension.name.as_str());
        for entry in &matrix.exclude {
            for (name, _) in entry.value.iter() {
                if name.as_str() != "source" && !known().any(|known| known.eq_ignore_ascii_case(name)) {
                    let finding = Diagnostic::new(format!(
                        "`exclude` names {}, which is not a key of the matrix",
                        quoted(name)
                    ))
                    .help(format!("known keys: {}", listed(known().chain(["source"]))));
                    self.wrong(finding, name.span);
                }
            }
            if entry.value.0.is_empty() {
                self.wrong(Diagnostic::new("an empty `exclude` would leave out everything"), entry.span);
            }
        }
    }

    fn matrix_key(&mut self, name: &Located<String>, is_good: bool) {
        if !is_good {
            let finding = Diagnostic::new(format!("{} cannot be a matrix key", quoted(name)));
            let help =
                "keys are letters, digits, `_` and `-`, start with a letter or `_`, and are not `source`";
            self.wrong(finding.help(help), name.span);
        }
    }
}

/// `source` would be taken for the task's source; `-` is allowed as in GitHub's matrix.
fn is_matrix_name(name: &str) -> bool {
    is_key(name) && !name.eq_ignore_ascii_case("source")
}
