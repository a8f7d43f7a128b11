import { pino, type SerializedError } from "pino";

/**
 * An error in the daemon's log. One with a code says by its message what happened; the stack is for
 * those that nobody foresaw.
 */
export function describeError(error: unknown): SerializedError | unknown {
  if (!(error instanceof Error)) return error;
  const { code } = error as { code?: unknown };
  if (typeof code !== "string") return pino.stdSerializers.err(error);
  return { type: error.name, message: error.message, code };
}

/** A line of the daemon's log for a person: what happened, with what, and what to do about it. */
export function describeRecord(record: Record<string, unknown>): string {
  const { level: _level, time: _time, msg, hint, error, err, ...fields } = record;
  if (msg === "ready") return describeReady(fields);
  const why = (error ?? (err as { message?: unknown } | undefined)?.message ?? "") as string;
  const details = Object.entries(fields).map(([key, value]) => `${key}=${show(value)}`);
  const line = [`${msg}${why === "" ? "" : `: ${why}`}`, ...details].join("  ");
  const stack = (err as { stack?: unknown } | undefined)?.stack;
  return [line, ...advice(hint), ...(typeof stack === "string" ? [stack] : [])].join("\n");
}

/** The daemon serves: for pods, or only to say what it waits for. */
function describeReady({ endpoint, version, waitingFor }: Record<string, unknown>): string {
  const serving = `dockershim ${version} serves CRI on ${endpoint}`;
  if (!Array.isArray(waitingFor)) {
    const next = `start the kubelet with --container-runtime-endpoint=${endpoint}`;
    return [`ready: ${serving}`, ...advice(next)].join("\n");
  }
  const reasons = waitingFor.map((reason) => `\n    - ${reason}`).join("");
  const next = `see how it is with: dockershim -r ${endpoint} info`;
  return [`${serving}, but pods have to wait:${reasons}`, ...advice(next)].join("\n");
}

function advice(hint: unknown): string[] {
  return typeof hint === "string" ? [`    → ${hint}`] : [];
}

function show(value: unknown): string {
  return typeof value === "string" && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}
