//! Text for Discord's Markdown, which takes a backslash before any punctuation and knows no entities of HTML.

use crate::tame;

/// Foreign text as words of a line: nothing in it is markup, a mention, an emoji, a time or a link. A line break is a space.
#[must_use]
pub fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in tame(text).chars() {
        match c {
            '\n' | '\t' => out.push(' '),
            // Nobody is called, wherever the text is pasted.
            '@' => out.push_str("@\u{200B}"),
            '\\' | '`' | '*' | '_' | '~' | '|' | '<' | '>' | '[' | ']' | '(' | ')' | '#' | ':' | '-' => {
                out.extend(['\\', c]);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_no_markup() {
        for (text, shown) in [
            ("**a** ||b|| `c`", r"\*\*a\*\* \|\|b\|\| \`c\`"),
            ("[x](https://e.example)", r"\[x\]\(https\://e.example\)"),
            ("<@1> @everyone <t:1:R> :x:", "\\<@\u{200B}1\\> @\u{200B}everyone \\<t\\:1\\:R\\> \\:x\\:"),
            ("# a\n> b\n- c", r"\# a \> b \- c"),
            ("done", "done"),
        ] {
            assert_eq!(words(text), shown);
        }
    }
}
