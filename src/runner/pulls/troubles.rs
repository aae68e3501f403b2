//! What keeps GitHub from telling, in a line for each owner.

use std::collections::BTreeMap;

use super::{FollowedPull, PullRead};
use crate::github::{Unreadable, UnreadableKind};
use crate::report::many;
use jules::PullRequestName;

/// A line for the token, for GitHub, or for each owner whose pull requests cannot be read, with the way out.
pub(crate) fn troubles<'p>(reads: impl Iterator<Item = (&'p FollowedPull, &'p PullRead)>) -> Vec<String> {
    let mut lines: BTreeMap<(u8, String), (usize, &Unreadable)> = BTreeMap::new();
    for (pull, read) in reads {
        let Some(why) = read.unreadable() else { continue };
        // What is not there any more is told once: its stage says so.
        let is_old = pull.earlier.as_ref() == Some(&read.status);
        let owner = || PullRequestName::of_url(&pull.url).map(|name| name.owner().to_owned());
        let whose = match why.kind {
            UnreadableKind::BadToken => Some((0, String::new())),
            UnreadableKind::Limited(_) | UnreadableKind::Unanswered => Some((1, String::new())),
            UnreadableKind::SignOn => owner().map(|owner| (2, owner)),
            UnreadableKind::Forbidden => owner().map(|owner| (3, owner)),
            UnreadableKind::Gone => owner().filter(|_| !is_old).map(|owner| (4, owner)),
        };
        if let Some(whose) = whose {
            lines.entry(whose).or_insert((0, why)).0 += 1;
        }
    }
    lines.into_iter().map(|((_, owner), (count, why))| line(&owner, count, why)).collect()
}

fn line(owner: &str, count: usize, why: &Unreadable) -> String {
    let (pulls, said) = (many(count, "pull request"), &why.said);
    match why.kind {
        UnreadableKind::BadToken => {
            format!("GitHub refuses the token ({said}): {pulls} cannot be read; see jules-batch doctor")
        }
        UnreadableKind::Limited(_) | UnreadableKind::Unanswered => {
            format!("GitHub does not tell how {pulls} stand ({said}); the next run asks again")
        }
        UnreadableKind::SignOn => {
            format!("{pulls} of {owner} cannot be read ({said}); authorise the token for its single sign-on")
        }
        UnreadableKind::Forbidden => format!(
            "{pulls} of {owner} cannot be read ({said}); give the token read access to pull requests there"
        ),
        UnreadableKind::Gone => format!(
            "{pulls} of {owner} cannot be read ({said}): not there any more, or the token does not reach {owner}"
        ),
    }
}
