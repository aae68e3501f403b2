"""Reads junit.xml and metrics.prom as Python's readers do: check.py SCHEMA REPORT_DIR"""

import json
import pathlib
import subprocess
import sys
import tempfile

import xmlschema
from junitparser import Error, Failure, JUnitXml, Properties, Skipped
from prometheus_client.parser import text_string_to_metric_families

KINDS = {
    "succeeded": None,
    "failed": Failure,
    "needs_input": Failure,
    "timed_out": Error,
    "stalled": Error,
    "error": Error,
    "skipped": Skipped,
    "deferred": Skipped,
    "detached": Skipped,
}
NO_CHANGE = {"pass": None, "skip": Skipped, "fail": Failure}


def kind(task):
    if task["outcome"] == "no_change":
        return NO_CHANGE[task["onNoChange"]]
    return KINDS[task["outcome"]]


def check_with_junitparser(path, tasks, strays):
    xml = JUnitXml.fromfile(str(path))
    kinds = [kind(task) for task in tasks] + [Error for _ in strays]
    totals = (xml.tests, xml.failures, xml.errors)
    assert totals == (len(kinds), kinds.count(Failure), kinds.count(Error)), (path, totals)
    cases = [case for suite in xml for case in suite]
    assert sum(suite.skipped for suite in xml) == kinds.count(Skipped)
    assert len({(case.classname, case.name) for case in cases}) == len(cases) == len(kinds)
    for case in cases:
        results = [r for r in case.result if type(r) in (Failure, Error, Skipped)]
        assert len(results) <= 1, (path, case.name)
        for result in results:
            assert result.type.startswith("jules.") and result.text.startswith(result.message)
    found = sorted(str(type(r).__name__) for case in cases for r in case.result if type(r) in (Failure, Error, Skipped))
    assert found == sorted(k.__name__ for k in kinds if k), (path, found)


def check_pull_requests(path, tasks):
    told = {}
    for suite in JUnitXml.fromfile(str(path)):
        for case in suite:
            told.setdefault(case.classname, []).append({p.name: p.value for p in case.child(Properties) or []})
    stages = lambda found: sorted(stage for stage in found if stage)
    found = stages(case.get("pull-request-stage") for cases in told.values() for case in cases)
    assert found == stages((task["pullRequest"] or {}).get("stage") for task in tasks), (path, found)


def check_with_junit2html(path):
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder, "junit.html")
        subprocess.run([sys.executable, "-m", "junit2htmlreport", str(path), str(page)], check=True, stdout=subprocess.DEVNULL)
        assert page.stat().st_size > 500


def check_with_prometheus_client(path, report):
    families = list(text_string_to_metric_families(path.read_text()))
    assert len({family.name for family in families}) == len(families), path
    samples = [sample for family in families for sample in family.samples]
    series = {(sample.name, tuple(sorted(sample.labels.items()))) for sample in samples}
    assert len(series) == len(samples), path
    # What others wrote cannot add a series: all are ours, and of one manifest.
    assert all(family.name.startswith("jules_batch_") and family.documentation for family in families), path
    assert len({sample.labels["manifest"] for sample in samples}) == 1, path
    tasks = sum(sample.value for sample in samples if sample.name == "jules_batch_tasks")
    assert tasks == report["totals"]["total"], (path, tasks)
    requests = {s.labels["method"]: s.value for s in samples if s.name == "jules_batch_api_requests_total"}
    assert requests == report["api"]["requests"], (path, requests)


def main():
    schema, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    report = json.loads((folder / "report.json").read_text())
    tasks, strays = report["tasks"], report["strays"]
    read = []
    for name in ("junit.xml", "junit.jenkins.xml"):
        path = folder / name
        if path.exists():
            check_with_junitparser(path, tasks, strays)
            if name == "junit.xml":
                check_pull_requests(path, tasks)
            check_with_junit2html(path)
            read.append(name)
    metrics = folder / "metrics.prom"
    if metrics.exists():
        check_with_prometheus_client(metrics, report)
        read.append(metrics.name)
    jenkins = folder / "junit.jenkins.xml"
    if jenkins.exists():
        xmlschema.XMLSchema(schema).validate(str(jenkins))
    print(f"{folder.name}: junitparser, junit2html and the schema agree on {', '.join(read)} ({len(tasks)} tasks)")


main()
