//! How the schema describes times.

use schemars::{Schema, SchemaGenerator, json_schema};

pub(in crate::report) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time" })
}

pub(in crate::report) fn optional_time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "format": "date-time" })
}
