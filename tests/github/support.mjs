// Sessions at the service of JULES_BASE_URL, GitHub beside it, and judges of what GitHub answers: its own schemas.
// Nothing here knows how the simulator works inside.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { execute, parse, separateOperations, print, validate } from "graphql";
import { Octokit } from "octokit";
import { github } from "./schema.mjs";

const { JULES_BASE_URL: jules, JULES_API_KEY: key } = process.env;
if (!jules || !key) throw new Error("set JULES_BASE_URL and JULES_API_KEY: the tests need a running simulator, see scenario.yaml");
export const origin = new URL(jules).origin;

export const schema = github();
const document = parse(readFileSync(new URL("queries.graphql", import.meta.url), "utf8"));
/** The questions of queries.graphql by name, each with the fragments it needs. */
export const queries = Object.fromEntries(Object.entries(separateOperations(document)).map(([name, one]) => [name, print(one)]));

/** Fails unless `query` is one that GitHub's schema allows and `data` what it allows as the answer. */
export function conforms(query, variables, data) {
  const document = parse(query);
  assert.deepEqual(validate(schema, document).map(String), []);
  if (!data) return;
  const again = execute({
    schema, document, rootValue: data, variableValues: variables,
    fieldResolver: (parent, _, __, info) => parent[info.path.key],
    typeResolver: (value) => value.__typename,
  });
  assert.deepEqual(again.errors?.map(String) ?? [], [], "an answer that GitHub's schema does not allow");
  assert.deepEqual(JSON.parse(JSON.stringify(again.data)), data);
}

const openapi = JSON.parse(readFileSync(new URL("openapi.json", import.meta.url), "utf8"));
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
// OpenAPI 3.0 says `nullable` where JSON Schema has a type more; ajv knows it, but not beside `allOf` and the like.
const nullable = (value) => {
  if (Array.isArray(value)) return value.map(nullable);
  if (typeof value !== "object" || value === null) return value;
  const { nullable: may, ...rest } = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, nullable(inner)]));
  return may ? { anyOf: [rest, { type: "null" }] } : rest;
};
ajv.addSchema(nullable(openapi), "github");

/** Fails unless GitHub describes the operation, and the answer as one of its answers. */
export function described(verb, path, status, body) {
  const operation = openapi.paths[path]?.[verb.toLowerCase()];
  assert.ok(operation, `GitHub describes no ${verb} ${path}`);
  let response = operation.responses[status];
  // GitHub's description leaves out what every operation can answer.
  if (!response && [301, 304, 307, 401, 403, 404, 429, 502].includes(status)) return;
  assert.ok(response, `${verb} ${path} never answers ${status}`);
  if (response.$ref) response = openapi.components.responses[response.$ref.split("/").at(-1)];
  const content = response.content?.["application/json"]?.schema;
  if (!content) return assert.ok(!body || status >= 400, `${verb} ${path} answers ${status} without a body`);
  const check = ajv.compile(nullable(JSON.parse(JSON.stringify(content).replaceAll("#/components", "github#/components"))));
  assert.ok(check(body), `${verb} ${path} ${status}: ${ajv.errorsText(check.errors?.slice(0, 5))}\n${JSON.stringify(body)?.slice(0, 2000)}`);
}

/** The path of GitHub's description that an address is of: pages name theirs whole. */
function template(url) {
  if (!url.startsWith(origin)) return url;
  const { pathname } = new URL(url);
  const fits = (path) => new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(pathname);
  return Object.keys(openapi.paths).find(fits) ?? url;
}

/** npm's octokit for the simulator, with every answer judged. */
export function client(token = "whole") {
  const octokit = new Octokit({ auth: token, baseUrl: origin, retry: { enabled: false }, throttle: { enabled: false } });
  const judge = (options, status, body) => {
    if (options.url !== "/graphql") described(options.method, template(options.url), status, body || undefined);
  };
  octokit.hook.after("request", (response, options) => judge(options, response.status, response.data));
  octokit.hook.error("request", (error, options) => {
    if (error.status) judge(options, error.status, error.response?.data);
    throw error;
  });
  return octokit;
}

/** What GraphQL answers, with its errors beside its data, judged. */
export async function ask(query, variables, token) {
  const answer = await raw(query, variables, token);
  conforms(query, variables, answer.data);
  return answer;
}

/** What GraphQL answers. */
export async function raw(query, variables = {}, token = "whole") {
  const response = await fetch(`${origin}/graphql`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const answer = await response.json();
  return { ...answer, status: response.status, headers: response.headers };
}

async function call(path, body) {
  const headers = { "x-goog-api-key": key, "content-type": "application/json" };
  const response = await fetch(`${jules}/${path}`, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers });
  assert.ok(response.ok, `${path}: ${response.status}`);
  return response.json();
}

/** A session that ends with a pull request; that pull request, as the session has it, with owner, repo and number. */
export async function opened(prompt, repository = "my-org/web") {
  const { id } = await call("sessions", {
    prompt, automationMode: "AUTO_CREATE_PR",
    sourceContext: { source: `sources/github/${repository}`, githubRepoContext: { startingBranch: "main" } },
  });
  const output = await until(async () => (await call(`sessions/${id}`)).outputs?.find((output) => output.pullRequest)?.pullRequest);
  const [owner, repo, , number] = new URL(output.url).pathname.slice(1).split("/");
  return { ...output, session: id, owner, repo, number: Number(number), pull_number: Number(number) };
}

/** Waits, for ten seconds at most, until `look` gives something. */
export async function until(look) {
  for (let tries = 0; tries < 400; tries++) {
    const seen = await look();
    if (seen) return seen;
    await sleep(25);
  }
  throw new Error(`in vain: ${look}`);
}

/** What the simulator counted. */
export const statistics = async () => (await fetch(`${origin}/statistics`)).json();
