// Records the facts of the upstream release that test/upstream.test.ts holds our
// api.proto against: `pnpm run record-upstream`, where Go is installed.
import { writeFile } from "node:fs/promises";
import { describeFile } from "../test/descriptor-facts.ts";
import { loadUpstream, upstreamFixture } from "../test/upstream-module.ts";

const upstream = await loadUpstream();
if (!upstream.available) {
  console.error(`Nothing recorded: ${upstream.reason}.`);
  process.exit(1);
}
// One field a line: short enough to read in a diff when upstream changes.
const json = JSON.stringify(describeFile(upstream.file), null, 1).replace(
  /\{\n\s+"(?:name|input)"[^{}]*\}/g,
  (fact) => fact.replace(/\n\s*/g, " "),
);
await writeFile(upstreamFixture, `${json}\n`);
console.log(`Recorded ${upstreamFixture}`);
