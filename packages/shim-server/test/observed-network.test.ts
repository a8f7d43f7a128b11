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

const pod = (pid: Promise<number>) =>
  ({ sandboxId: "id", pid }) as Parameters<PodNetwork["setUp"]>[0];

test("the work begins when the pod has a process, and is none when it never has", async () => {
  const told: string[] = [];
  const network: PodNetwork = {
    ...createNoNetwork(),
    setUp: async ({ pid }) => {
      await pid;
      told.push("set up");
      return [];
    },
  };
  const observed = observeNetwork(network, (command) => {
    told.push(`begin ${command}`);
    return () => told.push(`end ${command}`);
  });
  const { promise, resolve } = Promise.withResolvers<number>();
  const setUp = observed.setUp(pod(promise), signal);
  expect(told).toEqual([]);
  resolve(1);
  await setUp;
  expect(told.toSorted()).toEqual(["begin ADD", "end ADD", "set up"]);
  told.length = 0;
  await expect(observed.setUp(pod(Promise.reject(new Error("gone"))), signal)).rejects.toThrow(
    "gone",
  );
  expect(told).toEqual([]);
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
  await observed.setUp(pod(Promise.resolve(1)), signal);
  await expect(observed.tearDown("id", 1, signal)).rejects.toBe(failure);
  expect(ends).toEqual([
    ["ADD", undefined],
    ["DEL", failure],
  ]);
});
