import { writeFile } from "node:fs/promises";
import { describeFile } from "./descriptor-facts.ts";
import type { Upstream } from "./go-module-proto.ts";

/** Writes the facts of an upstream file where a test compares ours with them; fails when there is none. */
export async function recordDescriptor(upstream: Upstream, fixture: string): Promise<void> {
  if (!upstream.available) throw new Error(`nothing recorded: ${upstream.reason}`);
  // One field a line: short enough to read in a diff when upstream changes.
  const json = JSON.stringify(describeFile(upstream.file), null, 1).replace(
    /\{\n\s+"(?:name|input)"[^{}]*\}/g,
    (fact) => fact.replace(/\n\s*/g, " "),
  );
  await writeFile(fixture, `${json}\n`);
  console.log(`Recorded ${fixture}`);
}
