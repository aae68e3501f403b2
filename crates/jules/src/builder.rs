//! Putting a client together: key, base URL, quotas.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use foreign_text::Word;
use url::Url;

use super::client::Jules;
use super::connections::MakeHttp;
use super::transport::Transport;
use super::{ApiKey, InvalidKey, Options, Quotas, Secret, SecretError, secure_url};

/// The environment variable with the key.
pub const KEY_VARIABLE: &str = "JULES_API_KEY";
/// The environment variable with the path of a file that holds the key.
pub const KEY_FILE_VARIABLE: &str = "JULES_API_KEY_FILE";
/// The environment variable with the base URL.
pub const BASE_URL_VARIABLE: &str = "JULES_BASE_URL";

/// Builds a [`Jules`] client.
#[derive(Debug)]
#[must_use]
pub struct JulesBuilder {
    key: Result<Option<ApiKey>, BuildError>,
    base_url: Option<Address>,
    connect_timeout: Duration,
    quotas: Quotas,
    options: Options,
    http: MakeHttp,
    hidden: Vec<Word>,
}

/// A base URL as it was written, perhaps with a password or a key in it: those are not printed.
struct Address(String);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Url::parse(&self.0) {
            Ok(url) => write!(f, "{}{}", url.origin().ascii_serialization(), url.path()),
            Err(_) => f.write_str("(no URL)"),
        }
    }
}

/// Why a client cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No key anywhere.
    #[error("no API key: set {KEY_VARIABLE}, or {KEY_FILE_VARIABLE} to a file that holds it")]
    KeyMissing,
    /// A key that cannot be one.
    #[error("the API key from {origin} cannot be one")]
    KeyInvalid {
        /// Where it came from.
        origin: String,
        /// What is wrong with it.
        source: InvalidKey,
    },
    /// A key file that cannot be read.
    #[error("cannot read the API key from {}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A base URL that is none, or not a safe one.
    #[error("the base URL {reason}; it looks like {}", JulesBuilder::BASE_URL)]
    BaseUrl {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A quota of zero would let nothing through.
    #[error("the quota {name} is 0, so that no request could ever be sent")]
    Quota {
        /// Which one.
        name: &'static str,
    },
    /// The HTTP client cannot be set up.
    #[error("cannot set up the HTTP client")]
    Http(#[source] reqwest::Error),
}

impl BuildError {
    fn of_key(error: SecretError) -> Self {
        match error {
            SecretError::Invalid { origin, source } => Self::KeyInvalid { origin, source },
            SecretError::File { path, source } => Self::KeyFile { path, source },
        }
    }

    /// Whether the key is what is missing or wrong.
    #[must_use]
    pub fn is_key(&self) -> bool {
        match self {
            Self::KeyMissing | Self::KeyInvalid { .. } | Self::KeyFile { .. } => true,
            Self::BaseUrl { .. } | Self::Quota { .. } | Self::Http(_) => false,
        }
    }
}

impl Default for JulesBuilder {
    fn default() -> Self {
        Self {
            key: Ok(None),
            base_url: None,
            connect_timeout: Self::CONNECT_TIMEOUT,
            quotas: Quotas::default(),
            options: Options::default(),
            http: MakeHttp::default(),
            hidden: Vec::new(),
        }
    }
}

impl JulesBuilder {
    /// The service's base URL.
    pub const BASE_URL: &str = "https://jules.googleapis.com/v1alpha";
    /// The limit for connecting, TLS included: 10 s.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

    /// Takes from the environment what was not set before: the key from `JULES_API_KEY`, or else from the file that
    /// `JULES_API_KEY_FILE` names, and the base URL from `JULES_BASE_URL`. Empty variables count as unset.
    pub fn with_env(self) -> Self {
        self.with_variables(|name| std::env::var(name).ok())
    }

    fn with_variables(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        if matches!(self.key, Ok(None)) {
            self.key = key_of(variable);
        }
        self.base_url = self.base_url.or_else(|| variable(BASE_URL_VARIABLE).map(Address));
        self
    }

    /// The API key.
    pub fn api_key(mut self, key: ApiKey) -> Self {
        self.key = Ok(Some(key));
        self
    }

    /// The base URL with the version. Default [`BASE_URL`](Self::BASE_URL). Only `https`, or `http` to loopback.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(Address(url.into()));
        self
    }

    /// The limit for connecting, TLS included. Default 10 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How many requests may be sent in a minute. Defaults: 100, 20 creates, 100 activity listings.
    pub fn quotas(mut self, quotas: Quotas) -> Self {
        self.quotas = quotas;
        self
    }

    /// Changes the options that all handles start with.
    pub fn options(mut self, change: impl FnOnce(Options) -> Options) -> Self {
        self.options = change(self.options);
        self
    }

    /// An HTTP client of your own: proxies, certificates, connection pools. It is taken unbuilt, because redirects,
    /// referrers and hidden retries are switched off in it (each of them could leak the key or create a session twice),
    /// and HTTP/2 pings on; and as a function, because a fresh one is made when its connection has fallen silent.
    ///
    /// ```
    /// let builder = jules::Jules::builder().http_client(|| jules::reqwest::Client::builder().https_only(true));
    /// ```
    pub fn http_client(mut self, make: impl Fn() -> reqwest::ClientBuilder + Send + Sync + 'static) -> Self {
        self.http = MakeHttp::new(make);
        self
    }

    /// More secrets that answers are read without, as they are without the key: `***` stands in their place. They are taken
    /// from [`ApiKey::words`] and [`Secret::words`]. What may be a common word should not be one of them: names and patches
    /// are read without it as well.
    pub fn hide(mut self, words: impl IntoIterator<Item = Word>) -> Self {
        self.hidden.extend(words);
        self
    }

    /// The client. Sends nothing.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when there is no usable key, when the base URL is not a safe one, when a quota is zero, or when
    /// the HTTP client cannot be set up.
    pub fn build(self) -> Result<Jules, BuildError> {
        let key = self.key?.ok_or(BuildError::KeyMissing)?;
        let base_url = secure_url(self.base_url.as_ref().map_or(Self::BASE_URL, |Address(url)| url))
            .map_err(|error| BuildError::BaseUrl { reason: error.reason() })?;
        check_quotas(self.quotas)?;
        let transport = Transport::new(self.http, self.connect_timeout, base_url, key, self.hidden)
            .map_err(|error| BuildError::Http(error.without_url()))?;
        Ok(Jules::new(transport, self.quotas, self.options))
    }
}

impl ApiKey {
    /// The key that the environment names: `JULES_API_KEY`, or else what is in the file that `JULES_API_KEY_FILE` names;
    /// none if neither is set. Some files can be read only once: whoever needs the key twice keeps it.
    ///
    /// # Errors
    ///
    /// [`BuildError`], when there is one that cannot be a key, or a file that cannot be read.
    pub fn from_env() -> Result<Option<Self>, BuildError> {
        key_of(|name| std::env::var(name).ok())
    }
}

fn key_of(variable: impl Fn(&str) -> Option<String>) -> Result<Option<ApiKey>, BuildError> {
    let secret = Secret::from_variables(&[KEY_VARIABLE, KEY_FILE_VARIABLE], variable);
    Ok(secret.map_err(BuildError::of_key)?.map(ApiKey::from))
}

fn check_quotas(quotas: Quotas) -> Result<(), BuildError> {
    let named = [
        ("requests_per_minute", quotas.requests_per_minute),
        ("creates_per_minute", quotas.creates_per_minute),
        ("activities_per_minute", quotas.activities_per_minute),
    ];
    match named.into_iter().find(|(_, quota)| *quota == 0) {
        Some((name, _)) => Err(BuildError::Quota { name }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Jules, BuildError> {
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        JulesBuilder::default().with_variables(find).build()
    }

    #[test]
    fn the_key_comes_from_the_variable_or_from_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "AIza-from-file\n").unwrap();
        let file = file.to_str().unwrap();
        assert!(from(&[(KEY_VARIABLE, "AIza-direct\n")]).is_ok());
        assert!(from(&[(KEY_VARIABLE, " "), (KEY_FILE_VARIABLE, file)]).is_ok());
        assert!(matches!(from(&[]), Err(BuildError::KeyMissing)));
        assert!(matches!(from(&[(KEY_FILE_VARIABLE, "/nonexistent/key")]), Err(BuildError::KeyFile { .. })));
    }

    #[test]
    fn a_key_of_two_lines_is_a_clear_error_that_does_not_show_it() {
        let error = from(&[(KEY_VARIABLE, "AIza-first\nAIza-second")]).unwrap_err();
        assert!(error.is_key());
        assert!(!format!("{error} {error:?}").contains("AIza"), "{error:?}");
    }

    #[test]
    fn only_https_or_loopback_is_taken() {
        let url = |url| from(&[(KEY_VARIABLE, "k"), (BASE_URL_VARIABLE, url)]).map(|_| ());
        for good in
            ["https://x.example/v1", "http://127.0.0.1:80/v1alpha", "http://[::1]:9/", "http://localhost:1"]
        {
            assert!(url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://x.example/v1",
            "http://127.0.0.1.example/v1",
            "https://u:p@x.example/v1",
            "https://x.example/v1?key=1",
            "ftp://x.example",
            "nonsense",
        ] {
            assert!(matches!(url(bad), Err(BuildError::BaseUrl { .. })), "{bad}");
        }
    }

    #[test]
    fn a_quota_of_zero_is_refused() {
        let quotas = Quotas { creates_per_minute: 0, ..Quotas::default() };
        let built = JulesBuilder::default().api_key(ApiKey::new("k").unwrap()).quotas(quotas).build();
        assert!(matches!(built, Err(BuildError::Quota { name: "creates_per_minute" })));
    }

    #[test]
    fn a_builder_and_its_options_show_no_secret() {
        use reqwest::header::{AUTHORIZATION, HeaderValue};

        let secret = HeaderValue::from_static("Bearer hunter2");
        for url in ["https://me:hunter2@x.example/v1?key=hunter2", "hunter2"] {
            let builder = JulesBuilder::default().api_key(ApiKey::new("AIza-hunter2").unwrap()).base_url(url);
            let builder = builder.options(|options| options.header(AUTHORIZATION, secret.clone()));
            let shown = format!("{builder:?} {builder:#?}");
            assert!(!shown.contains("hunter2") && shown.contains("authorization"), "{shown}");
        }
        let builder = JulesBuilder::default().base_url("https://me:hunter2@x.example/v1");
        assert!(format!("{builder:?}").contains("https://x.example/v1"));
    }

    #[test]
    fn a_client_shows_no_key() {
        let jules = from(&[(KEY_VARIABLE, "AIza-secret-key")]).unwrap();
        assert!(!format!("{jules:?}").contains("AIza"));
        assert_eq!(jules.base_url().as_str(), JulesBuilder::BASE_URL);
    }
}
