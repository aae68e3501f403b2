//! GraphQL's answers: data with errors beside it, told apart for each thing that was asked for.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::limit::is_about_limits;
use super::transport::Answer;
use super::unreadable::{Reading, Unreadable, UnreadableKind};

/// An answer that has something to say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct GraphAnswer {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Vec<GraphError>,
}

#[derive(Debug, Default, Deserialize)]
struct GraphError {
    #[serde(default)]
    message: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    path: Option<Vec<Value>>,
}

/// What is left of the hour's points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RateLeft {
    /// What the query took.
    pub(super) cost: u64,
    pub(crate) remaining: u64,
    pub(crate) reset_at: Timestamp,
}

/// Why an answer says nothing of anything.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// A rate limit.
    Limited(String),
    /// It took too long, or too much: less may do.
    TooMuch(String),
    /// It says the same of all that was asked for.
    All(Unreadable),
}

impl Failure {
    fn all(kind: UnreadableKind, said: &str) -> Self {
        Self::All(Unreadable::new(kind, said))
    }
}

/// Something that a field of the answer could not tell: its name, and why.
pub(super) type Gap = (String, String);

impl GraphAnswer {
    pub(super) fn read(answer: &Answer) -> Result<Self, Failure> {
        if !answer.is_success() {
            return Err(refusal(answer));
        }
        let Ok(read) = serde_json::from_slice::<Self>(&answer.body) else {
            return Err(Failure::TooMuch("the answer is no JSON".to_owned()));
        };
        match read.failure() {
            Some(failure) => Err(failure),
            None => Ok(read),
        }
    }

    fn failure(&self) -> Option<Failure> {
        let is_empty = self.data.is_null();
        let whole = |error: &&GraphError| error.path.as_ref().is_none_or(Vec::is_empty);
        let error = self.errors.iter().find(|error| error.is_too_much()).or_else(|| {
            let pathless = self.errors.iter().filter(|_| is_empty).find(whole);
            pathless.or_else(|| self.errors.first().filter(|_| is_empty))
        });
        match error {
            Some(error) if error.is_too_much() => Some(Failure::TooMuch(error.message.clone())),
            Some(error) if error.is_limit() => Some(Failure::Limited(error.message.clone())),
            Some(error) => Some(Failure::All(error.unreadable())),
            None if is_empty => Some(Failure::TooMuch("the answer is empty".to_owned())),
            None => None,
        }
    }

    pub(super) fn rate(&self) -> Option<RateLeft> {
        RateLeft::deserialize(self.data.get("rateLimit")?).ok()
    }

    /// The type and the words of the first error about a path; the type is empty where GitHub names none.
    pub(super) fn error_about(&self, path: &[Value]) -> Option<(&str, &str)> {
        let error = self.errors.iter().find(|error| error.is_about(path))?;
        Some((error.kind(), &error.message))
    }

    /// Takes out what is at a path, with what could not be told of it. A null without a word is no "none" either.
    pub(super) fn take<T: DeserializeOwned>(&mut self, path: &[Value]) -> Reading<(T, Vec<Gap>)> {
        let value = at(&mut self.data, path).map(Value::take).unwrap_or_default();
        let mut errors = self.errors.iter().filter(|error| error.is_about(path));
        if value.is_null() {
            return Err(errors.next().map_or_else(left_out, GraphError::unreadable));
        }
        let gap = |error: &GraphError| {
            let field = error.path.as_ref()?.get(path.len())?.as_str()?;
            Some((field.to_owned(), error.message.clone()))
        };
        let gaps = errors.filter_map(gap).collect();
        let read = serde_json::from_value(value).map(|read| (read, gaps));
        read.map_err(|error| {
            Unreadable::new(
                UnreadableKind::Unanswered,
                &format!("GitHub's answer is not understood: {error}"),
            )
        })
    }
}

impl GraphError {
    fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or_default()
    }

    fn is_limit(&self) -> bool {
        matches!(self.kind(), "RATE_LIMIT" | "RATE_LIMITED") || is_about_limits(&self.message)
    }

    /// A part of the data may be there, but nothing tells which part is whole.
    fn is_too_much(&self) -> bool {
        let is_whole = self.path.as_ref().is_none_or(Vec::is_empty);
        matches!(self.kind(), "RESOURCE_LIMITS_EXCEEDED" | "MAX_NODE_LIMIT_EXCEEDED")
            || is_whole && self.message.starts_with("Something went wrong while executing your query")
    }

    /// Whether it is about what is at the path, about something above that or about a part of it.
    fn is_about(&self, path: &[Value]) -> bool {
        self.path.as_ref().is_none_or(|own| own.iter().zip(path).all(|(own, other)| own == other))
    }

    fn unreadable(&self) -> Unreadable {
        let is_sign_on = self.message.contains("SAML") || self.message.contains("single sign-on");
        let kind = match self.kind() {
            "FORBIDDEN" | "INSUFFICIENT_SCOPES" if is_sign_on => UnreadableKind::SignOn,
            "FORBIDDEN" | "INSUFFICIENT_SCOPES" => UnreadableKind::Forbidden,
            "NOT_FOUND" => UnreadableKind::Gone,
            _ => UnreadableKind::Unanswered,
        };
        Unreadable::new(kind, &self.message)
    }
}

fn refusal(answer: &Answer) -> Failure {
    let said = answer.said();
    match answer.status {
        status if answer.told.is_limit(status, &said) => Failure::Limited(said),
        401 => Failure::all(UnreadableKind::BadToken, &said),
        403 if said.contains("SAML") => Failure::all(UnreadableKind::SignOn, &said),
        403 => Failure::all(UnreadableKind::Forbidden, &said),
        408 | 500..=599 => Failure::TooMuch(said),
        status => Failure::all(UnreadableKind::Unanswered, &format!("status {status}: {said}")),
    }
}

fn left_out() -> Unreadable {
    Unreadable::new(UnreadableKind::Unanswered, "GitHub's answer leaves it out")
}

fn at<'a>(data: &'a mut Value, path: &[Value]) -> Option<&'a mut Value> {
    path.iter().try_fold(data, |value, part| match (part.as_str(), part.as_u64()) {
        (Some(name), _) => value.get_mut(name),
        (None, Some(place)) => value.get_mut(usize::try_from(place).ok()?),
        (None, None) => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::github::query::{node, numbered};

    fn answer(status: u16, body: &Value) -> Result<GraphAnswer, Failure> {
        let (told, body) = (Default::default(), body.to_string().into_bytes());
        GraphAnswer::read(&Answer { status, told, body, goes_on: false })
    }

    fn kind(answer: &mut GraphAnswer, path: &[Value]) -> UnreadableKind {
        answer.take::<Value>(path).unwrap_err().kind
    }

    #[test]
    fn errors_belong_to_what_they_are_about() {
        let mut answer = answer(
            200,
            &json!({
                "data": { "nodes": [{ "x": null }, null, null, null, { "x": 1 }], "p0": null, "p1": { "pullRequest": null } },
                "errors": [
                    { "type": "FORBIDDEN", "path": ["nodes", 0, "x", "y"], "message": "No x." },
                    { "type": "NOT_FOUND", "path": ["nodes", 1], "message": "Gone." },
                    { "type": "FORBIDDEN", "path": ["nodes", 2], "message": "… SAML enforcement …" },
                    { "type": "NOT_FOUND", "path": ["p0"], "message": "No repository." },
                    { "type": "SERVICE_UNAVAILABLE", "path": ["p1", "pullRequest"], "message": "Later." },
                ],
            }),
        )
        .unwrap();
        let (value, gaps) = answer.take::<Value>(&node(0)).unwrap();
        assert_eq!((value, gaps), (json!({ "x": null }), vec![("x".to_owned(), "No x.".to_owned())]));
        assert_eq!(kind(&mut answer, &node(1)), UnreadableKind::Gone);
        assert_eq!(kind(&mut answer, &node(2)), UnreadableKind::SignOn);
        assert_eq!(kind(&mut answer, &node(3)), UnreadableKind::Unanswered, "left out without a word");
        assert_eq!(answer.take::<Value>(&node(4)).unwrap().1, []);
        assert_eq!(kind(&mut answer, &node(5)), UnreadableKind::Unanswered, "shorter than asked");
        assert_eq!(kind(&mut answer, &numbered(0)), UnreadableKind::Gone);
        assert_eq!(kind(&mut answer, &numbered(1)), UnreadableKind::Unanswered);
    }

    #[test]
    fn an_answer_without_data_says_why() {
        let of = |status, body: Value| answer(status, &body).unwrap_err();
        let error = |kind: &str, message: &str| json!({ "errors": [{ "type": kind, "message": message }] });
        let limited = of(200, error("RATE_LIMIT", "API rate limit exceeded for user ID 1."));
        assert!(matches!(limited, Failure::Limited(_)));
        assert!(matches!(of(200, error("RATE_LIMITED", "secondary")), Failure::Limited(_)));
        assert!(matches!(of(200, error("RESOURCE_LIMITS_EXCEEDED", "x")), Failure::TooMuch(_)));
        assert!(matches!(of(200, json!({ "data": null })), Failure::TooMuch(_)));
        assert!(matches!(of(502, json!({ "message": "x" })), Failure::TooMuch(_)));
        assert!(matches!(of(429, json!({})), Failure::Limited(_)));
        let all = |failure| match failure {
            Failure::All(unreadable) => unreadable.kind,
            other => panic!("{other:?}"),
        };
        assert_eq!(all(of(401, json!({ "message": "Bad credentials" }))), UnreadableKind::BadToken);
        assert_eq!(all(of(403, json!({ "message": "no" }))), UnreadableKind::Forbidden);
        assert_eq!(
            all(of(200, error("undefinedField", "Field 'x' doesn't exist"))),
            UnreadableKind::Unanswered
        );
    }

    #[test]
    fn data_beside_a_resource_limit_is_not_believed() {
        let body = json!({
            "data": { "nodes": [{ "statusCheckRollup": null }] },
            "errors": [{ "type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded." }],
        });
        assert!(matches!(answer(200, &body), Err(Failure::TooMuch(_))));
    }
}
