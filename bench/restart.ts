import { RuntimeService } from "@dockershim/cri-types";
import type { LabEnv } from "../lab/env.ts";
import type { Cleanup } from "./cleanup.ts";
import { createCriCaller } from "./cri-caller.ts";
import { type DaemonChoices, type OwnDaemon, startOwnDaemon } from "./own-daemon.ts";
import { cpuSeconds } from "./process-figures.ts";

/** Milliseconds from the daemon's start as a process. */
export interface RestartTimes {
  /** Until its socket takes connections. */
  readonly serving: number;
  /** Until ListPodSandbox and ListContainers told everything. */
  readonly complete: number;
  /** CPU time the daemon had used by then, in ms: what a busy machine cannot stretch. */
  readonly cpu: number;
}

/**
 * Ends the daemon and starts it again.
 *
 * @param expected How many sandboxes and containers the lists have to hold to be complete.
 */
export async function measureRestart(
  daemon: OwnDaemon,
  env: LabEnv,
  choices: DaemonChoices,
  expected: { readonly sandboxes: number; readonly containers: number },
  cleanup: Cleanup,
): Promise<{ daemon: OwnDaemon; times: RestartTimes }> {
  await daemon.stop();
  cleanup.check();
  const started = performance.now();
  const next = await startOwnDaemon(env, choices);
  const serving = performance.now() - started;
  const cri = await createCriCaller(next.socket);
  const { method } = RuntimeService;
  try {
    for (;;) {
      const sandboxes = (await cri.call(method.listPodSandbox, {})).reply.items.length;
      const containers = (await cri.call(method.listContainers, {})).reply.containers.length;
      if (sandboxes === expected.sandboxes && containers === expected.containers) break;
      if (performance.now() - started > 60_000) {
        throw new Error(
          `after a restart there are ${sandboxes} sandboxes, ${containers} containers`,
        );
      }
    }
    const complete = performance.now() - started;
    return { daemon: next, times: { serving, complete, cpu: cpuSeconds(next.pid) * 1_000 } };
  } finally {
    cri.close();
  }
}
