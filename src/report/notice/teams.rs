//! Microsoft Teams: an adaptive card, as workflows take it. Foreign text stands in runs of rich text, which know no
//! Markdown: <https://adaptivecards.io/explorer/TextRun.html>.

use serde_json::{Value, json};

use super::{Group, Notice, Row};
use crate::outcome::Outcome;

pub(super) fn payload(notice: &Notice) -> Value {
    let mut title = run(&notice.title);
    (title["weight"], title["size"], title["color"]) =
        ("bolder".into(), "large".into(), colour(notice.outcome).into());
    let mut body = vec![block(&[title])];
    body.extend(notice.lines.iter().map(|line| block(&[run(line)])));
    body.extend(notice.groups.iter().flat_map(group));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
                "msteams": { "width": "Full" },
            },
        }],
    })
}

fn group(group: &Group) -> Vec<Value> {
    let mut heading = block(&[bold(&group.heading)]);
    heading["separator"] = true.into();
    let more = group.more().map(|more| block(&[run(&more)]));
    std::iter::once(heading).chain(group.rows.iter().map(row)).chain(more).collect()
}

fn row(row: &Row) -> Value {
    let mut inlines = vec![bold(&row.name), run(&format!(" {}", row.word))];
    for link in &row.links {
        inlines.push(run(" · "));
        let mut linked = run(&link.label);
        linked["selectAction"] = json!({ "type": "Action.OpenUrl", "url": link.url });
        inlines.push(linked);
    }
    block(&inlines)
}

fn block(inlines: &[Value]) -> Value {
    json!({ "type": "RichTextBlock", "inlines": inlines })
}

fn run(text: &str) -> Value {
    json!({ "type": "TextRun", "text": text })
}

fn bold(text: &str) -> Value {
    json!({ "type": "TextRun", "text": text, "weight": "bolder" })
}

const fn colour(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded | Outcome::NoChange => "good",
        Outcome::Skipped => "default",
        Outcome::Deferred | Outcome::Detached | Outcome::NeedsInput => "warning",
        Outcome::Failed | Outcome::Stalled | Outcome::TimedOut | Outcome::Error => "attention",
    }
}
