//! OpenTelemetry: a run's spans and figures go to a collector, by the standard variables and OTLP over HTTP.
//!
//! Nothing is sent unless `OTEL_EXPORTER_OTLP_ENDPOINT`, or the variable of traces or metrics alone, names one. What is
//! told is decided here, from the events; the SDK's own threads send it, and a run neither fails by that nor waits for it
//! but for a few seconds at its end.

mod carrier;
mod meters;
mod spans;

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use foreign_text::{Word, one_line, plain};
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use url::{Host, Url};

use self::carrier::Carrier;
use self::meters::Meters;
use self::spans::Spans;
use super::{Redactor, credentials};
use crate::outcome::{EventKind, JournalError, Listener, Role, RunEvent, RunRecord};

const NAME: &str = "jules-batch";
/// How long the end of a run waits; and when somebody wants it to end.
const PATIENCE: Duration = Duration::from_secs(5);
const HURRY: Duration = Duration::from_secs(2);

/// The protocol that is spoken, by its name in `OTEL_EXPORTER_OTLP_PROTOCOL`.
const PROTOCOL: &str = "http/protobuf";

/// The collectors that the environment names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Collectors {
    traces: bool,
    metrics: bool,
    /// Why others are told nothing, which the variables name as well.
    pub(super) notes: Vec<String>,
}

impl Collectors {
    /// Those that the variables name, by the rules of OpenTelemetry. A simulated run tells only this machine.
    pub(super) fn of(simulated: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        if set("OTEL_SDK_DISABLED").is_some_and(|off| off.trim().eq_ignore_ascii_case("true")) {
            return Self::default();
        }
        let mut notes = Vec::new();
        let mut named = |signal| match wanted(signal, simulated, set) {
            Ok(is_wanted) => is_wanted,
            Err(why) => {
                // What both signals have in common is told once.
                if !notes.contains(&why) {
                    notes.push(why);
                }
                false
            }
        };
        let (traces, metrics) = (named("TRACES"), named("METRICS"));
        Self { traces, metrics, notes }
    }

    /// Who tells them of a run; none if there is no collector.
    ///
    /// # Errors
    ///
    /// In one line: a variable makes no sense.
    pub(super) fn listener(
        &self,
        record: &RunRecord,
        redactor: &Redactor,
    ) -> Result<Option<Telemetry>, String> {
        if !self.traces && !self.metrics {
            return Ok(None);
        }
        let carrier = Arc::new(Carrier::start());
        let (mut traces, mut metrics) = (None, None);
        if self.traces {
            let exporter =
                SpanExporter::builder().with_http().with_shared_http_client(carrier.clone()).build();
            let exporter = exporter.map_err(|error| error.to_string())?;
            let provider = SdkTracerProvider::builder().with_batch_exporter(exporter);
            traces = Some(provider.with_resource(resource()).build());
        }
        if self.metrics {
            let exporter = MetricExporter::builder().with_http().with_shared_http_client(carrier).build();
            let exporter = exporter.map_err(|error| error.to_string())?;
            let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter);
            metrics = Some(provider.with_resource(resource()).build());
        }
        let spans = traces.as_ref().map(|traces| Spans::new(traces.tracer(NAME), redactor.clone()));
        let meters = metrics.as_ref().map(|metrics| Meters::new(&metrics.meter(NAME)));
        let (record, patience) = (record.clone(), PATIENCE);
        Ok(Some(Telemetry { traces, metrics, spans, meters, record, patience }))
    }
}

/// Whether a signal goes to a collector.
///
/// # Errors
///
/// In one line: a collector is named, and is told nothing.
fn wanted(signal: &str, simulated: bool, set: impl Fn(&str) -> Option<String>) -> Result<bool, String> {
    let exporter = set(&format!("OTEL_{signal}_EXPORTER"));
    let is_otlp = |kinds: &String| kinds.split(',').any(|kind| kind.trim() == "otlp");
    if exporter.as_ref().is_some_and(|kinds| !is_otlp(kinds)) {
        return Ok(false);
    }
    // The signal's own variable, then that of all.
    let either = |setting: &str| {
        let names =
            [format!("OTEL_EXPORTER_OTLP_{signal}_{setting}"), format!("OTEL_EXPORTER_OTLP_{setting}")];
        names.into_iter().find_map(|name| set(&name).map(|value| (name, value)))
    };
    let Some((name, endpoint)) = either("ENDPOINT") else {
        return match exporter {
            Some(_) => Err("OpenTelemetry: nothing is sent: no collector is named; set \
                            `OTEL_EXPORTER_OTLP_ENDPOINT` to its address, such as http://127.0.0.1:4318"
                .to_owned()),
            None => Ok(false),
        };
    };
    if simulated && !is_here(&endpoint) {
        return Err(format!(
            "OpenTelemetry: a simulated run tells only what listens on this machine, and not the collector that \
             `{name}` names"
        ));
    }
    match either("PROTOCOL").filter(|(_, protocol)| protocol.trim() != PROTOCOL) {
        Some((name, protocol)) => Err(format!(
            "OpenTelemetry: nothing is sent: `{name}` asks for {}, and this program speaks {PROTOCOL} alone; set it to \
             that, and `OTEL_EXPORTER_OTLP_ENDPOINT` to where the collector takes it, by default port 4318",
            one_line(plain(&protocol), 40)
        )),
        None => Ok(true),
    }
}

/// The secrets of the collectors' headers.
pub(super) fn secrets(variable: impl Fn(&str) -> Option<String>) -> Vec<Word> {
    let variables = [
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
    ];
    let headers = variables.into_iter().filter_map(variable);
    let secrets = headers.flat_map(|headers| {
        let values = headers.split(',').filter_map(|header| header.split_once('='));
        values.filter_map(|(_, value)| credentials::password(value.trim())).collect::<Vec<_>>()
    });
    secrets.collect()
}

fn is_here(endpoint: &str) -> bool {
    Url::parse(endpoint.trim()).is_ok_and(|url| match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    })
}

/// Who the figures are of; the environment's `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win.
fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let is_set = |name: &str| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
    let is_named = is_set("OTEL_SERVICE_NAME")
        || std::env::var("OTEL_RESOURCE_ATTRIBUTES").is_ok_and(|text| text.contains("service.name="));
    let resource = Resource::builder().with_attribute(version);
    if is_named { resource.build() } else { resource.with_service_name(NAME).build() }
}

/// Tells collectors of a run.
pub(super) struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
    spans: Option<Spans>,
    meters: Option<Meters>,
    record: RunRecord,
    patience: Duration,
}

impl Listener for Telemetry {
    fn role(&self) -> Role {
        Role::Remote
    }

    fn hear(&mut self, events: &[RunEvent]) -> Result<(), JournalError> {
        for event in events {
            self.record.apply(event);
            if let Some(spans) = &mut self.spans {
                spans.hear(event, &self.record);
            }
            if let Some(meters) = &mut self.meters {
                meters.hear(event, &self.record);
            }
            if let EventKind::InvocationEnded { stopped: Some(why) } = &event.kind
                && matches!(why.as_str(), "interrupt" | "terminate")
            {
                self.patience = HURRY;
            }
        }
        Ok(())
    }

    /// The SDK's own bounds are longer than a run waits.
    fn finish(&mut self) -> Result<(), JournalError> {
        let (traces, metrics) = (self.traces.take(), self.metrics.take());
        let (ended, end) = channel();
        let told = ended.clone();
        std::thread::spawn(move || {
            // What could not be sent was told when it was tried.
            drop(traces.map(|traces| traces.shutdown()));
            // A run that waits no longer does not hear it.
            let _ = ended.send(());
        });
        std::thread::spawn(move || {
            drop(metrics.map(|metrics| metrics.shutdown()));
            let _ = told.send(());
        });
        let until = std::time::Instant::now() + self.patience;
        let left = || until.saturating_duration_since(std::time::Instant::now());
        if !(0..2).all(|_| end.recv_timeout(left()).is_ok()) {
            tracing::warn!("OpenTelemetry: not everything was sent: the collector did not answer in time");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Variables, whether the run is simulated, and whether traces and metrics are sent.
    type Case<'a> = (&'a [(&'a str, &'a str)], bool, (bool, bool));
    /// The same, and what is said.
    type Told<'a> = (Case<'a>, &'a str);

    fn of(variables: &[(&str, &str)], simulated: bool) -> (bool, bool) {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let Collectors { traces, metrics, notes } = Collectors::of(simulated, variable);
        assert!(notes.len() <= 1, "{notes:?}");
        (traces, metrics)
    }

    #[test]
    fn only_what_the_standard_variables_name_is_told() {
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otel.example");
        let here = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://localhost:4318/v1/traces");
        let cases: [Case<'_>; 8] = [
            (&[], false, (false, false)),
            (&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")], false, (false, false)),
            (&[all], false, (true, true)),
            (&[all], true, (false, false)),
            (&[here], true, (true, true)),
            (&[traces], false, (true, false)),
            (&[all, ("OTEL_SDK_DISABLED", "true")], false, (false, false)),
            (&[all, ("OTEL_METRICS_EXPORTER", "none")], false, (true, false)),
        ];
        for (variables, simulated, wanted) in cases {
            assert_eq!(of(variables, simulated), wanted, "{variables:?}, simulated: {simulated}");
        }
    }

    #[test]
    fn a_collector_that_is_named_and_told_nothing_is_said_once() {
        let there = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://user:word@collector.example");
        let metrics = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json");
        let cases: [Told<'_>; 4] = [
            ((&[there], true, (false, false)), "not the collector that `OTEL_EXPORTER_OTLP_ENDPOINT` names"),
            (
                (&[there, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], false, (false, false)),
                "`OTEL_EXPORTER_OTLP_PROTOCOL` asks for grpc, and this program speaks http/protobuf alone",
            ),
            (
                (&[there, metrics], false, (true, false)),
                "`OTEL_EXPORTER_OTLP_METRICS_PROTOCOL` asks for http/json",
            ),
            ((&[("OTEL_TRACES_EXPORTER", "otlp")], false, (false, false)), "no collector is named"),
        ];
        for ((variables, simulated, sent), told) in cases {
            let found = Collectors::of(simulated, |name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            });
            assert_eq!((found.traces, found.metrics), sent, "{variables:?}");
            let [note] = found.notes.as_slice() else { panic!("{:?}", found.notes) };
            assert!(note.contains(told) && !note.contains("collector.example"), "{note}");
        }
        let silent =
            Collectors::of(true, |name| (name == "OTEL_EXPORTER_OTLP_PROTOCOL").then(|| "grpc".to_owned()));
        assert_eq!(silent, Collectors::default(), "no collector is named");
    }

    #[test]
    fn what_stands_in_headers_is_a_secret() {
        let found = secrets(|name| {
            let is_all = name == "OTEL_EXPORTER_OTLP_HEADERS";
            is_all.then(|| "x-tenant=1,authorization=Bearer the-token-of-the-collector".to_owned())
        });
        let secrets = foreign_text::Secrets::new(found);
        assert_eq!(secrets.mask("<Bearer the-token-of-the-collector>"), "<***>");
    }
}
