//! The client against the simulator's GitHub, over real sockets.

use std::time::Duration;

use jules::{PullRequestName, Secret};
use jules_simulator::{Scenario, Simulator};
use tokio::time::Instant;

use super::*;
use crate::outcome::GithubUsage;

/// A simulated GitHub, and a client of it.
struct World {
    simulator: Simulator,
    github: GitHub,
}

impl World {
    async fn new(scenario: &str) -> Self {
        Self::with_token(scenario, "ghp_token").await
    }

    async fn with_token(scenario: &str, token: &str) -> Self {
        let scenario = Scenario::from_yaml(scenario, "the test's scenario").unwrap();
        let simulator = Simulator::start(scenario).await.unwrap();
        let github = client(simulator.github_url(), token);
        Self { simulator, github }
    }

    /// Readings of all its pull requests, oldest first.
    async fn read(&self) -> Vec<Reading<PullRequest>> {
        self.github.by_id(&self.ids(), soon()).await
    }

    fn ids(&self) -> Vec<String> {
        self.simulator.pull_requests().into_iter().map(|pull| pull.id).collect()
    }

    fn addresses(&self) -> Vec<PullRequestName> {
        let address = |pull: jules_simulator::PullRequestView| PullRequestName::of_url(&pull.url).unwrap();
        self.simulator.pull_requests().into_iter().map(address).collect()
    }

    /// Its writes, by operation and status.
    fn writes(&self) -> Vec<(String, u16)> {
        let writes = self.simulator.statistics().github.writes;
        writes.into_iter().map(|write| (write.operation, write.status)).collect()
    }
}

fn client(url: &str, token: &str) -> GitHub {
    GitHub::new(Config::new(Secret::new(token).unwrap(), &[], Some(url), None).unwrap()).unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// A repository `my-org/web` with so many pull requests, each with one check that succeeds at once.
fn pulls(count: usize, more: &str) -> String {
    let one = |n: usize| {
        format!(
            "{{ title: Change {n}, body: Text {n}, author: alice, branch: change-{n}, then: {{ checks: [{{ name: build, \
             lasts: 0s }}] }} }}"
        )
    };
    let all: Vec<String> = (0..count).map(one).collect();
    format!(
        "{more}\nsources: [{{ repo: my-org/web }}, {{ repo: my-org/api }}]\ngithub:\n  repositories:\n  - \
         {{ match: my-org/web, mergeable-after: 0s, pull-requests: [{}] }}",
        all.join(", ")
    )
}

#[tokio::test]
async fn a_hundred_cost_a_point() {
    let world = World::new(&pulls(250, "")).await;
    // The world is made when somebody looks.
    let named = world.github.newest(&["my-org/web".to_owned()], soon()).await;
    let newest = named.into_iter().next().unwrap().unwrap();
    assert_eq!((newest.pulls.len(), newest.has_older), (30, true));
    let first = world.github.by_number(&world.addresses(), soon()).await;
    let bodies: Vec<String> = first.iter().map(|pull| pull.as_ref().unwrap().body.clone().unwrap()).collect();
    assert_eq!(bodies[..2], ["Text 0", "Text 1"]);
    let again = world.read().await;
    for (n, pull) in again.iter().enumerate() {
        let pull = pull.as_ref().unwrap();
        assert_eq!((pull.title.as_str(), &pull.body), (format!("Change {n}").as_str(), &None));
    }
    assert_eq!(world.github.usage(), GithubUsage { requests: 7, points: 7, writes: 0 });
    assert_eq!(world.simulator.statistics().github.points, 7);
    assert!(world.github.rate().unwrap().remaining <= 5_000 - 7);
}

#[tokio::test]
async fn details_cost_a_point_by_the_twenty() {
    let world = World::new(&pulls(40, "")).await;
    world.github.newest(&["my-org/web".to_owned()], soon()).await;
    let details = world.github.details(&world.ids(), soon()).await;
    let first = details[0].as_ref().unwrap();
    assert_eq!(first.labels, Fact::Some(Vec::new()));
    let Fact::Some(checks) = &first.checks else { panic!("{first:?}") };
    assert_eq!(checks[0].name, "build");
    assert!(!checks[0].has_failed() && !first.is_approved());
    assert_eq!(world.github.usage().points, 3);
    let bodies = world.github.bodies(&world.ids(), soon()).await;
    assert_eq!(bodies[7].as_deref(), Ok("Text 7"));
}

#[tokio::test]
async fn what_a_partial_answer_lacks_is_asked_for_again_or_unreadable() {
    let fault = "faults: [{ kind: partial, on: graphql/query, nth: 2, share: 0.4 }]";
    let world = World::new(&pulls(60, fault)).await;
    world.github.newest(&["my-org/web".to_owned()], soon()).await;
    assert!(world.read().await.iter().all(Result::is_ok));
    assert_eq!(world.github.usage().requests, 3);

    let world = World::new(&pulls(60, "faults: [{ kind: partial, on: graphql/query, share: 0.4 }]")).await;
    world.github.newest(&["my-org/web".to_owned()], soon()).await;
    let readings = world.read().await;
    let lacking = readings.iter().filter_map(|reading| reading.as_ref().err());
    assert!(lacking.clone().all(Unreadable::is_passing));
    assert!((1..60).contains(&lacking.count()), "the others are there");
}

#[tokio::test]
async fn chunks_halve_until_github_can_manage() {
    let fault = "faults: [{ kind: too-large, on: graphql/query, above: 30 }]";
    let world = World::new(&pulls(130, fault)).await;
    world.github.newest(&["my-org/web".to_owned()], soon()).await;
    assert!(world.read().await.iter().all(Result::is_ok));
    assert!(world.github.usage().requests < 14, "{:?}", world.github.usage());
    let down =
        World::new(&pulls(3, "faults: [{ kind: error-before, on: graphql/query, during: 1ms..1h }]")).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let ids = ["PR_1", "PR_2"].map(str::to_owned);
    let deadline = Instant::now() + Duration::from_secs(1);
    let readings = down.github.by_id(&ids, deadline).await;
    assert!(readings.iter().all(|reading| reading.as_ref().unwrap_err().is_passing()), "{readings:?}");
    assert!(Instant::now() < deadline + Duration::from_millis(200));
}

#[tokio::test]
async fn limits_of_both_kinds_are_waited_for_or_told() {
    for fault in [
        "{ kind: primary-limit, on: graphql/query, nth: 2 }",
        "{ kind: secondary-limit, on: graphql/query, nth: 2, retry-after: 1s, status: 200 }",
        "{ kind: secondary-limit, on: graphql/query, nth: 2, retry-after: 1s, status: 403 }",
        "{ kind: throttle, on: graphql/query, nth: 2, retry-after: 1s }",
    ] {
        let world = World::new(&pulls(3, &format!("speed: 3600\nfaults: [{fault}]"))).await;
        world.github.newest(&["my-org/web".to_owned()], soon()).await;
        let began = Instant::now();
        assert!(world.read().await.iter().all(Result::is_ok), "{fault}");
        assert!(began.elapsed() >= Duration::from_millis(900), "{fault}");
        assert_eq!(world.github.usage().requests, 3, "{fault}");
    }
    // One that outlasts the deadline is told at once, and holds what comes next too.
    let world = World::new(&pulls(3, "faults: [{ kind: primary-limit, on: graphql/query, nth: 2 }]")).await;
    world.github.newest(&["my-org/web".to_owned()], soon()).await;
    for _ in 0..2 {
        let readings = world.read().await;
        let limited = readings.iter().map(|reading| reading.as_ref().unwrap_err());
        assert!(
            limited.clone().all(|why| matches!(why.kind, UnreadableKind::Limited(_)) && why.is_passing())
        );
    }
    assert!(world.github.held_until().is_some());
    assert_eq!(world.github.usage().requests, 2);
    // REST has a budget of its own.
    let pull = &world.simulator.pull_requests()[0];
    assert!(world.github.pushes("my-org/web", &pull.branch, soon()).await.is_ok());
}

#[tokio::test]
async fn a_repository_may_be_renamed_archived_or_gone() {
    let scenario = "
        sources: [{ repo: o/moved }, { repo: o/old }, { repo: o/gone }, { repo: o/closed }]
        github:
          repositories:
          - { match: o/moved, renamed: { to: o/new, after: 0s }, pull-requests: [{ title: A, author: a, branch: a }] }
          - { match: o/old, archived-after: 0s, pull-requests: [{ title: B, author: a }] }
          - { match: o/gone, deleted-after: 0s, pull-requests: [{ title: C, author: a }] }
          - { match: o/closed, saml: true, pull-requests: [{ title: D, author: a }] }";
    let world = World::new(scenario).await;
    let names = ["moved", "old", "gone", "closed", "never"];
    world.github.newest(&names.map(|name| format!("o/{name}")), soon()).await;
    let numbers: Vec<u64> = world.addresses().iter().map(PullRequestName::number).collect();
    let address = |name: &str| {
        let place = names.iter().position(|known| *known == name).unwrap();
        let number = numbers.get(place).unwrap_or(&1);
        PullRequestName::new(&format!("o/{name}#{number}")).unwrap()
    };
    let first = world.github.by_number(&names.map(address), soon()).await;
    let by_id = world.read().await;
    for readings in [&first[..4], &by_id[..]] {
        let [moved, old, gone, closed] = readings else { panic!("{readings:?}") };
        assert_eq!(moved.as_ref().unwrap().repository.name_with_owner, "o/new");
        assert!(old.as_ref().unwrap().repository.is_archived);
        assert_eq!(gone.as_ref().unwrap_err().kind, UnreadableKind::Gone);
        assert_eq!(closed.as_ref().unwrap_err().kind, UnreadableKind::SignOn);
    }
    assert_eq!(first[4].as_ref().unwrap_err().kind, UnreadableKind::Gone);
    let strange = world.github.by_id(&["nonsense".to_owned()], soon()).await;
    assert_eq!(strange[0].as_ref().unwrap_err().kind, UnreadableKind::Gone);

    let refused = world.github.merge(&address("moved"), &"0".repeat(40), MergeMethod::Merge, soon()).await;
    assert!(refused.unwrap_err().is_elsewhere(), "no redirect is followed");
    let refused = world.github.close(&address("old"), soon()).await.unwrap_err();
    assert!(refused.is_forbidden(), "{refused}");
    assert!(world.github.pushes("o/moved", "a", soon()).await.is_err());
    assert!(world.github.pushes("o/new", "a", soon()).await.is_ok());
}

#[tokio::test]
async fn a_token_that_cannot_read_checks_never_shows_none() {
    let tokens = "tokens: [{ token: fine, kind: fine-grained, owners: [my-org] }]";
    let scenario = pulls(2, "").replace("github:", &format!("github:\n  {tokens}"));
    let world = World::with_token(&scenario, "fine").await;
    world.github.newest(&["my-org/web".to_owned()], soon()).await;
    for pull in world.read().await {
        let pull = pull.unwrap();
        let told = "Resource not accessible by personal access token";
        assert_eq!(pull.checks, Fact::Unread(told.to_owned()));
        assert_eq!(pull.review, Fact::None);
    }
    let details = world.github.details(&world.ids(), soon()).await;
    let details = details[0].as_ref().unwrap();
    assert!(matches!(details.checks, Fact::Unread(_)) && details.labels == Fact::Some(Vec::new()));

    let refused = client(world.simulator.github_url(), "another");
    let readings = refused.by_id(&world.ids(), soon()).await;
    assert!(readings.iter().all(|reading| {
        let why = reading.as_ref().unwrap_err();
        why.kind == UnreadableKind::BadToken && why.said == "Bad credentials"
    }));
}

#[tokio::test]
async fn a_merge_is_for_one_head() {
    let world = World::new(&pulls(2, "faults: [{ kind: push-before, on: pulls/merge, nth: 1 }]")).await;
    world.github.newest(&["my-org/web".to_owned()], soon()).await;
    let (addresses, readings) = (world.addresses(), world.read().await);
    let head = |n: usize| readings[n].as_ref().unwrap().head.clone();
    let merge = |n: usize, head: String| {
        let (github, address) = (&world.github, &addresses[n]);
        async move { github.merge(address, &head, MergeMethod::Squash, soon()).await }
    };
    let error = merge(0, head(0)).await.unwrap_err();
    assert!(error.is_head_moved() && !error.is_in_doubt(), "{error}");
    assert!(merge(1, head(1)).await.unwrap().len() == 40);
    let error = merge(1, head(1)).await.unwrap_err();
    assert!(error.is_not_mergeable(), "{error}");
    let pushes = world.github.pushes("my-org/web", "change-0", soon()).await.unwrap();
    assert_eq!(pushes[0].actor.as_deref(), Some("mallory"));
    let branch = &readings[1].as_ref().unwrap().branch;
    for _ in 0..2 {
        world.github.delete_branch(&addresses[0], branch, soon()).await.unwrap();
    }
    world.github.comment(&addresses[0], "Hello.", soon()).await.unwrap();
    world.github.close(&addresses[0], soon()).await.unwrap();
    let left = world.simulator.pull_requests();
    assert_eq!((left[0].state.as_str(), left[0].comments.as_slice()), ("CLOSED", &["Hello.".to_owned()][..]));
    let statistics = world.simulator.statistics().github;
    assert_eq!(statistics.merges.len(), 1);
    assert!(statistics.merges[0].pinned);
    assert_eq!(world.github.usage().writes, 7);
    assert!(statistics.closest_writes_ms.unwrap() >= 1_000.0, "{:?}", statistics.closest_writes_ms);
}

#[tokio::test]
async fn a_write_without_an_answer_is_in_doubt_and_never_repeated() {
    for (fault, done) in [
        ("{ kind: reset-after, on: pulls/merge }", true),
        ("{ kind: error-after, on: pulls/merge }", true),
        ("{ kind: truncate, on: pulls/merge }", true),
        ("{ kind: error-before, on: pulls/merge }", false),
        ("{ kind: reset-before, on: pulls/merge }", false),
    ] {
        let world = World::new(&pulls(1, &format!("faults: [{fault}]"))).await;
        world.github.newest(&["my-org/web".to_owned()], soon()).await;
        let head = world.read().await[0].as_ref().unwrap().head.clone();
        let address = &world.addresses()[0];
        let error = world.github.merge(address, &head, MergeMethod::Merge, soon()).await.unwrap_err();
        assert!(error.is_in_doubt(), "{fault}: {error}");
        let state = world.read().await[0].as_ref().unwrap().state.clone();
        assert_eq!(state == State::Merged, done, "{fault}");
        assert_eq!(world.writes().len(), 1, "{fault}");
    }
}

#[tokio::test]
async fn a_refused_write_says_why() {
    let scenario = "
        sources: [{ repo: o/queue }, { repo: o/slow }, { repo: o/still }]
        github:
          repositories:
          - { match: o/queue, merge-queue: 1h, mergeable-after: 0s, pull-requests: [{ title: A, author: a }] }
          - match: o/slow
            mergeable-after: 0s
            settles-after-merge: 1h
            pull-requests: [{ title: B, author: a }, { title: C, author: a }]
          - { match: o/still, permission: read, pull-requests: [{ title: D, author: a }] }";
    let world = World::new(scenario).await;
    world.github.newest(&["o/queue", "o/slow", "o/still"].map(str::to_owned), soon()).await;
    let addresses = world.addresses();
    let readings = world.github.by_number(&addresses, soon()).await;
    let mut found = Vec::new();
    for (address, reading) in addresses.iter().zip(&readings) {
        let head = reading.as_ref().unwrap().head.clone();
        found.push(world.github.merge(address, &head, MergeMethod::Merge, soon()).await);
    }
    assert!(found[0].as_ref().unwrap_err().wants_queue());
    assert!(found[1].is_ok());
    assert!(found[2].as_ref().unwrap_err().is_base_modified());
    assert!(found[3].as_ref().unwrap_err().is_forbidden());

    let queued = readings[0].as_ref().unwrap();
    let moved = world.github.enqueue(&queued.id, &"0".repeat(40), soon()).await.unwrap_err();
    assert!(moved.is_head_moved(), "{moved}");
    world.github.enqueue(&queued.id, &queued.head, soon()).await.unwrap();
    let again = world.github.by_id(std::slice::from_ref(&queued.id), soon()).await;
    assert!(again[0].as_ref().unwrap().is_in_merge_queue);
    let moved = world.github.update_branch(&addresses[2], &"0".repeat(40), soon()).await.unwrap_err();
    assert!(moved.is_head_moved(), "{moved}");
}

#[tokio::test]
async fn a_limit_for_writes_is_told_and_holds_the_next() {
    let fault = "faults: [{ kind: secondary-limit, on: issues/create-comment, nth: 1, retry-after: 2s }]";
    let world = World::new(&pulls(1, fault)).await;
    world.github.newest(&["my-org/web".to_owned()], soon()).await;
    let address = &world.addresses()[0];
    let error = world.github.comment(address, "One.", soon()).await.unwrap_err();
    assert!(error.limited_until().is_some() && !error.is_in_doubt(), "{error}");
    let at_once = Instant::now() + Duration::from_millis(100);
    let error = world.github.comment(address, "Two.", at_once).await.unwrap_err();
    assert!(error.limited_until().is_some());
    assert_eq!(world.writes().len(), 1, "held back");
    world.github.comment(address, "Three.", soon()).await.unwrap();
}

#[tokio::test]
async fn nobody_there_is_no_answer() {
    let github = client("http://127.0.0.1:9", "ghp_token");
    let address = PullRequestName::new("o/r#1").unwrap();
    let readings = github.by_number(std::slice::from_ref(&address), soon()).await;
    assert!(readings[0].as_ref().unwrap_err().is_passing());
    let error = github.close(&address, soon()).await.unwrap_err();
    assert!(!error.is_in_doubt(), "nothing was sent");
}

#[tokio::test]
async fn the_token_is_in_no_text() {
    let world = World::with_token(&pulls(1, ""), "ghp_secret-token").await;
    let readings = world.github.by_id(&["ghp_secret-token".to_owned()], soon()).await;
    let said = format!("{readings:?} {:?}", world.github.viewer(soon()).await);
    assert!(said.contains("***") && !said.contains("secret-token"), "{said}");
    assert!(said.contains("octocat"), "{said}");
}
