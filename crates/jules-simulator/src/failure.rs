//! Answers that say no, in the envelope of Google's APIs.

use serde_json::{Value, json};

/// A refused request: HTTP code, canonical status, and what was wrong where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: u16,
    status: &'static str,
    message: String,
    violations: Vec<Violation>,
    /// Whole seconds for the header `Retry-After`.
    pub(super) retry_after: Option<u64>,
}

/// One field of a request that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) field: String,
    pub(super) description: String,
}

impl Violation {
    pub(super) fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }
}

impl Failure {
    fn new(code: u16, status: &'static str, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into(), violations: Vec::new(), retry_after: None }
    }

    /// 400 for the fields named; the first one also makes the message.
    pub(super) fn invalid(violations: Vec<Violation>) -> Self {
        let message = violations.first().map_or_else(
            || "Request contains an invalid argument.".to_owned(),
            |first| first.description.clone(),
        );
        Self { violations, ..Self::new(400, "INVALID_ARGUMENT", message) }
    }

    pub(super) fn invalid_field(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::invalid(vec![Violation::new(field, description)])
    }

    /// The service's message about a wrong or missing key speaks of OAuth, and so does this one.
    pub(super) fn unauthenticated() -> Self {
        Self::new(
            401,
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other \
             valid authentication credential.",
        )
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "Requested entity was not found.")
    }

    pub(super) fn precondition() -> Self {
        Self::new(400, "FAILED_PRECONDITION", "Precondition check failed.")
    }

    pub(super) fn exhausted(retry_after: Option<u64>) -> Self {
        Self {
            retry_after,
            ..Self::new(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).")
        }
    }

    /// A failure of the service itself.
    pub(super) fn outage(code: u16) -> Self {
        match code {
            500 => Self::new(code, "INTERNAL", "Internal error encountered."),
            501 => Self::new(code, "UNIMPLEMENTED", "The method is not implemented."),
            504 => Self::new(code, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
            403 => Self::new(code, "PERMISSION_DENIED", "The caller does not have permission"),
            404 => Self::not_found(),
            400 => Self::precondition(),
            401 => Self::unauthenticated(),
            429 => Self::exhausted(None),
            302 => Self::new(code, "UNKNOWN", "Found"),
            _ => Self::new(code, "UNAVAILABLE", "The service is currently unavailable."),
        }
    }

    /// The JSON body.
    pub(super) fn body(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message, "status": self.status });
        if !self.violations.is_empty() {
            let violations: Vec<_> = self
                .violations
                .iter()
                .map(|violation| json!({ "field": violation.field, "description": violation.description }))
                .collect();
            error["details"] = json!([{
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": violations,
            }]);
        }
        json!({ "error": error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_names_the_fields() {
        let body = Failure::invalid_field("foo", "Cannot find field.").body();
        assert_eq!(body["error"]["status"], "INVALID_ARGUMENT");
        assert_eq!(body["error"]["details"][0]["fieldViolations"][0]["field"], "foo");
    }

    #[test]
    fn details_are_left_out_when_there_are_none() {
        assert!(Failure::precondition().body()["error"].get("details").is_none());
    }
}
