import type { Duplex } from "node:stream";

/** Once one direction has ended, the other one may be silent for this long, in ms. */
const lingerMs = 10_000;

/**
 * Copies both directions of two connections until both have ended, each with its own half-close.
 *
 * A client that is gone looks like one that only closed its half, so after the end of one
 * direction the other one goes on as long as something moves in it.
 *
 * @throws The first error of either connection.
 */
export async function splice(
  client: Duplex,
  pod: Duplex,
  linger: number = lingerMs,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let ended = 0;
  let timer: NodeJS.Timeout | undefined;

  const restart = (): void => void timer?.refresh();
  const onEnd = (): void => {
    ended++;
    if (ended === 2) resolve();
    else timer = setTimeout(resolve, linger);
  };
  function copy(from: Duplex, to: Duplex): void {
    from.on("data", restart);
    to.once("finish", onEnd);
    from.once("error", reject);
    // A connection that closes without an error has ended, whatever else it did not say.
    from.once("close", () => (from.readableEnded ? to.end() : resolve()));
    from.pipe(to);
  }
  try {
    copy(client, pod);
    copy(pod, client);
    await promise;
  } finally {
    clearTimeout(timer);
    for (const [from, to] of [
      [client, pod],
      [pod, client],
    ] as const) {
      from.unpipe(to);
      from.off("data", restart);
    }
    pod.on("error", () => undefined);
    pod.destroy();
  }
}
