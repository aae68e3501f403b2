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

/// What a plan is made with: what is known of the account.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Account<'a> {
    /// It was not asked. Of some repositories the default branch may be known from before.
    NotAsked(&'a [ConnectedSource]),
    /// Everything that it has connected.
    Asked(&'a [ConnectedSource]),
    /// The same of a simulator's.
    Simulated(&'a [ConnectedSource]),
}

/// The connected sources by name; GitHub does not tell upper from lower case.
#[derive(Debug)]
pub(super) struct Catalogue<'a> {
    pub(super) by_name: BTreeMap<String, &'a ConnectedSource>,
    /// Whether what is not in it is not connected.
    pub(super) is_whole: bool,
    is_simulated: bool,
}

impl<'a> Catalogue<'a> {
    pub(super) fn new(account: Account<'a>) -> Self {
        let (Account::NotAsked(known) | Account::Asked(known) | Account::Simulated(known)) = account;
        Self {
            by_name: known.iter().map(|source| (source.github.to_lowercase(), source)).collect(),
            is_whole: !matches!(account, Account::NotAsked(_)),
            is_simulated: matches!(account, Account::Simulated(_)),
        }
    }

    pub(super) fn get(&self, github: &str) -> Option<&'a ConnectedSource> {
        self.by_name.get(&github.to_lowercase()).copied()
    }

    pub(super) fn nearest(&self, written: &str) -> Option<&'a str> {
        nearest(written, self.by_name.values().map(|source| source.github.as_str()))
    }

    /// How a repository gets connected: the rest of a sentence.
    pub(super) fn connect(&self, what: &str) -> String {
        if self.is_simulated {
            format!("list {what} under `sources` in the scenario")
        } else {
            format!("connect {what} at https://jules.google.com")
        }
    }
}
