use super::*;

fn body(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or(Value::Null)
}

fn header(answer: &Answer, name: &str) -> Option<String> {
    answer.headers.iter().find(|(header, _)| *header == name).map(|(_, value)| value.clone())
}

#[test]
fn the_pull_request_of_a_session_is_the_one_on_github() {
    let mut client = TestClient::open(&scenario(CHECK, ""));
    let view = client.pull_request();
    let session = view.session.clone().unwrap();
    let output = client.get(&format!("sessions/{session}"))["outputs"][1]["pullRequest"].clone();
    let pull = body(&client.github("GET", &path_of(&view), &Value::Null));
    assert_eq!(pull["html_url"], output["url"]);
    assert_eq!((&pull["title"], &pull["body"]), (&output["title"], &output["description"]));
    assert_eq!((&pull["head"]["ref"], &pull["base"]["ref"]), (&output["headRef"], &output["baseRef"]));
    assert!(pull["body"].as_str().unwrap().ends_with("started by @octocat*"));
    assert_eq!(pull["user"]["login"], "google-labs-jules[bot]");
    assert_eq!((&pull["state"], &pull["mergeable"]), (&json!("open"), &Value::Null), "nobody had asked");
    client.second += 3;
    assert_eq!(body(&client.github("GET", &path_of(&view), &Value::Null))["mergeable"], true);
}

#[test]
fn a_merge_is_pinned_and_happens_once() {
    let mut client = TestClient::open(&scenario(CHECK, ""));
    let view = client.pull_request();
    let merge = format!("{}/merge", path_of(&view));
    let other = json!({ "sha": "0".repeat(40), "merge_method": "squash" });
    assert_eq!(client.github("PUT", &merge, &other).status, 409);
    assert_eq!(client.github("PUT", &merge, &json!({ "sha": "short" })).status, 422);
    let right = json!({ "sha": view.head, "merge_method": "squash" });
    let answer = client.github("PUT", &merge, &right);
    assert_eq!((answer.status, &body(&answer)["merged"]), (200, &json!(true)));
    assert_eq!(client.github("PUT", &merge, &right).status, 405);
    assert_eq!(client.github("GET", &merge, &Value::Null).status, 204);
    assert_eq!(client.pull().state, "MERGED");
    let branch = format!("repos/o/r/git/refs/heads/{}", view.branch);
    assert_eq!(client.github("DELETE", &branch, &Value::Null).status, 204);
    assert_eq!(client.github("DELETE", &branch, &Value::Null).status, 422);

    let github = client.statistics().github;
    let statuses: Vec<u16> = github.writes.iter().map(|write| write.status).collect();
    assert_eq!(statuses, [409, 422, 200, 405, 204, 422]);
    let [merge] = github.merges.as_slice() else { panic!("{:?}", github.merges) };
    assert_eq!(
        (merge.pinned, merge.green, merge.green_shown),
        (true, false, 0),
        "its check was still running"
    );
    assert_eq!(github.closest_writes_ms, Some(0.0));
}

#[test]
fn rules_stand_in_the_way_of_a_merge_and_an_admin_passes_them() {
    let others =
        "github: { repositories: [{ required-checks: [build], required-reviews: 1, permission: admin,
        methods: [squash], admins-bypass: BYPASS }] }";
    let merge = |bypass: &str| {
        let mut client = TestClient::open(&scenario(CHECK, &others.replace("BYPASS", bypass)));
        let view = client.pull_request();
        let path = format!("{}/merge", path_of(&view));
        let refused = client.github("PUT", &path, &json!({ "merge_method": "rebase" }));
        assert_eq!((refused.status, refused.body.contains("Rebase")), (405, true));
        let answer = client.github("PUT", &path, &json!({ "merge_method": "squash" }));
        (answer.status, body(&answer)["message"].clone(), client.statistics().github.merges)
    };
    let (status, message, _) = merge("false");
    assert_eq!((status, message.as_str().unwrap().contains("approving review")), (405, true), "{message}");
    let (status, _, merges) = merge("true");
    assert_eq!(status, 200);
    assert!(merges[0].unmet.as_ref().is_some_and(|unmet| unmet.contains("approving")));
}

#[test]
fn who_pushed_is_in_the_activity() {
    let deeds =
        "deeds: [{ does: push, after: 5s, by: alice }, { does: force-push, after: 6s, by: 'renovate[bot]' }]";
    let mut client = TestClient::open(&scenario(deeds, ""));
    let view = client.pull_request();
    client.second += 10;
    let path = format!("repos/o/r/activity?ref={}", view.branch);
    let activity = body(&client.github("GET", &path, &Value::Null));
    let who = |push: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&push["activity_type"]), text(&push["actor"]["login"]))
    };
    let pushes: Vec<_> = activity.as_array().unwrap().iter().map(who).collect();
    let expected =
        [("force_push", "renovate[bot]"), ("push", "alice"), ("branch_creation", "google-labs-jules[bot]")];
    assert_eq!(pushes, expected.map(|(kind, login)| (kind.to_owned(), login.to_owned())));
    assert_eq!(activity[0]["before"], activity[1]["after"]);
    assert_eq!(activity[0]["after"], client.pull().head);
}

#[test]
fn a_branch_is_brought_up_to_date_where_it_is_behind() {
    let others = "github: { repositories: [{ up-to-date: true }] }";
    let mut client = TestClient::open(&scenario("deeds: [{ does: move-base, after: 5s }]", others));
    let view = client.pull_request();
    let update = format!("{}/update-branch", path_of(&view));
    assert_eq!(client.github("PUT", &update, &json!({})).status, 422);
    client.second += 10;
    client.github("GET", &path_of(&view), &Value::Null);
    client.second += 10;
    assert_eq!(client.pull().merge_state, "BEHIND");
    assert_eq!(client.github("PUT", &update, &json!({ "expected_head_sha": "0".repeat(40) })).status, 422);
    assert_eq!(client.github("PUT", &update, &json!({ "expected_head_sha": view.head })).status, 202);
    assert_eq!(client.pull().pushed_by, ["google-labs-jules[bot]", "octocat"]);
}

#[test]
fn a_renamed_repository_is_found_by_its_new_address() {
    let others = "github: { repositories: [{ renamed: { to: 'new/{repo}', after: 5s } }] }";
    let mut client = TestClient::open(&scenario(CHECK, others));
    let view = client.pull_request();
    client.second += 10;
    let moved = client.github("GET", &path_of(&view), &Value::Null);
    assert_eq!(moved.status, 301);
    let to = header(&moved, "location").unwrap();
    let path = to.strip_prefix("http://127.0.0.1:1/").unwrap();
    assert_eq!(body(&client.github("GET", path, &Value::Null))["base"]["repo"]["full_name"], "new/r");
    assert_eq!(client.github("PUT", &format!("{}/merge", path_of(&view)), &json!({})).status, 307);
    let query = "query ($id: ID!) { node(id: $id) { ... on PullRequest { repository { nameWithOwner } } } }";
    let answer = client.query(query, &json!({ "id": view.id }));
    assert_eq!(answer["data"]["node"]["repository"]["nameWithOwner"], "new/r");
}

#[test]
fn archived_deleted_and_hidden_repositories_refuse() {
    let of = |rule: &str| {
        let others = format!("github: {{ repositories: [{{ {rule} }}] }}");
        let mut client = TestClient::open(&scenario(CHECK, &others));
        let view = client.pull_request();
        client.second += 10;
        let read = client.github("GET", &path_of(&view), &Value::Null).status;
        (read, client.github("PUT", &format!("{}/merge", path_of(&view)), &json!({})).status)
    };
    assert_eq!(of("archived-after: 5s"), (200, 403));
    assert_eq!(of("deleted-after: 5s"), (404, 404));
    assert_eq!(of("permission: none"), (404, 404));
    assert_eq!(of("permission: read"), (200, 403));
    assert_eq!(of("saml: true"), (403, 403));
}

#[test]
fn pages_point_to_the_address_that_was_asked() {
    let mut client = TestClient::open(&scenario(CHECK, ""));
    for _ in 0..5 {
        client.pull_request();
    }
    let answer = client.github("GET", "repos/o/r/pulls?per_page=2&page=2", &Value::Null);
    assert_eq!(body(&answer).as_array().unwrap().len(), 2);
    let link = header(&answer, "link").unwrap();
    assert!(link.contains("<http://127.0.0.1:1/repos/o/r/pulls?per_page=2&page=3>; rel=\"next\""), "{link}");
}

#[test]
fn what_has_not_changed_is_free() {
    let mut client = TestClient::open(&scenario(CHECK, ""));
    let view = client.pull_request();
    client.github("GET", &path_of(&view), &Value::Null);
    client.second += 5;
    let answer = client.github("GET", &path_of(&view), &Value::Null);
    let tag = header(&answer, "etag").unwrap();
    let now = client.now();
    let path = path_of(&view);
    let again = AskedOfGitHub {
        verb: "GET",
        path: &path,
        query: None,
        authorization: Some("token x"),
        known: Some(&tag),
        origin: "http://127.0.0.1:1",
        body: b"",
    };
    let again = client.service.serve_github(again, now).answer;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    assert_eq!(header(&again, "x-ratelimit-used"), header(&answer, "x-ratelimit-used"));
    let query = json!({ "query": "{ viewer { login } }" });
    assert_eq!(header(&client.github("POST", "graphql", &query), "etag"), None);
}

#[test]
fn limits_are_said_as_github_says_them() {
    let others = "github: { limits: { requests-per-hour: 2, writes-per-minute: 1 } }";
    let mut client = TestClient::open(&scenario(CHECK, others));
    let view = client.pull_request();
    let comments = path_of(&view).replace("/pulls/", "/issues/") + "/comments";
    assert_eq!(client.github("POST", &comments, &json!({ "body": "one" })).status, 201);
    let answer = client.github("POST", &comments, &json!({ "body": "two" }));
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("secondary rate limit"), "{}", answer.body);
    assert_eq!(header(&answer, "retry-after").as_deref(), Some("60"));
    assert_eq!(client.github("GET", &path_of(&view), &Value::Null).status, 200);
    let answer = client.github("GET", &path_of(&view), &Value::Null);
    assert_eq!(answer.status, 403);
    assert_eq!(header(&answer, "x-ratelimit-remaining").as_deref(), Some("0"));
    let github = client.statistics().github;
    assert_eq!((github.over_primary, github.over_secondary), (1, 1));
}
