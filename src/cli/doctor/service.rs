//! The service: whether it answers, what its clock says, whether it takes the key and which sources it has.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Finding, bad, doubtful, good};
use crate::cli::client;
use crate::cli::exit::Exit;
use crate::cli::failure::chain;
use crate::report::{duration, many};
use crate::runner::{RunError, read_sources};
use jules::{Jules, ListSessions, reqwest};

/// A clock that is further off than this can fail TLS and makes "the last 24 hours" other hours.
const SKEW: Duration = Duration::from_secs(30);
/// How long a plain request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether the service answers at all, and what its clock says. Sent without the key.
pub(super) async fn network(jules: &Jules) -> Result<Finding, Finding> {
    let failed = |found: String, advice: &str| bad("network", found, advice, Exit::Unavailable);
    let host = jules.base_url().host_str().unwrap_or_default().to_owned();
    let mut http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
    if jules.base_url().scheme() == "http" {
        // Plain http is for loopback, which no proxy reaches.
        http = http.no_proxy();
    }
    let http = http.build().map_err(|error| failed(told(&error), "check the proxy settings"))?;
    let began = Timestamp::now();
    let answer = http.get(jules.base_url().clone()).send().await.map_err(|error| {
        let advice = "check the network, the proxy (HTTPS_PROXY) and the firewall";
        failed(format!("{host} does not answer: {}", told(&error.without_url())), advice)
    })?;
    let took = Timestamp::now().duration_since(began).unsigned_abs();
    let date = answer.headers().get("date").and_then(|value| value.to_str().ok());
    let found = format!("{host} answers in {} ms", took.as_millis());
    match date.and_then(|date| httpdate::parse_http_date(date).ok()) {
        None => Ok(good("network", format!("{found}; it does not tell the time"))),
        Some(date) => {
            let skew = Timestamp::try_from(date).map(|date| began.duration_since(date)).unwrap_or_default();
            Ok(clock(&found, skew))
        }
    }
}

fn clock(found: &str, skew: SignedDuration) -> Finding {
    let off = skew.unsigned_abs();
    if off <= SKEW {
        return good("network", format!("{found}; the clocks agree"));
    }
    let way = if skew.is_negative() { "behind" } else { "ahead" };
    let found = format!("{found}; this machine's clock is {} {way}", duration(off));
    doubtful("network", found, "set it, for example by NTP")
}

pub(super) async fn accepted(jules: &Jules) -> Finding {
    let page = ListSessions::default().page_size(1);
    match jules.list_sessions(&page).await {
        Ok(_) => good("key", "the service takes it".to_owned()),
        Err(error) => refused("key", error),
    }
}

pub(super) async fn sources(jules: &Jules) -> Finding {
    match read_sources(jules).await {
        Ok(sources) if sources.is_empty() => {
            let advice = "connect repositories at https://jules.google.com";
            doubtful("sources", "none is connected".to_owned(), advice)
        }
        Ok(sources) => good("sources", format!("{} connected", many(sources.len(), "source"))),
        Err(RunError::Service(error)) => refused("sources", error),
        Err(error) => bad("sources", error.to_string(), "try again later", Exit::Unavailable),
    }
}

fn refused(what: &'static str, error: jules::Error) -> Finding {
    let advice = if error.is_auth() {
        "check JULES_API_KEY; keys are made at https://jules.google.com/settings"
    } else {
        "try again later"
    };
    let failure = client::refused(error);
    bad(what, failure.headline(), advice, failure.exit())
}

fn told(error: &(dyn std::error::Error + 'static)) -> String {
    chain(error).pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Verdict;

    #[test]
    fn a_clock_is_only_told_when_it_is_off() {
        assert_eq!(clock("it answers", SignedDuration::from_secs(-3)).verdict, Verdict::Good);
        let behind = clock("it answers", SignedDuration::from_mins(-5));
        assert!(matches!(behind.verdict, Verdict::Doubtful(_)));
        assert!(behind.found.contains("5m 00s behind"), "{}", behind.found);
    }
}
