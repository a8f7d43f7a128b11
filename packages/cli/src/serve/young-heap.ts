import { setFlagsFromString } from "node:v8";

/**
 * Keeps V8 from trading memory for speed that a daemon on a node has no use for, once it has started.
 *
 * Answering polls makes garbage only. V8 lets its young generation grow with the rate of it, up to
 * three times 16 MB, and the process never gives that back. Its size cannot be bounded any more once
 * the process runs (`--max-semi-space-size` would take a second process), but its growth can be
 * switched off: it stays as it is then, and a collection that is to free all it can brings it to V8's initial
 * size. A start leaves more behind in less time, and is a seventh cheaper while it grows. See
 * docs/performance.md for the figures.
 */
export function stopYoungGrowth(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
