//! What is written of the manifest's keys elsewhere: the schema, README.md and the example.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::manifest::json_schema;
use crate::simulator::Scenario;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A YAML document as JSON, with anchors and merges resolved; `None` where it is not JSON.
fn as_json(path: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(path).ok()?;
    serde_saphyr::from_str_with_options(&text, serde_saphyr::options! { strict_booleans: true }).ok()
}

/// Holds a file against what it is generated from.
fn assert_generated(path: &str, generated: &str) {
    if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
        std::fs::write(project(path), generated).unwrap();
    }
    let checked_in = std::fs::read_to_string(project(path)).unwrap_or_default();
    assert!(
        checked_in == generated,
        "{path} is stale: run `INSTA_UPDATE=always cargo test` and look at the diff"
    );
}

#[test]
fn the_schema_that_is_checked_in_is_the_generated_one() {
    assert_generated("schemas/manifest.schema.json", &format!("{:#}\n", json_schema()));
}

#[test]
fn the_schema_of_a_scenario_is_the_generated_one_and_names_what_the_example_has() {
    let schema = Scenario::json_schema();
    assert_generated("schemas/scenario.schema.json", &format!("{schema:#}\n"));
    let example: Value = serde_saphyr::from_str(Scenario::REFERENCE).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&example)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let objects = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    let keys = objects.flat_map(|object| object["properties"].as_object()).flatten();
    let missing: Vec<&String> =
        keys.map(|(key, _)| key).filter(|key| !Scenario::REFERENCE.contains(&format!("{key}:"))).collect();
    assert!(missing.is_empty(), "reference.yaml does not show {missing:?}");
}

#[test]
fn the_page_of_the_simulator_has_every_key_of_a_scenario() {
    let text = std::fs::read_to_string(project("docs/simulator.md")).unwrap();
    let start = text.find("reference.yaml: INSTA").unwrap();
    let start = start + text[start..].find("```yaml\n").unwrap() + "```yaml\n".len();
    let end = start + text[start..].find("```\n").unwrap();
    assert_generated(
        "docs/simulator.md",
        &format!("{}{}{}", &text[..start], Scenario::REFERENCE, &text[end..]),
    );
}

#[test]
fn good_manifests_keep_the_schema() {
    let schema = jsonschema::validator_for(&json_schema()).unwrap();
    for path in ["jobs.example.yaml", "tests/fixtures/manifests/good/every-key.yaml"] {
        let manifest = as_json(&project(path)).unwrap();
        let errors: Vec<String> = schema
            .iter_errors(&manifest)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{path}: {errors:#?}");
    }
}

#[test]
fn the_schema_sees_what_an_editor_should_underline() {
    let schema = jsonschema::validator_for(&json_schema()).unwrap();
    let bad = [
        "bool-as-yes",
        "unknown-key",
        "unknown-key-without-neighbour",
        "unknown-word",
        "wrong-type",
        "wrong-shape",
        "missing-jobs",
        "no-jobs",
        "version-2",
        "duration-without-unit",
        "parallel-zero",
        "job-without-id",
        "job-id-with-slash",
        "id-in-defaults",
        "matrix-not-lists",
        "matrix-without-values",
        "max-failures",
        "duration-negative",
    ];
    for name in bad {
        let manifest = as_json(&project(&format!("tests/fixtures/manifests/bad/{name}.yaml"))).unwrap();
        assert!(!schema.is_valid(&manifest), "{name}");
    }
}

/// A value as YAML on one line.
fn yaml(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(yaml).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// A row of README.md for each key of an object, and of the groups of settings in it where `deep`.
fn rows(schema: &Value, object: &Value, within: &str, deep: bool) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for (name, key) in object["properties"].as_object().unwrap() {
        let definition = key["anyOf"][0]["$ref"]
            .as_str()
            .map_or(&Value::Null, |name| schema.pointer(name.trim_start_matches('#')).unwrap());
        if deep && name != "defaults" && definition["properties"].is_object() {
            rows.extend(self::rows(schema, definition, &format!("{name}."), false));
            continue;
        }
        let required =
            object["required"].as_array().is_some_and(|names| names.contains(&name.as_str().into()));
        let default = match key.get("default") {
            Some(default) => format!("`{}`", yaml(default)),
            None if required => "required".to_owned(),
            None => String::new(),
        };
        let meaning = key["description"].as_str().unwrap().replace('\n', " ");
        let name = format!("`{within}{name}`");
        rows.push((name.clone(), format!("| {name} | {default} | {meaning} |\n")));
    }
    rows
}

/// The text with the table after `before` made of these rows, in the order that it has; new keys follow their group.
fn with_table(text: &str, before: &str, mut rows: Vec<(String, String)>) -> String {
    let start = text.find(before).unwrap() + before.len();
    let start = start + text[start..].find("| --- | --- | --- |\n").unwrap() + "| --- | --- | --- |\n".len();
    let end = start + text[start..].find("\n\n").unwrap() + 1;
    let old: Vec<&str> = text[start..end].lines().map(|row| row.split(" | ").next().unwrap()).collect();
    let group = |key: &str| key.split('.').next().unwrap().len();
    rows.sort_by_key(|(key, _)| {
        let place = old.iter().position(|old| old[2..] == *key);
        let last = || old.iter().rposition(|old| old[2..].starts_with(&key[..group(key)]));
        (place.or_else(last).unwrap_or(old.len()), place.is_none())
    });
    let table: String = rows.into_iter().map(|(_, row)| row).collect();
    format!("{}{table}{}", &text[..start], &text[end..])
}

#[test]
fn the_tables_of_keys_are_the_generated_ones() {
    let schema = json_schema();
    let text = std::fs::read_to_string(project("README.md")).unwrap();
    let text = with_table(&text, "\n## Manifest\n", rows(&schema, &schema, "", true));
    let text = with_table(&text, "\nA job has:\n", rows(&schema, &schema["$defs"]["JobKeys"], "", false));
    assert_generated("README.md", &text);
}

#[test]
fn the_example_shows_every_key_with_its_default() {
    let text = std::fs::read_to_string(project("jobs.example.yaml")).unwrap();
    assert!(text.starts_with("# yaml-language-server: $schema=schemas/manifest.schema.json\n"));
    let schema = json_schema();
    let definitions = schema["$defs"].as_object().unwrap().values();
    let mut missing = Vec::new();
    for (name, key) in
        definitions.chain([&schema]).flat_map(|object| object["properties"].as_object()).flatten()
    {
        let default = key.get("default").map_or_else(String::new, yaml);
        if !text.lines().any(|line| line.contains(&format!("{name}:")) && line.contains(&default)) {
            missing.push(format!("{name}: {default}"));
        }
    }
    assert!(missing.is_empty(), "jobs.example.yaml does not show {missing:#?}");
}
