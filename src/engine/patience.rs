//! How long a run waits for what others do.

use std::time::Duration;

use jiff::SignedDuration;

use crate::plan::Settings;

/// How long a run with nothing else to do waits for what machines may decide: checks that came no longer ago, a success that
/// has to last no longer, a time that is over by then.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// The same at a service whose time may be compressed.
pub(crate) fn patience(settings: &Settings) -> SignedDuration {
    let patience = settings.simulated.map_or(PATIENCE, |factor| PATIENCE.div_f64(factor));
    SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX)
}
