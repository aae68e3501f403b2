//! The proof: the simulator's statistics against the database.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::AddAssign;

use jules_batch::outcome::Marker;
use jules_simulator::SessionView;

use super::books::Books;
use crate::support::World;
use crate::tally::Tally;

/// Counts of one seed, or of many.
#[derive(Debug, Default)]
pub(super) struct Figures {
    sessions: u64,
    /// Starts of the program.
    pub(super) invocations: u64,
    pub(super) killed: u64,
    /// Put to sleep until its lease was over.
    pub(super) slept: u64,
    /// All connections at once.
    pub(super) cut: u64,
    /// The server, as after a crash.
    pub(super) restarted: u64,
    /// Created by a deposed machine too late, and put away.
    late: u64,
    /// On record.
    pub(super) runs: u64,
    /// Seeds in which all was done.
    pub(super) done: u64,
    /// Sessions that the ledger does not know.
    lost: u64,
    /// Sessions beyond a task's one that nobody has put away.
    pub(super) doubled: u64,
    /// What else is not as promised.
    pub(super) wrong: Vec<String>,
}

/// Compares what was created with what is known. `is_over`: nothing is left to do.
pub(super) fn judge(world: &World, books: &Books, mut figures: Figures, is_over: bool) -> Figures {
    let told = |sql: &str| -> BTreeSet<String> { books.sql(sql).lines().map(str::to_owned).collect() };
    let known = told("SELECT session FROM @creations");
    let late = told("SELECT session FROM @late WHERE dealt_with IS NOT NULL");
    let sessions = world.sessions();
    figures.sessions = sessions.len() as u64;
    let mut of_tasks: BTreeMap<String, Vec<&SessionView>> = BTreeMap::new();
    for session in &sessions {
        let is_put_away = late.contains(&session.id) && session.archives > 0;
        if is_put_away && !known.contains(&session.id) {
            figures.late += 1;
            continue;
        }
        if !known.contains(&session.id) {
            figures.lost += 1;
            figures.wrong.push(format!("session {} is lost: {:?}", session.id, session.title));
        }
        let marker = session.title.as_deref().and_then(Marker::of_title);
        of_tasks.entry(marker.map_or_else(String::new, |it| it.key().to_owned())).or_default().push(session);
    }
    for (key, of) in of_tasks.iter().filter(|(_, of)| of.len() > 1) {
        figures.doubled += of.len() as u64 - 1;
        let told: Vec<_> = of.iter().map(|it| (&it.id, &it.title, &it.state, it.created_at)).collect();
        figures.wrong.push(format!("task {key} was done more than once: {told:?}"));
    }
    figures.done = u64::from(is_over);
    figures.runs = books.sql("SELECT count(*) FROM @runs").parse().unwrap();
    let open = books.sql("SELECT count(*) FROM @tasks WHERE outcome IS DISTINCT FROM 'succeeded'");
    if is_over && open != "0" {
        figures.wrong.push(format!("{open} tasks have not succeeded"));
    }
    figures
}

impl Tally for Figures {
    fn wrong(&self) -> &[String] {
        &self.wrong
    }

    fn is_clean(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.wrong.is_empty()
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.invocations += other.invocations;
        self.killed += other.killed;
        self.slept += other.slept;
        self.cut += other.cut;
        self.restarted += other.restarted;
        self.late += other.late;
        self.runs += other.runs;
        self.done += other.done;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.wrong.extend(other.wrong);
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} sessions, {} runs, {} invocations ({} killed, {} asleep), the wire cut {} times, {} restarts of the server, {} to the end: \
             {} lost, {} doubled, {} late and put away",
            self.sessions,
            self.runs,
            self.invocations,
            self.killed,
            self.slept,
            self.cut,
            self.restarted,
            self.done,
            self.lost,
            self.doubled,
            self.late,
        )
    }
}
