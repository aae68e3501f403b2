//! Sessions and activities for reading.
//!
//! What the service and the agent wrote is foreign text: whatever stands here has passed
//! [`foreign_text::line()`] or [`foreign_text::block`].

mod activity;
mod artifact;
mod change;
mod plan;
mod session;

pub(super) use activity::Rendering;
pub(super) use change::{patch, summary as change_summary};
pub(super) use plan::steps as plan_steps;
pub(super) use session::{card, place, state, title, told};
