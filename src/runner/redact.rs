//! Keeps secrets out of the ledger, the reports and what is printed: a proxy, the agent, or whoever talks it into it, may
//! repeat them.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jules::ApiKey;
use serde_json::Value;
use url::Url;

use crate::outcome::{EventKind, RunEvent};

/// How much is searched at once.
const BLOCK: usize = 64 * 1024;

/// The longest words of others that an event keeps, in bytes.
const WORDS: usize = 64 * 1024;

/// The variables that may hold a proxy's address.
const PROXIES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Takes secrets out of text: the API key, and what a proxy is told to let us through. `***` stands in their place.
#[derive(Clone, Default)]
pub struct Redactor {
    key: Option<ApiKey>,
    credentials: Arc<[String]>,
}

impl Redactor {
    /// For the key, and for the proxies that the environment names.
    #[must_use]
    pub fn new(key: Option<ApiKey>) -> Self {
        let addresses = PROXIES.iter().filter_map(|name| std::env::var(name).ok());
        Self { key, credentials: addresses.flat_map(|address| credentials(&address)).collect() }
    }

    /// The same for another key.
    #[must_use]
    pub fn with_key(self, key: ApiKey) -> Self {
        Self { key: Some(key), ..self }
    }

    /// The text without secrets. What is lent had none.
    #[must_use]
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let text = self.key.as_ref().map_or(Cow::Borrowed(text), |key| key.redact(text));
        self.credentials.iter().fold(text, |text, secret| {
            match foreign_text::mask(&text, secret, usize::MAX) {
                Cow::Borrowed(_) => text,
                Cow::Owned(clean) => Cow::Owned(clean),
            }
        })
    }

    /// The same for everything that `write` writes.
    pub(super) fn cleaning<E: From<io::Error>>(
        &self,
        out: &mut dyn Write,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut lines = Lines { redactor: self, out, block: Vec::new() };
        write(&mut lines)?;
        Ok(lines.pass_on(lines.block.len())?)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

/// Searches whole lines, many at once.
struct Lines<'a> {
    redactor: &'a Redactor,
    out: &'a mut dyn Write,
    block: Vec<u8>,
}

impl Lines<'_> {
    fn pass_on(&mut self, len: usize) -> io::Result<()> {
        let rest = self.block.split_off(len);
        let text = String::from_utf8_lossy(&self.block);
        self.out.write_all(self.redactor.clean(&text).as_bytes())?;
        self.block = rest;
        Ok(())
    }
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.block.extend_from_slice(bytes);
        if self.block.len() >= BLOCK
            && let Some(end) = bytes.iter().rposition(|b| *b == b'\n')
        {
            self.pass_on(self.block.len() - bytes.len() + end + 1)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What an address holds that is nobody's business, as it is sent and as it is written.
fn credentials(address: &str) -> Vec<String> {
    let with_scheme = || Url::parse(&format!("http://{address}"));
    let Ok(url) = Url::parse(address).ok().filter(Url::has_host).map_or_else(with_scheme, Ok) else {
        return Vec::new();
    };
    let Some(password) = url.password().filter(|password| !password.is_empty()) else { return Vec::new() };
    let pair = format!("{}:{password}", url.username());
    let mut found = vec![format!("{pair}@")];
    // Shorter ones would tear words apart.
    let sent = STANDARD.encode(percent_decoded(&pair));
    found.extend([password.to_owned(), sent].into_iter().filter(|secret| secret.len() >= 8));
    found
}

fn percent_decoded(text: &str) -> String {
    // As the value of a form, in which these two mean something else.
    let value = format!("={}", text.replace('+', "%2B").replace('&', "%26"));
    let pair = url::form_urlencoded::parse(value.as_bytes()).next();
    pair.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// The event with `***` where the key was, and with no words of others that are longer than [`WORDS`]: it is kept in the
/// ledger, and written again with every report.
pub(super) fn clean(key: &ApiKey, event: RunEvent) -> RunEvent {
    let json = serde_json::to_string(&event).unwrap_or_default();
    let clean = key.redact(&json);
    if json.len() > WORDS && !is_ours(&event.kind) {
        let mut value: Value = serde_json::from_str(&clean).unwrap_or_default();
        shorten(&mut value);
        return serde_json::from_value(value).unwrap_or(event);
    }
    match clean {
        Cow::Borrowed(_) => event,
        Cow::Owned(clean) => serde_json::from_str(&clean).unwrap_or(event),
    }
}

/// Whether all words in it are those of the manifest.
fn is_ours(kind: &EventKind) -> bool {
    matches!(kind, EventKind::RunStarted { .. } | EventKind::TaskPlanned { .. })
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => *text = foreign_text::cut(std::mem::take(text), WORDS).into_owned(),
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(map) => map.values_mut().for_each(shorten),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Outcome, sample};

    fn key() -> ApiKey {
        ApiKey::new("AIza-secret-key").unwrap()
    }

    #[test]
    fn no_event_repeats_a_key() {
        let plain = sample::event(1, sample::intent("task-0", 1));
        assert_eq!(clean(&key(), plain.clone()), plain);
        let leak =
            sample::ended("task-0", Outcome::Failed, Some("your \n\"key\" is AIza-\u{1B}[1msecret-key"));
        let cleaned = sample::ended("task-0", Outcome::Failed, Some("your \n\"key\" is ***"));
        assert_eq!(clean(&key(), sample::event(2, leak)), sample::event(2, cleaned));
    }

    #[test]
    fn an_event_keeps_no_more_words_than_fit() {
        let long = format!("first{}last", "x".repeat(20 << 20));
        let event = sample::event(1, sample::ended("task-0", Outcome::Failed, Some(&long)));
        let json = serde_json::to_string(&clean(&key(), event)).unwrap();
        assert!(json.len() < 2 * WORDS && json.contains("bytes left out"));
        assert!(json.contains("first") && json.contains("last"));
    }

    #[test]
    fn what_is_written_in_parts_is_searched_as_a_whole() {
        let redactor = Redactor::default().with_key(key());
        let page = format!("{}\nAIza-secret-key\n", "x".repeat(100)).repeat(2_000);
        let mut out = Vec::new();
        let written = redactor
            .cleaning(&mut out, |out| page.as_bytes().chunks(7).try_for_each(|part| out.write_all(part)));
        written.unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), page.replace("AIza-secret-key", "***"));
    }

    #[test]
    fn a_proxy_s_credentials_are_secrets() {
        let redactor =
            |address: &str| Redactor { key: None, credentials: credentials(address).into_iter().collect() };
        let long = redactor("http://me:p%40ssw0rd-1@proxy.example:3128");
        for leak in ["p@ssw0rd-1", "p%40ssw0rd-1", "bWU6cEBzc3cwcmQtMQ=="] {
            assert_eq!(long.clean(&format!("407: {leak}!")), "407: ***!", "{leak}");
        }
        let short = redactor("me:pw@proxy.example:3128");
        assert_eq!(
            short.clean("http://me:pw@proxy.example for me and pw"),
            "http://***proxy.example for me and pw"
        );
        assert!(redactor("http://proxy.example:3128").credentials.is_empty());
        assert!(redactor("nonsense://").credentials.is_empty());
    }
}
