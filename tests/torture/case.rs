//! The case of a seed: the manifest, the service, and the disruptions.

use std::fmt::Write as _;
use std::time::Duration;

use fastrand::Rng;

/// A pause between two looks for a lost session, in milliseconds, and how many looks there are.
const LOOK_DELAY: u64 = 100;
const LOOKS: u64 = 3;
/// A session that is created after the last look, or listed only then, cannot be found by anybody. What is late
/// plus what lags stays below the time that the looks take, with a margin for a machine that is busy.
const LATEST: u64 = 60;

/// How prompts end whose session completes right after its plan, and with a question.
pub(crate) const ONLY_PLANS: &str = "2.";
pub(crate) const ASKS_AT_ITS_END: &str = "6.";
/// The longest that a pull request takes after its change set, in milliseconds.
pub(crate) const LATEST_PULL_REQUEST: u64 = 150;

/// How long an invocation takes at most whatever its tasks: what is waited for at its beginning and its end, outages, a
/// machine that is busy.
const QUIET: Duration = Duration::from_secs(60);
/// A task that is refused, pushed back with `retry-after`, lost, looked for and settled takes up its slot so long.
const SLOWEST_TASK: Duration = Duration::from_secs(5);

/// A seed's manifest, service and disruptions.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) manifest: String,
    pub(crate) scenario: String,
    /// One for each of the first invocations; later ones run to their end.
    pub(crate) disruptions: Vec<Disruption>,
    pub(crate) max_parallel: usize,
    /// How many sessions the account may have at once, if that is bounded.
    cap: Option<usize>,
    tasks: usize,
    /// Whether tasks may have a second session after one that failed.
    pub(crate) retries: bool,
    /// Whether the failed tasks are run once more, all of them or those of one job.
    pub(crate) failed_again: Option<&'static str>,
    /// Whether sessions can be left alive when their task has ended, waiting for a human.
    pub(crate) asks: bool,
}

/// How an invocation is cut short.
#[derive(Debug)]
pub(crate) struct Disruption {
    /// It sleeps at a moment, for a number of milliseconds, as a paused machine would.
    pub(crate) sleep: Option<(Moment, u64)>,
    pub(crate) when: Moment,
    pub(crate) how: How,
    pub(crate) ledger: Ledger,
    /// Further words of the command line, where a run is gone on with: a narrower selection.
    pub(crate) arguments: &'static str,
}

/// What becomes of the ledger afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ledger {
    Stays,
    /// The state folder is gone.
    Lost,
    /// It is as it was before the invocation: a CI cache that was not saved.
    Old,
}

/// When.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// This many milliseconds after the start.
    After(u64),
    /// When the service has seen this many further creates: in the middle of the promise.
    AtCreate(u64),
}

/// By what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Kill,
    Interrupt,
    Terminate,
}

impl Case {
    /// The case of a seed; always the same.
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let rng = &mut rng;
        let retries = rng.u8(..4) == 0;
        let asks = rng.u8(..4) == 0;
        let failed_again = (rng.u8(..4) == 0).then(|| ["", "--select job(change)"][rng.usize(..2)]);
        let rewrites = rng.u8(..6) == 0;
        let max_parallel = rng.usize(1..=8);
        // Shorter than what comes between: outages, and a program that sleeps.
        let time = (rng.u8(..3) == 0).then(|| rng.u64(1_200..2_500));
        // A session that waits for a human for ever would hold a slot of the account for ever.
        let cap = (!asks && rng.u8(..3) == 0).then(|| rng.usize(1..=8));
        // Without its ledger a program knows its sessions by their titles, and tasks are done once: that of a failed
        // one is found again, and cannot be told from its last.
        let may_lose = !retries && !rewrites && failed_again.is_none();
        let disruptions = (0..rng.usize(1..=8)).map(|_| disruption(rng, may_lose)).collect();
        let tasks = rng.usize(5..=30);
        Self {
            manifest: manifest(rng, tasks, max_parallel, retries, asks, time),
            cap,
            tasks,
            scenario: scenario(rng, cap, asks, rewrites, time),
            disruptions,
            max_parallel,
            retries,
            failed_again,
            asks,
        }
    }

    /// How long one invocation may take before it counts as stuck: it has the time of a quiet case, and that of its tasks
    /// one after the other in their slots.
    pub(crate) fn patience(&self) -> Duration {
        let slots = self.max_parallel.min(self.cap.unwrap_or(usize::MAX));
        let in_a_row = self.tasks.div_ceil(slots) as u32 * if self.retries { 2 } else { 1 };
        QUIET + SLOWEST_TASK * in_a_row
    }

    /// How long a session can be missing from the list after its request was sent, in milliseconds.
    pub(crate) fn longest_absence(&self) -> u64 {
        (LOOKS - 1) * LOOK_DELAY
    }
}

fn disruption(rng: &mut Rng, may_lose: bool) -> Disruption {
    let sleep = (rng.u8(..5) == 0).then(|| (moment(rng), rng.u64(50..3_000)));
    let when = moment(rng);
    let how = [How::Interrupt, How::Terminate, How::Kill][rng.usize(..10).min(2)];
    let ledger = if may_lose {
        [Ledger::Lost, Ledger::Old, Ledger::Stays][rng.usize(..7).min(2)]
    } else {
        Ledger::Stays
    };
    let arguments = if rng.u8(..5) == 0 { "--select job(change)" } else { "" };
    Disruption { sleep, when, how, ledger, arguments }
}

fn moment(rng: &mut Rng) -> Moment {
    if rng.bool() { Moment::After(rng.u64(..700)) } else { Moment::AtCreate(rng.u64(1..=6)) }
}

/// Five to thirty tasks in up to three jobs.
fn manifest(
    rng: &mut Rng,
    tasks: usize,
    max_parallel: usize,
    retries: bool,
    asks: bool,
    time: Option<u64>,
) -> String {
    let mut left = tasks;
    let mut jobs = String::new();
    let repos = rng.usize(1..=4).min(left);
    let each = rng.usize(1..=(left / repos).max(1));
    let _ = writeln!(
        jobs,
        "  - {{ id: change, prompt: 'Change ${{{{ matrix.n }}}}.', sources: [{}], matrix: {{ n: [{}] }}{} }}",
        list((1..=repos).map(|n| format!("my-org/repo-{n}@main"))),
        list(1..=each),
        if asks && rng.bool() { ", require-approval: true" } else { "" },
    );
    left -= repos * each;
    if left >= repos && rng.bool() {
        let _ = writeln!(
            jobs,
            "  - {{ id: check, prompt: Check it., needs: [change], sources: [{}] }}",
            list((1..=repos).map(|n| format!("my-org/repo-{n}@main"))),
        );
        left -= repos;
    }
    if left > 0 {
        let _ = writeln!(
            jobs,
            "  - {{ id: think, prompt: 'Think of ${{{{ matrix.n }}}}.', matrix: {{ n: [{}] }} }}",
            list(1..=left)
        );
    }
    let again = if retries {
        "{ count: 1, on: [failed, timed_out, stalled, error], delay: 20ms, max-delay: 20ms }"
    } else {
        "{ count: 0 }"
    };
    let time = time.map_or_else(|| "10m".to_owned(), |time| format!("{time}ms"));
    let strategy = ["auto", "auto", "list", "get"][rng.usize(..4)];
    format!(
        "version: 1\n\
         name: torture\n\
         strategy: {{ max-parallel: {max_parallel} }}\n\
         limits: {{ requests-per-minute: 600000, creates-per-minute: 600000, activities-per-minute: 600000, capacity-wait: 9s }}\n\
         timeouts: {{ task: {time}, stall: 3s, settle: 200ms, request: 300ms, create: 300ms }}\n\
         create: {{ looks: {LOOKS}, look-delay: {LOOK_DELAY}ms }}\n\
         poll: {{ interval: {}ms, strategy: {strategy} }}\n\
         waiting: {{ user-feedback: {{ reply: Go on., max: 1 }} }}\n\
         retries: {again}\n\
         jobs:\n{jobs}",
        rng.u64(10..60),
    )
}

fn scenario(rng: &mut Rng, cap: Option<usize>, asks: bool, rewrites: bool, time: Option<u64>) -> String {
    let refusal = ["resource-exhausted", "failed-precondition"][rng.usize(..2)];
    let cap = cap.map_or_else(String::new, |cap| format!("concurrent: {cap}, "));
    let late = rng.u64(..=LATEST);
    let lag = rng.u64(..=LATEST);
    let mut faults = String::new();
    for kind in [
        "error-before",
        "error-after",
        "precondition-after",
        "reset-before",
        "reset-after",
        "truncate",
        "hang",
        "stall",
        "html",
        "throttle",
        "slow, delay: 5ms..80ms",
        "arrive-late, delay: 0ms..LATEms",
    ] {
        let kind = kind.replace("LATE", &late.to_string());
        fault(rng, &mut faults, &kind, "sessions.create", 0.7, 0.10);
        if !kind.starts_with("precondition") && !kind.starts_with("arrive") {
            fault(rng, &mut faults, &kind, "all", 0.4, 0.03);
        }
    }
    fault(rng, &mut faults, "throttle, retry-after: 1s", "all", 0.3, 0.01);
    if let Some(time) = time {
        let from = rng.u64(50..800);
        let _ = writeln!(
            faults,
            "  - {{ kind: error-before, on: reads, during: {from}ms..{}ms, since: first-session }}",
            from + time + rng.u64(..1_500),
        );
    }
    if rng.u8(..4) == 0 {
        let from = rng.u64(..600);
        let _ = writeln!(
            faults,
            "  - {{ kind: throttle, on: sessions.create, during: {from}ms..{}ms, retry-after: 1s, since: first-session }}",
            from + rng.u64(..1_500),
        );
    }
    let title = if rewrites {
        ["\n  title: { becomes: Another title }", "\n  title: { cut: 12, after: 20ms }"][rng.usize(..2)]
    } else {
        ""
    };
    let feedback = if asks { ", feedback: { times: 1 }" } else { "" };
    let lacks = if rng.bool() { "\n  create-lacks: [state, url]" } else { "" };
    format!(
        "seed: {}\n\
         limits: {{ {cap}refusal: {refusal}, retry-after: {} }}\n\
         history: {}\n\
         faults:\n{faults}\
         rules:\n\
         \x20 - {{ when: {{ prompt: '*[37].' }}, then: {{ outcome: failure }} }}\n\
         \x20 - {{ when: {{ prompt: '*5.' }}, then: {{ outcome: change, outputs-after: 50ms }} }}\n\
         \x20 - {{ when: {{ prompt: '*[48].' }}, then: {{ outcome: no-change{feedback} }} }}\n\
         \x20 - {{ when: {{ prompt: '*{ONLY_PLANS}' }}, then: {{ outcome: plan-only }} }}\n\
         \x20 - {{ when: {{ prompt: '*{ASKS_AT_ITS_END}' }}, then: {{ outcome: no-change, last-word: 'Shall I?' }} }}\n\
         \x20 - {{ when: {{ prompt: '*9.' }}, then: {{ pull-request-after: 10ms..{LATEST_PULL_REQUEST}ms }} }}\n\
         defaults:\n\
         \x20 duration: 20ms..{}ms\n\
         \x20 outcome: pull-request\n\
         \x20 wakes: [{{ by: message, after: 30ms, lasts: 20ms..60ms, outcome: push }}]\n\
         \x20 reply-after: 5ms..20ms\n\
         \x20 list-lag: 0ms..{lag}ms\n\
         \x20 not-found-for: 0ms..{}ms{lacks}{title}\n",
        rng.u32(..),
        rng.bool(),
        [0, 0, 30, 250][rng.usize(..4)],
        rng.u64(40..400),
        rng.u64(..100),
    )
}

fn fault(rng: &mut Rng, faults: &mut String, kind: &str, on: &str, chance: f64, most: f64) {
    if rng.f64() < chance {
        let _ = writeln!(faults, "  - {{ kind: {kind}, on: {on}, probability: {:.4} }}", rng.f64() * most);
    }
}

fn list<T: ToString>(items: impl Iterator<Item = T>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
