import type { Readable } from "node:stream";
import type { ExecSyncRequest } from "@dockershim/cri-types";
import type { HijackedStream } from "@dockershim/docker-client";
import { requireRunning } from "../container/container-lookup.js";
import type { CallContext, ShimContext } from "../context.js";
import { ShimError } from "../shim-error.js";
import { killProcessTree } from "./process-tree.js";

/** Output beyond this is dropped, per stream, in bytes: the reply must fit a gRPC message. */
const outputLimit = 8 * 1024 * 1024;

/** How long an exec's end is believed to be on its way before the engine is asked again, in ms. */
const exitPollMs = 1_000;

interface Reply {
  stdout: Uint8Array<ArrayBuffer>;
  stderr: Uint8Array<ArrayBuffer>;
  exitCode: number;
}

/**
 * ExecSync: runs a command in a container and answers with its output and exit code.
 *
 * At its timeout (seconds, 0 for none), or when the caller goes, the command is killed with all
 * its descendants: nothing is left in the container.
 *
 * @throws ShimError `deadline_exceeded` after the timeout.
 */
export function createExecSync(
  context: Pick<ShimContext, "docker" | "store" | "feed" | "execExits" | "log">,
): (request: ExecSyncRequest, call: CallContext) => Promise<Reply> {
  const { docker, store, feed, execExits, log } = context;

  async function exitCode(execId: string, signal: AbortSignal): Promise<number> {
    for (;;) {
      const state = await docker.exec.inspect(execId, { signal });
      if (!state.Running && state.ExitCode !== null) return state.ExitCode;
      // The output may end before the process; its end comes as an event.
      const poll = AbortSignal.timeout(exitPollMs);
      try {
        return await execExits.wait(execId, AbortSignal.any([signal, poll]));
      } catch (err) {
        if (!poll.aborted || signal.aborted) throw err;
      }
    }
  }

  async function kill(execId: string): Promise<void> {
    try {
      const { Running: running, Pid: pid } = await docker.exec.inspect(execId);
      if (running && pid > 0) killProcessTree(pid);
    } catch (err) {
      log.warn({ err, exec: execId }, "could not kill an exec at its timeout");
    }
  }

  return async ({ containerId, cmd, timeout }, { signal }) => {
    if (cmd.length === 0) throw new ShimError("invalid_argument", "cmd: must not be empty");
    if (timeout < 0n) throw new ShimError("invalid_argument", "timeout: must not be negative");
    await feed.ready();
    requireRunning(store, containerId);
    const deadline = createDeadline(Number(timeout) * 1000);
    const bounded = AbortSignal.any([signal, deadline.signal]);
    const execId = await docker.exec.create(
      containerId,
      { Cmd: cmd, AttachStdout: true, AttachStderr: true },
      { signal },
    );
    let stream: HijackedStream | undefined;
    try {
      stream = await docker.exec.start(execId, { tty: false, stdin: false, signal: bounded });
      const [stdout, stderr] = await Promise.all([
        readAll(stream.stdout, bounded),
        readAll(stream.stderr, bounded),
      ]);
      return { stdout, stderr, exitCode: await exitCode(execId, bounded) };
    } catch (err) {
      if (!bounded.aborted) throw err;
      await kill(execId);
      if (signal.aborted) throw err;
      throw new ShimError("deadline_exceeded", `command did not end within ${timeout} s`, {
        cause: err,
      });
    } finally {
      deadline.clear();
      stream?.close();
    }
  };
}

function createDeadline(ms: number): { signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  const timer = ms > 0 ? setTimeout(() => controller.abort(), ms) : undefined;
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}

async function readAll(stream: Readable, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const abort = (): void => void stream.destroy(new Error("aborted"));
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      // What is over the limit is still read, so that the command is not blocked in a write.
      const room = outputLimit - size;
      if (room > 0) chunks.push(chunk.subarray(0, room));
      size += chunk.length;
    }
  } finally {
    signal.removeEventListener("abort", abort);
  }
  const all = new Uint8Array(Math.min(size, outputLimit));
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}
