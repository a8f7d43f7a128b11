import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";

// Stands for bin/dockershim.js: the first run is the old Node, the second one the new.
const script = `
const { endWithParent, rerunWithNewerNode } = await import(process.env.NEWER_NODE_URL);
if (process.env.DOCKERSHIM_LIFELINE_FD === undefined) {
  rerunWithNewerNode();
} else {
  endWithParent();
  process.on("SIGTERM", () => process.exit(7));
  process.stdout.write("up " + process.argv.slice(2).join(" "));
  setInterval(() => {}, 1_000_000);
}
`;

let dir: string;
let child: ChildProcess | undefined;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "cli-node-"));
  await writeFile(join(dir, "script.mjs"), script);
});
afterAll(() => rm(dir, { recursive: true }));
afterEach(() => {
  child?.kill("SIGKILL");
});

/** Starts the pair and waits for the newer Node's greeting. */
async function start(): Promise<{ greeting: string; child: ChildProcess }> {
  const path = join(import.meta.dirname, "../bin/newer-node.js");
  const started = spawn(process.execPath, [join(dir, "script.mjs"), "serve", "--x=1"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      NEWER_NODE_URL: pathToFileURL(path).href,
      DOCKERSHIM_NODE: process.execPath,
    },
  });
  child = started;
  const [greeting] = await once(started.stdout, "data");
  return { greeting: String(greeting), child: started };
}

test("an old Node hands its arguments, signals and exit code on to a newer one", async () => {
  const { greeting, child } = await start();
  expect(greeting).toBe("up serve --x=1");
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([7, null]);
});

test("the newer Node ends with the old one, even when that was killed", async () => {
  const { child } = await start();
  child.kill("SIGKILL");
  // The newer Node has this pipe from the old one; it closes when both are gone.
  await once(child, "close");
  expect(child.signalCode).toBe("SIGKILL");
});
