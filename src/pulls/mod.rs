//! After the session: from one reading of a pull request to what it waits for.

mod pushes;
mod stage;

pub(crate) use pushes::Pushes;
pub(crate) use stage::{Known, Terms, status};
