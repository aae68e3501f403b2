//! From a run's record to bytes: pure functions. The same record gives the same bytes: no clock, no
//! environment.

mod text;

pub use text::{console_fragment, console_line};
