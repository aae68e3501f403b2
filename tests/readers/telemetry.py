"""Reads what a run tells a collector, with OpenTelemetry's published definitions: telemetry.py PROGRAM MANIFEST."""

import http.server
import os
import subprocess
import sys
import tempfile
import threading

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

REQUESTS = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}
received = {path: [] for path in REQUESTS}


class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        assert self.headers["content-type"] == "application/x-protobuf"
        body = self.rfile.read(int(self.headers["content-length"]))
        received[self.path].append(REQUESTS[self.path].FromString(body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def value(attribute):
    return getattr(attribute.value, attribute.value.WhichOneof("value"))


def attributes(of):
    return {attribute.key: value(attribute) for attribute in of.attributes}


def check_resource(resource):
    told = attributes(resource)
    assert told["service.name"] == "jules-batch" and told["deployment.environment.name"] == "night", told
    assert told["service.version"] and told["telemetry.sdk.language"] == "rust", told


def check_traces():
    spans = []
    for request in received["/v1/traces"]:
        for of_resource in request.resource_spans:
            check_resource(of_resource.resource)
            spans += [span for scope in of_resource.scope_spans for span in scope.spans]
    ids = {span.span_id: span for span in spans}
    assert len(ids) == len(spans), "a span is told once"
    assert len({span.trace_id for span in spans}) == 1, "a run is one trace"
    within = {"run": None, "task": "run", "attempt": "task", "sessions.create": "attempt"}
    for span in spans:
        parent = ids[span.parent_span_id].name if span.parent_span_id else None
        assert parent == within[span.name], (span.name, parent)
        assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano, span
        wanted = Span.SPAN_KIND_CLIENT if span.name == "sessions.create" else Span.SPAN_KIND_INTERNAL
        assert span.kind == wanted, span
    tasks = [span for span in spans if span.name == "task"]
    assert len({attributes(span)["jules_batch.task.id"] for span in tasks}) == len(tasks), "a task has one span"
    failed = [span for span in tasks if span.status.code == Status.STATUS_CODE_ERROR]
    outcomes = {attributes(span)["jules_batch.outcome"] for span in tasks}
    assert {span.name for span in spans} == set(within) and outcomes, outcomes
    assert all(event.time_unix_nano for span in spans for event in span.events)
    return len(spans), len(tasks), len(failed)


def check_metrics(tasks):
    last = {}
    for request in received["/v1/metrics"]:
        for of_resource in request.resource_metrics:
            check_resource(of_resource.resource)
            for scope in of_resource.scope_metrics:
                last.update({metric.name: metric for metric in scope.metrics})
    ended = last["jules_batch.tasks.ended"].sum
    assert ended.is_monotonic and sum(point.as_int for point in ended.data_points) == tasks, ended
    requests = {value(point.attributes[0]): point.as_int for point in last["jules_batch.api.requests"].sum.data_points}
    assert requests["create"] == tasks, requests
    assert last["jules_batch.sessions.live"].gauge.data_points[0].as_int == 0
    duration = last["jules_batch.attempt.duration"]
    assert duration.unit == "s" and sum(point.count for point in duration.histogram.data_points) == tasks
    assert last["jules_batch.api.wait"].sum.data_points[0].as_double >= 0
    return sorted(last)


program, manifest = (os.path.abspath(path) for path in sys.argv[1:3])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=server.serve_forever, daemon=True).start()
with tempfile.TemporaryDirectory() as folder:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": folder,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=night",
    }
    command = [program, "run", manifest, "--simulate", "--quiet"]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode in (0, 100), ended.stderr
spans, tasks, failed = check_traces()
metrics = check_metrics(tasks)
print(f"{spans} spans of {tasks} tasks ({failed} failed) and {len(metrics)} metrics read: {', '.join(metrics)}")
