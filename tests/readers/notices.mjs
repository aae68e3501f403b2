// Reads messages of `notify` as those do that others wrote: Slack's and Discord's types, through the TypeScript compiler,
// and Microsoft's renderer of adaptive cards: notices.mjs SAMPLE_FOLDER…
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
// Its ES modules name files without their endings, which Node does not take.
const cards = require(join(dirname(require.resolve("adaptivecards/package.json")), "dist/adaptivecards.js"));
const folders = process.argv.slice(2);
const read = (folder, chat) => JSON.parse(readFileSync(join(folder, `notice.${chat}.json`), "utf8"));

/** Compiles this as TypeScript; what is wrong with it. */
function compiled(source) {
  // Inside this folder, so that the packages are found.
  const folder = mkdtempSync(join(here, "node_modules", ".notices-"));
  try {
    writeFileSync(join(folder, "messages.ts"), source);
    const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022", "--types", ""];
    execFileSync(join(here, "node_modules/.bin/tsc"), [...options, join(folder, "messages.ts")], { stdio: "pipe" });
    return "";
  } catch (error) {
    return `${error.stdout}${error.stderr}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function typed(slack, discord) {
  const lines = [
    'import type { KnownBlock } from "@slack/types";',
    'import type { RESTPostAPIWebhookWithTokenJSONBody } from "discord-api-types/v10";',
    "interface Incoming { text: string; blocks: KnownBlock[]; unfurl_links: boolean; unfurl_media: boolean }",
  ];
  slack.forEach((message, n) => lines.push(`export const slack${n}: Incoming = ${JSON.stringify(message)};`));
  discord.forEach((message, n) =>
    lines.push(`export const discord${n}: RESTPostAPIWebhookWithTokenJSONBody = ${JSON.stringify(message)};`));
  return lines.join("\n");
}

const slack = folders.map((folder) => read(folder, "slack"));
const discord = folders.map((folder) => read(folder, "discord"));
assert.equal(compiled(typed(slack, discord)), "");
const broken = structuredClone(slack[0]);
broken.blocks[1].elements[0].type = "rich_text_sektion";
assert.notEqual(compiled(typed([broken], [])), "", "a block that Slack does not know is seen");
assert.notEqual(compiled(typed([], [{ embeds: [{ headline: "x" }] }])), "", "a key that Discord does not know is seen");

/** What Microsoft's library says of a card. */
function complaints(content) {
  const context = new cards.SerializationContext(cards.Versions.v1_4);
  const card = new cards.AdaptiveCard();
  card.parse(content, context);
  const seen = Array.from({ length: context.eventCount }, (_, at) => context.getEventAt(at).message);
  const properties = card.validateProperties().validationEvents.map((event) => event.message);
  return [...seen, ...properties];
}

for (const folder of folders) {
  const [attachment] = read(folder, "teams").attachments;
  assert.equal(attachment.contentType, "application/vnd.microsoft.card.adaptive");
  assert.deepEqual(complaints(attachment.content), [], folder);
}
const [{ content }] = read(folders[0], "teams").attachments;
assert.notEqual(complaints({ ...content, body: [{ type: "RichTextBox" }] }).length, 0, "an element that cards do not have is seen");

console.log(`${folders.length} messages for each of three chats are what they take`);
