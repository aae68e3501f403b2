//! Where a pull request is, as its page's address says.

use std::fmt;

use jules::reqwest::Url;

/// The longest name of an owner or a repository.
const LONGEST_NAME: usize = 100;

/// `owner/repo#12` on github.com.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PullAddress {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) number: u32,
}

impl PullAddress {
    /// Reads `https://github.com/owner/repo/pull/12`; another host's address, or one with anything else in it, is none.
    pub(crate) fn of_url(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let is_plain = url.scheme() == "https"
            && url.host_str() == Some("github.com")
            && url.port().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let parts: Vec<&str> = url.path_segments().filter(|_| is_plain)?.collect();
        match parts.as_slice() {
            [owner, repo, "pull", number] | [owner, repo, "pull", number, ""] => {
                Self::new(owner, repo, number)
            }
            _ => None,
        }
    }

    /// Reads `owner/repo#12`.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let (repository, number) = name.split_once('#')?;
        let (owner, repo) = repository.split_once('/')?;
        Self::new(owner, repo, number)
    }

    fn new(owner: &str, repo: &str, number: &str) -> Option<Self> {
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
        // GraphQL's numbers have 31 bits.
        let number = number.parse().ok().filter(|number| is_number && *number <= i32::MAX.unsigned_abs())?;
        (is_name(owner) && is_name(repo)).then(|| Self {
            owner: owner.to_owned(),
            repo: repo.to_owned(),
            number,
        })
    }

    /// `owner/repo`.
    pub(crate) fn repository(&self) -> String {
        format!("{}/{}", self.owner, self.repo)
    }

    /// Whether it is in this repository, `owner/repo`, however that is spelt.
    pub(crate) fn is_in(&self, repository: &str) -> bool {
        self.repository().eq_ignore_ascii_case(repository)
    }
}

impl fmt::Display for PullAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}#{}", self.owner, self.repo, self.number)
    }
}

/// Whether a text can be the name of an owner or a repository: one part of a path that means nothing but itself.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST_NAME).contains(&text.len())
        && text.bytes().all(plain)
        && !text.bytes().all(|byte| byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_or_refused() {
        let address = PullAddress::of_url("https://github.com/My-Org/web.js/pull/12").unwrap();
        assert_eq!(address.to_string(), "My-Org/web.js#12");
        assert!(address.is_in("my-org/WEB.js") && !address.is_in("my-org/web"));
        assert_eq!(PullAddress::of_name("My-Org/web.js#12"), Some(address.clone()));
        assert_eq!(PullAddress::of_url("https://github.com/My-Org/web.js/pull/12/"), Some(address));
        for odd in [
            "http://github.com/o/r/pull/1",
            "https://github.com.example/o/r/pull/1",
            "https://github.com@evil.example/o/r/pull/1",
            "https://u:p@github.com/o/r/pull/1",
            "https://github.com:444/o/r/pull/1",
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
            "nonsense",
        ] {
            assert_eq!(PullAddress::of_url(odd), None, "{odd}");
        }
        for odd in ["o/r", "o#1", "o/r/x#1", "/r#1", "o/#1", "o/r#x", "o/..#1"] {
            assert_eq!(PullAddress::of_name(odd), None, "{odd}");
        }
    }
}
