//! Files that list repositories: a line each with `#` comments, or CSV (also TSV) with a header.

use std::io::Read;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, listed, nearest, quoted};
use super::document::{Document, Span};

/// A list of repositories.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceList {
    pub(crate) sources: Vec<ListedSource>,
    /// What is probably not meant so.
    pub(crate) warnings: Vec<Diagnostic>,
    /// Where a column is called like those that others keep a branch in, and none is called `branch`.
    pub(crate) branch_like: Option<Diagnostic>,
}

/// One repository of a list, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedSource {
    /// `owner/repo`, perhaps with `@branch`.
    pub(crate) github: String,
    /// The CSV file's `branch` column, where it is not empty.
    pub(crate) branch: Option<String>,
    /// The CSV file's further columns.
    pub(crate) row: Option<Row>,
    /// Where it stands in the list.
    pub(crate) span: Span,
}

/// The further columns of a CSV file, in one line of it: what `${{ source.COLUMN }}` reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    names: Arc<[String]>,
    /// As many.
    fields: Arc<[String]>,
}

impl Row {
    /// The columns in the order of the file.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// What stands in a column, whose name is without case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let same = |other: &&str| other.eq_ignore_ascii_case(name);
        let at = self.names.iter().position(|other| same(&other.as_str()))?;
        self.fields.get(at).map(String::as_str)
    }
}

/// Reads a list; its name says which of the two forms it has.
///
/// # Errors
///
/// CSV that cannot be read, or whose header has no `github` column or one twice.
pub(super) fn parse(document: &Arc<Document>) -> Result<SourceList, Diagnostic> {
    let name = document.name().to_ascii_lowercase();
    if name.ends_with(".csv") || name.ends_with(".tsv") {
        return csv(document);
    }
    Ok(SourceList { sources: lines(document), ..SourceList::default() })
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
            sources.push(ListedSource { github: entry.to_owned(), branch: None, row: None, span });
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

fn csv(document: &Arc<Document>) -> Result<SourceList, Diagnostic> {
    let Some(mut table) = Table::of(document) else { return Ok(SourceList::default()) };
    let header = table.reader.headers().cloned();
    let header = header.map_err(|error| table.broken(&error))?;
    table.closed(&header)?;
    let columns = Columns::of(&table, &header)?;
    let mut list = SourceList {
        warnings: columns.warnings(&table, &header),
        branch_like: columns.branch_like(&table, &header),
        ..SourceList::default()
    };
    let mut record = csv::StringRecord::new();
    while table.reader.read_record(&mut record).map_err(|error| table.broken(&error))? {
        if record.iter().eq(["\0"]) {
            break;
        }
        table.closed(&record)?;
        let field = |index: usize| record.get(index).filter(|text| !text.is_empty());
        let Some(github) = field(columns.github) else { continue };
        list.sources.push(ListedSource {
            github: github.to_owned(),
            branch: columns.branch.and_then(field).map(str::to_owned),
            row: columns.row(&record),
            span: table.place(record.position()),
        });
    }
    Ok(list)
}

/// A CSV file with a header.
struct Table<'a> {
    document: &'a Arc<Document>,
    text: &'a str,
    /// What stands before the text.
    skipped: usize,
    header_line: &'a str,
    reader: csv::Reader<std::io::Chain<&'a [u8], &'static [u8]>>,
}

impl<'a> Table<'a> {
    /// Nothing where no line is a header.
    fn of(document: &'a Arc<Document>) -> Option<Self> {
        let text = document.text();
        let mut lines = text.split_inclusive('\n');
        // Excel is told the separator so.
        let skipped = lines.next().filter(|line| line.starts_with("sep=")).map_or(0, str::len);
        let text = &text[skipped..];
        let header_line = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'))?;
        let mut delimiters = [b',', b';', b'\t', b'|'].into_iter();
        let names_github = |delimiter: &u8| {
            let mut titles = header_line.split(char::from(*delimiter));
            titles.any(|title| title.trim().trim_matches('"').eq_ignore_ascii_case("github"))
        };
        let reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .comment(Some(b'#'))
            .delimiter(delimiters.find(names_github).unwrap_or(b','))
            .flexible(true)
            .from_reader(text.as_bytes().chain(END.as_bytes()));
        Some(Self { document, text, skipped, header_line, reader })
    }

    fn place(&self, position: Option<&csv::Position>) -> Span {
        let at = position.map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
        let at = self.skipped + at + before_record(self.text.get(at..).unwrap_or(""));
        Span::new(at..at)
    }

    fn broken(&self, error: &csv::Error) -> Diagnostic {
        Diagnostic::new("this line is not CSV").at(self.document, self.place(error.position()))
    }

    /// A finding in the header.
    fn in_header(&self, header: &csv::StringRecord, what: String) -> Diagnostic {
        Diagnostic::new(what).at(self.document, self.place(header.position()))
    }

    /// Refuses a record with a quote that is not closed.
    fn closed(&self, record: &csv::StringRecord) -> Result<(), Diagnostic> {
        match record.iter().next_back() {
            Some(last) if last.ends_with('\0') => {
                let finding = Diagnostic::new("a quote is not closed, so this line takes in all that follow");
                let finding = finding.at(self.document, self.place(record.position()));
                Err(finding.help("close it, and double a quote within: `\"\"`"))
            }
            _ => Ok(()),
        }
    }
}

/// Which columns a CSV file has, by their index.
struct Columns {
    github: usize,
    branch: Option<usize>,
    further: Vec<usize>,
    names: Arc<[String]>,
}

/// What expressions know of every source.
const OF_SOURCES: [&str; 4] = ["github", "branch", "owner", "repo"];

impl Columns {
    fn of(table: &Table<'_>, header: &csv::StringRecord) -> Result<Self, Diagnostic> {
        let column = |name: &str| {
            let mut places = header.iter().enumerate().filter(|(_, title)| title.eq_ignore_ascii_case(name));
            match (places.next(), places.next()) {
                (Some(_), Some(_)) => {
                    let what = format!("the CSV file's header has the column `{name}` twice");
                    Err(table.in_header(header, what).help("keep one of them"))
                }
                (first, _) => Ok(first.map(|(at, _)| at)),
            }
        };
        let Some(github) = column("github")? else {
            let finding = Diagnostic::new("the CSV file's header has no `github` column");
            let finding = finding.at(table.document, Span::new(table.skipped..table.skipped));
            return Err(finding.help(help_for_header(table.header_line, header)));
        };
        let branch = column("branch")?;
        let is_further = |title: &str| {
            !title.is_empty() && !OF_SOURCES.iter().any(|name| title.eq_ignore_ascii_case(name))
        };
        let further = header.iter().enumerate().filter(|(_, title)| is_further(title));
        let (further, names): (Vec<usize>, Vec<String>) =
            further.map(|(at, title)| (at, title.to_owned())).unzip();
        Ok(Self { github, branch, further, names: names.into() })
    }

    fn row(&self, record: &csv::StringRecord) -> Option<Row> {
        let fields = self.further.iter().map(|&at| record.get(at).unwrap_or_default().to_owned());
        (!self.names.is_empty()).then(|| Row { names: Arc::clone(&self.names), fields: fields.collect() })
    }

    /// Columns that nobody can read.
    fn warnings(&self, table: &Table<'_>, header: &csv::StringRecord) -> Vec<Diagnostic> {
        let hidden = header
            .iter()
            .filter(|title| ["owner", "repo"].iter().any(|name| title.eq_ignore_ascii_case(name)));
        let hidden = hidden.map(|title| {
            let what = format!("no expression can read the column {}", quoted(title));
            let name = title.to_ascii_lowercase();
            table
                .in_header(header, what)
                .help(format!("`source.{name}` is a part of `github`: call the column otherwise"))
        });
        let first = |at: usize| {
            self.names.iter().position(|name| name.eq_ignore_ascii_case(&self.names[at])) == Some(at)
        };
        let twice = (0..self.names.len()).filter(|&at| !first(at)).map(|at| {
            let name = &self.names[at];
            let what = format!("the CSV file's header has the column {} twice", quoted(name));
            table.in_header(header, what).help(format!("{} is the first", quoted(&format!("source.{name}"))))
        });
        hidden.chain(twice).map(Diagnostic::warning).collect()
    }

    fn branch_like(&self, table: &Table<'_>, header: &csv::StringRecord) -> Option<Diagnostic> {
        let plain = |title: &str| title.to_lowercase().replace([' ', '-', '_'], "");
        let is_like = |name: &&String| {
            ["defaultbranch", "ref", "basebranch", "defaultbranchref"].contains(&plain(name).as_str())
        };
        let name = self.names.iter().find(is_like).filter(|_| self.branch.is_none())?;
        let what = format!("the column {} is not read as the branch", quoted(name));
        let help =
            format!("call it `branch`, or write {}", quoted(&format!("branch: ${{{{ source.{name} }}}}")));
        Some(table.in_header(header, what).help(help).warning())
    }
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
        let sources = parse(&document).map_err(|finding| finding.message().to_owned())?.sources;
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
    fn further_columns_are_kept() {
        let document = Arc::new(Document::new(
            "a.csv",
            "team-name,github,Owner,branch,note,note,\ncore,a/b,me,main,x,y,z\n,c/d\n",
        ));
        let list = parse(&document).unwrap();
        let [first, second] = &list.sources[..] else { panic!("{list:?}") };
        let (first, second) = (first.row.as_ref().unwrap(), second.row.as_ref().unwrap());
        assert_eq!(first.names(), ["team-name", "note", "note"]);
        assert_eq!(first.get("Team-Name"), Some("core"));
        assert_eq!((first.get("note"), second.get("note")), (Some("x"), Some("")));
        assert_eq!((first.get("owner"), first.get("branch"), first.get("")), (None, None, None));
        let warnings: Vec<_> = list.warnings.iter().map(Diagnostic::message).collect();
        assert_eq!(
            warnings,
            [
                "no expression can read the column `Owner`",
                "the CSV file's header has the column `note` twice"
            ]
        );
        assert!(list.branch_like.is_none());
        let document = Arc::new(Document::new("a.csv", "github,Default Branch\na/b,main\n"));
        let finding = parse(&document).unwrap().branch_like.unwrap();
        assert_eq!(finding.message(), "the column `Default Branch` is not read as the branch");
        let document = Arc::new(Document::new("a.csv", "github\na/b\n"));
        assert_eq!(parse(&document).unwrap().sources[0].row, None);
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
