//! Any answer to `activities.list` and `activities.get`.

use jules::{Activity, ActivityPage, Artifact, Session, SessionId, SessionSnapshot};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What must hold.
pub(crate) fn check(bytes: &[u8]) {
    if let Some(page) = read_again::<ActivityPage>(bytes) {
        page.items.iter().for_each(use_up);
        at_a_glance(page.items);
    }
    if let Some(activity) = read_again::<Activity>(bytes) {
        use_up(&activity);
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

/// Does with it what commands do.
fn use_up(activity: &Activity) {
    let _ = (activity.is_from_agent(), activity.is_end(), activity.change_set().is_some());
    for text in [activity.message(), activity.description.as_deref()].into_iter().flatten() {
        tame(&foreign_text::line(text));
        tame(&foreign_text::block(text));
    }
    for artifact in &activity.artifacts {
        match artifact {
            Artifact::ChangeSet(changes) => drop((changes.diff(), changes.generated_files())),
            Artifact::Media(media) => drop(media.bytes()),
            _ => {}
        }
    }
}

/// What `snapshot()` makes of them.
fn at_a_glance(activities: Vec<Activity>) {
    let Ok(id) = SessionId::new("1") else { return };
    let lines: Vec<String> = activities.iter().map(ToString::to_string).collect();
    for line in lines {
        assert!(!line.contains('\n'), "{line:?}");
        tame(&line);
    }
    let snapshot = SessionSnapshot::new(Session::new(id), activities);
    tame(&snapshot.to_markdown());
    let _: serde_json::Value = serde_json::from_str(&snapshot.to_json()).expect("JSON");
}

fn tame(text: &str) {
    assert!(!text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')), "{text:?}");
    for line in text.lines() {
        assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "{line:?}");
    }
}
