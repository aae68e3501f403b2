//! The `fields` parameter of Google's APIs: which parts of an answer the client wants.

use std::collections::BTreeMap;

use serde_json::Value;

use super::failure::Failure;

/// A mask such as `sessions(id,state),nextPageToken` or `sessions/id`. An empty one lets everything below it through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mask(BTreeMap<String, Mask>);

/// Deeper than this no answer goes.
const DEEPEST: usize = 16;

impl Mask {
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let mut rest = text;
        match Self::list(&mut rest, 0) {
            Some(mask) if rest.is_empty() => Ok(mask),
            _ => Err(Failure::invalid_field("fields", format!("Invalid field selection {text}"))),
        }
    }

    /// `a,b(c,d),e/f`, up to the end or a closing bracket.
    fn list(rest: &mut &str, depth: usize) -> Option<Self> {
        let mut mask = Self::default();
        loop {
            let (name, below) = Self::path(rest, depth)?;
            mask.0.entry(name).or_default().0.extend(below.0);
            match rest.strip_prefix(',') {
                Some(next) => *rest = next,
                None => return Some(mask),
            }
        }
    }

    /// `a`, `a/b` or `a(b,c)`.
    fn path(rest: &mut &str, depth: usize) -> Option<(String, Self)> {
        let end = rest.find([',', '/', '(', ')']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        *rest = after;
        if name.is_empty() || depth > DEEPEST {
            return None;
        }
        let mut below = Self::default();
        if let Some(next) = rest.strip_prefix('/') {
            *rest = next;
            let (name, deeper) = Self::path(rest, depth + 1)?;
            below.0.insert(name, deeper);
        } else if let Some(next) = rest.strip_prefix('(') {
            *rest = next;
            below = Self::list(rest, depth + 1)?;
            *rest = rest.strip_prefix(')')?;
        }
        Some((name.to_owned(), below))
    }

    /// Takes away what the mask does not name; the items of a list are masked one by one.
    pub(super) fn apply(&self, value: &mut Value) {
        if self.0.is_empty() || self.0.contains_key("*") {
            return;
        }
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.apply(item)),
            Value::Object(object) => {
                object.retain(|name, _| self.0.contains_key(name));
                for (name, value) in object {
                    if let Some(below) = self.0.get(name) {
                        below.apply(value);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn masked(mask: &str) -> Value {
        let mut value = json!({
            "sessions": [{ "id": "1", "state": "QUEUED", "prompt": "long", "sourceContext": { "source": "s", "x": 1 } }],
            "nextPageToken": "t",
        });
        Mask::read(mask).unwrap().apply(&mut value);
        value
    }

    #[test]
    fn keeps_what_is_named() {
        assert_eq!(
            masked("sessions(id,state),nextPageToken"),
            json!({ "sessions": [{ "id": "1", "state": "QUEUED" }], "nextPageToken": "t" })
        );
        assert_eq!(
            masked("sessions/sourceContext/source"),
            json!({ "sessions": [{ "sourceContext": { "source": "s" } }] })
        );
        assert_eq!(masked("sessions/id,sessions/state"), masked("sessions(id,state)"));
        assert_eq!(masked("*"), masked("sessions,nextPageToken"));
    }

    #[test]
    fn refuses_what_is_no_mask() {
        let deep = "a/".repeat(100) + "a";
        for mask in ["", ",", "a(b", "a)", "a(b))", "a//b", "a(", deep.as_str()] {
            assert!(Mask::read(mask).is_err(), "{mask}");
        }
    }
}
