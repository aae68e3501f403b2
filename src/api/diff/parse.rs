//! The parser: one pass over the lines, with hunks measured by their headers.
//!
//! Within a hunk only its header says how many lines belong to it, so that content that looks like a header
//! (`--- x`, `diff --git …`) is not taken for one.

use super::{FileChange, FileDiff, path};

/// The files of a patch.
pub(super) fn files(patch: &str) -> Vec<FileDiff> {
    let mut parser = Parser::default();
    // `split_terminator` keeps carriage returns: they are content.
    for line in patch.split_terminator('\n') {
        parser.line(line);
    }
    parser.finish()
}

#[derive(Default)]
struct Parser {
    files: Vec<FileDiff>,
    file: Option<Draft>,
    hunk: Hunk,
}

/// What is left of a hunk.
#[derive(Default)]
struct Hunk {
    old: u64,
    new: u64,
}

/// A file as far as it has been read.
#[derive(Default)]
struct Draft {
    /// From `diff --git`; less certain than the markers.
    header: Option<(String, String)>,
    /// From `---`: read, and its path unless it was `/dev/null`.
    old: Option<Option<String>>,
    /// From `+++`.
    new: Option<Option<String>>,
    renamed: Option<(Option<String>, Option<String>)>,
    added: bool,
    deleted: bool,
    binary: bool,
    additions: u64,
    deletions: u64,
    content: String,
    last_was_addition: bool,
}

impl Parser {
    fn line(&mut self, line: &str) {
        if (self.hunk.old > 0 || self.hunk.new > 0) && self.hunk_line(line) {
            return;
        }
        if let Some(rest) = line.strip_prefix("diff --git ") {
            self.next_file(Draft { header: path::of_header(rest), ..Draft::default() });
        } else if let Some(rest) = line.strip_prefix("@@ ") {
            self.hunk = if self.file.is_some() { hunk(rest) } else { Hunk::default() };
        } else if let Some(rest) = line.strip_prefix("--- ") {
            self.old_marker(rest);
        } else if let Some(rest) = line.strip_prefix("+++ ") {
            if let Some(file) = &mut self.file {
                file.new.get_or_insert_with(|| path::of_marker(rest));
            }
        } else if line.starts_with('\\') {
            self.no_newline();
        } else if let Some(file) = &mut self.file {
            file.extended_header(line);
        }
    }

    /// `--- x` starts a file when there was no `diff --git` for it.
    fn old_marker(&mut self, rest: &str) {
        let marker = path::of_marker(rest);
        match &mut self.file {
            Some(file) if file.old.is_none() => file.old = Some(marker),
            _ => self.next_file(Draft { old: Some(marker), ..Draft::default() }),
        }
    }

    /// Takes a line of a hunk; `false` when it cannot be one, which ends the hunk.
    fn hunk_line(&mut self, line: &str) -> bool {
        let Some(file) = &mut self.file else { return false };
        match line.as_bytes().first() {
            Some(b'+') if self.hunk.new > 0 => {
                self.hunk.new -= 1;
                file.additions += 1;
                if file.change() == FileChange::Added {
                    file.content.push_str(&line[1..]);
                    file.content.push('\n');
                }
            }
            Some(b'-') if self.hunk.old > 0 => {
                self.hunk.old -= 1;
                file.deletions += 1;
            }
            // Some tools strip the blank of an empty context line.
            Some(b' ') | None => {
                self.hunk.old = self.hunk.old.saturating_sub(1);
                self.hunk.new = self.hunk.new.saturating_sub(1);
            }
            Some(b'\\') => {
                self.no_newline();
                return true;
            }
            _ => {
                self.hunk = Hunk::default();
                return false;
            }
        }
        file.last_was_addition = line.starts_with('+');
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
        let done = self.file.replace(draft).and_then(Draft::finish);
        self.files.extend(done);
    }

    fn finish(mut self) -> Vec<FileDiff> {
        self.files.extend(self.file.take().and_then(Draft::finish));
        self.files
    }
}

impl Draft {
    fn extended_header(&mut self, line: &str) {
        if line.starts_with("new file mode ") {
            self.added = true;
        } else if line.starts_with("deleted file mode ") {
            self.deleted = true;
        } else if let Some(rest) = line.strip_prefix("rename from ") {
            self.renamed.get_or_insert_default().0 = Some(path::plain(rest));
        } else if let Some(rest) = line.strip_prefix("rename to ") {
            self.renamed.get_or_insert_default().1 = Some(path::plain(rest));
        } else if line.starts_with("GIT binary patch")
            || (line.starts_with("Binary files ") && line.trim_end().ends_with(" differ"))
        {
            self.binary = true;
        }
    }

    /// The file, if its path is known.
    fn finish(self) -> Option<FileDiff> {
        let change = self.change();
        let (header_old, header_new) = self.header.unzip();
        let (renamed_old, renamed_new) = self.renamed.unwrap_or_default();
        let old = renamed_old.or(self.old.flatten()).or(header_old);
        let new = renamed_new.or(self.new.flatten()).or(header_new);
        let path = match change {
            FileChange::Deleted => old.clone().or(new)?,
            FileChange::Added | FileChange::Modified | FileChange::Renamed => new.or_else(|| old.clone())?,
        };
        let old_path = old.filter(|old| change == FileChange::Renamed && *old != path);
        let has_content = change == FileChange::Added && !self.binary;
        Some(FileDiff {
            old_path,
            change,
            additions: self.additions,
            deletions: self.deletions,
            binary: self.binary,
            content: has_content.then_some(self.content),
            path,
        })
    }

    fn change(&self) -> FileChange {
        let to_null = |marker: &Option<Option<String>>| matches!(marker, Some(None));
        if self.added || to_null(&self.old) {
            FileChange::Added
        } else if self.deleted || to_null(&self.new) {
            FileChange::Deleted
        } else if self.renamed.is_some() {
            FileChange::Renamed
        } else {
            FileChange::Modified
        }
    }
}

/// Reads `-1,2 +3,4 @@ …`; a missing count is 1, nonsense is an empty hunk.
fn hunk(text: &str) -> Hunk {
    let mut ranges = text.split(' ');
    let mut count = |sign: char| {
        let range = ranges.next()?.strip_prefix(sign)?;
        match range.split_once(',') {
            Some((_, count)) => count.parse().ok(),
            None => range.parse::<u64>().ok().map(|_| 1),
        }
    };
    match (count('-'), count('+')) {
        (Some(old), Some(new)) => Hunk { old, new },
        _ => Hunk::default(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Diff;
    use super::*;

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
        assert!(Diff::parse("no patch at all").is_empty());
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
        ], 0..40)) {
            let patch = lines.join("\n");
            let diff = Diff::parse(&patch);
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
