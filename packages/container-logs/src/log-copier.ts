import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ContainerLogError } from "./errors.js";
import type { LogLag } from "./log-lag.js";
import { createLogThread, type LogCopierLog } from "./log-thread.js";
import type { CopiedContainer, LogCopyJob } from "./log-thread-protocol.js";

/** Where a copier keeps what it knows, and who is told. */
export interface LogCopierOptions {
  /** Folder of the positions, a file for each container; made, for its owner only, if missing. */
  readonly positions: string;
  /** Told what could not be kept, and why a log is not written at present; silent by default. */
  readonly log?: LogCopierLog | undefined;
}

/**
 * Copies the logs of any number of containers, in a thread of its own. Every method fails with a
 * `ContainerLogError` only.
 *
 * A container's paths must be the same in each call.
 */
export interface LogCopier {
  /**
   * Copies what there is and what comes, until {@link LogCopier.settle}, {@link LogCopier.remove}
   * or {@link LogCopier.close}. Settles when the log file is there. When it fails, it is tried
   * again each second.
   */
  follow(container: CopiedContainer): Promise<void>;
  /**
   * Copies what there is, of a container that has ended. Settles when all of it was copied, and
   * fails when the log has taken nothing for two seconds; the copy goes on trying then.
   */
  settle(container: CopiedContainer): Promise<void>;
  /**
   * Goes on in a new file at the log's path, after the old one was renamed (CRI's
   * ReopenContainerLog). Settles when the new file is there.
   */
  reopen(container: CopiedContainer): Promise<void>;
  /** Ends the copy of a container that was removed, and forgets its position. */
  remove(id: string): Promise<void>;
  /** Removes the positions of all containers but these: of what was removed without a call. */
  sweep(ids: ReadonlySet<string>): Promise<void>;
  /** How far the copies are behind. */
  lag(): LogLag;
  /** Saves all positions and ends the thread. Copies go on from there with the next copier. */
  close(): Promise<void>;
}

const suffix = ".position";

/** Makes a copier; its thread begins with the first container. */
export function createLogCopier(options: LogCopierOptions): LogCopier {
  const { positions: directory, log = silent } = options;
  const thread = createLogThread(log);
  const made = mkdir(directory, { recursive: true, mode: 0o700 });
  // Each task awaits it and reports its failure.
  made.catch(() => {});

  function positionOf(id: string): string {
    if (!/^\w[\w.-]*$/.test(id)) {
      throw new ContainerLogError("invalid_path", `${JSON.stringify(id)} is no container's id`);
    }
    return join(directory, `${id}${suffix}`);
  }

  async function jobOf(container: CopiedContainer): Promise<LogCopyJob> {
    const { id, source, target, tty } = container;
    const position = positionOf(id);
    await made.catch(rethrow);
    return { id, source, target, tty, position };
  }

  return {
    follow: async (container) => thread.perform({ kind: "follow", job: await jobOf(container) }),
    settle: async (container) => thread.perform({ kind: "settle", job: await jobOf(container) }),
    reopen: async (container) => thread.perform({ kind: "reopen", job: await jobOf(container) }),
    remove: async (id) => thread.perform({ kind: "remove", id, position: positionOf(id) }),
    async sweep(ids) {
      await made.catch(rethrow);
      for (const name of await readdir(directory).catch(rethrow)) {
        if (!name.endsWith(suffix) || ids.has(name.slice(0, -suffix.length))) continue;
        await rm(join(directory, name), { force: true }).catch(rethrow);
      }
    },
    lag: () => thread.lag(),
    close: () => thread.close(),
  };
}

function rethrow(err: unknown): never {
  throw ContainerLogError.from(err);
}

const silent: LogCopierLog = { info: () => {}, warn: () => {}, error: () => {} };
