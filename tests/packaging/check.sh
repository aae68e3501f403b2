#!/usr/bin/env bash
# Checks what a release is made of, made by the scripts that the release calls.
#
#   tests/packaging/check.sh PROGRAM TOOLS
#
# PROGRAM: a jules-batch with its .d file beside it (as cargo build leaves it). TOOLS: the folder of the checkers, of which
# `.ci/run tools` installs those in venv/. Needs ruby, mandoc, zsh and fish as well.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
program=$1 tools=$2
release=$root/.github/release
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$("$program" --version)
version=${version#jules-batch }

# A name for the program that is small to pack.
printf '#!/bin/sh\nexec "%s" "$@"\n' "$program" >"$work/jules-batch"
chmod +x "$work/jules-batch"
mapfile -t targets < <(sed -n 's/.*{ target: \([^,]*\),.*/\1/p' "$root/.github/workflows/release.yml")
for target in "${targets[@]}"; do
  "$release/pack.sh" "$work/jules-batch" "$version" "$target" "$work/assets"
done
(cd "$work/assets" && sha256sum --check --quiet ./*.sha256 && cat ./*.sha256 >SHA256SUMS)
"$release/sbom.sh" "$tools/sbom" "$work/sbom.cdx.json"

"$tools/venv/bin/python" "$here/check.py" "$program.d" "$version" "$work/assets" "$work/sbom.cdx.json" "${targets[@]}"

"$release/formula.sh" https://github.example/my-org/jules-batch "$version" "$work/assets/SHA256SUMS" >"$work/jules-batch.rb"
ruby -wc "$work/jules-batch.rb"
ruby "$here/formula.rb" "$work/jules-batch.rb" "$work/assets"
if "$release/formula.sh" https://github.example/my-org/jules-batch 9.9.9 "$work/assets/SHA256SUMS" 2>/dev/null; then
  echo "a formula was written without sums" >&2
  exit 1
fi

tar -xzf "$work/assets/jules-batch-$version-${targets[0]}.tar.gz" -C "$work"
bash -n "$work/completions/jules-batch.bash"
zsh -n "$work/completions/_jules-batch"
fish -n "$work/completions/jules-batch.fish"
# Pages have no date, so that the same source gives the same bytes; clap_mangen breaks lines where a new paragraph does.
if mandoc -T lint -W warning "$work"/man/*.1 | grep --invert-match 'missing date\|skipping paragraph macro'; then
  exit 1
fi

"$tools/venv/bin/hadolint" "$root/Dockerfile"
