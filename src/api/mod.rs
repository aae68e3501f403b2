//! The API client: what is left of this crate without its features.
