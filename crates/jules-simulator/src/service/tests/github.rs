//! Both halves together: what sessions do appears on GitHub, and what happens there brings them back.

mod graphql;
mod rest;
mod stories;

use crate::github::{AskedOfGitHub, PullRequestView};

use super::*;

impl TestClient {
    /// What GitHub answers: the whole answer.
    fn github(&mut self, verb: &str, path: &str, body: &Value) -> Answer {
        self.github_as("token", verb, path, body)
    }

    fn github_as(&mut self, token: &str, verb: &str, path: &str, body: &Value) -> Answer {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let authorization = format!("Bearer {token}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let asked = AskedOfGitHub {
            verb,
            path,
            query,
            authorization: Some(&authorization),
            known: None,
            origin: "http://127.0.0.1:1",
            body: body.as_bytes(),
        };
        let now = self.now();
        self.service.serve_github(asked, now).answer
    }

    fn now(&self) -> Timestamp {
        later(start(), Duration::from_secs(self.second))
    }

    /// What a query answers: `data` and `errors`.
    fn query(&mut self, query: &str, variables: &Value) -> Value {
        self.query_as("token", query, variables)
    }

    fn query_as(&mut self, token: &str, query: &str, variables: &Value) -> Value {
        let answer =
            self.github_as(token, "POST", "graphql", &json!({ "query": query, "variables": variables }));
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// Creates a session on `o/r` whose pull request is there a second later; its view.
    fn pull_request(&mut self) -> PullRequestView {
        let body = json!({
            "prompt": "Do it",
            "automationMode": "AUTO_CREATE_PR",
            "sourceContext": { "source": "sources/github/o/r", "githubRepoContext": { "startingBranch": "main" } },
        });
        let (status, value) = self.ask("POST", "sessions", &body.to_string());
        assert_eq!(status, 200, "{value}");
        self.second += 1;
        self.pulls().pop().unwrap()
    }

    fn pulls(&mut self) -> Vec<PullRequestView> {
        let now = self.now();
        self.service.pull_requests(now)
    }

    fn pull(&mut self) -> PullRequestView {
        self.pulls().pop().unwrap()
    }
}

/// A session's whole life in a second, then `on_github`; `others` are further keys of the scenario.
fn scenario(on_github: &str, others: &str) -> String {
    let defaults = format!("{{ duration: 1s, outcome: pull-request, on-github: {{ {on_github} }} }}");
    format!("{{ defaults: {defaults}, {others} }}")
}

/// One check that is there at once and ends after ten seconds.
const CHECK: &str = "checks: [{ name: build, appears: 0s, queued: 0s, lasts: 10s }]";

fn path_of(view: &PullRequestView) -> String {
    view.url.replace("https://github.com/", "repos/").replace("/pull/", "/pulls/")
}
