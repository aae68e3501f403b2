#!/usr/bin/env bash
# Packs a release archive: the program with its manual pages and completions, README, changelog, licences.
#
#   pack.sh BINARY VERSION TARGET FOLDER    makes FOLDER/jules-batch-VERSION-TARGET.tar.gz, and its sum beside it
#
# The binary must run here: it writes the pages and completions itself.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
binary=$1 archive=jules-batch-$2-$3.tar.gz folder=$4
texts=(README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE)

content=$(mktemp -d)
trap 'rm -rf "$content"' EXIT
mkdir "$content/completions"
cp "$binary" "$content/jules-batch"
(cd "$root" && cp "${texts[@]}" "$content")
"$binary" man --out-dir "$content/man" >/dev/null
"$binary" completions bash >"$content/completions/jules-batch.bash"
"$binary" completions zsh >"$content/completions/_jules-batch"
"$binary" completions fish >"$content/completions/jules-batch.fish"

mkdir -p "$folder"
# The variable keeps what only macOS reads out of the archive.
COPYFILE_DISABLE=1 tar -czf "$folder/$archive" -C "$content" jules-batch man completions "${texts[@]}"
cd "$folder"
if command -v sha256sum >/dev/null; then
  sha256sum "$archive"
else
  shasum -a 256 "$archive"
fi >"$archive.sha256"
