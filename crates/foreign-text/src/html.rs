//! Text for HTML. Such files are printed in logs too, so nothing is left in the text that a console acts on.

use std::io::{self, Write};

use crate::character::acts;
use crate::{one_line, tame};

/// Foreign text between HTML tags or in a quoted attribute, on one line.
#[must_use]
pub fn text(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for c in one_line(tame(text), limit).chars() {
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
/// workflow command, and the characters of the table, become character references, which a browser shows as the characters.
///
/// Style and script, where references mean nothing, must hold none of these.
pub struct Page<W> {
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

impl<W: Write> Page<W> {
    /// A page that is written to `out`.
    pub const fn new(out: W) -> Self {
        Self { out, before: ' ', line: Line::Blanks }
    }

    fn take(&mut self, text: &str) -> String {
        let mut harmless = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                ':' if self.line == Line::Colon => harmless.push_str("&#58;"),
                '#' if self.before == '#' => harmless.push_str("&#35;"),
                c if acts(c) => harmless.push_str(&format!("&#{};", u32::from(c))),
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

impl<W: Write> Write for Page<W> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
                let mut page = Page::new(&mut out);
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
            text("<script>alert('&\"')</script>", 100),
            "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;"
        );
    }
}
