//! The pull requests in `summary.md`.

use foreign_text::markdown::{code_span, words};

use super::super::link::{https, pull_label};
use super::super::{PullRequestV1, PullTotalsV1, ReportV1, TaskV1};
use super::{more, push, with_limit};
use crate::outcome::WaitsFor;

/// Bytes that they may take.
const PULLS: usize = 240 * 1024;

pub(super) fn pulls(out: &mut String, report: &ReportV1) {
    match &report.pulls {
        Some(totals) => pulls_by_stage(out, report, totals),
        None => pulls_unread(out, report),
    }
}

/// A table for each that has to act, what needs people first.
fn pulls_by_stage(out: &mut String, report: &ReportV1, totals: &PullTotalsV1) {
    push(out, &format!("### Pull requests: {}\n\n{}.\n\n", totals.total, totals.words()));
    let (mut room, mut hidden) = (PULLS, 0);
    for group in report.pull_groups() {
        let rows: Vec<String> = group.pulls.iter().map(|(pull, task)| row_of(pull, task)).collect();
        let (shown, left) = with_limit(&rows, room, String::len);
        hidden += left;
        if shown.is_empty() {
            continue;
        }
        room -= shown.iter().map(String::len).sum::<usize>();
        let heading = format!("{}: {}", group.heading(), rows.len());
        let table = format!(
            "| Pull request | Stage | Since (UTC) | Task |\n| --- | --- | --- | --- |\n{}",
            shown.concat()
        );
        // What is over is there for those who look for it.
        if group.waits_for == Some(WaitsFor::Nobody) {
            push(out, &format!("<details><summary>{heading}</summary>\n\n{table}\n</details>\n\n"));
        } else {
            push(out, &format!("#### {heading}\n\n{table}\n"));
        }
    }
    more(out, hidden, "more pull request");
}

fn row_of(pull: &PullRequestV1, task: &TaskV1) -> String {
    let label = words(&pull_label(pull), 200);
    let mut name = match https(&pull.url) {
        Some(url) => format!("[{label}](<{url}>)"),
        None => words(&pull.url, 300),
    };
    if let Some(title) = &pull.title {
        push(&mut name, &format!(" {}", words(title, 200)));
    }
    let stage = words(&pull.told(), 220);
    let since = pull.since.map_or_else(String::new, |since| since.strftime("%Y-%m-%d %H:%M").to_string());
    format!("| {name} | {stage} | {since} | {} |\n", words(&task.id, 300))
}

fn pulls_unread(out: &mut String, report: &ReportV1) {
    let of_task = |task| TaskV1::pulls(task).map(move |pull| line_of(pull, task));
    let lines: Vec<String> = report.tasks.iter().flat_map(of_task).collect();
    if lines.is_empty() {
        return;
    }
    push(out, &format!("### Pull requests: {}\n\n", lines.len()));
    let (shown, hidden) = with_limit(&lines, PULLS, String::len);
    push(out, &shown.concat());
    more(out, hidden, "more pull request");
    push(out, "\n");
}

fn line_of(pull: &PullRequestV1, task: &TaskV1) -> String {
    let label = words(&pull_label(pull), 200);
    let mut line = match https(&pull.url) {
        Some(url) => format!("- [{label}](<{url}>)"),
        None => format!("- {}", code_span(&pull.url, 300)),
    };
    if let Some(title) = &pull.title {
        push(&mut line, &format!(" {}", words(title, 200)));
    }
    if let Some(change) = task.change {
        push(&mut line, &format!(" (+{} −{})", change.additions, change.deletions));
    }
    push(&mut line, &format!(" · {}\n", code_span(&task.id, 300)));
    line
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::campaign;
    use super::super::{LIMIT, markdown};

    #[test]
    fn pull_requests_stand_by_whom_they_wait_for() {
        let text = markdown(&campaign());
        let order = [
            "#### Waiting for you: 12",
            "#### Waiting for a reviewer: 9",
            "#### Ready for jules-batch pulls: 8",
        ];
        let places: Vec<_> = order.iter().map(|heading| text.find(heading).expect(heading)).collect();
        assert!(places.is_sorted());
        assert!(text.contains("| touched: pushed to by eve | 2026-11-23 "), "{text}");
        assert!(text.contains("<details><summary>Merged or closed: 20</summary>\n\n| Pull request |"));
        assert!(text.contains("### Pull requests: 58\n\n1 foreign, 1 touched, 1 draft, "));
        let rows: Vec<&str> = text.lines().filter(|line| line.contains("/pull/")).collect();
        assert_eq!(rows.len(), 58);
        for row in rows {
            let cells = row.replace("\\\\", "").replace("\\|", "").matches('|').count();
            assert_eq!(cells, 5, "a row has four cells: {row}");
        }
    }

    #[test]
    fn very_many_pull_requests_stay_within_their_share() {
        let mut report = campaign();
        let task = report.tasks[21].clone();
        report.tasks.extend((0..5_000).map(|_| task.clone()));
        let text = markdown(&report);
        assert!(text.len() <= LIMIT, "{}", text.len());
        assert!(text.contains("more pull requests: see `report.json`"));
    }
}
