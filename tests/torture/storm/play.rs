//! Plays a storm: command by command, each killed, put to sleep or let to its end.

use std::time::{Duration, Instant};

use super::case::{Command, Moment, Round, SETTLE, Storm};
use super::proof::{self, Figures};
use crate::support::{Ended, Runner, Running, Signal, World, unpinned};

/// An answer that never comes is waited for for half a minute, at the start of a run and at its end for less.
const PATIENCE: Duration = Duration::from_secs(150);

/// A rule that is taken away, to see whether that shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Without {
    Nothing,
    /// The head that is named in writes does not reach GitHub.
    Pin,
    /// A head need not stay.
    Settle,
}

/// Runs the program through the storm; what the books of both halves then say.
pub(crate) fn to_the_end(storm: &Storm, without: Without) -> Figures {
    let world = World::new(&storm.scenario);
    world.write("jobs.yaml", &storm.manifest);
    let github = match without {
        Without::Pin => unpinned(world.github_url()),
        Without::Nothing | Without::Settle => world.github_url().to_owned(),
    };
    let mut figures = Figures::default();
    if is_traced() {
        println!("{}\n{}\nunchecked: {}", storm.manifest, storm.scenario, storm.unchecked);
    }
    for round in &storm.rounds {
        if round.is_ledger_lost && world.path(".jules-batch").exists() {
            world.lose_the_ledger();
            figures.wiped += 1;
        }
        let settle = if without == Without::Settle { 0.0 } else { SETTLE };
        let runner = command(&world, round, settle, storm.unchecked);
        let runner =
            runner.env("GITHUB_API_URL", &github).env("GH_TOKEN", "ghp_of-the-tests").env("USER", "ada");
        let ended = cut_short(&world, round, runner.start(), &mut figures);
        judge_the_end(round, &ended, &mut figures);
        if is_traced() {
            println!("  {round:?}: {ended}");
        }
        // What was killed may have written a moment ago.
        std::thread::sleep(Duration::from_millis(100));
    }
    proof::judge(storm, &world, figures)
}

fn command<'w>(world: &'w World, round: &Round, settle: f64, unchecked: bool) -> Runner<'w> {
    let pulls = |args: &str| world.command("pulls").env("JULES_BASE_URL", world.service().url()).args(args);
    match round.command {
        Command::Run => world.run().arg("-q"),
        Command::Merge { is_approval_wanted, keeps_branch } => {
            let mut merge = pulls(&format!("merge --settle {settle}ms --yes"));
            if is_approval_wanted {
                merge = merge.args("--when approved");
            }
            if keeps_branch {
                merge = merge.args("--delete-branch=false");
            }
            if unchecked { merge.arg("--unchecked") } else { merge }
        }
        Command::Message => pulls("message --with-failed-checks --yes").arg("Please repair it."),
        Command::Update => pulls("update --yes"),
        Command::List => pulls("list --format json"),
        Command::Close => pulls("close --yes --select").arg("stage(conflict) | checks(failed)"),
    }
}

fn cut_short<'w>(world: &World, round: &Round, mut running: Running<'w>, figures: &mut Figures) -> Ended<'w> {
    figures.invocations += 1;
    if let Some((when, length)) = round.sleep {
        figures.slept += 1;
        until(when, world, &mut running);
        running.signal(Signal::Stop);
        std::thread::sleep(Duration::from_millis(length));
        running.signal(Signal::Continue);
    }
    if let Some(when) = round.kill {
        until(when, world, &mut running);
        running.kill();
    }
    running.wait_for(PATIENCE)
}

/// Waits for the moment, from now on, or the program's end.
fn until(when: Moment, world: &World, running: &mut Running<'_>) {
    let writes = || {
        let github = world.statistics().github;
        github.writes.len() + github.messages.iter().map(|it| it.count as usize).sum::<usize>()
    };
    let (before, began) = (writes(), Instant::now());
    running.reaches_within(PATIENCE, |_| match when {
        Moment::After(milliseconds) => {
            std::thread::sleep(Duration::from_millis(milliseconds / 16));
            began.elapsed() >= Duration::from_millis(milliseconds)
        }
        Moment::AtWrite(count) => {
            std::thread::sleep(Duration::from_millis(3));
            writes() >= before + count
        }
    });
}

/// Whether it ended as the program may.
fn judge_the_end(round: &Round, ended: &Ended<'_>, figures: &mut Figures) {
    let is_good = match (ended.code, round.command) {
        (None, _) => {
            figures.killed += 1;
            round.kill.is_some()
        }
        (Some(0 | 5), _) => true,
        // No session could be had, or tasks have failed.
        (Some(75 | 100), Command::Run) => true,
        // GitHub refused, or did not tell.
        (Some(1), Command::Merge { .. } | Command::Message | Command::Update | Command::Close) => true,
        // Nothing has been run yet.
        (Some(1), Command::List) => ended.stderr.contains("there is no ledger"),
        (Some(_), _) => false,
    };
    if !is_good || ended.stderr.contains("panicked") {
        figures.wrong.push(format!("{round:?}: {ended}"));
    }
}

fn is_traced() -> bool {
    std::env::var_os("TRACE").is_some()
}
