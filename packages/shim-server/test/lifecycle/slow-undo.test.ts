import { until } from "@dockershim/testing";
import { expect, test } from "@jest/globals";
import { openWorld, sandboxConfig } from "./world.js";

test("a sandbox whose network hangs as it is taken down is listed before that is over", async () => {
  const world = await openWorld();
  const plugin = Promise.withResolvers<void>();
  try {
    world.steps.plan("network ADD", { outcome: "lost" });
    world.steps.plan("network DEL", { before: () => plugin.promise });
    const call = world.calls.runPodSandbox({ config: sandboxConfig(world) });
    call.catch(() => undefined);
    await until(() => [...world.store.sandboxes()].length === 1);
    expect(world.steps.taken).toContain("network DEL");
    const [{ id } = { id: "" }] = world.store.sandboxes();
    expect(world.network.addresses(id)).toBeUndefined();
    plugin.resolve();
    await expect(call).rejects.toBeDefined();
    expect([...world.store.sandboxes()]).toEqual([]);
    expect(world.actual()).toEqual({});
  } finally {
    plugin.resolve();
    await world.close();
  }
});
