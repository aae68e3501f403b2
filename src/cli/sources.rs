//! `sources`: the repositories that the account has connected.

use clap::ValueEnum;

use super::args::Service;
use super::client;
use super::console::{Console, DIM};
use super::exit::Exit;
use super::failure::Failure;
use super::plan::many;
use crate::api::Source;
use crate::plan::Settings;
use crate::report::console_fragment as neutral;

const AFTER_HELP: &str = "\
Stdout carries one line per source: owner/repo, default branch, other branches, with tabs between.

Examples:
  jules-batch sources
  jules-batch sources my-org/svc-
  jules-batch sources --format json | jq -r '.[].githubRepo.defaultBranch.displayName'";

/// `sources`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct SourcesArgs {
    /// Only sources whose name contains this, in any case
    #[arg(value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    pub(crate) format: SourcesFormat,
    /// How to reach the service.
    #[command(flatten)]
    pub(crate) service: Service,
}

/// `sources --format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SourcesFormat {
    /// Tab-separated lines
    #[default]
    Text,
    /// The sources as the service has them, as a JSON array
    Json,
}

pub(crate) async fn run(args: &SourcesArgs, console: &Console) -> Result<Exit, Failure> {
    let jules = client::impatient(&client::connect(&args.service, &Settings::default())?);
    let mut sources = client::all_sources(&jules).await.map_err(client::refused)?;
    if let Some(text) = &args.search {
        let text = text.to_lowercase();
        sources.retain(|source| name(source).to_lowercase().contains(&text));
    }
    sources.sort_by_key(|source| name(source).to_lowercase());
    match args.format {
        SourcesFormat::Json => {
            let json = serde_json::to_string_pretty(&sources).map_err(|e| Failure::new(Exit::Fault, e))?;
            console.result_line(&json)?;
        }
        SourcesFormat::Text => {
            console.result(&sources.iter().map(|source| line(source) + "\n").collect::<String>())?;
        }
    }
    console.say(&format!("{DIM}{}{DIM:#}", many(sources.len(), "source")));
    if sources.is_empty() && args.search.is_none() {
        console.say("connect repositories at https://jules.google.com");
    }
    Ok(Exit::Done)
}

fn name(source: &Source) -> String {
    source.github().unwrap_or_else(|| source.name.as_str().to_owned())
}

fn line(source: &Source) -> String {
    let default = source.default_branch().unwrap_or("-");
    let others: Vec<String> = source.branches().filter(|branch| *branch != default).map(neutral).collect();
    format!("{}\t{}\t{}", neutral(&name(source)), neutral(default), others.join(" "))
}
