//! What methods are asked with.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::error::ErrorKind;
use super::{Error, Method, SourceContext, SourceName, TitleMarker};

/// A session to create.
///
/// Only the prompt is needed. What is not set is not sent, so that the service's own defaults hold; `run()` and
/// `session()` fill in theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct NewSession {
    /// What to do.
    pub prompt: String,
    /// The title; the service makes one up when there is none.
    pub title: Option<String>,
    /// `owner/repo` or a source's resource name; none for a session without repository.
    pub source: Option<String>,
    /// The branch to start from. The service refuses a GitHub source without one; `run()`, `session()` and `all()` look its
    /// default branch up, once for each source.
    pub branch: Option<String>,
    /// Whether Jules opens a pull request by itself.
    pub auto_pr: Option<bool>,
    /// Whether the plan waits for an approval.
    pub require_approval: Option<bool>,
    marking: Marking,
}

/// Which marker the title ends with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Marking {
    /// A random one, where the session is to be created exactly once.
    #[default]
    Random,
    /// The caller's.
    Own(String),
    /// None.
    Off,
}

impl NewSession {
    /// A session that does this.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompt: prompt.into(), ..Self::default() }
    }

    /// The title.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// `owner/repo`, or a source's resource name. Checked when the session is created.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The branch to start from.
    pub fn branch(mut self, branch: impl Into<String>) -> Self {
        self.branch = Some(branch.into());
        self
    }

    /// Whether Jules opens a pull request by itself. Default: `run()` true, `session()` unset.
    pub fn auto_pr(mut self, on: bool) -> Self {
        self.auto_pr = Some(on);
        self
    }

    /// Whether the plan waits for an approval. Default: `run()` false, `session()` true.
    pub fn require_approval(mut self, on: bool) -> Self {
        self.require_approval = Some(on);
        self
    }

    /// The marker that ends the title, so that a create in doubt, or one that another process has made, can be found
    /// ([`Jules::find_created`](super::Jules::find_created)): a word of 6 to 80 ASCII letters, digits, `-`, `_` and `.`, or a
    /// [`TitleMarker`]. It names one create. Checked when the session is created. Default: a random one for `run()`,
    /// `session()` and `all()`, none for [`create_session`](super::Jules::create_session).
    pub fn marker(mut self, word: impl Into<String>) -> Self {
        self.marking = Marking::Own(word.into());
        self
    }

    /// Leaves the title alone. A create in doubt is an error then
    /// ([`ErrorKind::InDoubt`](super::ErrorKind::InDoubt)).
    pub fn without_marker(mut self) -> Self {
        self.marking = Marking::Off;
        self
    }

    /// The same with this marker, unless it has its own or wants none.
    pub(super) fn or_marker(mut self, word: impl FnOnce() -> String) -> Self {
        if self.marking == Marking::Random {
            self.marking = Marking::Own(word());
        }
        self
    }

    /// The same with its marker decided on.
    pub(super) fn marked(&self) -> Result<(Self, Option<TitleMarker>), Error> {
        let new = self.clone().or_marker(|| TitleMarker::random().into());
        let marker = new.own_marker()?;
        Ok((new, marker))
    }

    /// The marker that it surely has.
    pub(super) fn own_marker(&self) -> Result<Option<TitleMarker>, Error> {
        match &self.marking {
            Marking::Own(word) => TitleMarker::new(word).map(Some).map_err(invalid),
            Marking::Random | Marking::Off => Ok(None),
        }
    }

    /// With the defaults of automation: a pull request (where there is a repository), no approval.
    pub(super) fn for_automation(mut self) -> Self {
        if self.source.is_some() {
            self.auto_pr.get_or_insert(true);
        }
        self.require_approval.get_or_insert(false);
        self
    }

    /// With the defaults of interaction: pull request unset, approval on.
    pub(super) fn for_interaction(mut self) -> Self {
        self.require_approval.get_or_insert(true);
        self
    }

    /// The request's body. The service answers 400 to a field or a mode that it does not know.
    pub(super) fn body(&self) -> Result<Value, Error> {
        if self.prompt.trim().is_empty() {
            return Err(invalid("the prompt is empty"));
        }
        let mut body = Map::from_iter([("prompt".to_owned(), json!(self.prompt))]);
        let title = self.title.as_deref();
        let marked = self.own_marker()?.map(|marker| match title {
            Some(title) => marker.title(title),
            None => marker.title_of_prompt(&self.prompt),
        });
        if let Some(title) = marked.as_deref().or(title) {
            body.insert("title".to_owned(), json!(title));
        }
        if let Some(source) = &self.source {
            let context =
                SourceContext::new(&SourceName::new(source).map_err(invalid)?, self.branch.as_deref());
            body.insert("sourceContext".to_owned(), json!(context));
        }
        if self.auto_pr == Some(true) {
            body.insert("automationMode".to_owned(), json!("AUTO_CREATE_PR"));
        }
        if let Some(approval) = self.require_approval {
            body.insert("requirePlanApproval".to_owned(), json!(approval));
        }
        Ok(Value::Object(body))
    }
}

fn invalid(error: impl std::fmt::Display) -> Error {
    Error::new(Method::CreateSession, ErrorKind::Input(error.to_string()))
}

/// Which sessions to list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct ListSessions {
    /// How many a page, 1–100: 0 counts as 1, more as 100. The service's default is 30, and fewer may come.
    pub page_size: Option<u32>,
    /// The page, from the page before.
    pub page_token: Option<String>,
    /// The service knows only `archived`: `archived = true`. Without a filter it lists what is not archived.
    pub filter: Option<String>,
    /// Which fields to answer with, to save bytes: `sessions(name,state),nextPageToken`. Left out, and not tried again,
    /// once the service has refused it.
    pub fields: Option<String>,
}

/// Which activities of a session to list, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct ListActivities {
    /// How many a page, 1–100: 0 counts as 1, more as 100. The service's default is 50, and fewer may come.
    pub page_size: Option<u32>,
    /// The page, from the page before.
    pub page_token: Option<String>,
    /// Only those created after this time; all without it.
    pub created_after: Option<Timestamp>,
    /// Which fields to answer with, to save bytes: `activities(name,createTime),nextPageToken`. Left out, and not tried
    /// again, once the service has refused it.
    pub fields: Option<String>,
}

/// Which sources to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct ListSources {
    /// How many a page, 1–100: 0 counts as 1, more as 100. The service's default is 30, and fewer may come.
    pub page_size: Option<u32>,
    /// The page, from the page before.
    pub page_token: Option<String>,
    /// The service knows only `name=`: `name=sources/github/o/r`.
    pub filter: Option<String>,
}

/// What every list is asked page by page.
macro_rules! paged {
    ($list:ident) => {
        impl $list {
            /// How many a page, 1–100: 0 counts as 1, more as 100. None leaves it to the service.
            pub fn page_size(mut self, size: impl Into<Option<u32>>) -> Self {
                self.page_size = size.into();
                self
            }

            /// The page, from the page before; none is the first.
            pub fn page_token(mut self, token: impl Into<Option<String>>) -> Self {
                self.page_token = token.into();
                self
            }
        }
    };
}

paged!(ListSessions);
paged!(ListActivities);
paged!(ListSources);

impl ListSessions {
    /// What to list, in the service's words.
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// Which fields to answer with.
    pub fn fields(mut self, fields: impl Into<String>) -> Self {
        self.fields = Some(fields.into());
        self
    }
}

impl ListActivities {
    /// Only those created after this time; none lists all.
    pub fn created_after(mut self, time: impl Into<Option<Timestamp>>) -> Self {
        self.created_after = time.into();
        self
    }

    /// Which fields to answer with.
    pub fn fields(mut self, fields: impl Into<String>) -> Self {
        self.fields = Some(fields.into());
        self
    }
}

impl ListSources {
    /// What to list, in the service's words.
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }
}

/// The service cuts larger pages to this and refuses smaller ones than 1.
pub(super) fn page_size(wish: Option<u32>) -> Option<u32> {
    wish.map(|size| size.clamp(1, 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> NewSession {
        NewSession::new("do it").title("t").source("o/r").branch("main")
    }

    #[test]
    fn nothing_is_sent_that_was_not_set() {
        assert_eq!(NewSession::new("do it").body().unwrap(), json!({"prompt": "do it"}));
        assert_eq!(NewSession::new("p").auto_pr(false).body().unwrap(), json!({"prompt": "p"}));
    }

    #[test]
    fn automation_asks_for_a_pull_request_and_no_approval() {
        assert_eq!(
            full().for_automation().body().unwrap(),
            json!({
                "prompt": "do it", "title": "t", "automationMode": "AUTO_CREATE_PR", "requirePlanApproval": false,
                "sourceContext": {
                    "source": "sources/github/o/r", "githubRepoContext": {"startingBranch": "main"},
                },
            })
        );
        let own = full().auto_pr(false).require_approval(true).for_automation().body().unwrap();
        assert_eq!((&own["automationMode"], &own["requirePlanApproval"]), (&Value::Null, &json!(true)));
    }

    #[test]
    fn interaction_asks_for_approval_and_leaves_the_pull_request_open() {
        let body = full().for_interaction().body().unwrap();
        assert_eq!((&body["automationMode"], &body["requirePlanApproval"]), (&Value::Null, &json!(true)));
    }

    #[test]
    fn a_session_without_repository_has_no_context_and_no_pull_request() {
        let body = NewSession::new("think").for_automation().body().unwrap();
        assert_eq!(body, json!({"prompt": "think", "requirePlanApproval": false}));
    }

    #[test]
    fn a_marker_ends_the_title_or_what_stands_in_its_place() {
        let title = |new: NewSession| new.body().unwrap()["title"].clone();
        assert_eq!(title(full().marker("nightly-7")), json!("t [nightly-7]"));
        assert_eq!(
            title(NewSession::new("\nDo it.\nWell.").marker("nightly-7")),
            json!("Do it. [nightly-7]")
        );
        let (random, marker) = NewSession::new("p").marked().unwrap();
        assert_eq!(title(random), json!(format!("p {}", marker.unwrap())));
        let (plain, marker) = full().without_marker().marked().unwrap();
        assert_eq!((title(plain), marker), (json!("t"), None));
        let error = full().marker("two words").body().unwrap_err();
        assert!(error.to_string().contains("`two words` is not a marker"), "{error}");
    }

    #[test]
    fn an_empty_prompt_is_refused_before_it_is_sent() {
        let error = NewSession::new(" \n").title("t").body().unwrap_err();
        assert!(error.surely_not_processed() && error.to_string().contains("the prompt is empty"), "{error}");
    }

    #[test]
    fn a_source_that_is_none_is_refused_before_it_is_sent() {
        assert!(NewSession::new("p").source("not a source").body().is_err());
    }
}
