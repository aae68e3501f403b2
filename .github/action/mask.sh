#!/usr/bin/env bash
# Has the runner replace key and token in the log of this job, by whatever step they are printed.
#
# Environment: KEY, TOKEN (both may be empty).
set -euo pipefail

# One command a line: a value must not end its command and begin another one.
mask() {
  local value=$1
  value=${value//'%'/%25}
  value=${value//$'\r'/%0D}
  value=${value//$'\n'/%0A}
  [[ -z $value ]] || printf '::add-mask::%s\n' "$value"
}

mask "${KEY:-}"
mask "${TOKEN:-}"
