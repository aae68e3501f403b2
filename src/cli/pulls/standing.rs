//! How pull requests stand by the ledger alone: what the action tells, which has read them already.

use std::path::Path;

use super::render::{self, Totals};
use super::which;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::recorded::unreadable;
use crate::ledger::{LedgerError, LedgerReader, Location, ManifestIdentity, WhichPulls};
#[cfg(feature = "serve")]
use crate::outcome::{Stage, WaitsFor};
use crate::runner::KnownPull;

/// The pull requests of a manifest's runs, or of all runs of a state folder.
#[derive(Default)]
pub(crate) struct Standing {
    /// What needs people first.
    shown: Vec<KnownPull>,
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
        Self::of(&reader, manifest.as_ref(), which::not_over()).map(Some).map_err(unreadable)
    }

    /// Those of all runs that are not simulated: the open ones, or those at this stage.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    #[cfg(feature = "serve")]
    pub(crate) fn of_all(reader: &LedgerReader, stage: Option<Stage>) -> Result<Self, LedgerError> {
        let over = stage.is_some_and(|stage| stage.waits_for() == WaitsFor::Nobody);
        let which = if over { WhichPulls::All } else { which::not_over() };
        let mut all = Self::of(reader, None, which)?;
        if let Some(stage) = stage {
            all.shown.retain(|pull| render::stage(pull) == Some(stage));
        }
        Ok(all)
    }

    fn of(
        reader: &LedgerReader,
        manifest: Option<&ManifestIdentity>,
        which: WhichPulls,
    ) -> Result<Self, LedgerError> {
        let mut shown = KnownPull::all(reader, manifest, which)?;
        let (merged, closed) = reader.pulls_over(manifest)?;
        let totals = Totals::of(&shown, merged, closed);
        render::sort(&mut shown);
        Ok(Self { shown, totals })
    }

    /// Those that the same has to act on, in their order, each group under its heading.
    #[cfg(feature = "serve")]
    pub(crate) fn groups(&self) -> impl Iterator<Item = (&'static str, &[KnownPull])> {
        render::groups(&self.shown).map(|group| (render::heading(&group[0]), group))
    }

    /// How many stand at each stage that occurs, in the order of the groups, and how many were not read so far.
    #[cfg(feature = "serve")]
    pub(crate) fn counts(&self) -> (Vec<(Stage, usize)>, usize) {
        self.totals.counts()
    }

    /// How many are open, or may be.
    #[cfg(feature = "serve")]
    pub(crate) fn open(&self) -> usize {
        self.totals.open()
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
        render::markdown(&self.shown, &self.totals)
    }
}
