import type { Writable } from "node:stream";
import { exitCodes } from "../cli-error.js";

/**
 * Ends the process when what it prints cannot be written: quietly where the reader has gone, as in
 * `dockershim logs … | head`, and with a word and code 1 where something is lost, as on a full disk.
 */
export function endWithOutput(stdout: Writable, stderr: Writable): void {
  // Where not even this can be told the exit code has to do.
  stderr.on("error", () => undefined);
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exitCodes.ok);
    const why = error.message.replace(/^\w+: /, "").replace(/, \w+$/, "");
    stderr.write(`dockershim: cannot write the output: ${why}\n`, () =>
      process.exit(exitCodes.failure),
    );
  });
}
