//! Many sessions at once: judged by what the service saw.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt as _;
use jules::{ApiKey, BatchEvent, ErrorKind, Jules, NewSession, Quotas};

use crate::service::Service;

/// Each session takes so long.
const LASTS: &str = "{ speed: 10, defaults: { duration: 6s, outcome: change } }";

fn client(service: &Service) -> Jules {
    let builder = Jules::builder().api_key(ApiKey::new("any").unwrap()).base_url(service.url());
    let builder = builder.quotas(Quotas::UNLIMITED);
    builder.options(|options| options.poll_interval(Duration::from_millis(25))).build().unwrap()
}

/// The ids of all sessions that were created.
fn seen(service: &Service) -> BTreeSet<String> {
    service.sessions().into_iter().map(|session| session.id).collect()
}

#[test]
fn a_bound_holds_although_nobody_waits_for_the_sessions_any_more() {
    let service = Service::start(LASTS);
    let all = client(&service).all(0..6, |n| NewSession::new(n.to_string()));
    let all = all.concurrency(2).timeout(Duration::from_millis(100)).stop_on_error(false);
    let results = service.block_on(async { all.await });
    let is_over = |error: &jules::Error| matches!(error.kind(), ErrorKind::WaitTimeout { .. });
    assert!(results.iter().all(|result| result.as_ref().is_err_and(is_over)), "{results:?}");
    let statistics = service.statistics();
    assert_eq!((statistics.created, statistics.live_max), (6, 2));
}

#[test]
fn what_finds_no_slot_in_time_is_not_started() {
    let service = Service::start("{ defaults: { outcome: stall } }");
    let all = client(&service).all(0..3, |n| NewSession::new(n.to_string())).stop_on_error(false);
    let all = all.concurrency(2).timeout(Duration::from_millis(50)).slot_timeout(Duration::from_millis(200));
    let results = service.block_on(async { all.await });
    let error = results[2].as_ref().unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NoSlot(Duration::from_millis(200)), "{results:?}");
    assert_eq!(service.statistics().created, 2);
}

#[test]
fn events_tell_each_session_as_it_starts_and_ends() {
    let service = Service::start(LASTS);
    let all = client(&service).all(0..4, |n| NewSession::new(n.to_string())).concurrency(2);
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    service.block_on(async {
        let mut events = all.events();
        while let Some(event) = events.next().await {
            match event {
                BatchEvent::Started { index, id, url } => {
                    assert!(url.unwrap().ends_with(id.as_str()));
                    assert!(ends.len() + 2 > index, "{index} has started after {ends:?} have ended");
                    starts.push((index, id));
                }
                BatchEvent::Ended { index, outcome } => {
                    assert!(starts.contains(&(index, outcome.unwrap().session.id)));
                    ends.push(index);
                }
                other => panic!("{other:?}"),
            }
        }
    });
    let (mut places, ids): (Vec<_>, BTreeSet<_>) =
        starts.into_iter().map(|(n, id)| (n, id.to_string())).unzip();
    assert_eq!(ids, seen(&service));
    places.sort_unstable();
    ends.sort_unstable();
    assert_eq!((places, ends), (vec![0, 1, 2, 3], vec![0, 1, 2, 3]));
}

#[test]
fn the_sessions_of_a_dropped_batch_are_known() {
    let service = Service::start("{ defaults: { outcome: stall } }");
    let all = client(&service).all(0..6, |n| NewSession::new(n.to_string())).concurrency(2);
    let started = all.started();
    service.block_on(async {
        tokio::time::timeout(Duration::from_millis(300), all).await.unwrap_err();
    });
    let known: BTreeSet<_> = started.list().into_iter().map(|(_, id)| id.to_string()).collect();
    assert_eq!((known.len(), known), (2, seen(&service)));
}
