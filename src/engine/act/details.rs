//! What is told to people of a session that has ended: from its activities, where they were read anyway, or read for that.

use std::sync::Arc;

use foreign_text::{cut, one_line};

use super::{PAGE, undated};
use crate::engine::input::Told;
use crate::outcome::{ActivityTotals, Details, FileTouched};
use jules::{
    ActivityCounts, AgentPlan, ChangeSet, FileDiff, Jules, ListActivities, Retries, SessionDigest, SessionId,
};

/// How many requests are made for one session at most. None of them is tried again.
const REQUESTS: usize = 2;

/// What is kept of a session, in bytes or numbers.
const WORDS: usize = 4 * 1024;
const STEPS: usize = 30;
const LINE: usize = 200;
const FILES: usize = 100;
const DIFF: usize = 32 * 1024;

/// Reads what the activities tell, as far as `known` does not hold it, and the session's own change where they have none.
pub(super) async fn tell(
    api: &Jules,
    session: &SessionId,
    known: Option<Box<Told>>,
    has_change: bool,
) -> Option<Box<Told>> {
    let api = api.with(|options| options.retries(Retries::NONE).tell_outage(false));
    let (mut told, asked) = match known {
        Some(told) => (told, 0),
        None => read(&api, session).await?,
    };
    if has_change
        && told.diff.is_none()
        && asked < REQUESTS
        && let Ok(session) = api.get_session(session).await
        && let Some(change_set) = session.change_set()
    {
        let details = Arc::make_mut(&mut told.details);
        told.diff = Some(change(details, change_set));
    }
    Some(told)
}

/// What the first activities tell, and how many requests that took.
async fn read(api: &Jules, session: &SessionId) -> Option<(Box<Told>, usize)> {
    let mut digest = SessionDigest::default();
    let mut page = ListActivities::default().page_size(PAGE);
    let (mut asked, mut is_partial) = (0, true);
    while asked < REQUESTS && is_partial {
        let answer = api.list_activities(session, &page).await;
        asked += 1;
        let answer = match answer {
            Ok(answer) => answer,
            Err(_) if asked > 1 => break,
            Err(_) => return None,
        };
        let now = api.service_time();
        answer.items.into_iter().for_each(|activity| digest.take(undated(activity, now)));
        is_partial = answer.next_page_token.is_some();
        page = page.page_token(answer.next_page_token);
    }
    let change_set = digest.change_set.take();
    Some((Box::new(of(&digest, change_set.as_ref(), is_partial)), asked))
}

/// What is kept of that.
pub(super) fn of(digest: &SessionDigest, change_set: Option<&ChangeSet>, is_partial: bool) -> Told {
    let steps = digest.plan.as_ref().map(steps).unwrap_or_default();
    let mut details = Details {
        last_words: digest.last_words.as_deref().map(|words| cut(words.trim(), WORDS).into_owned()),
        more_steps: steps.len().saturating_sub(STEPS) as u64,
        plan: steps.into_iter().take(STEPS).collect(),
        activities: totals(digest.counts, digest.activities),
        partial: is_partial,
        ..Details::default()
    };
    let diff = change_set.filter(|change_set| !change_set.is_empty());
    let diff = diff.map(|change_set| change(&mut details, change_set));
    Told { details: Arc::new(details), diff }
}

fn steps(plan: &AgentPlan) -> Vec<String> {
    let titles = plan.steps.iter().filter_map(|step| step.title.as_deref().or(step.description.as_deref()));
    titles.map(|title| one_line(title.trim(), LINE).into_owned()).collect()
}

fn totals(counts: ActivityCounts, total: usize) -> ActivityTotals {
    ActivityTotals {
        agent_messages: counts.agent_messages as u64,
        user_messages: counts.user_messages as u64,
        plans: counts.plans as u64,
        progress: counts.progress as u64,
        total: total as u64,
    }
}

/// The patch as far as it is kept; its files are entered.
fn change(details: &mut Details, change_set: &ChangeSet) -> String {
    let diff = change_set.diff();
    details.more_files = diff.files.len().saturating_sub(FILES) as u64;
    details.files = diff.files.iter().take(FILES).map(touched).collect();
    let patch = change_set.patch();
    let kept = whole_lines(patch, DIFF);
    details.left_out = (patch.len() - kept.len()) as u64;
    kept.to_owned()
}

fn touched(file: &FileDiff) -> FileTouched {
    FileTouched {
        path: one_line(file.path.as_str(), LINE).into_owned(),
        change: file.change.as_str().to_owned(),
        additions: file.additions,
        deletions: file.deletions,
    }
}

/// The first lines, so many bytes at most: a secret stands in one line, and none is kept in part.
fn whole_lines(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let end = text.as_bytes()[..limit].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn digest(activities: Vec<serde_json::Value>) -> SessionDigest {
        let mut digest = SessionDigest::default();
        activities.into_iter().for_each(|value| digest.take(serde_json::from_value(value).unwrap()));
        digest
    }

    #[test]
    fn what_is_kept_of_a_session_has_bounds() {
        let steps: Vec<_> = (0..40).map(|n| json!({"title": format!("{n} {}", "x".repeat(500))})).collect();
        let files = (0..120).map(|n| {
            format!(
                "diff --git a/f{n} b/f{n}\n--- a/f{n}\n+++ b/f{n}\n@@ -1 +1 @@\n-{0}\n+{0}\n",
                "y".repeat(200)
            )
        });
        let patch = files.collect::<String>();
        let digest = digest(vec![
            json!({"id": "1", "planGenerated": {"plan": {"id": "p", "steps": steps}}}),
            json!({"id": "2", "agentMessaged": {"agentMessage": "z".repeat(100_000)}}),
        ]);
        let told = of(&digest, Some(&ChangeSet::new(None, patch.clone())), false);
        let details = &told.details;
        assert_eq!((details.plan.len(), details.more_steps), (STEPS, 10));
        assert_eq!((details.files.len(), details.more_files), (FILES, 20));
        assert!(details.plan.iter().all(|step| step.len() <= LINE + 4));
        assert!(details.last_words.as_ref().unwrap().len() <= WORDS);
        let diff = told.diff.unwrap();
        assert!(diff.len() <= DIFF && diff.ends_with('\n') && patch.starts_with(&diff));
        assert_eq!(details.left_out as usize, patch.len() - diff.len());
        assert_eq!((details.activities.plans, details.activities.total), (1, 2));
    }

    #[test]
    fn a_line_without_an_end_is_not_kept_in_part() {
        assert_eq!(whole_lines("one\ntwo", 5), "one\n");
        assert_eq!(whole_lines("one\ntwo", 7), "one\ntwo");
        assert_eq!(whole_lines("ääää", 3), "");
    }
}
