//! A page of sessions of which only some are wanted: the others are passed over while the text is read.
//!
//! Polling reads the same pages again and again, and most of what stands in them (prompts, patches of sessions that
//! have long ended) is for nobody. Passing over a text costs a fraction of taking it in.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::lenient::read_all;
use super::{Session, SessionOutput, SessionState};
use crate::SessionId;

/// Some of the sessions of a page, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Sightings {
    /// The wanted sessions and their places on the page, from 0. Prompts and source contexts are left out.
    pub found: Vec<(usize, Session)>,
    /// How many sessions the page holds.
    pub count: usize,
    /// The token that asks for the next page; `None` on the last one.
    pub next_page_token: Option<String>,
    /// The size of the page in bytes.
    pub bytes: usize,
}

impl Sightings {
    /// Reads a page and keeps the sessions that are wanted.
    pub(crate) fn read(body: &[u8], wanted: impl Fn(&SessionId) -> bool) -> Result<Self, serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        let page = PageSeed { wanted: &wanted }.deserialize(&mut reader)?;
        reader.end()?;
        Ok(Self { bytes: body.len(), ..page })
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum PageField {
    Sessions,
    NextPageToken,
    #[serde(other)]
    Other,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum SessionField {
    Name,
    Id,
    Title,
    State,
    Url,
    CreateTime,
    UpdateTime,
    Outputs,
    Archived,
    #[serde(other)]
    Other,
}

#[derive(Clone, Copy)]
struct PageSeed<'w> {
    wanted: &'w dyn Fn(&SessionId) -> bool,
}

impl<'de> DeserializeSeed<'de> for PageSeed<'_> {
    type Value = Sightings;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Sightings, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PageSeed<'_> {
    type Value = Sightings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page of sessions")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sightings, A::Error> {
        let mut page = Sightings::default();
        while let Some(field) = map.next_key()? {
            match field {
                PageField::Sessions => {
                    map.next_value_seed(Elements { wanted: self.wanted, page: &mut page })?;
                }
                PageField::NextPageToken => {
                    let token = map.next_value_seed(Text { or_number: true })?;
                    page.next_page_token = token.filter(|token| !token.is_empty()).map(Cow::into_owned);
                }
                PageField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(page)
    }
}

/// Visits values of other types than the wanted one: they are passed over.
macro_rules! or_else_default {
    ($($method:ident: $type:ty),*) => { $(
        fn $method<E>(self, _: $type) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    )* };
    () => { or_else_default!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str); };
}

/// Visits a `null`.
macro_rules! or_null {
    () => {
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
}

/// Passes over a list.
macro_rules! or_list {
    () => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
}

/// Passes over an object.
macro_rules! or_object {
    () => {
        fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
}

/// The sessions of a page. Something else than a list counts as an empty one.
struct Elements<'w, 'p> {
    wanted: &'w dyn Fn(&SessionId) -> bool,
    page: &'p mut Sightings,
}

impl<'de> DeserializeSeed<'de> for Elements<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sessions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(session) = elements.next_element_seed(Element { wanted: self.wanted })? {
            self.page.found.extend(session.map(|session| (self.page.count, session)));
            self.page.count += 1;
        }
        Ok(())
    }

    or_else_default!();
    or_null!();
    or_object!();
}

/// One session, if it is wanted. Something else than an object is none.
struct Element<'w> {
    wanted: &'w dyn Fn(&SessionId) -> bool,
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = Option<Session>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = Option<Session>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut seen = Seen::default();
        // The id comes first in every answer seen; were it otherwise, more would be read, to be dropped.
        let (mut wanted, mut asked) = (true, false);
        while let Some(field) = map.next_key()? {
            if !wanted {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            seen.take(field, &mut map)?;
            if let Some(id) = seen.id().filter(|_| !asked) {
                (wanted, asked) = ((self.wanted)(id), true);
            }
        }
        Ok(if wanted { seen.into_session() } else { None })
    }

    or_else_default!();
    or_null!();
    or_list!();
}

/// What was read of a session so far.
#[derive(Default)]
struct Seen {
    /// From `name`, which wins.
    name: Option<SessionId>,
    id: Option<SessionId>,
    title: Option<String>,
    state: Option<SessionState>,
    url: Option<String>,
    create_time: Option<Timestamp>,
    update_time: Option<Timestamp>,
    outputs: Vec<SessionOutput>,
    archived: bool,
}

impl Seen {
    fn take<'de, A: MapAccess<'de>>(&mut self, field: SessionField, map: &mut A) -> Result<(), A::Error> {
        let mut text = |or_number| map.next_value_seed(Text { or_number });
        match field {
            SessionField::Name => self.name = text(true)?.and_then(|text| SessionId::new(&text).ok()),
            SessionField::Id => self.id = text(true)?.and_then(|text| SessionId::new(&text).ok()),
            SessionField::Title => self.title = text(false)?.map(Cow::into_owned),
            SessionField::State => self.state = text(false)?.map(|text| SessionState::from(&*text)),
            SessionField::Url => self.url = text(false)?.map(Cow::into_owned),
            SessionField::CreateTime => self.create_time = text(false)?.and_then(|text| text.parse().ok()),
            SessionField::UpdateTime => self.update_time = text(false)?.and_then(|text| text.parse().ok()),
            SessionField::Outputs => self.outputs = read_all(map.next_value()?),
            SessionField::Archived => self.archived = map.next_value::<Value>()? == true,
            SessionField::Other => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }

    fn id(&self) -> Option<&SessionId> {
        self.name.as_ref().or(self.id.as_ref())
    }

    fn into_session(self) -> Option<Session> {
        Some(Session {
            title: self.title,
            state: self.state,
            url: self.url,
            create_time: self.create_time,
            update_time: self.update_time,
            outputs: self.outputs,
            archived: self.archived,
            ..Session::new(self.name.or(self.id)?)
        })
    }
}

/// A text, borrowed from the page where that is possible; anything else is none.
struct Text {
    /// A number counts as its digits.
    or_number: bool,
}

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.or_number.then(|| Cow::Owned(number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.or_number.then(|| Cow::Owned(number.to_string())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(self.or_number.then(|| Cow::Owned(Value::from(number).to_string())))
    }

    or_else_default!(visit_bool: bool);
    or_null!();
    or_list!();
    or_object!();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::SessionPage;

    fn all(page: &Value) -> Sightings {
        Sightings::read(page.to_string().as_bytes(), |_| true).unwrap()
    }

    #[test]
    fn only_the_wanted_are_kept_with_their_places() {
        let page = json!({"nextPageToken": "more", "sessions": [
            {"name": "sessions/1", "prompt": "p"},
            {"id": "2", "state": "COMPLETED", "outputs": [{"pullRequest": {"url": "https://github.com/o/r/pull/3"}}]},
            {"outputs": "odd", "name": "sessions/3"},
        ]});
        let page = Sightings::read(page.to_string().as_bytes(), |id| id.as_str() != "1").unwrap();
        let found: Vec<_> = page.found.iter().map(|(place, session)| (*place, session.id.as_str())).collect();
        assert_eq!((found, page.count), (vec![(1, "2"), (2, "3")], 3));
        assert_eq!(page.next_page_token.as_deref(), Some("more"));
        assert_eq!(page.found[0].1.pull_request().unwrap().number(), Some(3));
    }

    #[test]
    fn an_empty_or_odd_page_is_read_and_a_broken_one_is_not() {
        for page in
            [json!({}), json!({"sessions": null, "nextPageToken": ""}), json!({"sessions": {"a": [1]}})]
        {
            let read = all(&page);
            assert_eq!((read.count, read.found.len(), read.next_page_token), (0, 0, None), "{page}");
        }
        for broken in ["", "[]", "{\"sessions\": [", "{} {}"] {
            assert!(Sightings::read(broken.as_bytes(), |_| true).is_err(), "{broken}");
        }
    }

    /// Values as odd as JSON allows.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u32>().prop_map(Value::from),
            Just(json!(-1)),
            Just(json!(1.5)),
            "[a-z\"\\\\é]{0,6}".prop_map(Value::from),
            Just(json!("COMPLETED")),
            Just(json!("2026-11-22T02:00:05.5Z")),
            Just(json!("sessions/7")),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("(pullRequest|url|x)", inner, 0..3).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_what_the_full_reading_reads(sessions in prop::collection::vec(
            prop::collection::btree_map("(name|id|title|state|url|createTime|updateTime|outputs|archived|odd)", value(), 0..8),
            0..4,
        )) {
            let page = json!({"sessions": sessions});
            let full: SessionPage = serde_json::from_value(page.clone()).unwrap();
            let read: Vec<Session> = all(&page).found.into_iter().map(|(_, session)| session).collect();
            prop_assert_eq!(read, full.items);
        }
    }
}
