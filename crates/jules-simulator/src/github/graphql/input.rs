//! What is given to fields: literals and variables, held to their types.

use graphql_parser::query::{Value, VariableDefinition};
use serde_json::{Map, Value as JsonValue};

use super::schema::{Argument, Definitions, Schema, Type};

type Declared = [VariableDefinition<'static, String>];

/// Whether a value in a document is of the type; a variable by its declaration.
pub(super) fn check(
    schema: &Schema,
    of: &Type,
    value: &Value<'static, String>,
    declared: &Declared,
) -> Result<(), String> {
    if let Value::Variable(name) = value {
        let known = declared.iter().find(|one| one.name == *name);
        return match known {
            Some(one) if !fits(&one.var_type, of, one.default_value.is_some()) => {
                Err(format!("Type mismatch on variable ${name} ({} / {of})", one.var_type))
            }
            // An undeclared one is told elsewhere.
            Some(_) | None => Ok(()),
        };
    }
    let unfit = || Err(format!("invalid value ({value}). Expected type '{of}'."));
    match (of, value) {
        (Type::NonNullType(_), Value::Null) => unfit(),
        (Type::NonNullType(of), value) => {
            check(schema, of, value, declared).map_err(|_| unfit().err().unwrap_or_default())
        }
        (_, Value::Null) => Ok(()),
        (Type::ListType(of), Value::List(items)) => {
            items.iter().try_for_each(|item| check(schema, of, item, declared))
        }
        (Type::ListType(of), value) => check(schema, of, value, declared),
        (Type::NamedType(name), value) => {
            let fits = match (schema.get(name), value) {
                (Some(Definitions::Enum(words)), Value::Enum(word)) => words.contains(word),
                (Some(Definitions::Input(fields)), Value::Object(given)) => {
                    return check_object(schema, fields, given, declared);
                }
                (Some(Definitions::Scalar), value) => match name.as_str() {
                    "Int" => matches!(value, Value::Int(_)),
                    "Float" => matches!(value, Value::Int(_) | Value::Float(_)),
                    "Boolean" => matches!(value, Value::Boolean(_)),
                    "ID" => matches!(value, Value::String(_) | Value::Int(_)),
                    "String" => matches!(value, Value::String(_)),
                    _ => true,
                },
                _ => false,
            };
            if fits { Ok(()) } else { unfit() }
        }
    }
}

fn check_object(
    schema: &Schema,
    fields: &std::collections::BTreeMap<String, Argument>,
    given: &std::collections::BTreeMap<String, Value<'static, String>>,
    declared: &Declared,
) -> Result<(), String> {
    for (name, value) in given {
        let known = fields.get(name).ok_or_else(|| format!("unknown field '{name}'"))?;
        check(schema, &known.of, value, declared)?;
    }
    let missing = fields.iter().find(|(name, known)| is_required(known) && !given.contains_key(*name));
    missing.map_or(Ok(()), |(name, _)| Err(format!("field '{name}' is missing")))
}

pub(super) fn is_required(argument: &Argument) -> bool {
    matches!(argument.of, Type::NonNullType(_)) && argument.default.is_none()
}

/// Whether a variable of type `given` can stand where `wanted` is.
fn fits(given: &Type, wanted: &Type, has_default: bool) -> bool {
    match (given, wanted) {
        (Type::NonNullType(given), Type::NonNullType(wanted)) => fits(given, wanted, false),
        (given, Type::NonNullType(wanted)) => has_default && fits(given, wanted, false),
        (Type::NonNullType(given), wanted) => fits(given, wanted, false),
        (Type::ListType(given), Type::ListType(wanted)) => fits(given, wanted, false),
        (Type::NamedType(given), Type::NamedType(wanted)) => given == wanted,
        _ => false,
    }
}

/// The variables' values, with their defaults.
pub(super) fn variables(
    schema: &Schema,
    declared: &Declared,
    given: &Map<String, JsonValue>,
) -> Result<Map<String, JsonValue>, String> {
    let mut values = Map::new();
    for one in declared {
        let value = match (given.get(&one.name), &one.default_value) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => json(default, &Map::new()).unwrap_or_default(),
            (None, None) if matches!(one.var_type, Type::NonNullType(_)) => JsonValue::Null,
            (None, None) => continue,
        };
        given_fits(schema, &one.var_type, &value).map_err(|why| {
            format!("Variable ${} of type {} was provided invalid value{why}", one.name, one.var_type)
        })?;
        values.insert(one.name.clone(), value);
    }
    Ok(values)
}

/// Whether a variable's value is of the type; what is wrong with it.
fn given_fits(schema: &Schema, of: &Type, value: &JsonValue) -> Result<(), String> {
    match (of, value) {
        (Type::NonNullType(_), JsonValue::Null) => Err(" (Expected value to not be null)".to_owned()),
        (Type::NonNullType(of), value) => given_fits(schema, of, value),
        (_, JsonValue::Null) => Ok(()),
        (Type::ListType(of), JsonValue::Array(items)) => {
            items.iter().try_for_each(|item| given_fits(schema, of, item))
        }
        (Type::ListType(of), value) => given_fits(schema, of, value),
        (Type::NamedType(name), value) => {
            let fits = match (schema.get(name), value) {
                (Some(Definitions::Enum(words)), JsonValue::String(word)) => words.contains(word),
                (Some(Definitions::Input(fields)), JsonValue::Object(given)) => {
                    for (name, value) in given {
                        let known =
                            fields.get(name).ok_or_else(|| format!(" for {name} (Field is not defined)"))?;
                        given_fits(schema, &known.of, value).map_err(|why| format!(" for {name}{why}"))?;
                    }
                    let missing =
                        fields.iter().find(|(name, known)| is_required(known) && !given.contains_key(*name));
                    return missing.map_or(Ok(()), |(name, _)| {
                        Err(format!(" for {name} (Expected value to not be null)"))
                    });
                }
                (Some(Definitions::Scalar), value) => match name.as_str() {
                    "Int" => value.is_i64(),
                    "Float" => value.is_number(),
                    "Boolean" => value.is_boolean(),
                    "ID" => value.is_string() || value.is_i64(),
                    "String" => value.is_string(),
                    _ => true,
                },
                _ => false,
            };
            if fits { Ok(()) } else { Err(format!(" (Could not coerce value {value} to {name})")) }
        }
    }
}

/// A value of a document with its variables filled in; `None` for a variable that was not given.
pub(super) fn json(value: &Value<'static, String>, variables: &Map<String, JsonValue>) -> Option<JsonValue> {
    Some(match value {
        Value::Variable(name) => return variables.get(name).cloned(),
        Value::Int(number) => JsonValue::from(number.as_i64()),
        Value::Float(number) => JsonValue::from(*number),
        Value::String(text) | Value::Enum(text) => JsonValue::from(text.as_str()),
        Value::Boolean(flag) => JsonValue::from(*flag),
        Value::Null => JsonValue::Null,
        Value::List(items) => {
            let item = |item| json(item, variables).unwrap_or_default();
            JsonValue::Array(items.iter().map(item).collect())
        }
        Value::Object(fields) => {
            let field = |(name, value): (&String, _)| Some((name.clone(), json(value, variables)?));
            JsonValue::Object(fields.iter().filter_map(field).collect())
        }
    })
}
