//! The parser: one pass over the lines, with hunks measured by their headers.
//!
//! Within a hunk only its header says how many lines belong to it, so that content that looks like a header
//! (`--- x`, `diff --git …`) is not taken for one. Between a hunk and the next file stands anything, such as the
//! words of a commit: what would mean something in front of a hunk means nothing there.

use super::hunk::{Hunk, Sign};
use super::path::{self, Side};
use super::{Diff, FileChange, FileDiff, FileKind};

/// What a patch does.
pub(super) fn diff(patch: &str) -> Diff {
    let mut parser = Parser::default();
    // `split_terminator` keeps carriage returns: they are content.
    for line in patch.split_terminator('\n') {
        parser.line(line);
    }
    let mut diff = parser.finish();
    diff.unread |= diff.files.is_empty() && !patch.trim().is_empty();
    diff
}

#[derive(Default)]
struct Parser {
    files: Vec<FileDiff>,
    file: Option<Draft>,
    hunk: Hunk,
    /// A file was announced, and nothing says which.
    has_nameless: bool,
}

/// A file as far as it has been read.
#[derive(Default)]
struct Draft {
    /// There is a `diff --git` for it, or one of its kind.
    announced: bool,
    /// What that line says, with prefixes; less certain than the markers.
    header: Option<(String, String)>,
    /// From `---` and `+++`.
    old: Option<Side>,
    new: Option<Side>,
    /// Names without prefixes and doubt: of a rename, of a copy, of a merge.
    stated: (Option<String>, Option<String>),
    /// A hunk was there: no headers of this file come any more.
    in_body: bool,
    added: bool,
    deleted: bool,
    renamed: bool,
    copied: bool,
    binary: bool,
    kind: FileKind,
    additions: u64,
    deletions: u64,
    content: String,
    last_was_addition: bool,
}

impl Parser {
    fn line(&mut self, line: &str) {
        if self.hunk.is_open() && self.hunk_line(line) {
            return;
        }
        if let Some(rest) = line.strip_prefix("diff --git ") {
            self.next_file(Draft { announced: true, header: path::of_header(rest), ..Draft::default() });
        } else if let Some(rest) = merged(line) {
            let stated = (None, Some(path::plain(rest)));
            self.next_file(Draft { announced: true, stated, ..Draft::default() });
        } else if let Some((name, draft)) = submodule(line) {
            let stated = (None, Some(path::plain(name)));
            self.next_file(Draft { announced: true, stated, kind: FileKind::Submodule, ..draft });
        } else if let Some(hunk) = Hunk::of_header(line) {
            if let Some(file) = &mut self.file {
                self.hunk = hunk;
                file.in_body = true;
                file.last_was_addition = false;
            }
        } else if let Some(rest) = line.strip_prefix("--- ") {
            self.old_marker(rest);
        } else if line.starts_with('\\') {
            self.no_newline();
        } else if let Some(file) = &mut self.file
            && !file.in_body
        {
            file.extended_header(line);
        }
    }

    /// `--- x` starts a file when there was no `diff --git` for it.
    fn old_marker(&mut self, rest: &str) {
        let marker = Side::of_marker(rest);
        match &mut self.file {
            Some(file) if file.old.is_none() && !file.in_body => file.old = Some(marker),
            _ => self.next_file(Draft { old: Some(marker), ..Draft::default() }),
        }
    }

    /// Takes a line of a hunk; `false` when it cannot be one, which ends the hunk.
    fn hunk_line(&mut self, line: &str) -> bool {
        let Some(file) = &mut self.file else { return false };
        if line.starts_with('\\') {
            self.no_newline();
            return true;
        }
        let Some((sign, text)) = self.hunk.take(line) else {
            self.hunk = Hunk::default();
            return false;
        };
        match sign {
            Sign::Added => {
                file.additions += 1;
                if file.change() == FileChange::Added {
                    file.content.push_str(text);
                    file.content.push('\n');
                }
            }
            Sign::Deleted => file.deletions += 1,
            Sign::Same => {}
        }
        file.last_was_addition = sign == Sign::Added;
        true
    }

    /// `\ No newline at end of file` belongs to the line before it.
    fn no_newline(&mut self) {
        if let Some(file) = &mut self.file
            && file.last_was_addition
        {
            file.content.pop();
            file.last_was_addition = false;
        }
    }

    fn next_file(&mut self, draft: Draft) {
        self.hunk = Hunk::default();
        let done = self.file.replace(draft);
        self.take(done);
    }

    fn take(&mut self, draft: Option<Draft>) {
        let Some(draft) = draft else { return };
        let is_file = draft.is_file();
        let file = draft.finish().filter(|_| is_file);
        self.has_nameless |= is_file && file.is_none();
        self.files.extend(file);
    }

    fn finish(mut self) -> Diff {
        let last = self.file.take();
        self.take(last);
        Diff { files: self.files, unread: self.has_nameless }
    }
}

/// The path of a submodule whose commits git tells instead of its files (`diff.submodule=log`): `Submodule x 1a2..3b4:`.
fn submodule(line: &str) -> Option<(&str, Draft)> {
    let rest = line.strip_prefix("Submodule ")?.trim_end_matches('\r');
    for contains in [" contains untracked content", " contains modified content"] {
        if let Some(name) = rest.strip_suffix(contains) {
            return Some((name, Draft::default()));
        }
    }
    let (head, note) = match rest.strip_suffix(':') {
        Some(head) => (head, ""),
        None => rest.split_once(" (").unwrap_or((rest, "")),
    };
    let (name, commits) = head.rsplit_once(' ')?;
    let (old, new) = commits.split_once("..")?;
    let is_commit = |text: &str| text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_range = is_commit(old) && is_commit(new.trim_start_matches('.'));
    let draft = Draft {
        added: note.starts_with("new submodule"),
        deleted: note.starts_with("submodule deleted"),
        ..Draft::default()
    };
    is_range.then_some((name, draft))
}

/// The path of a file that was merged: git compares it with all its parents at once.
fn merged(line: &str) -> Option<&str> {
    line.strip_prefix("diff --cc ").or_else(|| line.strip_prefix("diff --combined "))
}

impl Draft {
    fn extended_header(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("+++ ") {
            self.new.get_or_insert_with(|| Side::of_marker(rest));
        } else if let Some(mode) = line.strip_prefix("new file mode ") {
            self.added = true;
            self.kind = FileKind::of_mode(mode);
        } else if let Some(mode) = line.strip_prefix("new mode ") {
            self.kind = FileKind::of_mode(mode);
        } else if let Some((_, mode)) = line.strip_prefix("index ").and_then(|rest| rest.rsplit_once(' ')) {
            self.kind = FileKind::of_mode(mode);
        } else if line.starts_with("deleted file mode ") {
            self.deleted = true;
        } else if let Some(rest) = line.strip_prefix("rename from ") {
            self.renamed = true;
            self.stated.0 = Some(path::plain(rest));
        } else if let Some(rest) = line.strip_prefix("rename to ") {
            self.renamed = true;
            self.stated.1 = Some(path::plain(rest));
        } else if let Some(rest) = line.strip_prefix("copy from ") {
            self.copied = true;
            self.stated.0 = Some(path::plain(rest));
        } else if let Some(rest) = line.strip_prefix("copy to ") {
            self.copied = true;
            self.stated.1 = Some(path::plain(rest));
        } else if line.starts_with("GIT binary patch")
            || (line.starts_with("Binary files ") && line.trim_end().ends_with(" differ"))
        {
            self.binary = true;
        }
    }

    /// Two rules of a document look like markers as well.
    fn is_file(&self) -> bool {
        self.announced || (self.old.is_some() && self.new.is_some() && self.in_body)
    }

    /// The file, if its path is known.
    fn finish(self) -> Option<FileDiff> {
        let change = self.change();
        let (old, new) = self.names();
        let path = match change {
            FileChange::Deleted => old.clone().or(new)?,
            FileChange::Added | FileChange::Modified | FileChange::Renamed | FileChange::Copied => {
                new.or_else(|| old.clone())?
            }
        };
        let has_old_path = matches!(change, FileChange::Renamed | FileChange::Copied);
        let is_text = matches!(self.kind, FileKind::Regular | FileKind::Executable) && !self.binary;
        let has_content = change == FileChange::Added && is_text;
        Some(FileDiff {
            old_path: old.filter(|old| has_old_path && *old != path),
            change,
            additions: self.additions,
            deletions: self.deletions,
            binary: self.binary,
            content: has_content.then_some(self.content),
            kind: self.kind,
            path,
        })
    }

    /// The names before and after, from the most certain place that tells them.
    fn names(&self) -> (Option<String>, Option<String>) {
        let markers = [&self.old, &self.new].map(|side| side.as_ref().and_then(Side::path));
        let header = self.header.as_ref().map(|(old, new)| [Some(old.as_str()), Some(new.as_str())]);
        let [old, new] = header.unwrap_or(markers);
        let prefixes = path::prefixes(old, new);
        let name = |at: usize, stated: &Option<String>| {
            let told = [markers[at], header.and_then(|header| header[at])];
            let bare =
                told.map(|path| path.map(|path| path.strip_prefix(prefixes[at]).unwrap_or(path).to_owned()));
            let [marker, header] = bare;
            [stated.clone(), marker, header].into_iter().flatten().find(|path| !path.is_empty())
        };
        (name(0, &self.stated.0), name(1, &self.stated.1))
    }

    fn change(&self) -> FileChange {
        if self.added || self.old == Some(Side::Nothing) {
            FileChange::Added
        } else if self.deleted || self.new == Some(Side::Nothing) {
            FileChange::Deleted
        } else if self.renamed {
            FileChange::Renamed
        } else if self.copied {
            FileChange::Copied
        } else {
            FileChange::Modified
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Diff;
    use super::*;

    fn files(patch: &str) -> Vec<FileDiff> {
        diff(patch).files
    }

    fn only(patch: &str) -> FileDiff {
        let mut files = files(patch);
        assert_eq!(files.len(), 1, "{files:#?}");
        files.remove(0)
    }

    #[test]
    fn an_added_file_is_read_whole() {
        let file = only(
            "diff --git a/src/new.rs b/src/new.rs\nnew file mode 100644\nindex 0000000..e69de29\n--- /dev/null\n\
             +++ b/src/new.rs\n@@ -0,0 +1,2 @@\n+one\n+two\n",
        );
        assert_eq!((file.path.as_str(), file.change), ("src/new.rs", FileChange::Added));
        assert_eq!((file.additions, file.deletions), (2, 0));
        assert_eq!(file.content.as_deref(), Some("one\ntwo\n"));
    }

    #[test]
    fn a_missing_last_newline_and_carriage_returns_are_kept() {
        let file =
            only("--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+one\r\n+two\n\\ No newline at end of file\n");
        assert_eq!(file.content.as_deref(), Some("one\r\ntwo"));
    }

    #[test]
    fn an_empty_new_file_and_a_deleted_one_need_no_hunks() {
        let patch = "diff --git a/e b/e\nnew file mode 100644\nindex 0..0\ndiff --git a/d b/d\ndeleted file mode 100644\n";
        let files = files(patch);
        assert_eq!((files[0].change, files[0].content.as_deref()), (FileChange::Added, Some("")));
        assert_eq!((files[1].change, files[1].path.as_str()), (FileChange::Deleted, "d"));
    }

    #[test]
    fn a_deleted_file_keeps_its_old_name() {
        let file = only("diff --git a/d b/d\n--- a/d\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n");
        assert_eq!((file.path.as_str(), file.change, file.deletions), ("d", FileChange::Deleted, 1));
        assert_eq!(file.content, None);
    }

    #[test]
    fn a_renamed_file_knows_both_names() {
        let file = only(
            "diff --git a/o b/n\nsimilarity index 90%\nrename from o\nrename to n\n--- a/o\n+++ b/n\n@@ -1,2 +1,2 @@\n c\n-a\n+b\n",
        );
        assert_eq!((file.path.as_str(), file.old_path.as_deref()), ("n", Some("o")));
        assert_eq!((file.change, file.additions, file.deletions), (FileChange::Renamed, 1, 1));
    }

    #[test]
    fn content_that_looks_like_a_header_is_content() {
        let file = only(
            "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n--- a/sql comment\n-diff --git a/y b/y\n+++ b/z\n+@@ -1 +1 @@\n+q\n",
        );
        assert_eq!((file.path.as_str(), file.additions, file.deletions), ("x", 3, 2));
    }

    #[test]
    fn a_marker_without_a_path_leaves_it_to_the_other_names() {
        let hunk = "@@ -1 +1 @@\n-a\n+b\n";
        for head in [
            "--- a/x\n+++ b/\n",
            "--- a/\n+++ b/x\n",
            "--- \n+++ x\n",
            "diff --git a/x b/x\n--- a/\n+++ b/\n",
            "diff --git a/x b/x\n--- \n+++ \n",
            "diff --git a/ b/\n--- a/x\n+++ b/x\n",
            "diff --git a/x b/x\nrename from \nrename to \n",
        ] {
            let file = only(&format!("{head}{hunk}"));
            assert_eq!((file.path.as_str(), file.additions, file.deletions), ("x", 1, 1), "{head}");
            assert_ne!(file.change, FileChange::Added, "{head}");
        }
        for nameless in ["--- a/\n+++ b/\n", "diff --git a/ b/\n", "diff --git \"\" \"\"\n"] {
            assert_eq!(files(&format!("{nameless}{hunk}")), [], "{nameless}");
        }
    }

    #[test]
    fn a_copied_file_is_no_empty_new_one() {
        let file = only("diff --git a/o p b/n p\nsimilarity index 100%\ncopy from o p\ncopy to n p\n");
        assert_eq!((file.path.as_str(), file.old_path.as_deref()), ("n p", Some("o p")));
        assert_eq!((file.change, file.content), (FileChange::Copied, None));
    }

    #[test]
    fn links_and_submodules_have_no_content() {
        for (mode, text) in [("120000", "../target"), ("160000", "Subproject commit 1234")] {
            let file = only(&format!(
                "diff --git a/l b/l\nnew file mode {mode}\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+{text}\n"
            ));
            assert_eq!((file.change, file.additions, file.content), (FileChange::Added, 1, None));
        }
    }

    #[test]
    fn a_file_may_change_its_mode_alone() {
        let file = only("diff --git a/run b/run\nold mode 100644\nnew mode 100755\n");
        assert_eq!((file.path.as_str(), file.change), ("run", FileChange::Modified));
    }

    #[test]
    fn a_merged_file_is_read_with_all_its_signs() {
        let patch = "diff --cc a/list.md\nindex 1,2..3\n--- a/a/list.md\n+++ b/a/list.md\n@@@ -1,3 -1,2 +1,3 @@@\n  one\n\
                     --- two\n++- three\n +four\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
        let files = files(patch);
        assert_eq!(files.len(), 2, "{files:#?}");
        assert_eq!((files[0].path.as_str(), files[0].additions, files[0].deletions), ("a/list.md", 2, 1));
    }

    #[test]
    fn words_between_files_are_no_headers() {
        let patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n\
                     -- \n2.50\n\nFrom 1234\nSubject: y\n\nnew file mode 100644\nrename from z\nBinary files a and b differ\n\
                     --- a rule\n+++ and another\n---\n y | 1 +\n\
                     diff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n";
        let files = files(patch);
        let told: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.change, file.binary)).collect();
        assert_eq!(told, [("x", FileChange::Modified, false), ("y", FileChange::Modified, false)]);
    }

    #[test]
    fn without_prefixes_a_folder_keeps_its_name() {
        let file =
            only("diff --git b/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n");
        assert_eq!(file.path, "b/x");
        assert_eq!(only("--- a/y\n+++ a/y\n@@ -1 +1 @@\n-a\n+b\n").path, "a/y");
        // As `git diff -R` writes it.
        assert_eq!(only("diff --git b/x a/x\n--- b/x\n+++ a/x\n@@ -1 +1 @@\n-a\n+b\n").path, "x");
    }

    #[test]
    fn a_patch_with_carriage_returns_is_read_to_its_end() {
        let patch = "diff --git a/x y b/x y\n--- a/x y\t\n+++ b/x y\t\n@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n";
        let file = only(&patch.replace('\n', "\r\n"));
        assert_eq!((file.path.as_str(), file.additions, file.deletions), ("x y", 1, 1));
    }

    #[test]
    fn binary_files_are_named_but_not_counted() {
        let file = only(
            "diff --git a/i.png b/i.png\nnew file mode 100644\nBinary files /dev/null and b/i.png differ\n",
        );
        assert!(file.binary);
        assert_eq!((file.change, file.content), (FileChange::Added, None));
    }

    #[test]
    fn a_plain_diff_without_git_headers_is_read() {
        let patch = "--- x.txt\t2026\n+++ x.txt\t2026\n@@ -1 +1 @@\n-a\n+b\n--- a/y\n+++ b/y\n@@ -1 +1,2 @@\n a\n+b\n";
        let files = files(patch);
        let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["x.txt", "y"]);
    }

    #[test]
    fn any_prefix_of_git_is_taken_off() {
        for (old, new) in [
            ("a/", "b/"),
            ("c/", "i/"),
            ("i/", "w/"),
            ("o/", "w/"),
            ("1/", "2/"),
            ("w/", "c/"),
            ("old/", "new/"),
        ] {
            for name in ["x y.txt", "a/x", "w/b/x"] {
                let whole = format!(
                    "diff --git {old}{name} {new}{name}\n--- {old}{name}\n+++ {new}{name}\n@@ -1 +1 @@\n-a\n+b\n"
                );
                assert_eq!(only(&whole).path, name, "{whole}");
                let mode = format!("diff --git {old}{name} {new}{name}\nold mode 100644\nnew mode 100755\n");
                assert_eq!(
                    (only(&mode).path.as_str(), only(&mode).kind),
                    (name, FileKind::Executable),
                    "{mode}"
                );
                let added = format!(
                    "diff --git {old}{name} {new}{name}\nnew file mode 100644\n--- /dev/null\n+++ {new}{name}\n@@ -0,0 +1 @@\n+b\n"
                );
                assert_eq!(
                    (only(&added).path.as_str(), only(&added).change),
                    (name, FileChange::Added),
                    "{added}"
                );
                let deleted = format!(
                    "diff --git {old}{name} {new}{name}\ndeleted file mode 100644\n--- {old}{name}\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n"
                );
                assert_eq!(
                    (only(&deleted).path.as_str(), only(&deleted).change),
                    (name, FileChange::Deleted),
                    "{deleted}"
                );
            }
        }
        assert_eq!(only("diff --git w/x w/x\n--- w/x\n+++ w/x\n@@ -1 +1 @@\n-a\n+b\n").path, "w/x");
    }

    #[test]
    fn a_submodule_is_a_change_however_git_tells_it() {
        for (line, path, change) in [
            ("Submodule sub mod 1a2b3c4...5d6e7f8 (commits not present)", "sub mod", FileChange::Modified),
            (
                "Submodule lib/x 1a2b3c4..5d6e7f8:\n  > A commit\n  > diff --gitless",
                "lib/x",
                FileChange::Modified,
            ),
            ("Submodule x 0000000...5d6e7f8 (new submodule)", "x", FileChange::Added),
            ("Submodule x 1a2b3c4...0000000 (submodule deleted)", "x", FileChange::Deleted),
            ("Submodule x contains untracked content", "x", FileChange::Modified),
        ] {
            let file = only(line);
            assert_eq!(
                (file.path.as_str(), file.change, file.kind),
                (path, change, FileKind::Submodule),
                "{line}"
            );
        }
    }

    #[test]
    fn what_could_not_be_read_is_a_change() {
        for patch in [
            "Submodule is new",
            "no patch at all",
            "*** Begin Patch\n*** Update File: x\n",
            "diff --git é\n@@ -1 +1 @@\n-a\n+b\n",
        ] {
            let diff = Diff::parse(patch);
            assert!(diff.unread && !diff.is_empty(), "{patch}");
        }
        assert!(!Diff::parse("words\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n").unread);
    }

    #[test]
    fn the_mode_tells_what_a_file_is() {
        for (mode, kind, has_content) in [
            ("100644", FileKind::Regular, true),
            ("100755", FileKind::Executable, true),
            ("120000", FileKind::Link, false),
            ("160000", FileKind::Submodule, false),
        ] {
            let file = only(&format!(
                "diff --git a/x b/x\nnew file mode {mode}\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+y\n"
            ));
            assert_eq!((file.kind, file.content.is_some()), (kind, has_content), "{mode}");
        }
    }

    #[test]
    fn lying_hunk_headers_do_no_harm() {
        let huge = u64::MAX;
        let patch = format!(
            "--- a/x\n+++ b/x\n@@ -1,{huge} +1,{huge} @@\n-a\n+b\ndiff --git a/y b/y\nnew file mode 1\n"
        );
        let files = files(&patch);
        assert_eq!(files.len(), 2);
        assert_eq!(only("--- a/x\n+++ b/x\n@@ -99999999999999999999999 +x @@\n+b\n").additions, 0);
    }

    #[test]
    fn totals_add_up() {
        let diff =
            Diff::parse("--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-a\n+b\n+c\n--- a/y\n+++ b/y\n@@ -1 +0,0 @@\n-a\n");
        assert_eq!((diff.additions(), diff.deletions(), diff.is_empty()), (2, 2, false));
        assert!(Diff::parse(" \n").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "\\PC*") {
            let _ = Diff::parse(&text);
        }

        #[test]
        fn any_arrangement_of_diff_lines_is_survived(lines in prop::collection::vec(prop_oneof![
            Just("diff --git a/x b/x"), Just("diff --git \"a/\\"), Just("diff --git é é"), Just("--- a/x"),
            Just("+++ /dev/null"), Just("--- \""), Just("@@ -1,3 +1,3 @@"), Just("@@ -0,0 +1,9 @@"), Just("+é"),
            Just("-"), Just(" "), Just(""), Just("\\"), Just("rename from "), Just("GIT binary patch"),
            Just("diff --cc é"), Just("@@@ -1,3 -1,3 +1,9 @@@"), Just("++é"), Just("copy to \"\\3"), Just("\r"),
            Just("+++ b/"), Just("new file mode 100644"), Just("diff --git b/x b/x"),
        ], 0..40)) {
            let patch = lines.join("\n");
            let diff = Diff::parse(&patch);
            prop_assert!(diff.files.iter().all(|file| !file.path.is_empty()));
            let plus = patch.lines().filter(|line| line.starts_with('+')).count() as u64;
            prop_assert!(diff.additions() <= plus);
        }

        #[test]
        fn an_added_file_gives_back_what_was_written(lines in prop::collection::vec("[^\n]*", 1..20)) {
            let body: String = lines.iter().map(|line| format!("+{line}\n")).collect();
            let patch = format!("diff --git a/f b/f\nnew file mode 100644\n--- /dev/null\n+++ b/f\n@@ -0,0 +1,{} @@\n{body}", lines.len());
            let files = Diff::parse(&patch).into_generated_files();
            let expected: String = lines.iter().map(|line| format!("{line}\n")).collect();
            prop_assert_eq!(files.get("f"), Some(&expected));
        }
    }
}
