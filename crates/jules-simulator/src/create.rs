//! The body of a create, read as strictly as the service reads it.

use serde_json::{Map, Value};

use super::{
    dice::Dice,
    failure::{Failure, Violation},
    timeline::Wishes,
};

/// What a valid create asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Create {
    pub(super) prompt: String,
    pub(super) title: Option<String>,
    pub(super) source: Option<AskedSource>,
    pub(super) approval: bool,
    pub(super) pull_request: bool,
}

/// The source of a create.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AskedSource {
    /// `sources/github/{owner}/{repo}`.
    pub(super) name: String,
    pub(super) branch: String,
    pub(super) working_branch: Option<String>,
    pub(super) environment_variables: bool,
}

/// Fields that only the service fills: known, and ignored in a request.
const OUTPUT_ONLY: [&str; 8] =
    ["name", "id", "createTime", "updateTime", "state", "url", "outputs", "archived"];

impl Create {
    /// Reads the body.
    pub(super) fn read(body: &[u8]) -> Result<Self, Failure> {
        let object = object(body)?;
        let mut fields = Fields::new("", &object);
        let prompt = fields.text("prompt");
        let title = fields.text("title");
        let approval = fields.flag("requirePlanApproval").unwrap_or(false);
        let pull_request = match fields.text("automationMode").as_deref() {
            None | Some("AUTOMATION_MODE_UNSPECIFIED") => false,
            Some("AUTO_CREATE_PR") => true,
            Some(other) => {
                fields.violation(
                    "automationMode",
                    format!("Invalid value at 'session.automation_mode': \"{other}\""),
                );
                false
            }
        };
        let context = fields.object("sourceContext");
        for known in OUTPUT_ONLY {
            fields.skip(known);
        }
        let mut violations = fields.finish();
        if prompt.as_deref().is_none_or(|prompt| prompt.trim().is_empty()) && violations.is_empty() {
            violations.push(Violation::new("prompt", "The prompt is required."));
        }
        let source = context.and_then(|context| read_context(context, &mut violations));
        match prompt {
            Some(prompt) if violations.is_empty() => {
                Ok(Self { prompt, title, source, approval, pull_request })
            }
            _ => Err(Failure::invalid(violations)),
        }
    }

    /// What shapes the session's life.
    pub(super) fn wishes(&self, doomed: bool) -> Wishes {
        Wishes { approval: self.approval, pull_request: self.pull_request && self.source.is_some(), doomed }
    }

    pub(super) fn source_and_branch(&self) -> (&str, &str) {
        self.source.as_ref().map_or(("", ""), |source| (&source.name, &source.branch))
    }

    /// A number for its prompt and source: creates that share it do one task's work.
    pub(super) fn task(&self) -> u64 {
        let (source, branch) = self.source_and_branch();
        Dice::new(0).with(&self.prompt).with(source).with(branch).bits()
    }
}

fn read_context(context: &Map<String, Value>, violations: &mut Vec<Violation>) -> Option<AskedSource> {
    let mut fields = Fields::new("sourceContext", context);
    let name = fields.text("source");
    let github = fields.object("githubRepoContext");
    let working_branch = fields.text("workingBranch");
    let environment_variables = fields.flag("environmentVariablesEnabled").unwrap_or(false);
    violations.extend(fields.finish());
    let branch = github.and_then(|github| {
        let mut fields = Fields::new("sourceContext.githubRepoContext", github);
        let branch = fields.text("startingBranch");
        violations.extend(fields.finish());
        branch.filter(|branch| !branch.is_empty())
    });
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        violations
            .push(Violation::new("sourceContext.source", "The source is required in a source context."));
        return None;
    };
    if !name.starts_with("sources/") {
        violations.push(Violation::new("sourceContext.source", format!("Invalid resource name: {name}")));
        return None;
    }
    let Some(branch) = branch else {
        let field = "sourceContext.githubRepoContext.startingBranch";
        violations.push(Violation::new(field, "The starting branch is required for a GitHub repository."));
        return None;
    };
    Some(AskedSource { name, branch, working_branch, environment_variables })
}

/// Reads `{"prompt": "…"}`, the body of sendMessage, in which the prompt may be empty.
pub(super) fn read_message(body: &[u8]) -> Result<String, Failure> {
    let object = object(body)?;
    let mut fields = Fields::new("", &object);
    let prompt = fields.text("prompt");
    let violations = fields.finish();
    if violations.is_empty() { Ok(prompt.unwrap_or_default()) } else { Err(Failure::invalid(violations)) }
}

/// Checks a body that must be empty or `{}`.
pub(super) fn read_nothing(body: &[u8]) -> Result<(), Failure> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    let violations = Fields::new("", &object(body)?).finish();
    if violations.is_empty() { Ok(()) } else { Err(Failure::invalid(violations)) }
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Failure> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => {
            Err(Failure::invalid_field("", "Invalid JSON payload received. Root element must be a message."))
        }
        Err(error) => Err(Failure::invalid_field("", format!("Invalid JSON payload received. {error}"))),
    }
}

/// The fields of one JSON object; those never asked for are unknown.
struct Fields<'a> {
    path: &'a str,
    object: &'a Map<String, Value>,
    asked: Vec<&'a str>,
    violations: Vec<Violation>,
}

impl<'a> Fields<'a> {
    fn new(path: &'a str, object: &'a Map<String, Value>) -> Self {
        Self { path, object, asked: Vec::new(), violations: Vec::new() }
    }

    fn full(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn violation(&mut self, name: &str, description: String) {
        let field = self.full(name);
        self.violations.push(Violation { field, description });
    }

    fn take(&mut self, name: &'a str) -> Option<&'a Value> {
        self.asked.push(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    fn skip(&mut self, name: &'a str) {
        self.asked.push(name);
    }

    fn wrong_type(&mut self, name: &str, wanted: &str) {
        let description = format!("Invalid value at '{}': {wanted} is expected.", self.full(name));
        self.violation(name, description);
    }

    fn text(&mut self, name: &'a str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text.clone()),
            _ => {
                self.wrong_type(name, "a string");
                None
            }
        }
    }

    fn flag(&mut self, name: &'a str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(flag) => Some(*flag),
            _ => {
                self.wrong_type(name, "a boolean");
                None
            }
        }
    }

    fn object(&mut self, name: &'a str) -> Option<&'a Map<String, Value>> {
        match self.take(name)? {
            Value::Object(object) => Some(object),
            _ => {
                self.wrong_type(name, "a message");
                None
            }
        }
    }

    /// What was wrong with the fields, those that nobody knows included.
    fn finish(mut self) -> Vec<Violation> {
        for name in self.object.keys().filter(|name| !self.asked.contains(&name.as_str())) {
            let description =
                format!("Invalid JSON payload received. Unknown name \"{name}\": Cannot find field.");
            self.violations.push(Violation { field: self.full(name), description });
        }
        self.violations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields_of(failure: &Failure) -> Vec<String> {
        let body = failure.body();
        let violations = body["error"]["details"][0]["fieldViolations"].as_array().unwrap().clone();
        violations.iter().map(|violation| violation["field"].as_str().unwrap().to_owned()).collect()
    }

    fn refused(body: &str) -> Vec<String> {
        let failure = Create::read(body.as_bytes()).unwrap_err();
        assert_eq!(failure.code, 400);
        fields_of(&failure)
    }

    #[test]
    fn reads_a_whole_request() {
        let create = Create::read(
            br#"{"prompt":"p","title":"t","requirePlanApproval":true,"automationMode":"AUTO_CREATE_PR",
                "sourceContext":{"source":"sources/github/o/r","githubRepoContext":{"startingBranch":"main"}}}"#,
        )
        .unwrap();
        let source = AskedSource {
            name: "sources/github/o/r".to_owned(),
            branch: "main".to_owned(),
            ..AskedSource::default()
        };
        assert_eq!(
            create,
            Create {
                prompt: "p".to_owned(),
                title: Some("t".to_owned()),
                source: Some(source),
                approval: true,
                pull_request: true
            }
        );
    }

    #[test]
    fn a_prompt_alone_is_a_request_without_source() {
        let create = Create::read(br#"{"prompt":"p"}"#).unwrap();
        assert_eq!((create.source, create.approval, create.pull_request), (None, false, false));
    }

    #[test]
    fn output_only_fields_are_ignored() {
        assert!(Create::read(br#"{"prompt":"p","id":"1","state":"COMPLETED","outputs":[]}"#).is_ok());
    }

    #[test]
    fn names_what_is_wrong() {
        assert_eq!(refused(r#"{"prompt":"p","promt":1}"#), ["promt"]);
        assert_eq!(refused(r#"{"prompt":7}"#), ["prompt"]);
        assert_eq!(refused(r#"{"title":"t"}"#), ["prompt"]);
        assert_eq!(refused(r#"{"prompt":"p","automationMode":"AUTO_MERGE"}"#), ["automationMode"]);
        assert_eq!(refused(r#"{"prompt":"p","requirePlanApproval":"yes"}"#), ["requirePlanApproval"]);
        let start = "sourceContext.githubRepoContext.startingBranch";
        assert_eq!(refused(r#"{"prompt":"p","sourceContext":{"source":"sources/github/o/r"}}"#), [start]);
        let odd = r#"{"prompt":"p","sourceContext":{"source":"sources/github/o/r","githubRepoContext":{"startingBranch":"m","b":1}}}"#;
        assert_eq!(refused(odd), ["sourceContext.githubRepoContext.b"]);
        assert_eq!(refused("[]"), [""]);
        assert_eq!(refused("{"), [""]);
    }

    #[test]
    fn messages_and_empty_bodies_are_read_as_strictly() {
        assert_eq!(read_message(br#"{"prompt":"go on"}"#).unwrap(), "go on");
        assert_eq!(read_message(br#"{"prompt":" "}"#).unwrap(), " ");
        assert_eq!(read_message(b"{}").unwrap(), "");
        assert!(read_message(br#"{"prompt":"x","y":1}"#).is_err());
        assert!(read_nothing(b"").is_ok() && read_nothing(b"{}").is_ok());
        assert!(read_nothing(br#"{"plan":"p"}"#).is_err());
    }
}
