//! Pages of a listing.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::lenient::{put, read_text};
use super::{Activity, Session, Source};

/// A page of a listing. An empty one is `{}` on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The elements that could be read.
    pub items: Vec<T>,
    /// Where others stood that could not be read: before which of the items each.
    pub unreadable: Vec<usize>,
    /// The token that asks for the next page; `None` on the last one. Opaque.
    pub next_page_token: Option<String>,
}

/// A page of sessions, newest first.
pub type SessionPage = Page<Session>;

/// A page of a session's activities, oldest first.
pub type ActivityPage = Page<Activity>;

/// A page of sources.
pub type SourcePage = Page<Source>;

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), unreadable: Vec::new(), next_page_token: None }
    }
}

/// An element of a listing: knows the name of the field that holds its like.
pub(crate) trait Element: Serialize + DeserializeOwned {
    const FIELD: &'static str;
}

impl Element for Session {
    const FIELD: &'static str = "sessions";
}

impl Element for Activity {
    const FIELD: &'static str = "activities";
}

impl Element for Source {
    const FIELD: &'static str = "sources";
}

macro_rules! page_serde {
    ($($element:ty),*) => { $(
        impl<'de> Deserialize<'de> for Page<$element> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(read(BTreeMap::deserialize(deserializer)?))
            }
        }

        impl Serialize for Page<$element> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                write(self).serialize(serializer)
            }
        }
    )* };
}

page_serde!(Session, Activity, Source);

/// Element by element: what is wrong with one (even its text, as half a surrogate pair is) is nothing to the others.
fn read<T: Element>(mut map: BTreeMap<String, Box<RawValue>>) -> Page<T> {
    let mut page = Page {
        items: Vec::new(),
        unreadable: Vec::new(),
        next_page_token: map.remove("nextPageToken").and_then(|field| text(&field)),
    };
    for element in elements(map.remove(T::FIELD)) {
        match serde_json::from_str(element.get()) {
            Ok(item) => page.items.push(item),
            Err(_) => page.unreadable.push(page.items.len()),
        }
    }
    if !page.unreadable.is_empty() {
        tracing::warn!(skipped = page.unreadable.len(), "the service sent elements that cannot be read");
    }
    page
}

/// The elements of a repeated field as they stand in the text; something else than an array is an element that cannot
/// be read.
pub(super) fn elements(field: Option<Box<RawValue>>) -> Vec<Box<RawValue>> {
    let Some(field) = field.filter(|field| field.get() != "null") else { return Vec::new() };
    serde_json::from_str(field.get()).unwrap_or_else(|_| vec![field])
}

/// A text; numbers are taken as they are written, and an empty text counts as missing.
pub(super) fn text(field: &RawValue) -> Option<String> {
    read_text(serde_json::from_str(field.get()).ok()?)
}

fn write<T: Element>(page: &Page<T>) -> Map<String, Value> {
    let mut map = Map::new();
    if !page.items.is_empty() {
        put(&mut map, T::FIELD, &page.items);
    }
    put(&mut map, "nextPageToken", &page.next_page_token);
    map
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_empty_page_is_an_empty_object() {
        let page: SessionPage = serde_json::from_str("{}").unwrap();
        assert_eq!(page, SessionPage::default());
        assert_eq!(serde_json::to_string(&page).unwrap(), "{}");
        let page: ActivityPage =
            serde_json::from_value(json!({"activities": null, "nextPageToken": ""})).unwrap();
        assert_eq!(page, ActivityPage::default());
    }

    #[test]
    fn one_odd_element_does_not_fail_its_page() {
        let page: SessionPage = serde_json::from_value(json!({
            "sessions": [{"id": "1"}, {"id": "a/b"}, 7, null, {"id": "2", "state": "NAPPING"}],
            "nextPageToken": "more",
        }))
        .unwrap();
        let ids: Vec<_> = page.items.iter().map(|session| session.id.as_str()).collect();
        assert_eq!(ids, ["1", "2"]);
        assert_eq!((page.next_page_token.as_deref(), page.unreadable), (Some("more"), vec![1, 1, 1]));
    }

    #[test]
    fn half_a_surrogate_pair_fails_its_element_alone() {
        let text = r#"{"sessions": [{"id": "1", "prompt": "\ud83d"}, {"id": "2"}], "nextPageToken": "more"}"#;
        let page: SessionPage = serde_json::from_str(text).unwrap();
        assert_eq!((page.items[0].id.as_str(), page.items.len(), page.unreadable), ("2", 1, vec![0]));
        assert_eq!(page.next_page_token.as_deref(), Some("more"));
    }

    #[test]
    fn something_else_than_an_object_is_not_a_page() {
        assert!(serde_json::from_str::<SourcePage>("[]").is_err());
    }
}
