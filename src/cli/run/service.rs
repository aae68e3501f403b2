//! Which service a run talks to: the real one, or the simulator in this process.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::args::{RunArgs, SimulateWith};
use crate::api::{Jules, ListSessions};
use crate::cli::args::Service;
use crate::cli::client;
use crate::cli::console::{Console, DIM, YELLOW};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::simulate::scenario;
use crate::plan::{Plan, RetryPolicy, Settings};
use crate::simulator::Simulator;

/// The service of a run.
pub(super) enum Target {
    /// The real one, or wherever the flags and the environment point to.
    Real(Service),
    /// The simulator.
    Simulated {
        simulator: Simulator,
        /// Seconds of service time in one real second.
        speed: f64,
        /// A simulated run is always fresh: its ledger goes with it.
        state: TempDir,
    },
}

impl Target {
    /// Starts the simulator if the flags ask for it.
    pub(super) async fn of(args: &RunArgs) -> Result<Self, Failure> {
        let path: Option<&PathBuf> = match &args.simulate {
            None | Some(SimulateWith::No) => return Ok(Self::Real(args.service.clone())),
            Some(SimulateWith::Demo) => None,
            Some(SimulateWith::Scenario(path)) => Some(path),
        };
        let scenario = scenario(path.map(PathBuf::as_path))?;
        let speed = scenario.speed();
        let state = tempfile::tempdir().map_err(|error| Failure::new(Exit::NotWritable, error))?;
        let simulator = Simulator::start(scenario).await.map_err(|error| Failure::new(Exit::Fault, error))?;
        Ok(Self::Simulated { simulator, speed, state })
    }

    pub(super) fn is_simulated(&self) -> bool {
        matches!(self, Self::Simulated { .. })
    }

    pub(super) fn connect(&self, settings: &Settings) -> Result<Jules, Failure> {
        match self {
            Self::Real(service) => client::connect(service, settings),
            Self::Simulated { simulator, .. } => client::connect_to_simulator(&simulator.url(), settings),
        }
    }

    /// The plan in the service's time: a simulator that plays a minute in a second gets a sixtieth of every
    /// timeout and pause, so that each rule meets the same story.
    pub(super) fn fit(&self, mut plan: Plan) -> Plan {
        let Self::Simulated { speed, .. } = self else { return plan };
        plan.settings = plan.settings.compressed(*speed);
        for task in &mut plan.tasks {
            task.timeouts = task.timeouts.compressed(*speed);
            let retries = RetryPolicy {
                delay: task.retries.delay.div_f64(*speed),
                max_delay: task.retries.max_delay.div_f64(*speed),
                ..(*task.retries).clone()
            };
            task.retries = retries.into();
        }
        plan
    }

    /// The folder of the ledger.
    pub(super) fn state_dir<'a>(&'a self, real: &'a Path) -> &'a Path {
        match self {
            Self::Real(_) => real,
            Self::Simulated { state, .. } => state.path(),
        }
    }

    /// The first request: whether the service is there and takes the key, before anything is started or written.
    pub(super) async fn greet(&self, api: &Jules) -> Result<(), Failure> {
        if self.is_simulated() {
            return Ok(());
        }
        let page = ListSessions { page_size: Some(1), ..ListSessions::default() };
        client::impatient(api).list_sessions(&page).await.map(drop).map_err(client::refused)
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
        let books = simulator.books();
        console.say(&format!(
            "{DIM}the simulator saw {} sessions, at most {} live at once{DIM:#}",
            books.created, books.live_max
        ));
        for duplicate in &books.duplicates {
            console.say(&format!("{YELLOW}created twice:{YELLOW:#} {}", duplicate.what));
        }
    }
}
