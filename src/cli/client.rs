//! The API client as the command line sets it up, and what its errors mean for the exit code.

use super::args::Service;
use super::exit::Exit;
use super::failure::Failure;
use crate::api::{BuildError, Error, Jules, JulesBuilder, KEY_VARIABLE};
use crate::plan::Settings;
use crate::runner;

/// A client's beginnings, with key and address from flags and environment.
pub(crate) fn builder(service: &Service) -> JulesBuilder {
    let builder = Jules::builder();
    let builder = match &service.base_url {
        Some(url) => builder.base_url(url.as_str()),
        None => builder,
    };
    builder.with_env()
}

/// The client of a command that runs no manifest; sends nothing.
pub(crate) fn connect(service: &Service) -> Result<Jules, Failure> {
    runner::connect(builder(service), &Settings::default()).map_err(unusable)
}

/// What it means that there is no client.
pub(crate) fn unusable(error: BuildError) -> Failure {
    let exit = if error.is_key() { Exit::KeyRefused } else { Exit::Usage };
    Failure::new(exit, error)
}

/// What a failed request means when nothing was started yet.
pub(crate) fn refused(error: Error) -> Failure {
    if error.is_auth() {
        return Failure::new(Exit::KeyRefused, error)
            .help(format!("check {KEY_VARIABLE}; keys are made at https://jules.google.com/settings"));
    }
    let exit =
        if error.is_transient() || error.is_capacity_refusal() { Exit::Unavailable } else { Exit::Fault };
    let failure = Failure::new(exit, error);
    if exit == Exit::Unavailable { failure.help("nothing was started; try again later") } else { failure }
}
