import { setFlagsFromString } from "node:v8";

/**
 * Keeps V8 from trading memory for speed that a daemon on a node has no use for.
 *
 * Answering polls makes garbage only. V8 lets its young generation grow with the rate of it, up to
 * three times 16 MB, and the process never gives that back. Its size cannot be bounded any more once
 * the process runs (`--max-semi-space-size` would take a second process), but its growth can be
 * switched off: it stays at V8's initial size. See docs/performance.md for the figures.
 */
export function keepHeapSmall() {
  setFlagsFromString("--semi-space-growth-factor=1");
}
