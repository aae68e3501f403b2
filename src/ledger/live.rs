//! Which sessions of other runs may still be at work.

use rusqlite::params;

use super::reader::{Store, ask};
use super::{LedgerError, LedgerReader};
use crate::outcome::{RunId, TaskRecord};
use jules::SessionId;

impl LedgerReader {
    /// The sessions that had not ended when a run last saw them, with the repositories that they work on; those of `but`
    /// left out. Simulated ones and real ones are told apart.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn live_sessions(
        &self,
        but: Option<&RunId>,
        simulated: bool,
    ) -> Result<Vec<(String, SessionId)>, LedgerError> {
        let runs: Vec<String> = ask!(
            self,
            |conn| {
                let mut find = conn.prepare_cached(
                    "SELECT DISTINCT runs.id FROM tasks JOIN runs ON n = run \
                 WHERE simulated = ?1 AND runs.id <> ?2 AND (outcome IS NULL OR outcome = 'detached')",
                )?;
                let rows =
                    find.query_map(params![simulated, but.map_or("", RunId::as_str)], |row| row.get(0))?;
                rows.collect()
            },
            |database| database.at_work(but, simulated)
        )?;
        let mut live = Vec::new();
        for run in runs.iter().filter_map(|id| id.parse().ok()) {
            let Some(run) = self.run(&run)? else { continue };
            live.extend(run.record.tasks.values().filter_map(TaskRecord::live_session));
        }
        Ok(live)
    }
}
