import fs from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { createLayerTree } from "../src/layer-tree.js";
import { createPacer } from "../src/pacer.js";
import { temporaryDirectory } from "./recorded.js";

/** Counts the whole tree anew: what the incremental figures have to come to. */
function count(root: string): { bytes: number; inodes: number } {
  const seen = new Set<number>();
  let bytes = 0;
  const visit = (name: string) => {
    const stats = fs.lstatSync(name);
    if (seen.has(stats.ino)) return;
    seen.add(stats.ino);
    bytes += stats.blocks * 512;
    if (stats.isDirectory()) for (const one of fs.readdirSync(name)) visit(path.join(name, one));
  };
  visit(root);
  return { bytes, inodes: seen.size };
}

type Change =
  | { do: "write"; at: string; size: number }
  | { do: "make"; at: string }
  | { do: "remove"; at: string }
  | { do: "move"; at: string; to: string }
  | { do: "link"; at: string; to: string }
  | { do: "refresh" };

/** Few names and little depth, so that changes meet each other often. */
const place = fc
  .array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join("/"));

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    do: fc.constant("write" as const),
    at: place,
    size: fc.constantFrom(1, 5_000, 20_000),
  }),
  fc.record({ do: fc.constant("make" as const), at: place }),
  fc.record({ do: fc.constant("remove" as const), at: place }),
  fc.record({ do: fc.constant("move" as const), at: place, to: place }),
  fc.record({ do: fc.constant("link" as const), at: place, to: place }),
  fc.record({ do: fc.constant("refresh" as const) }),
);

/** What is impossible at the moment, such as a file in a file, is no change at all. */
function apply(root: string, one: Exclude<Change, { do: "refresh" }>): void {
  const at = path.join(root, one.at);
  try {
    if (one.do === "write") fs.writeFileSync(at, Buffer.alloc(one.size, 1), { flush: true });
    else if (one.do === "make") fs.mkdirSync(at, { recursive: true });
    else if (one.do === "remove") fs.rmSync(at, { recursive: true });
    else if (one.do === "move") fs.renameSync(at, path.join(root, one.to));
    else fs.linkSync(at, path.join(root, one.to));
  } catch (error) {
    if (!(typeof error === "object" && error !== null && "code" in error)) throw error;
  }
}

test.each([1, 3, 6, 1_000])(
  "with a budget of %p, any changes come to the same figures as counting anew",
  async (budget) => {
    const { signal } = new AbortController();
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 25 }), async (changes) => {
        const root = temporaryDirectory();
        try {
          let nowMs = Date.now();
          const tree = createLayerTree(root, {
            pacer: createPacer(Number.POSITIVE_INFINITY, 1),
            budget,
            nowMs: () => nowMs++,
          });
          for (const one of changes) {
            if (one.do === "refresh") await tree.refresh(signal);
            else apply(root, one);
          }
          const finished = nowMs;
          for (let i = 0; tree.totals().seenSinceMs < finished; i++) {
            if (i === 500) throw new Error("no sweep came round");
            await tree.refresh(signal);
          }
          const { bytes, inodes } = tree.totals();
          expect({ bytes, inodes }).toEqual(count(root));
        } finally {
          fs.rmSync(root, { recursive: true });
        }
      }),
      { numRuns: 60 },
    );
  },
);
