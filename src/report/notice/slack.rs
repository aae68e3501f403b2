//! Slack's incoming webhooks: Block Kit, where foreign text stands in elements of rich text, which know no markup and no
//! mentions. Bounds: <https://docs.slack.dev/reference/block-kit/blocks>.

use serde_json::{Value, json};

use super::{Group, Notice, Row};

/// Characters of a header.
const HEADER: usize = 150;

pub(super) fn payload(notice: &Notice) -> Value {
    let title = foreign_text::clip(&notice.title, HEADER);
    let mut blocks =
        vec![json!({ "type": "header", "text": { "type": "plain_text", "text": title, "emoji": false } })];
    let lines = notice.lines.join("\n");
    blocks.push(rich(&[section(&[words(&lines, false)])]));
    blocks.extend(notice.groups.iter().map(group));
    // What stands in a notification; the rest is for who opens it.
    json!({ "text": escaped(&notice.title), "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
}

fn group(group: &Group) -> Value {
    let heading = section(&[words(&group.heading, true)]);
    let rows: Vec<Value> = group.rows.iter().map(row).collect();
    let list = json!({ "type": "rich_text_list", "style": "bullet", "elements": rows });
    let more = group.more().map(|more| section(&[words(&more, false)]));
    rich(&[heading, list].into_iter().chain(more).collect::<Vec<_>>())
}

fn row(row: &Row) -> Value {
    let mut elements = vec![words(&row.name, true), words(&format!(" {}", row.word), false)];
    for link in &row.links {
        elements.push(words(" · ", false));
        elements.push(json!({ "type": "link", "url": link.url, "text": link.label }));
    }
    section(&elements)
}

fn rich(elements: &[Value]) -> Value {
    json!({ "type": "rich_text", "elements": elements })
}

fn section(elements: &[Value]) -> Value {
    json!({ "type": "rich_text_section", "elements": elements })
}

fn words(text: &str, bold: bool) -> Value {
    match bold {
        true => json!({ "type": "text", "text": text, "style": { "bold": true } }),
        false => json!({ "type": "text", "text": text }),
    }
}

/// A message's own text is markup: `<!channel>` would wake everybody.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
