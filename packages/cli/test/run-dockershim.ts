import { PassThrough, type Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { main } from "../src/main.js";
import { sampleNow } from "./sample-runtime.js";

/** Ends of the terminal in the hands of a test. */
export interface TerminalEnds {
  readonly stdin?: Readable;
  /** Default: what names the runtime. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called with all of stdout so far. */
  readonly onOutput?: (printed: string) => unknown;
  /** Makes stderr a terminal; called with each piece that is written there. */
  readonly onScreen?: (written: string) => unknown;
  /** Makes stdout a terminal of this width. */
  readonly columns?: number;
}

/** Runs a command against the runtime at an endpoint, at the time of the samples. */
export async function runDockershim(
  endpoint: string,
  args: readonly string[],
  {
    stdin = new PassThrough(),
    onOutput,
    onScreen,
    columns,
    env = { CONTAINER_RUNTIME_ENDPOINT: endpoint },
  }: TerminalEnds = {},
) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const printed = Promise.all([text(stdout), text(stderr)]);
  let soFar = "";
  stdout.on("data", (chunk) => {
    soFar += chunk;
    onOutput?.(soFar);
  });
  if (columns !== undefined) Object.assign(stdout, { isTTY: true, columns });
  if (onScreen) {
    Object.assign(stderr, { isTTY: true });
    stderr.on("data", (chunk) => onScreen(String(chunk)));
  }
  const code = await main(args, { stdin, stdout, stderr, env, now: () => sampleNow });
  stdout.end();
  stderr.end();
  const [out, err] = await printed;
  return { stdout: out, stderr: err, code };
}
