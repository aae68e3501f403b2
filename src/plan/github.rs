//! Names of repositories and branches.

use crate::manifest::quoted;

/// What stands before the first `@`, and the branch behind it.
pub(crate) fn split_branch(text: &str) -> (&str, Option<&str>) {
    text.split_once('@').map_or((text, None), |(source, branch)| (source, Some(branch)))
}

/// Takes `owner/repo` or `owner/repo@branch` apart.
///
/// # Errors
///
/// Why it is neither, and what would be ("wrong; help: the way out" split in two).
pub(super) fn parse_repository(text: &str) -> Result<(&str, Option<&str>), (String, String)> {
    let text = text.trim();
    let (github, branch) = split_branch(text);
    let wrong = || format!("{} is not a repository", quoted(text));
    let help = match repository_in_url(text) {
        Some(short) => format!("write {}", quoted(short)),
        None => "write `owner/repo` or `owner/repo@branch`".to_owned(),
    };
    let well_formed = github.split_once('/').is_some_and(|(owner, repo)| is_owner(owner) && is_repo(repo));
    if !well_formed {
        return Err((wrong(), help));
    }
    if let Some(branch) = branch {
        check_branch(branch)?;
    }
    Ok((github, branch))
}

/// # Errors
///
/// As [`parse_repository`], when git would refuse the name (see `git check-ref-format`).
pub(super) fn check_branch(branch: &str) -> Result<(), (String, String)> {
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
    let part_is_wrong = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    let wrong = branch.len() > 255
        || branch.contains(forbidden)
        || branch.contains("..")
        || branch.contains("@{")
        || branch.contains("${{")
        || branch.starts_with('-')
        || branch.ends_with('.')
        || branch == "@"
        || branch.split('/').any(part_is_wrong);
    if wrong {
        let help = "write a branch's name as git takes it, for example `main` or `release/1.2`".to_owned();
        return Err((format!("{} is not a branch", quoted(branch)), help));
    }
    Ok(())
}

fn is_owner(owner: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !owner.is_empty() && owner.len() <= 100 && owner.bytes().all(plain) && !owner.starts_with('-')
}

fn is_repo(repo: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    !repo.is_empty() && repo.len() <= 100 && repo.bytes().all(plain) && repo != "." && repo != ".."
}

/// The `owner/repo` of a GitHub URL.
fn repository_in_url(text: &str) -> Option<&str> {
    let (_, path) = text.split_once("github.com/").or_else(|| text.split_once("github.com:"))?;
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    path.split_once('/').filter(|(owner, repo)| is_owner(owner) && is_repo(repo)).map(|_| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_may_name_a_branch() {
        assert_eq!(parse_repository("a/b"), Ok(("a/b", None)));
        assert_eq!(
            parse_repository(" my-org/web.js@release/1.2#x "),
            Ok(("my-org/web.js", Some("release/1.2#x")))
        );
        assert_eq!(parse_repository("a/b@user@x"), Ok(("a/b", Some("user@x"))));
    }

    #[test]
    fn what_is_no_repository_says_what_is() {
        for text in [
            "", "a", "a/", "/b", "a/b/c", "a b/c", "-a/b", "a/..", "a/b@", "a/b@x..y", "a/b@-x", "a/b@x y",
            "ä/b",
        ] {
            assert!(parse_repository(text).is_err(), "{text}");
        }
        let (_, help) = parse_repository("https://github.com/my-org/web.git").unwrap_err();
        assert_eq!(help, "write `my-org/web`");
        let (_, help) = parse_repository("git@github.com:my-org/web.git").unwrap_err();
        assert_eq!(help, "write `my-org/web`");
    }
}
