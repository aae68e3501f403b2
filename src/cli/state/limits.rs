//! `state limits`: what the account allows that runs share.

use std::fmt::Write as _;
use std::str::FromStr;

use foreign_text::line as neutral;

use super::{Account, Which, failed};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::location::StateText;
use crate::ledger::{AccountLimits, AccountStanding, set_limits, standing};
use crate::report::{duration, many};

pub(super) const AFTER_HELP: &str = "\
Examples:
  jules-batch state limits --live 15 --sessions-per-day 100
  jules-batch state limits --requests-per-minute 100 --creates-per-minute 20
  jules-batch state limits --account acme";

/// `state limits`.
#[derive(Debug, clap::Args)]
pub(super) struct LimitsArgs {
    /// Live sessions at once, of all runs together
    #[arg(long, value_name = "N")]
    live: Option<Bound>,
    /// Sessions created within 24 h
    #[arg(long, value_name = "N")]
    sessions_per_day: Option<Bound>,
    /// All requests together, a minute
    #[arg(long, value_name = "N")]
    requests_per_minute: Option<Bound>,
    /// Sessions created, a minute
    #[arg(long, value_name = "N")]
    creates_per_minute: Option<Bound>,
    /// Listings of activities, a minute
    #[arg(long, value_name = "N")]
    activities_per_minute: Option<Bound>,
    /// Which account.
    #[command(flatten)]
    account: Account,
    /// Which database.
    #[command(flatten)]
    which: Which,
}

/// A number, or `none`.
#[derive(Clone, Copy, Debug)]
struct Bound(Option<u32>);

impl FromStr for Bound {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(bound @ 1..=1_000_000) => Ok(Self(Some(bound))),
            _ if text == "none" => Ok(Self(None)),
            _ => Err("write a number from 1 to 1000000, or `none`"),
        }
    }
}

pub(super) fn run(args: &LimitsArgs, console: &Console) -> Result<Exit, Failure> {
    let named = args.which.state.as_ref().map(StateText::database).transpose()?;
    if let Some(None) = named {
        return Err(Failure::usage("a folder has no account: one process at a time runs with it")
            .help("for several at once name a database, --state postgres://USER@HOST/DATABASE; for one run say it in the manifest, under `limits`"));
    }
    let database = args.account.of(args.which.database()?);
    let (name, known) = standing(&database).map_err(failed)?;
    let limits = args.over(known.as_ref().map(|known| known.limits).unwrap_or_default());
    if args.says_something() {
        set_limits(&database, &limits).map_err(failed)?;
    }
    match standing(&database).map_err(failed)?.1 {
        Some(standing) => told(&standing).iter().try_for_each(|line| console.result_line(line))?,
        None => console.say(&format!(
            "nothing is said of the account {}: each run keeps to the limits of its manifest",
            neutral(&name)
        )),
    }
    Ok(Exit::Done)
}

impl LimitsArgs {
    fn bounds(&self) -> [Option<Bound>; 5] {
        let Self { live, sessions_per_day, requests_per_minute, .. } = self;
        [*live, *sessions_per_day, *requests_per_minute, self.creates_per_minute, self.activities_per_minute]
    }

    fn says_something(&self) -> bool {
        self.bounds().iter().any(Option::is_some)
    }

    /// What is known, with what is said in its place.
    fn over(&self, known: AccountLimits) -> AccountLimits {
        let [live, day, requests, creates, activities] = self.bounds();
        let over = |said: Option<Bound>, known| said.map_or(known, |Bound(bound)| bound);
        AccountLimits {
            live: over(live, known.live),
            sessions_per_day: over(day, known.sessions_per_day),
            requests_per_minute: over(requests, known.requests_per_minute),
            creates_per_minute: over(creates, known.creates_per_minute),
            activities_per_minute: over(activities, known.activities_per_minute),
        }
    }
}

/// How an account stands, in lines.
pub(crate) fn told(standing: &AccountStanding) -> Vec<String> {
    let AccountStanding { name, limits, live, within_day, members, pauses } = standing;
    let of = |bound: Option<u32>| bound.map_or_else(String::new, |bound| format!(" of {bound}"));
    let mut first = format!(
        "account {}: {live}{} live, {within_day}{} created within 24 h",
        neutral(name),
        of(limits.live),
        of(limits.sessions_per_day)
    );
    for (bound, what) in [
        (limits.requests_per_minute, "requests"),
        (limits.creates_per_minute, "creates"),
        (limits.activities_per_minute, "listings of activities"),
    ] {
        if let Some(bound) = bound {
            let _ = write!(first, ", {bound} {what} a minute");
        }
    }
    let member = members.iter().map(|it| {
        let wants = if it.waiting > 0 { format!(", wants {} more", it.waiting) } else { String::new() };
        let run = it.run.as_ref().map_or_else(
            || "a run of another schema".to_owned(),
            |run| format!("{} {} {}", neutral(&run.project), neutral(&run.name), neutral(&run.id)),
        );
        format!("{run}: {} live{wants}", it.live)
    });
    let pause = pauses
        .iter()
        .map(|(kind, left)| format!("{} paused for {}, as the service asks", neutral(kind), duration(*left)));
    let runs = format!("{} at work on it", many(members.len(), "run"));
    [first, runs].into_iter().chain(member).chain(pause).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ledger::{AccountMember, AccountMemberRun};

    #[test]
    fn an_account_is_told_with_who_is_at_work_and_what_waits() {
        let limits =
            AccountLimits { live: Some(15), creates_per_minute: Some(20), ..AccountLimits::default() };
        let run = AccountMemberRun {
            id: "20261128-020005-0f3a".to_owned(),
            project: "my-org/web".to_owned(),
            name: "nightly".to_owned(),
        };
        let member = AccountMember { run: Some(run), live: 9, waiting: 3 };
        let hidden = AccountMember { run: None, live: 2, waiting: 0 };
        let standing = AccountStanding {
            name: "acme".to_owned(),
            limits,
            live: 11,
            within_day: 40,
            members: vec![member, hidden],
            pauses: vec![("reads".to_owned(), Duration::from_secs(30))],
        };
        let told = told(&standing);
        assert_eq!(told[0], "account acme: 11 of 15 live, 40 created within 24 h, 20 creates a minute");
        assert_eq!(told[1], "2 runs at work on it");
        assert_eq!(told[2], "my-org/web nightly 20261128-020005-0f3a: 9 live, wants 3 more");
        assert_eq!(told[3], "a run of another schema: 2 live");
        assert!(told[4].starts_with("reads paused for "), "{}", told[4]);
    }
}
