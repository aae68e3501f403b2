//! After the session: from one reading of a pull request to what it waits for.

mod following;
mod pushes;
mod stage;

pub(crate) use following::{
    ReadingPlan, Spent, plan, until, wants_details, wants_first_contact, wants_pushes,
};
pub(crate) use pushes::Pushes;
pub(crate) use stage::{Known, Terms, status};
