// Where the executable begins. It is packages/cli/bin/dockershim.js without the look for a newer Node.

import { basename } from "node:path";
import { endWithOutput, main } from "@dockershim/cli";
import { useLightHeaders } from "./light-headers.js";

useLightHeaders();
const args = process.argv.slice(2);
// Under the name of the daemon that it takes the place of, it takes that one's flags.
if (basename(process.argv0) === "cri-dockerd") args.unshift("cri-dockerd");
endWithOutput(process.stdout, process.stderr);
void main(args, {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  now: Date.now,
}).then((code) => {
  process.exitCode = code;
});
