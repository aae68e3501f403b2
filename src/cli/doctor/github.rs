//! GitHub, where the pull requests are: what the token is and reaches, and what may be done in each repository.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::{Finding, bad, doubtful, good};
use crate::cli::exit::Exit;
use crate::cli::github;
use crate::github::{GitHub, Permission, Reading, RepositoryFacts, TokenKind, Unreadable, UnreadableKind};
use crate::plan::Plan;
use crate::report::many;

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Repositories that are named where many are alike.
const NAMED: usize = 3;

const NO_TOKEN: &str = "no token is set: nobody looks what becomes of pull requests; \
                        JULES_BATCH_GITHUB_TOKEN, GH_TOKEN or GITHUB_TOKEN gives one";

/// `plan`: whose repositories are looked at.
pub(super) async fn findings(plan: Option<&Plan>) -> Vec<Finding> {
    let github = match github::connect() {
        Ok(Some(github)) => github,
        Ok(None) => return vec![good("github", NO_TOKEN.to_owned())],
        Err(failure) => {
            let advice = "see docs/security.md for where the token comes from";
            return vec![bad("github", failure.headline(), advice, failure.exit())];
        }
    };
    let deadline = Instant::now() + PATIENCE;
    let login = match github.viewer(deadline).await {
        Ok(login) => login,
        Err(unreadable) => return vec![unreached(&unreadable)],
    };
    let mut findings = vec![token(&github, &login)];
    let repositories: BTreeSet<String> = plan
        .iter()
        .flat_map(|plan| &plan.tasks)
        .filter_map(|task| Some(task.source.as_ref()?.github.clone()))
        .collect();
    let repositories: Vec<String> = repositories.into_iter().collect();
    let readings = github.repositories(&repositories, deadline).await;
    findings.extend(grouped(repositories.iter().map(String::as_str).zip(&readings)));
    findings
}

fn unreached(unreadable: &Unreadable) -> Finding {
    let Unreadable { kind, said } = unreadable;
    match kind {
        UnreadableKind::BadToken | UnreadableKind::Forbidden | UnreadableKind::SignOn => {
            let advice = "make another token at https://github.com/settings/tokens";
            bad("github", format!("it refuses the token: {said}"), advice, Exit::KeyRefused)
        }
        UnreadableKind::Gone | UnreadableKind::Limited(_) | UnreadableKind::Unanswered => {
            doubtful("github", format!("it does not answer: {said}"), "try again later")
        }
    }
}

fn token(github: &GitHub, login: &str) -> Finding {
    let left = github.rate().map_or_else(String::new, |rate| {
        format!(", with {} left until {:.0}", many_points(rate.remaining), rate.reset_at)
    });
    let found = |kind: &str| format!("{kind} of {login}{left}");
    match github.token_kind() {
        TokenKind::Classic => good("github", found("a classic token")),
        TokenKind::OAuth => good("github", found("an OAuth token")),
        TokenKind::Other => good("github", found("a token")),
        TokenKind::App => {
            let reach = "; if it is a job's own, it reaches that job's repository alone, and what it merges starts no workflow";
            good("github", format!("{}{reach}", found("an app's token")))
        }
        TokenKind::FineGrained => {
            let advice = "it reaches one owner and cannot read check runs, so that no pull request can be told to be \
                          ready; a classic token with the scope `repo` or an app's can";
            doubtful("github", found("a fine-grained token"), advice)
        }
    }
}

fn many_points(points: u64) -> String {
    many(usize::try_from(points).unwrap_or(usize::MAX), "point")
}

/// One finding for all repositories that are alike.
fn grouped<'a>(
    read: impl Iterator<Item = (&'a str, &'a Reading<RepositoryFacts>)>,
) -> impl Iterator<Item = Finding> {
    let mut groups: BTreeMap<(String, Option<&str>), Vec<&str>> = BTreeMap::new();
    for (name, reading) in read {
        groups.entry(told(reading)).or_default().push(name);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by(|(_, one), (_, other)| one.cmp(other));
    groups.into_iter().map(|((found, advice), names)| {
        let found = format!("{}: {found}", some_of(&names));
        match advice {
            None => good("github", found),
            Some(advice) => doubtful("github", found, advice),
        }
    })
}

fn some_of(names: &[&str]) -> String {
    let (named, others) = names.split_at(names.len().min(NAMED));
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    format!("{}{more}", named.join(", "))
}

/// What may be done there, and what to do about what may not.
fn told(reading: &Reading<RepositoryFacts>) -> (String, Option<&'static str>) {
    let facts = match reading {
        Ok(facts) => facts,
        Err(unreadable) => {
            let advice = match unreadable.kind {
                UnreadableKind::Gone => "check the name, and whether the token reaches it",
                UnreadableKind::SignOn => "authorise the token for single sign-on of its owner",
                UnreadableKind::BadToken | UnreadableKind::Forbidden => "give the token the right to read it",
                UnreadableKind::Limited(_) | UnreadableKind::Unanswered => "try again later",
            };
            // GitHub's words name the repository, which would make each a group of its own.
            let found = match unreadable.kind {
                UnreadableKind::Gone => "not there, or not for this token".to_owned(),
                _ => unreadable.said.clone(),
            };
            return (found, Some(advice));
        }
    };
    let repository = &facts.repository;
    if repository.is_archived {
        return ("archived".to_owned(), Some("nothing can be merged there"));
    }
    let allowed = [
        (repository.squash_merge_allowed, "squash"),
        (repository.merge_commit_allowed, "merge"),
        (repository.rebase_merge_allowed, "rebase"),
    ];
    let allowed: Vec<&str> = allowed.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
    let queue = if facts.has_merge_queue { ", through a merge queue" } else { "" };
    let found = format!(
        "{}, merges by {}{queue}",
        permission(repository.viewer_permission.as_ref()),
        allowed.join(", ")
    );
    let may_write = repository.viewer_permission.as_ref().is_some_and(Permission::writes);
    (
        found,
        (!may_write).then_some(
            "pull requests there can be followed, but not merged or closed; give the token `write`",
        ),
    )
}

fn permission(permission: Option<&Permission>) -> String {
    match permission {
        None => "no permission".to_owned(),
        Some(Permission::Read) => "read".to_owned(),
        Some(Permission::Triage) => "triage".to_owned(),
        Some(Permission::Write) => "write".to_owned(),
        Some(Permission::Maintain) => "maintain".to_owned(),
        Some(Permission::Admin) => "admin".to_owned(),
        Some(Permission::Other(word)) => format!("permission `{word}`"),
    }
}
