//! OpenTelemetry: what goes to a collector, and that a run goes on whatever becomes of that. `tests/readers/telemetry.py` reads
//! it with the published definitions.

use crate::support::{Receiver, World, tasks};

const SCENARIO: &str = "{ defaults: { duration: 20ms, outcome: pull-request } }";

fn has(body: &[u8], words: &str) -> bool {
    body.windows(words.len()).any(|bytes| bytes == words.as_bytes())
}

#[test]
fn traces_and_figures_go_to_the_collector_that_the_environment_names() {
    let collector = Receiver::start(|_| Some("200 OK"));
    let world = World::with(SCENARIO, &tasks(2));
    let run = world.run().env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url("/base"));
    let run = run.env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer the-token-of-the-collector");
    let ended = run.env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=night").exits(0);
    let received = collector.received();
    let to = |path: &str| {
        let line = format!("POST {path} HTTP/1.1\r\n");
        let found: Vec<_> = received.iter().filter(|it| it.head.starts_with(&line)).collect();
        assert!(!found.is_empty(), "{path}: {:?}", received.iter().map(|it| &it.head).collect::<Vec<_>>());
        for request in &found {
            let head = request.head.to_lowercase();
            assert!(head.contains("content-type: application/x-protobuf\r\n"), "{head}");
            assert!(head.contains("authorization: bearer the-token-of-the-collector\r\n"), "{head}");
        }
        found.iter().flat_map(|request| request.body.clone()).collect::<Vec<u8>>()
    };
    let traces = to("/base/v1/traces");
    for words in
        ["jules-batch", "deployment.environment.name", "sessions.create", "work/my-org/web@main[n=2]"]
    {
        assert!(has(&traces, words), "{words}");
    }
    let metrics = to("/base/v1/metrics");
    for words in
        ["jules_batch.tasks.ended", "succeeded", "jules_batch.api.requests", "jules_batch.api.method"]
    {
        assert!(has(&metrics, words), "{words}");
    }
    assert!(!ended.stderr.contains("OpenTelemetry"), "{ended}");
}

#[test]
fn a_collector_that_is_down_or_silent_changes_nothing_but_a_warning() {
    // A port that nobody listens on, and that nobody else gets as long as it is held.
    let held = tokio::net::TcpSocket::new_v4().unwrap();
    held.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gone = format!("http://{}", held.local_addr().unwrap());
    let silent = Receiver::start(|_| None).url("");
    let refuses = Receiver::start(|_| Some("401 Unauthorized")).url("");
    let cases = [
        (gone, "the collector takes nothing: no connection"),
        (silent, "not everything was sent: the collector did not answer in time"),
        (refuses, "the collector takes nothing: status 401"),
    ];
    crate::support::at_once(cases, |(endpoint, told)| {
        let world = World::with(SCENARIO, &tasks(1));
        let ended = world.run().env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).exits(0);
        assert_eq!(ended.report().totals.succeeded, 1);
        assert!(ended.stderr.contains(told), "{ended}");
        assert!(ended.stderr.matches("OpenTelemetry").count() <= 2, "{ended}");
    });
}

#[test]
fn nothing_is_sent_unless_a_collector_is_named() {
    let collector = Receiver::start(|_| Some("200 OK"));
    let world = World::with(SCENARIO, &tasks(1));
    let run =
        world.run().env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url("")).env("OTEL_SDK_DISABLED", "true");
    run.exits(0);
    assert!(collector.received().is_empty());
}

#[test]
fn a_protocol_that_is_not_spoken_is_said_and_nothing_is_sent() {
    let collector = Receiver::start(|_| Some("200 OK"));
    let world = World::with(SCENARIO, &tasks(1));
    let run = world.run().env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url(""));
    let ended = run.env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").exits(0);
    let told = "OpenTelemetry: nothing is sent: `OTEL_EXPORTER_OTLP_PROTOCOL` asks for grpc";
    assert_eq!(ended.stderr.matches(told).count(), 1, "{ended}");
    assert!(collector.received().is_empty());
}
