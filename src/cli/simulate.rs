//! `simulate`: the simulator as a server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use foreign_text::line as neutral;

use super::console::{BOLD, Console, DIM};
use super::exit::Exit;
use super::failure::Failure;
use super::input;
use super::json;
use super::number::{factor, port};
use super::quote::quoted;
use super::signals::Signals;
use crate::simulator::{Scenario, Simulator};

const AFTER_HELP: &str = "\
Stdout carries the base URL in one line, then, after a signal, what the simulator saw as JSON.
While it runs, GET /statistics, /statistics/sessions and /statistics/pulls tell the same.

The pull requests of its sessions are on a GitHub that it plays at the same address: REST at /, GraphQL at /graphql. For gh:
  GH_HOST=github.localhost GH_TOKEN=any HTTP_PROXY=http://127.0.0.1:8080 gh pr list -R github.localhost/my-org/web

A scenario says what sessions do, by prompt or source, and what goes wrong on the way. --example prints one with every
key in it; take what is needed of it.

Examples:
  jules-batch simulate --port 8080
  export JULES_API_KEY=any JULES_BASE_URL=http://127.0.0.1:8080/v1alpha
  jules-batch run jobs.yaml

  jules-batch simulate --example > scenario.yaml
  jules-batch run jobs.yaml --simulate=scenario.yaml";

/// `simulate`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct SimulateArgs {
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "N", value_parser = port, default_value = "0")]
    pub(crate) port: u16,
    /// What sessions do, as a YAML file; without it they behave well, a minute of service time a second
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// Print a scenario that shows every key, and serve nothing
    #[arg(long, conflicts_with_all = ["port", "scenario", "speed"])]
    pub(crate) example: bool,
    /// Seconds of service time in one real second [default: the scenario's]
    #[arg(long, value_name = "FACTOR", value_parser = factor)]
    pub(crate) speed: Option<f64>,
}

/// The scenario of a file, or the built-in one.
pub(crate) fn scenario(path: Option<&Path>) -> Result<Scenario, Failure> {
    let Some(path) = path else { return Ok(Scenario::demo()) };
    let text = input::read("scenario", path).map_err(|failure| failure.help(EXAMPLE))?;
    let shown = path.display().to_string();
    Scenario::from_yaml(&text, &shown).map_err(|error| {
        if is_manifest(path) {
            return Failure::usage(format!("`{}` is a manifest, not a scenario", neutral(&shown)))
                .help(format!("name it first: jules-batch run {} --simulate", quoted(path)));
        }
        Failure::new(Exit::ManifestInvalid, error).help(EXAMPLE)
    })
}

/// The way out for whoever has no scenario that can be played.
const EXAMPLE: &str = "see every key that a scenario can have: jules-batch simulate --example";

/// Whether a file that was named as a scenario looks like a manifest.
fn is_manifest(path: &Path) -> bool {
    has_key(path, &["jobs"])
}

/// Whether a file that was named as a manifest looks like a scenario.
pub(crate) fn is_scenario(path: &Path) -> bool {
    has_key(path, &["speed", "rules", "faults", "history", "any-source", "field-masks", "sources"])
        && !is_manifest(path)
}

/// Whether one of these keys stands at the top of a file.
fn has_key(path: &Path, keys: &[&str]) -> bool {
    let text = input::read("file", path).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.trim_start_matches(['{', ' ']).split_once(':'))
        .any(|(key, _)| keys.contains(&key))
}

pub(crate) async fn run(args: &SimulateArgs, console: &Console) -> Result<Exit, Failure> {
    if args.example {
        console.result(Scenario::REFERENCE)?;
        return Ok(Exit::Done);
    }
    let mut scenario = scenario(args.scenario.as_deref())?;
    if let Some(speed) = args.speed {
        scenario = scenario.with_speed(speed);
    }
    let speed = scenario.speed();
    let mut signals = Signals::new()?;
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), args.port);
    let simulator = Simulator::bind(address, scenario).await.map_err(|error| {
        let failure = Failure::new(Exit::Fault, format!("cannot listen on {address}")).because(&error);
        failure.help("choose another --port")
    })?;
    let url = simulator.url();
    let github = simulator.github_url();
    console.result_line(&url)?;
    console.say(&format!(
        "{BOLD}Jules, simulated,{BOLD:#} {speed} s of service time a second. Any key will do. In another terminal:\n  \
         JULES_API_KEY=any JULES_BASE_URL={url} jules-batch run jobs.example.yaml\n\
         GitHub, where the pull requests are, with any token: GITHUB_API_URL={github} GITHUB_GRAPHQL_URL={github}/graphql\n\
         {DIM}Ctrl-C ends it and prints what it saw.{DIM:#}"
    ));
    signals.next().await;
    let statistics = json::text(&simulator.statistics())?;
    simulator.shutdown().await;
    console.result_line(&statistics)?;
    // To be stopped is how this command ends well.
    Ok(Exit::Done)
}
