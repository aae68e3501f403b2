//! The combinations of a job's matrix in the forms that tasks need them in, converted once for all sources.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::Value;
use serde_json::Value as Json;

use super::data::to_value;
use super::key::digest8;
use super::matrix::{self, Combination, SourceNames};
use crate::manifest::{Literal, Matrix};

/// A matrix value longer than this is shortened in ids, in bytes.
const LONG: usize = 100;

/// One combination.
pub(super) struct Values {
    /// `[crate=serde,note=first]`: the end of a task's id; empty without a matrix.
    pub(super) id_suffix: String,
    /// For reports and selection.
    pub(super) map: Arc<BTreeMap<String, Json>>,
    /// What expressions see as `matrix`; nothing without one.
    pub(super) scope: Option<Value>,
}

/// A job's combinations for a source; a job without a matrix has one that is empty.
pub(super) fn job_values(matrix: Option<&Matrix>, source: Option<SourceNames<'_>>) -> Vec<Values> {
    match matrix {
        None => vec![Values { id_suffix: String::new(), map: Arc::default(), scope: None }],
        Some(matrix) => matrix::combinations(matrix, source).iter().map(Values::new).collect(),
    }
}

impl Values {
    fn new(combination: &Combination) -> Self {
        let pairs = combination.0.iter().map(|(key, value)| (Arc::clone(key), to_value(value)));
        Self {
            id_suffix: id_suffix(combination),
            map: Arc::new(combination.to_map()),
            scope: Some(Value::from_pairs(pairs)),
        }
    }
}

fn id_suffix(combination: &Combination) -> String {
    let pairs: Vec<String> =
        combination.0.iter().map(|(key, value)| format!("{key}={}", in_id(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("[{}]", pairs.join(",")) }
}

/// A matrix value in an id: its text, on one line; shortened where it is long.
fn in_id(value: &Literal) -> String {
    let text = value.text();
    shortened(if text.contains(char::is_control) { value.to_json().to_string() } else { text })
}

fn shortened(text: String) -> String {
    if text.len() <= LONG {
        return text;
    }
    let head: String = text.chars().take(LONG / 2).collect();
    format!("{head}…{}", digest8(&text))
}

/// The texts by which a task's matrix value can be selected: as prompts and ids show it.
pub(super) fn texts(value: &Json) -> Vec<String> {
    let mut texts = vec![match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }];
    match value {
        Json::Array(_) | Json::Object(_) => texts.push(Literal::of_json(value).text()),
        Json::String(text) if text.contains(char::is_control) => texts.push(value.to_string()),
        _ => {}
    }
    texts.extend(texts.clone().into_iter().filter(|text| text.len() > LONG).map(shortened));
    texts
}
