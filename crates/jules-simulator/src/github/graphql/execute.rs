//! The execution of a valid operation, field by field.

use graphql_parser::query::{Directive, Selection};
use serde_json::{Map, Value as JsonValue, json};

use super::{
    super::acts::Refusal,
    Context,
    document::{Field, Operation, Selections, condition},
    input,
    object::{Kind, Value},
    schema::{Definitions, FieldDefinition, Schema, Type},
};

/// Something that cannot be null is: the next thing above it that can be becomes so.
#[derive(Debug)]
struct Null;

/// An execution on its way.
pub(super) struct Execution<'a, 's> {
    pub(super) schema: &'a Schema,
    pub(super) operation: &'a Operation,
    pub(super) context: &'a Context<'s>,
    pub(super) errors: Vec<JsonValue>,
    /// Where it is in the answer, from the root.
    pub(super) path: Vec<JsonValue>,
}

impl<'a> Execution<'a, '_> {
    /// The answer's data: null when something at the root cannot be null and is.
    pub(super) fn run(&mut self) -> JsonValue {
        let root = if self.operation.is_mutation { Kind::Mutation } else { Kind::Query };
        let operation = self.operation;
        self.object(&root, &[&operation.selections]).unwrap_or_default()
    }

    fn object(&mut self, kind: &Kind, selections: &[&'a Selections]) -> Result<JsonValue, Null> {
        let type_name = self.context.type_name(kind);
        let mut fields = Vec::new();
        for selections in selections {
            self.collect(selections, type_name, &mut fields);
        }
        let mut answer = Map::new();
        for (key, fields) in fields {
            self.path.push(JsonValue::from(key));
            let value = self.field(kind, type_name, &fields);
            self.path.pop();
            answer.insert(key.to_owned(), value?);
        }
        Ok(JsonValue::Object(answer))
    }

    /// The fields that are chosen of an object, those of one key together.
    fn collect(&self, selections: &'a Selections, of: &str, fields: &mut Vec<(&'a str, Vec<&'a Field>)>) {
        for selection in &selections.items {
            match selection {
                Selection::Field(field) if self.is_wanted(&field.directives) => {
                    let key = field.alias.as_deref().unwrap_or(&field.name);
                    match fields.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, same)) => same.push(field),
                        None => fields.push((key, vec![field])),
                    }
                }
                Selection::InlineFragment(inline) if self.is_wanted(&inline.directives) => {
                    let on = inline.type_condition.as_ref().map_or(of, condition);
                    if self.schema.is_a(of, on) {
                        self.collect(&inline.selection_set, of, fields);
                    }
                }
                Selection::FragmentSpread(spread) if self.is_wanted(&spread.directives) => {
                    let operation = self.operation;
                    if let Some(fragment) = operation.fragment(&spread.fragment_name)
                        && self.schema.is_a(of, condition(&fragment.type_condition))
                    {
                        self.collect(&fragment.selection_set, of, fields);
                    }
                }
                Selection::Field(_) | Selection::InlineFragment(_) | Selection::FragmentSpread(_) => {}
            }
        }
    }

    /// What `@skip` and `@include` say.
    fn is_wanted(&self, directives: &[Directive<'static, String>]) -> bool {
        directives.iter().all(|directive| {
            let condition = directive.arguments.iter().find(|(name, _)| name == "if");
            let condition = condition.and_then(|(_, value)| input::json(value, &self.operation.variables));
            let condition = condition.and_then(|value| value.as_bool());
            match directive.name.as_str() {
                "skip" => condition != Some(true),
                "include" => condition != Some(false),
                _ => true,
            }
        })
    }

    fn field(&mut self, kind: &Kind, type_name: &str, fields: &[&'a Field]) -> Result<JsonValue, Null> {
        let Some(field) = fields.first() else { return Ok(JsonValue::Null) };
        if field.name == "__typename" {
            return Ok(JsonValue::from(type_name));
        }
        let schema = self.schema;
        let Some(definition) = schema.field(type_name, &field.name) else { return Ok(JsonValue::Null) };
        let arguments = self.arguments(field, definition);
        let value = self.context.field(kind, &field.name, &arguments);
        self.complete(&definition.of, value, fields)
    }

    fn arguments(&self, field: &Field, definition: &FieldDefinition) -> Map<String, JsonValue> {
        let argument = |(name, known): (&String, &super::schema::Argument)| {
            let given = field.arguments.iter().find(|(given, _)| given == name);
            let given = given.and_then(|(_, value)| input::json(value, &self.operation.variables));
            let default = || known.default.as_ref().and_then(|value| input::json(value, &Map::new()));
            Some((name.clone(), given.or_else(default)?))
        };
        definition.arguments.iter().filter_map(argument).collect()
    }

    /// A field's value as its type has it; null where that may be and something went wrong.
    fn complete(&mut self, of: &Type, value: Value, fields: &[&'a Field]) -> Result<JsonValue, Null> {
        let Type::NonNullType(of) = of else {
            return Ok(self.complete_some(of, value, fields).unwrap_or_default());
        };
        match self.complete_some(of, value, fields)? {
            JsonValue::Null => {
                let message = "Cannot return null for a field that is never null";
                self.fail(&Refusal::new(500, "INTERNAL", message), fields);
                Err(Null)
            }
            value => Ok(value),
        }
    }

    fn complete_some(&mut self, of: &Type, value: Value, fields: &[&'a Field]) -> Result<JsonValue, Null> {
        match (of, value) {
            (_, Value::Refused(refusal)) => {
                self.fail(&refusal, fields);
                Err(Null)
            }
            (_, Value::Unknown) => {
                self.fail(&Refusal::new(500, "INTERNAL", "This field is not played"), fields);
                Err(Null)
            }
            (Type::ListType(of), Value::Many(kinds)) => {
                self.list(of, kinds.into_iter().map(Value::One).collect(), fields)
            }
            (Type::ListType(of), Value::Mixed(items)) => {
                let item = |item| match item {
                    Ok(kind) => Value::maybe(kind),
                    Err(refusal) => Value::Refused(refusal),
                };
                self.list(of, items.into_iter().map(item).collect(), fields)
            }
            (Type::NamedType(name), Value::One(kind)) if self.schema.is_composite(name) => {
                let type_name = self.context.type_name(&kind);
                if !self.schema.is_a(type_name, name) {
                    let message = format!("A {type_name} is no {name}");
                    self.fail(&Refusal::new(500, "INTERNAL", message), fields);
                    return Err(Null);
                }
                let selections: Vec<&Selections> = fields.iter().map(|field| &field.selection_set).collect();
                self.object(&kind, &selections)
            }
            (Type::NamedType(name), Value::Leaf(leaf))
                if !self.schema.is_composite(name) || leaf.is_null() =>
            {
                self.leaf(name, leaf, fields)
            }
            (_, Value::Leaf(JsonValue::Null)) => Ok(JsonValue::Null),
            (of, _) => {
                self.fail(&Refusal::new(500, "INTERNAL", format!("The value is no {of}")), fields);
                Err(Null)
            }
        }
    }

    fn list(&mut self, of: &Type, values: Vec<Value>, fields: &[&'a Field]) -> Result<JsonValue, Null> {
        let mut items = Vec::with_capacity(values.len());
        for (place, value) in values.into_iter().enumerate() {
            self.path.push(JsonValue::from(place));
            let item = self.complete(of, value, fields);
            self.path.pop();
            items.push(item?);
        }
        Ok(JsonValue::Array(items))
    }

    fn leaf(&mut self, name: &str, leaf: JsonValue, fields: &[&'a Field]) -> Result<JsonValue, Null> {
        let fits = leaf.is_null()
            || match (self.schema.get(name), name) {
                (Some(Definitions::Enum(words)), _) => leaf.as_str().is_some_and(|word| words.contains(word)),
                (_, "Int") => leaf.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
                (_, "Boolean") => leaf.is_boolean(),
                _ => leaf.is_string(),
            };
        if fits {
            return Ok(leaf);
        }
        self.fail(&Refusal::new(500, "INTERNAL", format!("{leaf} is no {name}")), fields);
        Err(Null)
    }

    fn fail(&mut self, refusal: &Refusal, fields: &[&Field]) {
        let at = |field: &&Field| json!({ "line": field.position.line, "column": field.position.column });
        self.errors.push(json!({
            "type": refusal.kind,
            "path": self.path,
            "locations": fields.iter().map(at).collect::<Vec<_>>(),
            "message": refusal.message,
        }));
    }
}
