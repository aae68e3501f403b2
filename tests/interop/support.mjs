// A client of the official SDK for the service at JULES_BASE_URL, and the simulator's statistics.
// Nothing here knows how the simulator works inside.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const baseUrl = process.env.JULES_BASE_URL;
const apiKey = process.env.JULES_API_KEY;
if (!baseUrl || !apiKey) {
  throw new Error("set JULES_BASE_URL and JULES_API_KEY: the tests need a running simulator, see scenario.yaml");
}

// The SDK keeps a cache of sessions on disk: a fresh one for each file of tests.
process.env.JULES_HOME = mkdtempSync(join(tmpdir(), "jules-interop-"));
const { connect } = await import("@google/jules-sdk");

export const jules = connect({ apiKey, baseUrl, config: { pollingIntervalMs: 25, requestTimeoutMs: 5000 } });
export const stranger = connect({ apiKey: "not-the-key", baseUrl, config: { pollingIntervalMs: 25 } });

export const web = { github: "my-org/web", baseBranch: "main" };

/** All sessions as the simulator's statistics have them, oldest first. */
export async function books() {
  return (await fetch(new URL("/statistics/sessions", baseUrl))).json();
}

/** One of them. */
export async function booked(id) {
  const session = (await books()).find((session) => session.id === id);
  if (!session) throw new Error(`session ${id} is not in the statistics`);
  return session;
}

/** What the service answers to a plain GET, with the key in the header or as a parameter. */
export async function raw(path, key) {
  const url = new URL(`${baseUrl}/${path}`);
  if (key) url.searchParams.set("key", key);
  const response = await fetch(url, { headers: key ? {} : { "X-Goog-Api-Key": apiKey } });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** Takes from a stream until `last` holds; the SDK's streams never end by themselves. */
export async function takeUntil(stream, last) {
  const taken = [];
  for await (const item of stream) {
    taken.push(item);
    if (last(item)) break;
  }
  return taken;
}
