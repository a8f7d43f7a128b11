import { expect, jest, test } from "@jest/globals";
import { observeNetwork } from "../src/network/observed-network.js";
import { createNoNetwork, type PodNetwork } from "../src/network/pod-network.js";

const { signal } = new AbortController();

test("StopPodSandbox learns from an observed network too that the namespace is held", async () => {
  const network: PodNetwork = {
    ...createNoNetwork(),
    tearDown: async (_id, _pid, _signal, onHeld) => onHeld?.(),
  };
  const onHeld = jest.fn();
  await observeNetwork(network, () => () => undefined).tearDown("id", 1, signal, onHeld);
  expect(onHeld).toHaveBeenCalledTimes(1);
});

test("the end of the work is reported, with the error of one that fails", async () => {
  const failure = new Error("plugin failed");
  const ends: unknown[] = [];
  const network: PodNetwork = {
    ...createNoNetwork(),
    tearDown: async () => {
      throw failure;
    },
  };
  const observed = observeNetwork(network, (command) => (err) => ends.push([command, err]));
  await observed.setUp({} as Parameters<PodNetwork["setUp"]>[0], signal);
  await expect(observed.tearDown("id", 1, signal)).rejects.toBe(failure);
  expect(ends).toEqual([
    ["ADD", undefined],
    ["DEL", failure],
  ]);
});
