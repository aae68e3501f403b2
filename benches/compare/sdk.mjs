// The work of the comparison as a user of the official SDK would write it: a pool of workers, each of which runs a
// session and waits for its result. (`jules.all()` alone bounds only creation: all sessions would be live at once.)
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { JULES_BASE_URL: baseUrl, TASKS, SLOTS, POLL_MS, SDK_FROM, RESULT } = process.env;
process.env.JULES_HOME = mkdtempSync(join(tmpdir(), "jules-compare-"));
const sdk = join(SDK_FROM, "node_modules/@google/jules-sdk");
const entry = JSON.parse(readFileSync(join(sdk, "package.json"), "utf8")).exports["."];
const { connect } = await import(join(sdk, entry.import?.default ?? entry.import ?? entry.default ?? entry));

const jules = connect({ apiKey: "bench", baseUrl, config: { pollingIntervalMs: Number(POLL_MS) } });
const waiting = Array.from({ length: Number(TASKS) }, (_, n) => n + 1);
const outcomes = { succeeded: 0, failed: 0, errors: {} };

async function worker() {
  for (let n = waiting.shift(); n !== undefined; n = waiting.shift()) {
    try {
      const source = { github: "my-org/web", baseBranch: "main" };
      const run = await jules.run({ prompt: `Task ${n}`, title: `Task ${n}`, source });
      const outcome = await run.result();
      outcomes[outcome.state === "completed" ? "succeeded" : "failed"] += 1;
    } catch (error) {
      outcomes.failed += 1;
      outcomes.errors[error.name] = (outcomes.errors[error.name] ?? 0) + 1;
    }
  }
}

await Promise.all(Array.from({ length: Number(SLOTS) }, worker));
writeFileSync(RESULT, JSON.stringify(outcomes));
