//! Keeps the API key out of the ledger and the reports: the agent, or whoever talks it into it, may repeat it.

use std::borrow::Cow;

use crate::outcome::RunEvent;
use jules::Jules;

/// The event with `***` where the client's key was.
pub(super) fn clean(jules: &Jules, event: RunEvent) -> RunEvent {
    // A key is visible ASCII; in JSON it looks as it is, but for a quote or backslash, which no key has.
    let json = serde_json::to_string(&event).unwrap_or_default();
    match jules.redact(&json) {
        Cow::Borrowed(_) => event,
        Cow::Owned(clean) => serde_json::from_str(&clean).unwrap_or(event),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Outcome, sample};
    use jules::ApiKey;

    #[test]
    fn no_event_repeats_a_key() {
        let jules = Jules::builder().api_key(ApiKey::new("AIza-secret-key").unwrap()).build().unwrap();
        let plain = sample::event(1, sample::intent("task-0", 1));
        assert_eq!(clean(&jules, plain.clone()), plain);
        let leak = sample::ended("task-0", Outcome::Failed, Some("your key is AIza-secret-key"));
        let cleaned = sample::ended("task-0", Outcome::Failed, Some("your key is ***"));
        assert_eq!(clean(&jules, sample::event(2, leak)), sample::event(2, cleaned));
    }
}
