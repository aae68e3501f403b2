//! The JSON Schema of what a scenario writes as text.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{
    behaviour::After,
    github::{Operation, Word},
    method::{Method, Scope},
    pattern::Pattern,
    span::Span,
};

/// A text with these rules.
macro_rules! text {
    ($($type:ident: $schema:expr;)*) => {$(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

text! {
    Span: json_schema!({ "type": "string", "description": "`90s`, a range such as `5m..20m`, or a spread such as `10m ± 30%`." });
    After: json_schema!({ "type": "string", "description": "A length of time, or `never`." });
    Pattern: json_schema!({
        "type": "string",
        "description": "With `*` or `?` a glob over the whole text, without either a part of the text."
    });
    Word: json_schema!({ "type": "string", "pattern": "^[A-Z][A-Z0-9_]*$" });
    Scope: {
        let methods = Method::ALL.into_iter().chain(Operation::ALL.into_iter().map(Method::GitHub));
        let names = Scope::TOGETHER.into_iter().chain(methods.map(Scope::One)).map(Scope::name);
        json_schema!({ "type": "string", "enum": names.collect::<Vec<_>>() })
    };
}
