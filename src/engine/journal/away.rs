//! A ledger that does not answer: what is to be kept waits in memory, but neither for ever nor without bound.

use std::time::{Duration, Instant};

use crate::outcome::{EventKind, JournalError, RunEvent};

/// How often it is tried again.
const AGAIN: Duration = Duration::from_millis(500);
/// What waits at most: events, and bytes of them as they are written.
const EVENTS: usize = 100_000;
const BYTES: usize = 64 << 20;
/// How long it is waited for when somebody has stopped the run.
const HURRIED: Duration = Duration::from_secs(10);

/// Since when a ledger does not answer, and what waits for it.
#[derive(Debug)]
pub(super) struct Away {
    patience: Duration,
    since: Option<Instant>,
    until: Option<Instant>,
    tried: Option<Instant>,
    events: usize,
    bytes: usize,
    /// It was waited for in vain.
    is_over: bool,
}

/// What follows when the ledger has not answered.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is waited for; whether that is news.
    Wait { is_news: bool },
    /// It was waited for long enough, or more cannot wait.
    GiveUp(JournalError),
}

impl Away {
    /// A ledger that is waited for so long.
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, since: None, until: None, tried: None, events: 0, bytes: 0, is_over: false }
    }

    /// When it is tried again; none where it has answered.
    pub(super) fn again_at(&self) -> Option<Instant> {
        self.since.and(self.tried).map(|tried| tried + AGAIN)
    }

    /// It was given these, and has not answered because of that.
    pub(super) fn failed(&mut self, given: &[RunEvent], error: JournalError, now: Instant) -> Verdict {
        if self.is_over || self.patience.is_zero() {
            return Verdict::GiveUp(error);
        }
        self.tried = Some(now);
        let is_news = self.since.is_none();
        let since = *self.since.get_or_insert(now);
        let until = *self.until.get_or_insert(since + self.patience);
        self.events += given.len();
        self.bytes += given.iter().map(size).sum::<usize>();
        let why = match () {
            () if self.events > EVENTS => format!("{} events wait for it", self.events),
            () if self.bytes > BYTES => format!("{} MiB wait for it", self.bytes >> 20),
            () if now >= until => {
                let lasted = now.duration_since(since).as_secs();
                format!("it has not answered for {lasted} s")
            }
            () => return Verdict::Wait { is_news },
        };
        self.is_over = true;
        self.since = None;
        Verdict::GiveUp(error.because(&why))
    }

    /// The run is at its end. `hurries`: somebody has stopped it, and waits for that.
    pub(super) fn closes(&mut self, hurries: bool, now: Instant) {
        if let Some(until) = self.until.as_mut().filter(|_| hurries) {
            *until = (*until).min(now + HURRIED);
        }
    }

    /// It has answered; how long it had not, if that is so.
    pub(super) fn answered(&mut self, now: Instant) -> Option<Duration> {
        let since = self.since.take();
        (self.until, self.tried, self.events, self.bytes) = (None, None, 0, 0);
        since.map(|since| now.duration_since(since))
    }
}

/// Whether these say that somebody has stopped the run.
pub(super) fn are_hurried(events: &[RunEvent]) -> bool {
    let signals = ["interrupt", "terminate", "abandon"];
    events.last().is_some_and(|last| match &last.kind {
        EventKind::InvocationEnded { stopped: Some(stopped) } => signals.contains(&stopped.as_str()),
        _ => false,
    })
}

/// One that cannot be written takes no room: whoever keeps it says what is wrong.
fn size(event: &RunEvent) -> usize {
    serde_json::to_vec(event).map_or(0, |text| text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> JournalError {
        JournalError::new("no answer", "cut").away()
    }

    fn events(count: usize, note: &str) -> Vec<RunEvent> {
        let kind = EventKind::Noted { task: None, note: note.to_owned() };
        (1..)
            .take(count)
            .map(|seq| RunEvent { seq, ts: jiff::Timestamp::UNIX_EPOCH, kind: kind.clone() })
            .collect()
    }

    fn waits(verdict: &Verdict) -> Option<bool> {
        match verdict {
            Verdict::Wait { is_news } => Some(*is_news),
            Verdict::GiveUp(_) => None,
        }
    }

    #[test]
    fn it_is_waited_for_so_long_and_no_longer() {
        let (t0, mut away) = (Instant::now(), Away::new(Duration::from_secs(600)));
        let at = |seconds| t0 + Duration::from_secs(seconds);
        assert_eq!(away.again_at(), None);
        assert_eq!(waits(&away.failed(&events(3, "a"), error(), at(0))), Some(true));
        assert_eq!(away.again_at(), Some(at(0) + AGAIN));
        assert_eq!(waits(&away.failed(&[], error(), at(599))), Some(false));
        assert_eq!(away.answered(at(599)), Some(Duration::from_secs(599)));
        assert_eq!((away.answered(at(599)), away.again_at()), (None, None));
        assert_eq!(waits(&away.failed(&[], error(), at(700))), Some(true), "the time begins anew");
        let Verdict::GiveUp(why) = away.failed(&[], error(), at(1300)) else { panic!("it waits") };
        assert!(why.to_string().contains("not answered for 600 s"), "{why}");
        assert_eq!(waits(&away.failed(&[], error(), at(1301))), None, "it is not waited for again");
    }

    #[test]
    fn what_waits_is_bounded() {
        for (count, note) in [(EVENTS + 1, ""), (70, &*"x".repeat(1 << 20))] {
            let (now, mut away) = (Instant::now(), Away::new(Duration::from_secs(600)));
            assert_eq!(waits(&away.failed(&events(count / 2, note), error(), now)), Some(true));
            assert_eq!(waits(&away.failed(&events(count - count / 2, note), error(), now)), None, "{count}");
        }
    }

    #[test]
    fn whoever_stops_the_run_does_not_wait_that_long() {
        let (now, mut away) = (Instant::now(), Away::new(Duration::from_secs(600)));
        away.closes(true, now);
        assert_eq!(waits(&away.failed(&[], error(), now)), Some(true));
        away.closes(false, now);
        assert_eq!(waits(&away.failed(&[], error(), now + HURRIED)), Some(false));
        away.closes(true, now);
        assert_eq!(waits(&away.failed(&[], error(), now + HURRIED)), None);
    }

    #[test]
    fn without_patience_nothing_waits() {
        assert_eq!(waits(&Away::new(Duration::ZERO).failed(&[], error(), Instant::now())), None);
    }
}
