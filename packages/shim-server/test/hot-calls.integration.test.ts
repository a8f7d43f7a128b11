import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";
import { type BothWays, connectBothWays, type Runtime, testParity } from "./hot-parity.js";

describe("calls that are answered ahead of the RPC framework", () => {
  let h: Harness;
  let both: BothWays;
  let pod: { podSandboxId: string; containerId: string };

  beforeAll(async () => {
    h = await createHarness();
    both = connectBothWays((h.options.listen ?? "").replace("unix://", ""));
    pod = await h.runPod();
    await h.runPod();
  });
  afterAll(async () => {
    both.close();
    await h.close();
  });

  testParity(
    () => both,
    () => pod,
  );

  // Its figures move between two readings; all else is the same, field by field.
  test("ListContainerStats has the same containers and fields either way", async () => {
    const read = async (runtime: Runtime): Promise<unknown> => {
      const { stats } = await runtime.listContainerStats({});
      return stats.map((stat) => withoutFigures(stat));
    };
    const first = await read(both.hot);
    expect(first).toHaveLength(2);
    expect(await read(both.ordinary)).toEqual(first);
  });

  test("ListPodSandboxMetrics has the same pods, containers and samples either way", async () => {
    const read = async (runtime: Runtime): Promise<unknown[]> => {
      const { podMetrics } = await runtime.listPodSandboxMetrics({});
      return podMetrics.map((metrics) => withoutFigures(metrics));
    };
    const first = await read(both.hot);
    expect(first).toHaveLength(2);
    expect(await read(both.ordinary)).toEqual(first);
  });
});

/** A message with its numbers left out, all but the names of what is there. */
function withoutFigures(value: unknown): unknown {
  if (typeof value === "bigint" || typeof value === "number") return "figure";
  if (Array.isArray(value)) return value.map(withoutFigures);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, withoutFigures(of)]));
}

test("calls that run when the daemon is told to stop are finished, and later ones refused", async () => {
  const h = await createHarness();
  try {
    const { containerId } = await h.runPod();
    const slow = h.cri.runtime.execSync({
      containerId,
      cmd: ["sh", "-c", "sleep 1; echo done"],
      timeout: 10n,
    });
    // The exec runs for certain once a later call has been answered.
    await h.cri.runtime.containerStatus({ containerId });
    const stopped = h.stop();
    expect(new TextDecoder().decode((await slow).stdout)).toBe("done\n");
    await stopped;
    await expect(h.cri.runtime.version({})).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await h.restart();
  } finally {
    await h.close();
  }
});
