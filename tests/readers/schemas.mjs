// Reads the published schemas as JavaScript's validators do, with their defaults: schemas.mjs ROOT REPORT.json…
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { parse } from "yaml";
import { getLanguageService, TextDocument } from "yaml-language-server";

const root = resolve(process.argv[2]);
const read = (path) => readFileSync(join(root, path), "utf8");
const yaml = (path) => parse(read(path), { merge: true });

function validator(path) {
  const ajv = new Ajv2020();
  addFormats(ajv);
  return ajv.compile(JSON.parse(read(path)));
}

const manifest = validator("schemas/manifest.schema.json");
for (const path of ["jobs.example.yaml", "tests/fixtures/manifests/good/every-key.yaml"]) {
  assert.ok(manifest(yaml(path)), `${path}: ${JSON.stringify(manifest.errors)}`);
}
for (const path of ["unknown-key", "wrong-type", "wrong-shape", "missing-jobs"]) {
  assert.ok(!manifest(yaml(`tests/fixtures/manifests/bad/${path}.yaml`)), `${path} is taken`);
}
const report = validator("schemas/report.schema.json");
for (const path of process.argv.slice(3)) {
  assert.ok(report(JSON.parse(readFileSync(path, "utf8"))), `${path}: ${JSON.stringify(report.errors)}`);
}
// What `notify` sends to programs lies beside each report.
const notice = validator("schemas/notice.schema.json");
for (const path of process.argv.slice(3)) {
  const sent = join(dirname(path), "notice.json.json");
  assert.ok(notice(JSON.parse(readFileSync(sent, "utf8"))), `${sent}: ${JSON.stringify(notice.errors)}`);
}

// The language server behind most editors; what it underlines is what a user sees.
const service = getLanguageService({
  schemaRequestService: async () => assert.fail("a schema is asked for"),
  workspaceContext: { resolveRelativePath: (path) => path },
});
const schema = JSON.parse(read("schemas/manifest.schema.json"));
service.configure({ validate: true, yamlVersion: "1.2", schemas: [{ uri: "urn:manifest", fileMatch: ["*.yaml"], schema }] });
async function underlined(path) {
  const text = read(path).replace(/^# yaml-language-server.*/, "#");
  const found = await service.doValidation(TextDocument.create(`file:///${path}`, "yaml", 1, text), false);
  return found.map((one) => one.message);
}
for (const path of ["jobs.example.yaml", "tests/fixtures/manifests/good/every-key.yaml"]) {
  assert.deepEqual(await underlined(path), [], path);
}
assert.match((await underlined("tests/fixtures/manifests/bad/unknown-key.yaml")).join(), /max-paralel/);
console.log(`schemas: Ajv and the YAML language server take them with their defaults, ${process.argv.length - 3} reports and the manifests`);
