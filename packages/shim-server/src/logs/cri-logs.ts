import {
  type CopiedContainer,
  createLogCopier,
  type LogCopier,
  localLogFile,
} from "@dockershim/container-logs";
import type { Logger } from "pino";
import { BoundedMap } from "../async/bounded-map.js";
import { within } from "../async/within.js";
import type { Engine } from "../state/engine.js";
import { type ContainerRecord, hasEnded } from "../state/records.js";
import type { ContainerLogs, LogWay } from "./container-logs.js";
import { logPathOfRecord } from "./log-path.js";

export interface CriLogsOptions {
  /** Where positions are kept. */
  readonly directory: string;
  readonly engine: Pick<Engine, "info">;
  readonly log: Logger;
  /** How long a container's state is kept back for its log, in ms. */
  readonly settleMs?: number;
  /** Who copies; by default one with a thread of its own. */
  readonly copier?: LogCopier;
}

/** The way with a copier, which can be behind. */
export type CriLogs = LogWay & Pick<ContainerLogs, "lag">;

/**
 * CRI's way (`--log-mode=cri`): Docker's `local` driver keeps what a container writes, and the
 * daemon copies it in CRI's format to the path that the kubelet expects.
 */
export function createCriLogs(options: CriLogsOptions): CriLogs {
  const { directory, engine, log, settleMs = 10_000 } = options;
  const { copier = createLogCopier({ positions: directory, log }) } = options;
  // Ids do not come back. A state that is read while its container is removed may come after that.
  const gone = new BoundedMap<string, true>(4096);
  const followed = new Set<string>();
  const settled = new Set<string>();

  async function copied(record: ContainerRecord): Promise<CopiedContainer | undefined> {
    const target = logPathOfRecord(record);
    if (target === undefined) return undefined;
    const { DockerRootDir: root } = await engine.info();
    const source = localLogFile(root, record.id);
    return { id: record.id, source, target, tty: record.inspect.Config.Tty };
  }

  async function follow(container: CopiedContainer): Promise<void> {
    if (followed.has(container.id)) return;
    followed.add(container.id);
    settled.delete(container.id);
    if ((await within(copier.follow(container), settleMs)) !== "late") return;
    log.warn({ container: container.id }, "the state is made known before there is a log");
  }

  async function settle(container: CopiedContainer): Promise<void> {
    if (settled.has(container.id)) return;
    followed.delete(container.id);
    if ((await within(copier.settle(container), settleMs)) !== "late") settled.add(container.id);
    else log.warn({ container: container.id }, "the end is made known before the log is complete");
  }

  return {
    async beforePublish(record) {
      const { Status: status } = record.inspect.State;
      if (status === "created" || status === "removing") return;
      try {
        const container = await copied(record);
        if (container === undefined || gone.has(record.id)) return;
        if (hasEnded(record)) await settle(container);
        else await follow(container);
      } catch (err) {
        // The copier goes on trying; that the container runs or has ended must be known anyhow.
        log.warn({ err, container: record.id }, "the container's log is not written at present");
      }
    },
    started: async () => {},
    async reopen(record) {
      const container = await copied(record);
      if (container !== undefined) await copier.reopen(container);
    },
    async removed({ id }) {
      gone.set(id, true);
      followed.delete(id);
      settled.delete(id);
      // What is left of it is swept at the next start.
      const removal = copier.remove(id).catch((err) => {
        log.warn({ err, container: id }, "could not remove the log position");
      });
      if ((await within(removal, settleMs)) !== "late") return;
      log.warn({ container: id }, "the container is gone before its log position");
    },
    sweep: (ids) => copier.sweep(ids),
    lag: () => copier.lag(),
    close: () => copier.close(),
  };
}
