//! The part of the summary that tells of a campaign.

use foreign_text::markdown::words;

use super::{more, push};
use crate::report::{DayV1, ReportV1};

/// Days that are listed.
const DAYS: usize = 31;

/// How far a campaign is, and what each of its days brought.
pub(super) fn progress(out: &mut String, report: &ReportV1) {
    let Some(progress) = report.campaign() else { return };
    push(out, "### Progress\n\n");
    for line in report.progress_words(progress) {
        push(out, &format!("- {}\n", words(&line, 300)));
    }
    push(out, "\n");
    if progress.days.len() > 1 {
        push(out, "| Day | Started | Succeeded | Failed | Still open |\n| --- | --: | --: | --: | --: |\n");
        for DayV1 { day, started, succeeded, failed, open } in progress.days.iter().rev().take(DAYS).rev() {
            push(out, &format!("| {} | {started} | {succeeded} | {failed} | {open} |\n", words(day, 20)));
        }
        push(out, "\n");
        more(out, progress.days.len().saturating_sub(DAYS), "earlier day");
    }
}
