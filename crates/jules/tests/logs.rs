//! What a subscriber sees. Alone in its process: the first look at a span decides for all threads whether anybody wants it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::{Arc, Mutex};

use jules::{ApiKey, Jules, NewSession};
use service::Service;

#[path = "../../../tests/it/support/service.rs"]
#[expect(dead_code, reason = "the statistics are for other tests")]
mod service;

/// Where a subscriber writes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_call_is_a_span_and_no_log_holds_the_key() {
    let service = Service::start(include_str!("../../../tests/interop/scenario.yaml"));
    let jules = Jules::builder().api_key(ApiKey::new("interop-key").unwrap()).base_url(service.url());
    let jules = jules.build().unwrap();
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let id = tracing::subscriber::with_default(subscriber, || {
        service.block_on(async {
            let session = jules.session(NewSession::new("Write a haiku")).await.unwrap();
            session.info().await.unwrap();
            session.id().clone()
        })
    });
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for span in [
        "jules{method=\"create\" path=\"sessions\"}",
        &format!("jules{{method=\"get\" path=\"sessions/{id}\"}}"),
    ] {
        assert!(text.contains(span), "{span}: {text}");
    }
    assert!(!text.contains("interop-key"), "{text}");
}
