//! What the YAML crate finds wrong, in our words: it speaks to programmers.

use std::sync::Arc;

use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::granit_parser::ErrorKind;
use serde_saphyr::localizer::ExternalMessageSource;
use serde_saphyr::{Error, Location};

use super::super::diagnostic::Diagnostic;
use super::super::document::{Document, Span};
use super::second_look::look;
use super::span;

/// Said of a key that is no text, by our own part of the deserializer.
pub(super) const KEY: &str = "a key must be text";

const TOO_DEEP: &str = "is nested too deeply (more than 32 levels)";
const TOO_MANY_ALIASES: &str = "expands to far too much through its aliases";

pub(super) fn explain(document: &Arc<Document>, error: &Error) -> Diagnostic {
    let location = error.location();
    let mut cause = error;
    while let Error::AliasError { error, .. } | Error::WithSnippet { error, .. } = cause {
        cause = error;
    }
    let found = match cause {
        Error::ExternalMessage { source, .. } => match &**source {
            ExternalMessageSource::Parser(error) => syntax(error.kind()),
            _ => not_taken(cause),
        },
        other => not_taken(other),
    };
    let Some(location) = location.filter(|location| *location != Location::UNKNOWN) else {
        return found.at(document, Span::default());
    };
    let at = span(document, location);
    match is_spelling(cause).then(|| look(document, at.start as usize)).flatten() {
        Some(seen) => seen.into_finding(document),
        None => found.at(document, at),
    }
}

/// Whether the error is about what is written, and not about how much of it.
fn is_spelling(error: &Error) -> bool {
    use Error as E;
    match error {
        E::ExternalMessage { source, .. } => {
            matches!(&**source, ExternalMessageSource::Parser(error) if !matches!(error.kind(), ErrorKind::RecursionLimitExceeded))
        }
        E::UnknownAnchor { .. } | E::UnsupportedTag { .. } => true,
        E::Message { msg, .. } => msg.contains(KEY),
        _ => false,
    }
}

/// Valid YAML that no manifest holds.
fn not_taken(error: &Error) -> Diagnostic {
    use Error as E;
    match error {
        E::Eof { .. } => {
            Diagnostic::new("the manifest is empty").help("it needs at least `jobs:` with one job")
        }
        E::MultipleDocuments { .. } => Diagnostic::new("the manifest holds more than one YAML document")
            .help("remove the `---` between them: one manifest has all jobs"),
        E::Budget { breach, .. } => beyond_bounds(describe_breach(breach)),
        E::AliasReplayLimitExceeded { .. }
        | E::AliasExpansionLimitExceeded { .. }
        | E::AliasReplayStackDepthExceeded { .. } => beyond_bounds(TOO_MANY_ALIASES),
        E::UnknownAnchor { .. } => Diagnostic::new("this alias names an anchor that is not defined above it"),
        E::RecursiveReferencesRequireWeakTypes { .. } => {
            Diagnostic::new("this alias stands within what its own anchor names").help("write it out")
        }
        E::MergeValueNotMapOrSeqOfMaps { .. } | E::MergeKeyNotAllowed { .. } => {
            Diagnostic::new("`<<` takes a mapping or a list of mappings")
                .help("name an anchor: `<<: *shared`")
        }
        E::Message { msg, .. } if msg.contains(KEY) => Diagnostic::new(KEY).help("put it in quotes"),
        E::InvalidScalar { .. } | E::InvalidBooleanStrict { .. } | E::NonFiniteFloat { .. } => {
            Diagnostic::new("the tag does not fit this value").help("remove the tag, or correct the value")
        }
        E::InvalidBinaryBase64 { .. } | E::BinaryNotUtf8 { .. } => {
            Diagnostic::new("`!!binary` must be the base64 of a text").help("write the text itself")
        }
        E::UnsupportedTag { .. } => {
            Diagnostic::new("this YAML tag is not taken").help("remove it: types are told by the values")
        }
        _ => Diagnostic::new("this value is none that a manifest can hold").help("write it in plainer YAML"),
    }
}

fn beyond_bounds(what: &str) -> Diagnostic {
    Diagnostic::new(format!("the manifest {what}"))
        .help("use plainer YAML; long lists of repositories can stand in a file of their own (`sources: [{ file: repos.txt }]`)")
}

fn describe_breach(breach: &BudgetBreach) -> &'static str {
    use BudgetBreach as B;
    match breach {
        B::Depth { .. } => TOO_DEEP,
        B::Aliases { .. } | B::Anchors { .. } => "has too many aliases",
        B::RecordedAnchorEvents { .. } => TOO_MANY_ALIASES,
        B::Nodes { .. } | B::Events { .. } => "is too large (more than 750,000 values)",
        _ => "is too large",
    }
}

/// What is no YAML.
fn syntax(kind: &ErrorKind) -> Diagnostic {
    use ErrorKind as K;
    let (what, help) = match kind {
        K::RecursionLimitExceeded => return beyond_bounds(TOO_DEEP),
        K::MultipleDocumentsUnsupported | K::ExpectedDocumentStart => (
            "the manifest ends before this",
            "a `---`, a `...` or a bracket that is closed ends it; texts with `: ` or `#` go in quotes",
        ),
        K::UnknownAnchor => {
            return Diagnostic::new("this alias names an anchor that is not defined above it");
        }
        K::TabNotAllowed | K::TabInBlockIndentation | K::TabInIndentation | K::TabAtBlockScalarStart => {
            ("a tab stands where YAML takes spaces only", "indent with spaces")
        }
        K::UnclosedQuotedScalar | K::DocumentIndicatorInQuotedScalar => (
            "a quote is not closed",
            "close it; a quote within is written `\\\"` between double quotes, and `''` between single ones",
        ),
        K::UnclosedFlowCollection { .. }
        | K::UnexpectedEofFlowSequence
        | K::UnexpectedEofFlowMapping
        | K::UnexpectedEofImplicitFlowMapping => ("a bracket is not closed", "close it with `]` or `}`"),
        K::ExpectedFlowMappingSeparator => {
            ("a `,` or a `}` is missing here", "texts with brackets or commas go in quotes")
        }
        K::ExpectedFlowSequenceSeparator => {
            ("a `,` or a `]` is missing here", "texts with brackets or commas go in quotes")
        }
        K::MisplacedFlowCollectionEnd | K::MismatchedFlowCollectionEnd { .. } => {
            ("this bracket closes none that is open", "remove it, or put the text in quotes")
        }
        K::InvalidTrailingSingleQuotedScalar | K::InvalidTrailingDoubleQuotedScalar => (
            "something follows the closing quote",
            "put the whole text in quotes, a quote within as `''` between single ones and `\\\"` between double ones, or add the missing comma",
        ),
        K::UnknownQuotedScalarEscape
        | K::InvalidQuotedScalarHexEscape
        | K::InvalidLowSurrogateHexEscape
        | K::InvalidLowSurrogate
        | K::MissingLowSurrogate
        | K::UnpairedLowSurrogate
        | K::InvalidUnicodeEscape => (
            "the text holds an escape that YAML does not know",
            "write `\\` for a backslash, or use single quotes",
        ),
        K::ExpectedBlockMappingKey
        | K::ExpectedBlockSequenceEntry
        | K::InvalidIndentation
        | K::BlockSequenceEntryNotAllowed
        | K::InvalidBlockScalarIndent
        | K::InvalidQuotedScalarIndent
        | K::InvalidFlowScalarIndent => (
            "this line does not belong where its indentation puts it",
            "indent the lines of one list or mapping alike",
        ),
        K::MappingValueNotAllowed
        | K::MappingKeyNotAllowed
        | K::InvalidColonPlacement
        | K::FlowMappingValueAdjacentCollection
        | K::InvalidMappingValueWhitespace => (
            "a `:` stands where there can be no further key",
            "put a text with `: ` in quotes, or write it below `|`",
        ),
        K::SimpleKeyExpected | K::InvalidSimpleKey => {
            ("this line is no `key: value`", "add the `:`, or put the text in quotes")
        }
        K::UnexpectedCharacter { .. } => ("a text cannot begin with this character", "put it in quotes"),
        K::UnsupportedYamlMajorVersion | K::DirectiveDisallowed => {
            ("this directive is not taken", "remove the line")
        }
        K::UndeclaredTagHandle => ("this YAML tag is not taken", "remove it, or put the text in quotes"),
        K::ZeroBlockScalarIndent | K::InvalidBlockScalarHeader => {
            ("something follows the `|` or `>`", "begin the text on the next line")
        }
        _ => ("this cannot be read as YAML", "put texts with special characters in quotes"),
    };
    Diagnostic::new(format!("the manifest is not valid YAML: {what}")).help(help)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parse;
    use super::*;

    fn message(text: &str) -> Option<String> {
        let document = Arc::new(Document::new("jobs.yaml", text));
        let found = parse(&document).err()?;
        Some(format!("{}; {}", found[0].message(), found[0].way_out().unwrap_or("")))
    }

    #[test]
    fn what_the_yaml_crate_finds_is_said_in_our_words() {
        for (text, part) in [
            ("vars: { ~: x }", "a key must be text"),
            ("? [a]\n: b", "a key must be text"),
            ("? { a: b }\n: c", "a key must be text"),
            ("a: !secret x", "this YAML tag is not taken"),
            ("a: !!set { b, c }", "this YAML tag is not taken"),
            ("a: !!int x", "the tag does not fit this value"),
            ("a: !!bool maybe", "the tag does not fit this value"),
            ("a: { <<: 3 }", "`<<` takes a mapping"),
            ("a: &x [*x]", "within what its own anchor names"),
            ("a: *x", "not defined above it"),
            ("a: b\n---\nc: d", "more than one YAML document"),
            ("a:\n\t- b", "not valid YAML: a tab stands"),
            ("a: [b", "not valid YAML: a bracket is not closed"),
            ("a: 'b", "not valid YAML: a quote is not closed"),
            ("a: 'it's'", "not valid YAML: something follows the closing quote"),
            ("a: b: c", "put a text with `: ` in quotes"),
            ("a: @b", "a text cannot begin with this character"),
            ("a: \"\\q\"", "an escape that YAML does not know"),
            ("a:\n  - b\n c: d", "indent the lines of one list or mapping alike"),
            ("a: [b}", "this bracket closes none that is open"),
        ] {
            let found = message(text).unwrap_or_default();
            assert!(found.contains(part), "{text}: {found}");
        }
    }

    proptest! {
        #[test]
        fn no_text_of_the_yaml_crate_is_shown(text in r#"([a-c]|: |- |\n|\n  |\[|\]|\{|\}|&a |\*a|!!int |!x |\? |~|'|"|\\|#|\||>|@|%|---|,|<<|1|\t){0,12}"#) {
            if let Some(found) = message(&text) {
                for foreign in ["column", "Option", "serde", "deserialize", "u64", "scalar", "while parsing", "token"] {
                    prop_assert!(!found.contains(foreign), "{:?}: {}", text, found);
                }
            }
        }
    }
}
