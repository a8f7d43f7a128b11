import { spawn } from "node:child_process";
import { Duplex } from "node:stream";

export interface SocatTarget {
  /** A process in the network namespace. */
  readonly pid: number;
  readonly family: 4 | 6;
  readonly host: string;
  readonly port: number;
  readonly signal: AbortSignal;
}

/** Of what the programs say, so much is kept for an error, in characters. */
const maxDiagnosis = 2_048;

/**
 * Connects to a port inside a network namespace by means of nsenter(1) and socat(1).
 *
 * socat reports each step at its second level of verbosity, and so the moment when it is
 * connected; before that nothing of the client's data may be given to it.
 */
export async function dialThroughSocat(target: SocatTarget): Promise<Duplex> {
  const { pid, family, host, port, signal } = target;
  const address = family === 4 ? `TCP4:${host}:${port}` : `TCP6:[${host}]:${port}`;
  const child = spawn(
    "nsenter",
    // Once one direction has ended, the other one may take as long as it likes.
    ["-t", String(pid), "-n", "socat", "-d", "-d", "-t", "86400", "STDIO", address],
    { stdio: "pipe", signal, killSignal: "SIGKILL" },
  );
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  let said = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text: string) => {
    said = (said + text).slice(-maxDiagnosis);
    if (!/starting data transfer loop/.test(said)) return;
    const stream = Duplex.from({ writable: child.stdin, readable: child.stdout });
    stream.once("close", () => child.kill("SIGKILL"));
    resolve(stream);
  });
  child.once("error", reject);
  child.once("close", (code) =>
    reject(new Error(diagnosisOf(said) || `socat exited with ${code}`)),
  );
  // Whoever uses the stream learns of its errors; these are the same ones again.
  for (const pipe of [child.stdin, child.stdout]) pipe.on("error", () => undefined);
  return await promise;
}

/** The reasons among socat's lines: those of level E. */
function diagnosisOf(said: string): string {
  const errors = said.split("\n").filter((line) => / E /.test(line));
  const reason = errors.at(-1)?.replace(/^.* E /, "") ?? said.trim();
  return /refused/i.test(reason) ? "connection refused" : reason;
}
