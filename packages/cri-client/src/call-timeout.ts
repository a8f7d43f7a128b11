/** The two default deadlines, in milliseconds. */
export interface CallTimeouts {
  /** For calls that only read. */
  timeoutMs: number;
  /** For calls that make the runtime do something. */
  operationTimeoutMs: number;
}

/** The longest that gRPC's header can say in milliseconds, which are what Connect writes: eight digits. */
const longestMs = 99_999_999;

const operations = new Set([
  "StopPodSandbox",
  "RemovePodSandbox",
  "CreateContainer",
  "StartContainer",
  "RemoveContainer",
  "UpdateContainerResources",
  "UpdatePodSandboxResources",
  "ReopenContainerLog",
  "CheckpointPod",
  "RestorePod",
  "RemoveImage",
]);

/**
 * The deadline for one call, in milliseconds; 0 means none. It follows the kubelet's
 * practice: twice the usual time for a sandbox, the grace period on top for a stop, a
 * command's own timeout on top for ExecSync, and no deadline where the length of the
 * work is not known (a pull, a command without a timeout, events).
 */
export function callTimeoutMs(method: string, request: unknown, timeouts: CallTimeouts): number {
  const { timeoutMs, operationTimeoutMs } = timeouts;
  const requested = Number((request as { timeout?: bigint }).timeout ?? 0n) * 1000;
  switch (method) {
    case "PullImage":
    case "GetContainerEvents":
      return 0;
    case "ExecSync":
      return requested > 0 ? withExtra(operationTimeoutMs, requested) : 0;
    case "RunPodSandbox":
      return withExtra(operationTimeoutMs, operationTimeoutMs);
    case "StopContainer":
    case "CheckpointContainer":
      return withExtra(operationTimeoutMs, requested);
    default:
      return withExtra(operations.has(method) ? operationTimeoutMs : timeoutMs, 0);
  }
}

function withExtra(defaultMs: number, extraMs: number): number {
  // A default of 0 turns the deadline off, whatever comes on top.
  return defaultMs <= 0 ? 0 : defaultMs + Math.max(extraMs, 0);
}

/** A deadline as gRPC's header can carry it: in whole milliseconds, and none (0) for one of more than a day. */
export function wholeTimeoutMs(timeoutMs: number): number {
  return timeoutMs > longestMs ? 0 : Math.ceil(timeoutMs);
}
