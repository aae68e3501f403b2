//! `doctor`: is everything there that a run needs, and if not, what to do.

mod github;
mod ledger;
mod service;

use std::path::{Path, PathBuf};

use foreign_text::line as neutral;

use super::args::{Service, State};
use super::client;
use super::console::{Console, GREEN, RED, YELLOW};
use super::exit::Exit;
use super::failure::Failure;
use super::planned;
use super::selection::Selection;
use crate::plan::Plan;
use crate::report::many;
use crate::runner::{impatient, webhooks};

/// The manifest that is looked at when none is named, if it is there.
const USUAL: &str = "jobs.yaml";

const AFTER_HELP: &str = "\
Stdout carries one line per check: ok, warning or error, what was checked, what was found, and what to do. The exit
code is that of the worst: 3 for the manifest, 6 for the key or GitHub's token, 75 for the service, 110 for the ledger,
else 0.

Of each webhook of `notify` it tells whether the variables that it names can be used. Nothing is sent.

With a token for GitHub (JULES_BATCH_GITHUB_TOKEN, GH_TOKEN or GITHUB_TOKEN) it tells what that is and reaches, and what
may be done in the manifest's repositories. GITHUB_API_URL names another address of GitHub.

The service does not tell its quota. What is left of a day's sessions is counted in the ledger against the
manifest's limits.sessions-per-day.

Examples:
  jules-batch doctor
  jules-batch doctor nightly.yaml --state-dir /var/lib/jules-batch";

/// `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct DoctorArgs {
    /// The manifest whose limits the budget is told for [default: jobs.yaml, if it is there]
    #[arg(value_name = "MANIFEST")]
    pub(crate) manifest: Option<PathBuf>,
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
    match client::connect(&args.service) {
        Ok(jules) => {
            let jules = impatient(&jules);
            tell(good("key", "one is set".to_owned()))?;
            let reached = service::network(&jules).await;
            let is_reached = reached.is_ok();
            tell(reached.unwrap_or_else(|finding| finding))?;
            if is_reached {
                tell(service::accepted(&jules).await)?;
                tell(service::sources(&jules).await)?;
            }
        }
        Err(failure) => tell(no_client(&failure))?,
    }
    let mut plan = None;
    let usual = || Some(PathBuf::from(USUAL)).filter(|path| path.is_file());
    if let Some(path) = args.manifest.clone().or_else(usual) {
        let (finding, expanded) = manifest(&path, console);
        plan = expanded;
        tell(finding)?;
    }
    for finding in github::findings(plan.as_ref()).await {
        tell(finding)?;
    }
    let notify = plan.as_ref().map(|plan| webhooks(&plan.settings.notify, |name| std::env::var(name).ok()));
    for (webhook, found) in notify.unwrap_or_default() {
        tell(told(&webhook, found.err().map(|unusable| (unusable.to_string(), unusable.help().to_owned()))))?;
    }
    let per_day = plan.and_then(|plan| plan.settings.limits.sessions_per_day);
    for finding in ledger::findings(&args.state.location()?, per_day) {
        tell(finding)?;
    }
    Ok(worst)
}

fn manifest(path: &Path, console: &Console) -> (Finding, Option<Plan>) {
    let read = planned::read(path, &Selection::default(), console);
    match read.and_then(|manifest| planned::expand(&manifest, console)) {
        Ok(plan) => {
            let more = if plan.unresolved.is_empty() { "" } else { ", and more that `match` finds" };
            let found = format!("{} has {}{more}", path.display(), many(plan.tasks.len(), "task"));
            (good("manifest", found), Some(plan))
        }
        Err(failure) => {
            let advice = format!("see: jules-batch plan {}", super::quote::quoted(path));
            (bad("manifest", failure.headline(), &advice, failure.exit()), None)
        }
    }
}

/// Whom a run tells of itself. It goes on whatever becomes of that, so nothing of it is more than a warning.
fn told(webhook: &str, wrong: Option<(String, String)>) -> Finding {
    match wrong {
        None => good("notify", format!("{webhook} has an address")),
        Some((why, help)) => doubtful("notify", format!("{webhook} is told nothing: {why}"), &help),
    }
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

fn doubtful(what: &'static str, found: String, advice: &str) -> Finding {
    Finding { what, found, verdict: Verdict::Doubtful(advice.to_owned()) }
}

fn bad(what: &'static str, found: String, advice: &str, exit: Exit) -> Finding {
    Finding { what, found, verdict: Verdict::Bad(advice.to_owned(), exit) }
}

fn no_client(failure: &Failure) -> Finding {
    let advice = "keys are made at https://jules.google.com/settings";
    bad("key", failure.headline(), advice, failure.exit())
}

#[cfg(test)]
mod tests {
    use super::*;

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
