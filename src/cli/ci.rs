//! Which CI system we run in, if any.

use std::path::PathBuf;

/// A CI system, as far as it matters to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ci {
    /// GitHub Actions, and what speaks its workflow commands (Gitea, Forgejo).
    GitHub,
    /// GitLab CI.
    GitLab,
    /// Buildkite.
    Buildkite,
    /// CircleCI.
    Circle,
    /// Azure Pipelines.
    Azure,
    /// Bitbucket Pipelines.
    Bitbucket,
    /// TeamCity.
    TeamCity,
    /// Jenkins.
    Jenkins,
    /// Travis CI.
    Travis,
    /// AppVeyor.
    AppVeyor,
    /// Drone and Woodpecker.
    Drone,
    /// Semaphore.
    Semaphore,
    /// Some other system that sets `CI`.
    Other,
}

/// The variable by which each vendor is known. `CI` alone says only that there is one.
const VENDORS: [(&str, Ci); 13] = [
    ("GITHUB_ACTIONS", Ci::GitHub),
    ("GITLAB_CI", Ci::GitLab),
    ("BUILDKITE", Ci::Buildkite),
    ("CIRCLECI", Ci::Circle),
    ("TF_BUILD", Ci::Azure),
    ("BITBUCKET_BUILD_NUMBER", Ci::Bitbucket),
    ("TEAMCITY_VERSION", Ci::TeamCity),
    ("JENKINS_URL", Ci::Jenkins),
    ("TRAVIS", Ci::Travis),
    ("APPVEYOR", Ci::AppVeyor),
    ("DRONE", Ci::Drone),
    ("SEMAPHORE", Ci::Semaphore),
    ("WOODPECKER", Ci::Drone),
];

impl Ci {
    /// Tells the system by `CI` and the vendors' variables; `CI=false` and `CI=0` say that there is none.
    pub(crate) fn detect(var: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name: &str| var(name).is_some_and(|v| !matches!(v.trim(), "" | "0" | "false" | "False"));
        if let Some((_, vendor)) = VENDORS.into_iter().find(|(name, _)| set(name)) {
            return Some(vendor);
        }
        set("CI").then_some(Self::Other)
    }

    /// Whether its log viewer renders ANSI colours.
    pub(crate) const fn renders_colour(self) -> bool {
        // Jenkins shows colours only with a plugin.
        !matches!(self, Self::Jenkins | Self::Other)
    }
}

/// The file or folder that a variable of the system's names, where there is one.
pub(crate) fn file(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(vars: &[(&str, &str)]) -> Option<Ci> {
        Ci::detect(|name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn vendors_are_known_and_ci_alone_is_some_other() {
        assert_eq!(detect(&[]), None);
        assert_eq!(detect(&[("CI", "true")]), Some(Ci::Other));
        assert_eq!(detect(&[("CI", "true"), ("GITHUB_ACTIONS", "true")]), Some(Ci::GitHub));
        assert_eq!(detect(&[("TF_BUILD", "True")]), Some(Ci::Azure));
        assert_eq!(detect(&[("CI", "1"), ("JENKINS_URL", "http://ci/")]), Some(Ci::Jenkins));
    }

    #[test]
    fn a_denial_counts() {
        assert_eq!(detect(&[("CI", "false")]), None);
        assert_eq!(detect(&[("CI", "0"), ("GITHUB_ACTIONS", "")]), None);
    }
}
