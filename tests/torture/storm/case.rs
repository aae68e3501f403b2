//! The case of a seed: the manifest, both halves of the service, and the commands with the moments at which they are cut short.

use std::fmt::Write as _;

use fastrand::Rng;

/// For how long a head has to be seen with passed checks.
pub(crate) const SETTLE: f64 = 1_500.0;
/// What a person says who keeps us away from the start, and one who says so at some time.
pub(crate) const HOLD: &str = "hold";
const LATER: &str = "Hold";

/// A seed's manifest, service and commands.
#[derive(Debug)]
pub(crate) struct Storm {
    pub(crate) manifest: String,
    pub(crate) scenario: String,
    pub(crate) rounds: Vec<Round>,
    /// Whether what has no checks at all may be merged.
    pub(crate) unchecked: bool,
    /// Whether a task may have another pull request after one that was merged.
    pub(crate) again: bool,
}

/// A start of the program.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) command: Command,
    /// It sleeps at a moment, for a number of milliseconds, as a paused machine would.
    pub(crate) sleep: Option<(Moment, u64)>,
    /// When it is killed, unless it is let to its end.
    pub(crate) kill: Option<Moment>,
    /// Whether the state folder is gone before it.
    pub(crate) is_ledger_lost: bool,
}

/// What is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Run,
    Merge { is_approval_wanted: bool, keeps_branch: bool },
    Message,
    Update,
    List,
    Close,
}

/// When.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// This many milliseconds after the start.
    After(u64),
    /// When the service has seen this many further writes and messages: between a deed and its record.
    AtWrite(usize),
}

impl Storm {
    /// The case of a seed; always the same.
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let rng = &mut rng;
        // With a clock that is an hour behind, every head counts as old enough, and messages and updates have their turn.
        let is_behind = rng.u8(..4) > 0;
        let unchecked = is_behind && rng.u8(..6) == 0;
        let again = rng.u8(..3) == 0;
        // What a message was about nobody knows without a ledger.
        let may_lose = rng.u8(..3) == 0;
        let (repositories, tasks) = (rng.usize(1..=3), rng.usize(3..=7));
        let mut rounds = vec![round(rng, Command::Run, false)];
        for _ in 0..rng.usize(6..=8) {
            let command = command(rng, may_lose);
            let is_lost = may_lose && rng.u8(..4) == 0;
            if is_lost {
                rounds.push(Round { is_ledger_lost: true, ..round(rng, Command::Run, false) });
            }
            rounds.push(round(rng, command, true));
        }
        let repeats = rng.bool();
        Self {
            manifest: manifest(repositories, tasks, again, repeats),
            scenario: scenario(rng, repositories, tasks, is_behind),
            rounds,
            unchecked,
            again,
        }
    }
}

fn command(rng: &mut Rng, may_lose: bool) -> Command {
    let merge = Command::Merge { is_approval_wanted: rng.u8(..8) == 0, keeps_branch: rng.u8(..4) == 0 };
    match rng.u8(..20) {
        0..2 => Command::Run,
        2..6 if !may_lose => Command::Message,
        6..8 => Command::Update,
        8 => Command::List,
        9 => Command::Close,
        _ => merge,
    }
}

fn round(rng: &mut Rng, command: Command, has_writes: bool) -> Round {
    let mut moment = |longest: u64| {
        if has_writes && rng.bool() {
            Moment::AtWrite(rng.usize(1..=3))
        } else {
            Moment::After(rng.u64(..longest))
        }
    };
    let (sleep, kill) = (moment(1_500), moment(3_500));
    Round {
        command,
        sleep: (rng.u8(..6) == 0).then(|| (sleep, rng.u64(50..2_500))),
        kill: (rng.u8(..3) > 0).then_some(kill),
        is_ledger_lost: false,
    }
}

fn manifest(repositories: usize, tasks: usize, again: bool, repeats: bool) -> String {
    let merged = if again { "again" } else { "skip" };
    let repeat = if repeats { "always" } else { "never" };
    let mut text = format!(
        "version: 1\n\
         name: storm\n\
         strategy: {{ max-parallel: 4 }}\n\
         limits: {{ requests-per-minute: 600000, creates-per-minute: 600000, activities-per-minute: 600000, capacity-wait: 9s }}\n\
         timeouts: {{ task: 30s, stall: 20s, settle: 200ms, request: 300ms, create: 300ms }}\n\
         create: {{ looks: 3, look-delay: 100ms }}\n\
         poll: {{ interval: 30ms }}\n\
         pull-requests: {{ existing: {{ merged: {merged} }} }}\n\
         repeat: {repeat}\n\
         jobs:\n"
    );
    for task in 1..=tasks {
        let repository = 1 + task % repositories;
        let _ = writeln!(
            text,
            "  - {{ id: job-{task}, prompt: 'Do {task}.', source: {{ github: my-org/repo-{repository}, branch: main }} }}"
        );
    }
    text
}

fn scenario(rng: &mut Rng, repositories: usize, tasks: usize, is_behind: bool) -> String {
    let mut text = format!(
        "seed: {}\n\
         clock: {{ behind: {} }}\n\
         defaults:\n\
         \x20 duration: 20ms..120ms\n\
         \x20 outcome: pull-request\n\
         \x20 activities: {{ gap: 10ms }}\n",
        rng.u32(..),
        if is_behind { "1h" } else { "0s" },
    );
    let ends = ["push", "push", "push", "no-change", "failure", "pull-request"][rng.usize(..6)];
    let _ = writeln!(
        text,
        "\x20 wakes: [{{ by: message, after: 200ms..2s, lasts: 50ms..300ms, outcome: {ends} }}]\n\
         sources: [{}]",
        list((1..=repositories).map(|n| format!("{{ repo: my-org/repo-{n} }}"))),
    );
    let _ = writeln!(text, "github:\n  login: octocat\n  repositories:");
    for n in 1..=repositories {
        let _ = writeln!(text, "  - {{ match: my-org/repo-{n}, {} }}", repository(rng));
    }
    let _ = writeln!(text, "rules:");
    for task in 1..=tasks {
        let _ = writeln!(
            text,
            "- {{ when: {{ prompt: 'Do {task}.*' }}, then: {{ on-github: {{ {} }} }} }}",
            on_github(rng)
        );
    }
    let _ = writeln!(text, "faults:");
    faults(rng, &mut text);
    text
}

/// What one repository asks for. The token is an admin's, which passes all of it in most.
fn repository(rng: &mut Rng) -> String {
    let mut keys = vec![
        "permission: admin".to_owned(),
        format!("admins-bypass: {}", rng.u8(..3) > 0),
        format!("mergeable-after: {}ms", rng.u64(..300)),
        format!("settles-after-merge: {}ms", rng.u64(..1_500)),
    ];
    let mut some = |odds: u8, key: String| {
        if rng.u8(..odds) == 0 {
            keys.push(key);
        }
    };
    some(3, "required-checks: [build]".to_owned());
    some(4, "required-reviews: 1, dismiss-stale-reviews: true".to_owned());
    some(4, "up-to-date: true".to_owned());
    some(4, "base-moves: 1s..5s, conflicts: 0.1".to_owned());
    some(6, "merge-queue: 300ms..3s".to_owned());
    some(3, "methods: [rebase, merge]".to_owned());
    some(4, "delete-branch-on-merge: true".to_owned());
    some(5, "hooks: true".to_owned());
    some(20, "archived-after: 3s..9s".to_owned());
    keys.join(", ")
}

/// What becomes of one pull request: many are left alone.
fn on_github(rng: &mut Rng) -> String {
    let (soon, quick) = (["0s", "0ms..300ms"][rng.usize(..2)], ["0s", "50ms..900ms"][rng.usize(..2)]);
    let is_smooth = rng.u8(..3) == 0;
    let check = |name: &str, rest: &str| {
        format!("{{ name: {name}, appears: {soon}, queued: 0s, lasts: {quick}, {rest} }}")
    };
    let mut checks = match rng.u8(..6) {
        // Red, and green for the next head.
        0 if !is_smooth => vec![
            check("build", "ends: failure, heads: [1]"),
            check("build", "ends: success, heads: [2, 3, 4, 5, 6]"),
        ],
        1 if !is_smooth => vec![check("build", "ends: failure")],
        _ => vec![check("build", "ends: success")],
    };
    if !is_smooth && rng.u8(..5) == 0 {
        checks.push(
            "{ name: nightly, appears: 1s..6s, queued: 0s, lasts: 0s..300ms, ends: failure }".to_owned(),
        );
    }
    if rng.u8(..5) == 0 {
        checks.push(check("lint", "ends: success, status: true"));
    }
    let mut deeds = Vec::new();
    let mut deed = |odds: u8, what: &str, after: &str| {
        if rng.u8(..odds) == 0 {
            deeds.push(format!("{{ does: {what}, after: {after} }}"));
        }
    };
    deed(1, "approve", "1ms..500ms");
    if !is_smooth {
        deed(5, "dismiss", "1s..9s");
        deed(5, "push, by: mallory", "300ms..9s");
        deed(6, "push, by: jules", "1s..9s");
        deed(20, "force-push, by: mallory", "1s..9s");
        deed(20, "request-changes", "1s..9s");
        deed(20, &format!("label, text: {HOLD}"), "1ms");
        deed(20, &format!("label, text: {LATER}"), "1s..9s");
        deed(30, "draft", "1s..9s");
        deed(30, "close", "1s..9s");
        deed(30, "conflict", "1s..9s");
        deed(30, "merge", "2s..9s");
        deed(20, "comment, text: Nice.", "1s..9s");
        deed(30, "delete-branch", "3s..9s");
        deed(30, "edit-body, text: Nothing.", "1s..9s");
    }
    let mut text = format!("checks: [{}], deeds: [{}]", checks.join(", "), deeds.join(", "));
    if rng.u8(..3) == 0 {
        text.push_str(", ci-fixer: { after: 200ms..2s, lasts: 50ms..300ms, times: 2 }");
    }
    if rng.u8(..4) == 0 {
        text.push_str(", author: user");
    }
    text
}

fn faults(rng: &mut Rng, text: &mut String) {
    let mut fault = |chance: f64, kind: &str, on: &str, most: f64| {
        if rng.f64() < chance {
            let probability = rng.f64() * most;
            let _ = writeln!(text, "- {{ kind: {kind}, on: {on}, probability: {probability:.4} }}");
        }
    };
    fault(0.6, "error-before, status: 502", "github-reads", 0.08);
    fault(0.4, "partial, share: 0.4", "graphql/query", 0.25);
    fault(0.2, "too-large, above: 2", "graphql/query", 1.0);
    fault(0.6, "push-before", "pulls/merge", 0.4);
    fault(0.5, "reset-after", "github-writes", 0.3);
    fault(0.5, "reset-before", "github-writes", 0.2);
    fault(0.3, "error-after, status: 502", "github-writes", 0.2);
    fault(0.3, "error-before, status: 502", "github-writes", 0.2);
    fault(0.3, "truncate", "github-writes", 0.2);
    fault(0.3, "truncate", "github-reads", 0.03);
    fault(0.3, "slow, delay: 5ms..900ms", "github", 0.1);
    for status in [403, 429] {
        fault(0.2, &format!("secondary-limit, retry-after: 1s, status: {status}"), "github", 0.05);
    }
    fault(0.2, "secondary-limit, retry-after: 1s, status: 200", "graphql/query", 0.05);
    fault(0.1, "primary-limit, times: 1", "github-reads", 0.1);
    fault(0.1, "primary-limit, times: 1", "github-writes", 0.3);
    fault(0.1, "hang, times: 1", "github-writes", 0.3);
    fault(0.6, "reset-after", "sessions.sendMessage", 0.3);
    fault(0.4, "reset-before", "sessions.sendMessage", 0.3);
    fault(0.4, "error-before", "sessions.sendMessage", 0.3);
    fault(0.3, "error-after", "sessions.sendMessage", 0.3);
    fault(0.4, "reset-after", "sessions.create", 0.2);
    fault(0.4, "error-before", "all", 0.03);
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}
