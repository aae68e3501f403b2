//! `pulls list --watch`: reads what is due until nothing is open, and shows what changes.

use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use foreign_text::line as neutral;
use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::frame::{self, Next};
use super::list::{ListArgs, keep};
use super::render::{self, Totals};
use super::which::{Known, read};
use crate::cli::console::{Console, DIM};
use crate::cli::failure::Failure;
use crate::cli::signals::Signals;
use crate::github::GitHub;
use crate::ledger::Ledger;
use crate::outcome::Stage;
use crate::pulls::{ReadingPlan, Spent, Terms, plan, until};
use crate::runner::KnownPull;

/// How often the table is drawn again: ages count in seconds, and a terminal may have got another size.
const FRAME: Duration = Duration::from_secs(1);
/// How often the ledger is asked for what a run has made meanwhile.
const LOOK: Duration = Duration::from_secs(30);

/// Somebody who looks on.
pub(super) struct Watch<'a> {
    pub(super) args: &'a ListArgs,
    /// Whether pull requests were named or selected: those that are over are shown as well then.
    pub(super) asked: bool,
    /// Whether each change is a line on stdout.
    pub(super) as_lines: bool,
    pub(super) terms: &'a Terms,
    pub(super) github: &'a GitHub,
    pub(super) console: &'a Console,
    /// What was said already.
    pub(super) told: HashSet<String>,
}

impl Watch<'_> {
    /// Follows them until nothing is open, or the user has seen enough.
    pub(super) async fn follow(mut self, mut known: Known) -> Result<Known, Failure> {
        let mut signals = Signals::new()?;
        self.console.makes_way_for_the_shell();
        let mut spent = None;
        let mut next = Next { read_at: Timestamp::now(), due: None };
        self.print(&known.pulls)?;
        while known.pulls.iter().any(KnownPull::may_be_open) || self.is_run_at_work() {
            let now = Timestamp::now();
            let statuses: Vec<_> = known.pulls.iter().map(KnownPull::status).collect();
            let ReadingPlan { first, by_id, next: later } = plan(&statuses, spent, 1.0, now);
            let mut due = [first, by_id].concat();
            due.sort_unstable();
            next.due = later;
            if due.is_empty() {
                let pause = later.map_or(LOOK, |later| until(later, now).min(LOOK));
                if self.shown_while(sleep(pause), &known, next, &mut signals).await.is_none() {
                    break;
                }
                let new = known.look_again(&self.args.which)?;
                self.print(&new)?;
                continue;
            }
            let mut reading: Vec<_> = due.iter().map(|place| known.pulls[*place].clone()).collect();
            let stage = |pull: &KnownPull| pull.status().map(|status| status.stage);
            let before: Vec<Option<Stage>> = reading.iter().map(stage).collect();
            let asked = read(&mut reading, self.github, self.terms, self.console);
            let Some(readings) = self.shown_while(asked, &known, next, &mut signals).await else { break };
            self.tell(readings.troubles());
            if let Some(note) = keep(&self.args.which, &readings, now, self.console)?
                && self.told.insert(note.clone())
            {
                self.console.say(&format!("{DIM}{note}{DIM:#}"));
            }
            spent = Some(Spent { at: now, points: readings.usage.points });
            next.read_at = now;
            let mut changed = Vec::new();
            for ((place, read), before) in due.into_iter().zip(reading).zip(before) {
                changed.extend((stage(&read) != before).then(|| read.clone()));
                known.pulls[place] = read;
            }
            self.print(&changed)?;
        }
        self.console.draw(None);
        Ok(known)
    }

    /// A run makes pull requests, and reads them itself.
    fn is_run_at_work(&self) -> bool {
        self.args.which.state.location().is_ok_and(|location| Ledger::is_in_use(&location))
    }

    /// Says what is new of what keeps GitHub from telling; what is over and comes again is said again.
    fn tell(&mut self, troubles: Vec<String>) {
        let is_new = |line: &&String| !self.told.contains(*line);
        troubles.iter().filter(is_new).for_each(|line| self.console.warn(&neutral(line)));
        self.told.retain(|line| line.starts_with(NOT_RECORDED));
        self.told.extend(troubles);
    }

    /// A line each, where lines are wanted.
    fn print(&self, pulls: &[KnownPull]) -> Result<(), Failure> {
        let now = Timestamp::now();
        if !self.as_lines {
            return Ok(());
        }
        let is_meant = |pull: &&KnownPull| self.args.which.means(pull, now);
        let mut meant: Vec<KnownPull> = pulls.iter().filter(is_meant).cloned().collect();
        render::sort(&mut meant);
        self.console.result(&render::tsv(&meant))
    }

    /// What comes of it, with the table on the terminal meanwhile; none if the user has seen enough.
    async fn shown_while<T>(
        &self,
        work: impl Future<Output = T>,
        known: &Known,
        next: Next,
        signals: &mut Signals,
    ) -> Option<T> {
        let mut work = pin!(work);
        let mut frames = interval(FRAME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                _ = frames.tick() => self.draw(known, next),
                _ = signals.next() => return None,
            }
        }
    }

    /// Draws the table in place of the last one.
    fn draw(&self, known: &Known, next: Next) {
        if !self.console.live() || self.as_lines {
            return;
        }
        let now = Timestamp::now();
        let is_shown =
            |pull: &&KnownPull| self.args.which.means(pull, now) && (self.asked || pull.may_be_open());
        let mut shown: Vec<KnownPull> = known.pulls.iter().filter(is_shown).cloned().collect();
        render::sort(&mut shown);
        let (merged, closed) = known.over;
        let heading = Totals::of(&known.pulls, merged, closed).words(&shown, self.asked);
        let text = frame::frame(&shown, &heading, next, now, self.console.size()).join("\n");
        let plain = || anstream::adapter::strip_str(&text).to_string();
        self.console.draw(Some(if self.console.err_colour() { text.clone() } else { plain() }));
    }
}

/// How the note begins that is said once.
pub(super) const NOT_RECORDED: &str = "not recorded: ";
