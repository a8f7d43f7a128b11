import type { Cleanup } from "./cleanup.ts";
import { engineRequest } from "./engine-request.ts";
import { run } from "./pods.ts";

/** A log driver of Docker with its options. */
export interface LogDriver {
  readonly Type: string;
  readonly Config: Readonly<Record<string, string>>;
}

/** When containers ran by the engine's clock, in ms. */
export interface Spell {
  readonly started: number;
  readonly finished: number;
}

/**
 * Runs the same container several times at once, made by the engine's routes alone, so that nobody
 * reads its log.
 *
 * @param docker Path of the engine's socket.
 */
export async function runOnEngine(
  docker: string,
  { image, command, driver }: { image: string; command: readonly string[]; driver: LogDriver },
  count: number,
  cleanup: Cleanup,
): Promise<Spell[]> {
  const ids: string[] = [];
  const remove = async (): Promise<void> => {
    for (const id of ids.splice(0)) {
      await engineRequest(docker, "DELETE", `/containers/${id}?force=1&v=1`);
    }
  };
  const forget = cleanup.add(remove);
  for (let index = 0; index < count; index++) {
    cleanup.check();
    const made = await engineRequest(docker, "POST", "/containers/create", {
      Image: image,
      Entrypoint: command,
      Labels: { bench: run },
      HostConfig: { NetworkMode: "none", LogConfig: driver },
    });
    ids.push((made as { Id: string }).Id);
  }
  const spells = await Promise.all(
    ids.map(async (id) => {
      await engineRequest(docker, "POST", `/containers/${id}/start`);
      await engineRequest(docker, "POST", `/containers/${id}/wait`);
      const { State: state } = (await engineRequest(docker, "GET", `/containers/${id}/json`)) as {
        State: { StartedAt: string; FinishedAt: string };
      };
      return { started: Date.parse(state.StartedAt), finished: Date.parse(state.FinishedAt) };
    }),
  );
  await remove();
  forget();
  return spells;
}
