//! `run`: a manifest to its end.

mod args;
mod fail_on;

pub(crate) use args::{JunitProfile, ReportArgs, RunArgs, SimulateWith};
pub(crate) use fail_on::FailOn;
