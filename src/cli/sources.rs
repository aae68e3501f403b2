//! `sources`: the repositories that Jules may work on.

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use foreign_text::line as neutral;
use globset::{GlobBuilder, GlobMatcher};

use super::args::Service;
use super::client::{self, failed, said_when_long};
use super::console::{Console, DIM};
use super::exit::Exit;
use super::failure::Failure;
use super::json;
use crate::report::many;
use crate::runner::{all_sources, impatient};
use jules::Source;

const AFTER_HELP: &str = "\
Repositories are connected at https://jules.google.com. QUERY is a part of the name, or a pattern when it holds * or ?.
Off a terminal the table is lines of name, default branch, private or public, and branches, with tabs between.

Examples:
  jules-batch sources
  jules-batch sources 'my-org/svc-*' --branches
  jules-batch sources web --format json |
    jq -r '.[].githubRepo.defaultBranch.displayName'";

/// `sources`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct SourcesArgs {
    /// Only those whose name holds this or is like this
    #[arg(value_name = "QUERY")]
    query: Option<String>,
    /// List the branches as well
    #[arg(long)]
    branches: bool,
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    format: SourcesFormat,
    /// How to reach the service.
    #[command(flatten)]
    service: Service,
}

/// `sources --format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum SourcesFormat {
    /// A table on a terminal, tab-separated lines elsewhere
    #[default]
    Table,
    /// One JSON array
    Json,
}

pub(crate) async fn run(args: &SourcesArgs, console: &Console) -> Result<Exit, Failure> {
    let query = args.query.as_deref().map(Query::new).transpose()?;
    let jules = impatient(&client::connect(&args.service)?);
    let listed = said_when_long("listing the sources", console, all_sources(&jules)).await;
    let all = listed.map_err(|error| client::unlisted(error, failed))?;
    let mut found: Vec<&Source> =
        all.iter().filter(|source| query.as_ref().is_none_or(|query| query.takes(&name(source)))).collect();
    found.sort_by_key(|source| name(source).to_lowercase());
    match args.format {
        SourcesFormat::Json => console.result_line(&json::text(&found)?)?,
        SourcesFormat::Table if found.is_empty() => {}
        SourcesFormat::Table if console.out_terminal() => {
            console.result_line(&table(&found, args.branches, console.size().0))?;
        }
        SourcesFormat::Table => {
            console.result(&found.iter().map(|source| line(source) + "\n").collect::<String>())?;
        }
    }
    console.say(&counted(found.len(), all.len()));
    Ok(Exit::Done)
}

fn counted(found: usize, all: usize) -> String {
    match (found, all) {
        (_, 0) => "no repository is connected: see https://jules.google.com".to_owned(),
        (found, all) if found == all => format!("{DIM}{}{DIM:#}", many(all, "source")),
        (found, all) => format!("{DIM}{found} of {}{DIM:#}", many(all, "source")),
    }
}

/// `owner/repo`, or the resource name of what is not on GitHub.
fn name(source: &Source) -> String {
    source.github().unwrap_or_else(|| source.name.to_string())
}

fn visibility(source: &Source) -> &'static str {
    match source.github_repo.as_ref().and_then(|repo| repo.is_private) {
        Some(true) => "private",
        // The service drops zero values, so silence most likely means no.
        Some(false) | None => "public",
    }
}

fn line(source: &Source) -> String {
    let branches: Vec<_> = source.branches().map(neutral).collect();
    let default = source.default_branch().unwrap_or("-");
    format!(
        "{}\t{}\t{}\t{}",
        neutral(&name(source)),
        neutral(default),
        visibility(source),
        branches.join(",")
    )
}

fn table(found: &[&Source], with_branches: bool, width: usize) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width.clamp(40, 200) as u16);
    // No styles: the table would count their characters.
    table.set_header(["Source", "Default branch", "", "Branches"]);
    for source in found {
        let branches: Vec<_> = source.branches().map(neutral).collect();
        let branches = if with_branches { branches.join("\n") } else { branches.len().to_string() };
        let default = source.default_branch().map_or_else(|| "-".to_owned(), neutral);
        table.add_row([neutral(&name(source)), default, visibility(source).to_owned(), branches]);
    }
    table.trim_fmt()
}

/// Which names are wanted.
enum Query {
    Part(String),
    Pattern(GlobMatcher),
}

impl Query {
    fn new(text: &str) -> Result<Self, Failure> {
        if !text.contains(['*', '?']) {
            return Ok(Self::Part(text.to_lowercase()));
        }
        let glob = GlobBuilder::new(text).case_insensitive(true).build().map_err(Failure::usage)?;
        Ok(Self::Pattern(glob.compile_matcher()))
    }

    fn takes(&self, name: &str) -> bool {
        match self {
            Self::Part(part) => name.to_lowercase().contains(part),
            Self::Pattern(pattern) => pattern.is_match(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_query_is_a_part_or_a_pattern() {
        let takes = |query: &str, name: &str| Query::new(query).unwrap().takes(name);
        assert!(takes("WEB", "my-org/web") && !takes("web2", "my-org/web"));
        assert!(takes("my-org/*", "My-Org/web") && !takes("web*", "my-org/web"));
    }

    #[test]
    fn the_columns_of_the_table_stand_below_each_other() {
        let source: Source =
            serde_json::from_value(json!({"name": "sources/github/my-org/a-long-name"})).unwrap();
        let text = table(&[&source], false, 100);
        let place = |line: &str, words: &str| line.find(words).map(|at| line[..at].chars().count());
        let lines: Vec<&str> = text.lines().collect();
        assert!(place(lines[1], "Branches").is_some(), "{text}");
        assert_eq!(place(lines[1], "Branches"), place(lines[3], "0"), "{text}");
        assert!(lines.iter().all(|line| line.chars().count() == lines[0].chars().count()), "{text}");
    }

    #[test]
    fn a_line_tells_all_and_bends_nothing() {
        let source: Source = serde_json::from_value(json!({
            "name": "sources/github/o/r",
            "githubRepo": {
                "owner": "o", "repo": "r", "isPrivate": true, "defaultBranch": {"displayName": "main"},
                "branches": [{"displayName": "main"}, {"displayName": "x\ty\u{1b}[31m"}],
            },
        }))
        .unwrap();
        assert_eq!(line(&source), "o/r\tmain\tprivate\tmain,x y");
    }
}
