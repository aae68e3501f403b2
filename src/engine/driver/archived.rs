//! A session in the archive that had not ended: it is paused for good, so that its attempt is over.

use super::{Driver, Step};
use crate::engine::input::Digest;
use crate::outcome::Outcome;

impl Driver {
    /// Judges it by what it has made and, if its activities could be read, by what it waits for.
    pub(super) fn end_archived(&mut self, digest: Option<&Digest>) -> Step {
        let archived = "its session is in the archive and had not ended";
        if self.is_met() {
            return self.end(Outcome::Succeeded, Some(archived.to_owned()));
        }
        let told = digest.map(|digest| &digest.told);
        if let Some(question) = told.and_then(|told| told.open_question()) {
            return self.end(Outcome::NeedsInput, Some(question.to_owned()));
        }
        if told.is_some_and(|told| told.plan.is_some() && !told.plan_approved) {
            let reason = format!("{archived}; its plan waits for approval");
            return self.end(Outcome::NeedsInput, Some(reason));
        }
        self.end(Outcome::Stalled, Some(archived.to_owned()))
    }
}
