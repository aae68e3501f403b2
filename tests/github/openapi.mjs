// GitHub's description of the REST operations that the simulator plays: `openapi.json`, cut out of `@octokit/openapi`, which is
// too large (385 MB) to be installed by a test.
//
//   npm pack @octokit/openapi && tar xzf octokit-openapi-*.tgz package/generated/api.github.com.json
//   node openapi.mjs package/generated/api.github.com.json
import { readFileSync, writeFileSync } from "node:fs";

export const operations = [
  "get /rate_limit", "get /user", "get /repos/{owner}/{repo}", "get /repos/{owner}/{repo}/pulls", "get /repos/{owner}/{repo}/pulls/{pull_number}",
  "patch /repos/{owner}/{repo}/pulls/{pull_number}", "put /repos/{owner}/{repo}/pulls/{pull_number}/merge",
  "get /repos/{owner}/{repo}/pulls/{pull_number}/merge", "put /repos/{owner}/{repo}/pulls/{pull_number}/update-branch",
  "get /repos/{owner}/{repo}/pulls/{pull_number}/reviews", "get /repos/{owner}/{repo}/pulls/{pull_number}/commits",
  "get /repos/{owner}/{repo}/git/ref/{ref}", "delete /repos/{owner}/{repo}/git/refs/{ref}",
  "get /repos/{owner}/{repo}/issues/{issue_number}/comments", "post /repos/{owner}/{repo}/issues/{issue_number}/comments",
  "get /repos/{owner}/{repo}/activity", "get /repos/{owner}/{repo}/commits/{ref}/check-runs", "get /repos/{owner}/{repo}/commits/{ref}/status",
];

/** What a validator needs: without words, examples and the like. */
function bare(value, within) {
  if (Array.isArray(value)) return value.map((item) => bare(item));
  if (value === null || typeof value !== "object") return value;
  const dropped = within === "properties" ? [] : ["description", "example", "examples", "title", "externalDocs", "deprecated", "links", "x-github"];
  const kept = Object.entries(value).filter(([key, inner]) => !(dropped.includes(key) || (within !== "properties" && key.startsWith("x-"))));
  return Object.fromEntries(kept.map(([key, inner]) => [key, bare(inner, key)]));
}

if (process.argv[2]) {
  const whole = JSON.parse(readFileSync(process.argv[2], "utf8"));
  const paths = {};
  for (const operation of operations) {
    const [verb, path] = operation.split(" ");
    const found = whole.paths[path]?.[verb];
    if (!found) throw new Error(`GitHub describes no ${operation}`);
    const { operationId, parameters, requestBody, responses } = bare(found);
    (paths[path] ??= {})[verb] = { operationId, parameters, requestBody, responses };
  }
  const components = {};
  const refs = (value) => {
    if (typeof value !== "object" || value === null) return;
    if (typeof value.$ref === "string") {
      const [, , kind, name] = value.$ref.split("/");
      if (!components[kind]?.[name]) {
        (components[kind] ??= {})[name] = bare(whole.components[kind][name]);
        refs(components[kind][name]);
      }
    }
    Object.values(value).forEach(refs);
  };
  refs(paths);
  const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
  for (const kind of Object.keys(components)) components[kind] = sorted(components[kind]);
  const text = { openapi: whole.openapi, info: { title: whole.info.title, version: whole.info.version }, paths, components: sorted(components) };
  writeFileSync(new URL("openapi.json", import.meta.url), `${JSON.stringify(text)}\n`);
}
