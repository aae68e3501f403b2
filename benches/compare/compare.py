#!/usr/bin/env python3
"""Runs the official TypeScript SDK and jules-batch side by side on the same work, and prints ratios.

Both talk to the simulator of this repository, each to one of its own, in one run of this script. Nothing leaves
the loopback interface. Figures of one machine mean little; the ratios are what to look at.

    cargo build --release && npm ci --prefix tests/interop && python3 benches/compare/compare.py

The list-scheduling bound is what the sessions would take if every slot were filled the moment it falls free: the
sessions' own lengths, in the order of their creation, on the given number of slots.
"""

import argparse
import heapq
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
SPEED = 60  # a minute of service time a second

SCENARIO = """
speed: {speed}
seed: {seed}
sources: [{{ repo: my-org/web }}]
limits:
  concurrent: {slots}
  per-minute: {{ sessions.create: 120, sessions.get: 120, sessions.list: 120, activities.list: 120 }}
defaults: {{ duration: "{seconds} s ± 30%", outcome: pull-request }}
"""

MANIFEST = """
version: 1
name: compare
defaults: {{ branch: main }}
strategy: {{ max-parallel: {slots} }}
limits: {{ requests-per-minute: 20000, creates-per-minute: 7000, activities-per-minute: 7000 }}
poll: {{ interval: {poll}ms }}
report: {{ details: false }}
jobs:
  - id: task
    title: "Task ${{{{ matrix.n }}}}"
    prompt: "Task ${{{{ matrix.n }}}}"
    source: my-org/web
    matrix: {{ n: [{numbers}] }}
"""


def main():
    args = arguments()
    sides = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name in args.sides.split(","):
            print(f"{name}: {args.tasks} tasks on {args.slots} slots …", file=sys.stderr, flush=True)
            sides[name] = measure(name, args, folder)
    report(args, sides)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(sides, indent=2) + "\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--slots", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=10, help="mean length of a session, real time")
    parser.add_argument("--sdk-poll", type=int, default=83, help="the SDK's polling interval in ms (5 s / 60)")
    parser.add_argument("--poll", type=int, default=167, help="jules-batch's poll.interval in ms (10 s / 60)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--binary", default=str(ROOT / "target/release/jules-batch"))
    parser.add_argument("--sides", default="sdk,jules-batch", help="which to run")
    parser.add_argument("--json", help="write the figures here as well")
    return parser.parse_args()


def measure(name, args, folder):
    scenario = folder / "scenario.yaml"
    service_seconds = round(args.seconds * SPEED)
    scenario.write_text(SCENARIO.format(speed=SPEED, seed=args.seed, slots=args.slots, seconds=service_seconds))
    command = [args.binary, "simulate", "--port", "0", "--scenario", str(scenario)]
    simulator = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        base_url = address(simulator)
        run = sdk if name == "sdk" else runner
        process, environment = run(args, folder, base_url)
        log = folder / f"{name}.log"
        began = time.monotonic()
        with log.open("wb") as out:
            child = subprocess.Popen(process, env=environment, cwd=folder, stdout=out, stderr=out)
            _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        if child.returncode != 0:
            sys.exit(f"{name} ended with {child.returncode}:\n{log.read_text()[-2000:]}")
        statistics = fetch(base_url, "/statistics")
        sessions = fetch(base_url, "/statistics/sessions")
    finally:
        simulator.terminate()
        simulator.wait()
    return figures(args, statistics, sessions, usage, wall)


def address(simulator):
    for line in simulator.stdout:
        found = re.search(r"http://127\.0\.0\.1:\d+/v1alpha", line)
        if found:
            return found.group(0)
    sys.exit("the simulator did not say where it listens")


def sdk(args, folder, base_url):
    environment = dict(
        os.environ, JULES_BASE_URL=base_url, TASKS=str(args.tasks), SLOTS=str(args.slots),
        POLL_MS=str(args.sdk_poll), SDK_FROM=str(ROOT / "tests/interop"), RESULT=str(folder / "sdk.json"),
    )
    return ["node", str(ROOT / "benches/compare/sdk.mjs")], environment


def runner(args, folder, base_url):
    numbers = ", ".join(str(n) for n in range(1, args.tasks + 1))
    manifest = folder / "jobs.yaml"
    manifest.write_text(MANIFEST.format(slots=args.slots, poll=args.poll, numbers=numbers))
    environment = dict(os.environ, JULES_API_KEY="bench", CI="true")
    return [args.binary, "run", str(manifest), "--base-url", base_url, "-q"], environment


def fetch(base_url, path):
    with urllib.request.urlopen(base_url.replace("/v1alpha", path)) as answer:
        return json.load(answer)


def figures(args, statistics, sessions, usage, wall):
    sessions = sorted(sessions, key=lambda session: session["createdAt"])
    lengths = [session["lastedMs"] / 1000 for session in sessions if session["lastedMs"]]
    requests = sum(statistics["requests"].values())
    return {
        "requests": requests,
        "requestsPerTask": requests / args.tasks,
        "throttled": statistics["answered"].get("429", 0),
        "wallSeconds": wall,
        "boundSeconds": bound(lengths, args.slots),
        "makespanOverBound": wall / bound(lengths, args.slots),
        "detectionMeanMs": statistics["detection"]["meanMs"],
        "detectionP50Ms": statistics["detection"]["p50Ms"],
        "detectionP99Ms": statistics["detection"]["p99Ms"],
        "cpuSeconds": usage.ru_utime + usage.ru_stime,
        "peakMemoryMb": usage.ru_maxrss / 1024,
        "created": statistics["created"],
        "duplicates": len(statistics["duplicates"]),
        "liveMax": statistics["liveMax"],
        "byMethod": statistics["requests"],
    }


def bound(lengths, slots):
    ends = [0.0] * slots
    for length in lengths:
        heapq.heapreplace(ends, ends[0] + length)
    return max(ends)


ROWS = [
    ("requests per task", "requestsPerTask", ".2f"),
    ("answers 429", "throttled", "d"),
    ("makespan / bound", "makespanOverBound", ".3f"),
    ("detection delay, mean (ms)", "detectionMeanMs", ".0f"),
    ("detection delay, p50 (ms)", "detectionP50Ms", ".0f"),
    ("detection delay, p99 (ms)", "detectionP99Ms", ".0f"),
    ("CPU (s)", "cpuSeconds", ".2f"),
    ("peak memory (MB)", "peakMemoryMb", ".1f"),
    ("sessions created", "created", "d"),
    ("most live at once", "liveMax", "d"),
    ("duplicates", "duplicates", "d"),
]


def report(args, sides):
    names = list(sides)
    print(f"\n{args.tasks} tasks, {args.slots} slots, sessions of {args.seconds:g} s ± 30 %, seed {args.seed}\n")
    print("| | " + " | ".join(names) + " | ratio |")
    print("| --- |" + " ---: |" * (len(names) + 1))
    for title, key, form in ROWS:
        values = [sides[name][key] for name in names]
        ratio = f"{values[-1] / values[0]:.3f}" if len(values) == 2 and values[0] else ""
        print(f"| {title} | " + " | ".join(format(value, form) for value in values) + f" | {ratio} |")


if __name__ == "__main__":
    main()
