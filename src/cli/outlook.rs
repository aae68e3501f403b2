//! In words: what a `run` would do by what the ledger says, before it does.

use foreign_text::line as neutral;
use jiff::Timestamp;

use super::console::{Console, DIM};
use super::progress::spent;
use crate::report::many;
use crate::runner::{Because, Decision, Outlook, Preview};

/// `170 done, 30 failed, 100 to start`.
pub(crate) fn counts(outlook: &Outlook) -> String {
    let counts = [
        (outlook.done(), "done"),
        (outlook.failed(), "failed"),
        (outlook.skipped(), "marked to be skipped"),
        (outlook.at_work(), "at work"),
        (outlook.adopted(), "with an open pull request"),
        (outlook.skipped_for_pulls(), "skipped for their pull request"),
        (outlook.held(), "held back by pull requests"),
        (outlook.in_later_waves(), "in later waves"),
        (outlook.needs(), "waiting for what they need"),
        (outlook.to_start(), "to start"),
        (outlook.impossible(), "that cannot be run"),
        (outlook.left_over, "given up and to be archived"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, what)| format!("{count} {what}")).collect();
    if counts.is_empty() { "nothing to do".to_owned() } else { counts.join(", ") }
}

/// That nothing is started of what could be, why, and the way out.
pub(crate) fn held_up(preview: &Preview) -> Option<String> {
    let why = preview.held_up.as_deref()?;
    Some(format!(
        "nothing is started: too many tasks have failed ({why}); run them again with --failed, or raise `strategy.max-failures`"
    ))
}

/// That the day allows fewer sessions than there are to start.
pub(crate) fn day(preview: &Preview, now: Timestamp) -> Option<String> {
    let (day, starts) = (preview.day?, preview.outlook.to_start());
    if starts <= day.left {
        return None;
    }
    Some(match day.free_at {
        Some(at) => format!("{}: none of them is started before that", spent(at, now)),
        None => format!("`sessions-per-day` leaves {} now", many(day.left, "session")),
    })
}

/// That there is nothing to do, since when, and the words that do it again.
pub(crate) fn nothing(outlook: &Outlook, command: Option<&str>) -> String {
    let since = outlook.done_since().map_or_else(String::new, |(since, run)| {
        let others = outlook.done_in() - 1;
        let others = if others == 0 { String::new() } else { format!(" and {others} before it") };
        format!(" since {} (run {run}{others})", minute(since))
    });
    let mut parts = Vec::new();
    if outlook.done() > 0 || outlook.tasks.is_empty() {
        parts.push(format!("{} done{since}", outlook.done()));
    }
    if outlook.failed() > 0 {
        parts.push(format!("{} failed (once more: --failed)", outlook.failed()));
    }
    if outlook.needs() > 0 {
        parts.push(format!("{} waiting for what they need", outlook.needs()));
    }
    if outlook.skipped_for_pulls() > 0 {
        let skipped = outlook.skipped_for_pulls();
        parts.push(format!("{skipped} skipped for their pull request (once more: --recreate)"));
    }
    if outlook.held() > 0 {
        parts.push(format!("{} held back by pull requests", outlook.held()));
    }
    if outlook.in_later_waves() > 0 {
        parts.push(format!("{} in later waves", outlook.in_later_waves()));
    }
    if outlook.skipped() > 0 {
        parts.push(format!("{} marked to be skipped", outlook.skipped()));
    }
    if outlook.in_later_waves() > 0 {
        // Doing once more what is done brings them no further.
        return format!("nothing to do: {}", parts.join(", "));
    }
    let job = outlook
        .tasks
        .first()
        .map_or("ID", |(task, _)| task.as_str().split(['/', '[']).next().unwrap_or("ID"));
    let command = command.unwrap_or("run");
    let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    format!("nothing to do{parts}; to do some once more: {command} --again 'job({})'", neutral(job))
}

/// What became of edits: good ends before them stay.
pub(crate) fn kept(outlook: &Outlook) -> Option<String> {
    let kept = outlook.done_before_an_edit();
    (kept > 0).then(|| {
        format!(
            "{} done before the prompt was edited: kept as they are (--redo-edited does them once more)",
            many(kept, "task")
        )
    })
}

/// Says what becomes of the tasks, before any is started.
pub(crate) fn foretell(outlook: &Outlook, console: &Console) {
    console.say(&format!("{DIM}{}{DIM:#}", counts(outlook)));
    kept(outlook).iter().for_each(|kept| console.say(kept));
}

/// Which tasks do not start because of what they need, as many as a person reads.
pub(crate) fn unmet(outlook: &Outlook) -> Vec<String> {
    const MOST: usize = 10;
    let unmet: Vec<_> = outlook
        .tasks
        .iter()
        .filter_map(|(task, decision)| match decision {
            Decision::Unmet { why } => Some(format!("{}: skipped: {}", neutral(task.as_str()), neutral(why))),
            _ => None,
        })
        .collect();
    let more = unmet.len().saturating_sub(MOST);
    let more = (more > 0).then(|| format!("… and {more} more"));
    unmet.into_iter().take(MOST).chain(more).collect()
}

/// That tasks are done again that have a result, or would be.
pub(crate) fn repeated(count: usize, is_question: bool) -> String {
    let (have, again) = match (count, is_question) {
        (1, true) => ("has", "it would be"),
        (1, false) => ("has", "it is"),
        (_, true) => ("have", "they would be"),
        (_, false) => ("have", "they are"),
    };
    format!("{} {have} a result already; {again} done again", many(count, "task"))
}

/// What becomes of a task, in a line.
pub(crate) fn words(decision: &Decision) -> String {
    let before_an_edit = |edited: &bool| if *edited { ", before its prompt was edited" } else { "" };
    match decision {
        Decision::Start(because) => match because {
            Because::New => "to start",
            Because::Open => "to start: it has no end yet",
            Because::Marked => "to start: marked open",
            Because::Failed => "to start: it has failed",
            Because::Needed => "to start with what it needs: it was skipped for that",
            Because::Due => "to start: its `repeat` is over",
            Because::Again => "to start: --again",
            Because::Edited => "to start: its prompt was edited",
            Because::Fresh => "to start: --fresh",
            Because::Recreated => "to start: --recreate",
        }
        .to_owned(),
        Decision::GoOn { run, session } => format!("at work: session {session} (run {run})"),
        Decision::Settle { run } => format!("in doubt whether it was created (run {run}): looked for first"),
        Decision::Done { since, edited, run, .. } => {
            format!("done since {} (run {run}){}", minute(*since), before_an_edit(edited))
        }
        Decision::Failed { since, outcome, edited, run } => {
            let (label, edited) = (outcome.label(), before_an_edit(edited));
            format!("{label} since {} (run {run}){edited}: waits for --failed", minute(*since))
        }
        Decision::Needs => "waits for what it needs".to_owned(),
        Decision::Skipped => "marked to be skipped".to_owned(),
        Decision::Adopt(pull) => format!("adopted: {}", neutral(&pull.words())),
        Decision::SkipFor(pull) => format!("skipped: {}", neutral(&pull.words())),
        Decision::Held { why } | Decision::Unmet { why } | Decision::LaterWave { why } => neutral(why),
        Decision::NotAsked => "never run, and not asked for".to_owned(),
        Decision::Impossible => "cannot be run".to_owned(),
    }
}

/// The same where there is little room.
pub(crate) fn short(decision: &Decision) -> String {
    let day = |since: &Timestamp| since.strftime("%F").to_string();
    match decision {
        Decision::Start(_) => "start".to_owned(),
        Decision::GoOn { .. } => "at work".to_owned(),
        Decision::Settle { .. } => "in doubt".to_owned(),
        Decision::Done { since, .. } => format!("done {}", day(since)),
        Decision::Failed { since, outcome, .. } => format!("{} {}", outcome.label(), day(since)),
        Decision::Needs => "needs".to_owned(),
        Decision::Adopt(_) => "adopt".to_owned(),
        Decision::Held { .. } => "held".to_owned(),
        Decision::LaterWave { .. } => "later wave".to_owned(),
        Decision::Unmet { .. } => "needs".to_owned(),
        Decision::Skipped | Decision::SkipFor(_) => "skip".to_owned(),
        Decision::NotAsked => "not asked".to_owned(),
        Decision::Impossible => "error".to_owned(),
    }
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;
    use crate::plan::TaskId;

    fn outlook(decisions: &[Decision]) -> Outlook {
        let tasks = decisions.iter().map(|decision| (TaskId::new("up/o/r@main"), decision.clone())).collect();
        Outlook { tasks, ..Outlook::default() }
    }

    fn run() -> crate::outcome::RunId {
        "20261120-020000-7c1f".parse().unwrap()
    }

    fn done(edited: bool) -> Decision {
        let since = "2026-11-20T02:00:05Z".parse().unwrap();
        Decision::Done { since, outcome: Outcome::Succeeded, edited, run: run() }
    }

    #[test]
    fn what_would_be_done_is_counted() {
        let since = "2026-11-20T02:00:05Z".parse().unwrap();
        let failed = Decision::Failed { since, outcome: Outcome::Failed, edited: false, run: run() };
        let all = outlook(&[done(false), done(true), failed, Decision::Start(Because::New)]);
        assert_eq!(counts(&all), "2 done, 1 failed, 1 to start");
        assert_eq!(counts(&outlook(&[])), "nothing to do");
        assert!(kept(&all).unwrap().starts_with("1 task done before the prompt was edited"));
        assert_eq!(kept(&outlook(&[done(false)])), None);
    }

    #[test]
    fn when_there_is_nothing_to_do_the_way_to_do_it_again_is_named() {
        assert_eq!(
            nothing(&outlook(&[done(false)]), Some("jules-batch run jobs.yaml")),
            "nothing to do: 1 done since 2026-11-20 02:00 UTC (run 20261120-020000-7c1f); to do some once more: jules-batch run jobs.yaml --again 'job(up)'"
        );
        assert_eq!(
            words(&done(true)),
            "done since 2026-11-20 02:00 UTC (run 20261120-020000-7c1f), before its prompt was edited"
        );
        assert_eq!(short(&done(true)), "done 2026-11-20");
        assert_eq!(words(&Decision::Start(Because::Due)), "to start: its `repeat` is over");
        assert_eq!(repeated(12, true), "12 tasks have a result already; they would be done again");
        assert_eq!(repeated(1, false), "1 task has a result already; it is done again");
    }
}
