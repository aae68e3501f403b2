// The install script: it runs what checksums.txt knows, and nothing else.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { commands, readCommandFile, root } from "./runner.mjs";

const asset = "jules-batch-1.2.3-x86_64-unknown-linux-musl.tar.gz";

/** A checkout of the action with these sums, and a curl that hands out one archive. */
function checkout(sums) {
  const folder = mkdtempSync(join(tmpdir(), "jules-batch-install-"));
  const scripts = join(folder, ".github/action");
  mkdirSync(scripts, { recursive: true });
  cpSync(join(root, ".github/action/install.sh"), join(scripts, "install.sh"));
  writeFileSync(join(folder, "jules-batch"), "#!/bin/sh\necho installed\n");
  chmodSync(join(folder, "jules-batch"), 0o755);
  spawnSync("tar", ["-czf", join(folder, "archive"), "-C", folder, "jules-batch"]);
  const sum = createHash("sha256").update(readFileSync(join(folder, "archive"))).digest("hex");
  writeFileSync(join(folder, "checksums.txt"), sums(sum));
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(
    join(bin, "curl"),
    `#!/bin/bash\nwhile (($#)); do [[ $1 == --output ]] && out=$2; url=$1; shift; done\necho "$url" >"${folder}/url"\ncp "${folder}/archive" "$out"\n`,
  );
  chmodSync(join(bin, "curl"), 0o755);
  return folder;
}

function install(folder, env = {}) {
  const output = join(folder, "output");
  const { status, stdout } = spawnSync("bash", [join(folder, ".github/action/install.sh")], {
    encoding: "utf8",
    env: {
      PATH: `${join(folder, "bin")}:${process.env.PATH}`,
      GITHUB_OUTPUT: output,
      REPOSITORY: "my-org/jules-batch",
      SERVER: "https://github.example",
      TARGET: "Linux-X64",
      FOLDER: join(folder, "temp"),
      ...env,
    },
  });
  const outputs = existsSync(output) ? readCommandFile(readFileSync(output, "utf8")) : {};
  return { status, errors: commands(stdout), outputs, url: () => readFileSync(join(folder, "url"), "utf8").trim() };
}

test("the newest release that the revision knows is installed", () => {
  const older = `${"0".repeat(64)}  jules-batch-1.2.2-x86_64-unknown-linux-musl.tar.gz`;
  const other = `${"0".repeat(64)}  jules-batch-1.2.3-aarch64-unknown-linux-musl.tar.gz`;
  const folder = checkout((sum) => `# the sums\n${other}\n${sum}  ${asset}\n${older}\n`);
  const { status, outputs, errors, url } = install(folder);
  assert.equal(status, 0, JSON.stringify(errors));
  assert.equal(url(), `https://github.example/my-org/jules-batch/releases/download/v1.2.3/${asset}`);
  const { stdout } = spawnSync(outputs.binary, { encoding: "utf8" });
  assert.equal(stdout, "installed\n");
});

test("a version may be named, with or without its v", () => {
  for (const VERSION of ["1.2.3", "v1.2.3"]) {
    assert.equal(install(checkout((sum) => `${sum}  ${asset}\n`), { VERSION }).status, 0);
  }
});

test("an archive with another sum is refused", () => {
  const { status, errors, outputs } = install(checkout(() => `${"0".repeat(64)}  ${asset}\n`));
  assert.notEqual(status, 0);
  assert.match(errors[0].message, /is not what this revision of the action expects/);
  assert.deepEqual(outputs, {});
});

test("what the revision does not know is not downloaded", () => {
  const cases = [
    [() => "# nothing yet\n", {}, /belongs to no release/],
    [(sum) => `${sum}  ${asset}\n`, { VERSION: "9.9.9" }, /no sum of/],
    [(sum) => `${sum}  ${asset}\n`, { VERSION: "../../evil" }, /version is not one/],
    [(sum) => `${sum}  ${asset}\n`, { TARGET: "Windows-X64" }, /no binary for Windows-X64/],
    [() => `abc  ${asset}\n`, {}, /no sum of/],
  ];
  for (const [sums, env, message] of cases) {
    const folder = checkout(sums);
    const { status, errors, outputs } = install(folder, env);
    assert.notEqual(status, 0, String(message));
    assert.match(errors[0].message, message);
    assert.deepEqual(outputs, {});
    assert.ok(!existsSync(join(folder, "url")), "curl was called");
  }
});

test("a binary of one's own is taken as it is", () => {
  const folder = checkout(() => "");
  const { status, outputs } = install(folder, { BINARY_PATH: join(folder, "jules-batch") });
  assert.equal(status, 0);
  assert.equal(outputs.binary, join(folder, "jules-batch"));
  assert.notEqual(install(folder, { BINARY_PATH: join(folder, "missing") }).status, 0);
});
