//! Which pull requests a command is about: those of a manifest's runs or of all, selected or named, read now.

use std::path::{Path, PathBuf};
use std::time::Duration;

use foreign_text::line as neutral;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::cli::args::{Service, State};
use crate::cli::client::{self, said_when_long};
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::selection::Selection;
use crate::cli::{planned, recorded};
use crate::github::GitHub;
use crate::ledger::{LedgerReader, Location, ManifestIdentity, WhichPulls};
use crate::outcome::GithubUsage;
use crate::pulls::{PullFilter, Terms};
use crate::report::many;
use crate::runner::{FollowedPull, KnownPull, PullRead, PullReader, troubles};
use jules::{PullRequestName, SessionId};

/// How long all readings of a command may take.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long ago something was closed that is looked at again: 30 days.
const REOPENED: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How many sessions are asked about at most: more are at work only while a run is, which follows them.
const MOST_SESSIONS: usize = 50;

/// Which pull requests, and of which runs.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Only pull requests that match, such as 'stage(ready) & job(upgrade)'; of several, any is enough
    #[arg(long, value_name = "EXPR", help_heading = "Selection")]
    pub(super) select: Vec<PullFilter>,
    /// No pull requests that match; wins over --select
    #[arg(long, value_name = "EXPR", help_heading = "Selection")]
    pub(super) exclude: Vec<PullFilter>,
    /// The manifest whose runs made them
    #[arg(long, value_name = "MANIFEST", default_value = "jobs.yaml", help_heading = "Selection")]
    pub(super) manifest: PathBuf,
    /// Those of all manifests of the state folder
    #[arg(long, conflicts_with = "manifest", help_heading = "Selection")]
    pub(super) all: bool,
    /// Set a variable of the manifest; may be given several times
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Selection")]
    pub(super) var: Vec<String>,
    /// Where runs are recorded.
    #[command(flatten)]
    pub(super) state: State,
}

/// The names of pull requests on a command line.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Names {
    /// Only these: owner/repo#12, the address of the page, a task's id, or its session
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
}

/// What the ledger knows of them.
pub(super) struct Known {
    /// Without those that are over if nothing asks for them.
    pub(super) pulls: Vec<KnownPull>,
    /// How many are merged, and closed.
    pub(super) over: (usize, usize),
    /// Whose runs made them; none for those of all.
    manifest: Option<ManifestIdentity>,
    names: Vec<String>,
}

impl Known {
    /// Takes over what a run has made or read since; returns those that are new.
    pub(super) fn look_again(&mut self, which: &Which) -> Result<Vec<KnownPull>, Failure> {
        let reader = LedgerReader::open(which.state.location()?).map_err(recorded::unreadable)?;
        let found =
            KnownPull::all(&reader, self.manifest.as_ref(), not_over()).map_err(recorded::unreadable)?;
        let mut new = Vec::new();
        for pull in meant(found, &self.names) {
            let read_at = |pull: &KnownPull| pull.status().map(|status| status.checked_at);
            match self.pulls.iter_mut().find(|known| known.followed.url == pull.followed.url) {
                Some(known) if read_at(known) < read_at(&pull) => *known = pull,
                Some(_) => {}
                None => new.push(pull),
            }
        }
        self.pulls.extend(new.iter().cloned());
        Ok(new)
    }
}

impl Which {
    /// The pull requests that the ledger knows.
    pub(super) fn known(&self, names: &[String], console: &Console) -> Result<Known, Failure> {
        let manifest = self.identity(console)?;
        let reader = LedgerReader::open(self.state.location()?).map_err(recorded::unreadable)?;
        let wants_over = !names.is_empty() || !self.select.is_empty();
        let which = if wants_over { WhichPulls::All } else { may_be_open() };
        let known = KnownPull::all(&reader, manifest.as_ref(), which).map_err(recorded::unreadable)?;
        let over = reader.pulls_over(manifest.as_ref()).map_err(recorded::unreadable)?;
        let (pulls, names) = (named(known, names)?, names.to_vec());
        Ok(Known { pulls, over, manifest, names })
    }

    /// Whether an expression means it, as it stands now.
    pub(super) fn means(&self, pull: &KnownPull, now: Timestamp) -> bool {
        self.means_any(&[pull], now)
    }

    /// Whether an expression means it in one of the ways in which it stands, and leaves it out in none.
    pub(super) fn means_any(&self, ways: &[&KnownPull], now: Timestamp) -> bool {
        let any = |of: &[PullFilter]| {
            let fits = |filter: &PullFilter| ways.iter().any(|pull| filter.matches(&pull.selectable(), now));
            of.iter().any(fits)
        };
        (self.select.is_empty() || any(&self.select)) && !any(&self.exclude)
    }

    /// None for all manifests.
    fn identity(&self, console: &Console) -> Result<Option<ManifestIdentity>, Failure> {
        if self.all {
            return Ok(None);
        }
        identity(&self.manifest, &self.state.location()?, &self.var, console).map(Some)
    }
}

/// Those that were not over when they were last read.
pub(super) const fn not_over() -> WhichPulls {
    WhichPulls::MayBeOpen { closed_since: Timestamp::MAX }
}

/// Those, and what was closed not long ago: somebody may have opened it again.
fn may_be_open() -> WhichPulls {
    let closed_since = Timestamp::now().checked_sub(REOPENED).unwrap_or(Timestamp::MIN);
    WhichPulls::MayBeOpen { closed_since }
}

/// What the ledger knows a manifest by.
pub(super) fn identity(
    path: &Path,
    location: &Location,
    var: &[String],
    console: &Console,
) -> Result<ManifestIdentity, Failure> {
    let selection = Selection { var: var.to_vec(), ..Selection::default() };
    let manifest = planned::read(path, &selection, console);
    let manifest = manifest.map_err(|failure| {
        failure.help_if(!path.exists(), "see those of all manifests: jules-batch pulls --all")
    })?;
    let plan = planned::expand(&manifest, console)?;
    let identity = ManifestIdentity::new(location, path, &plan.name, false);
    Ok(if plan.former_name.is_some() { identity.with_default_name() } else { identity })
}

/// What one reading of several gave.
pub(super) struct Readings {
    /// As they were known before it.
    pub(super) followed: Vec<FollowedPull>,
    pub(super) reads: Vec<PullRead>,
    /// What it cost.
    pub(super) usage: GithubUsage,
}

impl Readings {
    /// What keeps GitHub from telling, a line each.
    pub(super) fn troubles(&self) -> Vec<String> {
        troubles(self.followed.iter().zip(&self.reads))
    }
}

/// Reads those that may still change, and asks whether sessions that were at work still are, where there is a key for the
/// service; each stands as GitHub tells it afterwards.
pub(super) async fn read(
    pulls: &mut [KnownPull],
    github: &GitHub,
    terms: &Terms,
    console: &Console,
) -> Readings {
    let reader = PullReader::new(github, terms.clone());
    if let Ok(jules) = client::connect(&Service::default()) {
        for pull in pulls.iter_mut().filter(|pull| pull.followed.is_session_live).take(MOST_SESSIONS) {
            pull.followed.ask_whether_live(&jules).await;
        }
    }
    let followed: Vec<_> = pulls.iter().map(|pull| pull.followed.clone()).collect();
    let what = format!("reading {}", many(followed.len(), "pull request"));
    let reads = reader.read(&followed, Instant::now() + PATIENCE);
    let reads = said_when_long(&what, console, reads).await;
    for (pull, read) in pulls.iter_mut().zip(&reads) {
        pull.take(read);
    }
    Readings { followed, reads, usage: reader.used() }
}

/// Those with one of these names; all without.
fn named(known: Vec<KnownPull>, names: &[String]) -> Result<Vec<KnownPull>, Failure> {
    if names.is_empty() {
        return Ok(known);
    }
    let names: Vec<Name<'_>> = names.iter().map(|name| Name::of(name)).collect();
    if let Some(unknown) = names.iter().find(|name| !known.iter().any(|pull| name.is_of(pull))) {
        let text = neutral(unknown.text);
        let failure = Failure::usage(format!("no pull request of these runs is called `{text}`"));
        return Err(failure.help(
            "name it by owner/repo#12, by its page, by its task's id or by its session; see them: jules-batch pulls",
        ));
    }
    Ok(known.into_iter().filter(|pull| names.iter().any(|name| name.is_of(pull))).collect())
}

/// The same where nobody has to be told of a name that is of none.
fn meant(known: Vec<KnownPull>, names: &[String]) -> Vec<KnownPull> {
    let names: Vec<Name<'_>> = names.iter().map(|name| Name::of(name)).collect();
    known.into_iter().filter(|pull| names.is_empty() || names.iter().any(|name| name.is_of(pull))).collect()
}

/// A name of the command line, and what it may mean.
struct Name<'a> {
    text: &'a str,
    address: Option<PullRequestName>,
    session: Option<SessionId>,
}

impl<'a> Name<'a> {
    fn of(text: &'a str) -> Self {
        let address = PullRequestName::new(text).ok();
        let session = if address.is_none() { text.parse().ok() } else { None };
        Self { text, address, session }
    }

    fn is_of(&self, pull: &KnownPull) -> bool {
        let followed = &pull.followed;
        if let Some(address) = &self.address {
            let now = followed.earlier.as_ref().and_then(|earlier| earlier.repository.as_deref());
            return PullRequestName::of_url(&followed.url).is_some_and(|own| {
                own.number() == address.number()
                    && (address.is_in(&own.repository()) || now.is_some_and(|it| address.is_in(it)))
            });
        }
        followed.task.as_str() == self.text || (self.session.is_some() && followed.session == self.session)
    }
}
