//! Text for GitHub's Markdown. Such files are printed in logs too, so nothing is left in the text that a console acts on.

use crate::{one_line, tame};

/// Foreign text as words of a Markdown line, behind other words: nothing in it is markup, a mention, a link
/// or a line break.
#[must_use]
pub fn words(text: &str, limit: usize) -> String {
    let line = one_line(tame(text), limit);
    let mut out = String::with_capacity(line.len());
    for (at, c) in line.char_indices() {
        let (before, after) = (&line.as_bytes()[..at], &line[at + c.len_utf8()..]);
        match c {
            // A mention notifies people wherever the summary is pasted.
            '@' => out.push_str("@\u{200B}"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => out.extend(['\\', c]),
            // GitHub makes links of bare addresses.
            ':' if after.starts_with("//") => out.push_str("\\:"),
            '.' if before.last_chunk().is_some_and(|end: &[u8; 3]| end.eq_ignore_ascii_case(b"www")) => {
                out.push_str("\\.");
            }
            c => out.push(c),
        }
    }
    out
}

/// Foreign text as code within a Markdown line that is no row of a table.
#[must_use]
pub fn code_span(text: &str, limit: usize) -> String {
    let line = one_line(tame(text), limit);
    if line.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&line, '`') + 1);
    // A backtick at either end would lengthen the fence.
    let pad = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// Foreign text of several lines as a fenced block of Markdown, behind `indent` on every line.
#[must_use]
pub fn code_block(text: &str, indent: &str) -> String {
    let text = tame(text);
    let fence = "`".repeat((longest_run(&text, '`') + 1).max(3));
    let lines: String = text.trim_end().lines().map(|line| format!("{indent}{line}\n")).collect();
    format!("{indent}{fence}text\n{lines}{indent}{fence}\n")
}

fn longest_run(text: &str, of: char) -> usize {
    text.split(|c| c != of).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_no_markup() {
        for (text, shown) in [
            ("![x](y) *a* _b_ ~c~ $d$ | `e`", r"!\[x\](y) \*a\* \_b\_ \~c\~ \$d\$ \| \`e\`"),
            ("<img> & @you\n# h", "&lt;img&gt; &amp; @\u{200B}you # h"),
            ("see https://e.example or WWW.e.example", r"see https\://e.example or WWW\.e.example"),
            ("nightly-run 1.0: done", "nightly-run 1.0: done"),
        ] {
            assert_eq!(words(text, 200), shown);
        }
    }

    #[test]
    fn consoles_find_nothing_either() {
        assert_eq!(code_block("::error::x\n##[group]", ""), "```text\n: :error::x\n# #[group]\n```\n");
        assert_eq!(code_span("##vso[x]\u{202E}y", 100), "`# #vso[x]\u{FFFD}y`");
    }

    #[test]
    fn code_keeps_its_fence() {
        assert_eq!(code_span("a `b` c", 100), "``a `b` c``");
        assert_eq!(code_span("`", 100), "`` ` ``");
        assert_eq!(code_span("a|b\nc", 100), "`a|b c`");
        assert_eq!(code_block("x\n````\n</details>", ""), "`````text\nx\n````\n</details>\n`````\n");
        assert_eq!(code_block("x\n\ny", "  "), "  ```text\n  x\n  \n  y\n  ```\n");
    }
}
