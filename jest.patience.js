import { availableParallelism, loadavg } from "node:os";

/** What the loop below takes on an idle machine of today, in ms. */
const usualMs = 150;

/** The time limits of tests end what hangs, so that those of a slow machine may be long. */
const most = 6;

/** Milliseconds that a fixed piece of work takes: longer on a slow processor, and longer on a shared one. */
function workMs() {
  const begin = performance.now();
  let value = 1;
  for (let round = 0; round < 1e8; round++) value = (Math.imul(value, 1103515245) + 12345) | 0;
  return performance.now() - begin + (value & 0);
}

function measured() {
  return Math.max(1, workMs() / usualMs, loadavg()[0] / availableParallelism());
}

/**
 * A limit for a test, in ms, on this machine: `ms` on an idle one, up to 6 times as much on a slow or busy
 * one. TEST_PATIENCE tells the factor instead of having it measured; the tests find it there.
 */
export function patient(ms) {
  const given = Number(process.env.TEST_PATIENCE || Number.NaN);
  const factor = Math.min(most, given > 0 ? given : measured());
  process.env.TEST_PATIENCE = String(factor);
  return Math.round(ms * factor);
}
