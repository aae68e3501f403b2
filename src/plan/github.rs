//! Names of repositories and branches, however they are spelt.

use crate::manifest::{is_list_file, masked, quoted};

/// A repository and perhaps a branch of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repository {
    /// `owner/repo`.
    pub(crate) github: String,
    pub(crate) branch: Option<String>,
}

/// Why a text is none, and the way out.
pub(crate) type Refused = (String, String);

/// What GitHub's addresses begin with where they name no owner.
const PAGES: [&str; 12] = [
    "apps",
    "collections",
    "enterprises",
    "explore",
    "features",
    "marketplace",
    "orgs",
    "search",
    "settings",
    "sponsors",
    "topics",
    "users",
];

const COMMENT: &str = "a comment begins with `#`";
const FORMS: &str = "write `owner/repo` or `owner/repo@branch`";

/// Reads `owner/repo`, `owner/repo@branch`, or an address on GitHub as a browser, git and lists of repositories write it.
///
/// # Errors
///
/// What is none, or could mean two things.
pub(crate) fn parse_repository(text: &str) -> Result<Repository, Refused> {
    let bare = without_list_marks(text);
    let prefix = ["sources/github/", "github:", "gh:"].into_iter().find(|prefix| bare.starts_with(prefix));
    let bare = &bare[prefix.map_or(0, str::len)..];
    let refused = |help: String| (format!("{} is not a repository", quoted(text.trim())), help);
    if bare.is_empty() || bare.contains(char::is_whitespace) || bare.contains([',', ';']) {
        return Err(refused(help_for_words(bare)));
    }
    let Some(address) = Address::of(bare) else {
        return on_github(bare, false)
            .map_err(|help| refused(if help == FORMS { help_for_parts(bare) } else { help }));
    };
    address.check(text)?;
    on_github(address.path, true).map_err(refused)
}

/// Reads a pattern over `owner/repo`; one that stands for a single repository may be spelt as [`parse_repository`] takes it.
///
/// # Errors
///
/// What could match no repository: an address with wildcards, another host's, a name with a branch.
pub(super) fn parse_pattern(text: &str) -> Result<String, Refused> {
    let text = text.trim();
    let refused = |what: &str, write: &str| {
        Err((
            format!("{} {what}, not a pattern over `owner/repo`", quoted(text)),
            format!("write {}", quoted(write)),
        ))
    };
    match parse_repository(text) {
        Ok(Repository { github, branch: None }) => return Ok(github),
        Ok(Repository { github, branch: Some(_) }) => return refused("names a branch", &github),
        Err(_) => {}
    }
    if let Some(address) = Address::of(text) {
        address.check(text)?;
        let path = address.path.split(['@', '#', '?']).next().unwrap_or("");
        return refused("is an address", path.trim_matches('/'));
    }
    match text.split_once('@') {
        Some((name, _)) => refused("names a branch", name),
        None => Ok(text.to_owned()),
    }
}

/// What stands between a list's dash, its quotes and its comma.
fn without_list_marks(text: &str) -> &str {
    let mut text = text.trim();
    for mark in ["- ", "* ", "+ ", "[ ] ", "[x] "] {
        text = text.strip_prefix(mark).unwrap_or(text).trim_start();
    }
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
    if number.len() < text.len() {
        text = number.strip_prefix(". ").or_else(|| number.strip_prefix(") ")).unwrap_or(text).trim_start();
    }
    text = text.strip_suffix([',', ';']).unwrap_or(text).trim_end();
    for quote in ['"', '\'', '`'] {
        let inner = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
        text = inner.unwrap_or(text);
    }
    let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
    inner.unwrap_or(text).trim()
}

/// The way out for what is more than one word.
fn help_for_words<'a>(text: &'a str) -> String {
    if text.starts_with(['{', ']', '}'])
        || ["[\"", "[{"].iter().any(|start| text.starts_with(start))
        || text == "["
    {
        return "a list has a repository a line; of JSON, `jq -r '.[]'` makes one".to_owned();
    }
    if text.contains(" // ") || ["//", ";", "--"].iter().any(|start| text.starts_with(start)) {
        return COMMENT.to_owned();
    }
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c == ',' || c == ';')
        .filter(|word| !word.is_empty())
        .collect();
    let repository = |word: &str| parse_repository(word).ok();
    let branch = |word: &'a str| word.trim_start_matches('@');
    match words[..] {
        [first, second] if repository(second).is_none() && check_branch(second).is_ok() => {
            match repository(first) {
                Some(Repository { github, branch: None }) => {
                    format!("write {}", quoted(&format!("{github}@{}", branch(second))))
                }
                _ => FORMS.to_owned(),
            }
        }
        // `owner/repo @ branch`
        [first, "@", name] if repository(first).is_some() && check_branch(name).is_ok() => {
            format!("write {}", quoted(&format!("{first}@{name}")))
        }
        [first, ..] if words.len() > 1 && repository(first).is_some() => {
            "write one repository a line; columns can stand in a `.csv` file with a header".to_owned()
        }
        _ => help_for_parts(text),
    }
}

/// The way out for a name with something around it.
fn help_for_parts(text: &str) -> String {
    if masked(text) != text {
        return FORMS.to_owned();
    }
    if is_list_file(text) {
        return format!(
            "a file that lists repositories stands under `file`: {}",
            quoted(&format!("{{ file: {text} }}"))
        );
    }
    if text.contains('*') && text.matches('/').count() == 1 && !text.contains(char::is_whitespace) {
        return format!(
            "a pattern stands under `match` in the manifest: {}",
            quoted(&format!("{{ match: \"{text}\" }}"))
        );
    }
    if let Some(odd) = text.chars().find(|c| !c.is_ascii()) {
        let code = u32::from(odd);
        return format!("names on GitHub have no {} (U+{code:04X}): {FORMS}", quoted(&odd.to_string()));
    }
    let is_around = |c: char| c.is_whitespace() || "|()[]<>\"'`,;:@".contains(c);
    match text.split(is_around).find_map(|part| on_github(part, false).ok()) {
        Some(Repository { github, .. }) => match text.split_once(&format!("{github}:")) {
            Some(("", branch)) if check_branch(branch).is_ok() => {
                format!("write {}", quoted(&format!("{github}@{branch}")))
            }
            _ => format!("write {} alone", quoted(&github)),
        },
        None => FORMS.to_owned(),
    }
}

/// An address taken apart; git knows `https://host/path` and `user@host:path`.
struct Address<'a> {
    scheme: &'a str,
    user: Option<&'a str>,
    host: &'a str,
    path: &'a str,
}

impl<'a> Address<'a> {
    /// Nothing for a plain name.
    fn of(text: &'a str) -> Option<Self> {
        let is_scheme =
            |scheme: &str| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+');
        if let Some((scheme, rest)) = text.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) {
            let (authority, path) = split_authority(rest);
            let (user, host) = split_user(authority);
            let scheme = scheme.strip_prefix("git+").unwrap_or(scheme);
            return Some(Self { scheme, user, host, path });
        }
        let (before, after) = text.split_once('/').unwrap_or((text, ""));
        if let Some((authority, path)) =
            before.split_once(':').filter(|(authority, _)| authority.contains('@'))
        {
            let path = &text[text.len() - after.len() - 1 - path.len()..];
            let (user, host) = split_user(authority);
            return Some(Self { scheme: "ssh", user, host, path });
        }
        // No owner's name has a dot; `./a/b` is a folder, and `repos.txt` a file.
        let (user, host) = split_user(before);
        let is_host = host.contains('.') && !host.starts_with('.') && text.contains('/');
        is_host.then_some(Self { scheme: "https", user, host, path: after })
    }

    /// Refuses another host than GitHub, and an address with a secret; `text` is what was written.
    fn check(&self, text: &str) -> Result<(), Refused> {
        let host = self.host.to_ascii_lowercase();
        let (name, port) = host.split_once(':').unwrap_or((&host, ""));
        let is_github = matches!(name, "github.com" | "www.github.com")
            || (name == "ssh.github.com" && self.scheme == "ssh");
        if !is_github || !matches!(port, "" | "22" | "80" | "443") {
            let what = format!("{} is on {}, not on github.com", quoted(text.trim()), quoted(&host));
            return Err((what, "Jules works on repositories of github.com: write `owner/repo`".to_owned()));
        }
        // In front of the host stands more than the name that git's addresses have.
        if self.user.is_some_and(|user| user.contains(':') || !(user == "git" || self.scheme == "ssh")) {
            let what = format!("the address {} holds a password or a token", quoted(text.trim()));
            let help = match on_github(self.path, true) {
                Ok(Repository { github, .. }) => {
                    format!("write {}, and take the secret out of the file", quoted(&github))
                }
                Err(_) => "take it out, and write `owner/repo`".to_owned(),
            };
            return Err((what, help));
        }
        Ok(())
    }
}

/// What stands before the path, though a password may hold a slash.
fn split_authority(rest: &str) -> (&str, &str) {
    let first = rest.split_once('/').unwrap_or((rest, ""));
    let is_open = |authority: &str| match authority.split_once(':') {
        Some((_, port)) => !port.contains('@') && port.parse::<u16>().is_err(),
        None => !authority.contains(['.', '@']),
    };
    match rest.rfind('@') {
        Some(at) if is_open(first.0) => {
            let end = rest[at..].find('/').map_or(rest.len(), |end| at + end);
            (&rest[..end], rest.get(end + 1..).unwrap_or(""))
        }
        _ => first,
    }
}

fn split_user(authority: &str) -> (Option<&str>, &str) {
    authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host))
}

/// Reads what stands behind `github.com/`, or a plain name. The error is the way out.
fn on_github(path: &str, is_address: bool) -> Result<Repository, String> {
    let path = path.trim_start_matches(if is_address { '/' } else { '\0' });
    let path = path.split_once('?').filter(|_| is_address).map_or(path, |(path, _)| path);
    let (name, mark, branch) = match path.find(['@', '#']) {
        Some(at) => (&path[..at], path[at..].chars().next(), Some(&path[at + 1..])),
        None => (path, None, None),
    };
    let mut parts = name.trim_end_matches('/').splitn(3, '/');
    let (owner, repo, page) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next());
    let repo = match repo.len().checked_sub(4) {
        Some(at) if repo.is_char_boundary(at) && repo[at..].eq_ignore_ascii_case(".git") => &repo[..at],
        _ => repo,
    };
    // Pages of GitHub that look like repositories.
    let is_page = is_address && PAGES.contains(&owner);
    if is_page || !is_owner(owner) || !is_repo(repo) {
        return Err(FORMS.to_owned());
    }
    let github = format!("{owner}/{repo}");
    let branch = match (page, branch, mark) {
        (None, None, _) => None,
        (None, Some("readme"), Some('#')) if is_address => return Err(format!("write {}", quoted(&github))),
        (None, Some(number), Some('#'))
            if number.bytes().all(|byte| byte.is_ascii_digit()) && !number.is_empty() =>
        {
            let branch = quoted(&format!("{github}@{number}"));
            return Err(format!(
                "this names an issue; write {} for the repository, or {branch} for a branch",
                quoted(&github)
            ));
        }
        (None, Some(branch), _) => Some(branch.to_owned()),
        (Some(page), branch, _) => match (page.strip_prefix("tree/"), branch) {
            (Some(branch), None) if !branch.contains('/') => Some(decoded(branch)),
            (Some(branch), None) => {
                let branch = quoted(&format!("{github}@{}", decoded(branch)));
                return Err(format!("this may name a branch or a folder; write {branch} for the branch"));
            }
            _ if is_address => return Err(format!("this names a page of {0}; write {0}", quoted(&github))),
            _ => return Err(FORMS.to_owned()),
        },
    };
    if let Some(branch) = &branch {
        check_branch(branch).map_err(|(what, help)| format!("{what}: {help}"))?;
    }
    Ok(Repository { github, branch })
}

/// A part of an address with its `%2F` and the like undone.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code =
            after.get(..2).and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        match (byte, code) {
            (b'%', Some(code)) => {
                bytes.push(code);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// # Errors
///
/// As [`parse_repository`], when git would refuse the name (see `git check-ref-format`).
pub(super) fn check_branch(branch: &str) -> Result<(), Refused> {
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
    let part_is_wrong = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    if branch.is_empty() {
        return Err((
            "no branch is named".to_owned(),
            "write it, or leave the mark in front of it out".to_owned(),
        ));
    }
    if let Some(name) = branch.strip_prefix("refs/heads/").filter(|name| !name.is_empty()) {
        let what = format!("{} is git's long name of a branch", quoted(branch));
        return Err((what, format!("write {}", quoted(name))));
    }
    let wrong = branch.len() > 255
        || branch.contains(forbidden)
        || branch.contains("..")
        || branch.contains("@{")
        || branch.contains("${{")
        || branch.starts_with('-')
        || branch.ends_with('.')
        || matches!(branch, "@" | "HEAD")
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
    let is_git = repo.to_ascii_lowercase().ends_with(".git");
    !repo.is_empty() && repo.len() <= 100 && repo.bytes().all(plain) && repo != "." && repo != ".." && !is_git
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<String, Refused> {
        let Repository { github, branch } = parse_repository(text)?;
        Ok(branch.map_or(github.clone(), |branch| format!("{github}@{branch}")))
    }

    #[test]
    fn a_repository_is_one_however_it_is_spelt() {
        for (text, expected) in [
            ("a/b", "a/b"),
            (" my-org/web.js@release/1.2#x ", "my-org/web.js@release/1.2#x"),
            ("a/b@user@x", "a/b@user@x"),
            ("a/b/", "a/b"),
            ("a/b.git", "a/b"),
            ("a/b.GIT@main", "a/b@main"),
            ("a/b#main", "a/b@main"),
            ("\"a/b\",", "a/b"),
            ("- 'a/b@x'", "a/b@x"),
            ("* `a/b`;", "a/b"),
            ("https://github.com/a/b", "a/b"),
            ("http://www.GitHub.com/a/b/", "a/b"),
            ("https://github.com:443/a/b.git", "a/b"),
            ("<https://github.com/a/b>", "a/b"),
            ("github.com/a/b", "a/b"),
            ("https://github.com/a/b/tree/main", "a/b@main"),
            ("https://github.com/a/b/tree/feat%2Fx/", "a/b@feat/x"),
            ("https://github.com/a/b@main", "a/b@main"),
            ("https://github.com/a/b.git@release/2", "a/b@release/2"),
            ("https://github.com/a/b#dev", "a/b@dev"),
            ("https://github.com/a/b?tab=readme-ov-file", "a/b"),
            ("git@github.com:a/b.git", "a/b"),
            ("git@github.com:a/b.git#dev", "a/b@dev"),
            ("org-12@github.com:a/b", "a/b"),
            ("ssh://git@github.com/a/b.git", "a/b"),
            ("ssh://git@ssh.github.com:443/a/b.git", "a/b"),
            ("git://github.com/a/b.git", "a/b"),
            ("git+ssh://git@github.com/a/b.git", "a/b"),
            ("git+https://github.com/a/b.git", "a/b"),
            ("https://git@github.com/a/b", "a/b"),
            ("sources/github/a/b", "a/b"),
            ("github:a/b#dev", "a/b@dev"),
            ("1. a/b", "a/b"),
            ("- [ ] a/b", "a/b"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_repository_says_what_is() {
        for (text, part) in [
            ("", FORMS),
            ("a", FORMS),
            ("a/", FORMS),
            ("/b", FORMS),
            ("a/b/c", FORMS),
            ("-a/b", FORMS),
            ("a/..", FORMS),
            ("a/.git", FORMS),
            ("a/b.git.git", FORMS),
            ("ä/b", "names on GitHub have no `ä` (U+00E4)"),
            ("a/b\u{200b}", "(U+200B)"),
            ("\u{430}cme/b", "(U+0430)"),
            ("./a/b", FORMS),
            ("repos.txt", "`{ file: repos.txt }`"),
            ("a/*", "`{ match: \"a/*\" }`"),
            ("// all", "begins with `#`"),
            ("a/b // all", "begins with `#`"),
            ("; all", "begins with `#`"),
            ("[{\"full_name\": \"a/b\"}]", "jq -r"),
            ("a/b@refs/heads/main", "write `main`"),
            ("a/b@HEAD", "as git takes it"),
            ("\"a/b", "write `a/b` alone"),
            ("a/b@", "no branch is named"),
            ("a/b@x..y", "as git takes it"),
            ("a/b@-x", "as git takes it"),
            ("a/b main", "write `a/b@main`"),
            ("a/b @main", "write `a/b@main`"),
            ("a/b:main", "write `a/b@main`"),
            ("| a/b |", "write `a/b` alone"),
            ("[a/b](https://github.com/a/b)", "write `a/b` alone"),
            ("@a/b", "write `a/b` alone"),
            ("https://github.com/orgs/a/repositories", FORMS),
            ("https://github.com/users/a", FORMS),
            ("a/b@x y", FORMS),
            ("a/b, c/d", "one repository a line"),
            ("a/b\tPrivate\t2026", "one repository a line"),
            ("[\"a/b\", \"c/d\"]", "jq -r"),
            ("a/b#12", "write `a/b` for the repository, or `a/b@12` for a branch"),
            ("https://github.com/a/b#readme", "write `a/b`"),
            ("https://github.com/a/b/tree/release/1.2", "write `a/b@release/1.2` for the branch"),
            ("https://github.com/a/b/pull/7", "write `a/b`"),
            ("https://github.com/a/b/blob/main/README.md", "write `a/b`"),
            ("https://github.com/a", FORMS),
        ] {
            let (_, help) = read(text).unwrap_err();
            assert!(help.contains(part), "{text}: {help}");
        }
    }

    #[test]
    fn a_pattern_that_could_match_nothing_is_refused() {
        for (text, expected) in [
            ("a/*", "a/*"),
            (" {a,b}/svc-? ", "{a,b}/svc-?"),
            ("a/b", "a/b"),
            ("a/b.git", "a/b"),
            ("https://github.com/a/b/", "a/b"),
            ("git@github.com:a/b.git", "a/b"),
        ] {
            assert_eq!(parse_pattern(text).as_deref(), Ok(expected), "{text}");
        }
        for (text, what, way_out) in [
            ("https://github.com/a/*", "is an address", "write `a/*`"),
            ("git@github.com:a/*.git", "is an address", "write `a/*.git`"),
            ("a/b@main", "names a branch", "write `a/b`"),
            ("a/*@main", "names a branch", "write `a/*`"),
            ("https://gitlab.com/a/*", "is on `gitlab.com`", "write `owner/repo`"),
            ("https://u:secret@github.com/a/*", "holds a password", "take it out"),
        ] {
            let (found, help) = parse_pattern(text).unwrap_err();
            assert!(found.contains(what) && help.contains(way_out), "{text}: {found}; {help}");
            assert!(!found.contains("secret"), "{found}");
        }
    }

    #[test]
    fn another_host_is_not_github() {
        for (text, host) in [
            ("https://gist.github.com/a/b", "gist.github.com"),
            ("https://notgithub.com/a/b", "notgithub.com"),
            ("https://github.com.evil.example/a/b", "github.com.evil.example"),
            ("https://api.github.com/repos/a/b", "api.github.com"),
            ("git@gitlab.com:a/b.git", "gitlab.com"),
            ("gitlab.com/a/b", "gitlab.com"),
            ("https://example.com/github.com/a/b", "example.com"),
            ("https://github.com:8443/a/b", "github.com:8443"),
            ("https://u:secret@gitlab.com/a/b", "gitlab.com"),
        ] {
            let (what, help) = read(text).unwrap_err();
            assert!(
                what.contains(&format!("is on `{host}`")) && !help.contains("a/b`"),
                "{text}: {what}; {help}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_secret_of_an_address_is_told(
            secret in "[A-Za-z0-9_%+=/!-]{8,30}",
            form in proptest::sample::select(&["https://u:{}@github.com/a/b.git", "https://{}@github.com/a/b", "u:{}@github.com/a/b",
                "ssh://u:{}@github.com/a/b", "- \"https://x-access-token:{}@github.com/a/b\",",
                "(https://u:{}@github.com/a/b)", "x https://u:{}@github.com/a/b", "u:{}@github.com:a/b", "https://u:{}@example.com/a/b"][..]),
        ) {
            let text = form.replace("{}", &format!("s{secret}t"));
            if let Err((what, help)) = parse_repository(&text) {
                prop_assert!(!what.contains(&secret) && !help.contains(&secret), "{} {} {}", text, what, help);
            } else {
                prop_assert!(false, "{} is taken", text);
            }
        }

        #[test]
        fn what_is_read_reads_the_same_again(text in r"(https://github\.com/|git@github\.com:|a|b|/|\.git|@|#|tree/|main|\?| |,|:){0,8}") {
            if let Ok(read) = parse_repository(&text) {
                let plain = read.branch.as_ref().map_or(read.github.clone(), |branch| format!("{}@{branch}", read.github));
                prop_assert!(!read.github.to_lowercase().ends_with(".git") && read.github.matches('/').count() == 1);
                prop_assert_eq!(parse_repository(&plain), Ok(read));
            }
        }
    }
}
