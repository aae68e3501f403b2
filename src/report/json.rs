//! `report.json`: written, read back, described.

use std::borrow::Cow;
use std::io::{self, Write};

use foreign_text::Lines;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ReportError, ReportV1};

/// The report as JSON, indented, with a line break at the end.
#[must_use]
pub fn to_json(report: &ReportV1) -> String {
    text(report)
}

/// Writes it as it is made, so that a large one is never in memory as a whole.
///
/// # Errors
///
/// When it cannot be written.
pub fn write_json(report: &ReportV1, out: &mut dyn Write) -> io::Result<()> {
    write(report, out)
}

/// Indented JSON without what a console acts on, with a line break at the end.
pub(super) fn write(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = Lines::new(out, b",{[", |text| Cow::Owned(foreign_text::json(text.to_owned())));
    serde_json::to_writer_pretty(&mut lines, value)?;
    lines.write_all(b"\n")?;
    lines.finish()
}

/// The same as a text.
pub(super) fn text(value: &impl Serialize) -> String {
    let mut json = Vec::new();
    write(value, &mut json).expect("a report's maps have text keys, so it is JSON");
    String::from_utf8(json).expect("JSON is UTF-8")
}

/// Reads a `report.json` back. Fields that this version does not know are passed over.
///
/// # Errors
///
/// When the text is no such report, or one of another version.
pub fn from_json(json: &str) -> Result<ReportV1, ReportError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        schema_version: u64,
    }
    let version: Version = serde_json::from_str(json).map_err(ReportError::Read)?;
    if version.schema_version != u64::from(ReportV1::VERSION) {
        return Err(ReportError::Version { found: version.schema_version });
    }
    serde_json::from_str(json).map_err(ReportError::Read)
}

/// The JSON Schema of `report.json`.
#[must_use]
pub fn report_schema() -> Value {
    schema_of::<ReportV1>("urn:jules-batch:schema:report:1")
}

/// The JSON Schema of what is written as this type.
pub(super) fn schema_of<T: JsonSchema>(id: &str) -> Value {
    // `uint64` and the like are Rust's: validators refuse a format that they do not know.
    let plain = RecursiveTransform(|schema: &mut Schema| {
        if schema.get("format").and_then(Value::as_str).is_some_and(|format| format.contains("int")) {
            schema.remove("format");
        }
    });
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(plain);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), id.into());
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sample::{SampleRun, campaign, every_outcome};
    use super::*;
    use crate::outcome::Outcome;

    const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/report.schema.json");

    #[test]
    fn holds_what_happened() {
        let mut sample = SampleRun::new();
        sample.plan("upgrade/my-org/web@main[crate=serde]", Some("my-org/web"), 14);
        sample.at(1).start("upgrade/my-org/web@main[crate=serde]", 1, "31415926535897932384");
        sample.at(61).end_attempt(
            "upgrade/my-org/web@main[crate=serde]",
            1,
            Outcome::Succeeded,
            None,
            &json!({
                "pullRequest": {"url": "https://github.com/my-org/web/pull/7", "number": 7, "title": "Upgrade serde",
                    "baseRef": "main", "headRef": "jules/serde"},
                "change": {"files": 2, "additions": 10, "deletions": 3}
            }),
        );
        sample.end("upgrade/my-org/web@main[crate=serde]", Outcome::Succeeded, None);
        sample.used(&[("create", 1), ("list", 4)]).finish(None);
        insta::assert_snapshot!(to_json(&sample.report()));
    }

    #[test]
    fn is_read_back() {
        let report = every_outcome();
        assert_eq!(from_json(&to_json(&report)).unwrap(), report);
        assert_eq!(report.totals.total, 12);
        assert_eq!(report.failures(), 6);
        assert_eq!(report.remaining, 2);
    }

    #[test]
    fn tells_how_pull_requests_stand() {
        let report = campaign();
        assert_eq!(from_json(&to_json(&report)).unwrap(), report);
        let json: Value = serde_json::from_str(&to_json(&report)).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&json!({
            "pulls": json["pulls"], "merged": json["tasks"][9]["pullRequest"], "touched": json["tasks"][23]["pullRequest"],
            "unread": json["tasks"][55]["pullRequest"], "attempt": json["tasks"][9]["attempts"][0]["pullRequest"],
            "github": json["api"]["github"],
        })).unwrap());
        let unread: Value = serde_json::from_str(&to_json(&every_outcome())).unwrap();
        assert!(unread.get("pulls").is_none() && unread["api"].get("github").is_none());
    }

    #[test]
    fn passes_over_what_is_new_and_refuses_another_version() {
        let mut json: Value = serde_json::from_str(&to_json(&every_outcome())).unwrap();
        json["brandNew"] = json!({"x": 1});
        json["tasks"][0]["mood"] = json!("good");
        assert_eq!(from_json(&json.to_string()).unwrap(), every_outcome());
        json["schemaVersion"] = json!(2);
        let error = from_json(&json.to_string()).unwrap_err();
        assert_eq!(error.to_string(), "it has schemaVersion 2, and this program reads 1");
        assert!(from_json("[]").is_err());
    }

    #[test]
    fn the_schema_is_current() {
        let schema = serde_json::to_string_pretty(&report_schema()).unwrap() + "\n";
        if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
            std::fs::write(SCHEMA, &schema).unwrap();
        }
        let checked_in = std::fs::read_to_string(SCHEMA).unwrap();
        assert!(
            checked_in == schema,
            "schemas/report.schema.json is old: run `INSTA_UPDATE=always cargo test`"
        );
    }

    #[test]
    fn reports_fit_the_schema() {
        let validator = jsonschema::validator_for(&report_schema()).unwrap();
        for report in [every_outcome(), SampleRun::new().report(), campaign()] {
            let json: Value = serde_json::from_str(&to_json(&report)).unwrap();
            let errors: Vec<String> = validator.iter_errors(&json).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?}");
        }
        let mut broken: Value = serde_json::from_str(&to_json(&every_outcome())).unwrap();
        broken["tasks"][0]["outcome"] = json!("splendid");
        assert!(!validator.is_valid(&broken));
    }
}
