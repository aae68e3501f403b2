//! Words for a shell.

use std::path::Path;

/// A path for a command line that can be pasted into a shell. One that a terminal would obey is shown without that, and
/// leads nowhere.
pub(crate) fn quoted(path: &Path) -> String {
    let text = foreign_text::tame(&path.to_string_lossy()).into_owned();
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@' | ':' | '=');
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('-') {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_can_be_pasted() {
        assert_eq!(quoted(Path::new("jobs/nightly.yaml")), "jobs/nightly.yaml");
        assert_eq!(quoted(Path::new("my jobs.yaml")), "'my jobs.yaml'");
        assert_eq!(quoted(Path::new("it's")), r"'it'\''s'");
    }
}
