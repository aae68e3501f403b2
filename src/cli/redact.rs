//! Keeps the API key out of everything that is written: the agent, or whoever talks it into it, may repeat it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::api::{ApiKey, KEY_FILE_VARIABLE, KEY_VARIABLE};
use crate::outcome::{Observer, ObserverError, RunEvent};

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

    /// The event without a key, if there was one in it.
    fn cleaned(&self, event: &RunEvent) -> Option<RunEvent> {
        if self.keys.is_empty() {
            return None;
        }
        // A key is visible ASCII; in JSON it looks as it is, but for a quote or backslash, which no key has.
        let json = serde_json::to_string(event).ok()?;
        match self.clean(&json) {
            Cow::Borrowed(_) => None,
            Cow::Owned(clean) => serde_json::from_str(&clean).ok(),
        }
    }
}

/// Observers that never see a key.
pub(crate) struct Redacting {
    pub(crate) redactor: Redactor,
    pub(crate) observers: Vec<Box<dyn Observer>>,
}

impl Observer for Redacting {
    fn observe(&mut self, events: &[RunEvent]) -> Result<(), ObserverError> {
        let cleaned: Vec<_> = events.iter().map(|event| self.redactor.cleaned(event)).collect();
        let mut shown = Cow::Borrowed(events);
        for (at, event) in cleaned.into_iter().enumerate() {
            if let Some(event) = event {
                shown.to_mut()[at] = event;
            }
        }
        // One that cannot keep them is no reason for the others not to know.
        self.observers.iter_mut().map(|observer| observer.observe(&shown)).fold(Ok(()), Result::and)
    }

    fn flush(&mut self) -> Result<(), ObserverError> {
        // What the others know is worth keeping although one of them failed.
        self.observers.iter_mut().map(|observer| observer.flush()).fold(Ok(()), Result::and)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

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
    fn no_observer_sees_a_key_that_the_agent_repeats() {
        struct Seen(Arc<Mutex<Vec<RunEvent>>>);
        impl Observer for Seen {
            fn observe(&mut self, events: &[RunEvent]) -> Result<(), ObserverError> {
                self.0.lock().unwrap().extend_from_slice(events);
                Ok(())
            }
        }
        let seen = Arc::new(Mutex::new(Vec::new()));
        let observers: Vec<Box<dyn Observer>> = vec![Box::new(Seen(Arc::clone(&seen)))];
        let mut redacting = Redacting { redactor: redactor(), observers };
        let plain = sample::event(1, sample::intent("task-0", 1));
        let leak = sample::ended("task-0", Outcome::Failed, Some("your key is AIza-secret-key"));
        redacting.observe(&[plain.clone(), sample::event(2, leak)]).unwrap();
        let seen = seen.lock().unwrap();
        assert_eq!(seen[0], plain);
        let clean = sample::ended("task-0", Outcome::Failed, Some("your key is ***"));
        assert_eq!(seen[1], sample::event(2, clean));
    }
}
