import { untilAborted } from "../async/until-aborted.js";
import { type ContainerRecord, hasEnded } from "./records.js";
import type { Store } from "./store.js";

/** What it takes to learn of the end of a container. */
export type ContainerEnds = Pick<Store, "container" | "onChange">;

/**
 * Settles when the container's process, which runs now, has ended; at once when none runs.
 *
 * @throws The signal's reason when that fires first.
 */
export async function containerEnd(
  store: ContainerEnds,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const begun = startOf(store.container(id));
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = (): void => {
    // One that somebody restarts may never be seen at rest.
    if (begun === undefined || startOf(store.container(id)) !== begun) resolve();
  };
  const stop = store.onChange((change) => {
    if (change.id === id) look();
  });
  try {
    look();
    await untilAborted(promise, signal);
  } finally {
    stop();
  }
}

/** When the process was started that runs; undefined where none does. */
function startOf(record: ContainerRecord | undefined): string | undefined {
  return record === undefined || hasEnded(record) ? undefined : record.inspect.State.StartedAt;
}
