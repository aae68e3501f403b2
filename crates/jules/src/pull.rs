//! Names of pull requests, and whose they are.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use url::Url;

use super::id::InvalidId;
use super::{PullRequest, Session, SourceName};

const EXPECTED: &str = "a pull request (`owner/repo#7` or `https://github.com/owner/repo/pull/7`)";

/// The longest name of an owner or a repository.
const LONGEST_NAME: usize = 100;

/// A pull request on GitHub: `owner/repo#7`.
///
/// Parsed from that, from its page's address with whatever stands behind it (`https://github.com/owner/repo/pull/7/files`),
/// or from that without `https://`: what people type and copy. What a service gives as the address of a page is read by
/// [`of_url`](Self::of_url). Two are equal whatever case their letters have, as for GitHub.
#[derive(Clone)]
pub struct PullRequestName {
    owner: String,
    repo: String,
    number: u64,
}

impl PullRequestName {
    /// Takes a pull request's name in any form that is named above.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] when it is none.
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        let text = text.trim();
        let read = match text.split_once('#').filter(|(repository, _)| !repository.contains(':')) {
            Some((repository, number)) if repository.split('/').count() == 2 => {
                let (owner, repo) = repository.split_once('/').unwrap_or_default();
                Self::of_parts(owner, repo, number)
            }
            _ => Self::of_page(text),
        };
        read.ok_or_else(|| InvalidId::new(text, EXPECTED))
    }

    /// Takes exactly `https://github.com/owner/repo/pull/7`, with or without a slash at its end; none for another host's
    /// address, or one with anything else in it, such as a user or a port.
    #[must_use]
    pub fn of_url(url: &str) -> Option<Self> {
        let parts: Vec<&str> = url.strip_prefix("https://github.com/")?.split('/').collect();
        match parts.as_slice() {
            [owner, repo, "pull", number] | [owner, repo, "pull", number, ""] => {
                Self::of_parts(owner, repo, number)
            }
            _ => None,
        }
    }

    fn of_page(text: &str) -> Option<Self> {
        let page = match text.starts_with("github.com/") {
            true => Url::parse(&format!("https://{text}")),
            false => Url::parse(text),
        };
        let page = page.ok().filter(|page| matches!(page.scheme(), "https" | "http"))?;
        if !matches!(page.host_str(), Some("github.com" | "www.github.com")) {
            return None;
        }
        let mut parts = page.path_segments()?;
        let (owner, repo) = (parts.next()?, parts.next()?);
        parts.next().filter(|part| *part == "pull")?;
        Self::of_parts(owner, repo, parts.next()?)
    }

    fn of_parts(owner: &str, repo: &str, number: &str) -> Option<Self> {
        let is_number = number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
        let number: u32 = number.parse().ok().filter(|_| is_number)?;
        // GitHub's numbers have 31 bits.
        let is_known = is_name(owner) && is_name(repo) && number <= i32::MAX.unsigned_abs();
        is_known.then(|| Self { owner: owner.to_owned(), repo: repo.to_owned(), number: number.into() })
    }

    /// The owner of its repository.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The name of its repository, without the owner.
    #[must_use]
    pub fn repo(&self) -> &str {
        &self.repo
    }

    /// `owner/repo`.
    #[must_use]
    pub fn repository(&self) -> String {
        format!("{}/{}", self.owner, self.repo)
    }

    /// Whether it is in this repository, `owner/repo`, whatever case its letters have.
    #[must_use]
    pub fn is_in(&self, repository: &str) -> bool {
        repository.split_once('/').is_some_and(|(owner, repo)| {
            self.owner.eq_ignore_ascii_case(owner) && self.repo.eq_ignore_ascii_case(repo)
        })
    }

    /// Its number there.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The source that its repository is as, where it is connected.
    #[must_use]
    pub fn source(&self) -> Option<SourceName> {
        SourceName::new(&self.repository()).ok()
    }

    /// Its page: `https://github.com/owner/repo/pull/7`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://github.com/{}/{}/pull/{}", self.owner, self.repo, self.number)
    }
}

impl PartialEq for PullRequestName {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
            && self.owner.eq_ignore_ascii_case(&other.owner)
            && self.repo.eq_ignore_ascii_case(&other.repo)
    }
}

impl Eq for PullRequestName {}

impl Hash for PullRequestName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.repository().to_ascii_lowercase(), self.number).hash(state);
    }
}

/// `owner/repo#7`.
impl fmt::Display for PullRequestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}#{}", self.owner, self.repo, self.number)
    }
}

impl fmt::Debug for PullRequestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl FromStr for PullRequestName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl PullRequest {
    /// Its name, where its URL is a pull request's page of GitHub's ([`PullRequestName::of_url`]).
    #[must_use]
    pub fn name(&self) -> Option<PullRequestName> {
        PullRequestName::of_url(self.url.as_deref()?)
    }
}

impl Session {
    /// Whether this pull request is among its outputs. A session that has not ended may open it yet;
    /// [`PullRequest::session_of`] tells from what GitHub shows.
    #[must_use]
    pub fn has_opened(&self, pull_request: &PullRequestName) -> bool {
        self.pull_requests().any(|own| own.name().as_ref() == Some(pull_request))
    }
}

/// Whether a text can be the name of an owner or a repository: one part of a path that means nothing but itself.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST_NAME).contains(&text.len())
        && text.bytes().all(plain)
        && !text.bytes().all(|byte| byte == b'.')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name(text: &str) -> Option<String> {
        PullRequestName::new(text).ok().map(|name| name.to_string())
    }

    #[test]
    fn a_pull_request_has_many_names() {
        for text in [
            "my-org/web#7",
            " my-org/web#7\n",
            "https://github.com/my-org/web/pull/7",
            "https://github.com/my-org/web/pull/7/",
            "https://github.com/my-org/web/pull/7/files?w=1#diff",
            "http://www.github.com/my-org/web/pull/7#issuecomment-1",
            "github.com/my-org/web/pull/7",
        ] {
            assert_eq!(name(text).as_deref(), Some("my-org/web#7"), "{text:?}");
        }
        let name = PullRequestName::new("My-Org/Web#7").unwrap();
        assert_eq!(name, PullRequestName::new("my-org/web#7").unwrap());
        assert_eq!(name.url(), "https://github.com/My-Org/Web/pull/7");
        assert_eq!(name.source().unwrap().as_str(), "sources/github/My-Org/Web");
    }

    #[test]
    fn what_is_no_pull_request_is_refused_with_an_example() {
        for text in [
            "",
            "#7",
            "web#7",
            "my-org/web",
            "my-org/web#",
            "my-org/web#0",
            "my-org/web#07",
            "my-org/web#+7",
            "my-org/web#7x",
            "my-org/../web#7",
            "my-org/..#7",
            "my-org/web#2147483648",
            "my-org/web#99999999999999999999999",
            "my-org/we~b#7",
            "https://github.com/my-org/web/issues/7",
            "https://github.com/my-org/web/pull/",
            "https://example.com/my-org/web/pull/7",
            "https://github.com.example.com/my-org/web/pull/7",
            "ftp://github.com/my-org/web/pull/7",
        ] {
            let error = PullRequestName::new(text).map(|name| name.to_string()).unwrap_err();
            assert!(error.to_string().contains("`owner/repo#7`"), "{text}: {error}");
        }
    }

    #[test]
    fn an_address_is_a_pull_requests_page_or_none() {
        let address = PullRequestName::of_url("https://github.com/My-Org/web.js/pull/12").unwrap();
        assert_eq!((address.owner(), address.repo(), address.number()), ("My-Org", "web.js", 12));
        assert!(address.is_in("my-org/WEB.js") && !address.is_in("my-org/web") && !address.is_in("web.js"));
        assert_eq!(PullRequestName::of_url("https://github.com/My-Org/web.js/pull/12/"), Some(address));
        for odd in [
            "http://github.com/o/r/pull/1",
            "https://GitHub.com/o/r/pull/1",
            " https://github.com/o/r/pull/1",
            "https://github.com/o/r/pull/1\n",
            "https://github.com//o/r/pull/1",
            "https://www.github.com/o/r/pull/1",
            "https://github.com.example/o/r/pull/1",
            "https://github.com@evil.example/o/r/pull/1",
            "https://u:p@github.com/o/r/pull/1",
            "https://github.com:444/o/r/pull/1",
            "https://github.com/o/r/pull/1?x=1",
            "https://github.com/o/r/pull/1#x",
            "https://github.com/o/r/pull/0",
            "https://github.com/o/r/pull/01",
            "https://github.com/o/r/pull/-1",
            "https://github.com/o/r/pull/+1",
            "https://github.com/o/r/pull/2147483648",
            "https://github.com/o/r/pull/1/files",
            "https://github.com/o/r/issues/1",
            "https://github.com/o/../pull/1",
            "https://github.com/o/r\"){x}/pull/1",
            "https://github.com/o%2Fp/r/pull/1",
            "o/r#1",
            "nonsense",
        ] {
            assert_eq!(PullRequestName::of_url(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_session_knows_the_pull_requests_that_it_has_opened() {
        let output =
            |n: u8| json!({"pullRequest": {"url": format!("https://github.com/my-org/web/pull/{n}")}});
        let session: Session =
            serde_json::from_value(json!({"id": "1", "outputs": [output(7), {"changeSet": {}}, output(8)]}))
                .unwrap();
        let opened = |text: &str| session.has_opened(&PullRequestName::new(text).unwrap());
        assert!(opened("my-org/web#7") && opened("https://github.com/My-Org/web/pull/8/files"));
        assert!(!opened("my-org/web#9") && !opened("my-org/docs#7"));
        assert_eq!(PullRequest::new("an odd one").name(), None);
    }
}
