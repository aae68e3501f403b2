//! GitHub's schema, as far as it is played.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use graphql_parser::schema::{self, Definition, TypeDefinition};

/// A type as a field or an argument has it.
pub(super) type Type = schema::Type<'static, String>;

/// The part of GitHub's schema that is played; `tests/github/subset.mjs` cuts it out.
const SCHEMA: &str = include_str!("../schema.graphql");

/// Of introspection what clients use to find out what a server knows.
const INTROSPECTION: &str = "
type __Type { name: String kind: String! fields(includeDeprecated: Boolean = false): [__Field!]
  enumValues(includeDeprecated: Boolean = false): [__EnumValue!] }
type __Field { name: String! }
type __EnumValue { name: String! }
";

/// The types by their names.
#[derive(Debug)]
pub(in super::super) struct Schema {
    types: HashMap<String, Definitions>,
}

/// What a name stands for.
#[derive(Debug)]
pub(super) enum Definitions {
    Scalar,
    Enum(BTreeSet<String>),
    Union(BTreeSet<String>),
    /// Also the interfaces that it implements.
    Object(BTreeMap<String, FieldDefinition>, BTreeSet<String>),
    Interface(BTreeMap<String, FieldDefinition>),
    Input(BTreeMap<String, Argument>),
}

#[derive(Debug)]
pub(super) struct FieldDefinition {
    pub(super) arguments: BTreeMap<String, Argument>,
    pub(super) of: Type,
}

#[derive(Debug)]
pub(super) struct Argument {
    pub(super) of: Type,
    pub(super) default: Option<schema::Value<'static, String>>,
}

/// The name within lists and marks of what is never null.
pub(super) fn inner(of: &Type) -> &str {
    match of {
        Type::NamedType(name) => name,
        Type::ListType(of) | Type::NonNullType(of) => inner(of),
    }
}

impl Schema {
    /// The schema, with words that a scenario makes up beside GitHub's.
    pub(in super::super) fn new(made_up: &BTreeSet<(&'static str, Arc<str>)>) -> Self {
        let mut types: HashMap<String, Definitions> = ["Int", "Float", "String", "Boolean", "ID"]
            .map(|name| (name.to_owned(), Definitions::Scalar))
            .into();
        match schema::parse_schema::<String>(&format!("{SCHEMA}{INTROSPECTION}")) {
            Ok(document) => {
                let definitions = document.into_static().definitions.into_iter();
                types.extend(definitions.filter_map(named));
            }
            Err(error) => tracing::error!(%error, "the schema does not parse"),
        }
        if let Some(Definitions::Object(fields, _)) = types.get_mut("Query") {
            let name = Argument { of: Type::NonNullType(Box::new(text())), default: None };
            let arguments = BTreeMap::from([("name".to_owned(), name)]);
            let of = Type::NamedType("__Type".to_owned());
            fields.insert("__type".to_owned(), FieldDefinition { arguments, of });
        }
        for (name, word) in made_up {
            if let Some(Definitions::Enum(values)) = types.get_mut(*name) {
                values.insert(word.to_string());
            }
        }
        Self { types }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Definitions> {
        self.types.get(name)
    }

    /// A field of an object or interface.
    pub(super) fn field(&self, of: &str, name: &str) -> Option<&FieldDefinition> {
        match self.get(of)? {
            Definitions::Object(fields, _) | Definitions::Interface(fields) => fields.get(name),
            Definitions::Scalar | Definitions::Enum(_) | Definitions::Union(_) | Definitions::Input(_) => {
                None
            }
        }
    }

    /// Whether an object of type `object` is a `name` as well.
    pub(super) fn is_a(&self, object: &str, name: &str) -> bool {
        object == name
            || match (self.get(object), self.get(name)) {
                (_, Some(Definitions::Union(members))) => members.contains(object),
                (Some(Definitions::Object(_, interfaces)), _) => interfaces.contains(name),
                _ => false,
            }
    }

    /// Whether something can be both.
    pub(super) fn overlap(&self, one: &str, other: &str) -> bool {
        self.types.iter().any(|(name, definition)| {
            matches!(definition, Definitions::Object(..)) && self.is_a(name, one) && self.is_a(name, other)
        })
    }

    /// Whether fields have to be chosen of it.
    pub(super) fn is_composite(&self, name: &str) -> bool {
        matches!(
            self.get(name),
            Some(Definitions::Object(..) | Definitions::Interface(_) | Definitions::Union(_))
        )
    }
}

fn text() -> Type {
    Type::NamedType("String".to_owned())
}

fn named(definition: Definition<'static, String>) -> Option<(String, Definitions)> {
    let Definition::TypeDefinition(definition) = definition else { return None };
    Some(match definition {
        TypeDefinition::Scalar(scalar) => (scalar.name, Definitions::Scalar),
        TypeDefinition::Enum(one) => {
            (one.name, Definitions::Enum(one.values.into_iter().map(|value| value.name).collect()))
        }
        TypeDefinition::Union(one) => (one.name, Definitions::Union(one.types.into_iter().collect())),
        TypeDefinition::Object(one) => {
            let interfaces = one.implements_interfaces.into_iter().collect();
            (one.name, Definitions::Object(fields(one.fields), interfaces))
        }
        TypeDefinition::Interface(one) => (one.name, Definitions::Interface(fields(one.fields))),
        TypeDefinition::InputObject(one) => (one.name, Definitions::Input(arguments(one.fields))),
    })
}

fn fields(fields: Vec<schema::Field<'static, String>>) -> BTreeMap<String, FieldDefinition> {
    let field = |field: schema::Field<'static, String>| {
        let definition = FieldDefinition { arguments: arguments(field.arguments), of: field.field_type };
        (field.name, definition)
    };
    fields.into_iter().map(field).collect()
}

fn arguments(values: Vec<schema::InputValue<'static, String>>) -> BTreeMap<String, Argument> {
    let argument = |value: schema::InputValue<'static, String>| {
        (value.name, Argument { of: value.value_type, default: value.default_value })
    };
    values.into_iter().map(argument).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_is_named_is_there() {
        let schema = Schema::new(&BTreeSet::from([("MergeableState", Arc::from("MAYBE"))]));
        assert!(schema.types.len() > 100, "{}", schema.types.len());
        for (name, definition) in &schema.types {
            let named: Vec<&str> = match definition {
                Definitions::Object(fields, interfaces) => {
                    let own = fields.values().flat_map(|field| {
                        field.arguments.values().map(|one| inner(&one.of)).chain([inner(&field.of)])
                    });
                    own.chain(interfaces.iter().map(String::as_str)).collect()
                }
                Definitions::Interface(fields) => fields.values().map(|field| inner(&field.of)).collect(),
                Definitions::Input(fields) => fields.values().map(|field| inner(&field.of)).collect(),
                Definitions::Union(members) => members.iter().map(String::as_str).collect(),
                Definitions::Scalar | Definitions::Enum(_) => Vec::new(),
            };
            let missing: Vec<_> = named.iter().filter(|name| schema.get(name).is_none()).collect();
            assert!(missing.is_empty(), "{name}: {missing:?}");
        }
        let Some(Definitions::Enum(words)) = schema.get("MergeableState") else { panic!("no enum") };
        assert!(words.contains("MAYBE") && words.contains("UNKNOWN"));
        assert!(schema.is_a("PullRequest", "Node") && schema.overlap("Actor", "RequestedReviewer"));
        assert!(!schema.overlap("PullRequest", "Actor"));
    }
}
