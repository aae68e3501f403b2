//! Manifests in which a minute takes a few milliseconds.

use std::collections::BTreeMap;
use std::fmt;

/// A manifest whose waits are milliseconds; sections can be replaced as a whole.
#[derive(Clone)]
pub(crate) struct Manifest {
    name: &'static str,
    sections: BTreeMap<&'static str, String>,
    jobs: String,
}

/// What makes a test short. Nothing here is about what the test is about.
const FAST: [(&str, &str); 6] = [
    ("strategy", "{ max-parallel: 4 }"),
    (
        "limits",
        "{ requests-per-minute: 600000, creates-per-minute: 600000, activities-per-minute: 600000, capacity-wait: 9s }",
    ),
    ("timeouts", "{ task: 30s, stall: 20s, settle: 150ms, request: 20s }"),
    ("create", "{ looks: 3, look-delay: 40ms }"),
    ("poll", "{ interval: 15ms }"),
    // Those who count requests count those that decide something.
    ("report", "{ details: false }"),
];

impl Manifest {
    /// These jobs, each as written by [`job`].
    pub(crate) fn of<J: AsRef<str>>(jobs: impl IntoIterator<Item = J>) -> Self {
        let jobs = jobs.into_iter().map(|job| format!("  - {}\n", job.as_ref())).collect();
        let sections = FAST.into_iter().map(|(key, value)| (key, value.to_owned())).collect();
        Self { name: "test", sections, jobs }
    }

    /// Sets a section, in place of the short one if there is one.
    pub(crate) fn set(mut self, key: &'static str, value: &str) -> Self {
        self.sections.insert(key, value.to_owned());
        self
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "version: 1\nname: {}", self.name)?;
        for (key, value) in &self.sections {
            writeln!(f, "{key}: {value}")?;
        }
        write!(f, "jobs:\n{}", self.jobs)
    }
}

/// A job in one line: its id, its prompt, and further keys such as `needs: [a]`.
pub(crate) fn job(id: &str, prompt: &str, keys: &[&str]) -> String {
    let keys: String = keys.iter().map(|key| format!(", {key}")).collect();
    format!("{{ id: {id}, prompt: {prompt:?}{keys} }}")
}

/// One job with this many tasks on one repository: `work/my-org/web@main[n=1]` and so on.
pub(crate) fn tasks(count: usize) -> Manifest {
    let numbers: Vec<String> = (1..=count).map(|n| n.to_string()).collect();
    let matrix = format!("matrix: {{ n: [{}] }}", numbers.join(", "));
    let source = "source: { github: my-org/web, branch: main }";
    Manifest::of([job("work", "Do ${{ matrix.n }}.", &[source, &matrix])])
}
