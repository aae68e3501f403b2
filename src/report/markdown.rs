//! `summary.md`, for people: a step's summary on GitHub, a comment, a mail.

mod progress;

use std::fmt::Write as _;

use foreign_text::markdown::{code_block, code_span, words};
use foreign_text::{cut, first_line, html};

use self::pulls::pulls;
use super::attention::has_asked;
use super::link::{https, pull_label};
use super::{ReportV1, TaskV1, duration, many};
use crate::outcome::Outcome;

mod pulls;

/// Bytes at most; GitHub drops a step's summary whole when it is one byte over 1 MiB.
const LIMIT: usize = 900 * 1024;
/// Of those, what failures may take, and questions.
const FAILURES: usize = 260 * 1024;
/// Waves listed at most.
const WAVES: usize = 100;
/// Tasks under a heading at most whose reasons stand open: one click leads to session and pull request.
const OPEN: usize = 5;
/// Tasks listed under one reason.
const TASKS: usize = 100;

/// The report as Markdown of at most 900 KiB, in the order of the page: failures by outcome and reason, questions, pull
/// requests by whom they wait for, then totals and what is left.
#[must_use]
pub fn markdown(report: &ReportV1) -> String {
    let mut out = String::new();
    head(&mut out, report);
    grouped(&mut out, report, "Failures", |task| task.has_failed() && !has_asked(task));
    let heading = if report.asks().1 == 0 { "Questions" } else { report.questions_heading() };
    grouped(&mut out, report, heading, has_asked);
    pulls(&mut out, report);
    totals(&mut out, report);
    progress::progress(&mut out, report);
    waves(&mut out, report);
    left(&mut out, report);
    marked(&mut out, report);
    strays(&mut out, report);
    superseded(&mut out, report);
    debug_assert!(out.len() <= LIMIT, "every part has its share");
    out
}

/// Of a run without tasks.
const NOTHING: &str = "⚪";

/// Whether a file that begins like this may be one that [`markdown`] has made.
pub(crate) fn is_summary(head: &str) -> bool {
    let mut signs = Outcome::ALL.into_iter().map(sign).chain([NOTHING]);
    signs.any(|sign| head.starts_with(&format!("## {sign} ")))
}

fn head(out: &mut String, report: &ReportV1) {
    let (outcome, verdict) = report.verdict();
    let sign = if outcome == Outcome::Skipped { NOTHING } else { sign(outcome) };
    let name = words(&report.run.name, 200);
    push(out, &format!("## {sign} {name}: {verdict}\n\n"));
    if report.run.simulated {
        push(out, "> [!NOTE]\n> This run was simulated: no session was created at Jules.\n\n");
    }
}

/// The waves in a table of their own.
fn waves(out: &mut String, report: &ReportV1) {
    if report.waves.is_empty() {
        return;
    }
    push(out, "### Waves\n\n| Wave | Repositories | State | Good | Bad | Open | Needed |\n");
    push(out, "| --: | --: | --- | --: | --: | --: | --: |\n");
    for wave in report.waves.iter().take(WAVES) {
        let (number, count, word) = (wave.number, wave.repositories.len(), wave.word());
        let [good, bad, open, needed] = [wave.good, wave.bad, wave.open, wave.needed];
        push(out, &format!("| {number} | {count} | {word} | {good} | {bad} | {open} | {needed} |\n"));
    }
    push(out, "\n");
    more(out, report.waves.len().saturating_sub(WAVES), "more wave");
}

fn totals(out: &mut String, report: &ReportV1) {
    if report.totals.total > 0 {
        push(out, "### Totals\n\n| | Outcome | Tasks |\n| :-: | --- | --: |\n");
        for outcome in Outcome::ALL {
            let count = report.totals.of(outcome);
            if count > 0 {
                push(out, &format!("| {} | {} | {count} |\n", sign(outcome), report.label(outcome)));
            }
        }
        push(out, &format!("| | **total** | **{}** |\n\n", report.totals.total));
    }
    let run = &report.run;
    let mut facts = vec![format!("Run {}", code_span(&run.id, 100))];
    let took = report.last_moment().duration_since(run.started_at).unsigned_abs();
    if run.ended_at.is_some() || took.as_secs() > 0 {
        facts.push(duration(took));
    }
    if run.invocations > 1 {
        facts.push(format!("{} invocations", run.invocations));
    }
    let requests: u64 = report.api.requests.values().sum();
    // They are counted now and then.
    if requests > 0 || run.ended_at.is_some() {
        facts.push(many(requests, "API request"));
    }
    if let Some(why) = &run.stopped {
        facts.push(format!("stopped early: {}", words(why, 200)));
    }
    push(out, &format!("{}\n\n", facts.join(" · ")));
}

/// Tasks that ended alike for the same reason.
struct Group<'a> {
    outcome: Outcome,
    reason: &'a str,
    tasks: Vec<&'a TaskV1>,
}

/// The groups of these tasks: worst outcome first, then by size, then as they come.
fn groups<'a>(tasks: impl Iterator<Item = &'a TaskV1>) -> Vec<Group<'a>> {
    let mut at = std::collections::HashMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for task in tasks {
        let reason = task.reason_or_default();
        let index = *at.entry((task.outcome, reason)).or_insert_with(|| {
            groups.push(Group { outcome: task.outcome, reason, tasks: Vec::new() });
            groups.len() - 1
        });
        groups[index].tasks.push(task);
    }
    groups.sort_by_key(|group| (std::cmp::Reverse(group.outcome), std::cmp::Reverse(group.tasks.len())));
    groups
}

/// Tasks by their outcomes and reasons.
fn grouped(out: &mut String, report: &ReportV1, heading: &str, is_wanted: impl Fn(&TaskV1) -> bool) {
    let groups = groups(report.tasks.iter().filter(|task| is_wanted(task)));
    if groups.is_empty() {
        return;
    }
    push(out, &format!("### {heading}\n\n"));
    let is_open = groups.iter().map(|group| group.tasks.len()).sum::<usize>() <= OPEN;
    let mut last = None;
    let (begin, mut shown) = (out.len(), 0);
    for group in &groups {
        let text = section(group, is_open);
        if out.len() - begin + text.len() > FAILURES {
            break;
        }
        if last != Some(group.outcome) {
            last = Some(group.outcome);
            let alike = groups.iter().filter(|other| other.outcome == group.outcome);
            let count = many(alike.map(|other| other.tasks.len()).sum::<usize>(), "task");
            push(out, &format!("#### {} {}: {count}\n\n", sign(group.outcome), group.outcome.label()));
        }
        push(out, &text);
        shown += 1;
    }
    more(out, groups.len() - shown, "more reason");
}

fn section(group: &Group<'_>, is_open: bool) -> String {
    let open = if is_open { " open" } else { "" };
    let mut text = format!(
        "<details{open}><summary><code>{}</code> ({})</summary>\n\n",
        html::text(first_line(group.reason), 300),
        many(group.tasks.len(), "task")
    );
    if group.reason.trim().contains('\n') || group.reason.len() > 300 {
        push(&mut text, &code_block(&cut(group.reason, 8 * 1024), ""));
        push(&mut text, "\n");
    }
    for task in group.tasks.iter().take(TASKS) {
        push(&mut text, &format!("- {}{}\n", code_span(&task.id, 300), links(task)));
    }
    more(&mut text, group.tasks.len().saturating_sub(TASKS), "more task");
    push(&mut text, "\n</details>\n\n");
    text
}

fn links(task: &TaskV1) -> String {
    let session = task.session().and_then(|session| https(session.url.as_deref()?));
    let pulls = task.pulls().filter_map(|pull| Some((https(&pull.url)?, pull_label(pull))));
    let mut out = String::new();
    if let Some(url) = session {
        push(&mut out, &format!(" · [session](<{url}>)"));
    }
    for (url, label) in pulls {
        push(&mut out, &format!(" · [{}](<{url}>)", words(&label, 200)));
    }
    out
}

fn left(out: &mut String, report: &ReportV1) {
    if report.remaining == 0 {
        return;
    }
    // A run without an end is at work, or was killed: then the next one takes it up.
    let title = if report.run.ended_at.is_some() { "Left for the next run" } else { "Not done yet" };
    push(out, &format!("### {title}: {}\n\n", many(report.remaining, "task")));
    let groups = groups(report.tasks.iter().filter(|task| task.outcome.is_open()));
    for group in groups.iter().take(20) {
        let count = many(group.tasks.len(), "task");
        push(out, &format!("- {count} {}: {}\n", report.label(group.outcome), words(group.reason, 300)));
    }
    more(out, groups.len().saturating_sub(20), "more reason");
    push(out, "\n");
}

fn strays(out: &mut String, report: &ReportV1) {
    if report.strays.is_empty() {
        return;
    }
    push(out, &format!("### Stray sessions: {}\n\n", report.strays.len()));
    push(
        out,
        "They carry this run's marker, but the run does not know them. Look at them, then archive or delete them.\n\n",
    );
    for stray in report.strays.iter().take(20) {
        let name = stray.name();
        let link = match stray.url.as_deref().and_then(https) {
            Some(url) => format!("[{}](<{url}>)", words(&name, 200)),
            None => code_span(&name, 200),
        };
        push(out, &format!("- {link} {}\n", words(&stray.title, 200)));
    }
    more(out, report.strays.len().saturating_sub(20), "more session");
    push(out, "\n");
}

/// What goes by a person's word.
fn marked(out: &mut String, report: &ReportV1) {
    let marked: Vec<_> = report.tasks.iter().filter(|task| task.marked.is_some()).collect();
    if marked.is_empty() {
        return;
    }
    push(out, &format!("### Marked by a person: {}\n\n", marked.len()));
    for task in marked.iter().take(20) {
        let word = task.reason.as_deref().unwrap_or("marked open");
        push(out, &format!("- {} {}\n", code_span(&task.id, 200), words(word, 300)));
    }
    more(out, marked.len().saturating_sub(20), "more task");
    push(out, "\n");
}

fn superseded(out: &mut String, report: &ReportV1) {
    if report.superseded.is_empty() {
        return;
    }
    push(out, &format!("### Earlier results of edited tasks: {}\n\n", report.superseded.len()));
    push(out, "Their prompts were edited while the run had work left. They are no part of the totals.\n\n");
    for task in report.superseded.iter().take(20) {
        let (sign, label) = (sign(task.outcome), task.outcome.label());
        push(out, &format!("- {sign} {label} · {}{}\n", code_span(&task.id, 300), links(task)));
    }
    more(out, report.superseded.len().saturating_sub(20), "more result");
    push(out, "\n");
}

fn more(out: &mut String, count: usize, noun: &str) {
    if count > 0 {
        push(out, &format!("\n… and {}: see `report.json`.\n\n", many(count, noun)));
    }
}

/// As many leading items as fit into `limit` bytes when each costs what `cost` says, and how many are left.
pub(super) fn with_limit<T>(items: &[T], limit: usize, cost: impl Fn(&T) -> usize) -> (&[T], usize) {
    let mut sum = 0;
    let fit = items
        .iter()
        .take_while(|item| {
            sum += cost(item);
            sum <= limit
        })
        .count();
    (&items[..fit], items.len() - fit)
}

/// A sign that differs in shape as well as in colour.
fn sign(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "✅",
        Outcome::NoChange => "➖",
        Outcome::Skipped => "⏭️",
        Outcome::Deferred => "🕒",
        Outcome::Detached => "🔄",
        Outcome::NeedsInput => "🙋",
        Outcome::Failed => "❌",
        Outcome::Stalled => "💤",
        Outcome::TimedOut => "⌛",
        Outcome::Error => "💥",
    }
}

fn push(out: &mut String, text: &str) {
    write!(out, "{text}").expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::sample::{HOSTILE, SampleRun, every_outcome};
    use super::*;

    #[test]
    fn looks_as_agreed() {
        insta::assert_snapshot!(markdown(&every_outcome()));
    }

    #[test]
    fn says_when_it_was_simulated_and_when_nothing_was_selected() {
        let mut report = SampleRun::new().report();
        report.run.simulated = true;
        assert!(markdown(&report).starts_with("## 🕒 nightly-maintenance: the run begins\n"));
        report.run.ended_at = Some(report.run.started_at);
        let text = markdown(&report);
        assert!(text.starts_with(
            "## ⚪ nightly-maintenance: no task was selected\n\n> [!NOTE]\n> This run was simulated"
        ));
    }

    #[test]
    fn stays_within_its_limit() {
        let mut report = every_outcome();
        let hostile = report.tasks.last().unwrap().clone();
        for number in 0..6000 {
            let mut task = hostile.clone();
            task.id = format!("{number} {}", "`|<&@".repeat(100));
            task.reason = Some(format!("{number} {}", HOSTILE.repeat(10)));
            task.pull_request = report.tasks[0].pull_request.clone();
            report.tasks.push(task);
        }
        for (number, length) in (0..30).flat_map(|number| [(number, 900), (number, 90_000)]) {
            let url = format!("https://x.example/{}", "x".repeat(length));
            let mut task = report.tasks[0].clone();
            task.id = "`&".repeat(300);
            Arc::make_mut(task.pull_request.as_mut().unwrap()).url.clone_from(&url);
            task.attempts.last_mut().unwrap().session.as_mut().unwrap().url = Some(url.clone());
            report.superseded.push(task.clone());
            task.outcome = Outcome::Deferred;
            task.reason = Some(format!("{number} {}", "&".repeat(500)));
            report.tasks.push(task);
            let mut stray = report.strays[0].clone();
            (stray.url, stray.title) = (Some(url), "&".repeat(500));
            report.strays.push(stray);
        }
        report.remaining = 60;
        let text = markdown(&report);
        assert!(text.len() <= LIMIT, "{}", text.len());
        assert!(text.contains("more reasons: see `report.json`") && text.contains("more pull requests"));
        assert!(text.contains("### Stray sessions: 61") && text.contains("### Earlier results"));
        assert!(text.contains("### Left for the next run: 60 tasks"));
    }

    #[test]
    fn earlier_results_of_edited_tasks_are_told() {
        let mut report = every_outcome();
        assert!(!markdown(&report).contains("Earlier results"));
        report.superseded = vec![report.tasks[0].clone(); 22];
        let text = markdown(&report);
        assert!(text.contains("\n\n### Earlier results of edited tasks: 22\n"), "{text}");
        let line = "- ✅ succeeded · `upgrade/my-org/web@main[crate=serde]` · [session](<https://jules.google.com/session/";
        assert_eq!(text.matches(line).count(), 20);
        assert!(text.contains(" · [my-org/web#7](<https://github.com/my-org/web/pull/7>)\n"));
        assert!(text.contains("… and 2 more results: see `report.json`."));
    }

    #[test]
    fn a_summary_is_known_by_its_beginning_however_the_run_stands() {
        let mut asks = every_outcome();
        asks.tasks.retain(|task| task.outcome == Outcome::NeedsInput);
        for report in [SampleRun::new().report(), every_outcome(), asks] {
            let text = markdown(&report);
            assert!(is_summary(&text), "{text}");
        }
        assert!(!is_summary("## Notes of somebody") && !is_summary(""));
    }

    #[test]
    fn same_reasons_are_told_once() {
        let mut report = every_outcome();
        let failed = report.tasks[3].clone();
        report.tasks.extend((0..150).map(|_| failed.clone()));
        let text = markdown(&report);
        assert_eq!(text.matches("the tests do not pass:\n").count(), 1);
        assert!(text.contains("(151 tasks)") && text.contains("… and 51 more tasks"));
        assert!(text.contains("<details><summary><code>the tests do not pass:"), "so many stand closed");
    }

    #[test]
    fn no_change_is_a_failure_where_its_job_says_so() {
        let mut sample = SampleRun::new();
        sample.plan_as("strict", None, 7, "fail").whole("strict", 5, Outcome::NoChange, None);
        sample.plan_as("easy", None, 8, "pass").whole("easy", 5, Outcome::NoChange, None);
        let text = markdown(&sample.report());
        assert!(text.starts_with("## ❌ nightly-maintenance: 1 of 2 tasks failed\n"), "{text}");
        assert!(text.contains("#### ➖ no change: 1 task\n"), "{text}");
        assert!(text.contains("- `strict`") && !text.contains("- `easy`"), "{text}");
    }

    #[test]
    fn hostile_text_is_no_markup() {
        let text = markdown(&every_outcome());
        let outside_code = text.split("```").step_by(2).collect::<String>();
        assert!(!outside_code.contains("<script") && !outside_code.contains("<img src"));
        assert!(!outside_code.contains("](javascript:") && !outside_code.contains("@everyone"));
    }

    #[test]
    fn counts_what_did_not_fit() {
        assert_eq!(with_limit(&[3, 3, 3], 7, |n| *n), (&[3, 3][..], 1));
        assert_eq!(with_limit(&[9], 7, |n| *n), (&[][..], 1));
    }
}
