// Where the executable begins. It is packages/cli/bin/dockershim.js without the look for a newer Node.

import { main } from "@dockershim/cli";
import { keepHeapSmall } from "../packages/cli/bin/small-heap.js";

if (process.argv.includes("serve")) keepHeapSmall();
// `dockershim logs … | head` is no reason to complain.
process.stdout.on("error", (error) => process.exit(error.code === "EPIPE" ? 0 : 1));
void main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  now: Date.now,
}).then((code) => {
  process.exitCode = code;
});
