//! A mass upgrade some days after its sessions: sixty pull requests at every stage.

use serde_json::json;

use super::{HOSTILE, SampleRun, began};
use crate::outcome::sample::state_at;
use crate::outcome::{Outcome, Stage};
use crate::report::ReportV1;
use jiff::SignedDuration;

const HOUR: i64 = 3600;

/// Sixty tasks, of which four have pull requests that were not read and two have none. Of the others a third is merged.
pub(in crate::report) fn campaign() -> ReportV1 {
    campaign_sample().report()
}

pub(in crate::report) fn campaign_sample() -> SampleRun {
    let mut sample = SampleRun::new();
    let id = |number: i64| format!("upgrade/my-org/svc-{number:02}@main");
    for number in 0..60 {
        sample.plan(&id(number), Some(&format!("my-org/svc-{number:02}")), 14);
    }
    for number in 0..60 {
        let begin = number / 6 * 700 + number % 6 * 40;
        sample.at(begin).start(&id(number), 1, &format!("7{number:018}")).at(begin + 600);
        let work = json!({"pullRequest": {
            "url": page(number), "number": number + 1, "title": if number == 21 { HOSTILE } else { "Upgrade serde to 2.0" },
            "baseRef": "main", "headRef": format!("upgrade-serde-7{number:018}"),
        }, "change": {"files": 2 + number % 3, "additions": 10 + number * 7 % 90, "deletions": number * 3 % 40}});
        let (outcome, work) =
            if number >= 58 { (Outcome::NoChange, json!({})) } else { (Outcome::Succeeded, work) };
        sample.end_attempt(&id(number), 1, outcome, None, &work).end(&id(number), outcome, None);
    }
    sample.at(2 * HOUR + 30).used(&[("create", 60), ("list", 61)]).finish(None);
    for number in 0..54 {
        for (second, stage) in course(number) {
            sample.at(second).tell(&read(&id(number), number, second, stage));
        }
    }
    sample.tell(&json!({"event": "github_used", "usage": {"requests": 212, "points": 140, "writes": 19}}));
    sample
}

fn page(number: i64) -> String {
    format!("https://github.com/my-org/svc-{number:02}/pull/{}", number + 1)
}

/// Checks, then whatever it stands at; those to be merged wait until somebody has an hour for them.
fn course(number: i64) -> Vec<(i64, Stage)> {
    let first = 2 * HOUR + number * 20;
    let last = match number {
        0..18 => Stage::Merged,
        18..36 => Stage::ALL[usize::try_from(number - 18).unwrap_or(0)],
        36..44 => Stage::ReviewRequired,
        44..48 => Stage::ChecksFailed,
        _ => Stage::Ready,
    };
    let mut course = vec![(first, Stage::ChecksPending), (first + 1800 + number * 97, Stage::ReviewRequired)];
    if number % 5 == 2 {
        course.insert(1, (first + 900, Stage::ChecksFailed));
    }
    if last == Stage::Merged {
        course.push((first + 5 * HOUR + number * 600, Stage::Ready));
        course.push((first + (8 + 24 * (number / 9)) * HOUR + number * 1100, last));
    } else {
        course.push((first + 9 * HOUR + number * 3000, last));
    }
    course
}

fn read(task: &str, number: i64, second: i64, stage: Stage) -> serde_json::Value {
    let state = state_at(stage);
    let at = began() + SignedDuration::from_secs(second);
    let checks = match stage {
        Stage::ChecksFailed => Some("FAILURE"),
        Stage::ChecksPending => Some("PENDING"),
        Stage::Ready | Stage::Merged | Stage::ReviewRequired => Some("SUCCESS"),
        _ => None,
    };
    let hostile = number == 21;
    let reason = match stage {
        _ if hostile => Some(HOSTILE),
        Stage::Unknown => Some("the token cannot read my-org/svc-20"),
        Stage::Blocked => Some("a required deployment has not succeeded"),
        _ => None,
    };
    json!({"event": "pull_request_read", "task": task, "pull": {
        "url": page(number), "id": format!("PR_{number}"), "repository": format!("my-org/svc-{number:02}"),
        "state": state, "stage": stage, "since": at, "reason": reason, "head": format!("{number:040x}"),
        "checks": if hostile { Some(HOSTILE) } else { checks }, "review": (stage == Stage::ReviewRequired).then_some("REVIEW_REQUIRED"),
        "mergedAt": (stage == Stage::Merged).then_some(at), "closedBy": (state.is_over()).then_some("ada"),
        "touchedBy": if hostile { Some(HOSTILE) } else { (stage == Stage::Touched).then_some("eve") }, "checkedAt": at,
    }})
}
