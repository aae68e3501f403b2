//! Text for Markdown (GitHub's) and HTML. Such files are printed in logs too, so nothing is left in the text
//! that a console acts on.

use std::io::{self, Write};

use super::console::{breaks_lines, console_text};
use super::one_line;

/// Foreign text as words of a Markdown line, behind other words: nothing in it is markup, a mention, a link
/// or a line break.
pub(in crate::report) fn markdown_text(text: &str, limit: usize) -> String {
    let line = one_line(&console_text(text), limit);
    let mut out = String::with_capacity(line.len());
    for (at, c) in line.char_indices() {
        let (before, after) = (&line[..at], &line[at + c.len_utf8()..]);
        match c {
            // A mention notifies people wherever the summary is pasted.
            '@' => out.push_str("@\u{200B}"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => out.extend(['\\', c]),
            // GitHub makes links of bare addresses.
            ':' if after.starts_with("//") => out.push_str("\\:"),
            '.' if before.to_ascii_lowercase().ends_with("www") => out.push_str("\\."),
            c => out.push(c),
        }
    }
    out
}

/// Foreign text as code within a Markdown line that is no row of a table.
pub(in crate::report) fn code_span(text: &str, limit: usize) -> String {
    let line = one_line(&console_text(text), limit);
    if line.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&line, '`') + 1);
    // A backtick at either end would lengthen the fence.
    let pad = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// Foreign text of several lines as a fenced block of Markdown, behind `indent` on every line.
pub(in crate::report) fn code_block(text: &str, indent: &str) -> String {
    let text = console_text(text);
    let fence = "`".repeat((longest_run(&text, '`') + 1).max(3));
    let lines: String = text.trim_end().lines().map(|line| format!("{indent}{line}\n")).collect();
    format!("{indent}{fence}text\n{lines}{indent}{fence}\n")
}

/// Foreign text between HTML tags or in a quoted attribute, on one line.
pub(in crate::report) fn html_text(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for c in one_line(&console_text(text), limit).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Writes a page on with nothing in it that a console acts on, for it may be printed: the second sign of what begins a
/// workflow command, and what turns the direction of writing, become character references, which a browser shows as the
/// characters.
///
/// Style and script, where references mean nothing, must hold none of these.
pub(in crate::report) struct HarmlessHtml<W> {
    out: W,
    before: char,
    line: Line,
}

/// What a line has had so far.
#[derive(Clone, Copy, PartialEq)]
enum Line {
    Blanks,
    Colon,
    Words,
}

impl<W: Write> HarmlessHtml<W> {
    pub(in crate::report) const fn new(out: W) -> Self {
        Self { out, before: ' ', line: Line::Blanks }
    }

    fn take(&mut self, text: &str) -> String {
        let mut harmless = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                ':' if self.line == Line::Colon => harmless.push_str("&#58;"),
                '#' if self.before == '#' => harmless.push_str("&#35;"),
                c if breaks_lines(c) => harmless.push_str(&format!("&#{};", u32::from(c))),
                c => harmless.push(c),
            }
            self.before = c;
            self.line = match (c, self.line) {
                ('\n', _) => Line::Blanks,
                (':', Line::Blanks) => Line::Colon,
                (c, Line::Blanks) if c.is_whitespace() => Line::Blanks,
                _ => Line::Words,
            };
        }
        harmless
    }
}

impl<W: Write> Write for HarmlessHtml<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The template hands over whole characters.
        let text =
            std::str::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let harmless = self.take(text);
        self.out.write_all(harmless.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn longest_run(text: &str, of: char) -> usize {
    text.split(|c| c != of).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_no_markup() {
        for (text, words) in [
            ("![x](y) *a* _b_ ~c~ $d$ | `e`", r"!\[x\](y) \*a\* \_b\_ \~c\~ \$d\$ \| \`e\`"),
            ("<img> & @you\n# h", "&lt;img&gt; &amp; @\u{200B}you # h"),
            ("see https://e.example or WWW.e.example", r"see https\://e.example or WWW\.e.example"),
            ("nightly-run 1.0: done", "nightly-run 1.0: done"),
        ] {
            assert_eq!(markdown_text(text, 200), words);
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

    #[test]
    fn a_page_is_harmless_in_a_log() {
        for (page, harmless) in [
            ("<pre>a\n::error::b\n \t::x", "<pre>a\n:&#58;error::b\n \t:&#58;x"),
            ("a ##[group]b ###vso[x]", "a #&#35;[group]b #&#35;&#35;vso[x]"),
            ("a\u{2028}b\u{202E}c", "a&#8232;b&#8238;c"),
            ("a: b :: c #d\n:root <p>::e", "a: b :: c #d\n:root <p>::e"),
        ] {
            let written = |parts: &[String]| {
                let mut out = Vec::new();
                let mut page = HarmlessHtml::new(&mut out);
                parts.iter().for_each(|part| page.write_all(part.as_bytes()).unwrap());
                String::from_utf8(out).unwrap()
            };
            assert_eq!(written(&[page.to_owned()]), harmless);
            let letters: Vec<String> = page.chars().map(String::from).collect();
            assert_eq!(written(&letters), harmless, "also in parts");
        }
    }

    #[test]
    fn html_is_text() {
        assert_eq!(
            html_text("<script>alert('&\"')</script>", 100),
            "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;"
        );
    }
}
