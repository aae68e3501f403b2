//! Any text as a unified diff.

use jules::{Diff, FileChange};

/// What must hold.
pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let diff = Diff::parse(&text);
    // In a merge the sign may stand further to the right.
    let merge = text.contains("@@@");
    let has = |line: &str, sign: char| if merge { line.contains(sign) } else { line.starts_with(sign) };
    let signed = |sign: char| text.split('\n').filter(|line| has(line, sign)).count() as u64;
    assert!(diff.additions() <= signed('+'));
    assert!(diff.deletions() <= signed('-'));
    let mut content = 0;
    for file in &diff.files {
        assert!(!file.path.is_empty());
        let link = file.content.is_none()
            && ["120", "160"].iter().any(|mode| text.contains(&format!("new file mode {mode}")));
        assert_eq!(file.content.is_some(), file.change == FileChange::Added && !file.binary && !link);
        content += file.content.as_ref().map_or(0, String::len);
    }
    // Nothing is made up: the files cannot hold more than the patch.
    assert!(content <= text.len());
    let _ = diff.into_generated_files();
}
