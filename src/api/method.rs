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

            /// The name in reports: `createSession`.
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
    ListSources "listSources" "listing the sources",
    GetSource "getSource" "reading a source",
    CreateSession "createSession" "creating a session",
    GetSession "getSession" "reading a session",
    ListSessions "listSessions" "listing the sessions",
    DeleteSession "deleteSession" "deleting a session",
    SendMessage "sendMessage" "sending a message",
    ApprovePlan "approvePlan" "approving a plan",
    ArchiveSession "archiveSession" "archiving a session",
    UnarchiveSession "unarchiveSession" "taking a session out of the archive",
    ListActivities "listActivities" "listing a session's activities",
    GetActivity "getActivity" "reading an activity",
}

impl Method {
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
