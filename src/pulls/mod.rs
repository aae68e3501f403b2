//! After the session: from one reading of a pull request to what it waits for.

mod act;
mod following;
mod listed;
mod pushes;
mod select;
mod stage;
mod waves;

pub(crate) use act::{
    Case, Decision, Left, MergeTerms, Seen, Step, close, merge, message, update, with_failed_checks,
};
pub(crate) use following::{ReadingPlan, Spent, plan, until, wants_details, wants_first_contact};
pub(crate) use listed::as_listed;
pub(crate) use pushes::Pushes;
pub(crate) use select::{PullFilter, Selectable};
pub(crate) use stage::{Known, Terms, status, wants_pushes};
pub(crate) use waves::{joined, split};
