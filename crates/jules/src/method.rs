//! The twelve methods of the service.

use std::fmt;

macro_rules! methods {
    ($($name:ident $text:literal $doing:literal,)*) => {
        /// One of the service's twelve methods.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Method {
            $(#[doc = concat!("`", $text, "`: ", $doing, ".")] $name,)*
        }

        impl Method {
            /// All of them, in a fixed order.
            pub const ALL: [Self; 12] = [$(Self::$name),*];

            /// The name in reports: `create`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What it does, as an error's first words: `creating a session`.
            pub(super) fn doing(self) -> &'static str {
                match self { $(Self::$name => $doing),* }
            }
        }
    };
}

methods! {
    ListSources "sources" "listing the sources",
    GetSource "source" "reading a source",
    CreateSession "create" "creating a session",
    GetSession "get" "reading a session",
    ListSessions "list" "listing the sessions",
    DeleteSession "delete" "deleting a session",
    SendMessage "send" "sending a message",
    ApprovePlan "approve" "approving a plan",
    ArchiveSession "archive" "archiving a session",
    UnarchiveSession "unarchive" "taking a session out of the archive",
    ListActivities "activities" "listing a session's activities",
    GetActivity "activity" "reading an activity",
}

impl Method {
    /// What its requests are for.
    #[must_use]
    pub fn kind(self) -> RequestKind {
        match self {
            Self::CreateSession => RequestKind::Creates,
            Self::ListActivities => RequestKind::Activities,
            Self::ListSources
            | Self::GetSource
            | Self::GetSession
            | Self::ListSessions
            | Self::GetActivity => RequestKind::Reads,
            Self::DeleteSession
            | Self::SendMessage
            | Self::ApprovePlan
            | Self::ArchiveSession
            | Self::UnarchiveSession => RequestKind::Writes,
        }
    }

    /// Whether the same request can be sent again without doing more than it did the first time.
    pub(super) fn is_repeatable(self) -> bool {
        match self {
            Self::ListSources
            | Self::GetSource
            | Self::GetSession
            | Self::ListSessions
            | Self::DeleteSession
            | Self::ListActivities
            | Self::GetActivity => true,
            Self::CreateSession
            | Self::SendMessage
            | Self::ApprovePlan
            | Self::ArchiveSession
            | Self::UnarchiveSession => false,
        }
    }
}

/// What a request is for, as far as the service's quotas go: a 429 says something about requests of its own kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RequestKind {
    /// `sessions.create`.
    Creates,
    /// `activities.list`.
    Activities,
    /// All other reads.
    Reads,
    /// Messages, approvals, the archive, deletions.
    Writes,
}

impl RequestKind {
    /// All of them, in a fixed order.
    pub const ALL: [Self; 4] = [Self::Creates, Self::Activities, Self::Reads, Self::Writes];

    /// The name in the plural, for messages: `activity listings`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creates => "creates",
            Self::Activities => "activity listings",
            Self::Reads => "reads",
            Self::Writes => "writes",
        }
    }

    /// The kinds whose pauses hold a request of this kind: a refused read pauses all reads, activity listings too.
    pub(super) fn paused_with(self) -> &'static [Self] {
        match self {
            Self::Creates => &[Self::Creates],
            Self::Activities => &[Self::Activities, Self::Reads],
            Self::Reads => &[Self::Reads],
            Self::Writes => &[Self::Writes],
        }
    }
}

impl fmt::Display for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = Method::ALL.iter().map(|m| m.as_str()).collect();
        assert_eq!(names.len(), Method::ALL.len());
    }
}
