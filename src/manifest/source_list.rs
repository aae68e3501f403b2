//! Files that list repositories: a line each with `#` comments, or CSV (also TSV) with a header.

use std::io::Read;
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
/// CSV that cannot be read, or whose header has no `github` column or one twice.
pub(super) fn parse(document: &Arc<Document>) -> Result<Vec<ListedSource>, Diagnostic> {
    let name = document.name().to_ascii_lowercase();
    if name.ends_with(".csv") || name.ends_with(".tsv") { csv(document) } else { Ok(lines(document)) }
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

/// What the columns are called elsewhere, the surest first.
const KNOWN_AS: [&str; 16] = [
    "repository",
    "repo",
    "full_name",
    "fullname",
    "name_with_owner",
    "namewithowner",
    "repo_name",
    "repository_name",
    "slug",
    "source",
    "path",
    "url",
    "html_url",
    "clone_url",
    "ssh_url",
    "name",
];

/// A record that ends every file here: where it is not read, a quote before it was not closed. No text holds a NUL.
const END: &str = "\n\0";

fn csv(document: &Arc<Document>) -> Result<Vec<ListedSource>, Diagnostic> {
    let text = document.text();
    let mut lines = text.split_inclusive('\n');
    // Excel is told the separator so.
    let skipped = lines.next().filter(|line| line.starts_with("sep=")).map_or(0, str::len);
    let text = &text[skipped..];
    let header_line = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let Some(header_line) = header_line else { return Ok(Vec::new()) };
    let mut delimiters = [b',', b';', b'\t', b'|'].into_iter();
    let names_github = |delimiter: &u8| {
        let mut titles = header_line.split(char::from(*delimiter));
        titles.any(|title| title.trim().trim_matches('"').eq_ignore_ascii_case("github"))
    };
    let delimiter = delimiters.find(names_github).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(text.as_bytes().chain(END.as_bytes()));
    let place = |position: Option<&csv::Position>| {
        let at = position.map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
        let at = skipped + at + before_record(text.get(at..).unwrap_or(""));
        Span::new(at..at)
    };
    let broken =
        |error: &csv::Error| Diagnostic::new("this line is not CSV").at(document, place(error.position()));
    let closed = |record: &csv::StringRecord| match record.iter().next_back() {
        Some(last) if last.ends_with('\0') => {
            let finding = Diagnostic::new("a quote is not closed, so this line takes in all that follow");
            let finding = finding.at(document, place(record.position()));
            Err(finding.help("close it, and double a quote within: `\"\"`"))
        }
        _ => Ok(()),
    };
    let header = reader.headers().map_err(|error| broken(&error))?.clone();
    closed(&header)?;
    let column = |name: &str| {
        let mut places = header.iter().enumerate().filter(|(_, title)| title.eq_ignore_ascii_case(name));
        match (places.next(), places.next()) {
            (Some(_), Some(_)) => {
                let finding = Diagnostic::new(format!("the CSV file's header has the column `{name}` twice"));
                Err(finding.at(document, place(header.position())).help("keep one of them"))
            }
            (first, _) => Ok(first.map(|(at, _)| at)),
        }
    };
    let Some(github) = column("github")? else {
        let finding = Diagnostic::new("the CSV file's header has no `github` column");
        let finding = finding.at(document, Span::new(skipped..skipped));
        return Err(finding.help(help_for_header(header_line, &header)));
    };
    let branch = column("branch")?;
    let mut sources = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error))?;
        let span = place(record.position());
        if record.iter().eq(["\0"]) {
            break;
        }
        closed(&record)?;
        let field = |index: usize| record.get(index).filter(|text| !text.is_empty());
        let Some(name) = field(github) else { continue };
        let branch = branch.and_then(field).map(str::to_owned);
        sources.push(ListedSource { github: name.to_owned(), branch, span });
    }
    Ok(sources)
}

/// How much stands in front of a record where its reader says that it starts: the end of a line, comments.
fn before_record(text: &str) -> usize {
    let line = text.split_inclusive('\n');
    line.take_while(|line| line.trim().is_empty() || line.starts_with('#')).map(str::len).sum()
}

/// The way out of a header without a `github` column.
fn help_for_header(line: &str, header: &csv::StringRecord) -> String {
    // Other separators are read where the header says `github`.
    let titles: Vec<&str> = match header.iter().collect::<Vec<_>>()[..] {
        [_] => line.split([';', '\t', '|']).map(|title| title.trim().trim_matches('"')).collect(),
        ref titles => titles.to_vec(),
    };
    let plain = |title: &str| title.to_lowercase().replace([' ', '-'], "_");
    let known = |names: &[&str]| {
        names.iter().find_map(|name| titles.iter().find(|title| plain(title) == *name)).copied()
    };
    let owner = known(&["owner", "org", "organization", "organisation"]);
    if let (Some(owner), Some(name)) =
        (owner, known(&["repo", "repository", "name", "repo_name", "repository_name"]))
    {
        return format!("join {} and {} in one column `github`: `owner/repo`", quoted(owner), quoted(name));
    }
    if let Some(title) = known(&KNOWN_AS).or_else(|| nearest("github", titles.iter().copied())) {
        return format!("rename the column {} to `github`", quoted(title));
    }
    if titles.first().is_some_and(|title| title.contains('/')) {
        return "its first line names the columns: put `github,branch` above".to_owned();
    }
    format!("its first line names the columns; found {}", listed(titles))
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
    fn the_header_tells_the_separator() {
        for text in [
            "github;branch\na/b;main\n",
            "github\tbranch\na/b\tmain\n",
            "\"team\";\"GitHub\" ; branch\nx;a/b;main\n",
            "github|branch\na/b|main\n",
        ] {
            assert_eq!(
                list("a.csv", text).unwrap(),
                [("a/b".to_owned(), Some("main".to_owned()), 2)],
                "{text}"
            );
        }
    }

    #[test]
    fn tables_of_other_programs_are_read() {
        let expected = |line| [("a/b".to_owned(), Some("main".to_owned()), line)];
        assert_eq!(list("a.TSV", "github\tbranch\na/b\tmain\n").unwrap(), expected(2));
        assert_eq!(list("a.csv", "github,branch\r\n# all\r\n\r\na/b,main\r\n").unwrap(), expected(4));
        assert_eq!(list("a.csv", "sep=;\r\ngithub;branch\r\na/b;main\r\n").unwrap(), expected(3));
    }

    #[test]
    fn a_quote_that_is_not_closed_swallows_no_repository() {
        for text in [
            "github,note\na/b,\"oops\nc/d,x\ne/f,y\n",
            "github,note\nx/y,\na/b,\"it \"\" is\nc/d,x",
            "\"github\",note,\"more\n",
        ] {
            assert!(list("a.csv", text).unwrap_err().contains("is not closed"), "{text}");
        }
        let found = list("a.csv", "github,note\na/b,\"two\nlines\"\nc/d,\"\"\"\"").unwrap();
        assert_eq!(found.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), ["a/b", "c/d"]);
    }

    #[test]
    fn a_column_that_counts_stands_once() {
        for text in ["github,GitHub\na/b,c/d\n", "github,branch,Branch\na/b,x,y\n"] {
            assert!(list("a.csv", text).unwrap_err().contains("twice"), "{text}");
        }
        assert_eq!(list("a.csv", "github,note,note\na/b,x,y\n").unwrap().len(), 1);
    }

    #[test]
    fn csv_without_a_line_names_nothing() {
        for text in ["", "\n\n", "# nothing yet\n", "sep=;\n", "github\n"] {
            assert_eq!(list("a.csv", text).unwrap(), [], "{text}");
        }
    }

    #[test]
    fn csv_without_the_column_says_which_is_meant() {
        let help = |text: &str| {
            let document = Arc::new(Document::new("a.csv", text));
            let finding = parse(&document).unwrap_err();
            assert!(finding.message().contains("no `github` column"));
            finding.way_out().unwrap().to_owned()
        };
        for title in [
            "repository",
            "Repo",
            "full_name",
            "nameWithOwner",
            "path",
            "Repository Name",
            "clone-url",
            "name",
            "git-hub",
        ] {
            assert_eq!(
                help(&format!("id,{title}\n1,a/b\n")),
                format!("rename the column `{title}` to `github`")
            );
        }
        assert_eq!(help("branch;repo\nmain;a/b\n"), "rename the column `repo` to `github`");
        assert_eq!(help("org,repo,x\na,b,c\n"), "join `org` and `repo` in one column `github`: `owner/repo`");
        assert!(help("a/b,main\nc/d,main\n").contains("put `github,branch` above"));
        assert!(help("x,y\n").contains("found `x` and `y`"));
    }
}
