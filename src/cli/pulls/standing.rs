//! How pull requests stand by the ledger alone: what the action tells, which has read them already.

use std::path::Path;

use super::render::{self, Totals};
use super::which;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::recorded::unreadable;
use crate::ledger::{LedgerReader, Location};
use crate::runner::KnownPull;

/// The pull requests of a manifest's runs, or of all runs of a state folder.
pub(crate) struct Standing {
    open: Vec<KnownPull>,
    totals: Totals,
}

impl Standing {
    /// Those of the manifest at `path`, with these variables; of all manifests without. None before the first run.
    ///
    /// # Errors
    ///
    /// When the manifest is wrong, or the ledger cannot be read.
    pub(crate) fn read(
        location: &Location,
        manifest: Option<(&Path, &[String])>,
        console: &Console,
    ) -> Result<Option<Self>, Failure> {
        let reader = match LedgerReader::open(location) {
            Err(error) if error.is_missing() => return Ok(None),
            reader => reader.map_err(unreadable)?,
        };
        let identity = |(path, var)| which::identity(path, location, var, console);
        let manifest = manifest.map(identity).transpose()?;
        let mut open = KnownPull::all(&reader, manifest.as_ref(), which::not_over()).map_err(unreadable)?;
        let (merged, closed) = reader.pulls_over(manifest.as_ref()).map_err(unreadable)?;
        let totals = Totals::of(&open, merged, closed);
        render::sort(&mut open);
        Ok(Some(Self { open, totals }))
    }

    /// The action's outputs.
    pub(crate) fn outputs(&self) -> Vec<(&'static str, String)> {
        self.totals.outputs()
    }

    /// The same where nothing is known.
    pub(crate) fn outputs_of_none() -> Vec<(&'static str, String)> {
        Totals::default().outputs()
    }

    /// A table for each who has to act.
    pub(crate) fn markdown(&self) -> String {
        render::markdown(&self.open, &self.totals)
    }
}
