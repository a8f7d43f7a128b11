import { describe, expect, test } from "@jest/globals";
import { createRefreshQueue } from "../src/async/refresh-queue.js";

describe("refresh queue", () => {
  function gated() {
    const gates: (() => void)[] = [];
    const queue = createRefreshQueue(
      () => new Promise<void>((resolve) => void gates.push(resolve)),
    );
    return { queue, gates };
  }
  const tick = () => new Promise((resolve) => setImmediate(resolve));

  test("a call settles only after a read that began later than the call", async () => {
    const { queue, gates } = gated();
    const first = queue.refresh("a");
    let done = false;
    const second = queue.refresh("a").then(() => {
      done = true;
    });
    gates[0]?.();
    await first;
    await tick();
    expect(done).toBe(false);
    expect(gates).toHaveLength(2);
    gates[1]?.();
    await second;
  });

  test("calls that arrive while a read runs share the next one", async () => {
    const { queue, gates } = gated();
    const all = [queue.refresh("a"), ...Array.from({ length: 100 }, () => queue.refresh("a"))];
    gates[0]?.();
    await tick();
    gates[1]?.();
    await Promise.all(all);
    expect(gates).toHaveLength(2);
  });

  test("a failed read does not spoil the next one", async () => {
    let fail = true;
    const queue = createRefreshQueue(async () => {
      if (fail) throw new Error("down");
    });
    await expect(queue.refresh("a")).rejects.toThrow("down");
    fail = false;
    await queue.refresh("a");
  });

  test("keys are read side by side", () => {
    const { queue, gates } = gated();
    void queue.refresh("a");
    void queue.refresh("b");
    expect(gates).toHaveLength(2);
  });
});
