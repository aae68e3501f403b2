//! Pages: the list of runs, and the page of a run with what makes it follow, and the way to the others.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use foreign_text::html::text;
use sha2::{Digest, Sha256};

use crate::ledger::RunOverview;
use crate::outcome::{Outcome, RunId};
use crate::report::many;

const SCRIPT: &str = include_str!("live.js");
const STYLE: &str = include_str!("runs.css");
/// Where the page of a run begins for its reader.
const EYEBROW: &str = "<p class=\"eyebrow\">";
/// Runs listed.
const RUNS: usize = 200;

fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// The policy of a list: this style and this script, and news from here.
pub(super) fn policy() -> String {
    let (style, script) = (hash(STYLE), hash(SCRIPT));
    format!(
        "default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    )
}

/// A list as a page, which is read again when any run has gone on from there.
pub(super) fn list(title: &str, body: &str, at: u64) -> String {
    let link = |(path, name): (&str, &str)| {
        let here = if name == title { " aria-current=\"page\"" } else { "" };
        format!("<a href=\"{path}\"{here}>{name}</a>")
    };
    let links = [("/", "Runs"), ("/pulls", "Pull requests")].map(link).join(" ");
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title} · jules-batch</title>\
         <style>{STYLE}</style></head><body><header><nav aria-label=\"Pages\">{links}</nav></header>\
         <main><h1>{title}</h1>{body}</main>\n\
         <script data-events=\"/events?since={at}\">{SCRIPT}</script></body></html>\n"
    )
}

/// All runs, the last one first.
pub(super) fn runs(runs: &[RunOverview], at: u64) -> String {
    if runs.is_empty() {
        return list("Runs", "<p>No run so far. This page shows the first one when it begins.</p>", at);
    }
    let rows: String = runs.iter().take(RUNS).map(row).collect();
    let more = match runs.len().saturating_sub(RUNS) {
        0 => String::new(),
        more => {
            format!("<p class=\"soft\">… and {}: jules-batch status --all</p>", many(more, "earlier run"))
        }
    };
    let head = "<thead><tr><th>Run</th><th>Tasks</th><th>Last heard of</th></tr></thead>";
    list("Runs", &format!("<table>{head}<tbody>{rows}</tbody></table>{more}"), at)
}

fn row(run: &RunOverview) -> String {
    let name = text(&run.name, 200);
    let id = &run.id;
    let simulated = if run.simulated { " <span class=\"soft\">simulated</span>" } else { "" };
    let standing = if run.ended_at.is_some() { "" } else { "at work or killed: " };
    let counts = Outcome::ALL.into_iter().map(|outcome| (run.totals.of(outcome), outcome.label()));
    let counts: Vec<_> =
        counts.filter(|(count, _)| *count > 0).map(|(count, label)| format!("{count} {label}")).collect();
    let of = many(run.tasks, "task");
    let told = if counts.is_empty() { of } else { format!("{of}: {}", counts.join(", ")) };
    let at = run.updated_at.strftime("%Y-%m-%d %H:%M:%S UTC");
    format!(
        "<tr><td><a href=\"/run/{id}\">{name}</a>{simulated}<br><span class=\"soft\">{id}</span></td>\
         <td>{standing}{told}</td><td>{at}</td></tr>\n"
    )
}

/// The page of a run, which is complete by itself, with the script that follows, and leave for that in its policy.
pub(super) fn live(page: &str, run: &RunId, at: u64) -> String {
    let script = hash(SCRIPT).replace('\'', "&#x27;");
    // Both stand before and behind everything that others wrote.
    let Some((before, after)) = page.split_once("script-src ") else { return page.to_owned() };
    let Some((body, end)) = after.rsplit_once("</body>") else { return page.to_owned() };
    let body = body.replacen(
        EYEBROW,
        &format!("{EYEBROW}<a href=\"/\">Runs</a> · <a href=\"/pulls\">Pull requests</a> · "),
        1,
    );
    format!(
        "{before}connect-src &#x27;self&#x27;; script-src {script} {body}\
         <script data-events=\"/events?run={run}&amp;since={at}\">{SCRIPT}</script>\n</body>{end}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{RunRecord, sample};
    use crate::report::{ReportV1, html};

    #[test]
    fn the_page_of_a_run_may_follow_and_nothing_else() {
        let record = RunRecord::from_events(&sample::run_of(2)).unwrap();
        let run = record.info.id.clone();
        let page = html(&ReportV1::of(&record)).unwrap();
        let live = live(&page, &run, 7);
        let policy = live.split("http-equiv=\"Content-Security-Policy\" content=\"").nth(1).unwrap();
        let policy = policy.split('"').next().unwrap().replace("&#x27;", "'");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.contains("connect-src 'self'; script-src 'sha256-"), "{policy}");
        assert_eq!(policy.matches("sha256-").count(), 3, "{policy}");
        assert!(policy.contains(&hash(SCRIPT)) && !policy.contains("unsafe"), "{policy}");
        assert!(live.contains("<a href=\"/pulls\">Pull requests</a> · jules-batch report"), "{live}");
        assert_eq!(live.matches("<script").count(), page.matches("<script").count() + 1);
        assert!(live.contains(&format!("data-events=\"/events?run={run}&amp;since=7\"")));
    }

    #[test]
    fn names_in_the_list_are_no_markup() {
        let overview = RunOverview {
            id: "20261128-020005-0f3a".parse().unwrap(),
            name: "<script>alert(1)</script>\"'\u{202E}".to_owned(),
            manifest: String::new(),
            simulated: true,
            started_at: sample::at(0),
            updated_at: sample::at(5),
            ended_at: None,
            invocations: 1,
            tasks: 3,
            totals: std::iter::once(Outcome::Failed).collect(),
            taken_up: 0,
        };
        let page = runs(&[overview], 5);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
        assert!(!page.contains('\u{202E}'));
        assert!(
            page.contains("3 tasks: 1 failed") && page.contains("href=\"/run/20261128-020005-0f3a\""),
            "{page}"
        );
        assert_eq!(page.matches("<script").count(), 1);
    }
}
