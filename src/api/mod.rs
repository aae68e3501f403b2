//! The API client: what is left of this crate without its features.

mod id;

pub use id::SessionId;
