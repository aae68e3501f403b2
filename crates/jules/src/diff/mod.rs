//! Unified diffs, as git writes them: what happened to each file.
//!
//! The text comes from an agent and may be cut off, wrong or hostile: whatever it is, the parser ends, in time and
//! memory that grow with its length, and tells what it could make out.

use std::collections::BTreeMap;

mod hunk;
mod parse;
mod path;

/// A patch taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diff {
    /// The files in the patch's order.
    pub files: Vec<FileDiff>,
    /// Whether something in it could not be read: text without a file, or a file without a name. It is a change all the
    /// same.
    pub unread: bool,
}

/// What a patch does to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileDiff {
    /// The path after the change (before it, for a deleted file). Foreign text: check it before touching a disk.
    pub path: String,
    /// The path before the change, or of the file that was copied, when it differs.
    pub old_path: Option<String>,
    /// What happened.
    pub change: FileChange,
    /// Added lines.
    pub additions: u64,
    /// Deleted lines.
    pub deletions: u64,
    /// Whether the file is binary, so that its lines are not counted.
    pub binary: bool,
    /// The whole content, for an added text file; none for a symbolic link or a submodule.
    pub content: Option<String>,
    /// What kind of file it is after the change, as far as its mode is told.
    pub kind: FileKind,
}

/// What a file is, by the mode that git gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// A file, or nothing is said.
    #[default]
    Regular,
    /// A file that can be run.
    Executable,
    /// A symbolic link.
    Link,
    /// A commit of another repository.
    Submodule,
}

impl FileKind {
    /// Of a mode such as `100755`.
    fn of_mode(mode: &str) -> Self {
        match mode.get(..3) {
            Some("120") => Self::Link,
            Some("160") => Self::Submodule,
            _ if mode.trim_end().ends_with("755") => Self::Executable,
            _ => Self::Regular,
        }
    }
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileChange {
    /// It is new.
    Added,
    /// It has changed.
    Modified,
    /// It is gone.
    Deleted,
    /// It has another name, and perhaps other content.
    Renamed,
    /// It is new, made from another file, and perhaps changed since.
    Copied,
}

impl FileChange {
    /// One word: `added`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
            Self::Renamed => "renamed",
            Self::Copied => "copied",
        }
    }
}

impl Diff {
    /// Takes a patch apart. Never fails: text that is no patch has no files, and is [`Diff::unread`].
    #[must_use]
    pub fn parse(patch: &str) -> Self {
        parse::diff(patch)
    }

    /// Added lines in all files.
    #[must_use]
    pub fn additions(&self) -> u64 {
        self.files.iter().map(|file| file.additions).sum()
    }

    /// Deleted lines in all files.
    #[must_use]
    pub fn deletions(&self) -> u64 {
        self.files.iter().map(|file| file.deletions).sum()
    }

    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && !self.unread
    }

    /// The text files that the patch creates, path → content. Paths are foreign text: check them before writing.
    #[must_use]
    pub fn into_generated_files(self) -> BTreeMap<String, String> {
        self.files.into_iter().filter_map(|file| Some((file.path, file.content?))).collect()
    }
}
