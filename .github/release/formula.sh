#!/usr/bin/env bash
# Prints the Homebrew formula of a release.
#
#   formula.sh REPOSITORY VERSION SUMS    the repository's address, such as https://github.com/my-org/jules-batch; the
#                                         file with the archives' SHA-256 sums
set -euo pipefail

repository=$1 version=$2 sums=$3

# The archive of a target, as the formula names it.
archive() {
  local name=jules-batch-$version-$1.tar.gz sum
  sum=$(awk -v name="$name" '$2 == name { print $1 }' "$sums")
  [[ $sum =~ ^[0-9a-f]{64}$ ]] || { echo "$sums has no sum of $name" >&2 && exit 1; }
  printf 'url "%s/releases/download/v%s/%s"\n      sha256 "%s"' "$repository" "$version" "$name" "$sum"
}

# One by one: a failure inside the text below would not be seen.
mac_arm=$(archive aarch64-apple-darwin)
mac_intel=$(archive x86_64-apple-darwin)
linux_arm=$(archive aarch64-unknown-linux-musl)
linux_intel=$(archive x86_64-unknown-linux-musl)

cat <<RUBY
# Written by the release workflow.
class JulesBatch < Formula
  desc "Batch runner for Google's Jules"
  homepage "$repository"
  version "$version"
  license any_of: ["MIT", "Apache-2.0"]

  on_macos do
    on_arm do
      $mac_arm
    end
    on_intel do
      $mac_intel
    end
  end

  on_linux do
    on_arm do
      $linux_arm
    end
    on_intel do
      $linux_intel
    end
  end

  def install
    bin.install "jules-batch"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/jules-batch.bash" => "jules-batch"
    zsh_completion.install "completions/_jules-batch"
    fish_completion.install "completions/jules-batch.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/jules-batch --version")
  end
end
RUBY
