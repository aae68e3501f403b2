//! Discord: an embed, in whose Markdown foreign text is escaped; nobody is mentioned. Bounds:
//! <https://discord.com/developers/docs/resources/message#embed-object-embed-limits>.

use foreign_text::discord::words;
use serde_json::{Value, json};

use super::{Group, Notice, Row};
use crate::outcome::Outcome;

/// Characters of an embed's title, and of its description; Discord takes 256 and 4096.
const TITLE: usize = 250;
const DESCRIPTION: usize = 4000;

pub(super) fn payload(notice: &Notice) -> Value {
    let title = foreign_text::clip(words(&notice.title), TITLE).into_owned();
    let lines = notice.lines.iter().map(|line| words(line));
    let description = fitting(lines.chain(notice.groups.iter().flat_map(group)));
    json!({
        "embeds": [{ "title": title, "description": description, "color": colour(notice.outcome) }],
        "allowed_mentions": { "parse": [] },
    })
}

/// As many lines as have room: none is cut in the middle of its markup.
fn fitting(lines: impl Iterator<Item = String>) -> String {
    let mut out = String::new();
    let mut chars = 0;
    for line in lines {
        chars += line.chars().count() + 1;
        if chars > DESCRIPTION {
            out.push('…');
            break;
        }
        out.push_str(&line);
        out.push('\n');
    }
    out.trim_end().to_owned()
}

fn group(group: &Group) -> Vec<String> {
    let heading = format!("\n**{}**", words(&group.heading));
    std::iter::once(heading).chain(group.rows.iter().map(row)).chain(group.more()).collect()
}

fn row(row: &Row) -> String {
    let links: String =
        row.links.iter().map(|link| format!(" · [{}](<{}>)", words(&link.label), link.url)).collect();
    format!("• **{}** {}{links}", words(&row.name), words(&row.word))
}

const fn colour(outcome: Outcome) -> u32 {
    match outcome {
        Outcome::Succeeded | Outcome::NoChange => 0x2E_A0_43,
        Outcome::Skipped => 0x80_80_80,
        Outcome::Deferred | Outcome::Detached | Outcome::NeedsInput => 0xD2_99_22,
        Outcome::Failed | Outcome::Stalled | Outcome::TimedOut | Outcome::Error => 0xCF_22_2E,
    }
}
