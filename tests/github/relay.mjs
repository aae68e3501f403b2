// The real program with a listener between it and GitHub: every request that it sends, as sent, with its answer.
import { execFile } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { origin } from "./support.mjs";

const execute = promisify(execFile);
export const program = process.env.JULES_BATCH ?? new URL("../../target/debug/jules-batch", import.meta.url).pathname;

/** Hands every request on to the simulator's GitHub. `exchanges` has them: method, path, sent, status, answer. */
export async function listening() {
  const exchanges = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { host, connection, ...headers } = request.headers;
    const body = Buffer.concat(chunks);
    const answer = await fetch(origin + request.url, { method: request.method, headers, body: body.length ? body : undefined });
    const text = await answer.text();
    const json = (of) => (of.length ? JSON.parse(of) : undefined);
    exchanges.push({ method: request.method, path: request.url, sent: json(body.toString()), status: answer.status, answer: json(text) });
    const kept = [...answer.headers].filter(([name]) => !["content-length", "transfer-encoding", "connection", "content-encoding"].includes(name));
    response.writeHead(answer.status, Object.fromEntries(kept)).end(text);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { exchanges, address: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

/** A folder with this manifest, and `jules-batch` in it; it resolves also where the program fails, with its code. */
export function checkout(manifest, github = origin, token = "whole") {
  const home = mkdtempSync(join(tmpdir(), "jules-pulls-"));
  writeFileSync(join(home, "jobs.yaml"), manifest);
  const { JULES_BASE_URL, JULES_API_KEY, PATH } = process.env;
  const env = { HOME: home, PATH, NO_COLOR: "1", GH_TOKEN: token, JULES_BASE_URL, JULES_API_KEY, GITHUB_API_URL: github };
  const batch = (...args) =>
    execute(program, args, { env, cwd: home }).then(
      (said) => ({ code: 0, ...said }),
      (failed) => ({ code: failed.code, stdout: failed.stdout, stderr: failed.stderr }),
    );
  return { home, env, batch };
}
