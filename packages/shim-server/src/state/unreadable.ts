import { isDockerError } from "@dockershim/docker-client";

/** Whether the engine is there, but does not tell of what it was asked to inspect. */
export function isUnreadable(reason: unknown): boolean {
  return isDockerError(reason, "deadline_exceeded", "server_error");
}
