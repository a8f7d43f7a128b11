#!/usr/bin/env node
import { endWithParent, rerunWithNewerNode } from "./newer-node.js";

if (Number(process.versions.node.split(".")[0]) < 22) {
  rerunWithNewerNode();
} else {
  endWithParent();
  const { endWithOutput } = await import("../dist/output/broken-output.js");
  endWithOutput(process.stdout, process.stderr);
  const { main } = await import("../dist/main.js");
  process.exitCode = await main(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    now: Date.now,
  });
}
