//! The source resource: a repository that Jules may work on.

use serde::{Deserialize, Serialize};

use super::lenient::{elements, or_default};
use crate::SourceName;

/// A connected source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Source {
    /// The resource name.
    pub name: SourceName,
    /// The service's id for it.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What is particular to GitHub.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub github_repo: Option<GithubRepo>,
}

impl Source {
    /// A source of which nothing but the name is known.
    #[must_use]
    pub fn new(name: SourceName) -> Self {
        Self { name, id: None, github_repo: None }
    }

    /// `owner/repo` when it is a GitHub source.
    #[must_use]
    pub fn github(&self) -> Option<String> {
        let stated = self.github_repo.as_ref().and_then(|repo| {
            let (owner, name) = (repo.owner.as_deref()?, repo.repo.as_deref()?);
            Some(format!("{owner}/{name}"))
        });
        stated.or_else(|| self.name.github().map(str::to_owned))
    }

    /// The repository's default branch, when the service tells it.
    #[must_use]
    pub fn default_branch(&self) -> Option<&str> {
        self.github_repo.as_ref()?.default_branch.as_ref()?.display_name.as_deref()
    }

    /// The names of the branches that the service tells of.
    pub fn branches(&self) -> impl Iterator<Item = &str> {
        let branches = self.github_repo.as_ref().map(|repo| repo.branches.as_slice()).unwrap_or_default();
        branches.iter().filter_map(|branch| branch.display_name.as_deref())
    }
}

/// A GitHub repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct GithubRepo {
    /// The user or organisation.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The repository's name.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub repo: Option<String>,
    /// Whether it is private.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub is_private: Option<bool>,
    /// The default branch.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub default_branch: Option<Branch>,
    /// The branches.
    #[serde(deserialize_with = "elements", skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<Branch>,
}

impl GithubRepo {
    /// A repository with a default branch that is also its only known one.
    #[must_use]
    pub fn new(owner: impl Into<String>, repo: impl Into<String>, default_branch: &str) -> Self {
        Self {
            owner: Some(owner.into()),
            repo: Some(repo.into()),
            is_private: None,
            default_branch: Some(Branch::new(default_branch)),
            branches: vec![Branch::new(default_branch)],
        }
    }
}

/// A branch of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Branch {
    /// Its name.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

impl Branch {
    /// A branch by its name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { display_name: Some(name.into()) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_source_may_be_bare() {
        let source: Source = serde_json::from_value(json!({"name": "sources/github/o/r"})).unwrap();
        assert_eq!(source.github().as_deref(), Some("o/r"));
        assert_eq!((source.default_branch(), source.branches().count()), (None, 0));
    }

    #[test]
    fn branches_are_read_past_odd_ones() {
        let source: Source = serde_json::from_value(json!({
            "name": "sources/github/o/r", "id": "github/o/r",
            "githubRepo": {
                "owner": "o", "repo": "r", "isPrivate": null, "defaultBranch": {"displayName": "main"},
                "branches": [{"displayName": "main"}, null, {}, {"displayName": "dev"}],
            },
        }))
        .unwrap();
        assert_eq!(source.default_branch(), Some("main"));
        assert_eq!(source.branches().collect::<Vec<_>>(), ["main", "dev"]);
    }
}
