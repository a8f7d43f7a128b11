import type { AttachmentLock } from "./attachment-lock.js";
import { createDeadline } from "./deadline.js";
import type { HostPorts } from "./host-ports.js";
import type { CniLog } from "./log.js";
import type { PluginCaller } from "./plugin-call.js";
import type { ResultCache } from "./result-cache.js";
import type { MakeStandInNetns } from "./stand-in-netns.js";

/** What every operation takes. */
export interface OperationOptions {
  /** Ends the operation, and the plugin that it is at, with `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** Time limit in milliseconds, waiting for other operations included. */
  readonly timeoutMs?: number | undefined;
}

/** What the operations of one runtime share. */
export interface OperationContext {
  readonly caller: PluginCaller;
  readonly cache: ResultCache;
  readonly lock: AttachmentLock;
  readonly hostPorts: HostPorts;
  readonly makeStandInNetns: MakeStandInNetns;
  readonly binDirs: readonly string[];
  readonly timeoutMs: number;
  /** Time limit in milliseconds of the DEL that follows a failed ADD. */
  readonly cleanupTimeoutMs: number;
  /** Fires when the runtime is closed. */
  readonly closed: AbortSignal;
  readonly log: CniLog;
}

/** Runs work under the operation's deadline. */
export async function withDeadline<T>(
  context: OperationContext,
  what: string,
  options: OperationOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = createDeadline(what, options.timeoutMs ?? context.timeoutMs, [
    options.signal,
    context.closed,
  ]);
  try {
    return await work(deadline.signal);
  } finally {
    deadline.dispose();
  }
}
