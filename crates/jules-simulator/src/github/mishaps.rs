//! Answers of GitHub when things go wrong.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Delivery, Served},
    faults::Mishap,
    mishap::FaultKind,
};

use super::{acts::Refusal, limits::Exceeded, rest::RestAnswer};

/// Whose budget is said to be spent, and until when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    pub(super) user: i64,
    pub(super) resets: Timestamp,
}

/// The answer to who has spent the hour's budget.
pub(super) fn primary(spent: &Spent) -> RestAnswer {
    let message = format!("API rate limit exceeded for user ID {}.", spent.user);
    let mut answer = RestAnswer::refusal(&Refusal::new(403, "RATE_LIMITED", message));
    answer.headers.push(("x-ratelimit-remaining", "0".to_owned()));
    answer.headers.push(("x-ratelimit-reset", spent.resets.as_second().to_string()));
    answer
}

const SECONDARY: &str = "You have exceeded a secondary rate limit. Please wait a few minutes before you \
                                    try again. If you reach out to GitHub Support for help, please include the request ID.";

/// The answer to who asks too much at once.
pub(super) fn secondary(status: u16, retry_after: Option<u64>) -> RestAnswer {
    let mut answer = RestAnswer::refusal(&Refusal::new(status, "RATE_LIMITED", SECONDARY));
    answer.body["documentation_url"] = json!(
        "https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"
    );
    answer.headers.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
    answer
}

/// What a front end says when what is behind it takes too long, or is not there.
fn outage(status: u16) -> RestAnswer {
    let message = match status {
        502 | 504 => {
            "We couldn't respond to your request in time. Sorry about that. Please try resubmitting your request and \
             contact us if the problem persists."
        }
        500 => "Server Error",
        503 => "Service unavailable",
        401 => "Bad credentials",
        404 => "Not Found",
        _ => "Unicorn!",
    };
    RestAnswer::refusal(&Refusal::new(status, "INTERNAL", message))
}

/// The answer in place of doing what was asked; `None` for what happens only after it.
pub(super) fn instead(mishap: Mishap, spent: &Spent) -> Option<Served> {
    match mishap.kind {
        FaultKind::ErrorBefore | FaultKind::TooLarge => {
            let mut served = whole(&outage(mishap.status.unwrap_or(502)));
            served.answer.retry_after = mishap.retry_after;
            Some(served)
        }
        FaultKind::PrimaryLimit => Some(whole(&primary(spent))),
        FaultKind::Throttle | FaultKind::SecondaryLimit => {
            Some(whole(&secondary(mishap.status.unwrap_or(403), mishap.retry_after)))
        }
        _ => mishap.instead(),
    }
}

/// As [`instead`], in GraphQL: a spent budget is an error in an answer that succeeds.
pub(super) fn instead_of_graphql(mishap: Mishap, spent: &Spent) -> Option<Served> {
    match mishap.kind {
        FaultKind::PrimaryLimit => Some(whole(&as_error("RATE_LIMIT", primary(spent)))),
        FaultKind::SecondaryLimit if mishap.status == Some(200) => {
            Some(whole(&as_error("RATE_LIMITED", secondary(200, mishap.retry_after))))
        }
        _ => instead(mishap, spent),
    }
}

/// A refusal by the limits, in GraphQL; a secondary one with this status.
pub(super) fn in_graphql(answer: RestAnswer, exceeded: Exceeded, secondary: u16) -> RestAnswer {
    match exceeded {
        Exceeded::Primary => as_error("RATE_LIMIT", answer),
        Exceeded::Secondary(_) if secondary == 200 => as_error("RATE_LIMITED", answer),
        Exceeded::Secondary(_) => RestAnswer { status: secondary, ..answer },
    }
}

/// What a refusal says, as an error in an answer that succeeds.
fn as_error(kind: &str, refusal: RestAnswer) -> RestAnswer {
    let message = refusal.body["message"].as_str().unwrap_or_default();
    RestAnswer { status: 200, body: super::graphql::error(kind, message), headers: refusal.headers }
}

/// What becomes of an answer once it was done.
pub(super) fn after(mishap: Mishap, answer: Answer) -> Served {
    match mishap.kind {
        FaultKind::ErrorAfter | FaultKind::PreconditionAfter => whole(&outage(mishap.status.unwrap_or(502))),
        _ => mishap.after(answer),
    }
}

/// An answer that goes out as it is.
pub(super) fn whole(answer: &RestAnswer) -> Served {
    Served { answer: written(answer), delivery: Delivery::Whole }
}

/// An answer as it goes out.
pub(super) fn written(answer: &RestAnswer) -> Answer {
    let body = if answer.body == Value::Null { String::new() } else { answer.body.to_string() };
    Answer {
        status: answer.status,
        content_type: (!body.is_empty()).then_some("application/json; charset=utf-8"),
        body,
        headers: answer.headers.clone(),
        ..Answer::empty()
    }
}
