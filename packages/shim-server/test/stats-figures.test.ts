import { metricParts, type StatsPart } from "@dockershim/cgroups";
import { describe, expect, test } from "@jest/globals";
import { createCpuRates } from "../src/stats/cpu-rates.js";
import { addContainerSamples } from "../src/stats/metric-samples.js";
import type { AddSample } from "../src/stats/metrics-writer.js";
import { parseUpperDir } from "../src/stats/writable-layer.js";

const sample = (seconds: number, used: number) => ({
  monotonicNs: BigInt(seconds * 1e9),
  usageNs: BigInt(used * 1e9),
});

describe("the rate of processor use", () => {
  test("is that between two samples, in nanocores", () => {
    const rates = createCpuRates();
    expect(rates.rate("a", sample(10, 1))).toBeUndefined();
    expect(rates.rate("a", sample(20, 6))).toBe(500_000_000n);
    expect(rates.rate("a", sample(30, 6))).toBe(0n);
  });

  test("goes back over a second, so that readers do not cut each other's windows short", () => {
    const rates = createCpuRates();
    rates.begin("a", sample(0, 0));
    expect(rates.rate("a", sample(10, 10))).toBe(1_000_000_000n);
    // 0.1 s without use: alone it would read as an idle container.
    expect(rates.rate("a", sample(10.1, 10))).toBe(990_099_009n);
  });

  test("begins anew when the counter does, as after a restart", () => {
    const rates = createCpuRates();
    rates.begin("a", sample(0, 100));
    expect(rates.rate("a", sample(10, 1))).toBeUndefined();
    expect(rates.rate("a", sample(20, 2))).toBe(100_000_000n);
  });

  test("is forgotten with the container", () => {
    const rates = createCpuRates();
    rates.begin("a", sample(0, 0));
    rates.forget("a");
    expect(rates.rate("a", sample(10, 1))).toBeUndefined();
  });
});

describe("the upper directory of a container's root", () => {
  const line = (mountPoint: string, type: string, options: string) =>
    `600 500 0:50 / ${mountPoint} rw,relatime master:7 - ${type} ${type} ${options}`;

  test("is read from its mounts, octal escapes included", () => {
    const text = [
      line("/proc", "proc", "rw"),
      line("/", "overlay", "rw,lowerdir=/a:/b,upperdir=/data\\040root/1/fs,workdir=/w"),
      line("/mnt", "overlay", "rw,upperdir=/other"),
    ].join("\n");
    expect(parseUpperDir(text)).toBe("/data root/1/fs");
  });

  test("is not there without an overlay, or in one that is read-only", () => {
    expect(parseUpperDir(line("/", "ext4", "rw"))).toBeUndefined();
    expect(parseUpperDir(line("/", "overlay", "ro,lowerdir=/a:/b"))).toBeUndefined();
  });
});

describe("metrics of memory.events", () => {
  /** Of a container's reading that has nothing else in it. */
  function memoryEvents(counts: { failCount: bigint; highCount: bigint | undefined }) {
    const all: [name: string, value: bigint | undefined][] = [];
    const add: AddSample = (name, value) => void all.push([name, value]);
    const nothing = {
      maxUsageBytes: undefined,
      kernelBytes: undefined,
      oomKills: undefined,
      reservationBytes: undefined,
      memoryAndSwapLimitBytes: undefined,
    };
    const parts = Object.fromEntries(metricParts.map((part) => [part, undefined]));
    addContainerSamples(add, {
      stats: {
        ...(parts as Record<StatsPart, undefined>),
        timestampNs: 0n,
        memoryDetail: { ...nothing, ...counts },
      },
      counts: undefined,
      ulimits: undefined,
      layer: undefined,
      disk: undefined,
      startedAt: 0n,
      deviceName: () => undefined,
    });
    return all.filter(([name]) => name.startsWith("container_memory_events_"));
  }

  test("tell throttling and hits of the limit on cgroup v2", () => {
    expect(memoryEvents({ failCount: 84n, highCount: 4107n })).toEqual([
      ["container_memory_events_high_total", 4107n],
      ["container_memory_events_max_total", 84n],
    ]);
  });

  test("tell on cgroup v1, which does not throttle, that it never did", () => {
    expect(memoryEvents({ failCount: 2n, highCount: undefined })).toEqual([
      ["container_memory_events_high_total", 0n],
      ["container_memory_events_max_total", 2n],
    ]);
  });
});
