//! Any text where a name is expected: of a session, an activity, a source, a pull request; a cursor, a marker, a pull
//! request's body.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use jules::{ActivityId, Cursor, PullRequest, PullRequestName, SessionId, SourceName, TitleMarker};

/// What must hold.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(id) = text.parse::<SessionId>() {
        path_segment(id.as_str());
        // Alone it could be a branch's name.
        assert_eq!(id.name().parse(), Ok(id));
    }
    if let Some(id) = read_again::<ActivityId>(text) {
        path_segment(id.as_str());
    }
    if let Some(source) = read_again::<SourceName>(text) {
        source.as_str().split('/').for_each(path_segment);
    }
    if let Some(pull_request) = read_again::<PullRequestName>(text) {
        pull_request.repository().split('/').for_each(path_segment);
        assert_eq!(PullRequestName::of_url(&pull_request.url()), Some(pull_request));
    }
    if let Some(pull_request) = PullRequestName::of_url(text) {
        assert_eq!(PullRequestName::new(text), Ok(pull_request));
    }
    if let Some(marker) = read_again::<TitleMarker>(text) {
        assert_eq!(TitleMarker::of_title(&marker.title(text)), Some(marker));
    }
    if let Some(marker) = TitleMarker::of_title(text) {
        assert_eq!(TitleMarker::of_title(&marker.title("Fix it")), Some(marker));
    }
    let (body, branch) = text.split_once('\0').unwrap_or((text, ""));
    if let Some(id) = PullRequest::session_of(body, branch) {
        path_segment(id.as_str());
    }
    if let Ok(cursor) = text.parse::<Cursor>() {
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }
}

/// Reads it; what was understood is understood the same way when it is written and read a second time.
fn read_again<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(text: &str) -> Option<T> {
    let name: T = text.parse().ok()?;
    assert_eq!(name.to_string().parse::<T>().expect("what we wrote we read"), name);
    Some(name)
}

/// It goes into addresses: it leads nowhere else.
fn path_segment(text: &str) {
    assert!(
        !text.is_empty() && !text.contains(['/', '?', '#', '%', '\\']) && !matches!(text, "." | ".."),
        "{text:?}"
    );
}
