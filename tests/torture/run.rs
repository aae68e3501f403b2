//! Runs a case: disruption by disruption, and then until nothing is left to do.

use std::path::Path;
use std::time::{Duration, Instant};

use jules_batch::report::{ReportV1, from_json};

use crate::case::{Case, Disruption, How, Ledger, Moment};
use crate::figures::Figures;
use crate::proof;
use crate::support::{Ended, Running, Signal, World};

/// More starts than this, with nobody interfering any more, is no progress.
const MOST_INVOCATIONS: u64 = 30;

/// Runs the program through the case; what the simulator's statistics then say.
pub(crate) fn to_the_end(case: &Case) -> Figures {
    let world = World::new(&case.scenario);
    world.write("jobs.yaml", &case.manifest);
    let mut figures = Figures::default();
    if is_traced() {
        println!("{}\n{}", case.manifest, case.scenario);
    }
    for disruption in &case.disruptions {
        let before = (disruption.ledger == Ledger::Old).then(|| world.copy_of_the_ledger());
        let ended = disrupt(case, &world, disruption, &mut figures);
        trace(&world, &format!("{disruption:?}"), &ended);
        match disruption.ledger {
            Ledger::Stays if is_over(&world, &ended, &mut figures) => {
                return failed_again(case, &world, figures);
            }
            Ledger::Stays => {}
            Ledger::Lost | Ledger::Old => lose(&world, case, before.flatten().as_deref(), &mut figures),
        }
    }
    to_its_end(case, &world, "", &mut figures);
    failed_again(case, &world, figures)
}

/// Starts the program undisturbed until no work is left, the first time with these arguments.
fn to_its_end(case: &Case, world: &World, mut arguments: &str, figures: &mut Figures) {
    for _ in 0..MOST_INVOCATIONS {
        figures.invocations += 1;
        let ended = world.run().arg("-q").args(arguments).start().wait_for(case.patience());
        trace(world, &format!("undisturbed {arguments}"), &ended);
        if is_over(world, &ended, figures) {
            return;
        }
        // `--failed` once more would do once more what has failed in it.
        arguments = "";
    }
    figures.wrong.push(format!("work is still left after {MOST_INVOCATIONS} undisturbed invocations"));
}

/// Does the failed tasks once more where the case says so, and judges.
fn failed_again(case: &Case, world: &World, mut figures: Figures) -> Figures {
    if let Some(selection) = case.failed_again {
        to_its_end(case, world, &format!("--failed {selection}"), &mut figures);
    }
    proof::judge(case, world, figures)
}

/// Starts the program and cuts it short.
fn disrupt<'w>(case: &Case, world: &'w World, disruption: &Disruption, figures: &mut Figures) -> Ended<'w> {
    figures.invocations += 1;
    // A narrower run of its own would be followed by one that does all of it.
    let goes_on = status(world).is_some_and(|report| report.remaining > 0);
    let arguments = if goes_on { disruption.arguments } else { "" };
    let mut running = world.run().arg("-q").args(arguments).start();
    if let Some((when, span)) = disruption.sleep {
        figures.slept += 1;
        until(when, case, world, &mut running);
        running.signal(Signal::Stop);
        std::thread::sleep(Duration::from_millis(span));
        running.signal(Signal::Continue);
    }
    until(disruption.when, case, world, &mut running);
    match disruption.how {
        How::Kill => running.kill(),
        How::Interrupt => running.signal(Signal::Interrupt),
        How::Terminate => running.signal(Signal::Terminate),
    }
    let ended = running.wait_for(case.patience());
    match ended.code {
        None => figures.killed += 1,
        Some(130 | 143) => figures.interrupted += 1,
        // It was faster.
        Some(_) => {}
    }
    ended
}

/// Waits for the moment, from now on, or the program's end.
fn until(when: Moment, case: &Case, world: &World, running: &mut Running<'_>) {
    let (creates, began) = (world.requests("sessions.create"), Instant::now());
    running.reaches_within(case.patience(), |_| match when {
        Moment::After(milliseconds) => began.elapsed() >= Duration::from_millis(milliseconds),
        Moment::AtCreate(count) => world.requests("sessions.create") >= creates + count,
    });
}

/// The state folder is lost, as a CI cache can be, or an older copy of it takes its place. What the service does not
/// list yet nobody can find then.
fn lose(world: &World, case: &Case, copy: Option<&Path>, figures: &mut Figures) {
    if world.path(".jules-batch").exists() {
        match copy {
            None => figures.wiped += 1,
            Some(_) => figures.restored += 1,
        }
        world.lose_the_ledger();
    }
    if let Some(copy) = copy {
        std::fs::rename(copy, world.path(".jules-batch")).unwrap();
    }
    std::thread::sleep(Duration::from_millis(case.longest_absence()));
}

/// Whether there is nothing left to do.
fn is_over(world: &World, ended: &Ended<'_>, figures: &mut Figures) -> bool {
    match ended.code {
        // Killed when all was done and recorded: another start would be another run.
        None if status(world).is_some_and(|run| run.run.ended_at.is_some() && run.remaining == 0) => {
            world.command("report").arg("-q").exits(0);
            true
        }
        // Killed, work left, interrupted, or nobody could be asked just then.
        None | Some(5 | 75 | 130 | 143) => false,
        // Failed tasks win over work left.
        Some(0 | 100) => report(world).remaining == 0,
        Some(_) => {
            figures.wrong.push(ended.to_string());
            true
        }
    }
}

/// The report as the last invocation left it.
pub(crate) fn report(world: &World) -> ReportV1 {
    from_json(&world.read("jules-report/report.json")).unwrap()
}

/// The last run as the ledger has it; none before there is one.
fn status(world: &World) -> Option<ReportV1> {
    from_json(&world.command("status").args("--format json").start().wait().stdout).ok()
}

fn is_traced() -> bool {
    std::env::var_os("TRACE").is_some()
}

/// With `TRACE=1`: what each invocation left behind.
fn trace(world: &World, what: &str, ended: &Ended<'_>) {
    if !is_traced() {
        return;
    }
    let created = world.statistics().created;
    let stands = status(world).map_or_else(
        || "no run".to_owned(),
        |report| {
            let attempts: Vec<_> = report.tasks.iter().flat_map(|task| &task.attempts).collect();
            let sessions = attempts.iter().filter(|attempt| attempt.session.is_some()).count();
            let ended = report.run.ended_at.map_or("not ended", |_| "ended");
            let (id, left, tasks) = (report.run.id, report.remaining, report.tasks.len());
            format!(
                "run {id} {ended}, {left} of {tasks} tasks left, {} attempts, {sessions} sessions",
                attempts.len()
            )
        },
    );
    println!("  {what}: exit {:?}, {created} created; {stands}", ended.code);
}
