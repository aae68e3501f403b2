//! Any answer to `sessions.create`, `sessions.get` and `sessions.list`, and to the two of sources.

use jules::{PullRequest, Session, SessionPage, Source, SourceContext, SourcePage};
use jules_batch::outcome::Marker;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What must hold.
pub(crate) fn check(bytes: &[u8]) {
    if let Some(page) = read_again::<SessionPage>(bytes) {
        page.items.iter().for_each(use_up);
    }
    if let Some(session) = read_again::<Session>(bytes) {
        use_up(&session);
    }
    let page = read_again::<SourcePage>(bytes).map(|page| page.items).unwrap_or_default();
    for source in page.into_iter().chain(read_again::<Source>(bytes)) {
        let _ = (source.github(), source.default_branch().is_some(), source.branches().count());
    }
}

/// Reads it; what was understood is understood the same way a second time.
fn read_again<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(bytes).ok()?;
    let written = serde_json::to_value(&value).expect("what came as JSON goes as JSON");
    let again: T = serde_json::from_value(written.clone()).expect("what we wrote we read");
    let again = serde_json::to_value(&again).expect("what came as JSON goes as JSON");
    assert_eq!(written, again);
    Some(value)
}

/// Does with it what the client and the engine do.
fn use_up(session: &Session) {
    let _ = (session.is_terminal(), session.pull_request().and_then(PullRequest::number));
    let _ = session.source_context.as_ref().and_then(SourceContext::source_name);
    if let Some(changes) = session.change_set() {
        let _ = (changes.diff(), changes.generated_files());
    }
    if let Some(marker) = session.title.as_deref().and_then(Marker::of_title) {
        assert_eq!(marker.to_string().parse(), Ok(marker));
    }
}
