//! `doctor`: is everything there that a run needs, and if not, what to do.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::args::{Service, State};
use super::client;
use super::console::{Console, GREEN, RED, YELLOW};
use super::duration;
use super::exit::Exit;
use super::failure::{Failure, chain};
use super::plan::many;
use crate::api::{Jules, ListSessions, reqwest};
use crate::ledger::{Ledger, LedgerError, LedgerReader};
use crate::plan::{Limits, Settings};
use crate::report::console_fragment as neutral;

/// A clock that is further off than this can fail TLS and makes "the last 24 hours" other hours.
const SKEW: Duration = Duration::from_secs(30);
/// How long a plain request may take.
const PATIENCE: Duration = Duration::from_secs(10);

const AFTER_HELP: &str = "\
Stdout carries one line per check: ok, warning or error, what was checked, what was found, and what to do. The exit
code is that of the worst: 6 for the key, 75 for the service, 110 for the ledger, else 0.

Examples:
  jules-batch doctor";

/// `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct DoctorArgs {
    /// How to reach the service.
    #[command(flatten)]
    pub(crate) service: Service,
    /// Where runs are recorded.
    #[command(flatten)]
    pub(crate) state: State,
}

/// One check's result.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    what: &'static str,
    found: String,
    verdict: Verdict,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    /// It works, but.
    Doubtful(String),
    /// It does not work: what to do, and the code.
    Bad(String, Exit),
}

pub(crate) async fn run(args: &DoctorArgs, console: &Console) -> Result<Exit, Failure> {
    let mut worst = Exit::Done;
    let mut tell = |finding: Finding| {
        if let Verdict::Bad(_, exit) = finding.verdict {
            worst = worst.max(exit);
        }
        console.result_line(&shown(&finding))
    };
    match client::connect(&args.service, &Settings::default()) {
        Ok(jules) => {
            let jules = client::impatient(&jules);
            tell(good("key", "one is set".to_owned()))?;
            let reached = network(&jules).await;
            let is_reached = reached.is_ok();
            tell(reached.unwrap_or_else(|finding| finding))?;
            if is_reached {
                tell(accepted(&jules).await)?;
                tell(sources(&jules).await)?;
            }
        }
        Err(failure) => tell(no_client(&failure))?,
    }
    for finding in ledger(&args.state) {
        tell(finding)?;
    }
    Ok(worst)
}

fn shown(finding: &Finding) -> String {
    let (style, word, advice) = match &finding.verdict {
        Verdict::Good => (GREEN, "ok", None),
        Verdict::Doubtful(advice) => (YELLOW, "warning", Some(advice)),
        Verdict::Bad(advice, _) => (RED, "error", Some(advice)),
    };
    let advice = advice.map_or_else(String::new, |advice| format!("; {}", neutral(advice)));
    format!("{style}{word:<8}{style:#} {:<8} {}{advice}", finding.what, neutral(&finding.found))
}

const fn good(what: &'static str, found: String) -> Finding {
    Finding { what, found, verdict: Verdict::Good }
}

fn no_client(failure: &Failure) -> Finding {
    let found = failure.headline();
    let advice = "make a key at https://jules.google.com/settings and set JULES_API_KEY".to_owned();
    Finding { what: "key", found, verdict: Verdict::Bad(advice, failure.exit()) }
}

/// Whether the service answers at all, and what its clock says. Sent without the key.
async fn network(jules: &Jules) -> Result<Finding, Finding> {
    let failed = |found: String, advice: &str| Finding {
        what: "network",
        found,
        verdict: Verdict::Bad(advice.to_owned(), Exit::Unavailable),
    };
    let host = jules.base_url().host_str().unwrap_or_default().to_owned();
    let built =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE).build();
    let http = built.map_err(|error| failed(told(&error), "check the proxy settings"))?;
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
    let found = format!("{found}; this machine's clock is {} {way}", duration::show(off));
    Finding { what: "network", found, verdict: Verdict::Doubtful("set it, for example by NTP".to_owned()) }
}

async fn accepted(jules: &Jules) -> Finding {
    let page = ListSessions { page_size: Some(1), ..ListSessions::default() };
    match jules.list_sessions(&page).await {
        Ok(_) => good("key", "the service takes it".to_owned()),
        Err(error) => refused("key", error),
    }
}

async fn sources(jules: &Jules) -> Finding {
    match client::all_sources(jules).await {
        Ok(sources) if sources.is_empty() => Finding {
            what: "sources",
            found: "none is connected".to_owned(),
            verdict: Verdict::Doubtful("connect repositories at https://jules.google.com".to_owned()),
        },
        Ok(sources) => good("sources", format!("{} connected", many(sources.len(), "source"))),
        Err(error) => refused("sources", error),
    }
}

fn refused(what: &'static str, error: crate::api::Error) -> Finding {
    let advice = if error.is_auth() {
        "check JULES_API_KEY; keys are made at https://jules.google.com/settings"
    } else {
        "try again later"
    };
    let failure = client::refused(error);
    Finding { what, found: failure.headline(), verdict: Verdict::Bad(advice.to_owned(), failure.exit()) }
}

/// The ledger's health, who is at work, and how much of a day's quota it has seen spent.
fn ledger(state: &State) -> Vec<Finding> {
    match LedgerReader::open(&state.state_dir) {
        Err(error) if error.is_missing() => {
            vec![good("ledger", format!("none yet in {}; the first run makes it", state.state_dir.display()))]
        }
        Err(error) => vec![unhealthy(&error)],
        Ok(reader) => match healthy(&reader) {
            Ok(found) => {
                let mut findings = vec![good("ledger", found)];
                findings.extend(
                    Ledger::holder(&state.state_dir).map(|holder| good("at work", holder.to_string())),
                );
                findings.extend(budget(&reader));
                findings
            }
            Err(error) => vec![unhealthy(&error)],
        },
    }
}

fn healthy(reader: &LedgerReader) -> Result<String, LedgerError> {
    reader.check()?;
    let runs = reader.runs()?;
    let open: usize = runs.first().map_or(0, crate::ledger::RunOverview::open_tasks);
    let left =
        if open > 0 { format!(", the last one with {} left", many(open, "task")) } else { String::new() };
    Ok(format!("sound, with {}{left}", many(runs.len(), "run")))
}

fn unhealthy(error: &LedgerError) -> Finding {
    let (message, causes) = chain(error);
    let found = std::iter::once(message).chain(causes).collect::<Vec<_>>().join(": ");
    let advice = "see jules-batch status --help for --state-dir".to_owned();
    Finding { what: "ledger", found, verdict: Verdict::Bad(advice, Exit::NotWritable) }
}

/// The service has no call that tells the quota; what we have started is all that can be known.
fn budget(reader: &LedgerReader) -> Option<Finding> {
    let since = Timestamp::now().checked_sub(Limits::default().day).ok()?;
    let spent = reader.created_since(since, false).ok()?;
    Some(good(
        "quota",
        format!("{} started in the last 24 hours (plans: 15, 100 or 300)", many(spent.len(), "session")),
    ))
}

fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let (message, causes) = chain(error);
    causes.last().cloned().unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_only_told_when_it_is_off() {
        assert_eq!(clock("it answers", SignedDuration::from_secs(-3)).verdict, Verdict::Good);
        let behind = clock("it answers", SignedDuration::from_mins(-5));
        assert!(matches!(behind.verdict, Verdict::Doubtful(_)));
        assert!(behind.found.contains("5m 00s behind"), "{}", behind.found);
    }

    #[test]
    fn a_bad_finding_says_what_to_do() {
        let finding = Finding {
            what: "key",
            found: "refused".into(),
            verdict: Verdict::Bad("make another".into(), Exit::KeyRefused),
        };
        let line = anstream::adapter::strip_str(&shown(&finding)).to_string();
        assert_eq!(line, "error    key      refused; make another");
    }
}
