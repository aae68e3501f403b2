//! What is said of an expression that is not understood.

use std::ops::Range;

use crate::manifest::quoted;

/// Why an expression is not understood.
#[derive(Debug)]
pub(in crate::plan) struct Wrong {
    /// The bytes of the expression that are not.
    pub(in crate::plan) at: Range<usize>,
    pub(in crate::plan) what: String,
    pub(in crate::plan) help: Option<String>,
}

impl Wrong {
    pub(super) fn new(at: Range<usize>, what: impl Into<String>) -> Self {
        Self { at, what: what.into(), help: None }
    }

    pub(super) fn unexpected(at: Range<usize>, found: &str) -> Self {
        Self::new(at, format!("{} is not expected here", quoted(found)))
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
