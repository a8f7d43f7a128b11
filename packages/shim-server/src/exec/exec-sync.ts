import type { Readable } from "node:stream";
import type { ExecSyncRequest } from "@dockershim/cri-types";
import type { CallContext } from "../call.js";
import { ShimError } from "../shim-error.js";
import { type ContainerLookup, requireRunning } from "../state/container-lookup.js";
import type { ExecRunner } from "./exec-process.js";
import { type CapturedOutput, limitOutput, outputLimit } from "./output-limit.js";

/** What ExecSync uses. */
export interface ExecSyncParts {
  readonly store: ContainerLookup;
  readonly run: ExecRunner;
}

interface Reply {
  stdout: Uint8Array<ArrayBuffer>;
  stderr: Uint8Array<ArrayBuffer>;
  exitCode: number;
}

/**
 * ExecSync: runs a command in a container and answers with its output and exit code.
 *
 * At its timeout (seconds, 0 for none), or when the caller goes, the command is killed with all
 * that it started: nothing is left in the container. Output over the limit is dropped, which
 * stderr tells, and the command is not disturbed by that.
 *
 * @throws ShimError `deadline_exceeded` after the timeout.
 */
export function createExecSync({
  store,
  run,
}: ExecSyncParts): (request: ExecSyncRequest, call: CallContext) => Promise<Reply> {
  return async ({ containerId, cmd, timeout }, { signal }) => {
    if (timeout < 0n) throw new ShimError("invalid_argument", "timeout: must not be negative");
    const { id } = requireRunning(store, containerId);
    if (cmd.length === 0) throw new ShimError("invalid_argument", "cmd: must not be empty");
    const deadline = createDeadline(Number(timeout) * 1000);
    const bounded = AbortSignal.any([signal, deadline.signal]);
    try {
      return await run(
        id,
        { Cmd: cmd, AttachStdout: true, AttachStderr: true },
        bounded,
        async ({ stream, exitCode }) => {
          const [stdout, stderr] = await Promise.all([
            capture(stream.stdout),
            capture(stream.stderr),
          ]);
          return { ...limitOutput(stdout, stderr), exitCode: await exitCode() };
        },
      );
    } catch (err) {
      if (!deadline.signal.aborted || signal.aborted) throw err;
      throw new ShimError("deadline_exceeded", `command did not end within ${timeout} s`, {
        cause: err,
      });
    } finally {
      deadline.clear();
    }
  };
}

/** The longest delay of a Node timer, in ms; a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1;

function createDeadline(ms: number): { signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  const timer =
    ms > 0 ? setTimeout(() => controller.abort(), Math.min(ms, longestTimer)) : undefined;
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}

async function capture(stream: Readable): Promise<CapturedOutput> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    // What is over the limit is still read, so that the command is not blocked in a write.
    if (bytes < outputLimit) chunks.push(chunk.subarray(0, outputLimit - bytes));
    bytes += chunk.length;
  }
  return { chunks, bytes };
}
