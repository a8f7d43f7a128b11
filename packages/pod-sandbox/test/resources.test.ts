import { describe, expect, test } from "@jest/globals";
import { type EngineFacts, planResources, planUpdate } from "../src/index.js";
import { newest, oldest, type resources, thrown, validResources } from "./configs.js";

type Init = Parameters<typeof resources>[0];

const plan = (init: Init, engine: EngineFacts = newest) =>
  planResources(validResources(init), engine);
const update = (init: Init, engine: EngineFacts = newest, current = {}) =>
  planUpdate({ resources: validResources(init), engine, current });
const mib = 1024n * 1024n;

describe("limits of a new container", () => {
  test("are none where CRI gives none", () => {
    const none = { fields: {}, cgroupWrites: [], warnings: [] };
    expect(planResources(undefined, newest)).toEqual(none);
    expect(plan({})).toEqual(none);
  });

  test("of CPU are Docker's", () => {
    const init = {
      ...{
        cpuShares: 512n,
        cpuPeriod: 100_000n,
        cpuQuota: -1n,
        cpusetCpus: "0-1",
        cpusetMems: "0",
      },
    };
    expect(plan(init).fields).toEqual({
      ...{ CpuShares: 512, CpuPeriod: 100_000, CpuQuota: -1, CpusetCpus: "0-1", CpusetMems: "0" },
    });
  });

  test.each<[string, Init, object]>([
    ["no swap by default", {}, { MemorySwap: 67108864 }],
    ["swap", { memorySwapLimitInBytes: 96n * mib }, { MemorySwap: 100663296 }],
    ["endless swap", { memorySwapLimitInBytes: -1n }, { MemorySwap: -1 }],
    ["no swap by file", { unified: { "memory.swap.max": "0" } }, { MemorySwap: 67108864 }],
    ["swap by file", { unified: { "memory.swap.max": "1048576" } }, { MemorySwap: 68157440 }],
    ["endless swap by file", { unified: { "memory.swap.max": "max" } }, { MemorySwap: -1 }],
    [
      "swap by file over the field",
      { unified: { "memory.swap.max": "0" }, memorySwapLimitInBytes: -1n },
      { MemorySwap: 67108864 },
    ],
  ])("of memory have %s", (_what, init, expected) => {
    const { fields, cgroupWrites } = plan({ memoryLimitInBytes: 64n * mib, ...(init as object) });
    expect(fields).toEqual({ Memory: 67108864, ...expected });
    expect(cgroupWrites).toEqual([]);
  });

  test("of -1 memory are none, since there is none to lift", () => {
    expect(plan({ memoryLimitInBytes: -1n }).fields).toEqual({});
  });

  test("beyond what Docker can count are the greatest it can", () => {
    const { Memory } = plan({ memoryLimitInBytes: 2n ** 63n - 1n }).fields;
    // Go's JSON reader must find an int64 here.
    expect(BigInt(JSON.stringify(Memory))).toBeLessThan(2n ** 63n);
  });

  test("of swap alone are refused, since Docker counts them with memory", () => {
    expect(thrown(() => plan({ memorySwapLimitInBytes: mib }))).toMatchObject({
      code: "invalid_argument",
      field: "config.linux.resources.memory_swap_limit_in_bytes",
    });
  });

  test("of pids come from unified", () => {
    expect(plan({ unified: { "pids.max": "100" } }).fields).toEqual({ PidsLimit: 100 });
    expect(plan({ unified: { "pids.max": "max" } }).fields).toEqual({ PidsLimit: -1 });
  });

  test("without an option are written to the cgroup", () => {
    const unified = {
      ...{ "memory.high": "1000", "memory.swap.max": "0", "io.max": "8:0 rbps=1", "pids.max": "?" },
    };
    expect(plan({ unified }).cgroupWrites).toEqual([
      { controller: "memory", file: "memory.high", value: "1000", required: true },
      { controller: "memory", file: "memory.swap.max", value: "0", required: true },
      { controller: "io", file: "io.max", value: "8:0 rbps=1", required: true },
      { controller: "pids", file: "pids.max", value: "?", required: true },
    ]);
  });

  test("that a new cgroup has anyway are not written: a kubelet with MemoryQoS names them", () => {
    const unified = { "memory.min": "0", "memory.low": "0", "memory.oom.group": "1" };
    const oomGroup = { controller: "memory", file: "memory.oom.group", value: "1", required: true };
    expect(plan({ unified }).cgroupWrites).toEqual([oomGroup]);
    expect(update({ unified }).cgroupWrites).toEqual([
      { controller: "memory", file: "memory.min", value: "0", required: true },
      { controller: "memory", file: "memory.low", value: "0", required: true },
      oomGroup,
    ]);
  });

  test("in unified are refused on cgroup v1", () => {
    expect(thrown(() => plan({ unified: { "memory.high": "1" } }, oldest))).toMatchObject({
      code: "failed_precondition",
      field: "config.linux.resources.unified",
    });
  });

  test("of hugepages are written to the cgroup, and a zero may fail", () => {
    const hugepageLimits = [
      { pageSize: "2MB", limit: 4n * mib },
      { pageSize: "1GB", limit: 0n },
    ];
    expect(plan({ hugepageLimits }).cgroupWrites).toEqual([
      { controller: "hugetlb", file: "hugetlb.2MB.max", value: "4194304", required: true },
      { controller: "hugetlb", file: "hugetlb.1GB.max", value: "0", required: false },
    ]);
    expect(plan({ hugepageLimits }, oldest).cgroupWrites[0]).toMatchObject({
      file: "hugetlb.2MB.limit_in_bytes",
    });
  });

  test("of oom_score_adj are raised to what the engine may set", () => {
    expect(plan({ oomScoreAdj: -997n }).fields).toEqual({ OomScoreAdj: -997 });
    expect(plan({ oomScoreAdj: 1000n }, { ...newest, minOomScoreAdj: 0 })).toMatchObject({
      fields: { OomScoreAdj: 1000 },
      warnings: [],
    });
    expect(plan({ oomScoreAdj: -997n }, { ...newest, minOomScoreAdj: 0 })).toMatchObject({
      fields: { OomScoreAdj: 0 },
      warnings: [expect.stringContaining("-997")],
    });
  });
});

describe("an update", () => {
  test("leaves alone what CRI leaves out", () => {
    expect(update({})).toEqual({ body: {}, cgroupWrites: [], warnings: [] });
  });

  test("changes CPU and memory, swap along with it", () => {
    const init = { cpuShares: 2n, cpuQuota: 20_000n, cpuPeriod: 100_000n, memoryLimitInBytes: mib };
    expect(update(init).body).toEqual({
      ...{ CpuShares: 2, CpuQuota: 20_000, CpuPeriod: 100_000 },
      ...{ Memory: 1048576, MemorySwap: 1048576 },
    });
  });

  test("lifts a memory limit with a number that Docker takes and the kernel reads as none", () => {
    const { Memory = 0, MemorySwap } = update({ memoryLimitInBytes: -1n }).body;
    expect(MemorySwap).toBe(Memory);
    const sent = BigInt(JSON.stringify(Memory));
    expect(sent).toBeLessThan(2n ** 63n);
    expect(sent / 4096n).toBe((2n ** 63n - 1n) / 4096n);
  });

  test("can change swap alone", () => {
    expect(update({ memorySwapLimitInBytes: mib }).body).toEqual({ MemorySwap: 1048576 });
    expect(update({ memorySwapLimitInBytes: -1n }).body).toEqual({ MemorySwap: -1 });
  });

  test("writes hugepages and unified, and sets pids", () => {
    const init = {
      hugepageLimits: [{ pageSize: "2MB", limit: 1n }],
      unified: { "pids.max": "9", "memory.swap.max": "5" },
    };
    expect(update(init)).toMatchObject({
      body: { PidsLimit: 9 },
      cgroupWrites: [{ file: "hugetlb.2MB.max" }, { file: "memory.swap.max", value: "5" }],
    });
  });

  test("says when it cannot change oom_score_adj", () => {
    expect(update({ oomScoreAdj: 5n }, newest, { OomScoreAdj: 5 }).warnings).toEqual([]);
    expect(update({ oomScoreAdj: 5n }, newest, { OomScoreAdj: 0 }).warnings).toHaveLength(1);
    const clamped = { ...newest, minOomScoreAdj: 0 };
    expect(update({ oomScoreAdj: -5n }, clamped, { OomScoreAdj: 0 }).warnings).toEqual([]);
    expect(update({ oomScoreAdj: 5n }, newest, { OomScoreAdj: null }).warnings).toEqual([]);
  });

  test("names fields as in the request", () => {
    expect(thrown(() => update({ unified: { "a.b": "" } }, oldest))).toMatchObject({
      field: "linux.unified",
    });
  });
});
