import { create } from "@bufbuild/protobuf";
import { UpdateContainerResourcesRequestSchema } from "@dockershim/cri-types";
import type { CgroupWrite, EngineFacts } from "@dockershim/pod-sandbox";
import { expect, test } from "@jest/globals";
import { pino } from "pino";
import { withoutNri } from "../src/nri/nri.js";
import { createContainerUpdate } from "../src/pods/container-update.js";
import type { ContainerRecord } from "../src/state/records.js";
import { createUnmanagedLimits } from "../src/state/unmanaged-limits.js";

const engineFacts = {
  cgroupVersion: 2,
  cgroupDriver: "systemd",
  minOomScoreAdj: -1000,
} as EngineFacts;

/** UpdateContainerResources of one running container; `applied` is what was written, in order. */
function setUp(hostConfig = {}) {
  const record = {
    kind: "container",
    id: "c1",
    inspect: {
      Id: "c1",
      Name: "/k8s_c_p_n_u_0",
      State: { Status: "running", Pid: 7 },
      Config: { Labels: {} },
      HostConfig: hostConfig,
    },
  } as unknown as ContainerRecord;
  const applied: string[][] = [];
  const container = (id: string) => (id === record.id ? record : undefined);
  const unmanagedLimits = createUnmanagedLimits({ onChange: () => () => undefined });
  const handler = createContainerUpdate({
    docker: { containers: { update: async () => [] } },
    engine: { facts: async () => engineFacts },
    store: { container, containers: () => [record], refresh: async () => undefined },
    cgroupLimits: {
      async apply({ id }, writes: readonly CgroupWrite[]) {
        expect(id).toBe("c1");
        applied.push(writes.map(({ file, value }) => `${file}=${value}`));
      },
    },
    unmanagedLimits,
    nri: withoutNri,
    log: pino({ level: "silent" }),
  });
  const update = (linux: object) =>
    handler(create(UpdateContainerResourcesRequestSchema, { containerId: "c1", linux }), {
      signal: new AbortController().signal,
    });
  return { update, applied, unified: () => unmanagedLimits.of(record).unified };
}

test("an update of other things writes again what was written before", async () => {
  const { update, applied, unified } = setUp();
  const written = { "memory.high": "4096", "memory.oom.group": "1" };
  await update({ unified: written });
  await update({ cpuShares: 512n });
  await update({ unified: { "memory.high": "8192" } });
  expect(applied).toEqual([
    ["memory.high=4096", "memory.oom.group=1"],
    ["memory.high=4096", "memory.oom.group=1"],
    ["memory.high=8192", "memory.oom.group=1"],
  ]);
  expect(unified()).toEqual({ ...written, "memory.high": "8192" });
});

test("swap is left to Docker where it limits memory, and is written again where it does not", async () => {
  for (const [hostConfig, again] of [
    [{ Memory: 4096, MemorySwap: 4096 }, []],
    [{ Memory: 0 }, ["memory.swap.max=0"]],
  ] as const) {
    const { update, applied } = setUp(hostConfig);
    await update({ unified: { "memory.swap.max": "0" } });
    await update({ cpuShares: 512n });
    expect(applied[1]).toEqual(again);
  }
});
