//! What happened: outcomes, run events and the record folded from them. No I/O.
//!
//! Everything that a run does becomes a [`RunEvent`]. The ledger stores the events, the progress display
//! shows them, and [`RunRecord`] is their fold: what reports are rendered from and what a later invocation
//! goes on from. There is no second truth.

#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "only a shared ledger has an account"))]
mod account;
mod attempt_record;
mod details;
mod event;
mod kind;
mod late;
mod mark;
mod marker;
mod merged;
mod observer;
mod open_files;
mod planned;
mod pull_record;
mod pull_status;
mod record;
mod round;
mod run_id;
#[cfg(test)]
pub(crate) mod sample;
mod service;
mod stage;
mod task_record;
mod totals;
mod usage;
mod wave_sets;
mod waves;
mod work;

pub(crate) use account::{Permit, Reserved, SharedAccount, Wish};
pub use attempt_record::AttemptRecord;
pub(crate) use attempt_record::{is_end, is_waiting};
pub use details::{ActivityTotals, Details, FileTouched};
pub use event::{EventKind, RunEvent, Stray};
pub use kind::Outcome;
pub(crate) use late::{LateReader, LateSession};
pub use mark::Mark;
pub use marker::Marker;
pub(crate) use merged::{Merged, is_merged_within, merged};
pub use observer::{EventLog, JournalError, Listener, Role};
pub(crate) use open_files::{RAISE_THE_LIMIT, is_out_of_files};
pub use planned::{PlannedTask, RunInfo};
pub use pull_record::{AdoptedPull, PullAction, PullChange, PullRecord, PullRecords, PullResult, PullWrite};
pub use pull_status::{Checks, PullState, PullStatus, Review, Stage};
pub use record::RunRecord;
pub use round::{EarlierEnd, EarlierRun, Moved, RoundInfo};
pub use run_id::RunId;
pub use service::{HeldBack, Outage, RequestPause, ServiceStatus, StartPause};
pub use stage::WaitsFor;
pub use task_record::{Marked, TaskRecord};
pub use totals::Totals;
pub use usage::{ApiUsage, GithubUsage};
pub(crate) use wave_sets::by_repository;
pub use wave_sets::{WaveSets, WaveTerms};
pub(crate) use waves::{Verdict, Wave, held_up, is_decided_within, is_left, share_of, verdicts};
pub use work::{Change, PullRequest, SessionRef, Work};

pub use crate::plan::OnNoChange;
