import { execFile, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { type Session, type SessionOptions, steps } from "./crictl-steps.ts";
import type { Outcome } from "./outcome.ts";

const run = promisify(execFile);

/** What to run crictl with. */
export interface CrictlOptions extends SessionOptions {
  readonly program: string;
  readonly endpoint: string;
}

/** In ms; what takes longer hangs. */
const timeout = 90_000;

async function matchingLine(stream: Readable, pattern: RegExp): Promise<string> {
  for await (const line of createInterface({ input: stream })) if (pattern.test(line)) return line;
  throw new Error(`it ended without ${pattern}`);
}

/** Goes through an operator's session with crictl. */
export async function runCrictl(options: CrictlOptions): Promise<Outcome[]> {
  const { program, endpoint, folder, image } = options;
  const logDirectory = join(folder, "crictl-logs");
  mkdirSync(logDirectory, { recursive: true });
  const podFile = join(folder, "pod.json");
  const metadata = { name: "crictl", namespace: "conformance", uid: `crictl-${process.pid}` };
  writeFileSync(
    podFile,
    JSON.stringify({
      metadata: { ...metadata, attempt: 0 },
      log_directory: logDirectory,
      linux: {},
    }),
  );
  const writeContainer = (name: string): string => {
    const file = join(folder, `container-${name}.json`);
    const config = {
      metadata: { name, attempt: 0 },
      image: { image },
      command: ["sh", "-c", "echo hello; exec sleep 600"],
      log_path: `${name}.log`,
      linux: {},
    };
    writeFileSync(file, JSON.stringify(config));
    return file;
  };
  // A configuration of the machine's own must not get in.
  const own = ["--config", "/dev/null", "--runtime-endpoint", endpoint, "--timeout", "60s"];
  const allArgs = (args: readonly string[]) => [...own, "--image-endpoint", endpoint, ...args];
  const firstLine: Session["firstLine"] = async (pattern, args, act) => {
    const child = spawn(program, allArgs(args), { stdio: ["ignore", "pipe", "ignore"], timeout });
    let over = false;
    const line = matchingLine(child.stdout, pattern).finally(() => {
      over = true;
    });
    // When it listens it does not tell.
    const acts = (async () => {
      while (!over) await act();
    })();
    try {
      const [found] = await Promise.all([line, acts]);
      return found;
    } finally {
      child.kill();
    }
  };
  const session: Session = {
    crictl: async (...args) => (await run(program, allArgs(args), { timeout })).stdout,
    firstLine,
    podFile,
    containerFile: writeContainer("main"),
    otherContainerFile: writeContainer("other"),
    options,
    pod: "",
    container: "",
  };
  const outcomes: Outcome[] = [];
  for (const [name, step] of steps) {
    const begin = performance.now();
    const reason = await step(session).then(
      () => "",
      (error: Error & { stderr?: string }) => (error.stderr || error.message).trim(),
    );
    outcomes.push({
      name: `crictl ${name}`,
      state: reason === "" ? "passed" : "failed",
      reason: reason.replace(/\s+/g, " "),
      seconds: (performance.now() - begin) / 1000,
    });
  }
  return outcomes;
}
