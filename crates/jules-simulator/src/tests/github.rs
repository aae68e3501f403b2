//! GitHub over real sockets.

use reqwest::Proxy;

use super::*;

const QUICK: &str = "speed: 600, defaults: { duration: 1s, outcome: pull-request }";

async fn running(others: &str) -> Running {
    let running = Running::start(&format!("{{ {QUICK}, {others} }}")).await;
    let body = json!({
        "prompt": "Do it",
        "automationMode": "AUTO_CREATE_PR",
        "sourceContext": { "source": "sources/github/o/r", "githubRepoContext": { "startingBranch": "main" } },
    });
    running.create(body).await;
    while running.simulator.pull_requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running
}

impl Running {
    async fn github(
        &self,
        verb: Method,
        path: &str,
        body: Value,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let url = format!("{}/{path}", self.simulator.github_url());
        self.client.request(verb, url).bearer_auth("token").json(&body).send().await
    }
}

#[tokio::test]
async fn both_halves_have_one_address() {
    let running = running("github: {}").await;
    let view = running.simulator.pull_requests().remove(0);
    let path = view.url.replace("https://github.com/", "repos/").replace("/pull/", "/pulls/");
    let response = running.github(Method::GET, &path, Value::Null).await.unwrap();
    let reset = response.headers()["x-ratelimit-reset"].to_str().unwrap().parse::<i64>().unwrap();
    assert!(reset >= jiff::Timestamp::now().as_second(), "{reset}");
    assert_eq!(response.json::<Value>().await.unwrap()["head"]["sha"], view.head.as_str());
    let query = json!({ "query": "query ($id: ID!) { node(id: $id) { ... on PullRequest { headRefOid } } }",
        "variables": { "id": view.id } });
    let answer = running.github(Method::POST, "graphql", query).await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(answer["data"]["node"]["headRefOid"], view.head.as_str());
    let nothing = running.github(Method::GET, "repos/o/r/issues", Value::Null).await.unwrap();
    assert_eq!(
        (nothing.status(), nothing.json::<Value>().await.unwrap()["message"].clone()),
        (StatusCode::NOT_FOUND, json!("Not Found"))
    );
    assert_eq!(
        running.client.get(format!("{}/user", running.simulator.github_url())).send().await.unwrap().status(),
        401
    );
}

#[tokio::test]
async fn it_is_a_proxy_for_whoever_speaks_to_another_host() {
    let running = running("github: { login: mona }").await;
    let proxy = Proxy::http(running.simulator.github_url()).unwrap();
    let client = Client::builder().proxy(proxy).build().unwrap();
    let asked = client.get("http://api.github.localhost/user").header("Authorization", "token x");
    assert_eq!(asked.send().await.unwrap().json::<Value>().await.unwrap()["login"], "mona");
    let asked = client.get("http://api.github.localhost/repos/o/r/pulls?state=all&per_page=1&page=2");
    let links = asked.bearer_auth("x").send().await.unwrap();
    assert!(
        links.headers()["link"].to_str().unwrap().contains("<http://api.github.localhost/repos/o/r/pulls?")
    );
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_was_done() {
    let running = running("faults: [{ kind: reset-after, on: github-writes }]").await;
    let view = running.simulator.pull_requests().remove(0);
    let path = view.url.replace("https://github.com/", "repos/").replace("/pull/", "/pulls/");
    let merge = running.github(Method::PUT, &format!("{path}/merge"), json!({ "sha": view.head })).await;
    assert!(merge.is_err(), "{merge:?}");
    assert_eq!(running.simulator.pull_requests()[0].state, "MERGED");
    let statistics = running.simulator.statistics();
    assert_eq!((statistics.requests["pulls/merge"], statistics.faults["reset-after"]), (1, 1));
    assert_eq!(statistics.github.merges[0].head, view.head);
    let url = format!("{}/statistics/pulls", running.simulator.github_url());
    let views = running.client.get(url).send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(views[0]["closedBy"], "octocat");
}
