//! Files that list repositories: a line each with `#` comments, or CSV with a header.

use std::sync::Arc;

use super::diagnostic::{Diagnostic, listed, nearest, quoted};
use super::document::{Document, Span};

/// One repository of a list, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedSource {
    /// `owner/repo`, perhaps with `@branch`.
    pub(crate) github: String,
    /// The CSV file's `branch` column, where it is not empty.
    pub(crate) branch: Option<String>,
    /// Where it stands in the list.
    pub(crate) span: Span,
}

/// Reads a list; its name says which of the two forms it has.
///
/// # Errors
///
/// CSV that cannot be read, or whose header has no `github` column.
pub(super) fn parse(document: &Arc<Document>) -> Result<Vec<ListedSource>, Diagnostic> {
    if document.name().to_ascii_lowercase().ends_with(".csv") { csv(document) } else { Ok(lines(document)) }
}

fn lines(document: &Document) -> Vec<ListedSource> {
    let mut sources = Vec::new();
    let mut start = 0;
    for line in document.text().split_inclusive('\n') {
        // A `#` inside a word belongs to it: branches may hold one.
        let comment = |at: &usize| *at == 0 || line[..*at].ends_with([' ', '\t']);
        let text = &line[..line.match_indices('#').map(|(at, _)| at).find(comment).unwrap_or(line.len())];
        let entry = text.trim();
        if !entry.is_empty() {
            let from = start + (text.len() - text.trim_start().len());
            let span = Span::new(from..from + entry.len());
            sources.push(ListedSource { github: entry.to_owned(), branch: None, span });
        }
        start += line.len();
    }
    sources
}

fn csv(document: &Arc<Document>) -> Result<Vec<ListedSource>, Diagnostic> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .flexible(true)
        .from_reader(document.text().as_bytes());
    let broken = |error: &csv::Error| {
        let at = error.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
        Diagnostic::new(format!("this CSV cannot be read: {error}")).at(document, Span::new(at..at))
    };
    let header = reader.headers().map_err(|error| broken(&error))?.clone();
    let column = |name: &str| header.iter().position(|title| title.eq_ignore_ascii_case(name));
    let Some(github) = column("github") else {
        let finding =
            Diagnostic::new("the CSV file's header has no `github` column").at(document, Span::default());
        return Err(match nearest("github", header.iter()) {
            Some(name) => finding.help(format!("rename the column {} to `github`", quoted(name))),
            None => {
                finding.help(format!("its first line names the columns; found {}", listed(header.iter())))
            }
        });
    };
    let branch = column("branch");
    let mut sources = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error))?;
        let at = record.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
        let field = |index: usize| record.get(index).filter(|text| !text.is_empty());
        let Some(name) = field(github) else { continue };
        let branch = branch.and_then(field).map(str::to_owned);
        sources.push(ListedSource { github: name.to_owned(), branch, span: Span::new(at..at) });
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(name: &str, text: &str) -> Result<Vec<(String, Option<String>, u32)>, String> {
        let document = Arc::new(Document::new(name, text));
        let sources = parse(&document).map_err(|finding| finding.message().to_owned())?;
        let line = |span: Span| document.place(span.start).line;
        Ok(sources.into_iter().map(|s| (s.github, s.branch, line(s.span))).collect())
    }

    #[test]
    fn lines_may_hold_comments_and_blanks() {
        let found = list("repos.txt", "# all\n\n  a/b@x#1  # note\r\nc/d\n").unwrap();
        assert_eq!(found, [("a/b@x#1".to_owned(), None, 3), ("c/d".to_owned(), None, 4)]);
    }

    #[test]
    fn csv_columns_go_by_their_header() {
        let found = list("repos.CSV", "team,GitHub,branch\nx,a/b,main\ny,\"c/d\",\n,,\n").unwrap();
        assert_eq!(found[0], ("a/b".to_owned(), Some("main".to_owned()), 2));
        assert_eq!(found[1], ("c/d".to_owned(), None, 3));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn csv_without_the_column_says_so() {
        assert!(list("a.csv", "repo\na/b\n").unwrap_err().contains("no `github` column"));
        assert!(list("a.csv", "").unwrap_err().contains("no `github` column"));
    }
}
