#!/usr/bin/env node
import { endWithParent, rerunWithNewerNode } from "./newer-node.js";

if (Number(process.versions.node.split(".")[0]) < 22) {
  rerunWithNewerNode();
} else {
  endWithParent();
  if (["serve", "cri-dockerd"].some((name) => process.argv.includes(name))) {
    (await import("./small-heap.js")).keepHeapSmall();
  }
  // `dockershim logs … | head` is no reason to complain.
  process.stdout.on("error", (error) => process.exit(error.code === "EPIPE" ? 0 : 1));
  const { main } = await import("../dist/main.js");
  process.exitCode = await main(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    now: Date.now,
  });
}
