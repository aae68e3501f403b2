//! Foreign text in logs.
//!
//! The consoles of CI systems act on lines of a log: GitHub on `::command::` at the start of a line and on
//! `##[command]` anywhere, Azure on `##vso[…]`, TeamCity on `##teamcity[…]`; a lone CR starts a line. The
//! rules hold everywhere, not only where such a system was recognised.

use std::borrow::Cow;

use crate::character::{acts, plain};
use crate::length::one_line;

/// What begins every line of foreign text.
const PREFIX: &str = "  | ";

/// Bytes of foreign text in a line of our own.
const LINE: usize = 1024;

/// Foreign text with nothing left in it that a terminal or the console of a CI system acts on: as [`plain`], and workflow
/// commands are broken by a space.
#[must_use]
pub fn tame(text: &str) -> Cow<'_, str> {
    break_commands(plain(text))
}

/// Foreign text as a part of a line of our own: as [`tame`], but one line of at most 1 KiB.
#[must_use]
pub fn line(text: &str) -> String {
    one_line(tame(text), LINE).into_owned()
}

/// Foreign text for a terminal or a log, one or several lines: as [`tame`], each line behind `  | ` and without a line
/// break at the very end.
#[must_use]
pub fn block(text: &str) -> String {
    let text = tame(text);
    let lines: Vec<String> =
        text.trim_end_matches('\n').split('\n').map(|l| format!("{PREFIX}{l}")).collect();
    lines.join("\n")
}

/// Lines of our own, in which foreign words and our own colours stand: as [`tame`], but what begins with ESC stays.
#[must_use]
pub fn log(text: &str) -> Cow<'_, str> {
    let acts = |c| acts(c) && c != '\u{1B}';
    let text: Cow<'_, str> = if text.contains(acts) {
        text.replace("\r\n", "\n").replace('\r', "\n").replace(acts, "\u{FFFD}").into()
    } else {
        text.into()
    };
    let text = break_commands(text);
    // Where colours are not shown, a command may come of what they stood between: it costs the colours.
    let bare = plain(&text);
    let tame = break_commands(Cow::Borrowed(&bare));
    if tame == bare { text } else { tame.into_owned().into() }
}

fn break_commands(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains("::") && !text.contains("##") {
        return text;
    }
    let lines = text.split('\n').map(break_line_command).collect::<Vec<_>>().join("\n");
    Cow::Owned(break_bracket_commands(&lines))
}

/// `::command::` at the start of a line becomes `: :command::`.
fn break_line_command(line: &str) -> Cow<'_, str> {
    let start = line.trim_start();
    match start.strip_prefix("::") {
        Some(rest) => format!("{}: :{rest}", &line[..line.len() - start.len()]).into(),
        None => line.into(),
    }
}

/// `##[command]` and `##word[` become `# #[command]` and `# #word[`.
fn break_bracket_commands(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("##") {
        // The last two of a run of signs are those that count.
        let run = at + rest[at..].bytes().take_while(|b| *b == b'#').count();
        let word = rest[run..]
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
            .count();
        if rest[run + word..].starts_with('[') {
            out.push_str(&rest[..run - 1]);
            out.push_str(" #");
        } else {
            out.push_str(&rest[..run]);
        }
        rest = &rest[run..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("plain", "  | plain")]
    #[case("two\nlines\n", "  | two\n  | lines")]
    #[case("a\rb\r\nc", "  | a\n  | b\n  | c")]
    #[case("::error::forged", "  | : :error::forged")]
    #[case("  ::add-mask::x", "  |   : :add-mask::x")]
    #[case("x\r::stop-commands::y", "  | x\n  | : :stop-commands::y")]
    #[case("x ##[group]y", "  | x # #[group]y")]
    #[case("##vso[task.setvariable]x", "  | # #vso[task.setvariable]x")]
    #[case("##teamcity[x]", "  | # #teamcity[x]")]
    #[case("#####[x]", "  | #### #[x]")]
    #[case("## Heading", "  | ## Heading")]
    #[case("#\u{1B}[0m#[x]", "  | # #[x]")]
    #[case("a\u{85}b\u{2028}c\u{202E}d\u{0}e", "  | a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}e")]
    #[case("", "  | ")]
    fn neutralises(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(block(text), shown);
    }

    #[test]
    fn a_log_keeps_its_colours_and_obeys_nobody() {
        assert_eq!(
            log("\u{1B}[32mINFO\u{1B}[0m error=a ##[error]b ##vso[x]\u{202E}\r::error::c\n"),
            "\u{1B}[32mINFO\u{1B}[0m error=a # #[error]b # #vso[x]\u{FFFD}\n: :error::c\n"
        );
        assert_eq!(log("\u{1B}[32ma\u{1B}[0m\n#\u{1B}[m#[error]"), "a\n# #[error]");
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(line("::warning::a\n::error::b"), ": :warning::a : :error::b");
    }
}
