//! What an invocation asks of GitHub: at its start, before anything is decided, and at its end.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{FollowedPull, PullRead, PullReader, record, troubles};
use crate::engine::AtEnd;
use crate::github::GitHub;
use crate::ledger::Ledger;
use crate::outcome::{EventKind, GithubUsage, RunRecord};
use crate::pulls::Terms;
use crate::report::many;
use crate::runner::{Redactor, RunError};

/// How long the start may wait for GitHub, and the end.
const AT_START: Duration = Duration::from_secs(20);
const AT_END: Duration = Duration::from_secs(10);

/// GitHub, as far as a run has to do with it.
#[derive(Debug)]
pub(crate) struct Following {
    pub(crate) github: GitHub,
    pub(crate) terms: Terms,
}

/// What was read at the start, of the pull requests of the manifest's earlier rounds and of the one that is gone on with.
#[derive(Debug, Default)]
pub(crate) struct PullsBefore {
    reads: Vec<(FollowedPull, PullRead)>,
    usage: GithubUsage,
    /// What a user should know: in one line each.
    pub(crate) notes: Vec<String>,
}

impl PullsBefore {
    /// Reads those that may still change.
    pub(crate) async fn read(followed: Vec<FollowedPull>, following: Option<&Following>) -> Self {
        let followed: Vec<_> = followed.into_iter().filter(FollowedPull::may_change).collect();
        if followed.is_empty() {
            return Self::default();
        }
        let Some(Following { github, terms }) = following else {
            let note = format!(
                "nobody looks what became of {}: no token for GitHub is set (JULES_BATCH_GITHUB_TOKEN, GH_TOKEN, GITHUB_TOKEN)",
                many(followed.len(), "pull request")
            );
            return Self { notes: vec![note], ..Self::default() };
        };
        let reader = PullReader::new(github, terms.clone());
        let reads = reader.read(&followed, Instant::now() + AT_START).await;
        let reads: Vec<_> = followed.into_iter().zip(reads).collect();
        Self { notes: troubles(reads.iter().map(|(pull, read)| (pull, read))), usage: reader.used(), reads }
    }

    /// Enters it into the ledger.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read or written.
    pub(crate) fn record(
        &self,
        ledger: Ledger,
        redactor: &Redactor,
        began: Timestamp,
    ) -> Result<Ledger, RunError> {
        record(ledger, redactor, self.reads.iter().map(|(pull, read)| (pull, read)), self.usage, began)
    }
}

/// Reads the run's pull requests when all else is done. What kept GitHub from telling is noted, but for what was told
/// before.
pub(crate) fn at_end(following: Following, told: Vec<String>, began: Timestamp) -> AtEnd {
    Box::new(move |run: &RunRecord| {
        let mut followed = FollowedPull::of_run(run);
        followed.retain(FollowedPull::may_change);
        Box::pin(async move {
            if followed.is_empty() {
                return Vec::new();
            }
            let Following { github, terms } = &following;
            let reader = PullReader::new(github, terms.clone());
            let reads = reader.read(&followed, Instant::now() + AT_END).await;
            let both = || followed.iter().zip(&reads);
            let notes = troubles(both()).into_iter().filter(|note| !told.contains(note));
            let mut events: Vec<_> = notes.map(|note| EventKind::Noted { task: None, note }).collect();
            events.extend(both().filter_map(|(pull, read)| super::news(pull, read, began)));
            let usage = reader.used();
            if usage != GithubUsage::default() {
                events.push(EventKind::GithubUsed { usage });
            }
            events
        })
    })
}
