import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { logPathOf, readContainerRecord } from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import type { Engine } from "../state/engine.js";
import type { ContainerRecord } from "../state/records.js";
import type { ContainerLogs, LogWay } from "./container-logs.js";
import type { LogTargetPath } from "./log-target.js";
import { createLogWorker } from "./log-worker-client.js";
import type { LogCopyJob } from "./log-worker-protocol.js";

export interface CriLogsOptions {
  /** Where positions are kept. */
  readonly directory: string;
  readonly engine: Pick<Engine, "info">;
  readonly log: Logger;
  /** How long a container's end is kept back for the rest of its log, in ms. */
  readonly settleMs?: number;
}

/** The way with a copier, which can be behind. */
export type CriLogs = LogWay & Pick<ContainerLogs, "lag">;

const suffix = ".position";

/**
 * CRI's way (`--log-mode=cri`): Docker's `local` driver keeps what a container writes, and the
 * daemon copies it in CRI's format to the path that the kubelet expects.
 */
export function createCriLogs(options: CriLogsOptions): CriLogs {
  const { directory, engine, log, settleMs = 10_000 } = options;
  const worker = createLogWorker(log);
  const followed = new Set<string>();
  const settled = new Set<string>();
  const made = mkdir(directory, { recursive: true, mode: 0o700 });
  // Each task awaits it and reports its failure.
  made.catch(() => {});

  async function jobOf(record: ContainerRecord): Promise<LogCopyJob | undefined> {
    const target = targetOf(record);
    if (target === undefined) return undefined;
    await made;
    const { DockerRootDir: root } = await engine.info();
    return {
      id: record.id,
      source: join(root, "containers", record.id, "local-logs", "container.log"),
      target,
      tty: record.inspect.Config.Tty,
      position: positionOf(record.id),
    };
  }

  function positionOf(id: string): string {
    return join(directory, `${id}${suffix}`);
  }

  async function follow(job: LogCopyJob): Promise<void> {
    if (followed.has(job.id)) return;
    followed.add(job.id);
    settled.delete(job.id);
    await worker.perform({ kind: "follow", job });
  }

  async function settle(job: LogCopyJob): Promise<void> {
    if (settled.has(job.id)) return;
    followed.delete(job.id);
    const timer = new AbortController();
    const late = setTimeout(settleMs, "late", { signal: timer.signal }).catch(() => "late");
    const outcome = await Promise.race([
      worker.perform({ kind: "settle", job }).then(() => "complete"),
      late,
    ]);
    timer.abort();
    if (outcome === "complete") settled.add(job.id);
    else log.warn({ container: job.id }, "the end is made known before the log is complete");
  }

  return {
    async beforePublish(record) {
      const { Status: status } = record.inspect.State;
      if (status === "created" || status === "removing") return;
      try {
        const job = await jobOf(record);
        if (job === undefined) return;
        if (status === "exited" || status === "dead") await settle(job);
        else await follow(job);
      } catch (err) {
        // The worker goes on trying; that the container runs or has ended must be known anyhow.
        log.warn({ err, container: record.id }, "the container's log is not written at present");
      }
    },
    started: async () => {},
    async reopen(record) {
      const job = await jobOf(record);
      if (job !== undefined) await worker.perform({ kind: "reopen", job });
    },
    async removed({ id }) {
      followed.delete(id);
      settled.delete(id);
      await worker.perform({ kind: "remove", id, position: positionOf(id) }).catch((err) => {
        // What is left of it is swept at the next start.
        log.warn({ err, container: id }, "could not remove the log position");
      });
    },
    async sweep(ids) {
      await made;
      for (const name of await readdir(directory)) {
        if (!name.endsWith(suffix) || ids.has(name.slice(0, -suffix.length))) continue;
        await rm(join(directory, name), { force: true });
      }
    },
    lag: () => worker.lag(),
    close: () => worker.close(),
  };
}

/** Where the log goes; undefined where CRI asked for none. */
function targetOf({ inspect }: ContainerRecord): LogTargetPath | undefined {
  const path = logPathOf(inspect);
  if (path === "") return undefined;
  const file = readContainerRecord(inspect)?.config.logPath ?? "";
  if (file !== "" && path.endsWith(`/${file}`)) {
    return { directory: path.slice(0, -file.length - 1), file };
  }
  const slash = path.lastIndexOf("/");
  return { directory: path.slice(0, slash), file: path.slice(slash + 1) };
}
