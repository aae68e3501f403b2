//! Keeps the API key out of everything that is written: the agent, or whoever talks it into it, may repeat it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::api::{ApiKey, KEY_FILE_VARIABLE, KEY_VARIABLE};
use crate::outcome::RunEvent;

/// Takes the keys of this process out of text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redactor {
    keys: Arc<[ApiKey]>,
}

impl Redactor {
    /// For the keys that the environment names.
    #[must_use]
    pub(crate) fn from_env() -> Self {
        let direct = std::env::var(KEY_VARIABLE).ok();
        let from_file = || {
            let path = std::env::var_os(KEY_FILE_VARIABLE).filter(|path| !path.is_empty())?;
            std::fs::read_to_string(path).ok()
        };
        Self::new(direct.into_iter().chain(from_file()).filter_map(|text| ApiKey::new(&text).ok()))
    }

    fn new(keys: impl IntoIterator<Item = ApiKey>) -> Self {
        Self { keys: keys.into_iter().collect() }
    }

    /// The text with `***` where a key was.
    #[must_use]
    pub(crate) fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.keys.iter().fold(Cow::Borrowed(text), |text, key| match key.redact(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(clean) => Cow::Owned(clean),
        })
    }

    /// The event with `***` where a key was.
    #[must_use]
    pub(crate) fn clean_event(&self, event: RunEvent) -> RunEvent {
        if self.keys.is_empty() {
            return event;
        }
        // A key is visible ASCII; in JSON it looks as it is, but for a quote or backslash, which no key has.
        let json = serde_json::to_string(&event).unwrap_or_default();
        match self.clean(&json) {
            Cow::Borrowed(_) => event,
            Cow::Owned(clean) => serde_json::from_str(&clean).unwrap_or(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::progress::sample;
    use crate::outcome::Outcome;

    fn redactor() -> Redactor {
        Redactor::new([ApiKey::new("AIza-secret-key").unwrap()])
    }

    #[test]
    fn a_key_becomes_stars() {
        assert_eq!(redactor().clean("it is AIza-secret-key."), "it is ***.");
        assert!(matches!(redactor().clean("nothing here"), Cow::Borrowed(_)));
        assert_eq!(Redactor::default().clean("AIza-secret-key"), "AIza-secret-key");
    }

    #[test]
    fn no_event_repeats_a_key() {
        let plain = sample::event(1, sample::intent("task-0", 1));
        assert_eq!(redactor().clean_event(plain.clone()), plain);
        let leak = sample::ended("task-0", Outcome::Failed, Some("your key is AIza-secret-key"));
        let clean = sample::ended("task-0", Outcome::Failed, Some("your key is ***"));
        assert_eq!(redactor().clean_event(sample::event(2, leak)), sample::event(2, clean));
    }
}
