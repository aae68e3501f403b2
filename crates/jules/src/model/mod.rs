//! The wire model: what the service says, read tolerantly and written back as the service would write it.
//!
//! Everything may be missing or `null`, a value of the wrong type counts as missing, unknown states, activities,
//! artifacts and outputs are kept as they came, and unknown fields are dropped. One odd element never fails its page.
//! Source of the shapes: <https://developers.google.com/jules/api>, and what clients report of the live service.

mod activity;
mod artifact;
mod found;
mod lenient;
mod line;
mod page;
mod session;
mod source;
mod state;

pub use activity::{Activity, ActivityKind, AgentPlan, Originator, PlanStep};
pub use artifact::{Artifact, BashOutput, ChangeSet, GitPatch, InvalidMedia, Media};
pub use found::FoundSessions;
pub use page::{ActivityPage, Page, SessionPage, SourcePage};
pub use session::{GithubRepoContext, PullRequest, Session, SessionOutput, SourceContext};
pub use source::{Branch, GithubRepo, Source};
pub use state::SessionState;

#[cfg(test)]
mod tests;
