//! What newcomers write by habit of GitHub Actions, GitLab CI, src-cli and other tools, and the key that is meant.

use super::diagnostic::quoted;

/// Keys of others, where they are met, and the way out. A place is told by a key of ours that stands there.
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
    (&["concurrency"], "jobs", "how many sessions at once: `strategy: { max-parallel: 3 }`"),
    (&["timeout", "timeout-minutes"], "jobs", "write `timeouts: { task: 30m }`, or `timeout-minutes` in a job"),
    (&["retry"], "jobs", "write `retries: { count: 1 }`"),
    (&["steps", "script", "run", "changesetTemplate", "stages"], "jobs", "what is to be done is a `prompt` in a job: `jobs: [{ id: NAME, prompt: … }]`"),
    (&["description", "run-name"], "jobs", "a run has a `name`; more stands in a comment"),
    (&["permissions", "image", "services", "workspaces", "runs-on", "default"], "jobs", "remove it: sessions run on machines of Jules"),
    // In a job.
    (&["steps", "run", "script", "with", "uses", "before_script", "after_script", "commands", "container"], "prompt", "a job has one `prompt`, which says in words what is to be done; values for it stand under `vars` or `matrix`"),
    (&["prompts"], "prompt", "a job has one `prompt`: give each its own job, or fill it in from a `matrix`"),
    (&["instructions", "instruction", "description", "task", "message", "text"], "prompt", "what is to be done stands under `prompt`"),
    (&["repo", "repository", "project", "github", "url"], "prompt", "the repository stands under `source`: `source: owner/repo`"),
    (&["repos", "repositories", "projects", "on", "match"], "prompt", "repositories stand under `sources`: `sources: [owner/repo]`"),
    (&["branches", "ref", "base", "starting-branch", "startingBranch"], "prompt", "a job has one `branch`; several are sources of their own: `sources: [owner/repo@one, owner/repo@two]`"),
    (&["strategy"], "prompt", "in a job `matrix` stands by itself: `matrix: { KEY: [VALUE] }`; `max-parallel` and `fail-fast` stand in the manifest's `strategy`"),
    (&["parallel"], "prompt", "write `matrix: { KEY: [VALUE] }`; how many run at once is said by the manifest's `strategy`"),
    (&["include", "exclude"], "prompt", "it stands in the job's `matrix`"),
    (&["depends-on", "depends_on", "dependsOn", "dependencies", "requires", "stage", "after"], "prompt", "the jobs to wait for stand under `needs`"),
    (&["timeout", "task-timeout"], "prompt", "write `timeouts: { task: 30m }`, or `timeout-minutes: 30`"),
    (&["retry", "attempts"], "prompt", "write `retries: { count: 1 }`"),
    (&["if", "when", "rules", "only", "except"], "prompt", "remove it: which tasks run is said by `tags` and `run --select`"),
    (&["continue-on-error", "allow_failure", "allow-failure"], "prompt", "remove it: how many failures are too many is said by the manifest's `strategy: { max-failures: 25% }`"),
    (&["vars", "variables", "inputs", "secrets", "outputs", "artifacts"], "prompt", "values for prompts stand in the manifest's `vars`, or in the job's `matrix`"),
    (&["runs-on", "image", "services", "permissions", "concurrency", "environment"], "prompt", "remove it: sessions run on machines of Jules"),
    (&["name"], "prompt", "a job has an `id`, and its sessions a `title`"),
    (&["labels", "label"], "prompt", "words to select tasks by stand under `tags`"),
    (&["pr", "pull-request", "create-pr", "automationMode", "published"], "prompt", "whether Jules opens a pull request is said by `auto-pr: true`"),
    // In a source.
    (&["repo", "repository", "name", "url", "full_name", "path", "project", "source"], "github", "write `github: owner/repo`"),
    (&["ref", "branches", "tag", "base"], "github", "write `branch: main`"),
    (&["pattern", "glob", "query", "repositoriesMatchingQuery", "org", "owner"], "github", "write `match: \"my-org/*\"`"),
    (&["list", "from", "include"], "github", "a file that lists repositories: `file: repos.txt`"),
    // In groups of settings.
    (&["matrix"], "max-parallel", "`matrix` stands in a job, or in `defaults` for all jobs"),
    (&["parallel", "parallelism", "concurrency", "jobs", "workers"], "max-parallel", "write `max-parallel`"),
    (&["max", "attempts", "times", "limit", "max_attempts"], "backoff", "write `count`"),
    (&["when", "if", "exit_codes"], "backoff", "write `on: [error, stalled]`"),
    (&["job", "minutes", "session", "timeout"], "stall", "write `task: 30m`"),
];

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

/// The way out of a value of another shape, for the key that it stands under. `found` and `expected` are in our words.
pub(super) fn of_value(key: &str, expected: &str, found: &str) -> Option<String> {
    let text = found
        .strip_prefix("the text ")
        .or_else(|| found.strip_prefix("the number "))
        .map(|text| text.trim_matches('`'));
    Some(match (key, text) {
        ("jobs", _) => "write a list: `jobs: [{ id: NAME, prompt: … }]`".to_owned(),
        ("env", _) => {
            "`env` lists the variables that prompts may read: `env: [NAME]`; values stand under `vars`"
                .to_owned()
        }
        (_, Some(text)) if text.contains("${{") && (key == "matrix" || expected.starts_with("a list")) => {
            "write the values out: an expression makes one text, not a list".to_owned()
        }
        ("matrix", _) => "write `matrix: { KEY: [VALUE, …] }`".to_owned(),
        ("source", None) if found == "a list" => "several repositories stand under `sources`".to_owned(),
        ("sources" | "source", Some(text)) if is_list_file(text) => {
            format!("write {}", quoted(&format!("sources: [{{ file: {text} }}]")))
        }
        ("sources", Some(text)) if !text.contains([',', ' ', '\\']) => {
            format!("write {}, or a list", quoted(&format!("source: {text}")))
        }
        ("sources", Some(_)) => "write a list: `sources: [owner/one, owner/two]`".to_owned(),
        ("include" | "exclude", None) if found == "a mapping" => {
            format!("write a list: `{key}: [{{ … }}]`")
        }
        ("prompt", _) if found == "a list" => {
            "a job has one `prompt`: give each its own job, or fill it in from a `matrix`".to_owned()
        }
        ("branch", _) if found == "a list" => {
            "several branches are sources of their own: `sources: [owner/repo@one, owner/repo@two]`"
                .to_owned()
        }
        ("retries", Some(count)) => format!("write `retries: {{ count: {count} }}`"),
        ("timeouts", Some(time)) => format!("write `timeouts: {{ task: {time} }}`"),
        ("strategy", Some(count)) => format!("write `strategy: {{ max-parallel: {count} }}`"),
        ("defaults", _) => "`defaults` holds keys of a job: `defaults: { branch: main }`".to_owned(),
        ("vars", _) => "write `vars: { NAME: VALUE }`".to_owned(),
        (key, Some(text)) if expected.starts_with("a list") => {
            format!("write a list: {}", quoted(&format!("{key}: [{text}]")))
        }
        _ => return None,
    })
}
