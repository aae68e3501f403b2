use super::*;

/// What the session's own address shows as its state.
fn state_of(client: &mut TestClient, session: &str) -> String {
    client.get(&format!("sessions/{session}"))["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_failing_check_brings_the_fixer_and_its_push_is_green() {
    let script = "checks: [{ name: build, appears: 0s, queued: 0s, lasts: 10s, ends: failure, heads: [1] },
        { name: build, appears: 0s, queued: 0s, lasts: 10s, heads: [2] }], ci-fixer: { after: 20s, lasts: 10s }";
    let mut client = TestClient::open(&scenario(script, ""));
    let view = client.pull_request();
    let session = view.session.unwrap();
    assert_eq!(state_of(&mut client, &session), "COMPLETED");
    client.second = 12;
    assert_eq!(client.pull().checks.as_deref(), Some("FAILURE"));
    client.second = 32;
    assert_ne!(state_of(&mut client, &session), "COMPLETED");
    client.second = 60;
    let mended = client.pull();
    assert_eq!((mended.heads, mended.checks.as_deref()), (2, Some("SUCCESS")));
    assert_eq!(mended.pushed_by, ["google-labs-jules[bot]", "google-labs-jules[bot]"]);
    assert_eq!(state_of(&mut client, &session), "COMPLETED");
}

#[test]
fn one_late_look_sees_what_many_looks_see() {
    let script = "checks: [{ name: build, appears: 0s, queued: 0s, lasts: 10s, ends: failure, heads: [1, 2] },
        { name: build, heads: [3], appears: 1s }], ci-fixer: { after: 20s, lasts: 10s, times: 2 },
        deeds: [{ does: comment, after: 40s, by: octocat }, { does: merge, after: 5m }], on-comment: { after: 30s, lasts: 5s }";
    let see = |step: usize| {
        let mut client = TestClient::open(&scenario(script, "seed: 4"));
        client.pull_request();
        for second in (1..=600).step_by(step) {
            client.second = second;
            client.pulls();
        }
        client.second = 600;
        let mut view = client.pull();
        // Ids depend on nothing else.
        view.session = None;
        (view, client.github("GET", "repos/o/r/activity", &Value::Null).body)
    };
    let (often, rarely) = (see(1), see(599));
    assert_eq!(often.0.state, "MERGED");
    assert!(often.0.heads >= 3, "{often:?}");
    assert_eq!(often, rarely);
}

#[test]
fn a_message_pushes_to_the_same_branch_and_is_counted_by_head() {
    let mut client = TestClient::open(&scenario(CHECK, ""));
    let view = client.pull_request();
    let session = view.session.clone().unwrap();
    for _ in 0..2 {
        let message = json!({ "prompt": "Mend it" }).to_string();
        client.ask("POST", &format!("sessions/{session}:sendMessage"), &message);
    }
    client.second += 600;
    let after = client.pull();
    assert_eq!((after.heads, &after.branch), (2, &view.branch));
    let messages = client.statistics().github.messages;
    assert_eq!((messages.len(), messages[0].count, &messages[0].head), (1, 2, &view.head));
}

#[test]
fn a_comment_of_the_user_of_the_session_wakes_it_and_no_other() {
    let script =
        "on-comment: { after: 10s, lasts: 5s }, deeds: [{ does: comment, after: 5s, by: alice, text: Hm }]";
    let mut client = TestClient::open(&scenario(script, ""));
    let view = client.pull_request();
    client.second += 60;
    assert_eq!(client.pull().heads, 1, "alice did not start the session");
    let comments = path_of(&view).replace("/pulls/", "/issues/") + "/comments";
    client.github("POST", &comments, &json!({ "body": "Please mend it" }));
    client.second += 60;
    assert_eq!(client.pull().heads, 2);
    assert_eq!(client.pull().comments, ["Hm", "Please mend it"]);
}

#[test]
fn reviews_decide_and_a_push_takes_them_away() {
    let others = "github: { repositories: [{ required-reviews: 1, dismiss-stale-reviews: true, mergeable-after: 0s }] }";
    let deeds = "deeds: [{ does: approve, after: 5s, by: carol, writer: false }, { does: request-changes, after: 10s },
        { does: approve, after: 15s }, { does: push, after: 20s, by: bob }]";
    let mut client = TestClient::open(&scenario(deeds, others));
    let id = client.pull_request().id;
    let query = "query ($id: ID!) { node(id: $id) { ... on PullRequest { reviewDecision
        latestOpinionatedReviews(first: 20, writersOnly: true) { nodes { state author { login } } } } } }";
    let mut decision = |second| {
        client.second = second;
        let node = client.query(query, &json!({ "id": id }))["data"]["node"].clone();
        node["reviewDecision"].as_str().unwrap().to_owned()
    };
    let decisions = [2, 7, 12, 17, 22].map(&mut decision);
    let expected = ["REVIEW_REQUIRED", "REVIEW_REQUIRED", "CHANGES_REQUESTED", "APPROVED", "REVIEW_REQUIRED"];
    assert_eq!(decisions, expected);
}

#[test]
fn the_queue_waits_for_checks() {
    let others = "github: { repositories: [{ merge-queue: 30s, required-checks: [build] }] }";
    let mut client = TestClient::open(&scenario(CHECK, others));
    let view = client.pull_request();
    let direct = client.github("PUT", &format!("{}/merge", path_of(&view)), &json!({ "sha": view.head }));
    assert_eq!((direct.status, direct.body.contains("merge queue")), (405, true));
    let enqueue = "mutation ($input: EnqueuePullRequestInput!) { enqueuePullRequest(input: $input) {
        mergeQueueEntry { position state } } }";
    let input = json!({ "input": { "pullRequestId": view.id, "expectedHeadOid": view.head } });
    let early = client.query(enqueue, &input);
    assert!(early["errors"][0]["message"].as_str().unwrap().contains("in progress"), "{early}");
    client.second += 15;
    assert_eq!(client.query(enqueue, &input)["data"]["enqueuePullRequest"]["mergeQueueEntry"]["position"], 1);
    client.second += 29;
    assert_eq!(client.pull().state, "OPEN");
    client.second += 2;
    assert_eq!(client.pull().state, "MERGED");
}

#[test]
fn an_armed_merge_follows_the_checks() {
    let others = "github: { repositories: [{ auto-merge: true, required-checks: [build] }] }";
    let mut client = TestClient::open(&scenario(CHECK, others));
    let view = client.pull_request();
    let arm =
        "mutation ($input: EnablePullRequestAutoMergeInput!) { enablePullRequestAutoMerge(input: $input) {
        pullRequest { autoMergeRequest { mergeMethod } } } }";
    let input = json!({ "input": { "pullRequestId": view.id, "mergeMethod": "SQUASH" } });
    let armed = client.query(arm, &input)["data"]["enablePullRequestAutoMerge"]["pullRequest"].clone();
    assert_eq!(armed["autoMergeRequest"]["mergeMethod"], "SQUASH", "{armed}");
    client.second += 15;
    assert_eq!(client.pull().state, "MERGED");
}

#[test]
fn a_merge_moves_the_base_under_the_others() {
    let others = "github: { repositories: [{ conflicts: 1, settles-after-merge: 5s, mergeable-after: 0s,
        delete-branch-on-merge: true }] }";
    let mut client = TestClient::open(&scenario(CHECK, others));
    let (first, second) = (client.pull_request(), client.pull_request());
    assert_eq!(client.github("PUT", &format!("{}/merge", path_of(&first)), &json!({})).status, 200);
    let refused = client.github("PUT", &format!("{}/merge", path_of(&second)), &json!({}));
    assert!(refused.body.contains("Base branch was modified"), "{}", refused.body);
    client.second += 10;
    assert_eq!(client.github("PUT", &format!("{}/merge", path_of(&second)), &json!({})).status, 405);
    client.github("GET", &path_of(&second), &Value::Null);
    let views = client.pulls();
    assert_eq!((views[0].branch_deleted, views[1].merge_state.as_str()), (true, "DIRTY"));
    let twice = client.statistics().github.second_pull_requests;
    assert_eq!((twice.len(), twice[0].while_open), (1, true), "two sessions did one task");
}

#[test]
fn lost_answers_and_heads_that_move_are_seen_by_the_statistics() {
    let others = "faults: [{ kind: push-before, on: pulls/merge, nth: 1 },
        { kind: error-after, on: pulls/merge, nth: 2 }]";
    let mut client = TestClient::open(&scenario(CHECK, others));
    let view = client.pull_request();
    let merge = format!("{}/merge", path_of(&view));
    assert_eq!(client.github("PUT", &merge, &json!({ "sha": view.head })).status, 409);
    let moved = client.pull();
    assert_eq!(moved.pushed_by[1], "mallory");
    assert_eq!(client.github("PUT", &merge, &json!({ "sha": moved.head })).status, 502);
    assert_eq!(client.pull().state, "MERGED");
    let merges = client.statistics().github.merges;
    assert_eq!((merges.len(), &merges[0].touched_by), (1, &vec!["mallory".to_owned()]));
}

#[test]
fn old_sessions_have_old_pull_requests_and_others_have_theirs() {
    let others =
        "history: 3, sources: [{ repo: o/r }], github: { repositories: [{ match: o/r, pull-requests: [
        { title: Bump serde, author: 'renovate[bot]', then: { draft: true, from-fork: true } }] }] }";
    let mut client = TestClient::open(&scenario(CHECK, others));
    client.pull_request();
    let states: Vec<_> = client.pulls().into_iter().map(|view| (view.author, view.state)).collect();
    let jules = |state: &str| ("google-labs-jules[bot]".to_owned(), state.to_owned());
    assert_eq!(states.iter().filter(|one| **one == jules("MERGED")).count(), 3, "{states:?}");
    assert!(states.contains(&("renovate[bot]".to_owned(), "OPEN".to_owned())));
    assert_eq!(states.last(), Some(&jules("OPEN")));
}
