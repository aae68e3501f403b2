// Sessions at the service of JULES_BASE_URL, GitHub beside it, and judges of what GitHub answers: its own schemas.
// Nothing here knows how the simulator works inside.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { execute, getNamedType, getVariableValues, isListType, getNullableType, Kind, parse, separateOperations, print, validate } from "graphql";
import { Octokit } from "octokit";
import { github } from "./schema.mjs";

const { JULES_BASE_URL: jules, JULES_API_KEY: key } = process.env;
if (!jules || !key) throw new Error("set JULES_BASE_URL and JULES_API_KEY: the tests need a running simulator, see scenario.yaml");
export const origin = new URL(jules).origin;

export const schema = github();
const document = parse(readFileSync(new URL("queries.graphql", import.meta.url), "utf8"));
/** The questions of queries.graphql by name, each with the fragments it needs. */
export const queries = Object.fromEntries(Object.entries(separateOperations(document)).map(([name, one]) => [name, print(one)]));

/** A type of `abstract` that an answer without its name can be: one that the query has a part for, if there is any. */
function guessed(query, value, abstract) {
  const fits = (type) => Object.keys(value).every((name) => type.getFields()[name]);
  const types = schema.getPossibleTypes(abstract).filter(fits);
  return (types.find(({ name }) => query.includes(`... on ${name} `)) ?? types[0])?.name;
}

/** Fails unless `query` is one that GitHub's schema allows, with these variables, and `data` what it allows as the answer. */
export function conforms(query, variables, data) {
  const document = parse(query);
  assert.deepEqual(validate(schema, document).map(String), []);
  if (variables) {
    const { variableDefinitions } = document.definitions.find(({ kind }) => kind === Kind.OPERATION_DEFINITION);
    assert.deepEqual((getVariableValues(schema, variableDefinitions, variables).errors ?? []).map(String), []);
    const declared = variableDefinitions.map((one) => one.variable.name.value);
    assert.deepEqual(Object.keys(variables).sort(), declared.sort());
  }
  if (!data) return;
  const again = execute({
    schema, document, rootValue: data, variableValues: variables,
    fieldResolver: (parent, _, __, info) => parent[info.path.key],
    typeResolver: (value, _, __, abstract) => value.__typename ?? guessed(query, value, abstract),
  });
  assert.deepEqual(again.errors?.map(String) ?? [], [], "an answer that GitHub's schema does not allow");
  assert.deepEqual(JSON.parse(JSON.stringify(again.data)), data);
}

/**
 * What GitHub says that a query costs: for every connection the requests that it takes to fill it, which is one for each node
 * that it is below, all of them by a hundred, and at least one. With `most`, as if that many were asked about.
 */
export function costOf(query, variables, most) {
  const document = parse(query);
  const fragments = Object.fromEntries(document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION).map((one) => [one.name.value, one]));
  const operation = document.definitions.find(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  const value = (node) => (node.kind === Kind.VARIABLE ? variables[node.name.value] : Number(node.value));
  const aliases = operation.selectionSet.selections.filter((one) => one.alias).length;
  const total = { requests: 0, nodes: 0 };
  const walk = (selections, type, above) => {
    for (const selection of selections) {
      if (selection.kind !== Kind.FIELD) {
        const { typeCondition, selectionSet } = selection.kind === Kind.FRAGMENT_SPREAD ? fragments[selection.name.value] : selection;
        walk(selectionSet.selections, typeCondition ? schema.getType(typeCondition.name.value) : type, above);
        continue;
      }
      const field = type.getFields?.()[selection.name.value];
      if (!field || !selection.selectionSet) continue;
      const argument = (name) => selection.arguments.find((one) => one.name.value === name)?.value;
      const inner = getNamedType(field.type);
      let below = above;
      const size = argument("first") ?? argument("last");
      if (inner.name.endsWith("Connection")) {
        assert.ok(size, `${selection.name.value} without first or last`);
        assert.ok(value(size) >= 1 && value(size) <= 100, `${selection.name.value} of ${value(size)}`);
        total.requests += above;
        below = above * value(size);
        total.nodes += below;
      } else if (isListType(getNullableType(field.type)) && argument("ids")) {
        below = above * (most ?? variables.ids.length);
        total.nodes += below;
      } else if (selection.alias) {
        below = most && aliases ? (above * most) / aliases : above;
      }
      walk(selection.selectionSet.selections, inner, below);
    }
  };
  walk(operation.selectionSet.selections, operation.operation === "mutation" ? schema.getMutationType() : schema.getQueryType(), 1);
  return { points: Math.max(1, Math.round(total.requests / 100)), nodes: total.nodes };
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

const compiled = (content) => ajv.compile(nullable(JSON.parse(JSON.stringify(content).replaceAll("#/components", "github#/components"))));

/** Fails unless GitHub describes the operation, what was sent to it, and the answer as one of its answers. */
export function described(verb, path, status, body, sent) {
  const operation = openapi.paths[path]?.[verb.toLowerCase()];
  assert.ok(operation, `GitHub describes no ${verb} ${path}`);
  if (sent !== undefined) {
    const content = operation.requestBody?.content?.["application/json"]?.schema;
    assert.ok(content, `${verb} ${path} takes no body`);
    const check = compiled(content);
    assert.ok(check(sent), `${verb} ${path}: ${ajv.errorsText(check.errors)}\n${JSON.stringify(sent)}`);
    for (const name of Object.keys(sent)) assert.ok(content.properties?.[name], `${verb} ${path} knows no ${name}`);
  }
  let response = operation.responses[status];
  // GitHub's description leaves out what every operation can answer.
  if (!response && [301, 304, 307, 401, 403, 404, 429, 502].includes(status)) return;
  assert.ok(response, `${verb} ${path} never answers ${status}`);
  if (response.$ref) response = openapi.components.responses[response.$ref.split("/").at(-1)];
  const content = response.content?.["application/json"]?.schema;
  if (!content) return assert.ok(!body || status >= 400, `${verb} ${path} answers ${status} without a body`);
  const check = compiled(content);
  assert.ok(check(body), `${verb} ${path} ${status}: ${ajv.errorsText(check.errors?.slice(0, 5))}\n${JSON.stringify(body)?.slice(0, 2000)}`);
}

/** The path of GitHub's description that an address is of, or a path; octokit names its own by the template. */
export function template(url) {
  if (url.includes("{") || !(url.startsWith(origin) || url.startsWith("/"))) return url;
  const { pathname } = new URL(url, origin);
  // A name of a branch may hold slashes.
  const fits = (path) => new RegExp(`^${path.replace("{ref}", ".+").replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(pathname);
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
