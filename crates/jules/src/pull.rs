//! Names of pull requests, and whose they are.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use url::Url;

use super::id::{InvalidId, is_segment};
use super::{PullRequest, Session, SourceName};

const EXPECTED: &str = "a pull request (`owner/repo#7` or `https://github.com/owner/repo/pull/7`)";

/// A pull request on GitHub: `owner/repo#7`.
///
/// Parsed from that, from its page's address with whatever stands behind it (`https://github.com/owner/repo/pull/7/files`),
/// or from that without `https://`. Two are equal whatever case their letters have, as for GitHub.
#[derive(Clone)]
pub struct PullRequestName {
    repository: String,
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
        let is_name = |name: &&str| is_segment(name);
        let (owner, repo) = (Some(owner).filter(is_name)?, Some(repo).filter(is_name)?);
        let is_number = number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
        let number = number.parse().ok().filter(|_| is_number)?;
        Some(Self { repository: format!("{owner}/{repo}"), number })
    }

    /// `owner/repo`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Its number there.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The source that its repository is as, where it is connected.
    #[must_use]
    pub fn source(&self) -> Option<SourceName> {
        SourceName::new(&self.repository).ok()
    }

    /// Its page: `https://github.com/owner/repo/pull/7`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://github.com/{}/pull/{}", self.repository, self.number)
    }
}

impl PartialEq for PullRequestName {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number && self.repository.eq_ignore_ascii_case(&other.repository)
    }
}

impl Eq for PullRequestName {}

impl Hash for PullRequestName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.repository.to_ascii_lowercase(), self.number).hash(state);
    }
}

/// `owner/repo#7`.
impl fmt::Display for PullRequestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.repository, self.number)
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
    /// Its name, where its URL is a page of GitHub's.
    #[must_use]
    pub fn name(&self) -> Option<PullRequestName> {
        PullRequestName::new(self.url.as_deref()?).ok()
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
            "my-org/web#99999999999999999999999",
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
