import type { RuntimeExecRequest } from "@dockershim/streaming";
import type { ExecRunner } from "../exec/exec-process.js";
import { type ContainerLookup, requireRunning } from "../state/container-lookup.js";
import { joinStreams } from "./join-streams.js";
import { detachKeys } from "./terminal-input.js";

/** What an exec session uses. */
export interface ExecSessionParts {
  readonly store: ContainerLookup;
  readonly run: ExecRunner;
}

/**
 * Runs the command of an exec session. When the client goes, the command is killed with all that
 * it started.
 */
export function createExecSession({
  store,
  run,
}: ExecSessionParts): (request: RuntimeExecRequest) => Promise<{ exitCode: number }> {
  return async (session) => {
    const { containerId, cmd, tty, stdin, stdout, stderr, signal } = session;
    const { id } = requireRunning(store, containerId);
    const body = {
      Cmd: cmd,
      Tty: tty,
      AttachStdin: stdin !== null,
      AttachStdout: stdout !== null,
      AttachStderr: stderr !== null || tty,
      ...(tty ? { DetachKeys: detachKeys } : {}),
    };
    return await run(id, body, signal, async ({ stream, resize, exitCode }) => {
      await joinStreams(session, { stream, resize, typed: tty });
      return { exitCode: await exitCode() };
    });
  };
}
