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

pub(super) const SECONDARY: &str = "You have exceeded a secondary rate limit. Please wait a few minutes before you \
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
    let whole = |answer: RestAnswer| Served { answer: written(&answer), delivery: Delivery::Whole };
    let mut served = match mishap.kind {
        FaultKind::ErrorBefore => whole(outage(mishap.status.unwrap_or(502))),
        FaultKind::TooLarge => whole(outage(mishap.status.unwrap_or(502))),
        FaultKind::PrimaryLimit => return Some(whole(primary(spent))),
        FaultKind::Throttle | FaultKind::SecondaryLimit => {
            return Some(whole(secondary(mishap.status.unwrap_or(403), mishap.retry_after)));
        }
        FaultKind::Html => {
            Served { answer: Answer::error_page(mishap.status.unwrap_or(502)), delivery: Delivery::Whole }
        }
        FaultKind::ResetBefore | FaultKind::ArriveLate => {
            Served { answer: Answer::empty(), delivery: Delivery::Reset }
        }
        FaultKind::ErrorAfter
        | FaultKind::PreconditionAfter
        | FaultKind::ResetAfter
        | FaultKind::Truncate
        | FaultKind::Stall
        | FaultKind::Hang
        | FaultKind::Silence
        | FaultKind::Slow
        | FaultKind::RepeatToken
        | FaultKind::Partial
        | FaultKind::PushBefore => return None,
    };
    served.answer.retry_after = mishap.retry_after;
    Some(served)
}

/// As [`instead`], in GraphQL: a spent budget is an error in an answer that succeeds.
pub(super) fn instead_of_graphql(mishap: Mishap, spent: &Spent) -> Option<Served> {
    let served = instead(mishap, spent)?;
    let errors = |kind: &str, message: &str| {
        let mut answer = served.answer.clone();
        answer.status = 200;
        answer.body = super::graphql::error(kind, message).to_string();
        Some(Served { answer, delivery: Delivery::Whole })
    };
    match mishap.kind {
        FaultKind::PrimaryLimit => {
            errors("RATE_LIMIT", &format!("API rate limit exceeded for user ID {}.", spent.user))
        }
        FaultKind::SecondaryLimit if mishap.status == Some(200) => errors("RATE_LIMITED", SECONDARY),
        _ => Some(served),
    }
}

/// A refusal by the limits, in GraphQL; a secondary one with this status.
pub(super) fn in_graphql(answer: RestAnswer, exceeded: Exceeded, secondary: u16) -> RestAnswer {
    let (kind, status) = match exceeded {
        Exceeded::Primary => ("RATE_LIMIT", 200),
        Exceeded::Secondary(_) => ("RATE_LIMITED", secondary),
    };
    if status != 200 {
        return RestAnswer { status, ..answer };
    }
    let message = answer.body["message"].as_str().unwrap_or_default();
    RestAnswer { status, body: super::graphql::error(kind, message), headers: answer.headers }
}

/// What becomes of an answer once it was done.
pub(super) fn after(mishap: Mishap, answer: Answer) -> Served {
    match mishap.kind {
        FaultKind::ErrorAfter | FaultKind::PreconditionAfter => {
            let answer = written(&outage(mishap.status.unwrap_or(502)));
            Served { answer, delivery: Delivery::Whole }
        }
        _ => mishap.after(answer),
    }
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
