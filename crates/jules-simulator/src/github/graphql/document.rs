//! Documents: read, held to the schema, and one operation chosen.

use std::collections::{BTreeMap, BTreeSet};

use graphql_parser::{
    Pos,
    query::{self, Definition, OperationDefinition, Selection, TypeCondition, VariableDefinition},
};
use serde_json::{Map, Value as JsonValue, json};

use super::{
    input,
    schema::{Definitions, FieldDefinition, Schema, inner},
};

/// A field of a selection.
pub(super) type Field = query::Field<'static, String>;
pub(super) type Selections = query::SelectionSet<'static, String>;
type Fragment = query::FragmentDefinition<'static, String>;

/// A valid operation with the fragments that it may spread.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) selections: Selections,
    pub(super) is_mutation: bool,
    pub(super) variables: Map<String, JsonValue>,
    fragments: BTreeMap<String, Fragment>,
}

/// An error of validation in GitHub's form.
fn wrong(at: Pos, message: impl Into<JsonValue>) -> JsonValue {
    let message: JsonValue = message.into();
    json!({ "message": message, "locations": [{ "line": at.line, "column": at.column }] })
}

impl Operation {
    /// Reads a document and chooses the operation `name`, or the only one; errors when it is not valid.
    pub(super) fn read(
        schema: &Schema,
        text: &str,
        name: Option<&str>,
        given: &Map<String, JsonValue>,
    ) -> Result<Self, Vec<JsonValue>> {
        let document = query::parse_query::<String>(text).map_err(|error| {
            let message = error.to_string();
            vec![wrong(Pos { line: 1, column: 1 }, message)]
        })?;
        let mut operations = Vec::new();
        let mut fragments = BTreeMap::new();
        for definition in document.into_static().definitions {
            match definition {
                Definition::Fragment(fragment) => drop(fragments.insert(fragment.name.clone(), fragment)),
                Definition::Operation(operation) => operations.extend(parts(operation)),
            }
        }
        let only = operations.len() == 1;
        let wanted = |(own, ..): &Parts| match name.filter(|name| !name.is_empty()) {
            Some(name) => own.as_deref() == Some(name),
            None => only,
        };
        let Some((_, is_mutation, declared, selections)) = operations.into_iter().find(wanted) else {
            let message = match name {
                Some(name) => format!("No operation named \"{name}\""),
                None => "An operation name is required".to_owned(),
            };
            return Err(vec![json!({ "message": message })]);
        };
        let mut check = Check::new(schema, &fragments, &declared);
        let root = if is_mutation { "Mutation" } else { "Query" };
        check.selections(&selections, root, 0);
        check.leftovers();
        let Check { errors, .. } = check;
        if !errors.is_empty() {
            return Err(errors);
        }
        let variables = input::variables(schema, &declared, given).map_err(|message| {
            vec![json!({ "message": message, "extensions": { "code": "INVALID_VARIABLE" } })]
        })?;
        Ok(Self { selections, is_mutation, variables, fragments })
    }

    /// Its first field.
    pub(super) fn first(&self) -> Option<&Field> {
        self.selections.items.iter().find_map(|selection| match selection {
            Selection::Field(field) => Some(field),
            Selection::InlineFragment(_) | Selection::FragmentSpread(_) => None,
        })
    }

    pub(super) fn fragment(&self, name: &str) -> Option<&Fragment> {
        self.fragments.get(name)
    }
}

/// An operation's name, whether it is a mutation, its variables and its selections.
type Parts = (Option<String>, bool, Vec<VariableDefinition<'static, String>>, Selections);

fn parts(operation: OperationDefinition<'static, String>) -> Option<Parts> {
    match operation {
        OperationDefinition::SelectionSet(selections) => Some((None, false, Vec::new(), selections)),
        OperationDefinition::Query(one) => {
            Some((one.name, false, one.variable_definitions, one.selection_set))
        }
        OperationDefinition::Mutation(one) => {
            Some((one.name, true, one.variable_definitions, one.selection_set))
        }
        // GitHub has none.
        OperationDefinition::Subscription(_) => None,
    }
}

/// The type that a condition names.
pub(super) fn condition<'a>(on: &'a TypeCondition<'static, String>) -> &'a str {
    let TypeCondition::On(name) = on;
    name
}

/// Deeper documents than this are refused, so that fragments that spread themselves end.
const DEEPEST: usize = 40;

struct Check<'a> {
    schema: &'a Schema,
    fragments: &'a BTreeMap<String, Fragment>,
    declared: &'a [VariableDefinition<'static, String>],
    errors: Vec<JsonValue>,
    spread: BTreeSet<String>,
    used: BTreeSet<String>,
}

impl<'a> Check<'a> {
    fn new(
        schema: &'a Schema,
        fragments: &'a BTreeMap<String, Fragment>,
        declared: &'a [VariableDefinition<'static, String>],
    ) -> Self {
        let (errors, spread, used) = Default::default();
        Self { schema, fragments, declared, errors, spread, used }
    }

    fn say(&mut self, at: Pos, message: String) {
        self.errors.push(wrong(at, message));
    }

    fn selections(&mut self, selections: &Selections, of: &str, depth: usize) {
        if depth > DEEPEST {
            return self.say(selections.span.0, "Query has too great a depth".to_owned());
        }
        for selection in &selections.items {
            match selection {
                Selection::Field(field) => self.field(field, of, depth),
                Selection::InlineFragment(inline) => {
                    let on = inline.type_condition.as_ref().map_or(of, condition);
                    self.fits(inline.position, on, of);
                    self.selections(&inline.selection_set, on, depth + 1);
                }
                Selection::FragmentSpread(spread) => match self.fragments.get(&spread.fragment_name) {
                    None => {
                        let name = &spread.fragment_name;
                        self.say(spread.position, format!("Fragment {name} was used, but not defined"));
                    }
                    Some(fragment) => {
                        self.spread.insert(spread.fragment_name.clone());
                        let on = condition(&fragment.type_condition);
                        self.fits(spread.position, on, of);
                        self.selections(&fragment.selection_set, on, depth + 1);
                    }
                },
            }
        }
    }

    /// Whether a fragment on `on` can be spread in what is `of`.
    fn fits(&mut self, at: Pos, on: &str, of: &str) {
        if !self.schema.is_composite(on) {
            self.say(at, format!("No such type {on}, so it can't be a fragment condition"));
        } else if !self.schema.overlap(on, of) {
            self.say(at, format!("Fragment on {on} can't be spread inside {of}"));
        }
    }

    fn field(&mut self, field: &Field, of: &str, depth: usize) {
        for (_, value) in field.directives.iter().flat_map(|directive| &directive.arguments) {
            self.uses(value);
        }
        let (name, at) = (&field.name, field.position);
        if name == "__typename" {
            return;
        }
        let Some(definition) = self.schema.field(of, name) else {
            return self.errors.push(json!({
                "message": format!("Field '{name}' doesn't exist on type '{of}'"),
                "locations": [{ "line": at.line, "column": at.column }],
                "extensions": { "code": "undefinedField", "typeName": of, "fieldName": name },
            }));
        };
        self.arguments(field, definition);
        let named = inner(&definition.of);
        let chosen = !field.selection_set.items.is_empty();
        match (self.schema.is_composite(named), chosen) {
            (true, true) => self.selections(&field.selection_set, named, depth + 1),
            (true, false) => self.say(
                at,
                format!(
                    "Field must have selections (field '{name}' returns {named} but has no selections. Did you mean \
                     '{name} {{ ... }}'?)"
                ),
            ),
            (false, true) => {
                self.say(at, format!("Selections can't be made on scalars (field '{name}' returns {named})"));
            }
            (false, false) => {}
        }
    }

    fn arguments(&mut self, field: &Field, definition: &FieldDefinition) {
        let (name, at) = (&field.name, field.position);
        for (argument, value) in &field.arguments {
            self.uses(value);
            match definition.arguments.get(argument) {
                None => self.say(at, format!("Field '{name}' doesn't accept argument '{argument}'")),
                Some(known) => {
                    if let Err(message) = input::check(self.schema, &known.of, value, self.declared) {
                        self.say(at, format!("Argument '{argument}' on Field '{name}': {message}"));
                    }
                }
            }
        }
        let is_missing = |(argument, known): &(&String, &super::schema::Argument)| {
            let given = field.arguments.iter().any(|(name, _)| name == *argument);
            input::is_required(known) && !given
        };
        let missing: Vec<&str> =
            definition.arguments.iter().filter(is_missing).map(|(name, _)| name.as_str()).collect();
        if !missing.is_empty() {
            self.say(at, format!("Field '{name}' is missing required arguments: {}", missing.join(", ")));
        }
    }

    /// Notes the variables in a value.
    fn uses(&mut self, value: &query::Value<'static, String>) {
        match value {
            query::Value::Variable(name) => drop(self.used.insert(name.clone())),
            query::Value::List(items) => items.iter().for_each(|item| self.uses(item)),
            query::Value::Object(fields) => fields.values().for_each(|field| self.uses(field)),
            _ => {}
        }
    }

    /// Variables and fragments that nobody uses, or that nobody declares.
    fn leftovers(&mut self) {
        let (declared, fragments) = (self.declared, self.fragments);
        for one in declared.iter().filter(|one| !self.used.contains(&one.name)).collect::<Vec<_>>() {
            self.say(one.position, format!("Variable ${} is declared but not used", one.name));
        }
        for (name, one) in
            fragments.iter().filter(|(name, _)| !self.spread.contains(*name)).collect::<Vec<_>>()
        {
            self.say(one.position, format!("Fragment {name} was defined, but not used"));
        }
        let is_declared = |name: &&String| declared.iter().any(|one| one.name == **name);
        let unknown: Vec<String> = self.used.iter().filter(|name| !is_declared(name)).cloned().collect();
        for name in unknown {
            self.say(Pos { line: 1, column: 1 }, format!("Variable ${name} is used but not declared"));
        }
        for one in declared {
            let named = inner(&one.var_type);
            if matches!(
                self.schema.get(named),
                None | Some(Definitions::Object(..) | Definitions::Interface(_))
            ) {
                self.say(one.position, format!("{named} isn't a defined input type (on ${})", one.name));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str, given: &JsonValue) -> Vec<String> {
        let schema = Schema::new(&BTreeSet::new());
        let given = given.as_object().cloned().unwrap_or_default();
        let errors = Operation::read(&schema, text, None, &given).err().unwrap_or_default();
        errors.iter().map(|error| error["message"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn what_the_schema_does_not_know_is_refused() {
        for (text, word) in [
            ("{ viewer { shoeSize } }", "'shoeSize' doesn't exist on type 'User'"),
            ("{ viewer }", "must have selections"),
            ("{ viewer { login { x } } }", "Selections can't be made on scalars"),
            ("{ node { id } }", "missing required arguments: id"),
            ("{ node(id: \"x\", name: 3) { id } }", "doesn't accept argument 'name'"),
            ("{ node(id: true) { id } }", "Expected type 'ID!'"),
            ("{ search(query: \"x\", type: TREES, first: 1) { issueCount } }", "Expected type 'SearchType!'"),
            ("query ($n: Int) { node(id: $n) { id } }", "Type mismatch on variable $n"),
            ("query ($n: ID!) { viewer { login } }", "declared but not used"),
            ("{ node(id: $n) { id } }", "Variable $n is used but not declared"),
            ("{ ...f } fragment f on PullRequest { id }", "can't be spread inside Query"),
            ("{ viewer { login } } fragment f on User { id }", "not used"),
            ("{ viewer { ...g } }", "not defined"),
            ("{ viewer { ...f } } fragment f on User { ...f }", "depth"),
            ("{ viewer { login }", "expected"),
            ("query a { viewer { login } } query b { viewer { login } }", "operation name"),
        ] {
            let errors = errors(text, &JsonValue::Null).join("\n");
            assert!(errors.to_lowercase().contains(&word.to_lowercase()), "{text}: {errors}");
        }
    }

    #[test]
    fn variables_have_to_fit() {
        let text = "query ($ids: [ID!]!, $n: Int = 3) { nodes(ids: $ids) { id } search(query: \"\", type: ISSUE, first: $n) { issueCount } }";
        assert_eq!(errors(text, &json!({ "ids": ["a"] })), [""; 0]);
        for given in [json!({}), json!({ "ids": [null] }), json!({ "ids": ["a"], "n": "three" })] {
            assert!(errors(text, &given).join("").contains("was provided invalid value"), "{given}");
        }
        let text = "mutation ($input: ClosePullRequestInput!) { closePullRequest(input: $input) { clientMutationId } }";
        assert!(
            errors(text, &json!({ "input": { "pullRequestId": "x", "why": "y" } })).join("").contains("why")
        );
        assert!(errors(text, &json!({ "input": {} })).join("").contains("pullRequestId"));
        assert_eq!(errors(text, &json!({ "input": { "pullRequestId": "x" } })), [""; 0]);
    }
}
