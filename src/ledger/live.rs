//! Which sessions of other runs may still be at work.

use rusqlite::params;

use super::reader::{Store, ask};
use super::{LedgerError, LedgerReader, ManifestIdentity};
use crate::outcome::{RunId, TaskRecord};
use jules::SessionId;

impl LedgerReader {
    /// The sessions that had not ended when a run last saw them, with the repositories that they work on; those of `but`
    /// left out. Simulated ones and real ones are told apart, and with `manifest` it is that one's alone.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn live_sessions(
        &self,
        but: Option<&RunId>,
        manifest: Option<&ManifestIdentity>,
        simulated: bool,
    ) -> Result<Vec<(String, SessionId)>, LedgerError> {
        let named: Vec<[String; 3]> = ask!(
            self,
            |conn| {
                let mut find = conn.prepare_cached(
                    "SELECT DISTINCT runs.id, runs.identity, runs.name FROM tasks JOIN runs ON n = run \
                     WHERE simulated = ?1 AND runs.id <> ?2 AND (outcome IS NULL OR outcome = 'detached')",
                )?;
                let named = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?]);
                let rows = find.query_map(params![simulated, but.map_or("", RunId::as_str)], named)?;
                rows.collect()
            },
            |database| database.at_work(but, manifest.is_some(), simulated)
        )?;
        let is_its =
            |[_, path, name]: &&[String; 3]| manifest.is_none_or(|manifest| manifest.covers(path, name));
        let runs = named.iter().filter(is_its).map(|[id, ..]| id);
        let mut live = Vec::new();
        for run in runs.filter_map(|id| id.parse().ok()) {
            let Some(run) = self.run(&run)? else { continue };
            live.extend(run.record.tasks.values().filter_map(TaskRecord::live_session));
        }
        Ok(live)
    }
}
