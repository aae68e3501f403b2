//! What the service shows of sessions, and which parameters it takes.

use super::*;

fn created(yaml: &str, title: &str, context: &Value) -> (TestClient, String) {
    let mut client = TestClient::open(yaml);
    let mut source = json!({
        "source": "sources/github/o/r", "githubRepoContext": { "startingBranch": "main" },
    });
    source.as_object_mut().unwrap().extend(context.as_object().unwrap().clone());
    let body = json!({ "prompt": "Do it", "title": title, "automationMode": "AUTO_CREATE_PR", "sourceContext": source });
    let (status, session) = client.ask("POST", "sessions", &body.to_string());
    assert_eq!(status, 200, "{session}");
    let id = session["id"].as_str().unwrap().to_owned();
    (client, id)
}

fn pull_request(yaml: &str, title: &str) -> (Value, String) {
    let (mut client, id) = created(yaml, title, &json!({}));
    client.second = 11;
    let session = client.get(&format!("sessions/{id}"));
    assert_eq!(session["sourceContext"]["workingBranch"], session["outputs"][1]["pullRequest"]["headRef"]);
    (session["outputs"][1]["pullRequest"].clone(), id)
}

#[test]
fn pull_requests_name_their_session_in_body_and_branch() {
    for form in ["slug", "jules"] {
        let yaml = format!("defaults: {{ duration: 10s, outcome: pull-request, branch-form: {form} }}");
        let (pull, id) = pull_request(&yaml, "Fix the login");
        let footer = format!(
            "\n---\n*PR created automatically by Jules for task [{id}](https://jules.google.com/task/{id}) \
             started by @octocat*"
        );
        assert!(pull["description"].as_str().unwrap().ends_with(&footer), "{pull}");
        let head = pull["headRef"].as_str().unwrap();
        match form {
            "slug" => assert!(head.ends_with(&format!("fix-the-login-{id}")), "{head}"),
            _ => {
                let hex = head.strip_prefix(&format!("jules-{id}-")).unwrap();
                assert!(hex.len() == 8 && hex.chars().all(|ch| ch.is_ascii_hexdigit()), "{head}");
            }
        }
    }
}

#[test]
fn without_a_word_of_the_scenario_every_form_occurs() {
    let yaml = "defaults: { duration: 10s, outcome: pull-request }";
    let heads: Vec<_> = (0..40)
        .map(|n| {
            let (pull, id) = pull_request(yaml, &format!("Task {n}"));
            let head = pull["headRef"].as_str().unwrap().to_owned();
            assert!(head.contains(&id), "{head}");
            head
        })
        .collect();
    for wanted in [|head: &&String| head.starts_with("jules-"), |head: &&String| head.contains('/')] {
        assert!((5..30).contains(&heads.iter().filter(wanted).count()), "{heads:?}");
    }
    let (old, id) =
        pull_request("defaults: { duration: 10s, outcome: pull-request, branch-form: without-id }", "x");
    assert!(!old["headRef"].as_str().unwrap().contains(&id));
}

#[test]
fn titles_are_cut_and_rewritten() {
    let title = "Fix the login [jb-0a1b2c3d-9f8e-1]";
    for (change, at_once, later) in [
        ("{ cut: 13 }", "Fix the login", "Fix the login"),
        ("{ becomes: Something else }", "Something else", "Something else"),
        ("{ becomes: Something else, cut: 4, after: 30s }", title, "Some"),
    ] {
        let (mut client, id) = created(&format!("defaults: {{ title: {change} }}"), title, &json!({}));
        assert_eq!(client.get(&format!("sessions/{id}"))["title"], at_once, "{change}");
        client.second = 30;
        assert_eq!(client.get("sessions")["sessions"][0]["title"], later, "{change}");
        let view = client.service.views(later_than_all()).remove(0);
        assert_eq!(view.title.as_deref(), Some(title), "the statistics keep what was sent");
    }
}

fn later_than_all() -> Timestamp {
    later(start(), Duration::from_secs(100))
}

#[test]
fn what_was_asked_of_the_source_is_shown_again() {
    let wishes = json!({ "environmentVariablesEnabled": true, "workingBranch": "mine" });
    let (mut client, id) = created("", "x", &wishes);
    let context = &client.get(&format!("sessions/{id}"))["sourceContext"];
    assert_eq!(
        (&context["environmentVariablesEnabled"], &context["workingBranch"]),
        (&json!(true), &json!("mine"))
    );
    let (mut client, id) = created("", "x", &json!({}));
    let session = client.get(&format!("sessions/{id}"));
    let mut fields: Vec<_> = session["sourceContext"].as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["githubRepoContext", "source"], "what is not so is left out");
}

#[test]
fn no_activity_has_bash_output_unless_asked() {
    let mut client =
        TestClient::open("{ history: 20, defaults: { duration: 10m, activities: { gap: 5s } } }");
    client.create("x");
    client.second = 700;
    let mut artifacts = 0;
    for id in ids(&paged(&mut client, "sessions", "sessions")) {
        for activity in paged(&mut client, &format!("sessions/{id}/activities"), "activities") {
            for artifact in activity["artifacts"].as_array().into_iter().flatten() {
                artifacts += 1;
                assert!(artifact.get("bashOutput").is_none(), "{activity}");
            }
        }
    }
    assert!(artifacts > 20, "{artifacts}");
}

#[test]
fn the_key_can_be_a_parameter() {
    let mut service = Service::new(Scenario::from_yaml("keys: [k]", "test").unwrap(), start());
    let mut ask = |key: Option<&str>, query: &str| {
        let asked = Asked { verb: "GET", path: "sessions", query: Some(query), key, body: b"" };
        service.serve(asked, start()).answer.status
    };
    assert_eq!(ask(None, "key=k"), 200);
    assert_eq!(ask(None, "key=other"), 401);
    assert_eq!(ask(None, "pageSize=3"), 401);
    assert_eq!(ask(Some("k"), "key=other"), 200, "the header goes first");
}

#[test]
fn both_shelves_are_listed_together() {
    let mut client = TestClient::open("");
    let (first, second) = (client.create("a"), client.create("b"));
    client.ask("POST", &format!("sessions/{first}:archive"), "");
    let both = client.get("sessions?filter=archived+%3D+true+OR+archived+%3D+false");
    assert_eq!(ids(both["sessions"].as_array().unwrap()), [second, first]);
}
