//! The end of a run: what is said, and the exit code.

use std::path::Path;

use jiff::Timestamp;

use super::args::{RunArgs, SimulateWith};
use super::needs;
use super::repair::repair;
use crate::cli::console::{CYAN, Console, YELLOW};
use crate::cli::exit::Exit;
use crate::cli::fail_on::FailOn;
#[cfg(feature = "postgres")]
use crate::cli::location::StateText;
use crate::cli::quote::quoted;
use crate::cli::summary;
use crate::outcome::{Outcome, RunRecord, TaskRecord};
use crate::report::{Needs, WaveStateV1, WaveV1};
use crate::runner::{Fault, Finished, Format, ReportFiles, StopReason};

/// Tells how the run ended, and says the code.
pub(super) fn finish(
    finished: &Finished,
    args: &RunArgs,
    files: &ReportFiles,
    command: Option<&str>,
    console: &Console,
) -> Exit {
    let record = &finished.record;
    let width = console.err_width();
    let needs = Needs::of(record);
    let told = needs::told(&needs, finished, args, command, width);
    if !told.is_empty() {
        console.say(&told);
    }
    console.say(&summary::standing_beside(record, &needs, width));
    let page = files.path(Format::Html);
    console
        .say(&format!("reports: {}", [page, files.path(Format::Junit)].map(|path| quoted(&path)).join(", ")));
    for line in what_next(finished, args, command) {
        console.say(&format!("{CYAN}{line}{CYAN:#}"));
    }
    if let Some(Fault::KeyRefused(why) | Fault::ServiceDown(why)) = &finished.fault {
        console.warn(&foreign_text::line(why));
    }
    if record.info.simulated {
        let note = "SIMULATED: nothing of this happened at Jules";
        match console.quiet() {
            true => console.warn(note),
            false => console.say(&format!("{YELLOW}{note}{YELLOW:#}")),
        }
    }
    exit(finished, &args.fail_on)
}

/// The one place where a run's end becomes an exit code.
pub(super) fn exit(finished: &Finished, fail_on: &FailOn) -> Exit {
    let record = &finished.record;
    let stopped = match finished.stopped {
        Some(StopReason::Interrupt) => Some(Exit::Interrupted),
        Some(StopReason::Terminate) => Some(Exit::Terminated),
        Some(StopReason::Abandon) => Some(Exit::Interrupted),
        Some(StopReason::NotWritable) => Some(Exit::NotWritable),
        Some(StopReason::Key) => Some(Exit::KeyRefused),
        Some(StopReason::Rival) => Some(Exit::WorkLeft),
        // Later runs find what was started; before anything was, the service itself is what failed.
        Some(StopReason::Capacity | StopReason::Budget | StopReason::Service)
            if !anything_started(record) =>
        {
            Some(Exit::Unavailable)
        }
        Some(
            StopReason::NoWait
            | StopReason::Unseen
            | StopReason::Occupied
            | StopReason::Capacity
            | StopReason::Budget
            | StopReason::Service
            | StopReason::MaxTasks
            | StopReason::Doubts
            | StopReason::Failures
            | StopReason::Deadline,
        )
        | None => None,
    };
    let fault = finished.fault.as_ref().and_then(|fault| match fault {
        Fault::KeyRefused(_) => Some(Exit::KeyRefused),
        Fault::ServiceDown(_) => (!anything_started(record)).then_some(Exit::Unavailable),
    });
    let failed = fail_on.meets(record).then_some(Exit::TasksFailed);
    let is_left = record.is_unfinished() || finished.not_again > 0;
    let left = is_left.then_some(Exit::WorkLeft);
    Exit::strongest([stopped, fault, failed, left].into_iter().flatten())
}

fn anything_started(record: &RunRecord) -> bool {
    record
        .tasks
        .values()
        .any(|task| task.attempts.iter().any(|it| it.session.is_some() || it.is_open_intent()))
}

/// The command that runs the manifest, with what decides where its runs are kept and who the service is.
pub(super) fn in_full(command: &str, args: &RunArgs) -> String {
    let mut command = command.to_owned();
    if let Some(simulated) = args.simulate.as_ref().and_then(SimulateWith::flag) {
        command += &format!(" {simulated}");
    }
    if args.state.state_dir != Path::new(".jules-batch") {
        command += &format!(" --state-dir {}", quoted(&args.state.state_dir));
    }
    #[cfg(feature = "postgres")]
    if let Some(flag) = args.state.state.as_ref().and_then(StateText::flag) {
        command += &format!(" {flag}");
    }
    // Without these it would be other tasks.
    for var in &args.selection.var {
        command += &format!(" --var {}", quoted(Path::new(var)));
    }
    if let Some(shard) = &args.selection.shard {
        command += &format!(" --shard {shard}");
    }
    command
}

/// Where there is nothing to do but later waves wait: what they wait for, and the way on.
pub(super) fn way_on(finished: &Finished, args: &RunArgs, command: Option<&str>, console: &Console) {
    let waits = |wave: &WaveV1| wave.state == WaveStateV1::Waiting;
    if WaveV1::all(&finished.record, Timestamp::now()).iter().any(waits) {
        let waiting = needs::waiting(&finished.record, args, command, console.err_width());
        let again = needs::again(finished, args, command);
        for line in waiting.into_iter().chain(what_next(finished, args, command)).chain(again) {
            console.say(&format!("{CYAN}{line}{CYAN:#}"));
        }
    }
}

/// What a user would do next, beside what needs them.
fn what_next(finished: &Finished, args: &RunArgs, command: Option<&str>) -> Vec<String> {
    let record = &finished.record;
    let Some(command) = command else {
        let left = record.totals().remaining() > 0;
        return left.then(|| "go on with the rest: run this step again".to_owned()).into_iter().collect();
    };
    let real = command;
    let command = in_full(command, args);
    let mut lines = Vec::new();
    lines.extend(repair(record, &command, args, Timestamp::now()));
    let is_held_up = finished.held_up.is_some();
    if record.totals().remaining() > 0 && is_held_up {
        lines.push(format!("run again what failed, and go on with the rest: {command} --failed"));
    } else if record.totals().remaining() > 0 {
        let when = when(record).unwrap_or_default();
        lines.push(format!("go on with: {command}{when}"));
    }
    if finished.not_again > 0 {
        lines.push("do once more what was not: the same command again".to_owned());
    }
    if !record.strays.is_empty() {
        lines.push(
            "look at the stray sessions, then archive or delete them: jules-batch session archive ID"
                .to_owned(),
        );
    }
    if args.is_simulated() {
        lines.push(format!("run it for real: JULES_API_KEY=… {real}"));
    }
    lines
}

/// When going on is of use, where later waves wait for that alone.
fn when(record: &RunRecord) -> Option<String> {
    let waves = WaveV1::all(record, Timestamp::now());
    let at = waves.iter().position(|wave| wave.state == WaveStateV1::Waiting)?.checked_sub(1)?;
    let is_else_left =
        record.totals().remaining() > record.tasks.values().filter(|task| is_put_off(task)).count();
    let wave = waves.get(at).filter(|_| !is_else_left)?;
    let number = wave.number;
    Some(match (wave.state, wave.until) {
        (WaveStateV1::Soaking, Some(until)) => {
            format!(
                " (from {} on: wave {number} has to last until then)",
                until.strftime("%Y-%m-%d %H:%M UTC")
            )
        }
        (WaveStateV1::Open, Some(until)) => {
            let until = until.strftime("%Y-%m-%d %H:%M UTC");
            format!(" (when more of wave {number} is a success; its time is over at {until})")
        }
        _ => " --next-wave (lets the next wave begin all the same)".to_owned(),
    })
}

/// Whether it waits for its wave, as far as can be told.
fn is_put_off(task: &TaskRecord) -> bool {
    task.outcome == Some(Outcome::Deferred) && task.last_attempt().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::RunEvent;
    use crate::outcome::sample;

    /// A run whose single task ended so, if at all; with or without a session.
    fn finished(outcome: Option<Outcome>, session: bool, stopped: Option<StopReason>) -> Finished {
        let mut events: Vec<RunEvent> = sample::run_of(1);
        events.truncate(sample::EVENTS_BEFORE_TASKS + 1);
        if session {
            events.push(sample::event(1, sample::intent("task-0", 1)));
            events.push(sample::event(2, sample::created("task-0", 1, 7)));
        }
        events.extend(outcome.map(|outcome| sample::event(9, sample::ended("task-0", outcome, None))));
        let record = RunRecord::from_events(&events).unwrap();
        Finished { record, stopped, fault: None, held_up: None, not_again: 0 }
    }

    fn code(finished: &Finished) -> u8 {
        exit(finished, &FailOn::default()).code()
    }

    #[test]
    fn the_outcomes_decide() {
        assert_eq!(code(&finished(Some(Outcome::Succeeded), true, None)), 0);
        assert_eq!(code(&finished(Some(Outcome::NoChange), true, None)), 0);
        assert_eq!(code(&finished(Some(Outcome::Skipped), false, None)), 0);
        assert_eq!(code(&finished(Some(Outcome::Failed), true, None)), 100);
        assert_eq!(code(&finished(Some(Outcome::Detached), true, Some(StopReason::Deadline))), 5);
        assert_eq!(code(&finished(Some(Outcome::Deferred), false, Some(StopReason::MaxTasks))), 5);
    }

    #[test]
    fn a_signal_wins_over_outcomes() {
        assert_eq!(code(&finished(Some(Outcome::Failed), true, Some(StopReason::Interrupt))), 130);
        assert_eq!(code(&finished(Some(Outcome::Detached), true, Some(StopReason::Terminate))), 143);
    }

    #[test]
    fn no_capacity_is_unavailable_only_before_the_first_session() {
        for reason in [StopReason::Capacity, StopReason::Budget] {
            assert_eq!(code(&finished(Some(Outcome::Deferred), false, Some(reason))), 75);
            assert_eq!(code(&finished(Some(Outcome::Deferred), true, Some(reason))), 5);
        }
    }

    #[test]
    fn an_outage_is_unavailable_only_before_the_first_session() {
        let down = |session| {
            let mut down = finished(Some(Outcome::Failed), session, Some(StopReason::Service));
            down.fault = Some(Fault::ServiceDown("503".into()));
            code(&down)
        };
        assert_eq!((down(false), down(true)), (75, 100));
    }

    #[test]
    fn a_refused_key_and_a_lost_ledger_have_codes_of_their_own() {
        let mut refused = finished(Some(Outcome::Deferred), false, Some(StopReason::Key));
        refused.fault = Some(Fault::KeyRefused("401".into()));
        assert_eq!(code(&refused), 6);
        assert_eq!(code(&finished(Some(Outcome::Detached), true, Some(StopReason::NotWritable))), 110);
    }

    #[test]
    fn fail_on_none_ignores_failures() {
        let failed = finished(Some(Outcome::Failed), true, None);
        assert_eq!(exit(&failed, &"none".parse().unwrap()), Exit::Done);
    }
}
