//! The repositories that the account has connected.

use std::collections::BTreeMap;

use crate::manifest::nearest;

/// A repository that the account has connected, as the API lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectedSource {
    /// `owner/repo`.
    pub github: String,
    /// Its default branch, where the API names one.
    pub default_branch: Option<String>,
    /// Its branches, as far as the API lists them.
    pub branches: Vec<String>,
    /// It was connected once: its default branch is the one of then, and no pattern means it.
    pub gone: bool,
}

/// The connected sources by name; GitHub does not tell upper from lower case.
#[derive(Debug)]
pub(super) struct Catalogue<'a> {
    pub(super) by_name: BTreeMap<String, &'a ConnectedSource>,
}

impl<'a> Catalogue<'a> {
    pub(super) fn new(connected: &'a [ConnectedSource]) -> Self {
        Self { by_name: connected.iter().map(|source| (source.github.to_lowercase(), source)).collect() }
    }

    pub(super) fn get(&self, github: &str) -> Option<&'a ConnectedSource> {
        self.by_name.get(&github.to_lowercase()).copied()
    }

    pub(super) fn nearest(&self, written: &str) -> Option<&'a str> {
        nearest(written, self.by_name.values().map(|source| source.github.as_str()))
    }
}
