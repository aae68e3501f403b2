//! Reading JSON without insisting: a missing, `null` or odd value is the default.

use foreign_text::cut;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// For `#[serde(deserialize_with)]`: the value, or the default when it is `null` or of another type.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    Ok(read(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// For `#[serde(deserialize_with)]`: the elements that can be read.
pub(super) fn elements<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(read_all(Value::deserialize(deserializer)?))
}

/// Takes a field out of an object.
pub(super) fn take<T: DeserializeOwned>(map: &mut Map<String, Value>, key: &str) -> Option<T> {
    map.remove(key).and_then(read)
}

/// Takes a repeated field out of an object.
pub(super) fn take_all<T: DeserializeOwned>(map: &mut Map<String, Value>, key: &str) -> Vec<T> {
    map.remove(key).map(read_all).unwrap_or_default()
}

/// Takes a text out of an object; numbers are taken as they are written, and an empty text counts as missing.
pub(super) fn take_text(map: &mut Map<String, Value>, key: &str) -> Option<String> {
    map.remove(key).and_then(read_text)
}

/// The same for a value that was taken out.
pub(super) fn read_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The longest title that is taken in whole, in bytes.
pub(super) const TITLE: usize = 4 * 1024;

/// The longest words (messages, reasons, descriptions) that are taken in whole, in bytes.
pub(super) const WORDS: usize = 64 * 1024;

/// Takes words out of an object: of more than this many bytes, head and tail with a line between them that says how much
/// was left out. Whoever keeps them need not fear for room.
pub(super) fn take_words(map: &mut Map<String, Value>, key: &str, limit: usize) -> Option<String> {
    take::<String>(map, key).map(|text| cut(text, limit).into_owned())
}

/// For `#[serde(deserialize_with)]`: the same for a field, as [`or_default`].
pub(super) fn words<'de, D: Deserializer<'de>, const LIMIT: usize>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    or_default::<D, Option<String>>(deserializer).map(|text| text.map(|text| cut(text, LIMIT).into_owned()))
}

/// Writes a field into an object; values that cannot be written (there are none among ours) are left out.
pub(super) fn put<T: Serialize>(map: &mut Map<String, Value>, key: &str, value: &T) {
    if let Ok(value) = serde_json::to_value(value)
        && !value.is_null()
    {
        map.insert(key.to_owned(), value);
    }
}

/// For `#[serde(skip_serializing_if)]`: the service drops zero values.
pub(super) fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn read<T: DeserializeOwned>(value: Value) -> Option<T> {
    if value.is_null() { None } else { serde_json::from_value(value).ok() }
}

/// The elements that can be read.
pub(super) fn read_all<T: DeserializeOwned>(value: Value) -> Vec<T> {
    let Value::Array(values) = value else { return Vec::new() };
    let found = values.len();
    let elements: Vec<T> = values.into_iter().filter_map(read).collect();
    if elements.len() < found {
        tracing::warn!(skipped = found - elements.len(), "the service sent elements that cannot be read");
    }
    elements
}
