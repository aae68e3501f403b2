//! From a run's record to bytes: pure functions. The same record gives the same bytes: no clock, no
//! environment.
//!
//! [`ReportV1`] is both the model and the contents of `report.json`; every other format is rendered from it,
//! so a stored report can be rendered again and several can be merged.

mod amounts;
mod attention;
mod ctrf;
mod events;
mod github;
mod html;
mod json;
mod junit;
mod link;
mod markdown;
mod merge;
mod needs;
mod notice;
mod progress;
mod prometheus;
mod pulls;
mod record;
#[cfg(test)]
mod sample;
mod task;
mod totals;
mod trend;
mod v1;
mod waves;

pub use amounts::{duration, many};
pub use ctrf::{ctrf, write_ctrf};
pub use events::event_line;
pub use github::{RunFiles, RunOutcome, annotations, error_annotations, output_file, outputs};
pub(crate) use html::write_html_with;
pub use html::{html, write_html};
pub use json::{from_json, report_schema, to_json, write_json};
pub use junit::{JunitProfile, junit, write_junit};
#[cfg(feature = "serve")]
pub(crate) use link::https;
pub(crate) use markdown::is_summary;
pub use markdown::markdown;
pub use merge::merge;
pub(crate) use needs::{NeededPull, Needs};
pub(crate) use notice::{Occasion, Sink, notice, notice_schema};
pub use progress::{DayV1, EarlierV1, ProgressV1, SessionsV1};
pub use prometheus::prometheus;
use task::STRAYS;
pub use totals::{PullTotalsV1, TotalsV1};
pub use v1::{
    ActivitiesV1, ApiV1, AttemptV1, ChangeV1, DetailsV1, DetectionV1, FileV1, GithubApiV1, MarkedV1,
    OnNoChangeV1, PollsV1, PreviousV1, PullChangeV1, PullRequestV1, ReportV1, RunV1, SessionV1, ShardV1,
    SourceV1, StrayV1, TaskV1, TrendV1, WaveStateV1, WaveV1,
};

/// A report could not be read or rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The text is not a `report.json`.
    #[error("it is not a report.json of jules-batch")]
    Read(#[source] serde_json::Error),
    /// A value among the outputs contains the delimiter of their file.
    #[error("the output `{output}` contains its own delimiter")]
    Delimiter {
        /// Which.
        output: &'static str,
    },
    /// No report was given.
    #[error("there is no report to merge")]
    NothingToMerge,
    /// Reports of different manifests.
    #[error("the reports are of different manifests, `{one}` and `{other}`")]
    Different {
        /// The name of one.
        one: String,
        /// The name of another.
        other: String,
    },
    /// The page could not be rendered.
    #[error("cannot render report.html")]
    Html(#[source] minijinja::Error),
    /// The JUnit document could not be put together.
    #[error("cannot put junit.xml together")]
    Junit(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A `report.json` of another version.
    #[error("it has schemaVersion {found}, and this program reads {}", ReportV1::VERSION)]
    Version {
        /// The version that it names.
        found: u64,
    },
}
