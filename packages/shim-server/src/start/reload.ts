import type { Logger } from "pino";
import type { PodNetwork } from "../network/pod-network.js";
import type { ShimOptions } from "../options.js";
import type { Front } from "./open-front.js";

/** What became of a reload, by the names of options. */
export interface ReloadOutcome {
  /** Changed, and in force now. */
  readonly applied: readonly (keyof ShimOptions)[];
  /** Changed, but only a restart puts them in force. */
  readonly needRestart: readonly (keyof ShimOptions)[];
}

/** What a reload changes. */
export interface ReloadParts {
  readonly front: Front;
  readonly network: Pick<PodNetwork, "refresh" | "setPodCidr">;
  /** Sets the level of the daemon's logger and of all that were made from it. */
  readonly setLogLevel: (level: ShimOptions["logLevel"]) => void;
  readonly log: Logger;
}

/**
 * Creates the function that puts changed options in force: the log level, the pod address range,
 * and the address of metrics if they were on from the start. CNI's configuration is looked at
 * again in any case. What cannot change under running pods is told.
 *
 * @throws ShimError for an option that cannot be put in force; then it stays as it was.
 */
export function createReload(
  started: ShimOptions,
  { front, network, setLogLevel, log }: ReloadParts,
): (wanted: ShimOptions) => Promise<ReloadOutcome> {
  let current = started;
  const ways: { [Key in keyof ShimOptions]?: (wanted: ShimOptions) => Promise<void> } = {
    logLevel: async ({ logLevel }) => setLogLevel(logLevel),
    podCidr: async ({ podCidr }) => network.setPodCidr(podCidr),
    ...(started.metricsBindAddr === ""
      ? {}
      : { metricsBindAddr: ({ metricsBindAddr }) => front.moveOperations(metricsBindAddr) }),
  };

  return async (wanted) => {
    const applied: (keyof ShimOptions)[] = [];
    const needRestart: (keyof ShimOptions)[] = [];
    for (const key of Object.keys(current) as (keyof ShimOptions)[]) {
      if (JSON.stringify(wanted[key]) === JSON.stringify(current[key])) continue;
      const apply = ways[key];
      if (apply === undefined) {
        needRestart.push(key);
        continue;
      }
      await apply(wanted);
      current = { ...current, [key]: wanted[key] };
      applied.push(key);
    }
    await network.refresh();
    log.info({ applied }, "reloaded");
    if (needRestart.length > 0) log.warn({ needRestart }, "these options need a restart");
    return { applied, needRestart };
  };
}
