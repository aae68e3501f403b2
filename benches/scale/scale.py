#!/usr/bin/env python3
"""Shows how cost grows: `plan` with more and more tasks, `run` with more and more live sessions, and an interrupt.

Everything talks to the simulator of this repository, in a process of its own, on the loopback interface.

    cargo build --release && python3 benches/scale/scale.py

A run gets as many slots as it has tasks, follows all of them for some intervals, and is then interrupted: its own
report says how many looks came late, and the time from the signal to the end of the process is the time to complete
reports. CPU is user and system time of the runner, memory its peak resident set.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]

SCENARIO = """
speed: 1
seed: 1
sources: [{{ repo: my-org/web }}]
limits: {{ concurrent: {sessions} }}
defaults: {{ duration: 2 h, outcome: pull-request }}
"""

MANIFEST = """
version: 1
name: scale
defaults: {{ branch: main }}
strategy: {{ max-parallel: {sessions} }}
limits: {{ requests-per-minute: 600000, creates-per-minute: 600000, activities-per-minute: 600000 }}
poll: {{ interval: {interval}s }}
report: {{ details: false }}
jobs:
  - id: task
    title: "Task ${{{{ matrix.n }}}}"
    prompt: "Task ${{{{ matrix.n }}}} of ${{{{ source.repo }}}}"
    source: my-org/web
    matrix: {{ n: [{numbers}] }}
"""


def main():
    args = arguments()
    result = {"plan": [], "run": []}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for tasks in args.tasks:
            print(f"plan: {tasks} tasks …", file=sys.stderr, flush=True)
            result["plan"].append(plan(args, folder, tasks))
        for sessions in args.sessions:
            print(f"run: {sessions} live sessions …", file=sys.stderr, flush=True)
            result["run"].append(run(args, folder, sessions))
    show(result, args)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(result, indent=2) + "\n")


def arguments():
    numbers = lambda text: [int(n) for n in text.split(",") if n]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=numbers, default=[1_000, 10_000, 100_000])
    parser.add_argument("--sessions", type=numbers, default=[100, 1_000, 10_000])
    parser.add_argument("--interval", type=int, default=10, help="poll.interval in seconds")
    parser.add_argument("--follow", type=int, default=4, help="how many intervals all sessions are followed")
    parser.add_argument("--binary", default=str(ROOT / "target/release/jules-batch"))
    parser.add_argument("--simulator", help="the simulator's binary, if it is to be another one")
    parser.add_argument("--json", help="write the figures here as well")
    return parser.parse_args()


def manifest(folder, sessions, interval):
    path = folder / "jobs.yaml"
    numbers = ", ".join(str(n) for n in range(sessions))
    path.write_text(MANIFEST.format(sessions=sessions, interval=interval, numbers=numbers))
    return path


def plan(args, folder, tasks):
    path = manifest(folder, tasks, args.interval)
    began = time.monotonic()
    child = subprocess.Popen(
        [args.binary, "plan", str(path), "--format", "json"], stdout=subprocess.DEVNULL, env=environment(), cwd=folder
    )
    usage = ended(child, {0})
    return {
        "tasks": tasks,
        "wallSeconds": time.monotonic() - began,
        "cpuSeconds": usage.ru_utime + usage.ru_stime,
        "peakMemoryMb": usage.ru_maxrss / 1024,
    }


def run(args, folder, sessions):
    path = manifest(folder, sessions, args.interval)
    scenario = folder / "scenario.yaml"
    scenario.write_text(SCENARIO.format(sessions=sessions))
    simulator = subprocess.Popen(
        [args.simulator or args.binary, "simulate", "--port", "0", "--scenario", str(scenario)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    try:
        base_url = re.search(r"http://\S+", simulator.stdout.readline()).group(0)
        home = folder / f"run-{sessions}"
        home.mkdir()
        command = [args.binary, "run", str(path), "--base-url", base_url, "-q", "--max-tasks", str(sessions)]
        child = subprocess.Popen(command, env=environment(), cwd=home, stdout=subprocess.DEVNULL)
        began = time.monotonic()
        while fetch(base_url, "/statistics")["liveNow"] < sessions:
            if child.poll() is not None:
                sys.exit(f"the run ended with {child.returncode} before all its sessions were live")
            time.sleep(1)
        started = time.monotonic() - began
        # All sessions are live: what they cost from here on is what following costs.
        before = cpu(child.pid)
        time.sleep(args.interval * args.follow)
        following = cpu(child.pid) - before
        statistics = fetch(base_url, "/statistics")
        child.send_signal(signal.SIGINT)
        signalled = time.monotonic()
        usage = ended(child, {130})
        left = time.monotonic() - signalled
    finally:
        simulator.terminate()
        simulator.wait()
    report = json.loads((home / "jules-report/report.json").read_text())
    assert report["totals"]["detached"] == sessions, report["totals"]
    return {
        "sessions": sessions,
        "secondsToStart": started,
        "peakMemoryMb": usage.ru_maxrss / 1024,
        "followingCpuShare": following / (args.interval * args.follow),
        "requests": sum(statistics["requests"].values()),
        "looks": report["api"]["polls"]["looks"],
        "lateLooks": report["api"]["polls"]["late"],
        "interruptSeconds": left,
    }


def environment():
    return dict(os.environ, JULES_API_KEY="bench", CI="true")


def cpu(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ended(child, codes):
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in codes:
        sys.exit(f"{' '.join(child.args)} ended with {child.returncode}")
    return usage


def fetch(base_url, path):
    with urllib.request.urlopen(base_url.replace("/v1alpha", path)) as answer:
        return json.load(answer)


def show(result, args):
    print("| tasks | `plan`, wall (s) | CPU (s) | peak memory (MB) |\n| ---: | ---: | ---: | ---: |")
    for row in result["plan"]:
        print(f"| {row['tasks']:,} | {row['wallSeconds']:.2f} | {row['cpuSeconds']:.2f} | {row['peakMemoryMb']:.0f} |")
    print(f"\n`poll.interval` {args.interval} s, all followed for {args.follow} intervals\n")
    print("| live sessions | all started after (s) | CPU while following (% of a core) | peak memory (MB) | looks |"
          " late | interrupt to end (s) |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for row in result["run"]:
        print(f"| {row['sessions']:,} | {row['secondsToStart']:.1f} | {100 * row['followingCpuShare']:.1f} |"
              f" {row['peakMemoryMb']:.0f} | {row['looks']:,} | {row['lateLooks']} | {row['interruptSeconds']:.2f} |")


if __name__ == "__main__":
    main()
