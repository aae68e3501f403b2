//! The Rust client against the simulator: what `tests/interop` asks of the official SDK, asked of ours.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use jules::Jules;
use jules::{ActivityKind, ApiKey, Artifact, ListSessions, NewSession, Quotas, SessionState};
use jules_simulator::SessionView;

use crate::service::Service;

const SCENARIO: &str = include_str!("../../../../tests/interop/scenario.yaml");

/// The simulator with the interop scenario, and a client for it.
struct Table {
    service: Service,
    jules: Jules,
}

impl Table {
    fn lay() -> Self {
        let service = Service::start(SCENARIO);
        let jules = client(&service, "interop-key");
        Self { service, jules }
    }

    fn booked(&self, id: &jules::SessionId) -> SessionView {
        self.service.sessions().into_iter().find(|session| session.id == id.as_str()).unwrap()
    }
}

fn client(service: &Service, key: &str) -> Jules {
    Jules::builder()
        .api_key(ApiKey::new(key).unwrap())
        .base_url(service.url())
        .quotas(Quotas::UNLIMITED)
        .options(|options| {
            options.poll_interval(Duration::from_millis(25)).wait_timeout(Duration::from_secs(30))
        })
        .build()
        .unwrap()
}

fn web(prompt: &str) -> NewSession {
    NewSession::new(prompt).source("my-org/web").branch("main")
}

#[test]
fn run_and_result_bring_a_pull_request() {
    let table = Table::lay();
    table.service.block_on(async {
        let run = table.jules.run(web("Fix the login").title("Fix the login")).await.unwrap();
        let outcome = run.result().await.unwrap();
        assert_eq!(outcome.state, SessionState::Completed);
        let pull_request = outcome.pull_request.as_ref().unwrap();
        let url = pull_request.url.as_deref().unwrap();
        assert!(url.starts_with("https://github.com/my-org/web/pull/"), "{url}");
        assert!(pull_request.title.as_deref().unwrap().starts_with("Fix the login"));
        assert!(!outcome.change_set.as_ref().unwrap().diff().files.is_empty());
        assert!(!outcome.generated_files().is_empty());

        let session = table.booked(run.id());
        assert_eq!(session.body["automationMode"], "AUTO_CREATE_PR");
        assert!(session.body["requirePlanApproval"] != true);
        assert_eq!(session.pull_request.as_deref(), Some(url));
    });
}

#[test]
fn a_run_can_be_awaited_itself() {
    let table = Table::lay();
    let outcome = table.service.block_on(async { table.jules.run(web("Fix the login")).await?.await });
    assert!(outcome.unwrap().is_completed());
}

#[test]
fn run_without_a_source_brings_a_change_set_and_no_pull_request() {
    let table = Table::lay();
    let outcome = table
        .service
        .block_on(async { table.jules.run(NewSession::new("Write a haiku")).await?.await })
        .unwrap();
    assert!(outcome.is_completed() && outcome.pull_request.is_none() && outcome.change_set.is_some());
}

#[test]
fn a_run_that_fails_says_why() {
    let table = Table::lay();
    let outcome =
        table.service.block_on(async { table.jules.run(web("Break the build")).await?.await }).unwrap();
    assert_eq!(outcome.state, SessionState::Failed);
    assert_eq!(outcome.failure_reason.as_deref(), Some("The build is broken."));
}

#[test]
fn a_stream_yields_each_activity_once_oldest_first_and_ends() {
    let table = Table::lay();
    table.service.block_on(async {
        let run = table.jules.run(web("Show everything")).await.unwrap();
        let activities: Vec<_> = run.stream().try_collect().await.unwrap();
        let ids: BTreeSet<_> = activities.iter().map(|activity| activity.id.to_string()).collect();
        assert_eq!(ids.len(), activities.len());
        assert!(activities.iter().map(|activity| activity.create_time).is_sorted());
        assert!(activities.last().unwrap().is_end());
        let has =
            |wanted: fn(&ActivityKind) -> bool| activities.iter().any(|activity| wanted(&activity.kind));
        assert!(has(|kind| matches!(kind, ActivityKind::PlanGenerated(_))));
        assert!(has(|kind| matches!(kind, ActivityKind::PlanApproved { .. })));
        assert!(has(|kind| matches!(kind, ActivityKind::ProgressUpdated { .. })));
        assert!(has(|kind| matches!(kind, ActivityKind::AgentMessaged { .. })));
        let artifacts = || activities.iter().flat_map(|activity| &activity.artifacts);
        assert!(artifacts().any(|artifact| matches!(artifact, Artifact::ChangeSet(_))));
        assert!(artifacts().any(|artifact| matches!(artifact, Artifact::BashOutput(_))));
        let media = artifacts().find_map(|artifact| match artifact {
            Artifact::Media(media) => Some(media.bytes().unwrap()),
            _ => None,
        });
        assert!(media.unwrap().starts_with(b"\x89PNG"));
    });
}

#[test]
fn all_gives_results_in_the_order_of_the_items_and_holds_its_slots() {
    let table = Table::lay();
    let items: Vec<_> = (0..8).map(|n| format!("Task {n}")).collect();
    let all = table.jules.all(&items, |task| web(task).title(task).without_marker()).concurrency(3);
    let results = table.service.block_on(async { all.await });
    let titles: Vec<_> =
        results.iter().map(|result| result.as_ref().unwrap().session.title.clone()).collect();
    assert_eq!(titles, items.iter().cloned().map(Some).collect::<Vec<_>>());
    let urls: BTreeSet<_> =
        results.iter().map(|result| result.as_ref().unwrap().pull_request.clone().unwrap().url).collect();
    assert_eq!(urls.len(), 8);
    let statistics = table.service.statistics();
    assert_eq!(statistics.created, 8);
    assert!((2..=3).contains(&statistics.live_max), "{} lived at once", statistics.live_max);
}

#[test]
fn a_key_that_is_not_accepted_is_an_auth_error() {
    let table = Table::lay();
    let stranger = client(&table.service, "not-the-key");
    let error = table.service.block_on(stranger.run(NewSession::new("x"))).unwrap_err();
    assert!(error.is_auth() && !format!("{error} {error:?}").contains("not-the-key"));
    assert!(table.service.sessions().is_empty());
}

#[test]
fn a_session_waits_is_approved_answers_and_ends() {
    let table = Table::lay();
    table.service.block_on(async {
        let session = table.jules.session(web("Talk with me").title("A talk")).await.unwrap();
        session.wait_for(SessionState::AwaitingPlanApproval).await.unwrap();
        assert_eq!(session.info().await.unwrap().state, Some(SessionState::AwaitingPlanApproval));
        session.approve().await.unwrap();
        session.wait_for(SessionState::InProgress).await.unwrap();
        let reply = session.ask("How far are you?").await.unwrap();
        assert_eq!(reply.message(), Some("Understood."));
        assert!(reply.is_from_agent());
        assert!(session.result().await.unwrap().is_completed());

        let booked = table.booked(session.id());
        assert_eq!(booked.body["requirePlanApproval"], true);
        assert!(booked.body.get("automationMode").is_none_or(|mode| mode == "AUTOMATION_MODE_UNSPECIFIED"));
        assert_eq!((booked.approvals, &booked.messages[..]), (1, &["How far are you?".to_owned()][..]));
    });
}

#[test]
fn a_question_of_the_agent_waits_for_its_answer() {
    let table = Table::lay();
    table.service.block_on(async {
        let session = table.jules.session(web("Which way").require_approval(false)).await.unwrap();
        session.wait_for(SessionState::AwaitingUserFeedback).await.unwrap();
        let mut stream = session.stream();
        while let Some(activity) = stream.next().await {
            if activity.unwrap().message() == Some("Left or right?") {
                break;
            }
        }
        session.send("Left.").await.unwrap();
        assert!(session.result().await.unwrap().is_completed());
    });
}

#[test]
fn the_stream_of_a_session_is_history_and_then_what_is_new() {
    let table = Table::lay();
    table.service.block_on(async {
        let session = table.jules.session(web("Tell as you go").require_approval(false)).await.unwrap();
        let activities: Vec<_> = session.stream().try_collect().await.unwrap();
        let ActivityKind::PlanGenerated(plan) = &activities[0].kind else { panic!("{:?}", activities[0]) };
        assert!(plan.steps.len() >= 3);
        let first = session.activities().get(&activities[0].id).await.unwrap();
        assert_eq!(first, activities[0]);
        let history: Vec<_> = session.activities().history().try_collect().await.unwrap();
        assert_eq!(history, activities);
        // Who attaches later gets the same.
        let again: Vec<_> = table.jules.attach(session.id().clone()).stream().try_collect().await.unwrap();
        assert_eq!(again, activities);
    });
}

#[test]
fn archived_sessions_leave_the_list_and_come_back() {
    let table = Table::lay();
    table.service.block_on(async {
        let session = table.jules.run(NewSession::new("Soon archived")).await.unwrap().into_client();
        session.result().await.unwrap();
        let listed = async |filter: Option<&str>| {
            let listing =
                filter.iter().fold(ListSessions::default(), |listing, filter| listing.filter(*filter));
            let sessions: Vec<_> = table.jules.sessions_with(listing).try_collect().await.unwrap();
            sessions.iter().any(|listed| &listed.id == session.id())
        };
        assert!(listed(None).await);
        session.archive().await.unwrap();
        assert!(!listed(None).await && listed(Some("archived = true")).await);
        session.unarchive().await.unwrap();
        assert!(listed(None).await);
        session.delete().await.unwrap();
        assert!(!listed(None).await);
    });
}

#[test]
fn sessions_come_newest_first_over_pages() {
    let table = Table::lay();
    table.service.block_on(async {
        let mut mine = Vec::new();
        for n in 0..5 {
            mine.insert(
                0,
                table.jules.run(NewSession::new(format!("Listed {n}"))).await.unwrap().id().clone(),
            );
        }
        let listing = ListSessions::default().page_size(2);
        let sessions: Vec<_> = table.jules.sessions_with(listing).try_collect().await.unwrap();
        assert_eq!(sessions.into_iter().map(|session| session.id).collect::<Vec<_>>(), mine);
    });
}

#[test]
fn sources_come_from_all_pages_and_one_by_one() {
    let table = Table::lay();
    table.service.block_on(async {
        let sources: Vec<_> = table.jules.sources().try_collect().await.unwrap();
        let names: BTreeSet<_> = sources.iter().map(|source| source.name.to_string()).collect();
        assert_eq!((sources.len(), names.len()), (132, 132));
        assert_eq!(sources[0].github().as_deref(), Some("my-org/backend"));

        let source = table.jules.source("my-org/backend").await.unwrap();
        assert_eq!(source.default_branch(), Some("develop"));
        assert_eq!(source.branches().collect::<Vec<_>>(), ["main", "develop"]);
        assert_eq!(source.github_repo.unwrap().is_private, Some(true));
        assert_eq!(table.jules.source("my-org/elsewhere").await.unwrap_err().code(), Some(404));
    });
}

#[test]
fn a_source_that_is_not_connected_creates_nothing() {
    let table = Table::lay();
    let new = NewSession::new("x").source("my-org/elsewhere").branch("main");
    let error = table.service.block_on(table.jules.run(new)).unwrap_err();
    assert_eq!(error.code(), Some(404));
    assert!(table.service.sessions().is_empty());
}

#[test]
fn a_snapshot_tells_a_session_at_a_glance() {
    let table = Table::lay();
    table.service.block_on(async {
        let session = table.jules.run(web("Show everything")).await.unwrap().into_client();
        session.result().await.unwrap();
        let snapshot = session.snapshot().await.unwrap();
        let history: Vec<_> = session.activities().history().try_collect().await.unwrap();
        assert_eq!(snapshot.timeline.len(), history.len());
        assert!(snapshot.counts.progress > 0 && snapshot.duration.is_some() && !snapshot.files.is_empty());
        assert_eq!(snapshot.pull_requests.len(), 1);
        assert!(snapshot.to_markdown().contains("## Timeline"));
        // Each activity is a line of its own.
        assert!(history.iter().all(|activity| activity.to_string().lines().count() == 1));
    });
}

#[test]
#[should_panic = "A Tokio 1.x context was found, but"]
fn a_runtime_without_time_and_io_is_a_panic() {
    let table = Table::lay();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _ = runtime.block_on(table.jules.get_session(&"1".parse().unwrap()));
}
