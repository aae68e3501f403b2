//! Artifacts: what an activity carries besides words.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::lenient::{or_default, put, take};
use crate::diff::Diff;

/// Something that an activity carries.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Artifact {
    /// A change set; each one holds the session's whole work so far.
    ChangeSet(ChangeSet),
    /// A picture or a recording.
    Media(Media),
    /// A command and what it printed.
    BashOutput(BashOutput),
    /// An artifact that this version does not know, as it came.
    Unknown(Value),
}

impl<'de> Deserialize<'de> for Artifact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::deserialize(deserializer)?;
        let holds = |key: &str| map.get(key).is_some_and(Value::is_object);
        Ok(if holds("changeSet") {
            Self::ChangeSet(take(&mut map, "changeSet").unwrap_or_default())
        } else if holds("media") {
            Self::Media(take(&mut map, "media").unwrap_or_default())
        } else if holds("bashOutput") {
            Self::BashOutput(take(&mut map, "bashOutput").unwrap_or_default())
        } else {
            Self::Unknown(Value::Object(map))
        })
    }
}

impl Serialize for Artifact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = Map::new();
        match self {
            Self::ChangeSet(change_set) => put(&mut map, "changeSet", change_set),
            Self::Media(media) => put(&mut map, "media", media),
            Self::BashOutput(output) => put(&mut map, "bashOutput", output),
            Self::Unknown(value) => return value.serialize(serializer),
        }
        map.serialize(serializer)
    }
}

/// Changes to a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ChangeSet {
    /// The source's resource name.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The changes.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub git_patch: Option<GitPatch>,
}

impl ChangeSet {
    /// A change set with a patch in unified diff format.
    #[must_use]
    pub fn new(source: Option<String>, patch: impl Into<String>) -> Self {
        let git_patch = GitPatch { unidiff_patch: Some(patch.into()), ..GitPatch::default() };
        Self { source, git_patch: Some(git_patch) }
    }

    /// The patch in unified diff format; empty when the service sent none.
    #[must_use]
    pub fn patch(&self) -> &str {
        self.git_patch.as_ref().and_then(|patch| patch.unidiff_patch.as_deref()).unwrap_or_default()
    }

    /// Whether there is no patch in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patch().trim().is_empty()
    }

    /// The patch taken apart: what happened to each file.
    #[must_use]
    pub fn diff(&self) -> Diff {
        Diff::parse(self.patch())
    }

    /// The files that the patch creates, path → content. Paths are foreign text: check them before writing.
    #[must_use]
    pub fn generated_files(&self) -> BTreeMap<String, String> {
        self.diff().into_generated_files()
    }
}

/// A patch for a git repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct GitPatch {
    /// The patch in unified diff format.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub unidiff_patch: Option<String>,
    /// The commit that it applies to.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub base_commit_id: Option<String>,
    /// A commit message for it.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub suggested_commit_message: Option<String>,
}

/// A picture or a recording, inline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Media {
    /// The content in base64.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub data: String,
    /// The content's type: `image/png`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
}

/// A medium's data that cannot be decoded or saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMedia {
    /// The data is not base64.
    #[error("the medium's data is not base64")]
    Base64(#[source] base64::DecodeError),
    /// The file could not be written.
    #[error("cannot write the medium to {}", path.display())]
    Write {
        /// The file.
        path: std::path::PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Standard base64, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Media {
    /// A medium from its content.
    #[must_use]
    pub fn new(content: &[u8], mime_type: impl Into<String>) -> Self {
        Self { data: BASE64.encode(content), mime_type: Some(mime_type.into()) }
    }

    /// The content.
    ///
    /// # Errors
    ///
    /// [`InvalidMedia::Base64`] when the data is not base64.
    pub fn bytes(&self) -> Result<Vec<u8>, InvalidMedia> {
        BASE64.decode(self.data.trim()).map_err(InvalidMedia::Base64)
    }

    /// The medium as a `data:` URL, as browsers show it. Its type is foreign text: one that is none is left out, so that
    /// nothing but a type and base64 stands in the URL.
    ///
    /// # Errors
    ///
    /// [`InvalidMedia::Base64`] when the data is not base64.
    pub fn data_url(&self) -> Result<String, InvalidMedia> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '+' | '.');
        let kind = self.mime_type.as_deref().filter(|kind| kind.chars().all(plain)).unwrap_or_default();
        Ok(format!("data:{kind};base64,{}", BASE64.encode(self.bytes()?)))
    }

    /// Writes the content to a file, replacing one that is there. Blocks while it writes.
    ///
    /// # Errors
    ///
    /// [`InvalidMedia`] when the data is not base64, or when the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), InvalidMedia> {
        let path = path.as_ref();
        let content = self.bytes()?;
        std::fs::write(path, content).map_err(|source| InvalidMedia::Write { path: path.to_owned(), source })
    }
}

/// A command and what it printed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct BashOutput {
    /// The command.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What it printed.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Its exit code. The service drops zero values, so a missing one is most likely 0.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn artifacts_round_trip_known_or_not() {
        for value in [
            json!({"changeSet": {"source": "sources/github/o/r", "gitPatch": {"unidiffPatch": "x", "baseCommitId": "c"}}}),
            json!({"media": {"data": "aGk=", "mimeType": "image/png"}}),
            json!({"bashOutput": {"command": "ls", "output": "a\n", "exitCode": 2}}),
            json!({"hologram": {"depth": 3}}),
            json!({}),
        ] {
            let artifact: Artifact = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(serde_json::to_value(&artifact).unwrap(), value);
        }
    }

    #[test]
    fn a_change_set_without_a_patch_is_empty() {
        for value in [json!({}), json!({"gitPatch": null}), json!({"gitPatch": {"unidiffPatch": null}})] {
            let change_set: ChangeSet = serde_json::from_value(value).unwrap();
            assert!(change_set.is_empty());
            assert!(change_set.generated_files().is_empty());
        }
    }

    #[test]
    fn media_are_decoded_with_or_without_padding_and_saved() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shot.png");
        let media = Media::new(b"hi", "image/png");
        media.save(&file).unwrap();
        assert_eq!(std::fs::read(file).unwrap(), b"hi");
        assert_eq!(Media { data: "aGk".into(), ..Media::default() }.bytes().unwrap(), b"hi");
        assert!(Media { data: "§".into(), ..Media::default() }.bytes().is_err());
    }

    #[test]
    fn a_medium_is_a_url_that_holds_nothing_else() {
        let url = |data: &str, kind: &str| {
            let media = Media { data: data.into(), mime_type: Some(kind.into()) };
            media.data_url().ok()
        };
        assert_eq!(url(" aGk ", "image/svg+xml").as_deref(), Some("data:image/svg+xml;base64,aGk="));
        assert_eq!(url("aGk=", "x\"><script>").as_deref(), Some("data:;base64,aGk="));
        assert_eq!(url("\"><script>", "image/png"), None);
        assert_eq!(Media::default().data_url().ok().as_deref(), Some("data:;base64,"));
    }
}
