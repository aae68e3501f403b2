//! What the user wrote: serde types, and YAML with the places of its errors.
