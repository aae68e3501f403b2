//! `schema`: the JSON Schemas of what goes in and what comes out.

use clap::ValueEnum;

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use crate::simulator::Scenario;
use crate::{manifest, report};

const AFTER_HELP: &str = "\
Examples:
  For editors, named in a manifest's first line:
    jules-batch schema manifest > jobs.schema.json
    # yaml-language-server: $schema=./jobs.schema.json
  For programs that read reports:
    jules-batch schema report > report.schema.json
  For programs that a webhook of `notify` tells (to: json):
    jules-batch schema notice > notice.schema.json
  Of what the simulator plays:
    jules-batch schema scenario > scenario.schema.json";

/// `schema`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct SchemaArgs {
    /// Of what
    #[arg(value_name = "WHAT", value_enum)]
    pub(crate) what: What,
}

/// What a schema is of.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum What {
    /// The manifest, jobs.yaml
    Manifest,
    /// The report, report.json
    Report,
    /// What a webhook { to: json } of notify is sent
    Notice,
    /// What the simulator plays, --simulate=scenario.yaml
    Scenario,
}

pub(crate) fn run(args: &SchemaArgs, console: &Console) -> Result<Exit, Failure> {
    let schema = match args.what {
        What::Manifest => manifest::json_schema(),
        What::Report => report::report_schema(),
        What::Notice => report::notice_schema(),
        What::Scenario => Scenario::json_schema(),
    };
    console.result_line(&format!("{schema:#}"))?;
    Ok(Exit::Done)
}
