// The simulator as a service for tests, and workspaces to run in.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

import { root } from "./runner.mjs";

export const binary = resolve(process.env.JULES_BATCH_BINARY ?? join(root, "target/debug/jules-batch"));

/** Starts a simulator and waits for its address. */
export async function startService(scenario) {
  const folder = mkdtempSync(join(tmpdir(), "jules-batch-service-"));
  const path = join(folder, "scenario.yaml");
  writeFileSync(path, scenario);
  const child = spawn(binary, ["simulate", "--scenario", path], { stdio: ["ignore", "pipe", "inherit"] });
  const url = await new Promise((found, broken) => {
    let text = "";
    child.on("error", broken).on("exit", (code) => broken(new Error(`the simulator ended with ${code}`)));
    child.stdout.setEncoding("utf8").on("data", (more) => {
      text += more;
      if (text.includes("\n")) found(text.slice(0, text.indexOf("\n")));
    });
  });
  return {
    url,
    statistics: async (what = "") => (await fetch(new URL(`/statistics${what}`, url))).json(),
    stop: () => child.kill("SIGINT"),
  };
}

/** An empty checkout with these files, and the environment that leads to the service. */
export function job(service, files = {}) {
  const workspace = mkdtempSync(join(tmpdir(), "jules-batch-workspace-"));
  const temp = mkdtempSync(join(tmpdir(), "jules-batch-temp-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(workspace, name)), { recursive: true });
    writeFileSync(join(workspace, name), text);
  }
  return { workspace, temp, env: service ? { JULES_BASE_URL: service.url, GITHUB_API_URL: new URL(service.url).origin } : {} };
}
