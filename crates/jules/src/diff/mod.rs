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
pub struct Diff {
    /// The files in the patch's order.
    pub files: Vec<FileDiff>,
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
    /// Takes a patch apart. Never fails: text that is no patch has no files.
    #[must_use]
    pub fn parse(patch: &str) -> Self {
        Self { files: parse::files(patch) }
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

    /// Whether no file is touched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The text files that the patch creates, path → content. Paths are foreign text: check them before writing.
    #[must_use]
    pub fn into_generated_files(self) -> BTreeMap<String, String> {
        self.files.into_iter().filter_map(|file| Some((file.path, file.content?))).collect()
    }
}
