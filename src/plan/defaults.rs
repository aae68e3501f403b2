//! The manifest's settings with every default filled in.

use super::settings::{
    Adoption, Limits, MaxFailures, PollSettings, RetryPolicy, Settings, Strategy, Timeouts,
};
use crate::manifest::Located;
use crate::manifest::{CheckedJob, MaxFailures as WrittenMaxFailures, Period, Retries, Written};
use std::time::Duration;

/// What holds for the run as a whole.
pub(super) fn settings(written: &Written) -> Settings {
    let default = Settings::default();
    let timeouts = written.timeouts.clone().unwrap_or_default();
    Settings {
        strategy: strategy(written),
        limits: limits(written),
        run_timeout: timeouts.run.as_ref().map(|run| run.value.0),
        request_timeout: period(timeouts.request.as_ref(), default.request_timeout),
        adoption: adoption(written),
        poll: poll(written),
    }
}

fn strategy(written: &Written) -> Strategy {
    let default = Strategy::default();
    let Some(strategy) = &written.strategy else { return default };
    Strategy {
        max_parallel: strategy.max_parallel.as_ref().map_or(default.max_parallel, |n| n.value as usize),
        fail_fast: strategy.fail_fast.unwrap_or(default.fail_fast),
        max_failures: strategy.max_failures.as_ref().map(|max| match max.value {
            WrittenMaxFailures::Count(count) => MaxFailures::Count(count as usize),
            WrittenMaxFailures::Percent(share) => MaxFailures::Percent(share),
        }),
        max_tasks: strategy.max_tasks.as_ref().map(|n| n.value as usize),
    }
}

fn limits(written: &Written) -> Limits {
    let default = Limits::default();
    let Some(limits) = &written.limits else { return default };
    Limits {
        requests_per_minute: number(limits.requests_per_minute.as_ref(), default.requests_per_minute),
        creates_per_minute: number(limits.creates_per_minute.as_ref(), default.creates_per_minute),
        activities_per_minute: number(limits.activities_per_minute.as_ref(), default.activities_per_minute),
        sessions_per_day: limits.sessions_per_day.as_ref().map(|n| n.value),
        capacity_wait: period(limits.capacity_wait.as_ref(), default.capacity_wait),
        day: default.day,
    }
}

fn adoption(written: &Written) -> Adoption {
    let default = Adoption::default();
    let Some(create) = &written.create else { return default };
    Adoption {
        looks: number(create.looks.as_ref(), default.looks),
        look_delay: period(create.look_delay.as_ref(), default.look_delay),
        adopt_within: period(create.adopt_within.as_ref(), default.adopt_within),
    }
}

fn poll(written: &Written) -> PollSettings {
    let default = PollSettings::default();
    let Some(poll) = &written.poll else { return default };
    PollSettings {
        interval: period(poll.interval.as_ref(), default.interval),
        strategy: poll.strategy.unwrap_or(default.strategy),
    }
}

/// How long a job's tasks may take: the job's and `defaults`' word over the manifest's.
pub(super) fn timeouts(written: &Written, job: &CheckedJob) -> Timeouts {
    let default = Timeouts::default();
    let own = job.keys.timeouts.clone().unwrap_or_default();
    let shared = written.timeouts.clone().unwrap_or_default();
    Timeouts {
        task: period(own.task.or(shared.task).as_ref(), default.task),
        stall: period(own.stall.or(shared.stall).as_ref(), default.stall),
        settle: period(own.settle.or(shared.settle).as_ref(), default.settle),
    }
}

/// When a job's tasks are tried again: key by key, the job's and `defaults`' word over the manifest's.
pub(super) fn retries(written: &Written, job: &CheckedJob) -> RetryPolicy {
    let default = RetryPolicy::default();
    let shared = written.retries.clone().unwrap_or_default();
    let Retries { count, on, backoff, delay, max_delay, jitter } =
        job.keys.retries.clone().unwrap_or_default().over(&shared);
    RetryPolicy {
        count: number(count.as_ref(), default.count),
        on: on.unwrap_or(default.on),
        backoff: backoff.unwrap_or(default.backoff),
        delay: period(delay.as_ref(), default.delay),
        max_delay: period(max_delay.as_ref(), default.max_delay),
        jitter: jitter.unwrap_or(default.jitter),
    }
}

fn period(written: Option<&Located<Period>>, default: Duration) -> Duration {
    written.map_or(default, |period| period.value.0)
}

fn number(written: Option<&Located<u32>>, default: u32) -> u32 {
    written.map_or(default, |number| number.value)
}
