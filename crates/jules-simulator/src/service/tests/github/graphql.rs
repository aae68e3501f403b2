use super::*;

const STANDING: &str =
    "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on PullRequest { state isDraft headRefOid mergeable
    mergeStateStatus reviewDecision isInMergeQueue statusCheckRollup { state } author { __typename login }
    repository { nameWithOwner viewerPermission } } } rateLimit { cost remaining } }";

fn standing(client: &mut TestClient) -> Value {
    let id = client.pull().id;
    client.query(STANDING, &json!({ "ids": [id] }))["data"]["nodes"][0].clone()
}

fn words(client: &mut TestClient) -> [String; 3] {
    let pull = standing(client);
    let word = |value: &Value| value.as_str().unwrap_or("null").to_owned();
    [word(&pull["mergeable"]), word(&pull["mergeStateStatus"]), word(&pull["statusCheckRollup"]["state"])]
}

#[test]
fn a_pull_request_goes_its_way_from_unknown_to_clean() {
    let check = "checks: [{ name: build, appears: 5s, queued: 0s, lasts: 10s }]";
    let mut client = TestClient::open(&scenario(check, ""));
    client.pull_request();
    assert_eq!(words(&mut client), ["UNKNOWN", "UNKNOWN", "null"]);
    client.second += 2;
    assert_eq!(words(&mut client), ["MERGEABLE", "CLEAN", "null"], "clean, and nothing has run: the trap");
    client.second += 5;
    assert_eq!(words(&mut client), ["MERGEABLE", "UNSTABLE", "PENDING"]);
    client.second += 10;
    assert_eq!(words(&mut client), ["MERGEABLE", "CLEAN", "SUCCESS"]);
    let pull = standing(&mut client);
    assert_eq!(pull["author"], json!({ "__typename": "Bot", "login": "google-labs-jules" }));
    assert_eq!(pull["reviewDecision"], Value::Null);
    client.second += 1;
    words(&mut client);
    let view = client.pull();
    client.github("PUT", &format!("{}/merge", path_of(&view)), &json!({ "sha": view.head }));
    let merge = client.statistics().github.merges.remove(0);
    assert_eq!((merge.green, merge.green_shown), (true, 2), "at two times, though asked thrice");
}

#[test]
fn errors_stand_beside_the_data() {
    let others = "faults: [{ kind: partial, on: graphql/query, nth: 2, share: 1 }]";
    let mut client = TestClient::open(&scenario(CHECK, others));
    let id = client.pull_request().id;
    let answer = client.query(STANDING, &json!({ "ids": [id, "PR_kwDO00ffff"] }));
    assert_eq!(answer["data"]["nodes"][0]["state"], "OPEN");
    assert_eq!(answer["data"]["nodes"][1], Value::Null);
    let error = &answer["errors"][0];
    assert_eq!((&error["type"], &error["path"]), (&json!("NOT_FOUND"), &json!(["nodes", 1])));
    let answer = client.query(STANDING, &json!({ "ids": [id] }));
    assert_eq!(answer["data"]["nodes"], json!([null]));
    assert!(answer["errors"][0]["message"].as_str().unwrap().starts_with("Something went wrong"), "{answer}");
    let invalid = client.query("{ viewer { shoeSize } }", &json!({}));
    assert!(invalid["data"].is_null(), "{invalid}");
    assert!(invalid["errors"].to_string().contains("shoeSize"), "{invalid}");
}

#[test]
fn a_fine_grained_token_reads_no_checks_and_nothing_of_other_owners() {
    let tokens = "sources: [{ repo: o/r }, { repo: p/secret, private: true }],
        github: { tokens: [{ token: fine, kind: fine-grained, owners: [o] }, { token: all }] }";
    let mut client = TestClient::open(&scenario(CHECK, tokens));
    let id = client.pull_request().id;
    client.second += 1;
    let answer = client.query_as("fine", STANDING, &json!({ "ids": [id] }));
    assert_eq!(answer["data"]["nodes"][0]["statusCheckRollup"], Value::Null);
    assert_eq!(answer["errors"][0]["type"], "FORBIDDEN");
    let secret = "{ repository(owner: \"p\", name: \"secret\") { id } }";
    let refused = client.query_as("fine", secret, &json!({}));
    assert_eq!(
        (&refused["data"]["repository"], &refused["errors"][0]["type"]),
        (&Value::Null, &json!("NOT_FOUND"))
    );
    assert!(client.query_as("all", secret, &json!({}))["errors"].is_null());
    assert_eq!(client.github_as("stranger", "GET", "user", &Value::Null).status, 401);
}

#[test]
fn made_up_words_are_said_like_those_of_github() {
    let strange =
        "words: { mergeable: MAYBE, merge-state-status: DAYDREAMING, rollup: LATER, review-decision: SHRUG }";
    let mut client = TestClient::open(&scenario(&format!("{CHECK}, {strange}"), ""));
    client.pull_request();
    assert_eq!(words(&mut client), ["MAYBE", "DAYDREAMING", "LATER"]);
    assert_eq!(standing(&mut client)["reviewDecision"], "SHRUG");
}

#[test]
fn the_newest_of_several_repositories_are_found_in_one_query() {
    let mut client = TestClient::open(&scenario(CHECK, ""));
    for _ in 0..3 {
        client.pull_request();
    }
    let query = "{ a: repository(owner: \"o\", name: \"r\") { pullRequests(first: 2,
        orderBy: { field: CREATED_AT, direction: DESC }) { totalCount nodes { number } pageInfo { hasNextPage } } }
        b: repository(owner: \"o\", name: \"other\") { pullRequests(first: 30) { nodes { number } } }
        rateLimit { cost } }";
    let data = client.query(query, &json!({}))["data"].clone();
    let page = &data["a"]["pullRequests"];
    assert_eq!((&page["totalCount"], &page["pageInfo"]["hasNextPage"]), (&json!(3), &json!(true)));
    assert!(page["nodes"][0]["number"].as_u64() > page["nodes"][1]["number"].as_u64());
    assert_eq!((&data["b"]["pullRequests"]["nodes"], &data["rateLimit"]["cost"]), (&json!([]), &json!(1)));
}

#[test]
fn budgets_are_errors_in_an_answer_that_succeeds_and_large_questions_fail() {
    let others = "github: { limits: { points-per-hour: 2 } },
        faults: [{ kind: too-large, on: graphql/query, above: 1 },
        { kind: secondary-limit, on: graphql/query, status: 200, nth: 3 }]";
    let mut client = TestClient::open(&scenario(CHECK, others));
    let id = client.pull_request().id;
    let body = json!({ "query": STANDING, "variables": { "ids": [id, id] } });
    assert_eq!(client.github("POST", "graphql", &body).status, 502);
    assert!(client.query(STANDING, &json!({ "ids": [id] }))["data"].is_object());
    assert_eq!(client.query("{ viewer { login } }", &json!({}))["errors"][0]["type"], "RATE_LIMITED");
    client.query("{ viewer { login } }", &json!({}));
    let spent = client.query("{ viewer { login } }", &json!({}));
    assert_eq!((&spent["errors"][0]["type"], spent.get("data")), (&json!("RATE_LIMIT"), None));
    assert_eq!(client.statistics().github.points, 2);
}
