//! The flags that the commands about sessions share: which session is meant, how to reach the service, how long to wait, how
//! to print.

use std::time::Duration;

use clap::ValueEnum;

use crate::cli::args::Service;
use crate::cli::client;
use crate::cli::failure::Failure;
use crate::manifest::parse_duration;
use crate::runner::impatient;
use jules::{InvalidId, Jules, SessionClient, SessionId};

/// Which session, and how to reach the service.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Target {
    /// Which session
    #[arg(value_name = "SESSION", value_parser = session_id)]
    pub(super) id: SessionId,
    /// How to reach the service.
    #[command(flatten)]
    pub(super) access: Access,
}

impl Target {
    /// [`Access::patient`]
    pub(super) fn patient(&self) -> Result<SessionClient, Failure> {
        Ok(self.access.patient()?.attach(self.id.clone()))
    }

    /// [`Access::prompt`]
    pub(super) fn prompt(&self) -> Result<SessionClient, Failure> {
        Ok(self.access.prompt()?.attach(self.id.clone()))
    }
}

/// How to reach the service, and how often to ask it.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Access {
    /// How to reach the service.
    #[command(flatten)]
    service: Service,
    /// The distance between two requests while something is waited for
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "5s", help_heading = "Service")]
    pub(super) poll_interval: Duration,
}

impl Access {
    /// A client that tolerates passing trouble: for commands that follow a session.
    pub(super) fn patient(&self) -> Result<Jules, Failure> {
        let jules = client::connect(&self.service)?;
        let interval = self.poll_interval;
        Ok(jules.with(|options| options.poll_interval(interval)))
    }

    /// A client that gives up soon: somebody waits for a short answer.
    pub(super) fn prompt(&self) -> Result<Jules, Failure> {
        Ok(impatient(&self.patient()?))
    }
}

/// How long a command that waits does so at most.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Patience {
    /// How long to wait at most; 0s waits for ever
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "2h")]
    timeout: Duration,
}

impl Patience {
    pub(super) fn limit(self) -> Option<Duration> {
        (!self.timeout.is_zero()).then_some(self.timeout)
    }
}

/// `--format text|json`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For reading
    #[default]
    Text,
    /// For programs
    Json,
}

/// Reads any name of a session, for clap.
pub(super) fn session_id(text: &str) -> Result<SessionId, String> {
    text.parse().map_err(|error: InvalidId| error.to_string())
}
