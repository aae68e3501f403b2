//! What holds for a run as a whole: the manifest's settings with every default filled in.

use std::sync::Arc;
use std::time::Duration;

use super::task::Task;
pub use crate::manifest::{
    AccountName, AccountShare, Adoption, Backoff, Existing, IfClosed, IfExists, Limits, MaxFailures, Notify,
    NotifyOn, PassWhen, PlanApproval, PollSettings, PollStrategy, PullRequests, Repeat, RetryOn, RetryPolicy,
    Share, StallPolicy, Strategy, Telling, Then, Timeouts, UserFeedback, WaveOrder, WavePass, WaveSize,
    Waves, Webhook, WebhookKind,
};
use crate::manifest::{Located, Manifest, RunTimeouts, Setting, Written};

/// A run's settings: no options left, except where "none" is a meaning of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How many at once, and when to give up on the rest.
    pub strategy: Strategy,
    /// What the pull requests of earlier runs mean for a task (`pull-requests`).
    pub pull_requests: PullRequests,
    /// Whether the manifest says what becomes of tasks with such a pull request: then it relies on GitHub being asked.
    pub relies_on_existing: bool,
    /// What we ask of the service.
    pub limits: Limits,
    /// The whole run's deadline, counted from the invocation's start (`timeouts.run`); none by default.
    pub run_timeout: Option<Duration>,
    /// One request, from its first byte out to its last byte in (`timeouts.request`); 30 s.
    pub request_timeout: Duration,
    /// The same for a create, which is in doubt when it is cut off (`timeouts.create`); 120 s.
    pub create_timeout: Duration,
    /// How a create in doubt is settled (`create`).
    pub adoption: Adoption,
    /// How live sessions are watched (`poll`).
    pub poll: PollSettings,
    /// What is told of it (`report`).
    pub report: Telling,
    /// Who is told of the run (`notify`).
    pub notify: Notify,
    /// The day of `limits.sessions-per-day`; 24 h, except in compressed time.
    pub day: Duration,
    /// Seconds of service time in one real second, where the service is a simulator.
    pub simulated: Option<f64>,
}

/// `waiting`: what to do when a session waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting<T = String> {
    /// The session's plan waits for an approval.
    pub plan_approval: PlanApproval,
    /// The agent asks.
    pub user_feedback: UserFeedback<T>,
    /// The agent is silent.
    pub stall: StallPolicy<T>,
}

impl Settings {
    /// What a manifest says of the run as a whole.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        Self::meant(&manifest.written)
    }

    fn meant(written: &Written) -> Self {
        let timeouts: RunTimeouts = meant(written.timeouts.as_ref());
        Self {
            strategy: meant(written.strategy.as_ref()),
            pull_requests: meant(written.pull_requests.as_ref()),
            relies_on_existing: written.pull_requests.as_ref().is_some_and(|keys| keys.existing.is_some()),
            limits: meant(written.limits.as_ref()),
            run_timeout: timeouts.run,
            request_timeout: timeouts.request,
            create_timeout: timeouts.create,
            adoption: meant(written.create.as_ref()),
            poll: meant(written.poll.as_ref()),
            report: meant(written.report.as_ref()),
            notify: meant(written.notify.as_ref()),
            day: Duration::from_secs(24 * 60 * 60),
            simulated: None,
        }
    }

    /// The same settings in time compressed by `factor`: durations are divided, rates multiplied.
    ///
    /// Simulated runs use it, so that a session of ten minutes takes ten seconds and still meets every rule.
    #[must_use]
    pub fn compressed(mut self, factor: f64) -> Self {
        let shrink = |d: Duration| d.div_f64(factor);
        let grow = |n: u32| (f64::from(n) * factor).min(f64::from(u32::MAX)) as u32;
        self.limits.requests_per_minute = grow(self.limits.requests_per_minute);
        self.limits.creates_per_minute = grow(self.limits.creates_per_minute);
        self.limits.activities_per_minute = grow(self.limits.activities_per_minute);
        self.limits.capacity_wait = shrink(self.limits.capacity_wait);
        self.day = shrink(self.day);
        self.run_timeout = self.run_timeout.map(shrink);
        self.adoption.look_delay = shrink(self.adoption.look_delay);
        self.adoption.adopt_within = shrink(self.adoption.adopt_within);
        self.poll.interval = shrink(self.poll.interval);
        self.pull_requests.look_back = shrink(self.pull_requests.look_back);
        if let Some(waves) = &mut self.strategy.waves {
            waves.pass.within = shrink(waves.pass.within);
            waves.pass.soak = shrink(waves.pass.soak);
        }
        self.simulated = Some(factor);
        self
    }
}

fn meant<S: Setting + Default>(written: Option<&Located<S::Written>>) -> S {
    written.cloned().map_or_else(S::default, S::meant)
}

impl Default for Settings {
    fn default() -> Self {
        Self::meant(&Written::default())
    }
}

impl Task {
    /// Puts it into time compressed by `factor`, as [`Settings::compressed`].
    pub fn compress(&mut self, factor: f64) {
        let Timeouts { task, stall, settle } = &mut self.timeouts;
        let RetryPolicy { delay, max_delay, .. } = Arc::make_mut(&mut self.retries);
        for span in [task, stall, settle, delay, max_delay] {
            *span = span.div_f64(factor);
        }
        if let Repeat::Every(span) = &mut self.repeat {
            *span = span.div_f64(factor);
        }
    }
}
