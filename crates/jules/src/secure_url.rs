//! Addresses that a secret may be sent to.

use url::{Host, Url};

/// Why an address is not one that a secret is sent to; see [`secure_url`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InsecureUrl(&'static str);

impl InsecureUrl {
    /// The same, as the end of a sentence that begins with the address's name: `must be https`.
    #[must_use]
    pub fn reason(self) -> &'static str {
        self.0
    }
}

/// Reads the address of a service that a key or a token is sent to: `https`, or `http` to this machine, and nothing in it
/// that would go astray with it.
///
/// ```
/// assert!(jules::secure_url("https://api.github.com").is_ok());
/// assert!(jules::secure_url("http://127.0.0.1:8080/v1alpha").is_ok());
/// assert!(jules::secure_url("http://api.github.com").is_err());
/// ```
///
/// # Errors
///
/// [`InsecureUrl`] for every other address, and for one with a user, a password, a query or a fragment.
pub fn secure_url(text: &str) -> Result<Url, InsecureUrl> {
    let refuse = |reason| Err(InsecureUrl(reason));
    let Ok(url) = Url::parse(text.trim()) else { return refuse("is not a URL") };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("must not hold a user name or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("must not hold a query or fragment");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => {
            refuse("must be https: plain http, which would show the key or token, is for this machine alone")
        }
        _ => refuse("must be https"),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_to_https_or_to_this_machine() {
        for good in
            ["https://x.example/v1", "http://127.0.0.1:80/v1alpha", "http://[::1]:9/", " http://localhost:1"]
        {
            assert!(secure_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://x.example/v1",
            "http://127.0.0.1.example/v1",
            "http://localhost.example",
            "https://u:p@x.example/v1",
            "https://x.example/v1?key=1",
            "https://x.example/v1#key",
            "ftp://x.example",
            "nonsense",
        ] {
            assert!(secure_url(bad).is_err(), "{bad}");
        }
    }
}
