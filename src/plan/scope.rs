//! The names that expressions may use, and what is said of one that is not defined.

use std::sync::Arc;

use minijinja::value::{Enumerator, Object, Value, ValueKind};

use super::equality::same_text;
use super::expression::{Names, member};
use super::resolve::Variables;
use crate::manifest::{CheckedJob, Diagnostic, Env, Row, listed, nearest, quoted};

/// The names that expressions may use for one task.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub(super) job: Value,
    pub(super) vars: Value,
    pub(super) env: Value,
    pub(super) source: Option<Value>,
    pub(super) matrix: Option<Value>,
    /// How the attempt before ended, and the number of this one: `retries.prompt` alone has them.
    pub(super) previous: Option<Value>,
    pub(super) attempt: Option<Value>,
    /// Whether the job has a matrix, which is read after its sources.
    pub(super) has_matrix: bool,
    /// Variables that exist without a value: for the wording of errors.
    pub(super) unset: Arc<Unset>,
}

/// Names that are declared but have no value.
#[derive(Debug, Default)]
pub(super) struct Unset {
    pub(super) vars: Vec<String>,
    pub(super) env: Vec<String>,
}

impl Unset {
    pub(super) fn of(variables: &Variables, env: &Env) -> Self {
        let unset = env.iter().filter(|(_, value)| value.is_none());
        Self { vars: variables.unset.clone(), env: unset.map(|(name, _)| name.clone()).collect() }
    }
}

impl Names for Scope {
    fn root(&self, name: &str) -> Option<Value> {
        Self::root(self, name).cloned()
    }

    /// It begins with none of [`Scope::ROOTS`], or the manifest would have to list it under `env`.
    fn is_foreign(&self, path: &[String]) -> bool {
        match path {
            [root, name, ..] if root == "env" => {
                let is_unset = self.unset.env.iter().any(|unset| same_text(unset, name));
                !is_unset && !self.defines(&path[..2])
            }
            [root, ..] => !Self::ROOTS.contains(&root.as_str()),
            [] => true,
        }
    }
}

impl Scope {
    /// What the names begin with.
    pub(super) const ROOTS: [&str; 7] = ["job", "vars", "env", "source", "matrix", "previous", "attempt"];

    /// The names that all tasks of a job share.
    pub(super) fn of_job(variables: &Variables, job: &CheckedJob) -> Self {
        let env = job.env.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)));
        Self {
            job: Value::from_pairs([("id", job.id.as_str())]),
            vars: variables.value(),
            env: Value::from_pairs(env),
            source: None,
            matrix: None,
            previous: None,
            attempt: None,
            has_matrix: job.keys.matrix.is_some(),
            unset: Arc::new(Unset::of(variables, &job.env)),
        }
    }

    fn root(&self, name: &str) -> Option<&Value> {
        match name {
            "job" => Some(&self.job),
            "vars" => Some(&self.vars),
            "env" => Some(&self.env),
            "source" => self.source.as_ref(),
            "matrix" => self.matrix.as_ref(),
            "previous" => self.previous.as_ref(),
            "attempt" => self.attempt.as_ref(),
            _ => None,
        }
    }

    /// The value of a name, if it is defined.
    fn get(&self, path: &[String]) -> Option<Value> {
        let (root, members) = path.split_first()?;
        members.iter().try_fold(self.root(root)?.clone(), |value, key| {
            Some(member(&value, &Value::from(key.as_str()))).filter(|value| !value.is_undefined())
        })
    }

    pub(super) fn defines(&self, path: &[String]) -> bool {
        self.get(path).is_some()
    }

    /// Every name that is defined, dotted.
    fn names(&self) -> Vec<String> {
        let roots = [
            ("source", self.source.as_ref()),
            ("matrix", self.matrix.as_ref()),
            ("previous", self.previous.as_ref()),
            ("vars", Some(&self.vars)),
            ("env", Some(&self.env)),
            ("job", Some(&self.job)),
        ];
        let mut names: Vec<String> = self.attempt.iter().map(|_| "attempt".to_owned()).collect();
        for (root, value) in roots {
            for key in value.into_iter().filter_map(|value| value.try_iter().ok()).flatten() {
                names.push(format!("{root}.{key}"));
            }
        }
        names.extend(self.unset.vars.iter().map(|name| format!("vars.{name}")));
        names.extend(self.unset.env.iter().map(|name| format!("env.{name}")));
        names
    }

    /// What is said of a name that is not defined; `written` as it stands in the text.
    pub(super) fn undefined(&self, path: &[String], written: &str) -> Diagnostic {
        let name = path.join(".");
        // The root of a name is read without its case.
        let name = if written.eq_ignore_ascii_case(&name) { written } else { name.as_str() };
        let has =
            |list: &[String]| matches!(path, [_, short] if list.iter().any(|name| same_text(name, short)));
        let short = path.get(1).map_or("", String::as_str);
        match path[0].as_str() {
            "vars" if has(&self.unset.vars) => {
                return Diagnostic::new(format!("{} has no value", quoted(name)))
                    .help(format!("give it: `--var {short}=…`"));
            }
            "env" if has(&self.unset.env) => {
                return Diagnostic::new(format!("{} is not set in the environment", quoted(name)))
                    .help(format!("set it, or write `{name} | default(\"…\")`"));
            }
            _ => {}
        }
        let finding = Diagnostic::new(format!("{} is not defined", quoted(name)));
        if let Some(help) = of_workflows(path) {
            return finding.help(help);
        }
        if let Some(difference) = self.as_difference(path) {
            return finding.help(format!("a subtraction wants spaces: {}", quoted(&difference)));
        }
        match path[0].as_str() {
            "env" if path.len() == 2 && !short.contains('-') => {
                return finding.help(format!("list it: `env: [{short}]`"));
            }
            "source" if self.source.is_none() => return finding.help("this job has no source"),
            "source" => {
                let known = self.names().into_iter().filter(|name| name.starts_with("source."));
                let known: Vec<String> = known.collect();
                let github = self.get(&["source".to_owned(), "github".to_owned()]).unwrap_or_default();
                let has = format!(
                    "{} has {}",
                    quoted(&github.to_string()),
                    listed(known.iter().map(String::as_str))
                );
                let meant = match short {
                    "ref" | "base" | "default_branch" => Some("source.branch"),
                    "name" => Some("source.repo"),
                    "repository" | "full_name" | "url" => Some("source.github"),
                    "org" | "organization" => Some("source.owner"),
                    _ => None,
                };
                let near = meant.or_else(|| nearest(name, known.iter().map(String::as_str)));
                return finding.help(match near {
                    Some(near) => format!("did you mean {}? {has}", quoted(near)),
                    None => format!("{has}; more are columns of a CSV list"),
                });
            }
            "previous" | "attempt" if self.attempt.is_none() => {
                return finding.help("only `retries.prompt` can read it");
            }
            "matrix" if self.matrix.is_none() && self.has_matrix => {
                let help = "this is read before the matrix is: name the repositories under `sources`, a task for each";
                return finding.help(help);
            }
            "matrix" if self.matrix.is_none() => {
                let help = "this job has no matrix, and reads no other job's: give it one";
                return finding.help(help);
            }
            _ => {}
        }
        let names = self.names_beside(path);
        let known = || names.iter().map(String::as_str);
        // A name without what it stands in: `LEVEL` for `vars.LEVEL`.
        let ends_so = |known: &&str| {
            path.len() == 1 && known.split_once('.').is_some_and(|(_, end)| same_text(end, name))
        };
        match known().find(ends_so).or_else(|| nearest(name, known())) {
            Some(near) => {
                finding.help(format!("did you mean {}? Known names: {}", quoted(near), listed(known())))
            }
            None => finding
                .help(format!("known names: {}; a literal `${{{{` is written `$${{{{`", listed(known()))),
        }
    }

    /// The subtraction that a name with `-` may have been meant for: what stands before it is defined.
    fn as_difference(&self, path: &[String]) -> Option<String> {
        let lacking = (1..path.len()).find(|&at| !self.defines(&path[..=at]))?;
        let (before, after) = path[lacking]
            .split_once('-')
            .filter(|(before, after)| !before.is_empty() && !after.is_empty())?;
        let mut left = path[..lacking].to_vec();
        left.push(before.to_owned());
        let rest: Vec<&str> =
            std::iter::once(after).chain(path[lacking + 1..].iter().map(String::as_str)).collect();
        self.defines(&left).then(|| format!("{} - {}", left.join("."), rest.join(".")))
    }

    /// The names that one which is not defined may have been meant for: those within what is defined of it.
    fn names_beside(&self, path: &[String]) -> Vec<String> {
        let defined = (2..path.len()).rev().find(|&length| self.defines(&path[..length]));
        let Some(length) = defined else { return self.names() };
        let keys = self.get(&path[..length]).and_then(|value| match value.kind() {
            ValueKind::Seq => value.len().map(|length| (0..length).map(Value::from).collect()),
            _ => value.try_iter().ok().map(Iterator::collect),
        });
        let keys: Vec<Value> = keys.unwrap_or_default();
        let within = path[..length].join(".");
        keys.iter().map(|key| format!("{within}.{key}")).collect()
    }
}

/// The way out of a name that only GitHub's workflows know.
fn of_workflows(path: &[String]) -> Option<String> {
    let listed = |prefix: &str, name: &str| {
        let name = format!("{prefix}_{}", name.to_uppercase());
        format!("list the workflow's variable, `env: [{name}]`, and write `${{{{ env.{name} }}}}`")
    };
    let way = match (path[0].as_str(), path.get(1).map(String::as_str)) {
        ("github", Some(name)) if path.len() == 2 && IN_ENVIRONMENT.contains(&name) => listed("GITHUB", name),
        ("runner", Some(name @ ("os" | "arch" | "name" | "temp"))) if path.len() == 2 => {
            listed("RUNNER", name)
        }
        ("github" | "runner" | "steps" | "needs" | "jobs" | "inputs" | "strategy", name) => {
            let name = name.and(path.last()).map_or("NAME", String::as_str);
            let begin = match path[0].as_str() {
                "needs" | "jobs" => "jobs of a manifest hand nothing on to each other; what is another job's of the workflow, hand in",
                _ => "hand it in from the workflow",
            };
            format!(
                "{begin}: `--var {name}=${{{{ {} }}}}`, and write `${{{{ vars.{name} }}}}`",
                path.join(".")
            )
        }
        ("secrets", _) => {
            "secrets are not read into prompts; what is not secret is handed in by `env: [NAME]` or `--var NAME=…`"
                .to_owned()
        }
        _ => return None,
    };
    Some(format!("{way}; a literal `${{{{` is written `$${{{{`"))
}

/// What of `github` stands in the environment as well.
const IN_ENVIRONMENT: [&str; 20] = [
    "action",
    "actor",
    "api_url",
    "base_ref",
    "event_name",
    "head_ref",
    "job",
    "ref",
    "ref_name",
    "ref_type",
    "repository",
    "repository_owner",
    "run_attempt",
    "run_id",
    "run_number",
    "server_url",
    "sha",
    "triggering_actor",
    "workflow",
    "workspace",
];

/// What expressions see as `source`.
pub(super) fn source_value(github: &str, branch: Option<Arc<str>>, row: Option<Row>) -> Value {
    Value::from_object(SourceScope { github: github.into(), branch, row })
}

#[derive(Debug)]
struct SourceScope {
    github: Arc<str>,
    branch: Option<Arc<str>>,
    /// Of the CSV file that lists it.
    row: Option<Row>,
}

impl Object for SourceScope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let (owner, repo) = self.github.split_once('/')?;
        match key.as_str()? {
            "owner" => Some(Value::from(owner)),
            "repo" => Some(Value::from(repo)),
            "github" => Some(Value::from(Arc::clone(&self.github))),
            "branch" => self.branch.clone().map(Value::from),
            column => self.row.as_ref()?.get(column).map(Value::from),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        const NAMES: &[&str] = &["owner", "repo", "github", "branch"];
        let names = if self.branch.is_some() { NAMES } else { &NAMES[..3] };
        match &self.row {
            None => Enumerator::Str(names),
            Some(row) => {
                let columns = row.names().iter().map(String::as_str);
                Enumerator::Values(names.iter().copied().chain(columns).map(Value::from).collect())
            }
        }
    }
}
