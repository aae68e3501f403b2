//! What is said when the service does not answer, or requests wait.

use std::time::Duration;

use foreign_text::{clip, line as neutral};
use jiff::{SignedDuration, Timestamp};

use super::line::Said;
use crate::cli::console::{GREEN, YELLOW};
use crate::outcome::{HeldBack, Outage, RequestPause, ServiceStatus, StartPause};
use crate::report::{duration, many};

/// What the daily budget is called.
const SESSIONS_PER_DAY: &str = "sessions-per-day";
/// A request that failed longer ago than any takes does not tell how it is now.
const UNSEEN: SignedDuration = SignedDuration::from_secs(15);
/// So much of an error is shown.
const ERROR: usize = 120;

/// What holds the run up now, a text each.
pub(crate) fn troubles(status: &ServiceStatus, now: Timestamp) -> Vec<String> {
    let lasts = |until: &Timestamp| *until > now;
    let pauses = status.pauses.iter().filter(|pause| lasts(&pause.until)).map(|pause| paused(pause, now));
    let starts = start_pause(status).into_iter().filter(|it| lasts(&it.until)).map(|it| not_started(it, now));
    let spent = spent_until(status).filter(lasts).map(|until| spent(until, now));
    let held_back = status.held_back.iter().map(held_back);
    status
        .outage
        .iter()
        .map(|outage| failing(outage, now))
        .chain(pauses)
        .chain(starts)
        .chain(spent)
        .chain(held_back)
        .collect()
}

/// The lines that a change is worth.
pub(super) fn news(before: &ServiceStatus, status: &ServiceStatus, now: Timestamp) -> Vec<Said> {
    let mut said = Vec::new();
    let told = |text: String| format!("{YELLOW}waiting:{YELLOW:#} {text}");
    match (&before.outage, &status.outage) {
        (None, Some(outage)) => {
            said.push(Said::Lasting(format!("{YELLOW}trouble:{YELLOW:#} {}", failing(outage, now))));
        }
        (Some(outage), None) => {
            let lasted = age(outage.since, unseen_since(outage, now).unwrap_or(now));
            said.push(Said::Lasting(format!(
                "{GREEN}over:{GREEN:#} the service answers again, after {lasted}"
            )));
        }
        _ => {}
    }
    for pause in status.pauses.iter().filter(|pause| !before.pauses.contains(pause)) {
        let text = told(paused(pause, now));
        said.push(if pause.asked { Said::Lasting(text) } else { Said::Change(text) });
    }
    if let Some(pause) = start_pause(status).filter(|pause| start_pause(before) != Some(pause)) {
        let text = told(not_started(pause, now));
        said.push(if is_daily(pause) { Said::Lasting(text) } else { Said::Change(text) });
    }
    said
}

/// Why no more sessions are started, and when the next may be, if the day's are spent.
pub(super) fn stopped(reason: &str, status: &ServiceStatus, now: Timestamp) -> String {
    let free = status.session_free_at.filter(|until| reason == SESSIONS_PER_DAY && *until > now);
    let free = free.map(|until| format!("; the next session is free at {}", clock(until, now)));
    format!("{}{}", neutral(reason), free.unwrap_or_default())
}

/// Until when the day's sessions are spent, where no pause tells it.
fn spent_until(status: &ServiceStatus) -> Option<Timestamp> {
    status.session_free_at.filter(|_| !status.start_pause.as_ref().is_some_and(is_daily))
}

/// A pause of creates tells the same as a refusal for want of room.
fn start_pause(status: &ServiceStatus) -> Option<&StartPause> {
    let is_told = status.paused_until("creates").is_some();
    status.start_pause.as_ref().filter(|pause| is_daily(pause) || !is_told)
}

/// Since when nobody knows whether it goes on, as nothing was asked for since.
fn unseen_since(outage: &Outage, now: Timestamp) -> Option<Timestamp> {
    outage.last_failure.filter(|last| now.duration_since(*last) >= UNSEEN)
}

fn failing(outage: &Outage, now: Timestamp) -> String {
    let lasted = match unseen_since(outage, now) {
        Some(last) => format!("for {}, last seen {} ago", age(outage.since, last), age(last, now)),
        None => format!("for {}", age(outage.since, now)),
    };
    let what = if outage.requests.iter().any(|kind| kind == "reads") {
        "outage".to_owned()
    } else {
        format!("outage of {}", neutral(&outage.requests.join(", ")))
    };
    let next = outage.next_try.filter(|at| *at > now);
    let next = next.map(|at| format!(", next try in {}", wait(now, at))).unwrap_or_default();
    // The error comes last: it is what a narrow terminal cuts off.
    format!("{what} {lasted}{next}: {}", clip(neutral(&outage.error), ERROR))
}

fn paused(pause: &RequestPause, now: Timestamp) -> String {
    let why = if pause.asked { ", as the service asks" } else { "" };
    format!("{} paused until {}{why}", neutral(&pause.requests), clock(pause.until, now))
}

fn not_started(pause: &StartPause, now: Timestamp) -> String {
    let why = match &*pause.reason {
        SESSIONS_PER_DAY => "`sessions-per-day` is spent",
        "account" => "the account has no slot for this run",
        _ => "the service takes no more",
    };
    format!("no session is started before {}: {why}", clock(pause.until, now))
}

/// That the day's sessions are used up, and when the next is free.
pub(crate) fn spent(until: Timestamp, now: Timestamp) -> String {
    format!("`sessions-per-day` is spent: the next session is free at {}", clock(until, now))
}

fn held_back(held_back: &HeldBack) -> String {
    let HeldBack { tasks, repositories, more, bound } = held_back;
    let (tasks, verb) = (many(*tasks, "task"), if *tasks == 1 { "waits" } else { "wait" });
    let more = if *more == 0 { String::new() } else { format!(" and {more} more") };
    let names = neutral(&repositories.join(", "));
    format!("{tasks} {verb} for a place on {names}{more}: `max-parallel-per-repository` is {bound}")
}

fn is_daily(pause: &StartPause) -> bool {
    pause.reason == SESSIONS_PER_DAY
}

/// `02:03:04 UTC (in 1m 04s)`, with the date where it is another day.
fn clock(time: Timestamp, now: Timestamp) -> String {
    let day = |time: Timestamp| time.strftime("%F").to_string();
    let format = if day(time) == day(now) { "%H:%M:%S" } else { "%F %H:%M:%S" };
    format!("{} UTC (in {})", time.strftime(format), wait(now, time))
}

fn age(since: Timestamp, now: Timestamp) -> String {
    whole(now.duration_since(since))
}

fn wait(now: Timestamp, until: Timestamp) -> String {
    whole(until.duration_since(now))
}

/// In whole seconds, from one on.
fn whole(time: SignedDuration) -> String {
    let seconds = time.as_secs_f64().round().max(1.0) as u64;
    if seconds < 10 { format!("{seconds}s") } else { duration(Duration::from_secs(seconds)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::sample::at;

    fn down(requests: &[&str]) -> ServiceStatus {
        let outage = Outage {
            requests: requests.iter().map(|&kind| kind.to_owned()).collect(),
            since: at(10),
            last_failure: Some(at(139)),
            error: "the service answered 503 UNAVAILABLE: back\n::error::soon".into(),
            next_try: Some(at(147)),
        };
        ServiceStatus { outage: Some(outage), ..ServiceStatus::default() }
    }

    fn waiting() -> ServiceStatus {
        let pause = |requests: &str, asked| RequestPause { requests: requests.into(), until: at(200), asked };
        ServiceStatus {
            pauses: vec![pause("creates", true), pause("reads", false)],
            start_pause: Some(StartPause { until: at(90_000), reason: "sessions-per-day".into() }),
            ..ServiceStatus::default()
        }
    }

    #[test]
    fn what_holds_a_run_up_is_told_with_its_time() {
        let told = |status| troubles(&status, at(140)).join("\n");
        insta::assert_snapshot!(told(down(&["creates", "reads"])), @"outage for 2m 10s, next try in 7s: the service answered 503 UNAVAILABLE: back : :error::soon");
        insta::assert_snapshot!(told(down(&["activity listings"])), @"outage of activity listings for 2m 10s, next try in 7s: the service answered 503 UNAVAILABLE: back : :error::soon");
        let mut unseen = down(&["reads"]);
        unseen.outage.iter_mut().for_each(|outage| outage.last_failure = Some(at(20)));
        insta::assert_snapshot!(told(unseen), @"outage for 10s, last seen 2m 00s ago, next try in 7s: the service answered 503 UNAVAILABLE: back : :error::soon");
        insta::assert_snapshot!(told(waiting()), @r"
        creates paused until 02:03:20 UTC (in 1m 00s), as the service asks
        reads paused until 02:03:20 UTC (in 1m 00s)
        no session is started before 2026-11-23 03:00:00 UTC (in 1d 00h): `sessions-per-day` is spent
        ");
        assert!(troubles(&waiting(), at(100_000)).is_empty(), "it is over");
    }

    #[test]
    fn a_day_whose_sessions_are_spent_is_told_with_its_end() {
        let spent = ServiceStatus { session_free_at: Some(at(7_340)), ..ServiceStatus::default() };
        insta::assert_snapshot!(troubles(&spent, at(140)).join("\n"), @"`sessions-per-day` is spent: the next session is free at 04:02:20 UTC (in 2h 00m)");
        insta::assert_snapshot!(stopped("sessions-per-day", &spent, at(140)), @"sessions-per-day; the next session is free at 04:02:20 UTC (in 2h 00m)");
        assert_eq!(stopped("deadline", &spent, at(140)), "deadline");
        let waits = ServiceStatus { start_pause: waiting().start_pause, ..spent };
        assert_eq!(troubles(&waits, at(140)).len(), 1, "the pause tells it");
    }

    #[test]
    fn what_waits_for_its_repository_is_told() {
        let told = |tasks, names: &[&str], more| {
            let repositories = names.iter().map(|&name| name.to_owned()).collect();
            let held_back = Some(HeldBack { tasks, repositories, more, bound: 1 });
            troubles(&ServiceStatus { held_back, ..ServiceStatus::default() }, at(140)).join("\n")
        };
        insta::assert_snapshot!(told(1, &["o/a"], 0), @"1 task waits for a place on o/a: `max-parallel-per-repository` is 1");
        insta::assert_snapshot!(told(12, &["o/a", "o/b", "o/c"], 3), @"12 tasks wait for a place on o/a, o/b, o/c and 3 more: `max-parallel-per-repository` is 1");
    }

    #[test]
    fn a_refused_create_is_told_once() {
        let mut status = waiting();
        status.start_pause = Some(StartPause { until: at(200), reason: "capacity-wait".into() });
        assert_eq!(troubles(&status, at(140)).len(), 2);
        status.pauses.clear();
        let told = troubles(&status, at(140)).join("\n");
        insta::assert_snapshot!(told, @"no session is started before 02:03:20 UTC (in 1m 00s): the service takes no more");
    }

    #[test]
    fn what_begins_and_what_is_over_has_one_line() {
        let well = ServiceStatus::default();
        let told = |before: &ServiceStatus, status: &ServiceStatus| {
            let plain = |said| match said {
                Said::Lasting(text) => format!("! {}\n", anstream::adapter::strip_str(&text)),
                Said::Change(text) => format!("  {}\n", anstream::adapter::strip_str(&text)),
            };
            news(before, status, at(140)).into_iter().map(plain).collect::<String>()
        };
        insta::assert_snapshot!(told(&well, &down(&["reads"])), @"! trouble: outage for 2m 10s, next try in 7s: the service answered 503 UNAVAILABLE: back : :error::soon");
        insta::assert_snapshot!(told(&down(&["reads"]), &well), @"! over: the service answers again, after 2m 10s");
        insta::assert_snapshot!(told(&well, &waiting()), @r"
        ! waiting: creates paused until 02:03:20 UTC (in 1m 00s), as the service asks
          waiting: reads paused until 02:03:20 UTC (in 1m 00s)
        ! waiting: no session is started before 2026-11-23 03:00:00 UTC (in 1d 00h): `sessions-per-day` is spent
        ");
        for same in [&well, &down(&["reads"]), &waiting()] {
            assert_eq!(told(same, same), "");
        }
        assert_eq!(told(&waiting(), &well), "", "their ends were told");
    }
}
