import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@dockershim/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { identify } from "../../lab/process-id.ts";
import { runConformance } from "../conformance.ts";
import { endProgram, isRunning, type Program, startProgram } from "../processes.ts";
import type { Cluster } from "../up-down.ts";
import { underKills } from "./daemon-kills.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "daemon-kills-"));
});
afterEach(async () => {
  await endProgram(folder, "daemon", 0);
  rmSync(folder, { recursive: true, force: true });
});

/** A daemon that can be started so many times. */
function daemonOf(starts: number): Program {
  const [started, serving] = [join(folder, "starts"), join(folder, "serving")];
  const script = [
    `echo >> ${started}`,
    `[ $(wc -l < ${started}) -le ${starts} ] || { echo "no room left"; exit 1; }`,
    `echo $$ > ${serving}`,
    "exec sleep 600",
  ];
  return {
    name: "daemon",
    program: "/bin/sh",
    args: ["-c", script.join("\n")],
    timeoutMs: 60_000,
    // What the one before has left there is dead.
    isReady: async () =>
      existsSync(serving) && identify(Number(readFileSync(serving, "utf8"))) !== undefined,
  };
}
const startsOf = (): number => readFileSync(join(folder, "starts"), "utf8").length;

test("what goes on under kills ends with what comes of it, and the daemon serves", async () => {
  const daemon = daemonOf(1_000);
  await startProgram(folder, daemon);
  const run = await underKills(folder, daemon, () => until(() => startsOf() > 2), 10);
  expect(run).toMatchObject({ result: true, kills: startsOf() - 1 });
  expect(isRunning(folder, "daemon")).toBe(true);
});

test("it ends at once when the daemon cannot be started again, and says why", async () => {
  const daemon = daemonOf(1);
  await startProgram(folder, daemon);
  const signals: AbortSignal[] = [];
  async function neverEnds(signal: AbortSignal): Promise<void> {
    signals.push(signal);
    await new Promise(() => undefined);
  }
  await expect(underKills(folder, daemon, neverEnds, 10)).rejects.toThrow("no room left");
  expect(signals).toMatchObject([{ aborted: true }]);
});

test("specs that run end at once, with the processes that run them", async () => {
  const pids = join(folder, "pids");
  const ginkgo = join(folder, "ginkgo");
  const script = `sleep 600 & echo $$ $! > ${pids}.new; mv ${pids}.new ${pids}; wait`;
  writeFileSync(ginkgo, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const controller = new AbortController();
  const run = runConformance({
    programs: { ginkgo, "e2e.test": "e2e.test" },
    cluster: { kubeconfig: "kubeconfig", kubectl: "kubectl" } as Cluster,
    folder,
    attempts: 1,
    signal: controller.signal,
  });
  await until(() => existsSync(pids));
  controller.abort(new Error("no room left"));
  await expect(run).rejects.toThrow("no room left");
  for (const pid of readFileSync(pids, "utf8").trim().split(" ")) {
    await until(() => identify(Number(pid)) === undefined);
  }
});
