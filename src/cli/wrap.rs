//! Lines of text in a terminal's width: broken between words, where the terminal itself breaks in the middle of them.

use anstream::adapter::strip_str;

/// In a narrower terminal nothing is gained.
const NARROWEST: usize = 20;

/// The lines of a text, with those that are too long broken at blanks; what follows is set two columns further in. Addresses,
/// what stands in backticks and commands stay whole: they are copied. Excerpts of files stay as they are.
pub(crate) fn lines(text: &str, width: usize) -> String {
    if width < NARROWEST || !text.lines().any(|line| visible(line) > width) {
        return text.to_owned();
    }
    let lines: Vec<String> = text.split('\n').map(|line| broken(line, width)).collect();
    lines.join("\n")
}

fn broken(line: &str, width: usize) -> String {
    if visible(line) <= width || is_excerpt(line) {
        return line.to_owned();
    }
    let bare = line.trim_start_matches(' ');
    let indent = line.len() - bare.len();
    // Foreign text of several lines stands behind bars.
    let further = match bare.strip_prefix("| ") {
        Some(_) => line[..indent + 2].to_owned(),
        None => " ".repeat(if indent + 2 < width / 2 { indent + 2 } else { 0 }),
    };
    let (mut out, mut used) = (String::new(), 0);
    for Piece { gap, text } in pieces(line, width) {
        let length = visible(text);
        let is_first = out.trim_start_matches([' ', '|']).is_empty();
        if !is_first && used + gap + length > width {
            out.push('\n');
            out.push_str(&further);
            used = further.len();
        } else {
            out.push_str(&" ".repeat(gap));
            used += gap;
        }
        out.push_str(text);
        used += length;
    }
    out
}

/// What stays in one line, and how many blanks are before it.
struct Piece<'a> {
    gap: usize,
    text: &'a str,
}

fn pieces(line: &str, width: usize) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let text = rest.trim_start_matches(' ');
        let gap = rest.len() - text.len();
        let end = end_of_piece(text, width);
        pieces.push(Piece { gap, text: &text[..end] });
        rest = &text[end..];
    }
    pieces
}

/// Where the word ends that the text begins with; that of the last one where several belong together.
fn end_of_piece(text: &str, width: usize) -> usize {
    let word_end = |from: usize| text[from..].find(' ').map_or(text.len(), |at| from + at);
    let end = word_end(0);
    let word = strip_str(&text[..end]).to_string();
    if word == "jules-batch" || word.starts_with("JULES_API_KEY=") {
        return text.trim_end().len();
    }
    if word.matches('`').count().is_multiple_of(2) {
        return end;
    }
    let closed = text[end..].find('`').map(|at| word_end(end + at));
    closed.filter(|closed| visible(&text[..*closed]) <= width).unwrap_or(end)
}

/// Columns that a text takes, without the sequences for colours and links.
fn visible(text: &str) -> usize {
    if text.contains('\x1b') { strip_str(text).to_string().chars().count() } else { text.chars().count() }
}

/// Whether the line quotes a file: behind a number and a bar, or marks a place in the line above it.
fn is_excerpt(line: &str) -> bool {
    let plain = strip_str(line).to_string();
    let behind = plain.trim_start_matches([' ', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    let is_numbered = plain.trim_start().starts_with(|c: char| c.is_ascii_digit());
    let is_mark = behind.trim_start_matches(['|', ' ']).starts_with(['^', '-']);
    behind.starts_with('|') && (is_numbered || is_mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_and_what_follows_is_set_in() {
        let text = "SIMULATED: no session is created at Jules; the simulator plays 10 s a second\nshort\n  and one more line that is long";
        insta::assert_snapshot!(lines(text, 30), @r"
        SIMULATED: no session is
          created at Jules; the
          simulator plays 10 s a
          second
        short
          and one more line that is
            long
        ");
        assert_eq!(lines(text, usize::MAX), text);
    }

    #[test]
    fn columns_keep_their_distance_and_addresses_stay_whole() {
        let line = "[4/4] succeeded         work  6m 37s  https://github.com/my-org/web/pull/1";
        assert_eq!(
            lines(line, 60),
            "[4/4] succeeded         work  6m 37s\n  https://github.com/my-org/web/pull/1"
        );
        let long = "see https://github.com/my-org/service-with-a-long-name/pull/1 there";
        assert_eq!(
            lines(long, 30),
            "see\n  https://github.com/my-org/service-with-a-long-name/pull/1\n  there"
        );
    }

    #[test]
    fn what_is_copied_stays_whole() {
        let line = "run again what failed: jules-batch run jobs.yaml --failed --state-dir there";
        assert_eq!(
            lines(line, 40),
            "run again what failed:\n  jules-batch run jobs.yaml --failed --state-dir there"
        );
        assert_eq!(lines("write `prompt: |` or quote it", 20), "write `prompt: |` or\n  quote it");
        assert_eq!(lines("you may write `prompt: |` or", 20), "you may write\n  `prompt: |` or");
        assert_eq!(lines("an odd ` is no more than a word", 20), "an odd ` is no more\n  than a word");
    }

    #[test]
    fn colours_and_links_take_no_room() {
        let link = crate::cli::console::linked("a pull request", "https://github.com/my-org/web/pull/1");
        let line = format!("\x1b[32mdone\x1b[0m {link} here");
        assert_eq!(lines(&line, 24), line);
        assert_eq!(strip_str(&lines(&line, 22)).to_string(), "done a pull request\n  here");
    }

    #[test]
    fn what_stands_behind_a_bar_stays_behind_it() {
        assert_eq!(lines("  | some words of an agent", 20), "  | some words of an\n  | agent");
    }

    #[test]
    fn excerpts_stay_as_they_are() {
        let line = "12 |     prompt: a line of the manifest that is long";
        assert_eq!(lines(line, 30), line);
    }
}
