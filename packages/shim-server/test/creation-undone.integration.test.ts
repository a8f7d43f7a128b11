import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PodSandboxState } from "@dockershim/cri-types";
import { labVariable, seeded, until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { createHarness, type Harness } from "./harness.js";

const calls = 40;

describe("a creation whose caller goes", () => {
  let h: Harness;
  /** Calls that the daemon has answered, by name: the reply to one may come too late for its caller. */
  const answered = new Map<string, number>();
  beforeAll(async () => {
    const write = (line: string): void => {
      const { call, msg } = JSON.parse(line);
      if (msg === "call") answered.set(call, (answered.get(call) ?? 0) + 1);
    };
    h = await createHarness({}, pino({ level: "debug" }, { write }));
  });
  afterAll(() => h.close());

  /**
   * Makes a call again and again, four at a time, and leaves each at a moment of what one takes.
   *
   * @returns How many were left before they had ended.
   */
  async function leaveAtAnyMoment(
    call: (signal: AbortSignal, index: number) => Promise<unknown>,
    takesMs: number,
  ): Promise<number> {
    const random = seeded(14);
    let next = 0;
    let left = 0;
    const worker = async (): Promise<void> => {
      while (next < calls) {
        const index = next++;
        const signal = AbortSignal.timeout(Math.round(random() * takesMs));
        await call(signal, index).catch(() => left++);
      }
    };
    await Promise.all(Array.from({ length: 4 }, worker));
    return left;
  }

  async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
    const began = performance.now();
    return [await work(), performance.now() - began];
  }

  test(`${calls} RunPodSandbox that are left at any moment leave only what was answered`, async () => {
    const [{ podSandboxId }, takesMs] = await timed(() =>
      h.cri.runtime.runPodSandbox({ config: h.sandboxConfig() }),
    );
    await h.cri.runtime.removePodSandbox({ podSandboxId });
    answered.clear();
    const left = await leaveAtAnyMoment(
      (signal) => h.cri.runtime.runPodSandbox({ config: h.sandboxConfig() }, { signal }),
      takesMs,
    );
    expect(left).toBeGreaterThan(calls / 4);
    await until(async () => (await h.dockerIds()).length === (answered.get("RunPodSandbox") ?? 0));
    const { items } = await h.cri.runtime.listPodSandbox({});
    for (const { id } of items) await h.cri.runtime.removePodSandbox({ podSandboxId: id });
    await until(async () => (await h.dockerIds()).length === 0);
    const results = join(h.options.rootDir ?? "", "cni", "results");
    expect(readdirSync(results)).toEqual([]);
  });

  test(`${calls} CreateContainer that are left at any moment leave only what was answered`, async () => {
    const sandboxConfig = h.sandboxConfig();
    const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config: sandboxConfig });
    const create = (index: number, signal?: AbortSignal) =>
      h.cri.runtime.createContainer(
        {
          podSandboxId,
          sandboxConfig,
          config: h.containerConfig({ metadata: { name: `c${index}`, attempt: 0 } }),
        },
        signal === undefined ? {} : { signal },
      );
    const [{ containerId }, takesMs] = await timed(() => create(calls));
    await h.cri.runtime.removeContainer({ containerId });
    answered.clear();
    const left = await leaveAtAnyMoment((signal, index) => create(index, signal), takesMs);
    expect(left).toBeGreaterThan(calls / 4);
    await until(
      async () => (await h.dockerIds()).length === 1 + (answered.get("CreateContainer") ?? 0),
    );
    await h.cri.runtime.removePodSandbox({ podSandboxId });
  });
});

describe("a sandbox whose network can be neither made nor undone", () => {
  let h: Harness;
  let broken: string;
  let leases: string;
  beforeAll(async () => {
    h = await createHarness();
    const confDir = join(h.dir, "net.d");
    const binDir = join(h.dir, "bin");
    broken = join(h.dir, "broken");
    mkdirSync(confDir);
    mkdirSync(binDir);
    const [name = ""] = readdirSync(labVariable("LAB_CNI_CONF_DIR"));
    const list = JSON.parse(readFileSync(join(labVariable("LAB_CNI_CONF_DIR"), name), "utf8"));
    leases = join(list.plugins[0].ipam.dataDir, list.name);
    list.plugins.push({ type: "broken" });
    writeFileSync(join(confDir, name), JSON.stringify(list));
    writeFileSync(
      join(binDir, "broken"),
      `#!/bin/sh
[ "$CNI_COMMAND" = VERSION ] && exec echo '{"cniVersion":"1.0.0","supportedVersions":["0.4.0","1.0.0"]}'
[ -e ${broken} ] && { echo '{"cniVersion":"1.0.0","code":11,"msg":"try again"}'; exit 1; }
[ "$CNI_COMMAND" = ADD ] && sed 's/.*"prevResult"://; s/}$//'
exit 0
`,
    );
    chmodSync(join(binDir, "broken"), 0o755);
    await h.restart({
      cniConfDir: confDir,
      cniBinDirs: [binDir, labVariable("LAB_CNI_BIN_DIR")],
    });
  });
  afterAll(() => h.close());

  /** Addresses that host-local has given to a sandbox; each is a file that begins with its id. */
  function leasesOf(id: string): string[] {
    return readdirSync(leases).filter((name) => {
      try {
        return readFileSync(join(leases, name), "utf8").startsWith(id);
      } catch {
        // Another test's, given back in this moment.
        return false;
      }
    });
  }

  test("it is listed as NOTREADY when its call ends, and can be stopped and removed", async () => {
    const config = h.sandboxConfig();
    writeFileSync(broken, "");
    await expect(h.cri.runtime.runPodSandbox({ config })).rejects.toMatchObject({
      message: expect.stringContaining("try again"),
    });
    const { items } = await h.cri.runtime.listPodSandbox({});
    expect(items).toMatchObject([{ state: PodSandboxState.SANDBOX_NOTREADY }]);
    const [{ id: podSandboxId } = { id: "" }] = items;
    await expect(h.cri.runtime.stopPodSandbox({ podSandboxId })).rejects.toMatchObject({
      message: expect.stringContaining("try again"),
    });
    rmSync(broken);
    await h.cri.runtime.stopPodSandbox({ podSandboxId });
    await h.cri.runtime.removePodSandbox({ podSandboxId });
    expect(await h.dockerIds()).toEqual([]);
    // Other tests take and give back addresses of the same range meanwhile.
    expect(leasesOf(podSandboxId)).toEqual([]);
  });
});
