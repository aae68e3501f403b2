//! What a query costs, by GitHub's rule: the requests that its connections need, by the hundred.

use graphql_parser::query::Selection;
use serde_json::Value;

use super::{
    document::{Field, Operation, Selections, condition},
    input,
    schema::{Schema, inner},
};

/// A query's cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Cost {
    pub(in super::super) points: u64,
    /// The most nodes it can give.
    pub(in super::super) nodes: u64,
    /// The most pull requests among them.
    pub(in super::super) pulls: usize,
}

/// More nodes than this are refused.
const MOST_NODES: u64 = 500_000;

/// An error's type and message.
type Wrong = (&'static str, String);

struct Count<'a> {
    schema: &'a Schema,
    operation: &'a Operation,
    requests: u64,
    nodes: u64,
    pulls: u64,
}

impl Cost {
    pub(super) fn of(schema: &Schema, operation: &Operation) -> Result<Self, Wrong> {
        let mut count = Count { schema, operation, requests: 0, nodes: 0, pulls: 0 };
        let root = if operation.is_mutation { "Mutation" } else { "Query" };
        count.selections(&operation.selections, root, 1)?;
        if count.nodes > MOST_NODES {
            let message = format!(
                "This query requests up to {} possible nodes which exceeds the maximum limit of 500,000.",
                count.nodes
            );
            return Err(("MAX_NODE_LIMIT_EXCEEDED", message));
        }
        let points = ((count.requests as f64 / 100.0).round() as u64).max(1);
        let pulls = usize::try_from(count.pulls).unwrap_or(usize::MAX);
        Ok(Self { points, nodes: count.nodes, pulls })
    }
}

impl Count<'_> {
    /// Counts what is selected of `parents` things that are `of`.
    fn selections(&mut self, selections: &Selections, of: &str, parents: u64) -> Result<(), Wrong> {
        for selection in &selections.items {
            match selection {
                Selection::Field(field) => self.field(field, of, parents)?,
                Selection::InlineFragment(inline) => {
                    let on = inline.type_condition.as_ref().map_or(of, condition);
                    self.selections(&inline.selection_set, on, parents)?;
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.operation.fragment(&spread.fragment_name) {
                        let on = condition(&fragment.type_condition);
                        self.selections(&fragment.selection_set, on, parents)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field(&mut self, field: &Field, of: &str, parents: u64) -> Result<(), Wrong> {
        let Some(definition) = self.schema.field(of, &field.name) else { return Ok(()) };
        let named = inner(&definition.of);
        let items = if definition.arguments.contains_key("first") {
            self.requests += parents;
            let size = if self.lists(&field.selection_set) { self.page(field)? } else { 0 };
            self.nodes = self.nodes.saturating_add(parents.saturating_mul(size));
            if named == "PullRequestConnection" {
                self.pulls = self.pulls.saturating_add(parents.saturating_mul(size));
            }
            size
        } else if definition.arguments.contains_key("ids") {
            let ids = self.value(field, "ids").map_or(0, |ids| ids.as_array().map_or(1, Vec::len)) as u64;
            self.pulls += ids;
            self.nodes += ids;
            ids.max(1)
        } else {
            self.pulls += if of == "Repository" && named == "PullRequest" { parents } else { 0 };
            1
        };
        self.selections(&field.selection_set, named, parents.saturating_mul(items))
    }

    /// Whether a page's items are wanted: who wants their number alone gives no bounds.
    fn lists(&self, selections: &Selections) -> bool {
        selections.items.iter().any(|selection| match selection {
            Selection::Field(field) => matches!(field.name.as_str(), "nodes" | "edges"),
            Selection::InlineFragment(inline) => self.lists(&inline.selection_set),
            Selection::FragmentSpread(spread) => {
                let fragment = self.operation.fragment(&spread.fragment_name);
                fragment.is_some_and(|fragment| self.lists(&fragment.selection_set))
            }
        })
    }

    /// How many a connection is asked for.
    fn page(&self, field: &Field) -> Result<u64, Wrong> {
        let size = ["first", "last"].into_iter().find_map(|name| self.value(field, name)?.as_i64());
        let name = &field.name;
        match size {
            None => Err((
                "MISSING_PAGINATION_BOUNDARIES",
                format!(
                    "You must provide a `first` or `last` value to properly paginate the `{name}` connection."
                ),
            )),
            Some(size @ 0..=100) => Ok(size.unsigned_abs()),
            Some(size) => Err((
                "EXCESSIVE_PAGINATION",
                format!(
                    "Requesting {size} records on the `{name}` connection exceeds the `first` limit of 100 records."
                ),
            )),
        }
    }

    fn value(&self, field: &Field, name: &str) -> Option<Value> {
        let (_, value) = field.arguments.iter().find(|(given, _)| given == name)?;
        input::json(value, &self.operation.variables)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(query: &str, variables: &Value) -> Result<Cost, &'static str> {
        let schema = Schema::new(&std::collections::BTreeSet::new());
        let variables = variables.as_object().cloned().unwrap_or_default();
        let operation = Operation::read(&schema, query, None, &variables).unwrap();
        Cost::of(&schema, &operation).map_err(|(kind, _)| kind)
    }

    fn points(query: &str) -> Result<u64, &'static str> {
        cost(query, &Value::Null).map(|cost| cost.points)
    }

    #[test]
    fn a_hundred_pull_requests_by_id_cost_a_point() {
        let ids: Vec<String> = (0..100).map(|n| format!("PR_{n}")).collect();
        let variables = serde_json::json!({ "ids": ids });
        let scalars = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on PullRequest { state } } }";
        let counted = cost(scalars, &variables).unwrap();
        assert_eq!((counted.points, counted.nodes, counted.pulls), (1, 100, 100));
        let details = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on PullRequest { labels(first: 20) { nodes { name } }
            reviews(first: 20) { nodes { state } } } } }";
        assert_eq!(cost(details, &variables).unwrap().points, 2);
    }

    #[test]
    fn connections_within_connections_multiply() {
        // 1 + 100 + 5,000 requests, as in the example of GitHub's documentation: 5,101 / 100.
        let query = "{ search(query: \"x\", type: ISSUE, first: 100) { nodes { ... on Repository {
            pullRequests(first: 50) { nodes { labels(first: 60) { nodes { name } } } } } } } }";
        assert_eq!(points(query), Ok(51));
    }

    #[test]
    fn pages_have_bounds() {
        let of = |arguments: &str| {
            points(&format!(
                "{{ repository(owner: \"o\", name: \"r\") {{ pullRequests{arguments} {{ nodes {{ id }} }} }} }}"
            ))
        };
        assert_eq!(of("(first: 30)"), Ok(1));
        assert_eq!(of(""), Err("MISSING_PAGINATION_BOUNDARIES"));
        assert_eq!(of("(first: 101)"), Err("EXCESSIVE_PAGINATION"));
        let count = "{ repository(owner: \"o\", name: \"r\") { pullRequests { totalCount } } }";
        assert_eq!(points(count), Ok(1));
        let deep = "{ search(query: \"x\", type: ISSUE, first: 100) { nodes { ... on Repository {
            pullRequests(first: 100) { nodes { reviews(first: 100) { nodes { id } } } } } } } }";
        assert_eq!(points(deep), Err("MAX_NODE_LIMIT_EXCEEDED"));
    }
}
