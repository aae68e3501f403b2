#!/usr/bin/env bash
# Writes the list of what the released program is made of (SBOM), as CycloneDX: by Cargo.lock, for every system at once.
#
#   sbom.sh TOOLS OUT    installs its tool into the folder TOOLS, unless it is there
set -euo pipefail

version=0.5.9
mkdir -p "$1"
tools=$(cd "$1" && pwd)
out=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Unoptimised: that compiles sooner, and it runs once.
cargo install --quiet --locked --debug --root "$tools" --version "$version" cargo-cyclonedx
trap 'rm -f jules-batch_bin.cdx.json' EXIT
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) "$tools/bin/cargo-cyclonedx" cyclonedx \
  --quiet --format json --spec-version 1.5 --describe binaries --target all --no-build-deps
# Where it was made is nobody's business.
sed "s|path+file://$PWD|path+file://|" jules-batch_bin.cdx.json >"$out"
