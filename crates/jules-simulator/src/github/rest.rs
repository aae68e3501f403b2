//! REST: from a verb and an address to an answer.

mod pulls;
mod repositories;
mod shapes;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    acts::{Acts, Refusal},
    operation::Operation,
    pull::{PullIx, RepositoryIx},
    viewer::{Sight, Viewer},
    world::World,
};

pub(super) use self::shapes::user as user_json;

/// Where a REST request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) operation: Operation,
    /// `owner/repo`; empty where it is about none.
    pub(super) repository: String,
    /// The number, or the branch or commit.
    pub(super) rest: String,
}

/// Finds the operation that a verb and a path (without its slash) name.
pub(super) fn route(verb: &str, path: &str) -> Option<Route> {
    let segments: Vec<&str> = path.split('/').collect();
    let to = |operation, repository: String, rest: &str| {
        Some(Route { operation, repository, rest: decoded(rest) })
    };
    let (repository, tail) = match (verb, segments.as_slice()) {
        ("GET", ["rate_limit"]) => return to(Operation::RateLimitGet, String::new(), ""),
        ("GET", ["user"]) => return to(Operation::UsersGetAuthenticated, String::new(), ""),
        (_, ["repos", owner, name, tail @ ..]) => (format!("{}/{}", decoded(owner), decoded(name)), tail),
        // Where renamed repositories are redirected to.
        (_, ["repositories", id, tail @ ..]) => (format!("#{id}"), tail),
        _ => return None,
    };
    let (operation, rest) = match (verb, tail) {
        ("GET", []) => (Operation::ReposGet, String::new()),
        ("GET", ["activity"]) => (Operation::ReposListActivities, String::new()),
        ("GET", ["pulls"]) => (Operation::PullsList, String::new()),
        ("GET", ["pulls", number]) => (Operation::PullsGet, (*number).to_owned()),
        ("PATCH", ["pulls", number]) => (Operation::PullsUpdate, (*number).to_owned()),
        ("GET", ["pulls", number, "merge"]) => (Operation::PullsCheckIfMerged, (*number).to_owned()),
        ("PUT", ["pulls", number, "merge"]) => (Operation::PullsMerge, (*number).to_owned()),
        ("PUT", ["pulls", number, "update-branch"]) => (Operation::PullsUpdateBranch, (*number).to_owned()),
        ("GET", ["pulls", number, "reviews"]) => (Operation::PullsListReviews, (*number).to_owned()),
        ("GET", ["pulls", number, "commits"]) => (Operation::PullsListCommits, (*number).to_owned()),
        ("GET", ["issues", number, "comments"]) => (Operation::IssuesListComments, (*number).to_owned()),
        ("POST", ["issues", number, "comments"]) => (Operation::IssuesCreateComment, (*number).to_owned()),
        ("GET", ["git", "ref", name @ ..]) => (Operation::GitGetRef, name.join("/")),
        ("DELETE", ["git", "refs", name @ ..]) => (Operation::GitDeleteRef, name.join("/")),
        ("GET", ["commits", name @ .., "check-runs"]) => (Operation::ChecksListForRef, name.join("/")),
        ("GET", ["commits", name @ .., "status"]) => (Operation::ReposGetCombinedStatus, name.join("/")),
        _ => return None,
    };
    to(operation, repository, &rest)
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', "%2B");
    let mut pairs = url::form_urlencoded::parse(text.as_bytes());
    pairs.next().map_or_else(|| text.clone(), |(name, _)| name.into_owned())
}

/// An answer, before it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RestAnswer {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl RestAnswer {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: 200, body, headers: Vec::new() }
    }

    pub(super) fn with(status: u16, body: Value) -> Self {
        Self { status, body, headers: Vec::new() }
    }

    pub(super) fn refusal(refusal: &Refusal) -> Self {
        let mut body = json!({
            "message": refusal.message,
            "documentation_url": "https://docs.github.com/rest",
            "status": refusal.status.to_string(),
        });
        if refusal.message == "Validation Failed" {
            body["errors"] = json!([{ "resource": "PullRequest", "field": "state", "code": "invalid" }]);
        }
        Self::with(refusal.status, body)
    }
}

/// A REST request on its way through.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) route: &'a Route,
    pub(super) query: &'a [(String, String)],
    pub(super) body: &'a [u8],
    /// The address that the client calls, without the path: pages point there.
    pub(super) origin: &'a str,
    pub(super) path: &'a str,
}

impl Request<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn read<T: for<'de> Deserialize<'de> + Default>(&self) -> Result<T, Refusal> {
        if self.body.is_empty() {
            return Ok(T::default());
        }
        serde_json::from_slice(self.body)
            .map_err(|_| Refusal::new(400, "BAD_REQUEST", "Problems parsing JSON"))
    }

    /// The page that was asked for, of items that are counted by their order, and where the next ones are.
    fn page<T>(&self, items: Vec<T>) -> (Vec<T>, Vec<(&'static str, String)>) {
        let number = |name, default| {
            let number = self.parameter(name).and_then(|text| text.parse::<usize>().ok());
            number.filter(|number| *number > 0).unwrap_or(default)
        };
        let (size, page) = (number("per_page", 30).min(100), number("page", 1));
        let pages = items.len().div_ceil(size).max(1);
        let link = |page: usize, rel: &str| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(self.query.iter().filter(|(name, _)| name != "page"));
            query.append_pair("page", &page.to_string());
            format!("<{}/{}?{}>; rel=\"{rel}\"", self.origin, self.path, query.finish())
        };
        let mut links = Vec::new();
        if page > 1 {
            links.push(link(page - 1, "prev"));
        }
        if page < pages {
            links.extend([link(page + 1, "next"), link(pages, "last")]);
        }
        let headers = if links.is_empty() { Vec::new() } else { vec![("link", links.join(", "))] };
        (items.into_iter().skip((page - 1) * size).take(size).collect(), headers)
    }

    /// The answer with that page, each item in its shape.
    fn list<T>(&self, items: Vec<T>, shape: impl FnMut(T) -> Value) -> RestAnswer {
        let (page, headers) = self.page(items);
        RestAnswer { headers, ..RestAnswer::ok(page.into_iter().map(shape).collect()) }
    }
}

/// What REST works on.
#[derive(Debug)]
pub(super) struct Rest<'a> {
    pub(super) world: &'a mut World,
    pub(super) viewer: &'a Viewer,
    pub(super) now: Timestamp,
}

impl Rest<'_> {
    /// Answers what is about a repository.
    pub(super) fn answer(&mut self, request: &Request<'_>) -> RestAnswer {
        self.try_answer(request).unwrap_or_else(|refusal| RestAnswer::refusal(&refusal))
    }

    fn try_answer(&mut self, request: &Request<'_>) -> Result<RestAnswer, Refusal> {
        let repository = self.repository(&request.route.repository)?;
        if let Some(moved) = self.moved(repository, request) {
            return Ok(moved);
        }
        let number = || request.route.rest.parse().map_err(|_| not_found());
        match request.route.operation {
            Operation::ReposGet => Ok(self.get_repository(repository)),
            Operation::ReposListActivities => Ok(self.list_activities(repository, request)),
            Operation::GitGetRef => self.get_ref(repository, &request.route.rest),
            Operation::GitDeleteRef => self.delete_ref(repository, &request.route.rest),
            Operation::ChecksListForRef => self.list_check_runs(repository, request),
            Operation::ReposGetCombinedStatus => self.combined_status(repository, &request.route.rest),
            Operation::PullsList => Ok(self.list_pulls(repository, request)),
            Operation::PullsGet
            | Operation::PullsCheckIfMerged
            | Operation::PullsListReviews
            | Operation::PullsListCommits
            | Operation::PullsMerge
            | Operation::PullsUpdate
            | Operation::PullsUpdateBranch
            | Operation::IssuesListComments
            | Operation::IssuesCreateComment => {
                let pull = self.world.numbered(repository, number()?).ok_or_else(not_found)?;
                self.about_pull(pull, request)
            }
            Operation::GraphQlQuery
            | Operation::GraphQlMutation
            | Operation::RateLimitGet
            | Operation::UsersGetAuthenticated => Err(not_found()),
        }
    }

    /// The repository of a name, or of `#` and its number, as far as the viewer sees it.
    fn repository(&self, name: &str) -> Result<RepositoryIx, Refusal> {
        let found = match name.strip_prefix('#') {
            None => self.world.named(name),
            Some(id) => {
                let id = id.parse::<i64>().ok();
                let is_it = |ix: &usize| Some(self.world.repositories[*ix].database_id()) == id;
                (0..self.world.repositories.len()).find(is_it).map(RepositoryIx)
            }
        };
        let found = found.ok_or_else(not_found)?;
        match self.viewer.sees(self.world, found) {
            Sight::Seen => Ok(found),
            Sight::Nothing => Err(not_found()),
            Sight::SignOn => Err(Refusal::new(
                403,
                "FORBIDDEN",
                "Resource protected by organization SAML enforcement. You must grant your Personal Access token access \
                 to this organization.",
            )),
        }
    }

    /// Where a request by a former name is sent.
    fn moved(&self, ix: RepositoryIx, request: &Request<'_>) -> Option<RestAnswer> {
        let repository = &self.world.repositories[ix.0];
        let asked = &request.route.repository;
        if asked.starts_with('#') || asked.eq_ignore_ascii_case(&repository.full_name()) {
            return None;
        }
        let tail: Vec<&str> = request.path.split('/').skip_while(|part| *part != "repos").skip(3).collect();
        let tail = tail.iter().map(|part| format!("/{part}")).collect::<String>();
        let to = format!("{}/repositories/{}{tail}", request.origin, repository.database_id());
        let status = if request.route.operation.reads() { 301 } else { 307 };
        let message = if status == 301 { "Moved Permanently" } else { "Temporary Redirect" };
        let body = json!({
            "message": message,
            "url": to,
            "documentation_url": "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
        });
        Some(RestAnswer { status, body, headers: vec![("location", to)] })
    }

    fn acts(&mut self) -> Acts<'_> {
        Acts { world: self.world, viewer: self.viewer, now: self.now }
    }

    fn shapes(&self) -> shapes::Shapes<'_> {
        shapes::Shapes { world: self.world, viewer: self.viewer, now: self.now }
    }

    /// The pull request and the place of the head that a branch or commit names.
    fn head_named(&self, ix: RepositoryIx, name: &str) -> Option<(PullIx, usize)> {
        let repository = &self.world.repositories[ix.0];
        repository.pulls.iter().rev().find_map(|ix| {
            let pull = &self.world.pulls[ix.0];
            if pull.branch == name && !pull.branch_deleted {
                return Some((*ix, pull.newest()));
            }
            let head = pull.heads.iter().position(|head| head.oid == name)?;
            Some((*ix, head))
        })
    }
}

pub(super) fn not_found() -> Refusal {
    Refusal::new(404, "NOT_FOUND", "Not Found")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(verb: &str, path: &str) -> Option<&'static str> {
        route(verb, path).map(|route| route.operation.name())
    }

    #[test]
    fn addresses_lead_to_operations() {
        assert_eq!(name("GET", "repos/o/r/pulls"), Some("pulls/list"));
        assert_eq!(name("PUT", "repos/o/r/pulls/3/merge"), Some("pulls/merge"));
        assert_eq!(name("GET", "repos/o/r/pulls/3/merge"), Some("pulls/check-if-merged"));
        assert_eq!(name("POST", "repos/o/r/issues/3/comments"), Some("issues/create-comment"));
        assert_eq!(name("POST", "repos/o/r/pulls"), None);
        let branch = route("DELETE", "repos/o/r/git/refs/heads/fix/a%20b").unwrap();
        assert_eq!((branch.operation, branch.rest.as_str()), (Operation::GitDeleteRef, "heads/fix/a b"));
        assert_eq!(route("GET", "repositories/7/pulls/3").unwrap().repository, "#7");
    }
}
