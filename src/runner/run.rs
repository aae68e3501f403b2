//! The use case, in steps: plan, open, run.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::{self, Receiver};

use super::day::Day;
use super::deadline::Deadline;
use super::github_access::GithubAccess;
use super::history::{History, Origin, day, decide, mark, preview, recorded_branches};
use super::outlook::Outlook;
use super::planned::{Planned, blind, depends_on_github, read_before, relies_on_github};
use super::pulls::{Following, PullsBefore};
use super::redact::clean;
use super::round::LeftOut;
use super::service::{all_sources, connect, connected, impatient};
use super::waves;
use super::{Finished, Options, Redactor, RunError, StopReason};
use crate::engine::{self, AtEnd, Between, Observers, Setup};
use crate::github::GitHub;
use crate::manifest::Manifest;
use crate::outcome::{Listener, Mark, RunEvent, RunId, RunRecord};
use crate::plan::{self, Account, ConnectedSource, Plan, Settings, Task, TaskId};
use crate::pulls::Terms;
use jules::{Jules, JulesBuilder};

/// A manifest that is to be run.
#[must_use = "a runner does nothing before `run`"]
#[derive(Debug)]
pub struct Runner {
    manifest: Arc<Manifest>,
    origin: Origin,
    client: Option<JulesBuilder>,
    options: Options,
    access: Option<GithubAccess>,
    github: Option<GitHub>,
    speed: Option<f64>,
}

impl Runner {
    /// With the key and the address that the environment names, and [`Options::default`].
    pub fn new(manifest: impl Into<Arc<Manifest>>) -> Self {
        let manifest = manifest.into();
        let path = manifest.path().to_owned();
        let origin = Origin { identity: PathBuf::from(&path), file: Some(path) };
        let options = Options::default();
        Self { manifest, origin, client: None, options, access: None, github: None, speed: None }
    }

    /// Another client: its quotas and time limits will be the manifest's.
    pub fn client(mut self, client: JulesBuilder) -> Self {
        self.client = Some(client);
        self
    }

    /// Where its pull requests are read, and with what token. Without it nobody looks what becomes of them, and a manifest that
    /// relies on that fails with [`RunError::NoGithubToken`]. The environment's tokens are not used by themselves.
    pub fn github(mut self, access: GithubAccess) -> Self {
        self.access = Some(access);
        self
    }

    /// The same with a client.
    pub(crate) fn github_client(mut self, github: Option<GitHub>) -> Self {
        self.github = github;
        self
    }

    /// How to run.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// What identifies the manifest in place of its path: `identity` in the ledger, where runs of one manifest are told by it, and
    /// `file` in the reports that point at it; none if it is no file.
    pub fn origin(mut self, identity: impl Into<PathBuf>, file: Option<String>) -> Self {
        self.origin = Origin { identity: identity.into(), file };
        self
    }

    /// The service is a simulator in which this many seconds pass in one: every limit and pause is shortened alike, and
    /// the run counts as simulated.
    pub fn simulated(mut self, speed: f64) -> Self {
        self.speed = Some(speed);
        self
    }

    /// Makes the client, asks it for the connected sources if the manifest needs them, and expands the manifest.
    ///
    /// # Errors
    ///
    /// All of [`RunError`] but those of reports and ledger.
    pub async fn plan(self) -> Result<Planned, RunError> {
        let Self { manifest, origin, client, mut options, access, github, speed } = self;
        let github = access.map(|access| access.client(&mut options)).transpose()?.or(github);
        let mut settings = options.over(Settings::of(&manifest));
        if let Some(speed) = speed {
            settings = settings.compressed(speed);
        }
        let deadline = Deadline::begin(settings.run_timeout);
        let client = client.unwrap_or_else(|| Jules::builder().with_env());
        let jules = connect(client, &settings)?;
        let mut plan = if plan::needs_connected(&manifest) {
            let jules = impatient(&jules);
            let sources = deadline.bound("listing the connected repositories", all_sources(&jules)).await?;
            let mut repositories = connected(&sources);
            let expand = |connected: &[ConnectedSource]| {
                let account = if speed.is_some() { Account::Simulated } else { Account::Asked };
                plan::expand_with(&manifest, account(connected))
            };
            let mut plan = expand(&repositories)?;
            let lacks_branch = |source: &plan::TaskSource| source.branch.is_empty();
            if plan.tasks.iter().any(|task| task.source.as_ref().is_some_and(lacks_branch)) {
                recorded_branches(&mut repositories, &origin, &plan, &options, speed.is_some())?;
                plan = expand(&repositories)?;
            }
            plan
        } else {
            plan::expand(&manifest, None)?
        };
        complete(&mut plan, &origin, &options, speed)?;
        let left_out = LeftOut::before(&plan, &options.selection);
        let mut plan = options.select(plan)?;
        let left_out = left_out.without(&plan);
        options.over_tasks(&mut plan);
        if let Some(speed) = speed {
            plan.tasks.iter_mut().for_each(|task| task.compress(speed));
        }
        plan.settings = settings;
        options.state = options.state.or_account(plan.settings.limits.account.as_ref());
        let terms = Terms::default().compressed(speed.unwrap_or(1.0));
        let (pace, is_played) = (speed.unwrap_or(1.0), speed.is_some());
        let following = github.map(|github| Following { github, terms, pace, is_played });
        let (outlook, pulls, simulated) = (None, None, speed.is_some());
        Ok(Planned { origin, jules, following, options, plan, left_out, outlook, pulls, deadline, simulated })
    }

    /// The manifest's tasks as far as they can be told without the service: on the default branches that earlier runs knew.
    ///
    /// # Errors
    ///
    /// [`RunError::Manifest`], [`RunError::Ledger`].
    pub fn expand(&self) -> Result<Plan, RunError> {
        let Self { manifest, origin, options, speed, .. } = self;
        let mut plan = plan::expand(manifest, None)?;
        if plan.tasks.iter().any(Task::has_open_branch) {
            let mut known = Vec::new();
            recorded_branches(&mut known, origin, &plan, options, speed.is_some())?;
            plan = plan::expand_with(manifest, Account::NotAsked(&known))?;
        }
        self.complete(&mut plan)?;
        Ok(plan)
    }

    /// Tells the manifest's tasks what the ledger adds: whose they are ([`Task::project`]), and the wave of each
    /// ([`Task::wave`]).
    ///
    /// # Errors
    ///
    /// [`RunError::UnknownRun`], [`RunError::Ledger`].
    pub(crate) fn complete(&self, plan: &mut Plan) -> Result<(), RunError> {
        complete(plan, &self.origin, &self.options, self.speed)
    }

    /// The tasks that a run would start or take up, as far as they can be told without the service and by what the ledger
    /// says now, and what becomes of all of them. Nothing is sent or written.
    ///
    /// # Errors
    ///
    /// [`RunError::Manifest`], [`RunError::Selection`], [`RunError::NothingSelected`], [`RunError::NothingFailed`],
    /// [`RunError::UnknownRun`], [`RunError::Ledger`].
    pub fn preview(self) -> Result<Preview, RunError> {
        let plan = self.selected()?;
        self.foretell(plan, &PullsBefore::default())
    }

    /// The same by what GitHub says now of the pull requests of earlier runs, those that the ledger has lost among them: that
    /// is what a run decides by. Whose the lost ones are is known with a key alone.
    ///
    /// # Errors
    ///
    /// As [`Runner::preview`], and [`RunError::NoGithubToken`], [`RunError::GithubTokenRefused`].
    pub(crate) async fn preview_now(mut self) -> Result<Preview, RunError> {
        let simulated = self.speed.is_some();
        let plan = self.selected()?;
        let relies = relies_on_github(&plan);
        let following = self.github.take().map(|github| Following {
            github,
            terms: Terms::default(),
            pace: 1.0,
            is_played: false,
        });
        let jules = self.client.take().and_then(|client| connect(client, &plan.settings).ok());
        let jules = jules.as_ref().map(impatient);
        let mut before = PullsBefore::default();
        // A rehearsal has no GitHub before it begins.
        if !simulated {
            let about = (&self.origin, &plan, &self.options);
            (before, _) = read_before(about, following.as_ref(), jules.as_ref(), simulated).await?;
        }
        let preview = self.foretell(plan, &before)?;
        let has_token = simulated || following.is_some();
        let relies = relies.filter(|_| depends_on_github(&preview.plan, &preview.outlook));
        match relies.and_then(|key| blind(key, has_token, before.is_refused())) {
            Some(error) => Err(error),
            None => Ok(Preview { notes: before.notes, ..preview }),
        }
    }

    /// The selected tasks with their settings, as far as they can be told without the service.
    fn selected(&self) -> Result<Plan, RunError> {
        let mut plan = self.options.clone().select(self.expand()?)?;
        plan.settings = self.options.over(plan.settings);
        compress(&mut plan, self.speed);
        Ok(plan)
    }

    fn foretell(self, plan: Plan, pulls: &PullsBefore) -> Result<Preview, RunError> {
        let Self { origin, options, speed, .. } = self;
        let mut impossible: Vec<_> =
            plan.tasks.iter().filter(|task| task.problem.is_some()).cloned().collect();
        let day = day(&origin, &plan, &options, speed.is_some())?;
        let (plan, mut outlook, held_up) = preview(&origin, plan, &options, pulls, speed.is_some())?;
        outlook.rule_out(&impossible.iter().map(|task| &task.id).collect());
        if !impossible.is_empty() {
            // One that has a session already goes on with it.
            let at_work: HashSet<_> = plan.tasks.iter().map(|task| &task.id).collect();
            impossible.retain(|task| !at_work.contains(&task.id));
        }
        Ok(Preview { plan, outlook, impossible, held_up, day, notes: Vec::new() })
    }

    /// What becomes of these tasks of the manifest, by what the ledger says now. Nothing is sent or written.
    ///
    /// # Errors
    ///
    /// [`RunError::UnknownRun`], [`RunError::Ledger`].
    pub fn outlook(&self, plan: &Plan) -> Result<Outlook, RunError> {
        let pulls = PullsBefore::default();
        let simulated = self.speed.is_some();
        let mut compressed = plan.clone();
        compress(&mut compressed, self.speed);
        let mut outlook = decide(&self.origin, compressed, &self.options, &pulls, simulated)?.outlook;
        let impossible = plan.tasks.iter().filter(|task| task.problem.is_some());
        outlook.rule_out(&impossible.map(|task| &task.id).collect());
        Ok(outlook)
    }

    /// Records a person's word on the selected tasks, in the manifest's last round or in a first one: which round that is,
    /// and which tasks. The service is asked only for repositories that the manifest does not name, and for branches that
    /// neither it nor an earlier run does.
    ///
    /// # Errors
    ///
    /// All of [`RunError`] but those of reports.
    pub async fn mark(
        self,
        word: Mark,
        by: &str,
        reason: Option<&str>,
    ) -> Result<(RunId, Vec<TaskId>), RunError> {
        let plan = self.expand()?;
        let left_out = LeftOut::before(&plan, &self.options.selection);
        let plan = plan.select_some(&self.options.selection)?.ok_or(RunError::NothingSelected)?;
        // What earlier runs knew of branches is enough for the tasks that they had.
        let is_known = plan.unresolved.is_empty() && !plan.tasks.iter().any(Task::has_open_branch);
        let (origin, options, plan, left_out) = if is_known {
            let left_out = left_out.without(&plan);
            (self.origin, self.options, plan, left_out)
        } else {
            let Planned { origin, options, plan, left_out, .. } = self.plan().await?;
            (origin, options, plan, left_out)
        };
        let run = mark(&origin, (&plan, &left_out), &options, (word, by, reason))?;
        Ok((run, plan.tasks.into_iter().map(|task| task.id).collect()))
    }

    /// Runs the manifest to its end: starts what is open, follows it, writes the reports.
    ///
    /// # Errors
    ///
    /// All of [`RunError`].
    pub async fn run(self) -> Result<Finished, RunError> {
        let (_never, stops) = mpsc::channel(1);
        let run = Box::pin(async { self.plan().await?.open().await });
        Box::pin(run.await?.run(stops)).await
    }
}

/// Whether a round is over is told in the time of a simulator.
fn complete(plan: &mut Plan, origin: &Origin, options: &Options, speed: Option<f64>) -> Result<(), RunError> {
    if let Some(project) = options.state.project() {
        plan.of_project(project);
    }
    if speed.is_none() || plan.settings.strategy.waves.is_none() {
        return waves::tell(plan, origin, options, speed.is_some());
    }
    let mut compressed = plan.clone();
    compress(&mut compressed, speed);
    waves::tell(&mut compressed, origin, options, true)?;
    for (task, told) in plan.tasks.iter_mut().zip(compressed.tasks) {
        task.wave = told.wave;
    }
    Ok(())
}

/// Puts a plan into the time of a simulator: what is over there decides what starts.
fn compress(plan: &mut Plan, speed: Option<f64>) {
    let Some(speed) = speed else { return };
    plan.settings = plan.settings.clone().compressed(speed);
    plan.tasks.iter_mut().for_each(|task| task.compress(speed));
}

/// What a run would do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Preview {
    /// The tasks that it would start or take up.
    pub plan: Plan,
    /// What becomes of all of them.
    pub outlook: Outlook,
    /// The tasks that it would neither start nor take up because they cannot be started: each is an error, unless it has ended
    /// before.
    pub impossible: Vec<Task>,
    /// Why it would start nothing of what there is to start: too many tasks have failed. With the figures.
    pub held_up: Option<String>,
    /// What `limits.sessions-per-day` leaves now; none without such a limit, or before the first run.
    pub day: Option<Day>,
    /// What a user should know of it, such as that GitHub was not asked.
    pub notes: Vec<String>,
}

/// A run that can begin.
#[must_use]
pub struct Run {
    pub(super) jules: Jules,
    pub(super) history: History,
    pub(super) listeners: Vec<Box<dyn Listener>>,
    pub(super) redactor: Redactor,
    pub(super) deadline: Deadline,
    pub(super) between: Option<Between>,
    pub(super) at_end: Option<AtEnd>,
}

impl Run {
    /// The run so far: only that it was begun, or what earlier invocations have recorded.
    #[must_use]
    pub fn record(&self) -> &RunRecord {
        &self.history.record
    }

    /// The events behind [`Run::record`].
    #[must_use]
    pub fn events(&self) -> &[RunEvent] {
        &self.history.events
    }

    /// The tasks.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.history.plan
    }

    /// Whether an earlier run is continued.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.history.goes_on
    }

    /// Whether there is nothing to do: then [`Run::run`] writes the reports of what is there, and asks nothing of the service.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.history.is_idle
    }

    /// What a user should know of the ledger, such as that it was damaged.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.history.notes
    }

    /// One more who hears every event.
    pub fn listen(mut self, listener: impl Listener + 'static) -> Self {
        self.listeners.push(Box::new(listener));
        self
    }

    /// Runs to the end, or until a reason to stop comes. `stops` may be closed.
    ///
    /// Cancel safety: dropping the future leaves the run as a kill would, to be taken up again from the ledger.
    ///
    /// # Errors
    ///
    /// [`RunError::NotRecorded`].
    pub async fn run(self, stops: Receiver<StopReason>) -> Result<Finished, RunError> {
        let Self { jules, history, mut listeners, redactor, deadline, between, at_end } = self;
        let History { mut plan, engine, recorder, record, is_idle, late, .. } = history;
        if is_idle {
            listeners.iter_mut().try_for_each(|listener| listener.finish())?;
            return Ok(Finished { record, stopped: None, fault: None, held_up: None, not_again: 0 });
        }
        Arc::make_mut(&mut plan).settings.run_timeout = deadline.left();
        let account = recorder.share_account(plan.settings.limits.share)?;
        let setup =
            Setup { plan, api: jules.clone(), record, options: engine, between, at_end, account, late };
        let clean = Box::new(move |event| clean(&redactor, event));
        let observers = Observers { ledger: Box::new(recorder), listeners, clean };
        Ok(engine::run(setup, observers, stops).await?)
    }
}
