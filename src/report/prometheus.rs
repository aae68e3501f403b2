//! The run in figures, in Prometheus' text format, as node_exporter's textfile collector reads it.
//!
//! The format: <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>. The names follow
//! <https://prometheus.io/docs/practices/naming/>. Every sample names its manifest: the collector puts the files of a
//! folder together, and two of them must not hold the same series.

use std::fmt::{Display, Write as _};

use foreign_text::plain;

use super::{ReportV1, TaskV1};
use crate::outcome::Outcome;

/// The report as Prometheus metrics. A series without a value yet, such as the end of a run at work, is left out.
#[must_use]
pub fn prometheus(report: &ReportV1) -> String {
    let mut metrics = Metrics { text: String::new(), manifest: escaped(&report.run.name) };
    run(report, &mut metrics);
    tasks(report, &mut metrics);
    api(report, &mut metrics);
    metrics.text
}

fn run(report: &ReportV1, metrics: &mut Metrics) {
    let run = &report.run;
    let simulated = run.simulated.to_string();
    let labels =
        [("run", run.id.as_str()), ("simulated", &simulated), ("version", env!("CARGO_PKG_VERSION"))];
    metrics.family("run_info", Kind::Gauge, "The run that the figures are of.").sample(&labels, 1);
    let start = run.started_at.as_second();
    metrics
        .family("run_start_time_seconds", Kind::Gauge, "When the run began, in Unix time.")
        .sample(&[], start);
    if let Some(end) = run.ended_at {
        let help = "When the run's last invocation ended, in Unix time; missing while one is at work.";
        metrics.family("run_end_time_seconds", Kind::Gauge, help).sample(&[], end.as_second());
    }
    let at_work = u8::from(run.ended_at.is_none());
    metrics
        .family("run_active", Kind::Gauge, "1 until an invocation has ended, then 0.")
        .sample(&[], at_work);
}

fn tasks(report: &ReportV1, metrics: &mut Metrics) {
    let at_work = || report.tasks.iter().filter(|task| !is_over(report, task));
    let live = at_work().filter(|task| is_live(task)).count();
    let waiting = at_work().count() - live;
    let help = "Tasks by how they stand: live, waiting, or their outcome. Each is counted once.";
    let mut family = metrics.family("tasks", Kind::Gauge, help);
    family.sample(&[("state", "live")], live).sample(&[("state", "waiting")], waiting);
    for outcome in Outcome::ALL {
        let over = |task: &&TaskV1| task.outcome == outcome && is_over(report, task);
        family.sample(&[("state", outcome.as_str())], report.tasks.iter().filter(over).count());
    }
    let attempts: usize = report.tasks.iter().map(|task| task.attempts.len()).sum();
    metrics.family("attempts", Kind::Gauge, "Attempts at tasks that have begun.").sample(&[], attempts);
    let help = "Sessions with the run's marker that it does not know.";
    metrics.family("stray_sessions", Kind::Gauge, help).sample(&[], report.strays.len());
    let Some(sessions) = report.progress.as_ref().map(|progress| &progress.sessions) else { return };
    let help = "Sessions created within the last 24 hours, as the report has it.";
    metrics.family("sessions_within_day", Kind::Gauge, help).sample(&[], sessions.within_day);
    if let Some(bound) = sessions.per_day {
        let help = "How many sessions limits.sessions-per-day allows within 24 hours.";
        metrics.family("sessions_per_day_limit", Kind::Gauge, help).sample(&[], bound);
    }
}

fn api(report: &ReportV1, metrics: &mut Metrics) {
    let api = &report.api;
    let mut family =
        metrics.family("api_requests_total", Kind::Counter, "Requests sent to Jules, retries included.");
    for (method, count) in &api.requests {
        family.sample(&[("method", method)], *count);
    }
    let waited = api.waited_ms as f64 / 1000.0;
    for (name, help, value) in [
        ("api_retries_total", "Requests to Jules that were retries.", api.retries as f64),
        ("api_throttled_requests_total", "Requests that Jules answered with 429.", api.throttled as f64),
        ("api_wait_seconds_total", "How long requests waited for the rate limiter, added up.", waited),
        ("api_reconnects_total", "Silent connections that were replaced.", api.reconnects as f64),
    ] {
        metrics.family(name, Kind::Counter, help).sample(&[], value);
    }
}

/// Whether the task will not change any more in this invocation.
fn is_over(report: &ReportV1, task: &TaskV1) -> bool {
    report.run.ended_at.is_some() || task.ended_at.is_some()
}

fn is_live(task: &TaskV1) -> bool {
    task.attempts.last().is_some_and(|attempt| attempt.session.is_some() && attempt.ended_at.is_none())
}

struct Metrics {
    text: String,
    manifest: String,
}

#[derive(Clone, Copy)]
enum Kind {
    Gauge,
    Counter,
}

/// One metric, to be followed by its samples.
struct Family<'m> {
    metrics: &'m mut Metrics,
    name: &'static str,
}

impl Metrics {
    fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
        };
        let _ = writeln!(self.text, "# HELP jules_batch_{name} {help}\n# TYPE jules_batch_{name} {kind}");
        Family { metrics: self, name }
    }
}

impl Family<'_> {
    fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        let Metrics { text, manifest } = &mut *self.metrics;
        let _ = write!(text, "jules_batch_{}{{manifest=\"{manifest}\"", self.name);
        for (label, of) in labels {
            let _ = write!(text, ",{label}=\"{}\"", escaped(of));
        }
        let _ = writeln!(text, "}} {value}");
        self
    }
}

/// A label's value: others may have written it.
fn escaped(value: &str) -> String {
    plain(value).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::sample::every_outcome;
    use super::*;

    #[test]
    fn looks_as_agreed() {
        let text = prometheus(&every_outcome());
        insta::assert_snapshot!(text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }

    #[test]
    fn each_task_is_counted_once() {
        let mut report = every_outcome();
        for ended in [report.run.ended_at, None] {
            report.run.ended_at = ended;
            let text = prometheus(&report);
            let counts = text.lines().filter(|line| line.starts_with("jules_batch_tasks{"));
            let sum: usize =
                counts.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum();
            assert_eq!(sum, report.tasks.len());
        }
    }

    #[test]
    fn a_name_cannot_add_a_sample() {
        let mut report = every_outcome();
        report.run.name = "a\"} 1\njules_batch_forged{x=\"\\".to_owned();
        let text = prometheus(&report);
        assert!(
            text.lines().all(|line| line.starts_with("# ") || line.starts_with("jules_batch_")),
            "{text}"
        );
        assert!(!text.contains("\njules_batch_forged"), "{text}");
        assert!(text.contains(r#"{manifest="a\"} 1"#), "{text}");
    }
}
