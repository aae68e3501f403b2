//! Runs a story: blow by blow, and then until nothing is left to do.

use std::time::{Duration, Instant};

use jules_batch::report::{ReportV1, from_json};

use crate::figures::Figures;
use crate::proof;
use crate::story::{Blow, How, Moment, Story};
use crate::support::{Ended, Running, Signal, World};

/// More starts than this, with nobody interfering any more, is no progress.
const MOST_INVOCATIONS: u64 = 30;

/// Runs the program through the story; what the simulator's books then say.
pub(crate) fn live_through(story: &Story) -> Figures {
    let world = World::new(&story.scenario);
    world.write("jobs.yaml", &story.manifest);
    let mut figures = Figures::default();
    for blow in &story.blows {
        let ended = strike(&world, blow, &mut figures);
        if blow.wipe {
            wipe(&world, story, &mut figures);
        } else if is_over(&world, &ended, &mut figures) {
            return proof::judge(story, &world, figures);
        }
    }
    for _ in 0..MOST_INVOCATIONS {
        figures.invocations += 1;
        let ended = world.run().arg("-q").start().wait();
        if is_over(&world, &ended, &mut figures) {
            return proof::judge(story, &world, figures);
        }
    }
    figures.wrong.push(format!("work is still left after {MOST_INVOCATIONS} undisturbed invocations"));
    figures
}

/// Starts the program and cuts it short.
fn strike<'w>(world: &'w World, blow: &Blow, figures: &mut Figures) -> Ended<'w> {
    figures.invocations += 1;
    let creates = world.requests("sessions.create");
    let began = Instant::now();
    let mut running = world.run().arg("-q").start();
    wait_for(&mut running, || match blow.when {
        Moment::After(milliseconds) => began.elapsed() >= Duration::from_millis(milliseconds),
        Moment::AtCreate(count) => world.requests("sessions.create") >= creates + count,
    });
    match blow.how {
        How::Kill => running.kill(),
        How::Interrupt => running.signal(Signal::Interrupt),
    }
    let ended = running.wait();
    match ended.code {
        None => figures.killed += 1,
        Some(130) => figures.interrupted += 1,
        // It was faster.
        Some(_) => {}
    }
    ended
}

fn wait_for(running: &mut Running<'_>, moment: impl Fn() -> bool) {
    while !moment() && !running.has_ended() {
        std::thread::sleep(Duration::from_micros(300));
    }
}

/// The state folder is lost, as a CI cache can be. What the service does not list yet nobody can find then.
fn wipe(world: &World, story: &Story, figures: &mut Figures) {
    if world.path(".jules-batch").exists() {
        figures.wiped += 1;
        world.lose_the_ledger();
    }
    std::thread::sleep(Duration::from_millis(story.longest_absence()));
}

/// Whether there is nothing left to do.
fn is_over(world: &World, ended: &Ended<'_>, figures: &mut Figures) -> bool {
    match ended.code {
        // Killed, work left, interrupted, or nobody could be asked just then.
        None | Some(5 | 75 | 130) => false,
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
