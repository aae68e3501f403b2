//! The session resource.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::artifact::ChangeSet;
use super::lenient::{TITLE, WORDS, or_default, put, take, take_all, take_text, take_words, words};
use super::state::SessionState;
use crate::footer::session_of_body;
use crate::{SessionId, SourceName};

/// A session as the service shows it. Everything but the id can be missing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Session {
    /// The id; read from `name`, or from `id` when that is missing.
    pub id: SessionId,
    /// The title; may be a long text of the service's own when none was sent.
    pub title: Option<String>,
    /// The prompt it was created with.
    pub prompt: Option<String>,
    /// The state; may be missing just after the creation.
    pub state: Option<SessionState>,
    /// The session's page for humans.
    pub url: Option<String>,
    /// When it was created.
    pub create_time: Option<Timestamp>,
    /// When it last changed, for whatever reason.
    pub update_time: Option<Timestamp>,
    /// Where it works; missing when it has no repository, and in some answers.
    pub source_context: Option<SourceContext>,
    /// What it produced. May come later than the state `COMPLETED`, or never.
    pub outputs: Vec<SessionOutput>,
    /// Whether it is in the archive.
    pub archived: bool,
}

impl Session {
    /// A session of which nothing but the id is known.
    #[must_use]
    pub fn new(id: SessionId) -> Self {
        Self {
            id,
            title: None,
            prompt: None,
            state: None,
            url: None,
            create_time: None,
            update_time: None,
            source_context: None,
            outputs: Vec::new(),
            archived: false,
        }
    }

    /// Whether the state says that the session has ended.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.state.as_ref().is_some_and(SessionState::is_terminal)
    }

    /// The last pull request among the outputs.
    #[must_use]
    pub fn pull_request(&self) -> Option<&PullRequest> {
        self.pull_requests().next_back()
    }

    /// All pull requests among the outputs, in the service's order: a session may open more than one.
    pub fn pull_requests(&self) -> impl DoubleEndedIterator<Item = &PullRequest> {
        self.outputs.iter().filter_map(|output| match output {
            SessionOutput::PullRequest(pull_request) => Some(pull_request),
            SessionOutput::ChangeSet(_) | SessionOutput::Unknown(_) => None,
        })
    }

    /// The last change set among the outputs.
    #[must_use]
    pub fn change_set(&self) -> Option<&ChangeSet> {
        self.outputs.iter().rev().find_map(|output| match output {
            SessionOutput::ChangeSet(change_set) => Some(change_set),
            SessionOutput::PullRequest(_) | SessionOutput::Unknown(_) => None,
        })
    }
}

impl<'de> Deserialize<'de> for Session {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::deserialize(deserializer)?;
        let id = [take_text(&mut map, "name"), take_text(&mut map, "id")]
            .into_iter()
            .flatten()
            .find_map(|text| SessionId::new(&text).ok())
            .ok_or_else(|| serde::de::Error::custom("a session without a usable id"))?;
        Ok(Self {
            id,
            title: take_words(&mut map, "title", TITLE),
            prompt: take(&mut map, "prompt"),
            state: take(&mut map, "state"),
            url: take(&mut map, "url"),
            create_time: take(&mut map, "createTime"),
            update_time: take(&mut map, "updateTime"),
            source_context: take(&mut map, "sourceContext"),
            outputs: take_all(&mut map, "outputs"),
            archived: take(&mut map, "archived").unwrap_or_default(),
        })
    }
}

impl Serialize for Session {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = Map::new();
        put(&mut map, "name", &self.id.name());
        put(&mut map, "id", &self.id);
        put(&mut map, "title", &self.title);
        put(&mut map, "prompt", &self.prompt);
        put(&mut map, "state", &self.state);
        put(&mut map, "url", &self.url);
        put(&mut map, "createTime", &self.create_time);
        put(&mut map, "updateTime", &self.update_time);
        put(&mut map, "sourceContext", &self.source_context);
        if !self.outputs.is_empty() {
            put(&mut map, "outputs", &self.outputs);
        }
        if self.archived {
            put(&mut map, "archived", &true);
        }
        map.serialize(serializer)
    }
}

/// Where a session works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct SourceContext {
    /// The source's resource name, as the service wrote it.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What is particular to GitHub.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub github_repo_context: Option<GithubRepoContext>,
    /// The branch that the session's work is on.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub working_branch: Option<String>,
    /// Whether the repository's environment variables are given to the session.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub environment_variables_enabled: Option<bool>,
}

impl SourceContext {
    /// A context for a source and the branch to start from.
    #[must_use]
    pub fn new(source: &SourceName, branch: Option<&str>) -> Self {
        Self {
            source: Some(source.as_str().to_owned()),
            github_repo_context: branch
                .map(|branch| GithubRepoContext { starting_branch: Some(branch.to_owned()) }),
            ..Self::default()
        }
    }

    /// The branch that the session started from.
    #[must_use]
    pub fn starting_branch(&self) -> Option<&str> {
        self.github_repo_context.as_ref()?.starting_branch.as_deref()
    }

    /// The source, when its name is one of the known form.
    #[must_use]
    pub fn source_name(&self) -> Option<SourceName> {
        SourceName::new(self.source.as_deref()?).ok()
    }
}

/// What is particular to a session on GitHub.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct GithubRepoContext {
    /// The branch that the session started from.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub starting_branch: Option<String>,
}

/// Something that a session produced.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SessionOutput {
    /// A pull request.
    PullRequest(PullRequest),
    /// A change set.
    ChangeSet(ChangeSet),
    /// An output that this version does not know, as it came.
    Unknown(Value),
}

impl<'de> Deserialize<'de> for SessionOutput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::deserialize(deserializer)?;
        if map.get("pullRequest").is_some_and(Value::is_object) {
            return Ok(Self::PullRequest(take(&mut map, "pullRequest").unwrap_or_default()));
        }
        if map.get("changeSet").is_some_and(Value::is_object) {
            return Ok(Self::ChangeSet(take(&mut map, "changeSet").unwrap_or_default()));
        }
        Ok(Self::Unknown(Value::Object(map)))
    }
}

impl Serialize for SessionOutput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = Map::new();
        match self {
            Self::PullRequest(pull_request) => put(&mut map, "pullRequest", pull_request),
            Self::ChangeSet(change_set) => put(&mut map, "changeSet", change_set),
            Self::Unknown(value) => return value.serialize(serializer),
        }
        map.serialize(serializer)
    }
}

/// A pull request that a session opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PullRequest {
    /// Its page.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its title.
    #[serde(deserialize_with = "words::<_, TITLE>", skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its description.
    #[serde(deserialize_with = "words::<_, WORDS>", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The branch that it is to be merged into.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub base_ref: Option<String>,
    /// The branch with the work.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub head_ref: Option<String>,
}

impl PullRequest {
    /// A pull request of which the page is known.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::default() }
    }

    /// The session that opened a pull request, by what GitHub shows of it: the last line that the service wrote into its
    /// body (`*PR created automatically by Jules for task [ID](…) started by @login*`), or its head branch, which ends with
    /// the id (`fix-typos-ID`) or is `jules-ID-8f3a2b1c`. None where neither names one, or where they name two.
    ///
    /// Whoever may write to the repository can write both: it tells which session a pull request is of, not who pushed to it.
    #[must_use]
    pub fn session_of(body: &str, branch: &str) -> Option<SessionId> {
        match (session_of_body(body), SessionId::of_branch(branch)) {
            (Some(body), Some(branch)) => Some(body).filter(|body| *body == branch),
            (body, branch) => body.or(branch),
        }
    }

    /// The number, which stands only in the URL: `…/pull/{number}`.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        let (_, rest) = self.url.as_deref()?.rsplit_once("/pull/")?;
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Session {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_created_session_may_lack_nearly_everything() {
        let session = read(json!({"name": "sessions/314159"}));
        assert_eq!(session, Session::new(SessionId::new("314159").unwrap()));
    }

    #[test]
    fn nulls_and_wrong_types_count_as_missing() {
        let session = read(json!({
            "id": "7", "name": null, "title": 3, "prompt": null, "state": null, "url": [], "createTime": "soon",
            "updateTime": 12, "sourceContext": "x", "outputs": null, "archived": "yes", "novelty": {"a": 1},
        }));
        assert_eq!(session, Session::new(SessionId::new("7").unwrap()));
    }

    #[test]
    fn a_pull_request_names_its_session_in_body_or_branch() {
        let id = "1234567890123456789";
        let body = format!(
            "Done.\n\n---\n*PR created automatically by Jules for task [{id}](https://jules.google.com/task/{id}) \
             started by @octocat*"
        );
        let of = |body: &str, branch: &str| PullRequest::session_of(body, branch).map(String::from);
        let own = Some(id.to_owned());
        assert_eq!(of(&body, "fix/typos"), own, "before November 2025 branches had no id");
        assert_eq!(of(&body, &format!("fix/typos-{id}")), own);
        assert_eq!(of("Written anew.", &format!("fix/typos-{id}")), own);
        assert_eq!(of("", &format!("jules-{id}-8f3a2b1c")), own);
        assert_eq!(of("Bump serde", "renovate/serde-1"), None);
        assert_eq!(of(&body, "fix-typos-9999999999999999999"), None, "two sessions");
        assert_eq!(of(id, "main"), None);
    }

    #[test]
    fn ids_beyond_64_bits_stay_text() {
        let session = read(json!({"id": "98765432109876543210987654321"}));
        assert_eq!(session.id.as_str(), "98765432109876543210987654321");
    }

    #[test]
    fn a_session_without_a_usable_id_is_an_error() {
        for odd in [json!({}), json!({"id": ""}), json!({"id": "../x"}), json!({"id": {}}), json!([])] {
            assert!(serde_json::from_value::<Session>(odd).is_err());
        }
    }

    #[test]
    fn timestamps_of_any_precision_are_compared_parsed() {
        let times: Vec<_> =
            ["2026-11-22T02:00:05Z", "2026-11-22T02:00:05.000Z", "2026-11-22T03:00:05.000000000+01:00"]
                .into_iter()
                .map(|time| read(json!({"id": "1", "createTime": time})).create_time.unwrap())
                .collect();
        assert_eq!((times[0], times[1]), (times[1], times[2]));
        assert!(
            read(json!({"id": "1", "createTime": "2026-11-22T02:00:05.123456789Z"})).create_time.is_some()
        );
    }

    #[test]
    fn unknown_states_and_outputs_survive_a_round_trip() {
        let value = json!({
            "name": "sessions/1", "id": "1", "state": "NAPPING",
            "outputs": [{"poem": {"lines": 4}}, {"pullRequest": {"url": "https://github.com/o/r/pull/12"}}],
        });
        let session = read(value.clone());
        assert_eq!(session.state, Some(SessionState::Unknown("NAPPING".into())));
        assert_eq!(session.pull_request().unwrap().number(), Some(12));
        assert_eq!(serde_json::to_value(&session).unwrap(), value);
    }

    #[test]
    fn words_are_taken_in_up_to_a_limit_and_the_cut_is_said() {
        let long = "ä".repeat(1_000_000);
        let output = json!({"pullRequest": {"url": "u", "title": long, "description": long}});
        let session = read(json!({"id": "1", "title": long, "outputs": [output]}));
        let pull = session.pull_request().unwrap();
        for (text, limit) in [(&session.title, TITLE), (&pull.title, TITLE), (&pull.description, WORDS)] {
            let text = text.as_deref().unwrap();
            assert!(text.len() <= limit && text.contains("bytes left out"), "{} bytes", text.len());
        }
        for message in [
            json!({"agentMessaged": {"agentMessage": long}}),
            json!({"userMessaged": {"userMessage": long}}),
            json!({"sessionFailed": {"reason": long}}),
            json!({"progressUpdated": {"title": long, "description": long}, "description": long}),
        ] {
            let activity: crate::Activity = serde_json::from_value(message).unwrap();
            assert!(format!("{activity:?}").len() < 3 * WORDS);
        }
    }

    #[test]
    fn one_odd_output_does_not_cost_the_others() {
        let session = read(json!({"id": "1", "outputs": [null, 5, {"changeSet": {"source": "s"}}, {}]}));
        assert_eq!(session.change_set().unwrap().source.as_deref(), Some("s"));
    }

    #[test]
    fn the_last_of_several_pull_requests_counts_and_none_is_lost() {
        let output = |n: u8| json!({"pullRequest": {"url": format!("https://github.com/o/r/pull/{n}")}});
        let session = read(json!({"id": "1", "outputs": [output(7), {"changeSet": {}}, output(8)]}));
        assert_eq!(session.pull_requests().filter_map(PullRequest::number).collect::<Vec<_>>(), [7, 8]);
        assert_eq!(session.pull_request().unwrap().number(), Some(8));
    }

    #[test]
    fn the_pull_requests_number_comes_from_its_url() {
        let number = |url: &str| PullRequest::new(url).number();
        assert_eq!(number("https://github.com/o/r/pull/7/files?x=1"), Some(7));
        assert_eq!(number("https://github.com/pull/r/pull/8#top"), Some(8));
        assert_eq!(number("https://github.com/o/r/pull/"), None);
        assert_eq!(number("https://github.com/o/r/pull/99999999999999999999999"), None);
        assert_eq!(PullRequest::default().number(), None);
    }
}
