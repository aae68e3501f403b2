//! Which service a run talks to: the real one, or the simulator in this process.

use std::path::PathBuf;

use super::args::{RunArgs, SimulateWith};
use super::rehearsal;
use crate::cli::args::Service;
use crate::cli::client;
use crate::cli::console::{Console, DIM, YELLOW};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::github;
use crate::cli::simulate::scenario;
use crate::manifest::Manifest;
use crate::plan::Plan;
use crate::report::many;
use crate::runner::{Options, Runner};
use crate::simulator::Simulator;
use jules::{ApiKey, Jules, Secret};

/// Where simulated sessions say that their pages are: nowhere, and it can be seen that it is.
const PAGES: &str = "https://simulated.invalid";

/// The service of a run.
pub(super) enum Target {
    /// The real one, or wherever the flags and the environment point to.
    Real(Service),
    /// The simulator.
    Simulated {
        simulator: Simulator,
        /// Seconds of service time in one real second.
        speed: f64,
        /// A key that it takes.
        key: ApiKey,
        /// A token that its GitHub takes.
        token: Secret,
    },
}

impl Target {
    /// Starts the simulator if the flags ask for it.
    pub(super) async fn of(args: &RunArgs, manifest: &Manifest) -> Result<Self, Failure> {
        let path: Option<&PathBuf> = match &args.simulate {
            None | Some(SimulateWith::No) => return Ok(Self::Real(args.service.clone())),
            Some(SimulateWith::Demo) => None,
            Some(SimulateWith::Scenario(path)) => Some(path),
        };
        let scenario = scenario(path.map(PathBuf::as_path))?.with_pages(PAGES);
        let speed = scenario.speed();
        let key = ApiKey::new(scenario.key()).map_err(|error| Failure::new(Exit::Fault, error))?;
        let token = Secret::new(scenario.github_token());
        let token = token.map_err(|error| Failure::new(Exit::Fault, error))?;
        let simulator = Simulator::start(scenario).await.map_err(|error| Failure::new(Exit::Fault, error))?;
        rehearsal::connect(&simulator, manifest);
        Ok(Self::Simulated { simulator, speed, key, token })
    }

    /// The run, against this service.
    pub(super) fn serve(&self, runner: Runner, mut options: Options) -> Result<Runner, Failure> {
        Ok(match self {
            Self::Real(service) => {
                runner.options(options).client(client::builder(service)?).github_client(github::connect()?)
            }
            Self::Simulated { simulator, speed, key, token } => {
                let builder = Jules::builder().api_key(key.clone()).base_url(simulator.url());
                options.state = options.state.simulated();
                let github = github::at(simulator.github_url(), token)?;
                runner.options(options).client(builder).github_client(Some(github)).simulated(*speed)
            }
        })
    }

    /// Tells the simulator what earlier runs have begun.
    pub(super) fn take_up(&self, plan: &Plan, args: &RunArgs) {
        if let (Self::Simulated { simulator, .. }, Ok(location)) = (self, args.state.location()) {
            rehearsal::take_up(simulator, plan, &location.simulated());
        }
    }

    /// What a user must know of it before the run.
    pub(super) fn note(&self) -> Option<String> {
        match self {
            Self::Real(_) => None,
            Self::Simulated { speed, .. } => Some(format!(
                "SIMULATED: no session is created at Jules; the built-in simulator plays {speed} s of service time \
                 a second"
            )),
        }
    }

    /// What the simulator has seen.
    pub(super) fn leave(&self, console: &Console) {
        let Self::Simulated { simulator, .. } = self else { return };
        let statistics = simulator.statistics();
        if statistics.created > 0 {
            console.say(&format!(
                "{DIM}the simulator saw {}, at most {} live at once{DIM:#}",
                many(statistics.created, "session"),
                statistics.live_max
            ));
        }
        for duplicate in &statistics.duplicates {
            console.say(&format!("{YELLOW}created twice:{YELLOW:#} {}", duplicate.what));
        }
    }
}
