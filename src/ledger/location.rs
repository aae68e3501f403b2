//! Where runs are recorded.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[cfg(feature = "postgres")]
use super::Database;
use super::folder::SIMULATED;
use crate::plan::AccountName;

/// Where runs are recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// In this state folder.
    Folder(PathBuf),
    /// In this database, which machines share.
    #[cfg(feature = "postgres")]
    Database(Box<Database>),
}

impl Location {
    /// Where simulated runs are recorded: on this machine.
    #[must_use]
    pub(crate) fn simulated(&self) -> Self {
        match self {
            Self::Folder(folder) => Self::Folder(folder.join(SIMULATED)),
            #[cfg(feature = "postgres")]
            Self::Database(_) => Self::default().simulated(),
        }
    }

    /// With this account of the service, where one is shared and none was named.
    #[must_use]
    pub(crate) fn or_account(
        self,
        #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "a folder has no account"))]
        account: Option<&AccountName>,
    ) -> Self {
        match self {
            Self::Folder(_) => self,
            #[cfg(feature = "postgres")]
            Self::Database(database) => {
                Self::Database(Box::new(database.or_account(account.map(AccountName::as_str))))
            }
        }
    }

    /// The project whose runs are meant, where several share it.
    #[must_use]
    pub(crate) fn project(&self) -> Option<&str> {
        match self {
            Self::Folder(_) => None,
            #[cfg(feature = "postgres")]
            Self::Database(database) => database.project(),
        }
    }

    /// What a user should know of it before it is used.
    #[must_use]
    pub(crate) fn warning(&self) -> Option<&'static str> {
        match self {
            Self::Folder(_) => None,
            #[cfg(feature = "postgres")]
            Self::Database(database) => database.warning(),
        }
    }

    /// Whether other machines may have it as well.
    #[must_use]
    pub(crate) fn is_shared(&self) -> bool {
        self.folder().is_none()
    }

    /// How long a run goes on while it does not answer: a folder does at once, or never.
    #[must_use]
    pub(crate) fn patience(&self) -> Duration {
        match self {
            Self::Folder(_) => Duration::ZERO,
            #[cfg(feature = "postgres")]
            Self::Database(database) => database.patience(),
        }
    }

    /// The same, with a database that a run goes on without for so long.
    #[cfg(feature = "postgres")]
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        match self {
            Self::Folder(folder) => Self::Folder(folder),
            Self::Database(database) => Self::Database(Box::new(database.with_patience(patience))),
        }
    }

    /// Whether both are one place, also where it is written in two ways.
    #[cfg(feature = "postgres")]
    #[must_use]
    pub(crate) fn is_same_place(&self, other: &Self) -> bool {
        let real = |location: &Self| location.folder().and_then(|folder| folder.canonicalize().ok());
        self == other || real(self).is_some_and(|folder| real(other) == Some(folder))
    }

    /// The state folder; none where there is none.
    #[must_use]
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) => Some(folder),
            #[cfg(feature = "postgres")]
            Self::Database(_) => None,
        }
    }
}

impl Default for Location {
    fn default() -> Self {
        Self::Folder(".jules-batch".into())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            #[cfg(feature = "postgres")]
            Self::Database(database) => database.fmt(f),
        }
    }
}

impl From<PathBuf> for Location {
    fn from(folder: PathBuf) -> Self {
        Self::Folder(folder)
    }
}

impl From<&Path> for Location {
    fn from(folder: &Path) -> Self {
        Self::Folder(folder.to_owned())
    }
}

impl From<&PathBuf> for Location {
    fn from(folder: &PathBuf) -> Self {
        Self::Folder(folder.clone())
    }
}

impl From<&Self> for Location {
    fn from(location: &Self) -> Self {
        location.clone()
    }
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_place_however_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (here, there) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::create_dir_all(&here).unwrap();
        let same = |one: &Path, other: &Path| Location::from(one).is_same_place(&other.into());
        assert!(same(&here, &folder.path().join("./a/../a")));
        assert!(!same(&here, &there), "it is not there yet");
        std::fs::create_dir_all(&there).unwrap();
        assert!(!same(&here, &there));
    }
}
