//! The text of a new manifest.

use crate::manifest::{WorkflowJob, scalar};

/// The manifest that shows every key.
pub(super) const EXAMPLE: &str = include_str!("../../../jobs.example.yaml");

/// What a new manifest is made of.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// `owner/repo` or `owner/repo@branch`; none are sessions without a repository.
    pub(super) sources: Vec<String>,
    /// A file that lists repositories, as the manifest names it; in place of `sources`.
    pub(super) list: Option<String>,
    /// What is to be done.
    pub(super) prompt: String,
    /// Live sessions at once.
    pub(super) max_parallel: u32,
    /// Jobs of a workflow, each with its matrix; a job without one if there are none.
    pub(super) workflow: Vec<WorkflowJob>,
}

/// The example without its first line, which names a schema in this repository.
pub(super) fn example() -> &'static str {
    EXAMPLE.split_once('\n').filter(|(first, _)| first.contains("$schema=")).map_or(EXAMPLE, |(_, rest)| rest)
}

/// The manifest; `path` is how a command line names it.
pub(super) fn manifest(answers: &Answers, path: &str) -> String {
    let mut text = format!(
        "# What Jules is to do: each job is a prompt, and runs once for each of its sources.\n\
         #\n\
         #   jules-batch run {path} --simulate   # try it: no key, no account, nothing happens at Jules\n\
         #   jules-batch plan {path}             # print the tasks; touches nothing\n\
         #   jules-batch run {path}              # do it, with JULES_API_KEY set; run it again to go on\n\
         #\n\
         # `jules-batch init --example` writes a manifest with every key in it.\n\
         \n\
         version: 1\n\
         \n\
         strategy:\n  max-parallel: {} # live sessions at once: your plan at Jules allows 3, 15 or 60\n\
         \n\
         jobs:\n",
        answers.max_parallel
    );
    if answers.workflow.is_empty() {
        text += &job(answers, "task", &answers.prompt, None);
    }
    let jobs: Vec<String> = answers.workflow.iter().map(|workflow| of_workflow(answers, workflow)).collect();
    text += &jobs.join("\n");
    text
}

fn of_workflow(answers: &Answers, workflow: &WorkflowJob) -> String {
    let values: Vec<String> =
        workflow.keys.iter().map(|key| format!("{key} ${{{{ matrix.{key} }}}}")).collect();
    let prompt = match values.as_slice() {
        [] => "Say here what is to be done.".to_owned(),
        values => format!("Say here what is to be done for {}.", values.join(", ")),
    };
    job(answers, &workflow.id, &prompt, Some(workflow))
}

fn job(answers: &Answers, id: &str, prompt: &str, workflow: Option<&WorkflowJob>) -> String {
    let lines = |text: &str| -> String { text.lines().map(|line| format!("      {line}\n")).collect() };
    let mut text = format!(
        "  - id: {} # a name of your choice; it begins the id of every task\n    \
         # In words, as you would tell a colleague. ${{{{ source.repo }}}} and the like are filled in.\n    \
         prompt: |\n{}",
        scalar(id),
        lines(prompt)
    );
    text += &sources(answers);
    match workflow {
        Some(workflow) => {
            text += "    matrix: # a task for each combination\n";
            text += &lines(&workflow.matrix.join("\n"));
        }
        None => {
            text += "    # matrix: { crate: [serde, tokio] } # a task for each: ${{ matrix.crate }} in the prompt\n";
        }
    }
    if !answers.sources.is_empty() || answers.list.is_some() {
        text += "    expect: pull-request # what must have come of it: pull-request, change or any\n";
    }
    text + "    # needs: [another-job] # wait for it\n    # tags: [weekly] # words to select by: run --select 'tag(weekly)'\n"
}

fn sources(answers: &Answers) -> String {
    if let Some(list) = &answers.list {
        return format!(
            "    sources: # a task for each repository in the list\n      - {{ file: {} }}\n",
            scalar(list)
        );
    }
    if answers.sources.is_empty() {
        return "    # sources: [my-org/web] # owner/repo or owner/repo@branch, a task for each; without, no repository\n"
            .to_owned();
    }
    let listed: String =
        answers.sources.iter().map(|source| format!("      - {}\n", scalar(source))).collect();
    format!(
        "    sources: # owner/repo or owner/repo@branch, a task for each\n{listed}      \
         # - {{ match: \"my-org/svc-*\" }} # those of your connected repositories\n      \
         # - {{ file: repos.txt }} # a list, one a line\n"
    )
}
