//! Pages of a listing.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::lenient::{put, take_all, take_text};
use super::{Activity, Session, Source};

/// A page of a listing. An empty one is `{}` on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The elements that could be read.
    pub items: Vec<T>,
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
        Self { items: Vec::new(), next_page_token: None }
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
                read(Map::deserialize(deserializer)?)
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

fn read<T: Element, E>(mut map: Map<String, Value>) -> Result<Page<T>, E> {
    Ok(Page { items: take_all(&mut map, T::FIELD), next_page_token: take_text(&mut map, "nextPageToken") })
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
        assert_eq!(page.next_page_token.as_deref(), Some("more"));
    }

    #[test]
    fn something_else_than_an_object_is_not_a_page() {
        assert!(serde_json::from_str::<SourcePage>("[]").is_err());
    }
}
