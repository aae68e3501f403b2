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
pub(super) use session::{card, place, state, told};

/// A text of one line that is short enough for one, behind its label; otherwise as a block below it.
fn labelled(label: &str, text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        return label.to_owned();
    }
    if text.contains(['\n', '\r']) || text.len() > 500 {
        return format!("{label}\n{}", foreign_text::block(text));
    }
    format!("{label} {}", foreign_text::line(text))
}
