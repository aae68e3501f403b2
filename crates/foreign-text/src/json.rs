//! JSON that may be printed.

use crate::character::acts;

/// The same JSON in a spelling in which nothing is left that a terminal or the console of a CI system acts on: `##` (the
/// start of a workflow command) and the characters of the table stand as escapes. A reader gets the same values.
///
/// The lines must end as `serde_json` ends them, without CR.
#[must_use]
pub fn json(json: String) -> String {
    if !json.contains(acts) && !json.contains("##") {
        return json;
    }
    let mut out = String::with_capacity(json.len() + json.len() / 8);
    let mut before = ' ';
    for c in json.chars() {
        // Such characters can only be part of a string: JSON has no use for them elsewhere.
        if acts(c) || (c == '#' && before == '#') {
            out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
        before = c;
    }
    out
}
