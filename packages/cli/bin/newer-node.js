// Runs in a Node that is too old for everything else, so it is plain and depends on nothing.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";

/** Says to the newer Node which descriptor closes when the older one is gone. */
const lifelineVariable = "DOCKERSHIM_LIFELINE_FD";

/**
 * Runs this command again with the Node that this checkout has installed for itself (or
 * the one that $DOCKERSHIM_NODE names), and ends as it ends: same exit code, same signal.
 */
export function rerunWithNewerNode() {
  const checkout = join(import.meta.dirname, "../../..");
  const node = [
    process.env.DOCKERSHIM_NODE,
    join(checkout, ".tools/node_modules/node/bin/node"),
  ].find((path) => path && existsSync(path));
  if (!node) {
    console.error(
      `dockershim: this needs Node 22 or newer, and runs in ${process.versions.node} (DOCKERSHIM_NODE can name another node)`,
    );
    process.exit(1);
  }
  const child = spawn(node, process.argv.slice(1), {
    stdio: ["inherit", "inherit", "inherit", "pipe"],
    env: { ...process.env, [lifelineVariable]: "3" },
  });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal));
  }
  child.on("error", (error) => {
    console.error(`dockershim: cannot run ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (code !== null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** Makes the newer Node end with the older one, also when that is killed with SIGKILL. */
export function endWithParent() {
  const fd = Number(process.env[lifelineVariable] ?? Number.NaN);
  delete process.env[lifelineVariable];
  if (!Number.isInteger(fd)) return;
  const lifeline = new Socket({ fd, readable: true, writable: false });
  lifeline.on("error", () => {});
  lifeline.on("close", () => process.kill(process.pid, "SIGKILL"));
  lifeline.resume();
  lifeline.unref();
}
