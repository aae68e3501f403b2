//! Sources that a `match` finds among those that are connected.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};

use super::{Naming, OpenSource, Sources, identity, on_default_branch};
use crate::manifest::{Diagnostic, Diagnostics, Located, quoted};
use crate::plan::github::{Repository, parse_pattern, parse_repository};
use crate::plan::template::Template;

impl Sources<'_> {
    pub(super) fn pattern(
        &mut self,
        pattern: &Located<String>,
        exclude: &[Located<String>],
        branch: Option<&Located<String>>,
    ) -> Result<(), Diagnostics> {
        let rendered = |text: &Located<String>| {
            let rendered = Template::compile(self.manifest, text)?.render(self.scope)?;
            let wrong = |(what, help)| Diagnostic::new(what).at(self.manifest, text.span).help(help);
            Ok::<_, Diagnostics>(Located::new(parse_pattern(&rendered).map_err(wrong)?, text.span))
        };
        let pattern = &rendered(pattern)?;
        let matcher = self.glob(pattern)?;
        let exclude = exclude.iter().map(rendered).collect::<Result<Vec<_>, _>>()?;
        let excluded = exclude.iter().map(|pattern| self.glob(pattern)).collect::<Result<Vec<_>, _>>()?;
        let catalogue = self.catalogue;
        if !catalogue.is_whole {
            self.open.push(OpenSource { pattern: pattern.value.clone(), span: pattern.span });
            return Ok(());
        }
        let branch =
            branch.map(|branch| self.compile(branch)).transpose()?.or_else(|| self.job_branch.clone());
        let mut matched = false;
        // By name, so that a plan does not depend on the order in which the API lists.
        for (name, source) in &catalogue.by_name {
            if source.gone || !matcher.is_match(name) {
                continue;
            }
            matched = true;
            if !excluded.iter().any(|exclude| exclude.is_match(name)) {
                self.matched(&source.github, pattern, branch.as_ref())?;
            }
        }
        if matched {
            return Ok(());
        }
        let finding = Diagnostic::new(format!("no connected source matches {}", quoted(pattern)));
        let finding = finding.at(self.manifest, pattern.span);
        Err(Diagnostics::from(match catalogue.nearest(pattern) {
            Some(near) => finding.help(format!("the nearest is {}", quoted(near))),
            None => finding.help(format!(
                "{} sources are connected; {}, or correct the pattern",
                catalogue.by_name.len(),
                catalogue.connect("the repository")
            )),
        }))
    }

    fn matched(
        &mut self,
        github: &str,
        pattern: &Located<String>,
        branch: Option<&Arc<Template>>,
    ) -> Result<(), Diagnostics> {
        let naming = Naming { document: self.manifest, span: pattern.span, row: None };
        let Repository { github, .. } = parse_repository(github).map_err(|found| naming.wrong(found))?;
        let found = match branch {
            Some(branch) => self.on_written_branch(branch, github, None)?,
            None => on_default_branch(self.catalogue, github),
        };
        let identity = identity(&found.github, &found.branch);
        if let Entry::Vacant(unseen) = self.seen.entry(identity) {
            unseen.insert(None);
            self.push(naming, found);
        }
        Ok(())
    }

    fn glob(&self, pattern: &Located<String>) -> Result<GlobMatcher, Diagnostic> {
        let wrong = |what: String| Diagnostic::new(what).at(self.manifest, pattern.span);
        if !pattern.contains('/') {
            let finding = wrong(format!("{} is not a pattern over `owner/repo`", quoted(pattern)));
            return Err(finding.help(format!("write for example `my-org/{}`", pattern.value)));
        }
        glob(pattern)
            .map_err(|error| wrong(format!("{} is not a pattern: {}", quoted(pattern), error.kind())))
    }
}

fn glob(pattern: &str) -> Result<GlobMatcher, globset::Error> {
    let glob = GlobBuilder::new(&pattern.to_lowercase()).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher())
}

/// Whether a `match` over repositories finds this one, should it be connected.
pub(crate) fn finds(pattern: &str, github: &str) -> bool {
    glob(pattern).is_ok_and(|matcher| matcher.is_match(github.to_lowercase()))
}
