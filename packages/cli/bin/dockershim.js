#!/usr/bin/env node
import { main } from "../dist/index.js";

// `dockershim logs … | head` is no reason to complain.
process.stdout.on("error", (error) => process.exit(error.code === "EPIPE" ? 0 : 1));

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  now: Date.now,
});
