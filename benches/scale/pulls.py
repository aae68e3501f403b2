#!/usr/bin/env python3
"""Shows what following pull requests costs: GitHub's points in every hour of a day, a listing, and a run that makes many.

Everything talks to the simulator of this repository on the loopback interface.

    cargo build --release && python3 benches/scale/pulls.py

- A day: `run --simulate` of a campaign in three waves, compressed; the simulator counts the points of each hour. Its
  pull requests wait for checks, for Jules and for people, and each wave passes when it is merged.
- A listing: `pulls list` of as many, measured from its start to its end, which its last answer is well within.
- Many: a run in a process of its own that makes so many pull requests, in two waves; the first, nearly all of them, is
  followed until its checks have passed.
  CPU is user and system time of the runner, memory its peak resident set.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Sessions of an hour on fifteen slots: the last ones end after twenty hours.
DAY_SCENARIO = """
speed: {speed}
sources: [{{ repo: "my-org/svc-{{n}}", count: {pulls} }}]
defaults:
  duration: 20m..80m
  outcome: pull-request
  on-github:
    checks: [{{ name: build, appears: 1m, lasts: 5m..40m }}, {{ name: nightly, appears: 2h, lasts: 30m, probability: 0.2 }}]
    deeds: [{{ does: merge, after: 2h..8h, by: alice }}]
rules:
  - when: {{ source: "my-org/svc-?7*" }}
    then:
      on-github:
        checks: [{{ name: build, appears: 1m, lasts: 10m, ends: failure, heads: [1, 3] }}, {{ name: build, lasts: 10m }}]
        ci-fixer: {{ after: 10m, lasts: 5m..30m, outcome: push, times: 3 }}
        deeds: [{{ does: label, after: 1h, text: hold, by: bob }}, {{ does: unlabel, after: 5h, text: hold, by: bob }},
                {{ does: merge, after: 9h, by: alice }}]
  - when: {{ source: "my-org/svc-?3*" }}
    then:
      on-github:
        checks: [{{ name: build, lasts: 10m }}]
        deeds: [{{ does: conflict, after: 1h }}, {{ does: push, after: 3h, by: bob }}, {{ does: close, after: 10h, by: carol }}]
github:
  repositories: [{{ match: "*", required-reviews: 1, base-moves: 1h }}]
"""

DAY_MANIFEST = """
version: 1
name: day
strategy:
  max-parallel: 15
  waves: { sizes: [5%, 30%, 100%], pass: { when: checks, min-success: 60%, within: 12h } }
jobs:
  - id: upgrade
    prompt: Move ${{ source.github }} to serde 2.
    sources: [{ match: "my-org/svc-*" }]
    expect: pull-request
"""

MANY_SCENARIO = """
speed: 1
sources: [{{ repo: "my-org/svc-{{n}}", count: {repositories} }}]
limits: {{ concurrent: {pulls} }}
defaults:
  duration: 20s..40s
  outcome: pull-request
  on-github: {{ checks: [{{ name: build, appears: 1s, lasts: 5s..20s }}] }}
"""

# The same where all is over an hour ago when it is first looked at: a run of seconds.
READY_SCENARIO = """
clock: {{ behind: 1h }}
sources: [{{ repo: "my-org/svc-{{n}}", count: {repositories} }}]
limits: {{ concurrent: {pulls} }}
github: {{ repositories: [{{ mergeable-after: 0s }}] }}
defaults:
  duration: 20ms
  outcome: pull-request
  branch-form: jules
  activities: {{ gap: 10ms }}
  on-github: {{ checks: [{{ name: build, appears: 0s, queued: 0s, lasts: 0s }}] }}
"""

MANY_MANIFEST = """
version: 1
name: many
strategy: {{ max-parallel: {pulls}, waves: {{ sizes: [{most}, 100%], pass: {{ when: checks }} }} }}
limits: {{ requests-per-minute: 600000, creates-per-minute: 600000, activities-per-minute: 600000 }}
report: {{ details: false }}
jobs:
  - id: task
    title: "Task ${{{{ matrix.n }}}}"
    prompt: "Task ${{{{ matrix.n }}}} of ${{{{ source.repo }}}}"
    sources: [{{ match: "my-org/svc-*" }}]
    matrix: {{ n: [{numbers}] }}
    expect: pull-request
"""


def main():
    args = arguments()
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        if args.day:
            print(f"a day of {args.day} pull requests …", file=sys.stderr, flush=True)
            result["day"] = day(args, made(folder / "day"))
        for pulls in args.pulls:
            print(f"a run of {pulls} pull requests …", file=sys.stderr, flush=True)
            result.setdefault("many", []).append(many(args, made(folder / f"many-{pulls}"), pulls))
    show(result)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(result, indent=2) + "\n")


def arguments():
    numbers = lambda text: [int(n) for n in text.split(",") if n]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--day", type=int, default=300, help="how many pull requests a day is played with; 0: none")
    parser.add_argument("--speed", type=int, default=360, help="a day in 86400 / SPEED seconds")
    parser.add_argument("--pulls", type=numbers, default=[300, 10_000])
    parser.add_argument("--ready", action="store_true", help="all that is many is ready at once")
    parser.add_argument("--binary", default=str(ROOT / "target/release/jules-batch"))
    parser.add_argument("--json", help="write the figures here as well")
    return parser.parse_args()


def made(folder):
    folder.mkdir()
    return folder


def day(args, folder):
    (folder / "jobs.yaml").write_text(DAY_MANIFEST)
    (folder / "scenario.yaml").write_text(DAY_SCENARIO.format(speed=args.speed, pulls=args.day))
    words = [args.binary, "run", "--simulate=scenario.yaml", "-q", "--deadline", "24h"]
    child = subprocess.Popen(words, cwd=folder, env=environment(), stdout=subprocess.DEVNULL)
    hours, statistics = [], {}
    while child.poll() is None:
        time.sleep(1)
        try:
            statistics = statistics_of(listening(child.pid))["github"]
            hours = statistics["pointsByHour"]
        except (OSError, StopIteration):
            pass
    report = json.loads((folder / "jules-report/report.json").read_text())
    return {
        "pulls": args.day,
        "pointsByHour": hours,
        "points": report["api"]["github"]["points"],
        "totals": report["pulls"],
        "stopped": report["run"].get("stopped"),
    }


def many(args, folder, pulls):
    repositories = max(1, pulls // 5)
    numbers = ", ".join(str(n) for n in range(pulls // repositories))
    scenario = READY_SCENARIO if args.ready else MANY_SCENARIO
    (folder / "jobs.yaml").write_text(MANY_MANIFEST.format(pulls=pulls, numbers=numbers, most=repositories - 1))
    (folder / "scenario.yaml").write_text(scenario.format(pulls=pulls, repositories=repositories))
    simulator = subprocess.Popen(
        [args.binary, "simulate", "--port", "0", "--scenario", str(folder / "scenario.yaml")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    try:
        base_url = re.search(r"http://\S+", simulator.stdout.readline()).group(0)
        github = base_url.removesuffix("/v1alpha")
        env = environment(JULES_BATCH_BASE_URL=base_url, GITHUB_API_URL=github, GH_TOKEN="bench")
        call = lambda *words: measured([args.binary, *words], folder, env)
        run = call("run", "-q", "--max-tasks", str(pulls))
        listing = min((call("pulls", "list", "--format", "table") for _ in range(3)), key=lambda row: row["wallSeconds"])
    finally:
        simulator.terminate()
        simulator.wait()
    report = json.loads((folder / "jules-report/report.json").read_text())
    assert report["pulls"]["open"] == pulls and report["pulls"]["stages"]["ready"] >= 0.9 * pulls, report["pulls"]
    return {"pulls": pulls, "run": run, "points": report["api"]["github"]["points"], "list": listing}


def environment(**more):
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("JULES_", "GITHUB_", "GH_"))}
    return dict(ours, JULES_API_KEY="bench", CI="true", **more)


def measured(command, folder, env):
    began = time.monotonic()
    child = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}: {said}")
    cpu = usage.ru_utime + usage.ru_stime
    return {"wallSeconds": time.monotonic() - began, "cpuSeconds": cpu, "peakMemoryMb": usage.ru_maxrss / 1024}


def listening(pid):
    """The port on which the process plays the service."""
    sockets = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        target = os.readlink(entry)
        if target.startswith("socket:"):
            sockets.add(target[8:-1])
    lines = [line.split() for line in pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return next(int(line[1].split(":")[1], 16) for line in lines if line[3] == "0A" and line[9] in sockets)


def statistics_of(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/statistics") as answer:
        return json.load(answer)


def show(result):
    if of_day := result.get("day"):
        hours = of_day["pointsByHour"]
        print(f"{of_day['pulls']} pull requests over {len(hours)} hours: {sum(hours)} points,"
              f" {max(hours)} in the dearest hour; by hour: {' '.join(map(str, hours))}\n")
    if "many" in result:
        print("| pull requests | run (s) | CPU (s) | peak memory (MB) | points | `pulls list` (s) | CPU (s) |"
              " peak memory (MB) |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for row in result.get("many", []):
        run, listing = row["run"], row["list"]
        print(f"| {row['pulls']:,} | {run['wallSeconds']:.0f} | {run['cpuSeconds']:.1f} | {run['peakMemoryMb']:.0f} |"
              f" {row['points']} | {listing['wallSeconds']:.2f} | {listing['cpuSeconds']:.2f} | {listing['peakMemoryMb']:.0f} |")


if __name__ == "__main__":
    main()
