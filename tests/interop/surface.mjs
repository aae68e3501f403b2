// Lists what the SDK offers: its exports, and the members and options of what one calls, from its types.
// `node surface.mjs > surface.txt` after an update; docs/client.md has to tell of each.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = join(fileURLToPath(new URL(".", import.meta.url)), "node_modules/@google/jules-sdk/dist");
const read = (file) => readFileSync(join(folder, file), "utf8").replaceAll(/\/\*[^]*?\*\//g, "");

const asked = [
  "JulesOptions", "SourceInput", "SessionConfig", "ListSourcesOptions", "JulesClient", "SessionClient", "ActivityClient",
  "AutomatedSession", "SessionSnapshot", "SessionInsights", "SessionOutcome", "SessionResource", "GeneratedFiles",
  "SourceManager", "SelectOptions", "ListOptions", "ListSessionsOptions", "SyncOptions", "ToJSONOptions",
  "StreamActivitiesOptions", "ChangeSetArtifact", "MediaArtifact", "BashArtifact",
];

/** The names, sorted. */
export function surface() {
  const index = read("index.d.ts");
  const exported = [...index.matchAll(/export (?:type )?\{([^}]*)\}/g)]
    .flatMap(([, names]) => names.split(",").map((name) => name.trim().split(" as ").at(-1)))
    .filter((name) => name !== "");
  const declared = [...(index + read("errors.d.ts")).matchAll(/export declare (?:function|const|class) (\w+)/g)];
  const types = ["types.d.ts", "sessions.d.ts", "activities/types.d.ts"].map(read).join("");
  const members = asked.flatMap((name) => {
    const body = types.match(new RegExp(`export (?:interface|type) ${name}(?: =)? \\{([^]*?)\\n\\}`))[1];
    return [...body.matchAll(/^\s+(?:readonly )?(\w+)\??[:(<]/gm)].map(([, member]) => `${name}.${member}`);
  });
  return [...new Set([...exported, ...declared.map(([, name]) => name), ...members])].toSorted();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(surface().join("\n"));
