import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ConformanceError } from "./conformance-error.ts";
import { readReport } from "./ginkgo-report.ts";
import type { Outcome } from "./outcome.ts";

/** What to run critest with. */
export interface CritestOptions {
  readonly program: string;
  readonly endpoint: string;
  /** Where its NRI plugins connect. */
  readonly nriSocket: string;
  /** Where its output and report go. */
  readonly folder: string;
  /** Regular expression of the specs to run; all when left out. */
  readonly focus?: string | undefined;
}

/** Runs critest to its end. Failing specs are outcomes; only a run that never got to its report throws. */
export async function runCritest(options: CritestOptions): Promise<Outcome[]> {
  const { program, endpoint, nriSocket, folder, focus } = options;
  const report = join(folder, "critest.json");
  const log = join(folder, "critest.log");
  rmSync(report, { force: true });
  const output = createWriteStream(log);
  const child = spawn(
    program,
    [
      "-config",
      "/dev/null",
      "-runtime-endpoint",
      endpoint,
      "-image-endpoint",
      endpoint,
      "-nri-socket",
      nriSocket,
      "-ginkgo.no-color",
      // Specs run in random order; a fixed one makes two runs comparable.
      "-ginkgo.seed=1",
      // A spec that hangs becomes a failure with its name.
      "-ginkgo.timeout=40m",
      `-ginkgo.json-report=${report}`,
      ...(focus === undefined ? [] : [`-ginkgo.focus=${focus}`]),
    ],
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
  );
  let done = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    output.write(chunk);
    // Ginkgo prints a bullet for each spec that ran.
    done += chunk.toString("utf8").split("•").length - 1;
    if (process.stderr.isTTY) process.stderr.write(`\rcritest: ${done} specs`);
  });
  child.stderr.on("data", (chunk: Buffer) => output.write(chunk));
  const [code] = await once(child, "close");
  output.end();
  if (process.stderr.isTTY) process.stderr.write("\n");
  try {
    return readReport(readFileSync(report, "utf8"));
  } catch (cause) {
    throw new ConformanceError(`critest ended with ${code} and wrote no report; see ${log}`, cause);
  }
}
