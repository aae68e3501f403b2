//! The proof: what GitHub's books say of merges, messages and writes.

use std::fmt;
use std::ops::AddAssign;

use jules_simulator::Merge;

use super::case::{HOLD, SETTLE, Storm};
use crate::support::World;
use crate::tally::Tally;

/// The oldest reading that something may be merged by, in milliseconds, with what a stopped program may add.
const OLDEST: f64 = 30_000.0 + 2_500.0;
/// A second between writes, in milliseconds.
const APART: f64 = 1_000.0;

/// Counts of one seed, or of many.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) pulls: u64,
    /// Starts of the program.
    pub(crate) invocations: u64,
    /// Of these, how many ended by SIGKILL.
    pub(crate) killed: u64,
    /// Of these, how many were put to sleep for a while.
    pub(crate) slept: u64,
    /// How often the ledger was thrown away.
    pub(crate) wiped: u64,
    /// Faults that the service had.
    pub(crate) faults: u64,
    pub(crate) merges: u64,
    /// Merges of what was good in the answer that was decided by, and no longer when the merge came.
    pub(crate) overtaken: u64,
    pub(crate) messages: u64,
    pub(crate) writes: u64,
    /// Merges of a head that had not been told green twice, for long enough.
    pub(crate) not_green: u64,
    /// Merges of a branch that somebody else had pushed to, or that was on hold.
    pub(crate) touched: u64,
    /// Merges past a rule, without a head, or by an old reading.
    pub(crate) past_rules: u64,
    /// Pull requests beside or after one that was enough.
    pub(crate) second: u64,
    /// Heads with more than one message.
    pub(crate) messaged_again: u64,
    /// Writes closer than a second.
    pub(crate) close: u64,
    /// Each violation, and what else is not as promised.
    pub(crate) wrong: Vec<String>,
}

/// Compares what was done with what may be done.
pub(crate) fn judge(storm: &Storm, world: &World, mut figures: Figures) -> Figures {
    let statistics = world.statistics();
    let github = statistics.github;
    figures.pulls = world.pull_requests().len() as u64;
    figures.faults = statistics.faults.values().sum();
    figures.merges = github.merges.len() as u64;
    figures.writes = github.writes.len() as u64;
    figures.messages = github.messages.iter().map(|it| it.count).sum();
    for merge in &github.merges {
        judge_merge(storm, merge, &mut figures);
    }
    for second in &github.second_pull_requests {
        if second.while_open || second.first_state != "MERGED" || !storm.again {
            figures.second += 1;
            figures.wrong.push(format!("a second pull request: {second:?}"));
        }
    }
    for messages in &github.messages {
        if messages.count > 1 {
            figures.messaged_again += 1;
            figures.wrong.push(format!("messages again: {messages:?}"));
        }
    }
    for write in &github.writes {
        if write.since_ms.is_some_and(|since| since < APART) {
            figures.close += 1;
            figures.wrong.push(format!("closer than a second: {write:?}"));
        }
    }
    figures
}

fn judge_merge(storm: &Storm, merge: &Merge, figures: &mut Figures) {
    let was_told_clean = merge.told_clean == Some(true);
    // It may first have been seen without a check, and then with one.
    let is_unchecked = storm.unchecked && merge.green_shown < 2;
    let is_green_twice =
        merge.green_shown >= 2 && merge.green_shown_for_ms.is_some_and(|length| length >= SETTLE);
    let mut wrong = |what: &str| figures.wrong.push(format!("{what}: {merge:?}"));
    if !is_green_twice && !is_unchecked {
        figures.not_green += 1;
        wrong("merged what was not green twice");
    }
    if !merge.touched_by.is_empty() || merge.labels.iter().any(|label| label == HOLD) {
        figures.touched += 1;
        wrong("merged what others have touched");
    }
    let is_recent = merge.told_ms.is_some_and(|told| told <= OLDEST);
    if !merge.pinned || !was_told_clean || !is_recent {
        figures.past_rules += 1;
        wrong("merged past a rule");
    }
    // Nothing pins checks and reviews: they may change between an answer and the merge.
    let is_good = merge.unmet.is_none() && (merge.green || is_unchecked);
    figures.overtaken += u64::from(!is_good && was_told_clean);
}

impl Tally for Figures {
    fn wrong(&self) -> &[String] {
        &self.wrong
    }

    fn is_clean(&self) -> bool {
        self.wrong.is_empty()
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.pulls += other.pulls;
        self.invocations += other.invocations;
        self.killed += other.killed;
        self.slept += other.slept;
        self.wiped += other.wiped;
        self.faults += other.faults;
        self.merges += other.merges;
        self.overtaken += other.overtaken;
        self.messages += other.messages;
        self.writes += other.writes;
        self.not_green += other.not_green;
        self.touched += other.touched;
        self.past_rules += other.past_rules;
        self.second += other.second;
        self.messaged_again += other.messaged_again;
        self.close += other.close;
        self.wrong.extend(other.wrong);
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} pull requests, {} invocations ({} killed, {} asleep, {} ledgers lost), {} faults, {} writes, {} merges \
             ({} overtaken), {} messages: {} merges not green twice, {} touched, {} past a rule, {} second pull requests, \
             {} heads messaged again, {} writes too close",
            self.pulls,
            self.invocations,
            self.killed,
            self.slept,
            self.wiped,
            self.faults,
            self.writes,
            self.merges,
            self.overtaken,
            self.messages,
            self.not_green,
            self.touched,
            self.past_rules,
            self.second,
            self.messaged_again,
            self.close,
        )
    }
}
