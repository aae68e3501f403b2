#!/usr/bin/env bash
# Checks reports and schemas with readers that others wrote, and matrices with GitHub's own packages.
#
#   tests/readers/check.sh [REPORT_DIR…]
#
# Without a folder it lets the program's tests write samples (every outcome with hostile text, an empty
# run, 2,000 tasks, an ordinary night), checks those and the schemas, expands matrices.yaml, and tries the page in Chromium. A folder holds junit.xml, report.json,
# report.ctrf.json and report.html, and junit.jenkins.xml and metrics.prom if they are to be checked as well.
#
# Needs python3 with venv, node 20 and, for the page, Chromium (CHROMIUM names another program than
# /usr/bin/chromium; without any the page's tests fail).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work="$root/target/readers"
mkdir -p "$work"

# The schema of Jenkins' xUnit plugin, from the source package of pytest.
pytest=9.2.0
schema="$work/junit-10-$pytest.xsd"

install() {
  if ! cmp --silent "$here/requirements.txt" "$work/venv/requirements.txt"; then
    rm -rf "$work/venv"
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$work/venv/requirements.txt"
  fi
  if [ ! -s "$schema" ]; then
    "$work/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --no-binary pytest \
      --dest "$work" "pytest==$pytest"
    tar -xzOf "$work/pytest-$pytest.tar.gz" "pytest-$pytest/testing/example_scripts/junit-10.xsd" > "$schema.part"
    mv "$schema.part" "$schema"
  fi
  if ! cmp --silent "$here/package-lock.json" "$here/node_modules/.installed"; then
    npm ci --prefix "$here" --silent --no-progress
    cp "$here/package-lock.json" "$here/node_modules/.installed"
  fi
}

samples() {
  rm -rf "$work/samples"
  (cd "$root" && JULES_BATCH_SAMPLES="$work/samples" cargo test --quiet --lib report::sample::write_samples)
}

program() {
  (cd "$root" && cargo test --quiet --no-run)
  echo "${CARGO_TARGET_DIR:-$root/target}/debug/jules-batch"
}

check() {
  "$work/venv/bin/python" "$here/check.py" "$schema" "$1"
  node "$here/check.mjs" "$1"
}

install
if [ $# -gt 0 ]; then
  for folder in "$@"; do check "$folder"; done
else
  samples
  for folder in "$work"/samples/*/; do check "$folder"; done
  "$work/venv/bin/python" "$here/schemas.py" "$root" "$work"/samples/*/report.json
  node "$here/schemas.mjs" "$root" "$work"/samples/*/report.json
  node "$here/notices.mjs" "$work"/samples/*/
  node "$here/equality.mjs"
  node "$here/expressions.mjs"
  node "$here/matrices.mjs" "$(program)"
  "$work/venv/bin/python" "$here/telemetry.py" "$(program)" "$root/jobs.example.yaml"
  JULES_BATCH_SAMPLES="$work/samples" node --test "$here/page.test.mjs"
  PROGRAM=$(program) node --test "$here/serve.test.mjs"
fi
