//! A connection that has fallen silent, over TLS and HTTP/2 as at the service.

use std::time::{Duration, Instant};

use jules::reqwest::{Certificate, Client};
use jules::{ApiKey, Jules, ListSessions, Quotas};

use crate::service::Service;

/// Its connection falls silent with the second request.
fn service() -> Service {
    Service::start_tls("faults: [{ kind: silence, nth: 2 }]")
}

/// A client that trusts it.
fn client(service: &Service, request_timeout: Duration) -> Jules {
    let certificate = Certificate::from_pem(service.certificate().as_bytes()).unwrap();
    let trusting = move || Client::builder().no_proxy().tls_certs_only([certificate.clone()]);
    let builder = Jules::builder().api_key(ApiKey::new("any").unwrap()).base_url(service.url());
    let builder = builder.quotas(Quotas::UNLIMITED).http_client(trusting);
    builder.options(|options| options.request_timeout(request_timeout)).build().unwrap()
}

/// Lists twice; how long the second time took.
fn list_twice(service: &Service, jules: &Jules) -> Duration {
    service.block_on(async {
        jules.list_sessions(&ListSessions::default()).await.unwrap();
        let asked = Instant::now();
        jules.list_sessions(&ListSessions::default()).await.unwrap();
        asked.elapsed()
    })
}

#[test]
fn after_two_silent_reads_a_fresh_connection_is_used() {
    let service = service();
    let jules = client(&service, Duration::from_millis(400));
    let took = list_twice(&service, &jules);
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!((jules.usage().reconnects, jules.usage().retries), (1, 2));
}

#[test]
fn pings_find_a_silent_connection_before_a_request_has_waited_for_long() {
    let service = service();
    let jules = client(&service, Duration::from_secs(50));
    let took = list_twice(&service, &jules);
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert_eq!((jules.usage().reconnects, jules.usage().retries), (0, 1));
}
