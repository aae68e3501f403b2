//! Any text as a unified diff.

#![no_main]

use jules_batch::api::{Diff, FileChange};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let diff = Diff::parse(&text);
    let signed = |sign: char| text.split('\n').filter(|line| line.starts_with(sign)).count() as u64;
    assert!(diff.additions() <= signed('+'));
    assert!(diff.deletions() <= signed('-'));
    let mut content = 0;
    for file in &diff.files {
        assert!(!file.path.is_empty() || file.change != FileChange::Added || file.content.is_none() || text.contains('"'));
        assert_eq!(file.content.is_some(), file.change == FileChange::Added && !file.binary);
        content += file.content.as_ref().map_or(0, String::len);
    }
    // Nothing is made up: the files cannot hold more than the patch.
    assert!(content <= text.len());
    let _ = diff.into_generated_files();
});
