//! What newcomers write by habit of GitHub Actions, GitLab CI, src-cli and other tools, and the key that is meant.

use super::diagnostic::quoted;
use super::duration::parse_duration;
use super::node::{Key, Node, Value};

/// Keys of others, where they are met, and the way out. A place is told by a key of ours that stands there. `‹KEY›` is the
/// key that was written, and what else stands so is its value where that is of the same kind: see [`filled`].
#[rustfmt::skip]
const KEYS: &[(&[&str], &str, &str)] = &[
    // In the manifest itself.
    (&["on", "schedule", "workflow", "workflow_dispatch", "triggers"], "jobs", "remove it: what starts a run is said where `jules-batch run` is called"),
    (&["prompts", "tasks"], "jobs", "each prompt is a job: `jobs: [{ id: NAME, prompt: … }]`"),
    (&["prompt", "prompt-file", "needs", "title", "expect", "auto-pr", "tags"], "jobs", "it stands in a job, or in `defaults` for all jobs"),
    (&["matrix", "parallel"], "jobs", "`matrix` stands in a job, or in `defaults` for all jobs"),
    (&["repos", "repo", "repository", "repositories", "source", "sources", "projects", "on.repositories"], "jobs", "repositories stand under `sources` in a job, or in `defaults` for all jobs"),
    (&["branch", "branches", "ref"], "jobs", "`branch` stands in a job, or in `defaults` for all jobs"),
    (&["variables", "env-vars", "inputs"], "jobs", "values for prompts stand under `vars`"),
    (&["concurrency"], "jobs", "how many sessions at once: `strategy: { max-parallel: ‹3› }`"),
    (&["timeout"], "jobs", "write `timeouts: { task: ‹30m› }`, or `timeout-minutes` in a job"),
    (&["timeout-minutes"], "jobs", "write `timeouts: { task: ‹30›m }`, or `timeout-minutes` in a job"),
    (&["retry"], "jobs", "write `retries: { count: ‹1› }`"),
    (&["stages", "stage"], "jobs", "remove it: which jobs wait for others is said by `needs` in a job"),
    (&["changesetTemplate"], "jobs", "remove it: a session's `title` stands in its job, and Jules writes the pull request"),
    (&["steps", "script", "run"], "jobs", "what is to be done is a `prompt` in a job: `jobs: [{ id: NAME, prompt: … }]`"),
    (&["description", "run-name"], "jobs", "a run has a `name`; more stands in a comment"),
    (&["permissions", "image", "services", "workspaces", "runs-on", "default", "volumes", "networks"], "jobs", "remove it: sessions run on machines of Jules"),
    (&["max-parallel", "max_parallel", "parallelism"], "jobs", "it stands in `strategy`: `strategy: { max-parallel: ‹3› }`"),
    (&["fail-fast", "fail_fast"], "jobs", "it stands in `strategy`: `strategy: { fail-fast: ‹true› }`"),
    (&["waves", "wave", "batches"], "jobs", "it stands in `strategy`: `strategy: { waves: { sizes: [2, 10%, 100%] } }`"),
    (&["select", "exclude", "fail-on", "shard", "slice", "sample", "state-dir", "report-dir", "junit", "dry-run", "simulate"], "jobs", "it is said where it is run: `jules-batch run --‹KEY›`"),
    (&["max-failures", "max-tasks", "max-parallel-per-repository"], "jobs", "it stands in `strategy`: `strategy: { ‹KEY›: ‹10› }`"),
    (&["sessions-per-day", "requests-per-minute", "creates-per-minute", "activities-per-minute"], "jobs", "it stands in `limits`: `limits: { ‹KEY›: ‹100› }`"),
    (&["quota", "daily-limit", "rate-limit", "budget"], "jobs", "it stands in `limits`: `limits: { sessions-per-day: ‹100› }`"),
    (&["deadline", "run-timeout", "max-duration"], "jobs", "write `timeouts: { run: ‹5h› }`, or `jules-batch run --deadline ‹5h›`"),
    (&["interval", "poll-interval"], "jobs", "write `poll: { interval: ‹10s› }`"),
    (&["notifications", "slack", "teams", "discord", "webhook", "webhooks", "email"], "jobs", "write `notify: { webhooks: [{ to: slack, url-env: SLACK_WEBHOOK }] }`; `to` is also `teams`, `discord` or `json`"),
    (&["id", "auto-pr", "require-approval", "on-no-change", "give-up"], "jobs", "it stands in a job: below `jobs:`, behind `- `"),
    (&["extends", "anchors", "shared", "templates"], "jobs", "what all jobs share stands in `defaults`; YAML anchors may stand under keys that begin with `x-`"),
    (&["apiVersion", "kind", "metadata", "spec", "hosts", "roles", "become", "plugins", "resources", "pipelines"], "jobs", "remove it: a manifest has `jobs`, each with an `id` and a `prompt`; `jules-batch init` writes one"),
    (&["include", "includes", "import", "imports"], "jobs", "remove it: a manifest stands in one file; its jobs' prompts may stand in others: `prompt-file`"),
    (&["model", "temperature", "agent", "engine"], "jobs", "remove it: Jules has no such setting; what matters can be said in a prompt"),
    (&["auto-merge", "automerge", "merge"], "jobs", "remove it: pull requests are merged by `jules-batch pulls merge`"),
    (&["api-key", "api_key", "apiKey", "key", "token", "auth", "credentials", "secrets", "JULES_API_KEY"], "jobs", "take it out of the file: the key is read from the environment, `JULES_API_KEY`"),
    // In a job.
    (&["steps", "run", "script", "with", "uses", "before_script", "after_script", "commands", "command", "container"], "prompt", "a job has one `prompt`, which says in words what is to be done; values for it stand under `vars` or `matrix`"),
    (&["prompts"], "prompt", "a job has one `prompt`: give each its own job, or fill it in from a `matrix`"),
    (&["instructions", "instruction", "description", "task", "message", "text"], "prompt", "what is to be done stands under `prompt`"),
    (&["repo", "repository", "project", "github", "url"], "prompt", "the repository stands under `source`: `source: owner/repo`"),
    (&["repos", "repositories", "projects", "on", "match"], "prompt", "repositories stand under `sources`: `sources: [owner/repo]`"),
    (&["ref", "base", "starting-branch", "startingBranch", "base-branch"], "prompt", "where sessions begin stands under `branch`"),
    (&["auto-merge", "automerge", "merge"], "prompt", "remove it: pull requests are merged by `jules-batch pulls merge`"),
    (&["api-key", "api_key", "apiKey", "key", "token"], "prompt", "take it out of the file: the key is read from the environment, `JULES_API_KEY`"),
    (&["branches"], "prompt", "a job has one `branch`; several are sources of their own: `sources: [owner/repo@one, owner/repo@two]`"),
    (&["strategy"], "prompt", "in a job `matrix` stands by itself: `matrix: { KEY: [VALUE] }`; `max-parallel` and `fail-fast` stand in the manifest's `strategy`"),
    (&["parallel"], "prompt", "write `matrix: { KEY: [VALUE] }`; how many run at once is said by the manifest's `strategy`"),
    (&["include", "exclude"], "prompt", "it stands in the job's `matrix`"),
    (&["depends-on", "depends_on", "dependsOn", "dependencies", "requires", "after"], "prompt", "the jobs to wait for stand under `needs`"),
    (&["stage"], "prompt", "remove it: which jobs wait for others is said by `needs`"),
    (&["timeout", "task-timeout"], "prompt", "write `timeouts: { task: ‹30m› }`, or `timeout-minutes: ‹30›`"),
    (&["retry"], "prompt", "write `retries: { count: ‹1› }`"),
    (&["attempts", "max-attempts"], "prompt", "how many further ones there are is said by `retries: { count: 1 }`"),
    (&["if", "when", "rules", "only", "except", "unless"], "prompt", "remove it: which tasks run is said by `tags` and `run --select`"),
    (&["continue-on-error", "allow_failure", "allow-failure"], "prompt", "remove it: how many failures are too many is said by the manifest's `strategy: { max-failures: 25% }`"),
    (&["outputs", "artifacts", "register"], "prompt", "remove it: jobs hand nothing on to each other; what a session has made is in its pull request"),
    (&["vars", "variables", "inputs", "secrets"], "prompt", "values for prompts stand in the manifest's `vars`, or in the job's `matrix`"),
    (&["environment"], "prompt", "values for prompts stand in the manifest's `vars`, or in the job's `matrix`; where Jules works is set up at Jules"),
    (&["runs-on", "image", "services", "permissions", "concurrency"], "prompt", "remove it: sessions run on machines of Jules"),
    (&["name"], "prompt", "a job's name stands under `id`, in letters, digits, `.`, `_` and `-`; its sessions may have a `title` in any words"),
    (&["labels", "label"], "prompt", "words to select tasks by stand under `tags`"),
    (&["loop", "with_items", "foreach", "for_each", "for-each", "variants"], "prompt", "write `matrix: { item: [web, api] }`, and `${{ matrix.item }}` in the prompt"),
    (&["extends", "inherit", "template"], "prompt", "remove it: what all jobs share stands in `defaults`, or in a YAML anchor under a key that begins with `x-`"),
    (&["limits", "poll", "create", "version", "jobs"], "prompt", "it stands at the top of the manifest, without indentation"),
    (&["max-parallel", "max-failures", "max-tasks", "max-parallel-per-repository"], "prompt", "it stands in the manifest's `strategy`: `strategy: { ‹KEY›: ‹3› }`"),
    (&["fail-fast"], "prompt", "it stands in the manifest's `strategy`: `strategy: { fail-fast: ‹true› }`"),
    (&["deadline"], "prompt", "write `timeouts: { task: ‹30m› }`; the run's own is `timeouts: { run: 5h }` at the top of the manifest"),
    (&["notify", "notifications", "slack", "webhook", "webhooks"], "prompt", "it stands at the top of the manifest: `notify: { webhooks: [{ to: slack, url-env: SLACK_WEBHOOK }] }`"),
    (&["draft", "reviewers", "reviewer", "assignees", "assignee", "model", "temperature", "commit-message", "body"], "prompt", "remove it: Jules has no such setting; what matters can be said in the prompt"),
    (&["pr", "pull-request", "create-pr", "automationMode", "published"], "prompt", "whether Jules opens a pull request is said by `auto-pr: true`"),
    // In a source.
    (&["owner", "repo", "repository", "name", "url", "full_name", "path", "project", "source"], "github", "write `github: owner/repo`"),
    (&["ref", "branches", "tag", "base"], "github", "write `branch: main`"),
    (&["pattern", "glob", "query", "repositoriesMatchingQuery", "org"], "github", "write `match: \"my-org/*\"`"),
    (&["list", "from", "include"], "github", "a file that lists repositories: `file: repos.txt`"),
    // In groups of settings.
    (&["matrix"], "max-parallel", "`matrix` stands in a job, or in `defaults` for all jobs"),
    (&["url", "uri", "webhook", "address", "secret", "token", "hook"], "url-env", "the manifest has no secrets: put it into an environment variable and name that, `url-env: SLACK_WEBHOOK`"),
    (&["type", "kind", "service", "name", "format"], "url-env", "write `to: slack`, `teams`, `discord` or `json`"),
    (&["when", "events", "if"], "url-env", "write `on: [end, first-failure, needs-human]`"),
    (&["to", "slack", "teams", "discord", "url-env", "url", "webhook"], "max-per-hour", "each webhook is an entry of a list: `webhooks: [{ to: slack, url-env: SLACK_WEBHOOK }]`"),
    (&["parallel", "parallelism", "concurrency", "jobs", "workers"], "max-parallel", "write `max-parallel`"),
    (&["max", "attempts", "times", "limit", "max_attempts"], "backoff", "write `count`"),
    (&["when", "if", "exit_codes"], "backoff", "write `on: [error, stalled]`"),
    (&["job", "minutes", "session", "timeout"], "stall", "write `task: 30m`"),
];

/// A way out with the key and the value that were written in it, where the value is of the kind of the one that stands there.
pub(super) fn filled(help: &str, key: &str, value: Option<&Node>) -> String {
    let written = value.and_then(|value| match &value.value {
        Value::Text(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(number) => Some(number.to_string()),
        Value::UInt(number) => Some(number.to_string()),
        Value::Null | Value::Float(_) | Value::Seq(_) | Value::Map(_) => None,
    });
    let fits = |usual: &str, written: &str| match usual {
        "true" => matches!(written, "true" | "false"),
        _ if usual.parse::<u32>().is_ok() => written.trim_end_matches('%').parse::<u32>().is_ok(),
        _ => parse_duration(written).is_ok(),
    };
    let mut parts = help.split('‹');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (usual, rest) = part.split_once('›').unwrap_or((part, ""));
        text += match (usual, written.as_deref()) {
            ("KEY", _) => key,
            (_, Some(written)) if fits(usual, written) => written,
            _ => usual,
        };
        text += rest;
    }
    text
}

/// Whether the jobs are those of a workflow of GitHub's.
pub(super) fn is_workflow(jobs: Option<&Node>) -> bool {
    let is_step = |(key, _): &(Key, Node)| ["steps", "runs-on", "uses"].contains(&key.text.as_str());
    jobs.is_some_and(|jobs| jobs.entries().iter().any(|(_, job)| job.entries().iter().any(is_step)))
}

/// The way out of a workflow in place of a manifest.
pub(super) const WORKFLOW: &str =
    "this is a workflow: `jules-batch init --from-workflow FILE` writes a manifest with its matrix";

/// Whether this is a key of a manifest.
pub(super) fn is_key(word: &str) -> bool {
    #[rustfmt::skip]
    const OURS: &[&str] = &[
        "version", "name", "vars", "env", "defaults", "strategy", "limits", "timeouts", "create", "poll", "waiting", "retries", "jobs",
        "pull-requests", "notify", "waves", "id", "title", "prompt", "prompt-file", "source", "sources", "branch", "matrix", "needs", "tags", "expect", "on-no-change",
        "give-up", "auto-pr", "require-approval", "timeout-minutes", "include", "exclude", "github", "match", "file", "repeat", "report",
    ];
    OURS.contains(&word)
}

/// The way out of a key of others; `known` are the keys that can stand there.
pub(super) fn of_key(written: &str, known: &[&str]) -> Option<&'static str> {
    let here = |place: &str| known.contains(&place);
    // A job's keys hold those of groups by name only, so the place is told well enough.
    KEYS.iter().find(|(keys, place, _)| keys.contains(&written) && here(place)).map(|(_, _, help)| *help)
}

/// Whether a text is the name of a file that lists repositories.
pub(crate) fn is_list_file(text: &str) -> bool {
    let (_, ending) = text.rsplit_once('.').unwrap_or_default();
    !text.contains("://") && ["txt", "csv", "tsv", "list", "lst"].contains(&ending)
}

/// The way out of a comment of another language.
pub(super) const COMMENT: &str = "a comment begins with `#`";

/// The way out of a key by what stands under it.
pub(super) fn of_entry(key: &str, value: &Node, in_a_job: bool) -> Option<String> {
    if key.starts_with("//") {
        return Some(COMMENT.to_owned());
    }
    let is_job = |(key, _): &(Key, Node)| {
        ["prompt", "prompt-file", "script", "steps", "stage", "source", "sources"]
            .contains(&key.text.as_str())
    };
    let is_shared = !value
        .entries()
        .iter()
        .any(|(key, _)| ["prompt", "prompt-file", "script", "steps"].contains(&&*key.text));
    let item = quoted(&format!("- id: {key}"));
    let bare = key.trim_start_matches('.');
    match value.entries().iter().any(is_job) {
        true if in_a_job => {
            Some(format!("the name of a job stands under `id`: write {item}, its other keys below `id`"))
        }
        true if bare != key || bare == "defaults" => {
            Some("what all jobs share stands in `defaults`".to_owned())
        }
        true if is_shared => Some(format!(
            "what all jobs share stands in `defaults`; YAML anchors may stand under keys that begin with `x-`, such as {}",
            quoted(&format!("x-{bare}"))
        )),
        true => Some(format!("a job stands under `jobs:`, as {item} with its other keys below `id`")),
        false => None,
    }
}

/// The way out of a word that cannot stand under this key.
pub(super) fn of_word(key: &str, word: &str) -> Option<String> {
    let plain = word.to_lowercase().replace('_', "-");
    let meant = match (key, plain.as_str()) {
        ("expect", "pr" | "prs" | "pull" | "pullrequest" | "merge-request" | "mr") => "pull-request",
        ("expect", "changes" | "diff" | "patch" | "commit") => "change",
        ("expect", "none" | "nothing" | "no") => "any",
        ("on-no-change", "error" | "failure" | "failed" | "no" | "false") => "fail",
        ("on-no-change", "ok" | "success" | "ignore" | "warn" | "yes" | "true") => "pass",
        ("plan-approval", "yes" | "true" | "auto" | "automatic" | "approved" | "accept") => "approve",
        ("plan-approval", "no" | "false" | "never" | "reject") => "fail",
        ("plan-approval", "manual" | "manually" | "ask" | "wait" | "human" | "me" | "review") => {
            return Some("write `plan-approval: detach`: the plan then waits for you".to_owned());
        }
        ("until", "done" | "success" | "succeeded" | "completed" | "finished") => "ended",
        ("on", "failure" | "fail" | "failures") => return Some("write `failed`".to_owned()),
        ("on", "timeout" | "timeouts") => return Some("write `timed_out`".to_owned()),
        ("on", "stall" | "silence") => return Some("write `stalled`".to_owned()),
        ("give-up", "keep" | "nothing" | "none" | "no") => "leave",
        ("give-up", "delete" | "cancel" | "stop" | "pause") => "archive",
        _ => return None,
    };
    Some(format!("write `{key}: {meant}`"))
}

/// A job as it should be written, for whoever has written jobs of another shape.
fn of_jobs(node: Option<&Node>) -> String {
    if is_workflow(node) {
        return WORKFLOW.to_owned();
    }
    let first = node.and_then(|node| node.entries().first());
    match first.map(|(key, value)| (key.text.as_str(), value)) {
        Some((key, _)) if key.starts_with('-') => {
            format!(
                "a space is missing behind the dash: {}",
                quoted(&format!("- {}: …", key.trim_start_matches('-')))
            )
        }
        Some((key, _)) if is_key(key) => {
            format!("put a dash before the first key of each job: {}", quoted(&format!("- {key}: …")))
        }
        Some((key, _)) => {
            format!("jobs are a list: write {}, its other keys below `id`", quoted(&format!("- id: {key}")))
        }
        None => "write a list: `- id: NAME`, and `prompt: …` below `id`".to_owned(),
    }
}

/// The way out of a text where a job should be.
fn of_job_text(text: &str) -> String {
    match text.split_once(':') {
        Some((key, value)) if is_key(key) && !value.starts_with(' ') => {
            let value = value.split_whitespace().next().unwrap_or_default();
            format!("a space is missing behind the colon: {}", quoted(&format!("{key}: {value}")))
        }
        _ => "a job is a mapping: write `- id: NAME`, and `prompt: …` below `id`".to_owned(),
    }
}

/// The way out of a value where `expected` is one of the few that a key takes.
fn of_choice(expected: &str, text: &str) -> Option<String> {
    let word = text.to_lowercase();
    match expected {
        "`true` or `false`" => match word.as_str() {
            "yes" | "on" | "y" | "1" | "always" => Some("write `true`, without quotes".to_owned()),
            "no" | "off" | "n" | "0" | "never" => Some("write `false`, without quotes".to_owned()),
            "true" | "false" => Some("remove the quotes".to_owned()),
            _ => None,
        },
        "a whole number" | "a number" => match text.parse::<f64>() {
            Ok(number) if number.fract() == 0.0 && number >= 0.0 => {
                Some(format!("write `{number}`, without quotes"))
            }
            Ok(number) if number > 0.0 => Some(format!("write `{}` or `{}`", number.floor(), number.ceil())),
            Ok(_) => Some("it cannot be below 0".to_owned()),
            Err(_) => Some(match leading_number(text) {
                Some(number) => format!("write `{number}`: the key says what is counted"),
                None => "write it in digits, such as `3`".to_owned(),
            }),
        },
        _ => None,
    }
}

/// The number of `100/day` or `20 per minute`, but not of `0x`.
fn leading_number(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let is_unit = unit.trim_start_matches([' ', '/']).starts_with(|c: char| c.is_alphabetic());
    number.parse().ok().filter(|number| is_unit && *number > 0)
}

/// The way out of a value of another shape, for the key that it stands under. `found` and `expected` are in our words.
pub(super) fn of_value(key: &str, expected: &str, found: &str, node: Option<&Node>) -> Option<String> {
    let text = found
        .strip_prefix("the text ")
        .or_else(|| found.strip_prefix("the number "))
        .map(|text| text.trim_matches('`'));
    Some(match (key, text) {
        ("version", _) => "write `version: 1`".to_owned(),
        ("jobs", Some(text)) if expected == "a mapping" => of_job_text(text),
        ("jobs", _) => of_jobs(node),
        (_, Some(text)) if of_choice(expected, text).is_some() => of_choice(expected, text)?,
        ("needs", None) if found == "a mapping" && of_until(node?).is_some() => of_until(node?)?,
        ("needs", None) if found == "a mapping" => {
            let id = node?.entries().first().map(|(_, value)| value.value.describe());
            let id = id.as_deref().and_then(|id| id.strip_prefix("the text ")).unwrap_or("`NAME`");
            format!("name the jobs by their ids: {}", quoted(&format!("needs: [{}]", id.trim_matches('`'))))
        }
        ("env", _) => {
            "`env` lists the variables that prompts may read: `env: [NAME]`; values stand under `vars`"
                .to_owned()
        }
        (_, Some(text)) if text.contains("${{") && (key == "matrix" || expected.starts_with("a list")) => {
            "write the values out: an expression makes one text, not a list".to_owned()
        }
        ("matrix", _) if found == "a list" && node.is_some_and(lists_mappings) => {
            "combinations that are written out stand under `include`: `matrix: { include: [{ KEY: VALUE }, …] }`"
                .to_owned()
        }
        ("matrix", _) if found == "a list" => {
            "give the values a name: `matrix: { KEY: [VALUE, …] }`, and read it with `${{ matrix.KEY }}`"
                .to_owned()
        }
        ("matrix", _) => "write `matrix: { KEY: [VALUE, …] }`".to_owned(),
        ("source", None) if found == "a list" => "several repositories stand under `sources`".to_owned(),
        ("sources" | "source", Some(text)) if is_list_file(text) => {
            format!("write {}", quoted(&format!("sources: [{{ file: {text} }}]")))
        }
        ("sources", Some(text)) if !text.contains([',', ' ', '\\']) => {
            format!("write {}, or a list", quoted(&format!("source: {text}")))
        }
        ("sources", Some(text)) if !text.contains('\\') => {
            let each: Vec<_> = text.split([',', ' ']).filter(|one| !one.is_empty()).collect();
            format!("write a list: {}", quoted(&format!("sources: [{}]", each.join(", "))))
        }
        ("sources", Some(_)) => "write a list: `sources: [owner/one, owner/two]`".to_owned(),
        ("sources", None) if found == "a mapping" => {
            "write a list: `sources: [owner/one@main, owner/two]`".to_owned()
        }
        ("include" | "exclude", None) if found == "a mapping" => {
            format!("write a list: `{key}: [{{ … }}]`")
        }
        ("prompt", _) if found == "a list" => {
            "a job has one `prompt`: give each its own job, or fill it in from a `matrix`".to_owned()
        }
        ("prompt", _) if found == "a mapping" => {
            "write the text: `prompt: …`; a file with it stands under `prompt-file`".to_owned()
        }
        ("prompt-file", _) if found == "a list" => {
            "a job has one `prompt-file`: give each its own job".to_owned()
        }
        ("branch", _) if found == "a list" => {
            "several branches are sources of their own: `sources: [owner/repo@one, owner/repo@two]`"
                .to_owned()
        }
        ("retries", Some(count)) => format!("write `retries: {{ count: {count} }}`"),
        ("timeouts", Some(time)) => format!("write `timeouts: {{ task: {time} }}`"),
        ("poll", Some(time)) => format!("write `poll: {{ interval: {time} }}`"),
        ("limits", Some(count)) => {
            format!("say of what: `limits: {{ sessions-per-day: {count} }}`, or `requests-per-minute`")
        }
        ("create", Some(count)) => format!("write `create: {{ looks: {count} }}`"),
        ("waiting", Some(_)) => {
            "say for what it waits: `waiting: { user-feedback: { reply: \"…\" }, plan-approval: approve }`"
                .to_owned()
        }
        ("user-feedback", Some(text)) => {
            let text = if ["reply", "answer"].contains(&text) { "…" } else { text };
            format!("write {}", quoted(&format!("user-feedback: {{ reply: \"{text}\" }}")))
        }
        ("stall", Some(text)) if expected.contains("nudge") => {
            let text = if text == "nudge" { "…" } else { text };
            format!("write {}", quoted(&format!("stall: {{ nudge: \"{text}\" }}")))
        }
        ("strategy", Some(count)) => format!("write `strategy: {{ max-parallel: {count} }}`"),
        ("defaults", _) => "`defaults` holds keys of a job: `defaults: { branch: main }`".to_owned(),
        ("vars", _) => "write `vars: { NAME: VALUE }`".to_owned(),
        ("pass", Some(word)) => format!("write {}", quoted(&format!("pass: {{ when: {word} }}"))),
        ("pull-requests", Some(_)) => {
            "say of which: `pull-requests: { existing: { open: adopt, closed: skip, merged: again } }`".to_owned()
        }
        ("waves", _) => "write `waves: { sizes: [1, 10%, 100%] }`".to_owned(),
        (key, Some(text)) if expected.starts_with("a list") && numbers(text).is_some() => {
            let values: Vec<_> = numbers(text)?.map(|number| number.to_string()).collect();
            format!("write the values out: {}", quoted(&format!("{key}: [{}]", values.join(", "))))
        }
        (key, Some(text)) if expected.starts_with("a list") => {
            format!("write a list: {}", quoted(&format!("{key}: [{text}]")))
        }
        _ => return None,
    })
}

/// The way out of `needs: { build: merged }`.
fn of_until(needs: &Node) -> Option<String> {
    let word =
        |node: &Node| Some(node.value.describe().strip_prefix("the text `")?.strip_suffix('`')?.to_owned());
    let until = |(key, value): &(Key, Node)| {
        let until = word(value).filter(|until| ["merged", "ended"].contains(&until.as_str()))?;
        Some(format!("{{ job: {}, until: {until} }}", key.text))
    };
    let each: Option<Vec<String>> = needs.entries().iter().map(until).collect();
    let each = each.filter(|each| !each.is_empty())?;
    Some(format!("write a list: {}", quoted(&format!("needs: [{}]", each.join(", ")))))
}

/// Whether this is a list of mappings.
fn lists_mappings(node: &Node) -> bool {
    matches!(&node.value, Value::Seq(items) if !items.is_empty() && items.iter().all(|item| !item.entries().is_empty()))
}

/// The numbers of `1..5` or `1-5`, if it is not too many to write them out.
fn numbers(text: &str) -> Option<std::ops::RangeInclusive<u32>> {
    let (first, last) = text.split_once("..").or_else(|| text.split_once('-'))?;
    let number = |text: &str| text.trim_matches([' ', '.', '=']).parse::<u32>().ok();
    let (first, last) = (number(first)?, number(last)?);
    (first < last && last - first < 20).then_some(first..=last)
}
