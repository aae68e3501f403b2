//! A snapshot as Markdown.

use foreign_text::markdown::{code_block, code_span, words};
use jiff::SignedDuration;

use super::{ActivityCounts, SessionSnapshot};

/// The longest text of one line, in characters.
const LINE: usize = 300;

pub(super) fn markdown(snapshot: &SessionSnapshot) -> String {
    let mut page = Page(String::new());
    let title = snapshot.title.as_deref().filter(|title| !title.trim().is_empty());
    page.line(&format!(
        "# {}",
        title.map_or_else(|| format!("Session {}", snapshot.id), |title| words(title, LINE))
    ));
    page.line("");
    facts(&mut page, snapshot);
    page.text("Why it failed", snapshot.failure_reason.as_deref());
    page.text("Open question", snapshot.open_question.as_deref());
    let last =
        snapshot.last_words.as_deref().filter(|words| Some(*words) != snapshot.open_question.as_deref());
    page.text("The agent's last words", last);
    if !snapshot.files.is_empty() {
        let (added, deleted) = snapshot.lines();
        page.heading(&format!("Changes (+{added} −{deleted})"));
        for file in &snapshot.files {
            let (path, change) = (code_span(&file.path, LINE), file.change.as_str());
            page.line(&format!("- {path} {change}, +{} −{}", file.additions, file.deletions));
        }
    }
    if !snapshot.failed_commands.is_empty() {
        page.heading("Failed commands");
        for failed in &snapshot.failed_commands {
            page.line(&format!("- {} ended with {}", code_span(&failed.command, LINE), failed.exit_code));
            if !failed.output.is_empty() {
                page.line("");
                page.line(code_block(&failed.output, "  ").trim_end_matches('\n'));
            }
        }
    }
    if !snapshot.timeline.is_empty() {
        page.heading("Timeline");
        for entry in &snapshot.timeline {
            let time = entry.time.map(|time| format!("{time} ")).unwrap_or_default();
            let who = if entry.originator.is_empty() { "service" } else { &entry.originator };
            let text = entry.text.as_deref().unwrap_or(entry.kind);
            page.line(&format!("- {time}{}: {}", words(who, LINE), words(text, LINE)));
        }
    }
    page.0
}

fn facts(page: &mut Page, snapshot: &SessionSnapshot) {
    page.line(&format!("- session: {}", code_span(snapshot.id.as_str(), LINE)));
    page.line(&format!("- state: {}", code_span(snapshot.state.as_str(), LINE)));
    if let Some(url) = &snapshot.url {
        page.line(&format!("- page: {}", code_span(url, LINE)));
    }
    if let Some(source) = &snapshot.source {
        let branch = snapshot.branch.as_deref().map(|branch| format!(" from {}", code_span(branch, LINE)));
        page.line(&format!("- source: {}{}", code_span(source, LINE), branch.unwrap_or_default()));
    }
    if let Some(created) = snapshot.create_time {
        let took = snapshot.duration.and_then(|duration| SignedDuration::try_from(duration).ok());
        let took = took.map(|took| format!(", took {:#}", SignedDuration::from_secs(took.as_secs())));
        page.line(&format!("- created: {created}{}", took.unwrap_or_default()));
    }
    for pull_request in &snapshot.pull_requests {
        page.line(&format!(
            "- pull request: {}",
            code_span(pull_request.url.as_deref().unwrap_or("?"), LINE)
        ));
    }
    if snapshot.counts != ActivityCounts::default() {
        page.line(&format!("- activities: {}", snapshot.counts));
    }
}

struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn heading(&mut self, heading: &str) {
        self.line(&format!("\n## {heading}\n"));
    }

    fn text(&mut self, heading: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            self.heading(heading);
            self.line(code_block(text, "").trim_end_matches('\n'));
        }
    }
}
