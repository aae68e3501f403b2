#!/usr/bin/env bash
# Puts jules-batch in place and names it in the output `binary`.
#
# It is the binary that BINARY_PATH names, or else the asset of a release whose SHA-256 sum stands in checksums.txt, beside
# action.yml: what the action's revision does not know, it does not run.
#
# Environment: BINARY_PATH, VERSION (both may be empty), REPOSITORY, SERVER, TARGET (such as Linux-X64), FOLDER, GITHUB_OUTPUT.
set -euo pipefail

fail() {
  printf '::error title=jules-batch::%s\n' "$1"
  exit 1
}

# One line, without the signs that are not in versions and paths: an output's value must not start another one.
binary_is() {
  [[ $1 != *$'\n'* ]] || fail "the path of the binary has a line break"
  printf 'binary=%s\n' "$1" >>"$GITHUB_OUTPUT"
}

if [[ -n ${BINARY_PATH:-} ]]; then
  [[ -x $BINARY_PATH ]] || fail "binary-path names nothing that can be run"
  binary_is "$BINARY_PATH"
  exit 0
fi

sums=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/checksums.txt

case $TARGET in
  Linux-X64) triple=x86_64-unknown-linux-musl ;;
  Linux-ARM64) triple=aarch64-unknown-linux-musl ;;
  macOS-X64) triple=x86_64-apple-darwin ;;
  macOS-ARM64) triple=aarch64-apple-darwin ;;
  *) fail "there is no binary for ${TARGET}; build one and name it with binary-path" ;;
esac

# Without a version: the newest release, which stands first.
version=${VERSION:-}
version=${version#v}
if [[ -z $version ]]; then
  end=-$triple.tar.gz
  asset=$(awk -v end="$end" 'substr($2, length($2) - length(end) + 1) == end { print $2; exit }' "$sums")
  [[ -n $asset ]] || fail "this revision of the action belongs to no release; use a released one, or binary-path"
  version=${asset#jules-batch-}
  version=${version%"$end"}
fi
[[ $version =~ ^[0-9][0-9A-Za-z.+-]*$ ]] || fail "version is not one"

asset=jules-batch-$version-$triple.tar.gz
sum=$(awk -v asset="$asset" '$2 == asset { print $1; exit }' "$sums")
[[ $sum =~ ^[0-9a-f]{64}$ ]] || fail "checksums.txt has no sum of $asset: take a revision of the action that knows it"

mkdir -p "$FOLDER"
cd "$FOLDER"
curl --proto '=https' --tlsv1.2 --fail --silent --show-error --location --retry 5 --retry-all-errors \
  --output "$asset" "$SERVER/$REPOSITORY/releases/download/v$version/$asset" \
  || fail "cannot download $asset from the releases of $REPOSITORY"

if command -v sha256sum >/dev/null; then
  found=$(sha256sum "$asset")
else
  found=$(shasum -a 256 "$asset")
fi
[[ ${found%% *} == "$sum" ]] || fail "$asset is not what this revision of the action expects: its SHA-256 sum is ${found%% *}"

tar -xzf "$asset" jules-batch
binary_is "$FOLDER/jules-batch"
