import { open } from "node:fs/promises";
import { type DockerError, isDockerError } from "@dockershim/docker-client";
import { ShimError } from "../shim-error.js";

/** CRIU's log of a failed dump is some 100 KB; what went wrong is in its last lines. */
const tailBytes = 65_536;

/** The first of them is the reason, the others follow from it. */
const mostLines = 3;

/**
 * Why the engine could not dump a container, for whoever asked for it: the engine's own words say
 * only that CRIU failed, and where its log is.
 */
export async function explainDumpFailure(err: unknown): Promise<unknown> {
  if (!isDockerError(err, "server_error", "not_implemented")) return err;
  if (/CRIU version check failed|"criu": executable file not found/i.test(err.engineMessage)) {
    return unimplemented("the engine's runtime finds no CRIU that works, on its PATH", err);
  }
  if (err.code === "not_implemented") return unimplemented(err.engineMessage, err);
  const [, log] = /path= (\S+\/criu-dump\.log)/.exec(err.engineMessage) ?? [];
  const lines = log === undefined ? [] : await errorsIn(log);
  const reason = lines.length === 0 ? err.engineMessage : `CRIU says: ${lines.join("; ")}`;
  return new ShimError("internal", `could not checkpoint the container: ${reason}`, { cause: err });
}

function unimplemented(reason: string, cause: DockerError): ShimError {
  return new ShimError("unimplemented", `this node cannot checkpoint containers: ${reason}`, {
    cause,
  });
}

/** What CRIU calls errors, `Error (criu/sk-inet.c:191): inet: Connected TCP socket, …`. */
async function errorsIn(log: string): Promise<string[]> {
  try {
    const file = await open(log);
    try {
      const { size } = await file.stat();
      const tail = Buffer.alloc(Math.min(size, tailBytes));
      await file.read(tail, 0, tail.length, size - tail.length);
      const found = tail.toString("utf8").matchAll(/Error \([^)]*\): *(.*)/g);
      return Array.from(found, ([, words = ""]) => words).slice(0, mostLines);
    } finally {
      await file.close();
    }
  } catch {
    // It is the engine's, which may run elsewhere.
    return [];
  }
}
