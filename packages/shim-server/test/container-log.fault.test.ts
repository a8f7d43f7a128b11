import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ContainerState } from "@dockershim/cri-types";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { labConfig } from "../../../lab/config.ts";
import { type EngineEnd, endEngine, restartEngine } from "../../../lab/restart.ts";
import { down, up } from "../../../lab/up-down.ts";
import { createHarness, type Harness } from "./harness.js";
import { readNumberedLog } from "./log-checker.js";

// An engine of its own: the others would not survive its restarts.
const config = labConfig({ ...process.env, LAB: `${process.env.LAB ?? "test"}-logfaults` });
const sharedEngine = process.env.LAB_DOCKER_ENDPOINT;

describe("container logs when something breaks", () => {
  let h: Harness;
  beforeAll(async () => {
    Object.assign(process.env, await up(config));
    h = await createHarness();
  });
  afterAll(async () => {
    await h.close();
    await down(config);
    process.env.LAB_DOCKER_ENDPOINT = sharedEngine;
  });

  const numbers = (count: number): string =>
    `awk 'BEGIN{for(p="";length(p)<90;)p=p "x";for(i=1;i<=${count};i++)print i " " p}'`;

  /** Runs a script; its log is on a disk of its own where a size is given. */
  async function run(script: string, diskBytes?: number) {
    const sandbox = h.sandboxConfig();
    const directory = sandbox.logDirectory ?? "";
    const unmount = (): void => void execFileSync("umount", [directory]);
    if (diskBytes !== undefined) {
      mkdirSync(directory, { recursive: true });
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${diskBytes}`, "tmpfs", directory]);
    }
    const command = ["sh", "-c", script];
    const { containerId, podSandboxId } = await h.runPod(sandbox, { command });
    const path = join(directory, "main.log");
    return { id: containerId, podSandboxId, directory, path, unmount };
  }

  async function ended(id: string): Promise<void> {
    await until(async () => {
      const reply = await h.cri.runtime.containerStatus({ containerId: id }).catch(() => undefined);
      return reply?.status?.state === ContainerState.CONTAINER_EXITED;
    });
  }

  /** All that the engine has of a container's output. */
  async function engineOutput(id: string): Promise<string> {
    const output: string[] = [];
    for await (const { data } of h.docker.containers.logs(id)) output.push(data.toString("latin1"));
    return output.join("");
  }

  /** What the log says that the container wrote; an unfinished last line ends as the engine has it. */
  function written(path: string): string {
    return readFileSync(path, "latin1").replaceAll(
      /^\S+Z std(?:out|err) ([PF]) (.*)\n/gm,
      (_line, tag: string, content: string) => (tag === "F" ? `${content}\n` : content),
    );
  }

  test.each([
    ["while it runs", (): Promise<void> => Promise.resolve()],
    ["after the daemon was started again", (): Promise<void> => h.restart()],
  ])("a full disk loses and doubles nothing once it is freed, %s", async (_when, meanwhile) => {
    const size = 1024 * 1024;
    const count = 50_000;
    const { id, path, directory, unmount } = await run(numbers(count), size);
    try {
      await until(() => statSync(path).size === size);
      await ended(id);
      await meanwhile();
      execFileSync("mount", ["-o", "remount,size=64m", directory]);
      const lines = async () => (await readNumberedLog(path)).last.stdout;
      await until(async () => (await lines()) === count);
      expect(await readNumberedLog(path)).toMatchObject({ last: { stdout: count }, problems: [] });
    } finally {
      await h.cri.runtime.stopContainer({ containerId: id, timeout: 0n });
      unmount();
    }
  });

  test.each<[EngineEnd, boolean]>([
    ["stopped", false],
    ["killed", false],
    ["killed", true],
    ["stopped", true],
  ])(
    "an engine that is %s leaves a log that has what the engine has (live restore: %s)",
    async (how, liveRestore) => {
      // Live restore counts for the containers of an engine that was started with it.
      await endEngine(config, "stopped");
      await restartEngine(config, { liveRestore });
      await until(async () => (await h.cri.runtime.listContainers({}).catch(() => null)) !== null);
      const { id, path } = await run(`while :; do ${numbers(500)}; sleep 0.05; done`);
      await until(() => statSync(path).size > 100_000);
      await endEngine(config, how);
      await restartEngine(config, { liveRestore });
      await until(async () => (await h.cri.runtime.listContainers({}).catch(() => null)) !== null);
      if (liveRestore) {
        const { size } = statSync(path);
        await until(() => statSync(path).size > size + 100_000);
        await h.cri.runtime.stopContainer({ containerId: id, timeout: 0n });
      }
      await ended(id);
      const output = await engineOutput(id);
      expect(output.length).toBeGreaterThan(50_000);
      expect(written(path) === output).toBe(true);
    },
  );
});
