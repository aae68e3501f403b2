//! A page of sessions of which only some are wanted: the others are passed over while the text is read.
//!
//! Polling reads the same pages again and again, and most of what stands in them (prompts, patches of sessions that
//! have long ended) is for nobody. Passing over a text costs a fraction of taking it in.

use std::borrow::Cow;
use std::collections::BTreeMap;

use foreign_text::cut;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::lenient::{TITLE, read_all};
use super::page::{elements, text};
use super::{Session, SessionState};
use crate::SessionId;

/// Some of the sessions of a page, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FoundSessions {
    /// The wanted sessions and their places on the page, from 0. Prompts and source contexts are left out.
    pub found: Vec<(usize, Session)>,
    /// How many sessions the page holds.
    pub count: usize,
    /// The token that asks for the next page; `None` on the last one.
    pub next_page_token: Option<String>,
    /// The size of the page in bytes.
    pub bytes: usize,
}

impl FoundSessions {
    /// Reads a page and keeps the sessions that are wanted.
    pub(crate) fn read(body: &[u8], wanted: impl Fn(&SessionId) -> bool) -> Result<Self, serde_json::Error> {
        let Ok(page) = serde_json::from_slice::<PlainPage<'_>>(body) else {
            return Self::read_odd(body, wanted);
        };
        let sessions = page.sessions.unwrap_or_default();
        Ok(Self {
            count: sessions.len(),
            found: (0..).zip(sessions).filter_map(|(at, one)| Some((at, one.read(&wanted)?))).collect(),
            next_page_token: owned(page.next_page_token).filter(|token| !token.is_empty()),
            bytes: body.len(),
        })
    }

    /// Reads a page with a value of another type than is known: piece by piece, which costs more.
    fn read_odd(body: &[u8], wanted: impl Fn(&SessionId) -> bool) -> Result<Self, serde_json::Error> {
        let mut page: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(body)?;
        let sessions = elements(page.remove("sessions"));
        let read = |session: Box<RawValue>| {
            let session = serde_json::from_str::<Session>(session.get()).ok()?;
            let session = Session { prompt: None, source_context: None, ..session };
            wanted(&session.id).then_some(session)
        };
        Ok(Self {
            count: sessions.len(),
            found: (0..).zip(sessions).filter_map(|(at, one)| Some((at, read(one)?))).collect(),
            next_page_token: page.remove("nextPageToken").and_then(|field| text(&field)),
            bytes: body.len(),
        })
    }
}

/// A page with nothing but values of the known types.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlainPage<'a> {
    #[serde(borrow)]
    sessions: Option<Vec<PlainSession<'a>>>,
    next_page_token: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlainSession<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    id: Option<Text<'a>>,
    title: Option<Text<'a>>,
    state: Option<Text<'a>>,
    url: Option<Text<'a>>,
    create_time: Option<Text<'a>>,
    update_time: Option<Text<'a>>,
    outputs: Option<&'a RawValue>,
    #[serde(default)]
    archived: bool,
}

/// Borrowed from the page where no escape stands in it. A type of its own, as serde borrows no `Option<Cow<str>>`.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl PlainSession<'_> {
    fn read(self, wanted: impl Fn(&SessionId) -> bool) -> Option<Session> {
        let id = [self.name, self.id].into_iter().flatten().find_map(|text| SessionId::new(&text.0).ok());
        let time = |text: Option<Text<'_>>| text?.0.parse().ok();
        Some(Session {
            title: owned(self.title).map(|title| cut(title, TITLE).into_owned()),
            state: self.state.map(|text| SessionState::from(&*text.0)),
            url: owned(self.url),
            create_time: time(self.create_time),
            update_time: time(self.update_time),
            outputs: self
                .outputs
                .and_then(|raw| serde_json::from_str(raw.get()).ok())
                .map_or_else(Vec::new, read_all),
            archived: self.archived,
            ..Session::new(id.filter(wanted)?)
        })
    }
}

fn owned(text: Option<Text<'_>>) -> Option<String> {
    text.map(|text| text.0.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::SessionPage;

    fn all(page: &Value) -> FoundSessions {
        FoundSessions::read(page.to_string().as_bytes(), |_| true).unwrap()
    }

    #[test]
    fn only_the_wanted_are_kept_with_their_places() {
        let page = json!({"nextPageToken": "more", "sessions": [
            {"name": "sessions/1", "prompt": "p"},
            {"id": "2", "state": "COMPLETED", "outputs": [{"pullRequest": {"url": "https://github.com/o/r/pull/3"}}]},
            {"outputs": "odd", "name": "sessions/3"},
        ]});
        let page = FoundSessions::read(page.to_string().as_bytes(), |id| id.as_str() != "1").unwrap();
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
            assert_eq!((read.found.len(), read.next_page_token), (0, None), "{page}");
        }
        for broken in ["", "[]", "{\"sessions\": [", "{} {}"] {
            assert!(FoundSessions::read(broken.as_bytes(), |_| true).is_err(), "{broken}");
        }
    }

    fn text() -> impl Strategy<Value = Value> {
        prop_oneof![
            "[a-z\"\\\\é]{0,6}".prop_map(Value::from),
            Just(json!("COMPLETED")),
            Just(json!("2026-11-22T02:00:05.5Z")),
            Just(json!("sessions/7")),
        ]
    }

    #[test]
    fn half_a_surrogate_pair_fails_its_session_alone() {
        let body = r#"{"sessions": [{"id": "1", "title": "\ud83d"}, {"id": "2"}]}"#;
        let page = FoundSessions::read(body.as_bytes(), |_| true).unwrap();
        assert_eq!((page.count, page.found.len(), page.found[0].0), (2, 1, 1));
    }

    /// Values as odd as JSON allows.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            text(),
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u32>().prop_map(Value::from),
            Just(json!(-1)),
            Just(json!(1.5)),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("(pullRequest|url|x)", inner, 0..3).prop_map(|map| json!(map)),
            ]
        })
    }

    fn sessions(
        fields: &'static str,
        value: impl Strategy<Value = Value>,
    ) -> impl Strategy<Value = Vec<BTreeMap<String, Value>>> {
        prop::collection::vec(prop::collection::btree_map(fields, value, 0..8), 0..4)
    }

    proptest! {
        #[test]
        fn reads_what_the_full_reading_reads(sessions in prop_oneof![
            sessions("(name|id|title|state|url|createTime|updateTime|outputs|odd)", text()),
            sessions("(name|id|title|state|url|createTime|updateTime|outputs|archived|odd)", value()),
        ]) {
            let page = json!({"sessions": sessions});
            let full: SessionPage = serde_json::from_value(page.clone()).unwrap();
            let read: Vec<Session> = all(&page).found.into_iter().map(|(_, session)| session).collect();
            prop_assert_eq!(read, full.items);
        }
    }
}
