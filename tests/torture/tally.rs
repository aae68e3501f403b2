//! What the runs of a test are added up to.

use std::fmt::Display;
use std::ops::AddAssign;

/// Counts of one seed, or of many.
pub(crate) trait Tally: Default + Display + AddAssign + Send {
    /// Each thing that is not as promised.
    fn wrong(&self) -> &[String];

    /// Whether every promise was kept.
    fn is_clean(&self) -> bool;
}
