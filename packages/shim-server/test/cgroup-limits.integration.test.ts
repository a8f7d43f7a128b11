import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

const v2 = existsSync("/sys/fs/cgroup/cgroup.controllers");

(v2 ? describe : describe.skip)("limits that Docker has no option for (on cgroup v2)", () => {
  let h: Harness;
  let systemd: boolean;
  beforeAll(async () => {
    h = await createHarness();
    systemd = (await h.docker.info()).CgroupDriver === "systemd";
  });
  afterAll(() => h.close());

  const mib = 1 << 20;
  const asked = {
    "memory.high": String(48 * mib),
    "memory.min": String(8 * mib),
    "io.weight": "200",
    "memory.oom.group": "1",
  };

  /** What the container's cgroup has of those files, and of swap. */
  function inForce(pid: number): Record<string, string> {
    const [, path] = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("0::");
    const read = (file: string) => readFileSync(`/sys/fs/cgroup${path}/${file}`, "utf8").trim();
    const files = [...Object.keys(asked), "memory.swap.max"];
    return Object.fromEntries(files.map((file) => [file, read(file).replace(/^default /, "")]));
  }

  test("stay through a reload of systemd and an update of other things, as the status says", async () => {
    const resources = { memoryLimitInBytes: BigInt(64 * mib), unified: asked };
    const { containerId } = await h.runPod({}, { linux: { resources } });
    const { Pid: pid } = (await h.docker.containers.inspect(containerId)).State;
    const all = { ...asked, "memory.swap.max": "0" };
    const told = async () =>
      (await h.cri.runtime.containerStatus({ containerId })).status?.resources?.linux?.unified;
    const reload = async () => {
      if (!systemd) return;
      execFileSync("systemctl", ["daemon-reload"]);
      // What has no property comes back a little later.
      await until(() => inForce(pid)["memory.oom.group"] === "1");
    };
    expect(inForce(pid)).toEqual(all);
    await reload();
    expect(inForce(pid)).toEqual(all);
    await h.cri.runtime.updateContainerResources({ containerId, linux: { cpuShares: 512n } });
    expect(inForce(pid)).toEqual(all);
    await reload();
    expect(inForce(pid)).toEqual(all);
    const more = { "memory.high": String(56 * mib) };
    const linux = { memoryLimitInBytes: BigInt(72 * mib), unified: more };
    await h.cri.runtime.updateContainerResources({ containerId, linux });
    expect(inForce(pid)).toEqual({ ...all, ...more });
    await reload();
    expect(inForce(pid)).toEqual({ ...all, ...more });
    expect(await told()).toEqual({ ...asked, ...more });
    await h.restart();
    // The list has to do while an inspect takes long, and knows no process to look at.
    const high = async () => (await told())?.["memory.high"] === more["memory.high"];
    await until(high, { everyMs: 100, deadlineMs: 200_000 });
    expect(await told()).toEqual({ ...asked, ...more });
    await reload();
    expect(inForce(pid)).toEqual({ ...all, ...more });
  });
});
