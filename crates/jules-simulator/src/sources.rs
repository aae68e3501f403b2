//! The connected repositories.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Value, json};

use super::scenario::{Script, SourceSpec};

/// A connected repository.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) owner: Arc<str>,
    pub(super) repo: Arc<str>,
    branches: Arc<[String]>,
    default_branch: Arc<str>,
    private: bool,
}

impl Source {
    fn new(spec: &SourceSpec, full_name: &str) -> Option<Self> {
        let (owner, repo) = full_name.split_once('/')?;
        Some(Self {
            owner: owner.into(),
            repo: repo.into(),
            branches: Arc::clone(&spec.branches),
            default_branch: Arc::clone(&spec.default_branch),
            private: spec.private,
        })
    }

    pub(super) fn default_branch(&self) -> &str {
        &self.default_branch
    }

    pub(super) fn is_private(&self) -> bool {
        self.private
    }

    pub(super) fn name(&self) -> String {
        format!("sources/github/{}/{}", self.owner, self.repo)
    }

    /// `owner/repo`.
    pub(super) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.repo)
    }

    /// Whether it has this branch; without a list of branches it has every one.
    pub(super) fn has_branch(&self, branch: &str) -> bool {
        self.branches.is_empty()
            || self.branches.iter().any(|known| known == branch)
            || *self.default_branch == *branch
    }

    pub(super) fn json(&self) -> Value {
        let branch = |name: &str| json!({ "displayName": name });
        let mut branches: Vec<Value> = self.branches.iter().map(|name| branch(name)).collect();
        if !self.branches.iter().any(|name| **name == *self.default_branch) {
            branches.insert(0, branch(&self.default_branch));
        }
        let mut repo = json!({
            "owner": *self.owner,
            "repo": *self.repo,
            "defaultBranch": branch(&self.default_branch),
            "branches": branches,
        });
        if self.private {
            repo["isPrivate"] = Value::Bool(true);
        }
        json!({
            "name": self.name(),
            "id": format!("github/{}", self.full_name()),
            "githubRepo": repo,
        })
    }
}

/// All of them, in the scenario's order, then those asked for.
#[derive(Debug)]
pub(super) struct Sources {
    list: Vec<Source>,
    places: HashMap<String, usize>,
    any: bool,
}

impl Sources {
    pub(super) fn new(script: &Script) -> Self {
        let any = script.any_source.unwrap_or(script.sources.is_empty());
        let mut sources = Self { list: Vec::new(), places: HashMap::new(), any };
        for spec in &script.sources {
            match spec.count {
                None => sources.connect(Source::new(spec, &spec.repo)),
                Some(count) => {
                    for n in 1..=count {
                        sources.connect(Source::new(spec, &spec.repo.replace("{n}", &n.to_string())));
                    }
                }
            }
        }
        sources
    }

    fn connect(&mut self, source: Option<Source>) {
        let Some(source) = source else { return };
        let name = source.name();
        if !self.places.contains_key(&name) {
            self.places.insert(name, self.list.len());
            self.list.push(source);
        }
    }

    pub(super) fn list(&self) -> &[Source] {
        &self.list
    }

    /// The source of this name, which where any source goes is connected by asking for it.
    pub(super) fn find(&mut self, name: &str) -> Option<&Source> {
        if self.any && !self.places.contains_key(name) {
            let full_name = name.strip_prefix("sources/github/")?;
            let plain = |part: &str| !part.is_empty() && !part.contains(['/', ':', ' ']) && part.len() <= 100;
            let (owner, repo) = full_name.split_once('/')?;
            if plain(owner) && plain(repo) {
                let spec = SourceSpec {
                    repo: full_name.to_owned(),
                    count: None,
                    branches: Arc::from([]),
                    default_branch: Arc::from("main"),
                    private: false,
                };
                self.connect(Source::new(&spec, full_name));
            }
        }
        self.list.get(*self.places.get(name)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scenario;

    fn sources(yaml: &str) -> Sources {
        Sources::new(&Scenario::from_yaml(yaml, "test").unwrap().script)
    }

    #[test]
    fn generates_as_many_as_asked() {
        let mut sources = sources("sources: [{ repo: 'o/r-{n}', count: 250 }]");
        assert_eq!(sources.list().len(), 250);
        assert!(sources.find("sources/github/o/r-250").is_some());
        assert!(sources.find("sources/github/o/r-251").is_none());
    }

    #[test]
    fn any_source_is_connected_by_asking() {
        let mut sources = sources("");
        assert!(sources.list().is_empty());
        assert!(sources.find("sources/github/o/r").is_some());
        assert!(sources.find("sources/github/o").is_none());
        assert!(sources.find("sources/gitlab/o/r").is_none());
        assert_eq!(sources.list().len(), 1);
    }

    #[test]
    fn shows_what_the_service_shows() {
        let sources = sources("sources: [{ repo: o/r, branches: [dev], private: true }]");
        let json = sources.list()[0].json();
        assert_eq!(json["name"], "sources/github/o/r");
        assert_eq!(json["githubRepo"]["branches"][0]["displayName"], "main");
        assert_eq!(json["githubRepo"]["isPrivate"], true);
    }
}
