/** How an exec or attach session ended. */
export type SessionOutcome = { readonly exitCode: number } | { readonly error: Error };

/** v4 and v5 report a JSON `Status`, older protocols plain text and nothing on success. */
export type StatusFormat = "json" | "text";

/** The parts of a Kubernetes `Status` object that clients read. */
interface Status {
  readonly metadata: Record<string, never>;
  readonly status: "Success" | "Failure";
  readonly message?: string;
  readonly reason?: "NonZeroExitCode" | "InternalError";
  readonly details?: { readonly causes: readonly { reason?: "ExitCode"; message: string }[] };
  readonly code?: number;
}

/**
 * The text for the error stream, empty if nothing is to be written. `action` says what failed,
 * such as "error executing command in container".
 */
export function encodeStatus(
  outcome: SessionOutcome,
  format: StatusFormat,
  action: string,
): string {
  const status = toStatus(outcome, action);
  if (format === "json") return JSON.stringify(status);
  return status.message ?? "";
}

function toStatus(outcome: SessionOutcome, action: string): Status {
  if ("error" in outcome) return internalError(`${action}: ${outcome.error.message}`);
  const { exitCode } = outcome;
  if (exitCode === 0) return { metadata: {}, status: "Success" };
  // Clients parse the code as eight bits and fail on anything else.
  if (!Number.isInteger(exitCode) || exitCode < 0 || exitCode > 255) {
    return internalError(`${action}: exit code ${exitCode} is out of range`);
  }
  return {
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: ${exitCode}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  };
}

function internalError(message: string): Status {
  return {
    metadata: {},
    status: "Failure",
    message: `Internal error occurred: ${message}`,
    reason: "InternalError",
    details: { causes: [{ message }] },
    code: 500,
  };
}
