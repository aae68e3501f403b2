//! A session in the archive that had not ended: it is paused for good, so that its attempt is over.

use super::{Driver, End, Step};
use crate::engine::input::Digest;
use crate::outcome::Outcome;

impl Driver {
    /// It was in the archive when it was adopted: a run whose ledger is lost may have given it up.
    pub(in crate::engine) fn found_in_archive(&mut self) {
        self.may_be_given_up = true;
    }

    /// Judges it by what it has made and, if its activities could be read, by what it waits for. Whoever has put it away
    /// does not want another in its place.
    pub(super) fn end_archived(&mut self, digest: Option<&Digest>) -> Step {
        let archived = match self.may_be_given_up {
            true => "its session is in the archive and had not ended",
            false => "archived by somebody before it had ended",
        };
        let told = digest.map(|digest| &digest.told);
        let question = told.and_then(|told| told.open_question());
        let awaits_approval = told.is_some_and(|told| told.plan.is_some() && !told.plan_approved);
        let (outcome, reason) = match (self.is_met(), question, self.may_be_given_up) {
            (true, ..) => (Outcome::Succeeded, archived.to_owned()),
            (_, Some(question), true) => (Outcome::NeedsInput, question.to_owned()),
            (_, Some(question), false) => (Outcome::Failed, format!("{archived}; it had asked: {question}")),
            (_, None, true) if awaits_approval => {
                (Outcome::NeedsInput, format!("{archived}; its plan waits for approval"))
            }
            (_, None, true) => (Outcome::Stalled, archived.to_owned()),
            (_, None, false) if awaits_approval => {
                (Outcome::Failed, format!("{archived}; its plan waited for approval"))
            }
            (_, None, false) => (Outcome::Failed, archived.to_owned()),
        };
        match self.end(outcome, Some(reason)) {
            Step::End(end) => Step::End(End { lasting: true, ..end }),
            step => step,
        }
    }
}
