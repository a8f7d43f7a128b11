import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type DockerContainers, isDockerError } from "@dockershim/docker-client";
import type { Logger } from "pino";
import { createRetries } from "../async/retries.js";
import { untilAborted } from "../async/until-aborted.js";
import { ShimError } from "../shim-error.js";
import { type ArchiveFile, openArchiveFile } from "./archive-file.js";
import { explainDumpFailure } from "./dump-failure.js";
import { writeRootfsDiff } from "./rootfs-diff.js";

/** What it takes to checkpoint containers. */
export interface CheckpointsParts {
  readonly docker: {
    readonly containers: Pick<
      DockerContainers,
      "pause" | "unpause" | "inspect" | "checkpoint" | "changes" | "exportFiles"
    >;
  };
  /** The daemon's own folder of checkpoints under way. */
  readonly directory: string;
  readonly log: Pick<Logger, "warn">;
}

/** Checkpoints of containers. */
export interface Checkpoints {
  /** The folder in which the parts of an archive are collected. */
  readonly directory: string;
  /**
   * Makes a checkpoint archive at a location: the folder `checkpoint` with CRIU's images,
   * `rootfs-diff.tar`, and what `complete` adds to the folder it is given.
   *
   * The container stands still from before the dump until its changed files have been read, so that both
   * are of one moment. However this ends, it goes on, and nothing unfinished is left; where the engine
   * is away, as soon as it is back, and after a kill of the daemon with its next start.
   *
   * The engine goes on with a dump whose caller leaves, so it is not broken off, but followed by all
   * that.
   *
   * @param complete Is called while the container runs again, with what it had deleted of its image.
   * @throws ShimError `failed_precondition` for a container that is being checkpointed already, or that
   * somebody else has paused; `unimplemented` where there is no CRIU; `internal` with CRIU's words.
   */
  take(
    id: string,
    location: string,
    complete: (folder: string, deleted: readonly string[]) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Ends what an earlier daemon was in the middle of. */
  recover(): Promise<void>;
  /** Breaks off what is under way; settles when containers go on and nothing unfinished is left. */
  close(): Promise<void>;
}

/** CRIU's images are in a folder of this name, in the archive too. */
const imagesFolder = "checkpoint";

/** Names the unfinished archive, beside the parts. */
const draftNote = "draft";

/** How long the engine may take to let a container go on, in ms. */
const resumeMs = 60_000;

export function createCheckpoints({ docker, directory, log }: CheckpointsParts): Checkpoints {
  const { containers } = docker;
  const underWay = new Set<string>();
  const attempts = new Set<Promise<void>>();
  const ending = new AbortController();
  const retries = createRetries((id) => void finish(id, true), { firstMs: 1_000, mostMs: 30_000 });
  const workOf = (id: string): string => join(directory, id);

  /** @returns Whether it runs, or is gone. */
  async function resume(id: string): Promise<boolean> {
    const signal = AbortSignal.timeout(resumeMs);
    try {
      await containers.unpause(id, { signal });
      return true;
    } catch (err) {
      // Somebody else may have done it, or stopped the container.
      const paused = await containers.inspect(id, { signal }).then(
        ({ State }) => State.Paused,
        (reason: unknown) => !isDockerError(reason, "not_found"),
      );
      if (paused) log.warn({ container: id, err }, "could not let a checkpointed container go on");
      return !paused;
    }
  }

  async function finish(id: string, paused: boolean): Promise<void> {
    try {
      if (paused && !(await resume(id))) {
        retries.schedule(id);
        return;
      }
      const draft = await readFile(join(workOf(id), draftNote), "utf8").catch(() => undefined);
      if (draft !== undefined) await rm(draft, { force: true });
      await rm(workOf(id), { recursive: true, force: true });
    } catch (err) {
      log.warn({ container: id, err }, "could not remove what is left of a checkpoint");
    }
    retries.done(id);
    underWay.delete(id);
  }

  async function attempt(
    id: string,
    archive: ArchiveFile,
    complete: (folder: string, deleted: readonly string[]) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const folder = join(workOf(id), "parts");
    let paused = false;
    try {
      await mkdir(workOf(id), { recursive: true, mode: 0o700 });
      await writeFile(join(workOf(id), draftNote), archive.draft);
      await mkdir(folder, { mode: 0o700 });
      signal.throwIfAborted();
      paused = true;
      await containers.pause(id).catch((err: unknown) => {
        paused = isDockerError(err, "unavailable", "deadline_exceeded");
        throw explainPause(err);
      });
      signal.throwIfAborted();
      await dump(id, folder);
      const diff = join(folder, "rootfs-diff.tar");
      const deleted = await writeRootfsDiff(containers, id, diff, signal);
      if (!(await resume(id))) {
        throw new ShimError("internal", "the engine does not let the container go on");
      }
      paused = false;
      await complete(folder, deleted);
      await archive.pack(folder, signal);
    } finally {
      // Whatever the disk of the archive says, the container goes on.
      await archive.close().finally(() => finish(id, paused));
    }
  }

  async function dump(id: string, folder: string): Promise<void> {
    try {
      await containers.checkpoint(id, { checkpointId: imagesFolder, checkpointDir: folder });
    } catch (err) {
      throw await explainDumpFailure(err);
    }
    if (existsSync(join(folder, imagesFolder, "inventory.img"))) return;
    const reason = `the engine has written no images to ${folder}: it sees other files than the daemon`;
    throw new ShimError("failed_precondition", reason);
  }

  return {
    directory,
    async take(id, location, complete, signal) {
      if (underWay.has(id)) {
        throw new ShimError("failed_precondition", "container_id: a checkpoint of it is under way");
      }
      underWay.add(id);
      const archive = await openArchiveFile(location).catch((err: unknown) => {
        underWay.delete(id);
        throw err;
      });
      const ended = AbortSignal.any([signal, ending.signal]);
      const attempted = attempt(id, archive, complete, ended);
      attempts.add(attempted);
      // A caller that leaves is not kept; nobody hears then what becomes of it.
      attempted.catch(() => undefined).finally(() => attempts.delete(attempted));
      await untilAborted(attempted, ended);
    },
    async recover() {
      const ids = await readdir(directory).catch(() => []);
      for (const id of ids) underWay.add(id);
      await Promise.all(ids.map((id) => finish(id, true)));
    },
    async close() {
      ending.abort(new ShimError("unavailable", "the daemon is ending"));
      await Promise.allSettled(attempts);
      retries.close();
    },
  };
}

function explainPause(err: unknown): unknown {
  if (!isDockerError(err) || !/already paused/i.test(err.engineMessage)) return err;
  const reason = "container_id: somebody has paused the container";
  return new ShimError("failed_precondition", reason, { cause: err });
}
