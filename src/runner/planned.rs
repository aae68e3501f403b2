//! Between planning and running: what becomes of the tasks is told, and GitHub is asked.

use std::collections::HashSet;
use std::rc::Rc;

use jiff::Timestamp;

use super::deadline::Deadline;
use super::decision::{Because, Decision};
use super::history::{History, Origin, decide, open_pulls};
use super::notify::{Notifier, endpoints};
#[cfg(feature = "otel")]
use super::otel::{self, Collectors};
use super::outlook::Outlook;
use super::pulls::{Following, PullsBefore, at_end, between};
use super::round::LeftOut;
use super::service::{greet, impatient};
use super::waves;
use super::{Diffs, Options, Run, RunError};
use crate::outcome::Listener;
use crate::plan::{Plan, Task, TaskId};
use jules::Jules;

/// A manifest with its tasks: nothing is started or written yet.
#[must_use]
#[derive(Debug)]
pub struct Planned {
    pub(super) origin: Origin,
    pub(super) jules: Jules,
    pub(super) following: Option<Following>,
    pub(super) options: Options,
    pub(super) plan: Plan,
    pub(super) left_out: LeftOut,
    pub(super) outlook: Option<Outlook>,
    pub(super) pulls: Option<PullsBefore>,
    pub(super) deadline: Deadline,
    pub(super) simulated: bool,
}

impl Planned {
    /// The tasks.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Reads how the pull requests stand that the manifest's runs have made so far. GitHub has some seconds for it: what it
    /// does not tell by then stays as it was read last.
    ///
    /// # Errors
    ///
    /// [`RunError::Ledger`].
    pub async fn read_pull_requests(&mut self) -> Result<(), RunError> {
        if self.pulls.is_none() {
            let (following, jules) = (self.following.as_ref(), impatient(&self.jules));
            let about = (&self.origin, &self.plan, &self.options);
            let (pulls, outlook) = read_before(about, following, Some(&jules), self.simulated).await?;
            (self.pulls, self.outlook) = (Some(pulls), outlook);
        }
        Ok(())
    }

    /// What becomes of each of them, by what the ledger said when this was asked first.
    ///
    /// # Errors
    ///
    /// [`RunError::NothingFailed`], [`RunError::UnknownRun`], [`RunError::Ledger`], [`RunError::NoGithubToken`],
    /// [`RunError::GithubTokenRefused`].
    pub fn outlook(&mut self) -> Result<&Outlook, RunError> {
        let outlook = match self.outlook.take() {
            Some(outlook) => outlook,
            None => {
                let none = PullsBefore::default();
                let pulls = self.pulls.as_ref().unwrap_or(&none);
                decide(&self.origin, self.plan.clone(), &self.options, pulls, self.simulated)?.outlook
            }
        };
        let is_refused = self.pulls.as_ref().is_some_and(PullsBefore::is_refused);
        let relies = relies_on_github(&self.plan).filter(|_| depends_on_github(&self.plan, &outlook));
        match relies.and_then(|key| blind(key, self.following.is_some(), is_refused)) {
            Some(error) => Err(error),
            None => Ok(self.outlook.insert(outlook)),
        }
    }

    /// Makes sure that reports can be written and the service takes the key, then opens the ledger: goes on with the last
    /// run of the manifest, or begins one.
    ///
    /// # Errors
    ///
    /// [`RunError::Report`], [`RunError::Service`], [`RunError::NothingFailed`], [`RunError::Ledger`],
    /// [`RunError::NotRecorded`].
    pub async fn open(mut self) -> Result<Run, RunError> {
        let began = Timestamp::now();
        self.read_pull_requests().await?;
        let is_idle = self.outlook()?.is_idle;
        let Self {
            origin, jules, following, mut options, plan, left_out, pulls, deadline, simulated, ..
        } = self;
        let pulls = pulls.unwrap_or_default();
        let told = endpoints(&plan.settings.notify, simulated, |name| std::env::var(name).ok());
        options.reports.redactor =
            options.reports.redactor.with_key(jules.api_key()).with_words(&told.secrets);
        #[cfg(feature = "otel")]
        {
            let secrets = otel::secrets(|name| std::env::var(name).ok());
            options.reports.redactor = options.reports.redactor.with_words(&secrets);
        }
        let redactor = options.reports.redactor.clone();
        options.reports.check()?;
        if !simulated && !is_idle {
            deadline.bound("waiting for the service's first answer", greet(&impatient(&jules))).await?;
        }
        let mut history = History::open(&origin, (plan, &left_out), &options, (&pulls, began), simulated)?;
        // Another process may have been at it meanwhile.
        history.engine.key_has_worked &= !is_idle;
        options.reports.diffs = Diffs::of(options.state.clone(), history.record.info.id.clone());
        let mut listeners = options.reports.listeners(&history.record, &history.events)?;
        let max_per_hour = history.plan.settings.notify.max_per_hour;
        let (record, now) = (&history.record, Timestamp::now());
        let notifier = Notifier::new(record, now, told.usable, max_per_hour, redactor.clone());
        listeners.extend(notifier.map(|it| Box::new(it) as Box<dyn Listener>));
        history.notes.extend(told.notes);
        #[cfg(feature = "otel")]
        {
            let collectors = Collectors::of(simulated, |name| std::env::var(name).ok());
            match collectors.listener(&history.record, &redactor) {
                Ok(telemetry) => listeners.extend(telemetry.map(|it| Box::new(it) as Box<dyn Listener>)),
                Err(why) => history.notes.push(format!("OpenTelemetry: nothing is sent: {why}")),
            }
            history.notes.extend(collectors.notes);
        }
        #[cfg(not(feature = "otel"))]
        if std::env::var_os("OTEL_EXPORTER_OTLP_ENDPOINT").is_some_and(|endpoint| !endpoint.is_empty()) {
            let why = "this program was built without its feature `otel`";
            history.notes.push(format!("OpenTelemetry: nothing is sent: {why}"));
        }
        history.notes.extend_from_slice(&pulls.notes);
        let following = following.map(Rc::new);
        let asks_between = waves::rely_on_github(&history.plan)
            || !history.engine.until_merged.is_empty()
            || history.plan.settings.pull_requests.bounds_open();
        let between = following.clone().filter(|_| asks_between).map(|following| between(following, began));
        let at_end = following.map(|following| at_end(following, pulls.notes, began));
        Ok(Run { jules, history, listeners, redactor, deadline, between, at_end })
    }
}

/// Reads what a run decides by: how the pull requests stand that the ledger knows, and, for tasks that it knows nothing of,
/// those that it has lost. What becomes of the tasks as well, where nothing had to be looked for. Without `jules` nobody can
/// tell whose the lost ones are.
pub(super) async fn read_before(
    (origin, plan, options): (&Origin, &Plan, &Options),
    following: Option<&Following>,
    jules: Option<&Jules>,
    simulated: bool,
) -> Result<(PullsBefore, Option<Outlook>), RunError> {
    let open = open_pulls(origin, plan, options, simulated)?;
    let mut pulls = PullsBefore::read(open, following).await;
    // The GitHub of a simulated run begins with it.
    let Some(following) = following.filter(|it| !it.is_played) else { return Ok((pulls, None)) };
    let decided = decide(origin, plan.clone(), options, &pulls, simulated);
    // What keeps the run from beginning is told by whoever opens it.
    let outlook = decided.map(|work| work.outlook).ok();
    let new = outlook.as_ref().map(|outlook| never_run(plan, outlook)).unwrap_or_default();
    let Some(jules) = jules.filter(|_| !new.is_empty()) else { return Ok((pulls, outlook)) };
    let look_back = plan.settings.pull_requests.look_back;
    let since = Timestamp::now().saturating_sub(look_back).unwrap_or(Timestamp::MIN);
    pulls.look_for(&new, plan.former_names(), (following, jules), since).await;
    Ok((pulls, None))
}

/// The tasks on repositories that would start as if they had never been run.
fn never_run<'p>(plan: &'p Plan, outlook: &Outlook) -> Vec<&'p Task> {
    let is_new = |decision: &Decision| matches!(decision, Decision::Start(Because::New));
    let new = outlook.tasks.iter().filter(|(_, decision)| is_new(decision));
    let new: HashSet<&TaskId> = new.map(|(task, _)| task).collect();
    let on_source = plan.tasks.iter().filter(|task| task.source.is_some());
    on_source.filter(|task| new.contains(&task.id)).collect()
}

/// Why nothing may start where the manifest relies on GitHub by this key, if nobody can ask it.
pub(super) fn blind(key: &'static str, has_token: bool, is_refused: bool) -> Option<RunError> {
    match (has_token, is_refused) {
        (false, _) => Some(RunError::NoGithubToken(key)),
        (true, true) => Some(RunError::GithubTokenRefused(key)),
        (true, false) => None,
    }
}

/// The key of the manifest that nobody can do without GitHub.
pub(super) fn relies_on_github(plan: &Plan) -> Option<&'static str> {
    let existing = plan.settings.relies_on_existing.then_some("`pull-requests.existing`");
    let waves = || waves::rely_on_github(plan).then_some("`strategy.waves.pass.when`");
    let merged = || waits_for_merges(plan).then_some("`needs` with `until: merged`");
    existing.or_else(waves).or_else(merged)
}

fn waits_for_merges(plan: &Plan) -> bool {
    plan.tasks.iter().any(|task| !task.needs_merged.is_empty())
}

/// Whether it depends on pull requests that nobody can read what becomes of a task.
pub(super) fn depends_on_github(plan: &Plan, outlook: &Outlook) -> bool {
    let starts: HashSet<_> = outlook.starting().collect();
    let is_on_source = |task: &Task| task.source.is_some() && starts.contains(&task.id);
    let is_held = outlook.is_held_by_unread() || (waits_for_merges(plan) && outlook.held() > 0);
    is_held || plan.tasks.iter().any(is_on_source)
}
