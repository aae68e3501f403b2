//! GraphQL: documents against GitHub's own schema, executed over the world.

mod checks;
mod cost;
mod document;
mod execute;
mod input;
mod mutation;
mod object;
mod parts;
mod pull;
mod query;
mod schema;

use std::cell::RefCell;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{dice::Dice, sources::Sources};

use super::{limits::Budget, pull::PullIx, viewer::Viewer, world::World};

pub(super) use self::{cost::Cost, schema::Schema};
use self::{document::Operation, execute::Execution};

/// Arguments and variables by their names.
type JsonMap = Map<String, Value>;

/// The body of a request.
#[derive(Debug, Deserialize)]
struct Body {
    query: String,
    #[serde(default)]
    variables: Option<JsonMap>,
    #[serde(default, rename = "operationName")]
    operation: Option<String>,
}

/// A request that is known to be valid.
#[derive(Debug)]
pub(super) struct Asked {
    operation: Operation,
    pub(super) cost: Cost,
}

/// An error in GitHub's form.
pub(super) fn error(kind: &str, message: &str) -> Value {
    json!({ "errors": [{ "type": kind, "message": message }] })
}

impl Asked {
    /// Reads a request; the answer to one that is not valid.
    pub(super) fn read(schema: &Schema, body: &[u8]) -> Result<Self, (u16, Value)> {
        let body: Body = serde_json::from_slice(body).map_err(|_| {
            (400, json!({ "message": "Problems parsing JSON", "documentation_url": "https://docs.github.com/graphql" }))
        })?;
        let variables = body.variables.unwrap_or_default();
        let operation = Operation::read(schema, &body.query, body.operation.as_deref(), &variables)
            .map_err(|errors| (200, json!({ "errors": errors })))?;
        let cost = Cost::of(schema, &operation).map_err(|(kind, message)| (200, error(kind, &message)))?;
        Ok(Self { operation, cost })
    }

    pub(super) fn is_mutation(&self) -> bool {
        self.operation.is_mutation
    }

    /// The mutation's name.
    pub(super) fn name(&self) -> String {
        self.operation.first().map_or_else(String::new, |field| field.name.clone())
    }

    /// What a mutation is about: the id in its input.
    pub(super) fn target(&self) -> Option<String> {
        let (_, input) = self.operation.first()?.arguments.iter().find(|(name, _)| name == "input")?;
        let input = input::json(input, &self.operation.variables)?;
        let (_, id) = input.as_object()?.iter().find(|(name, _)| name.ends_with("Id"))?;
        Some(id.as_str()?.to_owned())
    }
}

/// What an execution works on.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) world: &'a mut World,
    pub(super) sources: &'a mut Sources,
}

/// What all objects of an execution share.
pub(super) struct Context<'a> {
    scene: RefCell<Scene<'a>>,
    schema: &'a Schema,
    viewer: &'a Viewer,
    now: Timestamp,
    cost: Cost,
    budget: Budget,
    /// Which share of the pull requests is left out, by these dice.
    partial: Option<(f64, Dice)>,
    /// Heads that the answer tells to be green.
    greens: RefCell<Vec<(PullIx, usize)>>,
    /// Pull requests whose merge state the answer tells, and whether that is one to merge in.
    states: RefCell<Vec<(PullIx, bool)>>,
}

/// How an execution is to go.
pub(super) struct Terms<'a> {
    pub(super) viewer: &'a Viewer,
    pub(super) now: Timestamp,
    pub(super) budget: Budget,
    pub(super) partial: Option<(f64, Dice)>,
}

/// What came of an execution.
pub(super) struct Outcome {
    pub(super) body: Value,
    /// Heads that it tells to be green, by their places.
    pub(super) greens: Vec<(PullIx, usize)>,
    /// Pull requests whose merge state it tells, and whether that is one to merge in.
    pub(super) states: Vec<(PullIx, bool)>,
}

/// Executes a request.
pub(super) fn execute(schema: &Schema, asked: &Asked, scene: Scene<'_>, terms: &Terms<'_>) -> Outcome {
    let context = Context {
        scene: RefCell::new(scene),
        schema,
        viewer: terms.viewer,
        now: terms.now,
        cost: asked.cost,
        budget: terms.budget,
        partial: terms.partial,
        greens: RefCell::default(),
        states: RefCell::default(),
    };
    let (errors, path) = Default::default();
    let mut execution = Execution { schema, operation: &asked.operation, context: &context, errors, path };
    let mut body = json!({ "data": execution.run() });
    let errors = execution.errors;
    if !errors.is_empty() {
        body["errors"] = Value::Array(errors);
    }
    Outcome { body, greens: context.greens.take(), states: context.states.take() }
}
