//! The twelve methods of the service, and the operations of GitHub beside them.

use std::fmt;

use super::github::Operation;

/// A method, named as in the service's own reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Method {
    SourcesList,
    SourcesGet,
    SessionsCreate,
    SessionsGet,
    SessionsList,
    SessionsDelete,
    SendMessage,
    ApprovePlan,
    Archive,
    Unarchive,
    ActivitiesList,
    ActivitiesGet,
    /// An operation of GitHub.
    GitHub(Operation),
}

impl Method {
    pub(super) const ALL: [Self; 12] = [
        Self::SourcesList,
        Self::SourcesGet,
        Self::SessionsCreate,
        Self::SessionsGet,
        Self::SessionsList,
        Self::SessionsDelete,
        Self::SendMessage,
        Self::ApprovePlan,
        Self::Archive,
        Self::Unarchive,
        Self::ActivitiesList,
        Self::ActivitiesGet,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SourcesList => "sources.list",
            Self::SourcesGet => "sources.get",
            Self::SessionsCreate => "sessions.create",
            Self::SessionsGet => "sessions.get",
            Self::SessionsList => "sessions.list",
            Self::SessionsDelete => "sessions.delete",
            Self::SendMessage => "sessions.sendMessage",
            Self::ApprovePlan => "sessions.approvePlan",
            Self::Archive => "sessions.archive",
            Self::Unarchive => "sessions.unarchive",
            Self::ActivitiesList => "activities.list",
            Self::ActivitiesGet => "activities.get",
            Self::GitHub(operation) => operation.name(),
        }
    }

    /// Whether it only looks.
    fn reads(self) -> bool {
        match self {
            Self::SourcesList
            | Self::SourcesGet
            | Self::SessionsGet
            | Self::SessionsList
            | Self::ActivitiesList
            | Self::ActivitiesGet => true,
            Self::GitHub(operation) => operation.reads(),
            Self::SessionsCreate
            | Self::SessionsDelete
            | Self::SendMessage
            | Self::ApprovePlan
            | Self::Archive
            | Self::Unarchive => false,
        }
    }

    pub(super) fn is_githubs(self) -> bool {
        matches!(self, Self::GitHub(_))
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        let operations = Operation::ALL.into_iter().map(Self::GitHub);
        Self::ALL.into_iter().chain(operations).find(|method| method.name() == name)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a quota or a fault is about: one method, or several of them together. `all`, `reads` and `writes` are of Jules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Scope {
    All,
    Reads,
    Writes,
    GitHub,
    GitHubReads,
    GitHubWrites,
    One(Method),
}

impl Scope {
    /// Those of several methods together.
    pub(super) const TOGETHER: [Self; 6] =
        [Self::All, Self::Reads, Self::Writes, Self::GitHub, Self::GitHubReads, Self::GitHubWrites];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::GitHub => "github",
            Self::GitHubReads => "github-reads",
            Self::GitHubWrites => "github-writes",
            Self::One(method) => method.name(),
        }
    }

    pub(super) fn covers(self, method: Method) -> bool {
        match self {
            Self::All => !method.is_githubs(),
            Self::Reads => !method.is_githubs() && method.reads(),
            Self::Writes => !method.is_githubs() && !method.reads(),
            Self::GitHub => method.is_githubs(),
            Self::GitHubReads => method.is_githubs() && method.reads(),
            Self::GitHubWrites => method.is_githubs() && !method.reads(),
            Self::One(one) => one == method,
        }
    }

    /// Whether it is about nothing but GitHub.
    pub(super) fn is_githubs(self) -> bool {
        match self {
            Self::GitHub | Self::GitHubReads | Self::GitHubWrites => true,
            Self::One(method) => method.is_githubs(),
            Self::All | Self::Reads | Self::Writes => false,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TryFrom<String> for Scope {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let together = Self::TOGETHER.into_iter().find(|scope| scope.name() == text);
        together.or_else(|| Method::named(&text).map(Self::One)).ok_or_else(|| {
            let known: Vec<_> = Method::ALL.iter().map(|method| method.name()).collect();
            let githubs: Vec<_> = Operation::ALL.iter().map(|operation| operation.name()).collect();
            format!("no method is called `{text}`; known: all, reads, writes, {}; of GitHub: github, github-reads, github-writes, {}", known.join(", "), githubs.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_method() {
        for method in Method::ALL {
            assert_eq!(Method::named(method.name()), Some(method));
            assert_eq!(Scope::try_from(method.name().to_owned()), Ok(Scope::One(method)));
        }
        assert!(Scope::try_from("sessions.cancel".to_owned()).unwrap_err().contains("sessions.create"));
    }
}
