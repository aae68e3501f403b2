//! `--shard auto`: which part of a plan this CI job is for, from the variables of its CI system.

use std::str::FromStr;

use crate::plan::Shard;

/// `--shard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShardArg {
    /// This part.
    Fixed(Shard),
    /// What the CI system says.
    Auto,
}

impl FromStr for ShardArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "auto" {
            return Ok(Self::Auto);
        }
        text.parse().map(Self::Fixed).map_err(|error: crate::plan::SelectError| format!("{error}, or `auto`"))
    }
}

impl std::fmt::Display for ShardArg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(shard) => shard.fmt(f),
            Self::Auto => f.write_str("auto"),
        }
    }
}

impl ShardArg {
    /// The shard.
    ///
    /// # Errors
    ///
    /// For `auto`, when the environment names no shard or one that does not exist.
    pub(crate) fn resolve(self, var: impl Fn(&str) -> Option<String>) -> Result<Shard, NoShard> {
        match self {
            Self::Fixed(shard) => Ok(shard),
            Self::Auto => auto(var),
        }
    }
}

/// `--shard auto` found nothing to go by.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoShard {
    /// No known variables.
    #[error("`--shard auto` finds no shard: no CI system here tells which of several parallel jobs this is")]
    Unknown,
    /// Variables that make no sense.
    #[error("`--shard auto` finds no shard: `{index}` of `{total}` ({index_name}, {total_name}) is none")]
    Wrong {
        /// The variable of the index.
        index_name: &'static str,
        /// Its value.
        index: String,
        /// The variable of the total.
        total_name: &'static str,
        /// Its value.
        total: String,
    },
}

/// How CI systems number parallel jobs: a variable that is set only there, where names are shared; the variable of the
/// index; the first job's index; the variable of the total.
///
/// By the documentation of each system. GitLab's names are used 0-based elsewhere, so GitLab must be detected. A
/// Kubernetes indexed job knows its index only.
const NUMBERINGS: [(Option<&str>, &str, usize, &str); 8] = [
    (Some("GITLAB_CI"), "CI_NODE_INDEX", 1, "CI_NODE_TOTAL"),
    (None, "CIRCLE_NODE_INDEX", 0, "CIRCLE_NODE_TOTAL"),
    (None, "BUILDKITE_PARALLEL_JOB", 0, "BUILDKITE_PARALLEL_JOB_COUNT"),
    (None, "SYSTEM_JOBPOSITIONINPHASE", 1, "SYSTEM_TOTALJOBSINPHASE"),
    (None, "BITBUCKET_PARALLEL_STEP", 0, "BITBUCKET_PARALLEL_STEP_COUNT"),
    (None, "SEMAPHORE_JOB_INDEX", 1, "SEMAPHORE_JOB_COUNT"),
    (None, "JOB_COMPLETION_INDEX", 0, "JULES_BATCH_SHARD_TOTAL"),
    // Heroku CI and Cirrus.
    (None, "CI_NODE_INDEX", 0, "CI_NODE_TOTAL"),
];

fn auto(var: impl Fn(&str) -> Option<String>) -> Result<Shard, NoShard> {
    let value = |name: &str| var(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
    for (detect, index_name, first, total_name) in NUMBERINGS {
        if detect.is_some_and(|name| value(name).is_none()) {
            continue;
        }
        let (Some(index), Some(total)) = (value(index_name), value(total_name)) else { continue };
        let shard = || {
            let number = index.parse::<usize>().ok()?.checked_sub(first)?.checked_add(1)?;
            Shard::hashed(number, total.parse().ok()?)
        };
        return shard().ok_or(NoShard::Wrong { index_name, index, total_name, total });
    }
    Err(NoShard::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(vars: &[(&str, &str)]) -> Result<String, NoShard> {
        let var = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        ShardArg::Auto.resolve(var).map(|shard| shard.to_string())
    }

    #[test]
    fn each_system_counts_its_own_way() {
        let cases: [&[(&str, &str)]; 8] = [
            &[("GITLAB_CI", "true"), ("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "5")],
            &[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "5")],
            &[("CIRCLE_NODE_INDEX", "1"), ("CIRCLE_NODE_TOTAL", "5")],
            &[("BUILDKITE_PARALLEL_JOB", "1"), ("BUILDKITE_PARALLEL_JOB_COUNT", "5")],
            &[("SYSTEM_JOBPOSITIONINPHASE", "2"), ("SYSTEM_TOTALJOBSINPHASE", "5")],
            &[("BITBUCKET_PARALLEL_STEP", "1"), ("BITBUCKET_PARALLEL_STEP_COUNT", "5")],
            &[("SEMAPHORE_JOB_INDEX", "2"), ("SEMAPHORE_JOB_COUNT", "5")],
            &[("JOB_COMPLETION_INDEX", "1"), ("JULES_BATCH_SHARD_TOTAL", "5")],
        ];
        for vars in cases {
            assert_eq!(shard(vars), Ok("2/5".to_owned()), "{vars:?}");
        }
    }

    #[test]
    fn without_variables_or_with_senseless_ones_there_is_none() {
        assert_eq!(shard(&[]), Err(NoShard::Unknown));
        assert_eq!(shard(&[("JOB_COMPLETION_INDEX", "1")]), Err(NoShard::Unknown));
        let wrong = shard(&[("CIRCLE_NODE_INDEX", "5"), ("CIRCLE_NODE_TOTAL", "5")]).unwrap_err();
        assert!(wrong.to_string().contains("CIRCLE_NODE_TOTAL"), "{wrong}");
        assert!(shard(&[("GITLAB_CI", "1"), ("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "5")]).is_err());
    }

    #[test]
    fn a_shard_may_be_named() {
        assert_eq!("auto".parse(), Ok(ShardArg::Auto));
        let fixed: ShardArg = "slice:2/3".parse().unwrap();
        assert_eq!(fixed.resolve(|_| None).unwrap().to_string(), "slice:2/3");
        assert!("4/3".parse::<ShardArg>().is_err());
    }
}
