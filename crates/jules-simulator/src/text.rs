//! What the agent says and changes: made up from the request when it is shown, not kept.

use std::fmt::Write as _;

use super::dice::Dice;

/// Steps of a plan: titles the agent could have written about this subject.
pub(super) fn plan_steps(subject: &str, dice: Dice) -> Vec<(String, String)> {
    let mut steps = vec![
        ("Explore the code".to_owned(), format!("Find the places that concern: {subject}.")),
        (format!("Make the change: {subject}"), "Keep to the conventions of the code around it.".to_owned()),
    ];
    if dice.with("plan").unit() < 0.6 {
        steps.push(("Extend the tests".to_owned(), "Cover the new behaviour and its edge cases.".to_owned()));
    }
    steps.push(("Run the whole test suite".to_owned(), "Nothing may break that worked before.".to_owned()));
    steps
}

const PROGRESS: [(&str, &str); 8] = [
    ("Set up the environment", "Installed the dependencies and built the project once."),
    ("Read the code", "Followed the calls from the entry points to the part in question."),
    ("Wrote the first version", "The main path works; edge cases are next."),
    ("Handled the edge cases", "Empty input and missing values take the same path now."),
    ("Ran the tests", "All but two pass."),
    ("Fixed the remaining tests", "They relied on the old order."),
    ("Reviewed the change", "Removed what was no longer used."),
    ("Tidied up", "Formatted the code and ran the linter."),
];

const SAYINGS: [&str; 5] = [
    "I have found the part of the code that this is about.",
    "The existing tests describe the behaviour well; I keep to it.",
    "I am making the change in small steps and run the tests after each.",
    "One place needs a closer look before I go on.",
    "The change is nearly complete; what is left is a last check.",
];

/// What the agent asks when the scenario has no words for it.
pub(super) const QUESTION: &str =
    "There are two ways to do this. Shall I keep the old interface beside the new one?";

const COMMANDS: [(&str, &str, i32); 5] = [
    ("git status --short", " M src/main.txt\n", 0),
    ("make test", "ran 128 tests: 126 passed, 2 failed\n", 2),
    ("make test", "ran 128 tests: 128 passed\n", 0),
    ("make lint", "no findings\n", 0),
    ("ls src", "main.txt\nnotes.md\n", 0),
];

pub(super) fn progress(dice: Dice, n: u32) -> (&'static str, &'static str) {
    pick_in_turn(&PROGRESS, dice, n)
}

pub(super) fn saying(dice: Dice, n: u32) -> &'static str {
    pick_in_turn(&SAYINGS, dice, n)
}

/// A command, what it printed, and its exit code.
pub(super) fn command(dice: Dice, n: u32) -> (&'static str, &'static str, i32) {
    pick_in_turn(&COMMANDS, dice, n)
}

/// The items one after the other, starting where the dice say.
fn pick_in_turn<T: Copy, const N: usize>(items: &[T; N], dice: Dice, n: u32) -> T {
    items[(dice.bits() % N as u64 + u64::from(n)) as usize % N]
}

/// What a session is about in one short line: its title without the runner's marker, else the start of its prompt.
pub(super) fn subject(title: Option<&str>, prompt: &str) -> String {
    let text =
        title.map(|title| split_marker(title).0).filter(|title| !title.trim().is_empty()).unwrap_or(prompt);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("the task");
    let mut short: String = line.trim_end_matches(['.', ':']).chars().take(72).collect();
    if short.chars().count() < line.trim_end_matches(['.', ':']).chars().count() {
        short.truncate(short.trim_end().len());
        short.push('…');
    }
    short
}

/// A title, and the runner's marker at its end when it has one: ` [jb-<key16>-<run4>-<attempt>]`, of older ones `<key8>`.
pub(super) fn split_marker(title: &str) -> (&str, Option<&str>) {
    let Some((text, marker)) = title.rsplit_once(" [jb-") else { return (title, None) };
    let Some(marker) = marker.strip_suffix(']') else { return (title, None) };
    let parts: Vec<&str> = marker.split('-').collect();
    match parts.as_slice() {
        [key, run, attempt]
            if matches!(key.len(), 8 | 16)
                && run.len() == 4
                && attempt.parse::<u32>().is_ok()
                && key.is_ascii()
                && run.is_ascii() =>
        {
            (text, Some(marker))
        }
        _ => (title, None),
    }
}

/// Letters, digits and hyphens: a part of a branch name.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for ch in text.chars().take(48) {
        if ch.is_ascii_alphanumeric() {
            slug.push(ch.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    if slug.is_empty() { "task".to_owned() } else { slug }
}

/// The part of a branch name that says what it is about; it can hold a slash.
pub(super) fn branch_slug(subject: &str, dice: Dice) -> String {
    let kind = dice.with("kind").pick(&["", "", "fix/", "feature/"]).copied().unwrap_or_default();
    format!("{kind}{}", slug(subject))
}

/// How the body of every pull request of the service ends.
pub(super) fn pull_request_footer(id: &str) -> String {
    format!(
        "---\n*PR created automatically by Jules for task [{id}](https://jules.google.com/task/{id}) started by @octocat*"
    )
}

/// A unified diff about `subject`: a new file and a changed one, `parts` of 3 of it (change sets are cumulative), and
/// one more file for each part above.
pub(super) fn patch(subject: &str, dice: Dice, parts: u32) -> String {
    let lines = 2 + dice.with("patch").bits() % 6;
    let path = format!("docs/{}.md", slug(subject));
    let mut patch =
        format!("diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n");
    let _ = writeln!(patch, "@@ -0,0 +1,{} @@\n+# {subject}", lines + 1);
    for n in 1..=lines {
        let _ = writeln!(patch, "+Note {n} of {lines}.");
    }
    if parts >= 2 {
        patch.push_str("diff --git a/src/main.txt b/src/main.txt\n--- a/src/main.txt\n+++ b/src/main.txt\n");
        patch.push_str("@@ -1,3 +1,4 @@\n first\n-second\n+second, changed\n+second and a half\n third\n");
    }
    if parts >= 3 && dice.with("removal").unit() < 0.3 {
        patch.push_str("diff --git a/src/old.txt b/src/old.txt\ndeleted file mode 100644\n--- a/src/old.txt\n+++ /dev/null\n");
        patch.push_str("@@ -1,2 +0,0 @@\n-nobody\n-uses this\n");
    }
    for push in 4..=parts {
        let path = format!("docs/push-{}.md", push - 3);
        let _ = writeln!(
            patch,
            "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}"
        );
        patch.push_str("@@ -0,0 +1 @@\n+What was asked for later.\n");
    }
    patch
}

/// A PNG of one pixel.
pub(super) const PIXEL: [u8; 67] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00,
    0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b, 0x55, 0x00,
    0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x60, 0x00, 0x00, 0x00, 0x02, 0x00, 0x01,
    0x48, 0xaf, 0xa4, 0x71, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_come_off_titles() {
        assert_eq!(split_marker("Fix it [jb-0a1b2c3d-9f8e-1]"), ("Fix it", Some("0a1b2c3d-9f8e-1")));
        assert_eq!(split_marker("Fix [jb-short-9f8e-1]"), ("Fix [jb-short-9f8e-1]", None));
        assert_eq!(split_marker("Fix it [later]"), ("Fix it [later]", None));
    }

    #[test]
    fn a_subject_is_one_short_line() {
        assert_eq!(subject(Some("Fix it [jb-0a1b2c3d-9f8e-1]"), "prompt"), "Fix it");
        assert_eq!(subject(None, "\n  Upgrade serde.\nThen test."), "Upgrade serde");
        assert_eq!(subject(Some(" "), "x"), "x");
        let long = subject(None, &"word ".repeat(40));
        assert!(long.ends_with('…') && long.chars().count() <= 73, "{long}");
        assert_eq!(subject(None, "  \n"), "the task");
    }

    #[test]
    fn slugs_fit_into_branch_names() {
        assert_eq!(slug("Upgrade `serde` in my-org/web!"), "upgrade-serde-in-my-org-web");
        assert_eq!(slug("…"), "task");
    }

    #[test]
    fn the_hunk_header_counts_its_lines() {
        for n in 0..20 {
            let patch = patch("Fix", Dice::new(n), 1);
            let header = patch.lines().find(|line| line.starts_with("@@")).unwrap();
            let added =
                patch.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++")).count();
            assert_eq!(header, format!("@@ -0,0 +1,{added} @@"));
        }
    }
}
