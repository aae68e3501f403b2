//! Keeps the API key out of what is printed: the agent, or whoever talks it into it, may repeat it.

use std::borrow::Cow;
use std::sync::Arc;

use jules::{ApiKey, KEY_FILE_VARIABLE, KEY_VARIABLE};

/// Takes the keys of this process out of text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redactor {
    keys: Arc<[ApiKey]>,
}

impl Redactor {
    /// For the keys that the environment names.
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
    pub(crate) fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.keys.iter().fold(Cow::Borrowed(text), |text, key| match key.redact(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(clean) => Cow::Owned(clean),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new([ApiKey::new("AIza-secret-key").unwrap()])
    }

    #[test]
    fn a_key_becomes_stars() {
        assert_eq!(redactor().clean("it is AIza-secret-key."), "it is ***.");
        assert!(matches!(redactor().clean("nothing here"), Cow::Borrowed(_)));
        assert_eq!(Redactor::default().clean("AIza-secret-key"), "AIza-secret-key");
    }
}
