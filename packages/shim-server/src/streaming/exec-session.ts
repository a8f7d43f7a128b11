import type { RuntimeExecRequest } from "@dockershim/streaming";
import type { ShimContext } from "../context.js";
import { createExecRunner } from "../exec/exec-process.js";
import { requireRunning } from "../state/container-lookup.js";
import { joinStreams } from "./join-streams.js";

/**
 * Runs the command of an exec session. When the client goes, the command is killed with all that
 * it started.
 */
export function createExecSession(
  context: Pick<ShimContext, "docker" | "store" | "feed" | "execExits" | "log">,
): (request: RuntimeExecRequest) => Promise<{ exitCode: number }> {
  const { store, feed } = context;
  const run = createExecRunner(context);
  return async (session) => {
    const { containerId, cmd, tty, stdin, stdout, stderr, signal } = session;
    await feed.ready();
    requireRunning(store, containerId);
    const body = {
      Cmd: cmd,
      Tty: tty,
      AttachStdin: stdin !== null,
      AttachStdout: stdout !== null,
      AttachStderr: stderr !== null || tty,
    };
    return await run(containerId, body, signal, async (process) => {
      await joinStreams(session, process.stream, process.resize);
      return { exitCode: await process.exitCode() };
    });
  };
}
