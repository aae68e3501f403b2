//! Text that others wrote: the agent, the API, a manifest.

/// The text in one line without anything that a terminal or a CI log would take for a command.
pub(crate) fn neutral(text: &str) -> String {
    let stripped = anstream::adapter::strip_str(text).to_string();
    let clean: String = stripped
        .chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' | '\u{85}' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}
