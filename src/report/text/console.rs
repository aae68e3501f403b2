//! Foreign text in logs.
//!
//! The consoles of CI systems act on lines of a log: GitHub on `::command::` at the start of a line and on
//! `##[command]` anywhere, Azure on `##vso[…]`, TeamCity on `##teamcity[…]`; a lone CR starts a line. The
//! rules hold everywhere, not only where such a system was recognised.

use super::{REPLACEMENT, one_line, plain};

/// What begins every line of foreign text.
const PREFIX: &str = "  | ";

/// Foreign text for a terminal or a log, one or several lines, each behind `  | ` and without a line break
/// at the very end.
///
/// Terminal sequences are taken out, CR becomes a line break, other control characters, U+0085, U+2028,
/// U+2029 and those that turn the direction of writing become U+FFFD, and workflow commands are broken by a
/// space.
#[must_use]
pub fn console_line(text: &str) -> String {
    let text = console_text(text);
    let lines: Vec<String> =
        text.trim_end_matches('\n').split('\n').map(|l| format!("{PREFIX}{l}")).collect();
    lines.join("\n")
}

/// Foreign text as a part of a line of our own: as [`console_line`], but one line of at most 1 KiB without
/// the prefix.
#[must_use]
pub fn console_fragment(text: &str) -> String {
    one_line(&console_text(text), 1024)
}

/// Lines of our own log, in which foreign words and our own colours stand between ours: workflow commands in them are
/// broken, CR becomes a line break.
#[must_use]
pub fn console_log(text: &str) -> String {
    break_commands(&text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// The same text with nothing left in it that a terminal or the console of a CI system acts on.
pub(in crate::report) fn console_text(text: &str) -> String {
    let text: String = plain(text).chars().map(|c| if breaks_lines(c) { REPLACEMENT } else { c }).collect();
    break_commands(&text)
}

fn break_commands(text: &str) -> String {
    let text = text.split('\n').map(break_line_command).collect::<Vec<_>>().join("\n");
    break_bracket_commands(&text)
}

/// Line and paragraph separators, and overrides of the direction of writing, which can show another text
/// than was written.
pub(super) const fn breaks_lines(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// `::command::` at the start of a line becomes `: :command::`.
fn break_line_command(line: &str) -> String {
    let start = line.trim_start();
    match start.strip_prefix("::") {
        Some(rest) => format!("{}: :{rest}", &line[..line.len() - start.len()]),
        None => line.to_owned(),
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
    use proptest::prelude::*;
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
    fn neutralises(#[case] text: &str, #[case] line: &str) {
        assert_eq!(console_line(text), line);
    }

    #[test]
    fn a_log_keeps_its_colours_and_obeys_nobody() {
        assert_eq!(
            console_log("\u{1B}[32mINFO\u{1B}[0m error=a ##[error]b ##vso[x]\r::error::c\n"),
            "\u{1B}[32mINFO\u{1B}[0m error=a # #[error]b # #vso[x]\n: :error::c\n"
        );
    }

    #[test]
    fn a_fragment_is_one_line() {
        assert_eq!(console_fragment("::warning::a\n::error::b"), ": :warning::a : :error::b");
    }

    proptest! {
        #[test]
        fn no_command_is_left(text in r"(#|##|\[|vso|::|x|\r|\n| |\x1b\[1m|\u{85}|\t){0,30}") {
            for out in [console_line(&text), console_fragment(&text)] {
                for line in out.split('\n') {
                    prop_assert!(!line.trim_start().starts_with("::"), "{line:?}");
                    prop_assert!(!line.contains("##[") && !line.contains("##vso["), "{line:?}");
                    prop_assert!(!line.contains(|c: char| c != '\t' && c.is_control()));
                }
            }
            prop_assert!(console_line(&text).lines().all(|line| line.starts_with(PREFIX)));
        }
    }
}
