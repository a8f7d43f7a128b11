import fc from "fast-check";
import { expectNothingLeft } from "./agreement.js";
import { lifecycleCommands } from "./commands.js";
import { Reference } from "./reference.js";
import type { System } from "./system.js";

/** How much is tried. */
export interface ModelRuns {
  readonly seed: number;
  readonly runs: number;
  readonly maxCommands: number;
}

/**
 * Does random things to systems of their own, and compares what they tell with the model after each.
 *
 * @throws Error with the seed and the fewest commands after which they differ.
 */
export async function checkLifecycle(
  open: () => Promise<System>,
  { seed, runs, maxCommands }: ModelRuns,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(lifecycleCommands(maxCommands), async (commands) => {
      const system = await open();
      try {
        await fc.asyncModelRun(() => ({ model: new Reference(), real: system }), commands);
        await expectNothingLeft(system);
      } finally {
        await system.close();
      }
    }),
    { seed, numRuns: runs },
  );
}
